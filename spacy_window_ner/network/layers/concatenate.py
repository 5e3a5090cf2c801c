"""x = [x_1; x_2; …]: several vectors of the same lexemes side by side.

Each part gets its columns of the gradient back.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model
from thinc.types import Floats2d

from ..features import Lexemes
from .to_numpy import NUMPY_OPS

InT = Lexemes
OutT = Floats2d


def Concatenate(layers: Sequence[Model[InT, OutT]]) -> Model[InT, OutT]:
    """Build the concatenation of layers over lexemes.

    layers (Sequence[Model]): Layers from Lexemes (n) to (n, width of the layer).
    RETURNS (Model): Lexemes (n) → (n, sum of the widths), no parameters of its own.
    """
    return Model("concatenate", forward, init=init, layers=layers, dims={"nO": None}, ops=NUMPY_OPS)


def forward(
    model: Model[InT, OutT], lexemes: Lexemes, is_train: bool
) -> tuple[NDArray, Callable[[NDArray], NDArray]]:
    """Compute all parts and put them side by side.

    lexemes (Lexemes): n distinct lexemes.
    RETURNS: (n, nO), and the callback that hands its gradient (n, nO) to the parts. It returns an
        empty array, since ids have no gradient.
    """
    parts, callbacks = zip(*(layer(lexemes, is_train) for layer in model.layers), strict=True)
    borders = np.cumsum([part.shape[1] for part in parts])[:-1]

    def backprop(d_Y: NDArray) -> NDArray:
        for callback, d_part in zip(callbacks, np.split(d_Y, borders, axis=1), strict=True):
            callback(d_part)
        return np.zeros(0, dtype=d_Y.dtype)

    return np.concatenate(parts, axis=1), backprop


def init(model: Model[InT, OutT], X: Lexemes | None = None, Y: NDArray | None = None) -> None:
    """Initialize the parts with a sample X and add their widths up."""
    for layer in model.layers:
        layer.initialize(X=X)
    if all(layer.has_dim("nO") for layer in model.layers):
        model.set_dim("nO", sum(layer.get_dim("nO") for layer in model.layers))
