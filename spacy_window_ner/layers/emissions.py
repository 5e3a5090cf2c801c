"""S = U h + c with h = f(z): the scores of all tags for each token (seeds/001, "s = uᵀh")."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Ragged

from .hidden import predict_chunks
from .to_numpy import NUMPY_OPS

InT = list[Doc]
OutT = Ragged


def Emissions(
    hidden: Model[InT, Ragged],
    activation: Model[NDArray, NDArray],
    scores: Model[NDArray, NDArray],
) -> Model[InT, OutT]:
    """Build the layer.

    hidden (Model): A layer of `HiddenSum`: List of Docs → Ragged z (n_tokens, hidden).
    activation (Model): (n, hidden) → (n, width of the hidden layer).
    scores (Model): An affine layer: (n, width of the hidden layer) → (n, nO).
    RETURNS (Model): List of Docs → Ragged (n_tokens, nO).
    """
    layers = [hidden, activation, scores]
    return Model("emissions", forward, init=init, layers=layers, ops=NUMPY_OPS)


def forward(
    model: Model[InT, OutT], docs: InT, is_train: bool
) -> tuple[Ragged, Callable[[Ragged], InT]]:
    """Score every tag of every token.

    docs (List[Doc]): The documents.
    RETURNS: Ragged data (n_tokens, nO), and the callback that takes its gradient. It returns an
        empty list, since documents have no gradient.
    """
    if not is_train:
        return predict(model, docs), _no_gradient
    hidden, activation, scores = model.layers
    Z, backprop_Z = hidden(docs, is_train)
    H, backprop_H = activation(Z.data, is_train)
    S, backprop_S = scores(H, is_train)

    def backprop(d_Y: Ragged) -> InT:
        return backprop_Z(Ragged(backprop_H(backprop_S(d_Y.data)), d_Y.lengths))

    return Ragged(S, Z.lengths), backprop


def predict(model: Model[InT, OutT], docs: InT) -> Ragged:
    """Score every tag of every token, chunk by chunk.

    model (Model): The layer.
    docs (List[Doc]): The documents.
    RETURNS (Ragged): Data (n_tokens, nO) float32.
    """
    hidden, activation, scores = model.layers
    lengths, chunks = predict_chunks(hidden, docs)
    Y = np.empty((int(lengths.sum()), scores.get_dim("nO")), dtype=np.float32)
    start = 0
    for Z in chunks:
        Y[start : start + len(Z)] = scores.predict(activation.predict(Z))
        start += len(Z)
    return Ragged(Y, lengths)


def _no_gradient(d_Y: Ragged) -> InT:
    raise ValueError("A prediction has no gradient: call the network with begin_update to train.")


def init(model: Model[InT, OutT], X: InT | None = None, Y: Ragged | None = None) -> None:
    """Initialize all layers with sample documents X."""
    hidden, activation, scores = model.layers
    hidden.initialize(X=X)
    Z = hidden.predict(X).data if X else None
    activation.initialize(X=Z)
    scores.initialize(X=None if Z is None else activation.predict(Z))
