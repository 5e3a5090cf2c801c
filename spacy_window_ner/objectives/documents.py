"""Choose documents of a flat batch."""

import numpy as np
from numpy.typing import NDArray


def documents_with(tokens: NDArray[np.bool_], lengths: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Find the documents in which some token is marked.

    tokens (ndarray): Shape (n_tokens,) bool.
    lengths (ndarray): Shape (n_docs,).
    RETURNS (ndarray): Shape (n_docs,) bool.
    """
    document = np.repeat(np.arange(len(lengths)), lengths)
    return np.bincount(document[tokens], minlength=len(lengths)) > 0


def select_documents(
    documents: NDArray[np.bool_], lengths: NDArray[np.integer]
) -> NDArray[np.int64]:
    """List the tokens of some documents.

    documents (ndarray): Shape (n_docs,) bool.
    lengths (ndarray): Shape (n_docs,).
    RETURNS (ndarray): Shape (n_selected_tokens,), in the order of the batch.
    """
    return np.flatnonzero(np.repeat(documents, lengths))
