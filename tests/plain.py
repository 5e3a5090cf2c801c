"""The network as the lecture notes write it: build each window, multiply, word by word.

Slow and short, and the reference for the layers of the package.
"""

from collections.abc import Sequence

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model


def window(X: np.ndarray, t: int, k: int) -> np.ndarray:
    """x = [x_{t−k}; …; x_{t+k}] in one sentence X (n_tokens, width), zero beyond its edges."""
    beyond = np.zeros(X.shape[1])
    near = [X[s] if 0 <= s < len(X) else beyond for s in range(t - k, t + k + 1)]
    return np.concatenate(near)


def window_affine(X: np.ndarray, W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """z = W x + b for each window of one sentence: (n_tokens, width) → (n_tokens, nO)."""
    k = (W.shape[1] // X.shape[1] - 1) // 2
    return np.asarray([W @ window(X, t, k) + b for t in range(len(X))]).reshape(len(X), len(W))


def same_word_mean(Y: np.ndarray, norms: Sequence[int]) -> np.ndarray:
    """The mean over the places of each word of one document, zero for words that occur once."""
    places = [[s for s, other in enumerate(norms) if other == norm] for norm in norms]
    means = [Y[at].mean(axis=0) if len(at) > 1 else np.zeros(Y.shape[1]) for at in places]
    return np.asarray(means).reshape(Y.shape)


def hidden_sum(hidden: Model, docs: Sequence[Doc]) -> np.ndarray:
    """z of all tokens: (n_tokens, nO)."""
    layers = {layer.name: layer for layer in hidden.layers}
    vectors = layers["token_vectors"].layers[0].predict(list(docs))
    rows = [np.zeros((0, layers["window_affine"].get_dim("nO")))]
    for doc, X in zip(docs, vectors, strict=True):
        Z = sentence_by_sentence(doc, X, layers["window_affine"])
        if "same_word_mean" in layers:
            Y = sentence_by_sentence(doc, X, layers["same_word_mean"].layers[0])
            Z = Z + same_word_mean(Y, [token.norm for token in doc])
        if "gazetteer" in layers:
            Z = Z + layers["gazetteer"].predict([doc]).dense()
        if "character_pairs" in layers:
            Z = Z + character_pairs(doc, layers["character_pairs"])
        rows.append(Z)
    return np.concatenate(rows)


def character_pairs(doc: Doc, layer: Model) -> np.ndarray:
    """The sums of the products of the pairs of characters around each token: (n_tokens, nO)."""
    characters, numbers, pairs = (
        np.frombuffer(layer.attrs[name], dtype="<u8").tolist()
        for name in ("characters", "numbers", "pairs")
    )
    number = dict(zip(characters, numbers, strict=True))
    E, W = layer.layers[0].get_param("E"), layer.get_param("W")
    blocks = np.split(W, 4, axis=1)
    sentence = np.cumsum([bool(token.is_sent_start) for token in doc]).tolist()
    Z = np.zeros((len(doc), len(W)))
    for t in range(len(doc)):
        for block, first in zip(blocks, range(t - 2, t + 2), strict=True):
            second = first + 1
            if first < 0 or second >= len(doc):
                continue
            if not sentence[first] == sentence[second] == sentence[t]:
                continue
            both = number.get(doc[first].norm), number.get(doc[second].norm)
            if None in both or (pair := both[0] * len(number) + both[1]) not in pairs:
                continue
            Z[t] += block @ E[pairs.index(pair)]
    return Z


def sentence_by_sentence(doc: Doc, X: np.ndarray, layer: Model) -> np.ndarray:
    """z of one document (n_tokens, nO), without windows that cross a sentence start that is set."""
    starts = [t for t in range(1, len(doc)) if doc[t].is_sent_start]
    W, b = layer.get_param("W"), layer.get_param("b")
    return np.concatenate([window_affine(part, W, b) for part in np.split(X, starts)])


def emissions(model: Model, docs: Sequence[Doc]) -> np.ndarray:
    """The emissions of a whole network: (n_tokens, n_tags)."""
    hidden, activation, *windows, scores = model.layers[0].layers
    H = activation.predict(hidden_sum(hidden, docs))
    for layer in windows:
        window, f, norm = layer.layers
        ends = np.cumsum([len(doc) for doc in docs])[:-1]
        parts = zip(docs, np.split(H, ends), strict=True)
        Z = np.concatenate([sentence_by_sentence(doc, part, window) for doc, part in parts])
        H = layer_norm(H + f.predict(Z), norm.get_param("g"), norm.get_param("b"))
    return scores.predict(H)


def layer_norm(X: np.ndarray, g: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Rows of X (n, width) with mean 0 and variance 1, times g plus b."""
    rows = [(x - x.mean()) / np.sqrt(x.var() + 1e-5) * g + b for x in X]
    return np.asarray(rows).reshape(X.shape)
