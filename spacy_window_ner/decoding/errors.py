"""What is said where a trained network gives scores with which nothing can be computed."""

from collections.abc import Sequence

from spacy.tokens import Doc

from ..sequences.batching import ScoresError

# How many words of a document a message has.
FIRST_WORDS = 8


def prediction_error(error: ScoresError, docs: Sequence[Doc], name: str) -> ValueError:
    """Say which document it is, and what may be wrong where nothing is trained.

    error (ScoresError): What is wrong.
    docs (Sequence[Doc]): The batch.
    name (str): Name of the component.
    RETURNS (ValueError): The error to raise.
    """
    where = "The network"
    if error.document is not None:
        doc = docs[error.document]
        more = " …" if len(doc) > FIRST_WORDS else ""
        where = f"Document {error.document} of the batch ({doc[:FIRST_WORDS].text + more!r})"
    return ValueError(
        f"[{name}] {where} {error.fact}. The parameters of the network are damaged, or were "
        f"changed, or saved when training had diverged; or the pipeline has other word "
        f"vectors than those it was trained with, with values that are too large. Load the "
        f"pipeline again from the files that training saved, and keep its vectors."
    )
