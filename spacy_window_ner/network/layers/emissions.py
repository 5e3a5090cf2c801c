"""S = U h + c with h = f(z): the scores of all tags for each token (seeds/001, "s = uᵀh").

Between h and the scores there may be more windows, over the hidden layer; the notes have none.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Ragged

from ..features import read_sentences
from .hidden import predict_chunks
from .hidden_window import window_size
from .to_numpy import NUMPY_OPS
from .window_affine import Windows, behind_zero_row, neighbor_rows

InT = list[Doc]
OutT = Ragged


def Emissions(
    hidden: Model[InT, Ragged],
    activation: Model[NDArray, NDArray],
    scores: Model[NDArray, NDArray],
    windows: Sequence[Model[Windows, Windows]] = (),
) -> Model[InT, OutT]:
    """Build the layer.

    hidden (Model): A layer of `HiddenSum`: List of Docs → Ragged z (n_tokens, hidden).
    activation (Model): (n, hidden) → (n, width of the hidden layer).
    scores (Model): An affine layer: (n, width of the hidden layer) → (n, nO).
    windows (Sequence[Model]): Layers of `HiddenWindow`, the first first.
    RETURNS (Model): List of Docs → Ragged (n_tokens, nO).
    """
    layers = [hidden, activation, *windows, scores]
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
    hidden, activation, *windows, scores = model.layers
    Z, backprop_Z = hidden(docs, is_train)
    H, backprop_H = activation(Z.data, is_train)
    callbacks = []
    if windows:
        X = _windows_over(H, read_sentences(docs), windows)
        for layer in windows:
            X, backprop_X = layer(X, is_train)
            callbacks.append(backprop_X)
        H = X.vectors[1:]
    S, backprop_S = scores(H, is_train)

    def backprop(d_Y: Ragged) -> InT:
        d_H = backprop_S(d_Y.data)
        if windows:
            d_X = behind_zero_row(d_H)
            for callback in reversed(callbacks):
                d_X = callback(d_X)
            d_H = d_X[1:]
        return backprop_Z(Ragged(backprop_H(d_H), d_Y.lengths))

    return Ragged(S, Z.lengths), backprop


def predict(model: Model[InT, OutT], docs: InT) -> Ragged:
    """Score every tag of every token, chunk by chunk.

    docs (List[Doc]): The documents.
    RETURNS (Ragged): Data (n_tokens, nO) float32.
    """
    hidden, activation, *windows, scores = model.layers
    # A chunk's outermost tokens are computed from their neighbors in other chunks too.
    margin = sum(map(window_size, windows))
    sentences = read_sentences(docs) if windows else None
    lengths, chunks = predict_chunks(hidden, docs, margin)
    Y = np.empty((int(lengths.sum()), scores.get_dim("nO")), dtype=np.float32)
    for chunk, near, Z in chunks:
        H = activation.predict(Z)
        if sentences is not None:
            X = _windows_over(H, sentences[near], windows)
            for layer in windows:
                X = layer.predict(X)
            H = X.vectors[1 + chunk.start - near.start :]
        part = Y[chunk]
        part[:] = scores.predict(H[: len(part)])
    return Ragged(Y, lengths)


def _windows_over(
    H: NDArray, sentences: NDArray[np.int64], layers: Sequence[Model[Windows, Windows]]
) -> Windows:
    """The windows of tokens with the vectors H (n_tokens, width), for layers of `HiddenWindow`."""
    neighbors = neighbor_rows(1 + np.arange(len(H)), sentences, max(map(window_size, layers)))
    # Neither words nor documents matter to these layers.
    return Windows(behind_zero_row(H), neighbors, np.zeros(0, np.uint64), np.zeros(0, np.int32))


def _no_gradient(d_Y: Ragged) -> InT:
    raise ValueError("A prediction has no gradient: call the network with begin_update to train.")


def init(model: Model[InT, OutT], X: InT | None = None, Y: Ragged | None = None) -> None:
    """Initialize all layers with sample documents X."""
    hidden, activation, *windows, scores = model.layers
    hidden.initialize(X=X)
    Z = hidden.predict(X).data if X else None
    activation.initialize(X=Z)
    H = None if Z is None else activation.predict(Z)
    sample = None
    if windows and X and H is not None:
        sample = _windows_over(H, read_sentences(X), windows)
    for layer in windows:
        layer.initialize(X=sample)
        sample = sample and layer.predict(sample)
    scores.initialize(X=H)
