"""What is said where a trained network gives scores with which nothing can be computed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from spacy.tokens import Doc

from ..sequences.batching import ScoresError

# How many words of a document a message has.
FIRST_WORDS = 8


@contextmanager
def naming_documents(docs: Sequence[Doc], name: str) -> Iterator[None]:
    """Inside, errors say which document it is, and what may be wrong where nothing is trained.

    docs (Sequence[Doc]): The batch.
    name (str): Name of the component.
    RAISES (ValueError): In the place of a `ScoresError`.
    """
    try:
        yield
    except ScoresError as error:
        where = "The network" if error.document is None else _describe(docs, error.document)
        raise ValueError(
            f"[{name}] {where} {error.fact}. The parameters of the network are damaged, or were "
            f"changed, or saved when training had diverged; or the pipeline has other word "
            f"vectors than those it was trained with, with values that are too large. Load the "
            f"pipeline again from the files that training saved, and keep its vectors."
        ) from error


def _describe(docs: Sequence[Doc], number: int) -> str:
    doc = docs[number]
    more = " …" if len(doc) > FIRST_WORDS else ""
    return f"Document {number} of the batch ({doc[:FIRST_WORDS].text + more!r})"
