"""Dropout (Srivastava et al. 2014): zero a fraction of the values, scale the others up.

h = x ∘ m with m fixed before the step, so ∂J/∂x = ∂J/∂h ∘ m.
"""

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
    # Sixteen random bits take half the time of a number from 0 to 1, and meet the rate to 1/65536.
    drawn = np.frombuffer(np.random.bytes(2 * X.size), dtype="<u2").reshape(X.shape)
    mask = (drawn >= round(rate * 2**16)).astype(X.dtype)
    mask /= max(1 - rate, np.finfo("f").tiny)  # at a rate of 1 all values are dropped
    return X * mask, lambda d_Y: d_Y * mask
