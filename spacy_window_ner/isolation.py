"""Runs a pipeline on texts in isolation: an error in one text does not affect other texts, and
results do not depend, not even in the last digit, on texts that were processed before.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from spacy.language import Language
from spacy.tokens import Doc

from .component import WindowNER

Content = tuple[str | Doc, int]
OnDoc = Callable[[int, Doc], object]
T = TypeVar("T")


def annotate_each(
    nlp: Language, contents: Sequence[Content], on_doc: OnDoc, batch_size: int | None = None
) -> dict[int, str]:
    """Annotate texts, and pair each document with its number.

    nlp (Language): The pipeline.
    contents (Sequence[Tuple[Union[str, Doc], int]]): Texts, or documents, which are not changed,
        each with a unique number.
    on_doc (Callable): Called with the number and the annotated document.
    batch_size (Optional[int]): As in `nlp.pipe`; the pipeline's own if None.
    RETURNS (Dict[int, str]): The errors by number, for texts without a document.
    """
    done: set[int] = set()
    errors: dict[int, str] = {}
    _annotate(nlp, contents, on_doc, batch_size or nlp.batch_size, done, errors)
    return errors


def _annotate(
    nlp: Language,
    contents: Sequence[Content],
    on_doc: OnDoc,
    batch_size: int,
    done: set[int],
    errors: dict[int, str],
) -> None:
    # A failed attempt may leave annotation in a document.
    fresh = ((one.copy() if isinstance(one, Doc) else one, number) for one, number in contents)
    try:
        for doc, number in nlp.pipe(fresh, as_tuples=True, batch_size=batch_size):
            on_doc(number, doc)
            done.add(number)
    except Exception as error:
        failed = f"{type(error).__name__}: {error}"
    else:
        # A pipeline's own error handler may leave documents out.
        lost = (number for _, number in contents if number not in done)
        errors.update(dict.fromkeys(lost, "the pipeline did not return a document"))
        return
    left = [content for content in contents if content[1] not in done]
    if len(left) == 1:
        errors[left[0][1]] = failed
        return
    # The failing one is among the next texts that the components read together.
    half = max(1, min(len(left), batch_size) // 2)
    for part in (left[:half], left[half:]):
        if part:
            _annotate(nlp, part, on_doc, min(batch_size, half), done, errors)


def forget(nlp: Language) -> None:
    """Clear the cached products of each window_ner in a pipeline. The last digit of a probability
    depends on them, and so on the texts that were processed before.

    nlp (Language): The pipeline.
    """
    for _, pipe in nlp.pipeline:
        if isinstance(pipe, WindowNER):
            pipe.model.get_ref("hidden").attrs["cache"].release()


def in_memory_zone(nlp: Language, answer: Callable[[], T]) -> T:
    """Call a function in a memory zone, so that the vocabulary does not grow. Exceptions are raised
    after the end of the zone, since spaCy would leave it open, and without their traceback, whose
    frames hold documents.

    nlp (Language): The pipeline.
    answer (Callable): The function.
    RETURNS (Any): Its return value.
    """
    found, failed = None, None
    with nlp.memory_zone():
        try:
            found = answer()
        except Exception as error:
            failed = error.with_traceback(None)
    if failed is not None:
        raise failed
    return found  # type: ignore[return-value]
