"""y = g ∘ n + b with n = (x − μ) / σ: each row gets mean 0 and variance 1, then g and b are applied
(Ba et al. 2016, section 3).

μ and σ depend on the row too, so two means are subtracted from the gradient d = ∂J/∂y ∘ g of n:

    ∂J/∂x = (d − mean(d) − n mean(d ∘ n)) / σ      ∂J/∂g = Σ ∂J/∂y ∘ n      ∂J/∂b = Σ ∂J/∂y
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model
from thinc.types import Floats2d

from .to_numpy import NUMPY_OPS

InT = Floats2d
OutT = Floats2d

# Added to the variance, so that a constant row does not divide by zero.
EPSILON = 1e-5


def LayerNorm(nO: int) -> Model[InT, OutT]:
    """Build the layer.

    nO (int): Width of input and output.
    RETURNS (Model): (n, nO) → (n, nO), with the parameters g (nO,) and b (nO,).
    """
    params = {"g": None, "b": None}
    return Model("layer_norm", forward, init=init, dims={"nO": nO}, params=params, ops=NUMPY_OPS)


def forward(
    model: Model[InT, OutT], X: NDArray, is_train: bool
) -> tuple[NDArray, Callable[[NDArray], NDArray]]:
    """Normalize each row.

    X (ndarray): Shape (n, nO).
    RETURNS: Y (n, nO), and the callback from ∂J/∂Y to ∂J/∂X, both (n, nO).
    """
    g = model.get_param("g")
    N = X - X.mean(axis=1, keepdims=True)
    sigma = np.sqrt((N * N).mean(axis=1, keepdims=True) + X.dtype.type(EPSILON))
    N /= sigma

    def backprop(d_Y: NDArray) -> NDArray:
        model.inc_grad("g", (d_Y * N).sum(axis=0))
        model.inc_grad("b", d_Y.sum(axis=0))
        d_N = d_Y * g
        d_X = d_N - d_N.mean(axis=1, keepdims=True)
        d_X -= N * (d_N * N).mean(axis=1, keepdims=True)
        d_X /= sigma
        return d_X

    return N * g + model.get_param("b"), backprop


def init(model: Model[InT, OutT], X: NDArray | None = None, Y: NDArray | None = None) -> None:
    """Set g to one and b to zero."""
    nO = model.get_dim("nO")
    model.set_param("g", np.ones(nO, dtype="f"))
    model.set_param("b", np.zeros(nO, dtype="f"))
