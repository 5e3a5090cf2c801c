"""z = Wx + b, and its gradients (`docs/mathematics.md`, sections 3 and 4).

    ∂J/∂W = δ xᵀ      ∂J/∂b = δ      ∂J/∂x = Wᵀ δ          with δ = ∂J/∂z

Each row of X is one x, so Z = X Wᵀ + b.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model, glorot_uniform_init, zero_init
from thinc.types import Floats2d

from .to_numpy import NUMPY_OPS

InT = Floats2d
OutT = Floats2d


def Affine(nO: int | None = None, nI: int | None = None) -> Model[InT, OutT]:
    """Build the affine layer.

    nO (Optional[int]): Width of the output; inferred from the sample if None.
    nI (Optional[int]): Width of the input; inferred from the sample if None.
    RETURNS (Model): (n, nI) → (n, nO), with parameters W (nO, nI) and b (nO,).
    """
    return Model(
        "affine",
        forward,
        init=init,
        dims={"nO": nO, "nI": nI},
        params={"W": None, "b": None},
        ops=NUMPY_OPS,
    )


def forward(
    model: Model[InT, OutT], X: NDArray, is_train: bool
) -> tuple[NDArray, Callable[[NDArray], NDArray]]:
    """Compute Z = X Wᵀ + b.

    X (ndarray): Shape (n, nI).
    RETURNS: Z (n, nO), and the callback from δ = ∂J/∂Z (n, nO) to ∂J/∂X (n, nI).
    """
    W = model.get_param("W")
    Z = X @ W.T
    Z += model.get_param("b")

    def backprop(delta: NDArray) -> NDArray:
        model.inc_grad("W", delta.T @ X)
        model.inc_grad("b", delta.sum(axis=0))
        return delta @ W

    return Z, backprop


def init(model: Model[InT, OutT], X: NDArray | None = None, Y: NDArray | None = None) -> None:
    """Infer the widths from samples X (n, nI) and Y (n, nO), and draw W; b is zero."""
    if X is not None:
        model.set_dim("nI", X.shape[1])
    if Y is not None:
        model.set_dim("nO", Y.shape[1])
    shape = (model.get_dim("nO"), model.get_dim("nI"))
    model.set_param("W", glorot_uniform_init(model.ops, shape))
    model.set_param("b", zero_init(model.ops, shape[:1]))


def resize_affine(model: Model[InT, OutT], nO: int) -> Model[InT, OutT]:
    """Make a layer with more outputs: the old ones, then new ones with zero weights and bias.

    It is a new layer, because an optimizer keeps state of the shape of each layer's parameters.

    model (Model): An initialized affine layer.
    nO (int): The number of outputs, not below the old one.
    RETURNS (Model): The larger layer.
    """
    W, b = model.get_param("W"), model.get_param("b")
    added = nO - len(b)
    larger = Affine(nO, model.get_dim("nI"))
    larger.set_param("W", np.pad(W, ((0, added), (0, 0))))
    larger.set_param("b", np.pad(b, (0, added)))
    return larger
