"""The document's context: the mean of z over all places of the same word in the document.

A name that is hard to recognize in one sentence is often plain in another (Krishnan and Manning
2006; Ratinov and Roth 2009, section 5, "context aggregation"). So a small window layer is averaged
over the places of each word, and the mean is added to z at each of them; zero for a word that
occurs once in its document.

With c > 1 places of the word, the mean is M y with M_tt′ = 1 / c for two places of one word. M is
its own transpose, so ∂J/∂y = M ∂J/∂(M y): the gradient is averaged in the same way. The means are
sums over groups, so the time is linear in the number of tokens.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model
from thinc.types import Floats2d

from ..features import FOLD
from .dropout import context_rate, kept, scale_of_kept
from .rows import add_rows
from .to_numpy import NUMPY_OPS
from .window_affine import Windows

InT = Windows
OutT = Floats2d


def SameWordMean(layer: Model[InT, OutT], context_dropout: float = 0.0) -> Model[InT, OutT]:
    """Build the layer around a layer over windows.

    layer (Model): Windows (n_tokens) → (n_tokens, nO).
    context_dropout (float): The share of tokens to leave the mean out for in training, from 0 to
        below 1. Off where spaCy's `drop` is 0.
    RETURNS (Model): Windows (n_tokens) → (n_tokens, nO), no parameters of its own.
    """
    return Model(
        "same_word_mean",
        forward,
        init=init,
        layers=[layer],
        attrs={"context_dropout": context_dropout, "dropout_rate": 0.0},
        ops=NUMPY_OPS,
    )


def forward(
    model: Model[InT, OutT], X: Windows, is_train: bool
) -> tuple[NDArray, Callable[[NDArray], NDArray]]:
    """Average over the places of each word.

    X (Windows): The windows of n_tokens tokens.
    RETURNS: The means (n_tokens, nO), and the callback from their gradient (n_tokens, nO) to
        ∂J/∂V (n_rows, width).
    """
    words = RepeatedWords.of(X.norms, X.lengths)
    Y, backprop_layer = model.layers[0](X.at(words.tokens), is_train)
    factors = np.ones((len(words.tokens), 1), dtype=Y.dtype)
    rate = context_rate(model) if is_train else 0.0
    if rate:
        factors *= kept(factors.shape, rate) * scale_of_kept(rate)
    Z = np.zeros((len(X.norms), Y.shape[1]), dtype=Y.dtype)
    Z[words.tokens] = words.means([Y])[words.groups] * factors

    def backprop(d_Z: NDArray) -> NDArray:
        return backprop_layer(words.means([d_Z[words.tokens] * factors])[words.groups])

    return Z, backprop


@dataclass(frozen=True)
class RepeatedWords:
    """The words that occur repeatedly in their document.

    tokens (ndarray): Shape (n,) int64, their tokens, ascending.
    groups (ndarray): Shape (n,) int64, the same number for the same word of one document.
    counts (ndarray): Shape (n_groups,) int64, the number of places of each, 2 or more.
    """

    tokens: NDArray[np.int64]
    groups: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, norms: NDArray[np.uint64], lengths: NDArray[np.integer]) -> "RepeatedWords":
        """Find them.

        norms (ndarray): Shape (n_tokens,), the NORM of each token.
        lengths (ndarray): Shape (n_docs,), the number of tokens of each document.
        RETURNS (RepeatedWords): The words whose NORM occurs elsewhere in their document too.
        """
        document = np.repeat(np.arange(len(lengths), dtype=np.uint64), lengths)
        # One 64-bit hash for each word of each document, as norms are hashes already.
        hashes = norms + document * FOLD
        _, words, counts = np.unique(hashes, return_inverse=True, return_counts=True)
        repeated = counts > 1
        tokens = np.flatnonzero(repeated[words])
        groups = (np.cumsum(repeated) - 1)[words[tokens]]
        return cls(tokens, groups, counts[repeated])

    def means(self, chunks: Iterable[NDArray]) -> NDArray:
        """The mean of each group.

        chunks (Iterable[ndarray]): Rows of width values for `tokens`, in one array (n, width) or
            in several that follow each other.
        RETURNS (ndarray): Shape (n_groups, width).
        """
        start, sums = 0, np.zeros((0, 0), dtype="f")
        for Y in chunks:
            if not start:
                sums = np.zeros((len(self.counts), Y.shape[1]), dtype=Y.dtype)
            add_rows(sums, self.groups[start : start + len(Y)], Y)
            start += len(Y)
        sums /= self.counts.astype(sums.dtype)[:, None]
        return sums


def init(model: Model[InT, OutT], X: Windows | None = None, Y: NDArray | None = None) -> None:
    """Initialize the inner layer with a sample X."""
    model.layers[0].initialize(X=X)
