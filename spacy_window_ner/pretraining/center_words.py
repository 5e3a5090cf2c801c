"""S = U f(z) + c with z_t = Σ_{j≠0} W_j x_{t+j} + b: which word stands in the center of a window?

This is the window classifier without labels. The center is masked, and the network predicts from
its neighbors which cluster of words it belongs to, so it only needs raw text. Collobert et al.
(2011, section 4) rank the true center over a random word for the same purpose, and CBOW (Mikolov et
al. 2013) predicts it from the sum of its neighbors. Since there are fewer clusters than words, no
sampling is needed, and confusing words that are used in the same way is not an error.

    J = −(1/n) Σ_t log p_t[c_t]      p_t = softmax(S_t)      δ = ∂J/∂S = (p − y) / n

(`docs/mathematics.md`, sections 6 and 7).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model

from ..network.layers.affine import Affine
from ..network.layers.to_numpy import NUMPY_OPS
from ..network.layers.window_affine import Windows

InT = list[Doc]


@dataclass(frozen=True)
class Guesses:
    """The predictions of the network for the windows of a batch.

    scores (ndarray): Shape (n_tokens, n_clusters), S.
    orths (ndarray): Shape (n_tokens,) uint64, the words in the centers.
    """

    scores: NDArray
    orths: NDArray[np.uint64]


OutT = Guesses


def CenterWords(network: Model, n_clusters: int) -> Model[InT, OutT]:
    """Build the layer over the layers of a network up to its hidden layer, which it shares.

    network (Model): A network of `window_classifier`, initialized.
    n_clusters (int): The number of clusters.
    RETURNS (Model): List of Docs → Guesses, with an output layer U (n_clusters, hidden width), c
        of its own.
    """
    vectors, window = network.get_ref("hidden").layers[:2]
    activation = network.layers[0].layers[1]
    hidden = activation.predict(np.zeros((1, window.get_dim("nO")), dtype="f"))
    outputs = Affine(n_clusters, hidden.shape[1])
    outputs.initialize()
    layers = [vectors, window, activation, outputs]
    return Model("center_words", forward, layers=layers, ops=NUMPY_OPS)


def forward(
    model: Model[InT, OutT], docs: InT, is_train: bool
) -> tuple[Guesses, Callable[[NDArray], InT]]:
    """Score every cluster for the center of every window.

    docs (List[Doc]): The documents.
    RETURNS: The guesses, and the callback that takes ∂J/∂S (n_tokens, n_clusters). It returns an
        empty list, since documents have no gradient.
    """
    vectors, window, activation, outputs = model.layers
    # Only in training does a batch have the windows of all its tokens.
    batch, backprop_vectors = vectors(docs, True)
    Z, backprop_Z = window(hide_centers(batch.windows), is_train)
    H, backprop_H = activation(Z, is_train)
    S, backprop_S = outputs(H, is_train)

    def backprop(d_S: NDArray) -> InT:
        return backprop_vectors(backprop_Z(backprop_H(backprop_S(d_S))))

    return Guesses(S, batch.tokens.table[:, 0]), backprop


def hide_centers(windows: Windows) -> Windows:
    """RETURNS (Windows): The same windows with the zero vector instead of their centers."""
    neighbors = windows.neighbors.copy()
    neighbors[:, neighbors.shape[1] // 2] = 0
    return replace(windows, neighbors=neighbors)


def cluster_loss(scores: NDArray, clusters: NDArray[np.int64]) -> tuple[float, NDArray]:
    """Compute J and ∂J/∂S. The same as `objectives.softmax.loss` with one tag allowed, but 15 times
    as fast for 500 clusters, since it does not support partial annotation.

    scores (ndarray): Shape (n, n_clusters), S.
    clusters (ndarray): Shape (n,), the clusters of the centers, −1 for words without one, which
        have neither loss nor gradient.
    RETURNS (Tuple[float, ndarray]): J in nats, the mean over the words that have a cluster, and
        its gradient (n, n_clusters).
    """
    rows = np.flatnonzero(clusters >= 0)
    right = rows, clusters[rows]
    S = scores - scores.max(axis=1, keepdims=True)
    delta = np.exp(S)
    z = delta.sum(axis=1, keepdims=True)
    delta /= z
    delta[right] -= 1
    delta[clusters < 0] = 0
    delta /= max(1, len(rows))
    loss = (np.log(z[rows, 0]) - S[right]).sum() / max(1, len(rows))
    return float(loss), delta
