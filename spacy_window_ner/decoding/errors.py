"""The error message for invalid scores of a trained network."""

from collections.abc import Sequence

from spacy.tokens import Doc

from ..sequences.batching import ScoresError

# How many words of a document a message has.
FIRST_WORDS = 8


def prediction_error(error: ScoresError, docs: Sequence[Doc], name: str) -> ValueError:
    """Describe the document with invalid scores, and possible causes during prediction.

    error (ScoresError): The error.
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
        f"[{name}] {where} {error.fact}. Either the parameters of the network are damaged or were "
        f"saved after training had diverged, or the pipeline has different word vectors than it "
        f"was trained with. Load the pipeline again from the files that training saved, and do "
        f"not replace its vectors."
    )
