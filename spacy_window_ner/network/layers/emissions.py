"""S = U h + c with h = f(z): the scores of all tags (`docs/mathematics.md`, section 4).

Between h and the scores there may be more windows, over the hidden layer.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Ragged

from .hidden import Sums
from .to_numpy import NUMPY_OPS
from .window_affine import Windows, prepend_zero_row, windows_over

InT = list[Doc]
OutT = Ragged


def Emissions(
    hidden: Model[InT, Sums],
    activation: Model[NDArray, NDArray],
    scores: Model[NDArray, NDArray],
    windows: Sequence[Model[Windows, Windows]] = (),
) -> Model[InT, OutT]:
    """Build the layer.

    hidden (Model): A layer of `HiddenSum`: List of Docs → Sums z (n_tokens, hidden).
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
    """Score every tag of every token: one part of the batch after the other in prediction, so that
    memory is bounded, and all at once in training.

    docs (List[Doc]): The documents.
    RETURNS: Ragged data (n_tokens, nO), and the callback that takes its gradient. It returns an
        empty list, since documents have no gradient. A prediction has no gradient.
    """
    hidden, activation, *windows, scores = model.layers
    sums, backprop_sums = hidden(docs, is_train)
    tokens = sums.batch.tokens
    # The outermost tokens of a part are computed from their neighbors in other parts too.
    sizes = [layer.layers[0].attrs["window_size"] for layer in windows]
    S = []
    for part in sums.batch.parts():
        near = slice(max(0, part.start - sum(sizes)), min(part.stop + sum(sizes), len(tokens.keys)))
        H, backprop_H = activation(sums.at(near), is_train)
        callbacks = []
        if windows:
            X = windows_over(H, tokens.sentences[near], max(sizes))
            for layer in windows:
                X, backprop_X = layer(X, is_train)
                callbacks.append(backprop_X)
            H = X.vectors[1 + part.start - near.start : 1 + part.stop - near.start]
        S_part, backprop_S = scores(H, is_train)
        S.append(S_part)

    def backprop(d_Y: Ragged) -> InT:
        if not is_train:
            raise ValueError(
                "A prediction has no gradient. Call the network with begin_update instead."
            )
        if not len(tokens.keys):
            return []
        d_X = prepend_zero_row(backprop_S(d_Y.data))
        for callback in reversed(callbacks):
            d_X = callback(d_X)
        return backprop_sums(backprop_H(d_X[1:]))

    if not S:
        S.append(np.zeros((0, scores.get_dim("nO")), dtype=scores.get_param("b").dtype))
    return Ragged(S[0] if len(S) == 1 else np.concatenate(S), tokens.lengths), backprop


def init(model: Model[InT, OutT], X: InT | None = None, Y: Ragged | None = None) -> None:
    """Initialize the sum with sample documents X, and those over it, of known widths."""
    hidden, activation, *others = model.layers
    hidden.initialize(X=X)
    activation.initialize(X=np.zeros((1, hidden.layers[1].get_dim("nO")), dtype="f"))
    for layer in others:
        layer.initialize()
