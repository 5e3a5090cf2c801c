"""What stands around the same word everywhere in the document, beside the window.

A name that is hard to tell in one sentence is often plain in another (Krishnan and Manning 2006;
Ratinov and Roth 2009, section 5, "context aggregation"). So three more blocks join the window: the
mean of the left neighbour, of the word itself and of the right neighbour over all places in the
document where the same word stands; zero where it stands once.

With c > 1 places of the word, the mean is M x with M_tt' = 1 / c for two places of one word. M is
symmetric, so ∂J/∂x = M ∂J/∂(Mx): the gradient takes the same sums. They are sums over groups, so
the time is linear in the number of tokens. The places of a word share one mean, so that products
with it are computed once for each word.

In training these blocks can be left out for some words, see `window`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import NORM
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Ragged

from ..features import FOLD, Tokens, group
from ..steps import document_edges
from .dropout import draw_mask
from .embedding import add_rows
from .to_numpy import NUMPY_OPS
from .window import context_rate

InT = list[Doc]
OutT = Ragged

BLOCKS = 3


def WithDocument(
    vectors: Model[InT, Ragged], window: Model[Ragged, Ragged], context_dropout: float = 0.0
) -> Model[InT, OutT]:
    """Build the layer that puts the document's blocks beside the window.

    vectors (Model): From a list of Docs to Ragged token vectors (n, width).
    window (Model): From these to Ragged windows (n, n_blocks · width).
    context_dropout (float): The share of words to leave the document's blocks out for, from 0 to
        below 1. Off where spaCy's `drop` is 0.
    RETURNS (Model): List of Docs → Ragged (n, (n_blocks + 3) · width), no parameters of its own.
    """
    return Model(
        "with_document",
        forward,
        init=init,
        layers=[vectors, window],
        dims={"nO": None},
        attrs={"context_dropout": context_dropout, "dropout_rate": 0.0},
        ops=NUMPY_OPS,
    )


def forward(
    model: Model[InT, OutT], docs: InT, is_train: bool
) -> tuple[Ragged, Callable[[Ragged], InT]]:
    """Compute windows and the document's blocks.

    docs (List[Doc]): The documents.
    RETURNS: Ragged data (n, (n_blocks + 3) · width), and the callback that takes its gradient. It
        returns an empty list, since documents have no gradient.
    """
    vectors, window = model.layers
    X, backprop_vectors = vectors(docs, is_train)
    windows, backprop_window = window(X, is_train)
    border = windows.data.shape[1]
    words = same_words(docs)
    first, last = document_edges(X.lengths)
    before, after = _shifted(X.data, 1, first), _shifted(X.data, -1, last)
    means = mean_of_places(np.concatenate([before, X.data, after], axis=1), words)
    rate = context_rate(model) if is_train else 0.0
    factors = None
    if rate:
        factors = draw_mask((len(means), 1), rate, means.dtype)
        means *= factors

    def backprop(d_Y: Ragged) -> InT:
        d_X = backprop_window(Ragged(d_Y.data[:, :border], d_Y.lengths)).data
        d_means = d_Y.data[:, border:]
        if factors is not None:
            d_means = d_means * factors
        d_means = mean_of_places(d_means, words)
        d_before, d_here, d_after = np.split(d_means, BLOCKS, axis=1)
        d_before[first] = 0
        d_after[last] = 0
        d_X += d_here
        d_X[:-1] += d_before[1:]
        d_X[1:] += d_after[:-1]
        return backprop_vectors(Ragged(d_X, d_Y.lengths))

    return Ragged(np.concatenate([windows.data, means], axis=1), X.lengths), backprop


def same_words(docs: Sequence[Doc]) -> NDArray[np.int64]:
    """Number the words of each document: the same number for the same NORM in the same document.

    docs (Sequence[Doc]): The documents.
    RETURNS (ndarray): Shape (n_tokens,), from 0 up.
    """
    norms = [doc.to_array(NORM) for doc in docs]
    _, words = np.unique(np.concatenate([*norms, np.zeros(0, np.uint64)]), return_inverse=True)
    document = np.repeat(np.arange(len(docs)), [len(doc) for doc in docs])
    pairs = document * (words.max(initial=0) + 1) + words
    return np.unique(pairs, return_inverse=True)[1].reshape(-1)


@dataclass(frozen=True)
class Repeated:
    """The words that stand in their document repeatedly.

    tokens (ndarray): Shape (n,), their tokens, ascending.
    groups (ndarray): Shape (n,), the same number for the same word of one document, from 0 up.
    counts (ndarray): Shape (n_groups,) float32, in how many places each stands.
    order (ndarray): Shape (n,), the tokens in the order of their groups.
    """

    tokens: NDArray[np.int64]
    groups: NDArray[np.int64]
    counts: NDArray[np.float32]
    order: NDArray[np.int64]

    @classmethod
    def of(cls, tokens: Tokens) -> "Repeated":
        """Find them.

        tokens (Tokens): The tokens of a batch.
        RETURNS (Repeated): Those whose NORM stands elsewhere in their document too.
        """
        document = np.repeat(np.arange(len(tokens.lengths), dtype=np.uint64), tokens.lengths)
        # One number for each word of each document: hashes of 64 bits, as norms are already.
        keys = tokens.norms[tokens.tokens] + document * FOLD
        _, words, order, starts = group(keys)
        counts = np.diff(starts, append=len(keys))
        repeated = counts > 1
        which = np.flatnonzero(repeated[words])
        groups = (np.cumsum(repeated) - 1)[words[which]]
        places = order[np.repeat(repeated, counts)]
        return cls(which, groups, counts[repeated].astype(np.float32), places)

    def within(self, start: int, stop: int) -> slice:
        """Which of them are in a chunk.

        start (int): The first token of the chunk.
        stop (int): The token behind its last.
        RETURNS (slice): Places in `tokens` and `groups`.
        """
        return slice(*np.searchsorted(self.tokens, [start, stop]).tolist())


def mean_of_places(X: NDArray, words: NDArray[np.int64]) -> NDArray:
    """The mean of each row's group.

    X (ndarray): Shape (n, width).
    words (ndarray): Shape (n,), the group of each row, from 0 up.
    RETURNS (ndarray): Shape (n, width), zero where a group has one row only.
    """
    counts = np.bincount(words)
    means = np.zeros((len(counts), X.shape[1]), dtype=X.dtype)
    add_rows(means, words, X)
    means /= np.maximum(counts, 1).astype(X.dtype)[:, None]
    means[counts == 1] = 0
    return np.take(means, words, axis=0)


def _shifted(X: NDArray, by: int, edges: NDArray[np.int64]) -> NDArray:
    """Row t of the result is row t − by of X, and zero at the edges of documents."""
    Y = np.roll(X, by, axis=0)
    Y[edges] = 0
    return Y


def init(model: Model[InT, OutT], X: InT | None = None, Y: Ragged | None = None) -> None:
    """Initialize both layers with sample documents X, and add the widths up."""
    vectors, window = model.layers
    vectors.initialize(X=X)
    sample = vectors.predict(X) if X else None
    window.initialize(X=sample)
    if sample is not None:
        model.set_dim("nO", window.get_dim("nO") + BLOCKS * sample.data.shape[1])
