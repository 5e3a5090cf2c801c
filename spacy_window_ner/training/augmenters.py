"""An augmenter for lower-case and upper-case text, such as chats and headlines."""

import random
from collections.abc import Callable, Iterator

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

Augmenter = Callable[[Language, Example], Iterator[Example]]


def create_casing(lower: float = 0.0, upper: float = 0.0) -> Augmenter:
    """Make `spacy_window_ner.casing.v1`, an augmenter that replaces some documents by a lower-case
    or upper-case version.

    lower (float): The share of documents converted to lower case, drawn at random each time.
    upper (float): The share of documents converted to upper case.
    RETURNS (Callable): The augmenter.
    RAISES (ValueError): If a share is not from 0 to 1, or their sum is above 1.
    """
    if not (lower >= 0 and upper >= 0 and lower + upper <= 1):
        raise ValueError(
            f"lower and upper must be shares of documents with a sum of at most 1, got {lower} and "
            f"{upper}."
        )

    def augment(nlp: Language, example: Example) -> Iterator[Example]:
        drawn = random.random()
        if drawn < lower:
            yield in_case(example, str.lower)
        elif drawn < lower + upper:
            yield in_case(example, str.upper)
        else:
            yield example

    return augment


def in_case(example: Example, case: Callable[[str], str]) -> Example:
    """Change the case of an example, with the same tokens and the same annotation.

    example (Example): The example.
    case (Callable): Converts a word. A word is not changed if the result has a different length.
    RETURNS (Example): The new example.
    """
    annotation = example.to_dict()
    annotation["token_annotation"]["ORTH"] = _words(example.reference, case)
    predicted = Doc(
        example.predicted.vocab,
        words=_words(example.predicted, case),
        spaces=[bool(token.whitespace_) for token in example.predicted],
    )
    new = Example.from_dict(predicted, annotation)
    old, reference = example.reference, new.reference
    if old.has_annotation("ENT_IOB"):
        ents = [Span(reference, e.start, e.end, label=e.label, kb_id=e.kb_id) for e in old.ents]
        missing = np.flatnonzero(old.to_array("ENT_IOB") == 0).tolist()
        reference.set_ents(ents, missing=[reference[i : i + 1] for i in missing])
    return new


def _words(doc: Doc, case: Callable[[str], str]) -> list[str]:
    words = [token.text for token in doc]
    return [new if len(new := case(word)) == len(word) else word for word in words]
