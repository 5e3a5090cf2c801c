"""The document's context: the mean of z over all places of the same word in the document.

A name that is hard to recognize in one sentence is often plain in another (Krishnan and Manning
2006; Ratinov and Roth 2009, section 5, "context aggregation"). So a small window layer is averaged
over the places of each word, and the mean is added to z at each of them; zero for a word that
occurs once in its document.

The layer is affine, so that the mean of its outputs is its output for the mean of the windows: one
product for each word that is repeated. With c > 1 places of the word, the mean is M y with
M_tt′ = 1 / c for two places of one word. M is its own transpose, so ∂J/∂y = M ∂J/∂(M y): the
gradient is averaged in the same way. The means are sums over groups, so the time is linear in the
number of tokens.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model

from ..features import FOLD, Tokens
from .dropout import draw_mask
from .rows import Term, add_rows
from .to_numpy import NUMPY_OPS
from .token_vectors import Batch
from .window_affine import Windows

InT = Batch
OutT = Term


def SameWordMean(layer: Model[Windows, NDArray], context_dropout: float = 0.0) -> Model[InT, OutT]:
    """Build the layer around a layer over windows.

    layer (Model): A layer of `WindowAffine` without dropout.
    context_dropout (float): The share of tokens to leave the mean out for in training, from 0 to
        below 1. Off where spaCy's `drop` is 0.
    RETURNS (Model): Batch → Term (n_tokens, nO), no parameters of its own.
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
    model: Model[InT, OutT], batch: Batch, is_train: bool
) -> tuple[Term, Callable[[NDArray], NDArray]]:
    """Average over the places of each word.

    batch (Batch): A batch of n_tokens tokens.
    RETURNS: The means as a term of z, and the callback from the gradient of z (n_tokens, nO) to
        ∂J/∂V (n_rows, width).
    """
    layer, n = model.layers[0], len(batch.tokens.keys)
    size, dtype = layer.attrs["window_size"], layer.get_param("W").dtype
    tokens, groups, counts = repeated_words(batch.tokens)
    sums = np.zeros((len(counts), layer.get_dim("nI")), dtype=dtype)
    for part in batch.parts():
        some = slice(*tokens.searchsorted((part.start, part.stop)))
        windows = batch.at(part)
        neighbors = windows.within(size)[tokens[some] - part.start]
        vectors = windows.vectors.take(neighbors, axis=0)
        add_rows(sums, groups[some], vectors.reshape(-1, sums.shape[1]))
    shares = 1 / counts.astype(dtype)[:, None]
    sums *= shares
    means, backprop_means = layer(sums, is_train)
    rate = model.attrs["context_dropout"]
    drops = is_train and model.attrs["dropout_rate"] and rate
    if drops:
        factors = draw_mask((len(tokens), 1), rate) * means.dtype.type(1 / (1 - rate))

    def backprop(d_Z: NDArray) -> NDArray:
        d_means = np.zeros_like(means)
        add_rows(d_means, groups, d_Z[tokens] * factors if drops else d_Z[tokens])
        d_windows = backprop_means(d_means) * shares
        d_vectors = np.zeros(windows.vectors.shape, dtype=d_means.dtype)
        for place, d_place in zip(neighbors.T, np.hsplit(d_windows, 2 * size + 1), strict=True):
            add_rows(d_vectors, place, d_place[groups])
        return d_vectors

    if not drops:
        return Term(tokens, groups, means, n), backprop
    return Term(tokens, np.arange(len(tokens)), means[groups] * factors, n), backprop


def repeated_words(
    tokens: Tokens,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Find the words whose NORM occurs elsewhere in their document too.

    tokens (Tokens): The tokens of a batch.
    RETURNS (Tuple[ndarray, ndarray, ndarray]): The tokens of these words (n,), ascending; the same
        number for the same word of one document (n,); and the number of places of each of these
        words (n_groups,), 2 or more.
    """
    hashes = tokens.norms
    if len(tokens.lengths) > 1:  # one 64-bit hash for each word of each document
        document = np.arange(len(tokens.lengths), dtype=np.uint64).repeat(tokens.lengths)
        hashes = hashes + document * FOLD
    order = hashes.argsort()
    ordered = hashes[order]
    # Whether a place of the order has the word of the one before it.
    again = np.zeros(len(order) + 1, dtype=bool)
    np.equal(ordered[1:], ordered[:-1], out=again[1:-1])
    again, next_again = again[:-1], again[1:]
    group = np.full(len(order), -1)
    is_repeated = again | next_again
    group[order[is_repeated]] = (next_again & ~again).cumsum()[is_repeated] - 1
    repeated = (group >= 0).nonzero()[0]
    groups = group[repeated]
    return repeated, groups, np.bincount(groups)


def init(model: Model[InT, OutT], X: Batch | None = None, Y: Term | None = None) -> None:
    """Initialize the inner layer with a sample X that has windows."""
    model.layers[0].initialize(X=X and X.windows)
