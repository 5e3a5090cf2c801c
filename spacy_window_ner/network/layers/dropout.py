"""Dropout (Srivastava et al. 2014): zero a fraction of the values, scale the others up.

h = x ∘ m with m fixed before the step, so ∂J/∂x = ∂J/∂h ∘ m.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model
from thinc.types import Floats2d

from .to_numpy import NUMPY_OPS

InT = Floats2d
OutT = Floats2d


def Dropout() -> Model[InT, OutT]:
    """Build the dropout layer. Its rate is spaCy's `drop`, given by `set_dropout_rate`.

    RETURNS (Model): (n, width) → (n, width), no parameters.
    """
    return Model("dropout", forward, attrs={"dropout_rate": 0.0}, ops=NUMPY_OPS)


def forward(
    model: Model[InT, OutT], X: NDArray, is_train: bool
) -> tuple[NDArray, Callable[[NDArray], NDArray]]:
    """Drop values in training; pass everything in prediction.

    X (ndarray): Shape (n, width).
    RETURNS: The output (n, width), and the callback from its gradient to ∂J/∂X, both (n, width).
    """
    rate = model.attrs["dropout_rate"]
    if not is_train or not rate:
        return X, lambda d_Y: d_Y
    # What is kept grows, so that sums stay the same on average; at a rate of 1 all is dropped.
    mask = draw_mask(X.shape, rate) * X.dtype.type(1 / max(1 - rate, 1e-30))
    return X * mask, lambda d_Y: d_Y * mask


def draw_mask(shape: tuple[int, ...], rate: float) -> NDArray[np.bool_]:
    """Draw what is not dropped.

    shape (Tuple[int, ...]): The shape of what is dropped from.
    rate (float): The share that is dropped, from 0 to 1.
    RETURNS (ndarray): That shape, bool.
    """
    # Sixteen random bits take half the time of a number from 0 to 1, and meet the rate to 1/65536.
    drawn = np.frombuffer(np.random.bytes(2 * math.prod(shape)), dtype="<u2").reshape(shape)
    return drawn >= round(rate * 2**16)
