"""h = f(z), f elementwise, and its gradient (`docs/mathematics.md`, section 3).

The Jacobian ∂h/∂z is diag(f′(z)), so the downstream gradient is δ = ∂J/∂h ∘ f′(z).
Each f′ is written in terms of h, which the forward pass has already computed.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model
from thinc.types import Floats2d

from .to_numpy import NUMPY_OPS

InT = Floats2d
OutT = Floats2d
Elementwise = Callable[[NDArray], NDArray]


def tanh(z: NDArray) -> NDArray:
    """f(z) = tanh z, any shape."""
    return np.tanh(z)


def d_tanh(h: NDArray) -> NDArray:
    """f′ = 1 − h², any shape."""
    return 1 - h * h


def hard_tanh(z: NDArray) -> NDArray:
    """f(z) = z cut off at −1 and 1 (Collobert et al. 2011, section 3.3.1), any shape."""
    return np.clip(z, -1, 1)


def d_hard_tanh(h: NDArray) -> NDArray:
    """f′ = 1 between the cut-offs and 0 beyond, any shape."""
    return (np.abs(h) < 1).astype(h.dtype)


def logistic(z: NDArray) -> NDArray:
    """f(z) = 1 / (1 + e⁻ᶻ), any shape; written with tanh, which does not overflow."""
    return 0.5 * (1 + np.tanh(0.5 * z))


def d_logistic(h: NDArray) -> NDArray:
    """f′ = h (1 − h), any shape."""
    return h * (1 - h)


def relu(z: NDArray) -> NDArray:
    """f(z) = max(z, 0), any shape."""
    return np.maximum(z, 0)


def d_relu(h: NDArray) -> NDArray:
    """f′ = 1 where h > 0 and 0 elsewhere, any shape."""
    return (h > 0).astype(h.dtype)


ACTIVATIONS: dict[str, tuple[Elementwise, Elementwise]] = {
    "tanh": (tanh, d_tanh),
    "hard_tanh": (hard_tanh, d_hard_tanh),
    "logistic": (logistic, d_logistic),
    "relu": (relu, d_relu),
}


def Activation(name: str) -> Model[InT, OutT]:
    """Build the activation layer.

    name (str): One of `ACTIVATIONS`.
    RETURNS (Model): (n, width) → (n, width), no parameters.
    RAISES (ValueError): If the name is unknown.
    """
    if name not in ACTIVATIONS:
        raise ValueError(
            f"Unknown activation {name!r}. Use one of {', '.join([*ACTIVATIONS, 'maxout'])}."
        )
    return Model(name, forward, attrs={"activation": name}, ops=NUMPY_OPS)


def forward(
    model: Model[InT, OutT], Z: NDArray, is_train: bool
) -> tuple[NDArray, Callable[[NDArray], NDArray]]:
    """Compute H = f(Z).

    Z (ndarray): Shape (n, width).
    RETURNS: H (n, width), and the callback from ∂J/∂H to δ = ∂J/∂Z, both (n, width).
    """
    f, df = ACTIVATIONS[model.attrs["activation"]]
    H = f(Z)

    def backprop(d_H: NDArray) -> NDArray:
        return d_H * df(H)

    return H, backprop
