"""h′ = LayerNorm(h + f(W [h_{t−k}; …; h_{t+k}] + b)): one more window, over the hidden layer.

The neighbors' hidden vectors have seen windows of their own, so each layer extends what a token
sees by k tokens on each side. The sum with h lets the gradient pass the window unchanged (He et al.
2016): ∂J/∂h is the gradient of the sum, plus what comes back through the window.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model

from .layer_norm import LayerNorm
from .to_numpy import NUMPY_OPS
from .window_affine import Windows, prepend_zero_row

InT = Windows
OutT = Windows


def HiddenWindow(
    window: Model[Windows, NDArray], activation: Model[NDArray, NDArray], width: int
) -> Model[InT, OutT]:
    """Build the layer.

    window (Model): A layer of `WindowAffine`: Windows (n_tokens) → (n_tokens, input of f).
    activation (Model): f, from that to (n_tokens, width).
    width (int): Width of the vectors.
    RETURNS (Model): Windows (n_tokens) → the same with new vectors (1 + n_tokens, width). Their
        vectors are those of the tokens, in order, after the zero row.
    """
    layers = [window, activation, LayerNorm(width)]
    return Model("hidden_window", forward, init=init, layers=layers, ops=NUMPY_OPS)


def forward(
    model: Model[InT, OutT], X: Windows, is_train: bool
) -> tuple[Windows, Callable[[NDArray], NDArray]]:
    """Add what the window finds to each token's vector, and normalize.

    X (Windows): The windows of n_tokens tokens.
    RETURNS: The windows with new vectors, and the callback from ∂J/∂vectors to the same of X, both
        (1 + n_tokens, width).
    """
    window, activation, norm = model.layers
    Z, backprop_Z = window(X, is_train)
    F, backprop_F = activation(Z, is_train)
    H, backprop_H = norm(X.vectors[1:] + F, is_train)

    def backprop(d_vectors: NDArray) -> NDArray:
        d_H = backprop_H(d_vectors[1:])
        d_X = backprop_Z(backprop_F(d_H))
        d_X[1:] += d_H
        return d_X

    return replace(X, vectors=prepend_zero_row(H)), backprop


def init(model: Model[InT, OutT], X: Windows | None = None, Y: Windows | None = None) -> None:
    """Initialize all layers."""
    window, activation, norm = model.layers
    window.initialize()
    activation.initialize(X=np.zeros((1, window.get_dim("nO")), dtype="f"))
    norm.initialize()
