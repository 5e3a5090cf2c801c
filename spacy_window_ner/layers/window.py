"""x = [x_{t−k}; …; x_t; …; x_{t+k}]: each word with its neighbours (seeds/000, "Simple NER").

Where the window reaches past the document stands a zero vector. In the gradient every word
gets its slice back from each window that it stands in, and the slices add up.

In training some neighbours can be left out of a window, whole words at a time, so that the network
learns not to need all of them.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model
from thinc.types import Ragged

from .dropout import draw_mask
from .to_numpy import NUMPY_OPS

InT = Ragged
OutT = Ragged


def Window(size: int, context_dropout: float = 0.0) -> Model[InT, OutT]:
    """Build the window layer.

    size (int): k, the number of neighbours on each side; 0 is the word by itself.
    context_dropout (float): The share of neighbours to leave out, from 0 to below 1. Off where
        spaCy's `drop` is 0.
    RETURNS (Model): Ragged (n, width) → Ragged (n, (2k + 1) · width), no parameters.
    RAISES (ValueError): If a setting is outside its range.
    """
    if not 0 <= context_dropout < 1:
        raise ValueError(f"context_dropout is a share, from 0 to below 1; got {context_dropout}.")
    if size != int(size) or size < 0:
        raise ValueError(
            f"window_size is the number of neighbours on each side of a word, "
            f"a whole number from 0 up; got {size}."
        )
    return Model(
        "window",
        forward,
        init=init,
        attrs={
            "window_size": int(size),
            "context_dropout": context_dropout,
            "dropout_rate": 0.0,
        },
        dims={"nO": None},
        ops=NUMPY_OPS,
    )


def forward(
    model: Model[InT, OutT], X: Ragged, is_train: bool
) -> tuple[Ragged, Callable[[Ragged], Ragged]]:
    """Put each row beside its neighbours.

    X (Ragged): Data (n, width), lengths (n_docs,).
    RETURNS: Ragged data (n, (2k + 1) · width), and the callback from its gradient to ∂J/∂X.
    """
    size = model.attrs["window_size"]
    n, width = X.data.shape
    where, n_padded = padded_positions(X.lengths, size)
    blocks = 2 * size + 1
    padded = np.zeros((n_padded, width), dtype=X.data.dtype)
    padded[where] = X.data
    windows = np.empty((n, blocks, width), dtype=X.data.dtype)
    for j in range(blocks):
        np.take(padded, where + (j - size), axis=0, out=windows[:, j])
    rate = context_rate(model) if is_train else 0.0
    factors = None
    if rate:
        factors = draw_mask((n, blocks, 1), rate, X.data.dtype)
        factors[:, size] = 1  # the word itself is always there
        windows *= factors

    def backprop(d_windows: Ragged) -> Ragged:
        d_blocks = d_windows.data.reshape(n, blocks, width)
        if factors is not None:
            d_blocks = d_blocks * factors
        d_padded = np.zeros_like(padded, dtype=d_blocks.dtype)
        for j in range(blocks):
            # Within one block every position is met once, so += adds each slice.
            d_padded[where + (j - size)] += d_blocks[:, j]
        return Ragged(d_padded[where], d_windows.lengths)

    return Ragged(windows.reshape(n, blocks * width), X.lengths), backprop


def context_rate(model: Model) -> float:
    """The share of neighbours to leave out now.

    model (Model): A layer with the attributes context_dropout and dropout_rate.
    RETURNS (float): 0 where spaCy's `drop` is 0.
    """
    return model.attrs["context_dropout"] if model.attrs["dropout_rate"] else 0.0


def padded_positions(lengths: NDArray[np.integer], size: int) -> tuple[NDArray[np.int64], int]:
    """Lay documents out with `size` empty rows before, between and behind them.

    lengths (ndarray): Shape (n_docs,), tokens of each document.
    size (int): k, the reach of the window.
    RETURNS: The row of each token in that layout (n_tokens,), and the number of rows.
    """
    document = np.repeat(np.arange(len(lengths)), lengths)
    where = np.arange(len(document)) + size * (document + 1)
    return where, len(document) + size * (len(lengths) + 1)


def init(model: Model[InT, OutT], X: Ragged | None = None, Y: Ragged | None = None) -> None:
    """Infer the width of the output from a sample X, data (n, width)."""
    if X is not None:
        model.set_dim("nO", X.data.shape[1] * (2 * model.attrs["window_size"] + 1))
