"""The network as a function of what it knows of each word of one document.

The layers are those of prediction, in float64 and with one row for each token in the place of one
for each lexeme, so that the same word can be known at one place and hidden at another. The parts
of a word (the output of `Concatenate`) are the input here. Zero hides a part: it is what dropout
puts there in training.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model

from ..network.features import read_sentences
from ..network.gradients import copy_without_dropout
from ..network.layers.gazetteer import GAZETTEER
from ..network.layers.hidden_window import window_size
from ..network.layers.to_numpy import ToNumpy
from ..network.layers.token_vectors import of_lexemes, read_rows
from ..network.layers.transitions import Scores
from ..network.layers.window_affine import Windows, behind_zero_row, neighbor_rows

_Array = NDArray[np.float64]
TOK2VEC = "tok2vec"


@dataclass(frozen=True)
class Inputs:
    """What the network knows of the words of a document, in one or more copies of it; or the
    gradient.

    window (ndarray): Shape (n_copies, n_tokens, width), the parts of each word side by side.
    context (ndarray): The same for the term of the document's other places of a word.
    gazetteer (ndarray): Shape (n_copies, n_tokens, width of the hidden sum), the term of matches of
        lists of names; of width 0 in a network without lists.
    """

    window: _Array
    context: _Array
    gazetteer: _Array


Backprop = Callable[[_Array], Inputs]


class DocumentNetwork:
    """The network of one document.

    parts (Dict[str, slice]): The columns of each part of a word, by its name.
    vectors (ndarray): Shape (n_tokens, width), the parts of each word side by side.
    features (ndarray): Shape (n_tokens, width), the term of matches of lists.
    transitions (ndarray): Shape (n_labels + 1, n_labels + 1).
    """

    def __init__(self, model: Model[list[Doc], Scores], doc: Doc) -> None:
        """Read the document.

        model (Model): A network of `window_classifier`; it is not changed.
        doc (Doc): The document, with at least one token.
        """
        hidden, activation, *windows, scores = model.layers[0].layers
        terms = {layer.name: layer for layer in hidden.layers}
        vectors = terms["token_vectors"]
        self.parts, self.vectors, mixing = _read_parts(vectors, doc)
        self._mixing = [_in_float64(layer) for layer in mixing]
        self._terms = [
            _in_float64(terms[name])
            for name in ("window_affine", "same_word_mean")
            if name in terms
        ]
        self._activation, self._scores = _in_float64(activation), _in_float64(scores)
        self._windows = [_in_float64(layer) for layer in windows]
        self.features = np.zeros((len(doc), 0))
        if GAZETTEER in terms:
            self.features = terms[GAZETTEER].predict([doc]).astype(np.float64)
        T = model.predict([doc]).transitions
        self.transitions = T.astype(np.float64)
        self._norms = read_rows(vectors, [doc]).norms
        self._sentences = read_sentences([doc])
        self._reach = vectors.attrs["reach"]

    def __len__(self) -> int:
        return len(self.vectors)

    def emissions(self, vectors: _Array, features: _Array) -> tuple[_Array, Backprop]:
        """Score every tag of every token of some copies of the document.

        vectors (ndarray): Shape (n_copies, n_tokens, width).
        features (ndarray): Shape (n_copies, n_tokens, width of the term of lists).
        RETURNS: The emissions (n_copies, n_tokens, n_tags), and the callback from their gradient to
            that of the inputs.
        """
        copies, n = vectors.shape[:2]
        V, backprops = vectors.reshape(copies * n, -1), []
        for layer in self._mixing:
            V, backprop_V = layer(V, True)
            backprops.append(backprop_V)
        X = Windows(
            behind_zero_row(V),
            self._neighbors(copies, self._reach),
            np.tile(self._norms, copies),
            np.full(copies, n),
        )
        Zs, of_terms = zip(*(layer(X, True) for layer in self._terms), strict=True)
        Z = sum(Zs[1:], Zs[0])
        if features.shape[2]:
            Z = Z + features.reshape(copies * n, -1)
        H, backprop_H = self._activation(Z, True)
        H, backprop_windows = self._run_windows(H, copies)
        S, backprop_S = self._scores(H, True)

        def backprop(d_emissions: _Array) -> Inputs:
            d_S = d_emissions.reshape(copies * n, -1)
            d_Z = backprop_H(backprop_windows(backprop_S(d_S)))
            d_inputs = []
            for of_term in of_terms:
                d_V = of_term(d_Z)[1:]
                for backprop_V in reversed(backprops):
                    d_V = backprop_V(d_V)
                d_inputs.append(d_V.reshape(vectors.shape))
            d_features = d_Z.reshape(copies, n, -1)[:, :, : features.shape[2]]
            none = np.zeros_like(vectors)
            return Inputs(d_inputs[0], d_inputs[1] if d_inputs[1:] else none, d_features)

        return S.reshape(copies, n, -1), backprop

    def _run_windows(self, H: _Array, copies: int) -> tuple[_Array, Callable[[_Array], _Array]]:
        """The further windows, over the hidden layer."""
        if not self._windows:
            return H, lambda d_H: d_H
        neighbors = self._neighbors(copies, max(map(window_size, self._windows)))
        X = Windows(behind_zero_row(H), neighbors, np.zeros(0, np.uint64), np.zeros(0, np.int32))
        callbacks = []
        for layer in self._windows:
            X, callback = layer(X, True)
            callbacks.append(callback)

        def backprop(d_H: _Array) -> _Array:
            d_X = behind_zero_row(d_H)
            for callback in reversed(callbacks):
                d_X = callback(d_X)
            return d_X[1:]

        return X.vectors[1:], backprop

    def _neighbors(self, copies: int, reach: int) -> NDArray[np.int64]:
        """The rows of the neighbors of all tokens: (2 · reach + 1, n_copies · n_tokens)."""
        n = len(self)
        of_one = neighbor_rows(1 + np.arange(n), self._sentences, reach)
        first = n * np.arange(copies)[:, None]
        rows = np.where(of_one[:, None] > 0, of_one[:, None] + first, 0)
        return rows.reshape(2 * reach + 1, copies * n)


def _read_parts(vectors: Model, doc: Doc) -> tuple[dict[str, slice], _Array, list[Model]]:
    """The parts of words and their names, and the layers that mix them. Token vectors that depend
    on context have one part.
    """
    tok2vec = vectors.layers[0]
    if not of_lexemes(vectors):
        V = ToNumpy().predict(tok2vec.predict([doc]))
        return {TOK2VEC: slice(0, V.shape[1])}, V.astype(np.float64), []
    rows = read_rows(vectors, [doc])
    concatenate, *mixing = tok2vec.layers[0].layers
    lexemes = rows.lexemes()
    tables = [layer.predict(lexemes) for layer in concatenate.layers]
    ends = np.cumsum([table.shape[1] for table in tables]).tolist()
    names = [layer.name.removeprefix("embed_") for layer in concatenate.layers]
    parts = {
        name: slice(end - table.shape[1], end)
        for name, table, end in zip(names, tables, ends, strict=True)
    }
    return parts, np.concatenate(tables, axis=1)[rows.tokens].astype(np.float64), mixing


def _in_float64(layer: Model) -> Model:
    """A copy of a layer, since its gradients are collected in it."""
    copied = copy_without_dropout(layer)
    for node in copied.walk():
        for name in node.param_names:
            node.set_param(name, node.get_param(name).astype(np.float64))
    return copied
