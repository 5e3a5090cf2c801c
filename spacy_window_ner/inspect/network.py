"""The network as a function of the features of each word of one document.

It is the network used for prediction, in float64 and with one row per token instead of one per
lexeme, so that a word can be masked at one position only. Its input are the features of the words
(the output of `Concatenate`). A feature is masked by zero, as dropout does in training.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Ragged

from ..network.features import read_tokens
from ..network.gradients import copy_without_dropout
from ..network.layers.character_pairs import CHARACTER_PAIRS
from ..network.layers.gazetteer import GAZETTEER
from ..network.layers.lexeme_embed import LEXEME_EMBED
from ..network.layers.rows import Term
from ..network.layers.to_numpy import ToNumpy
from ..network.layers.token_vectors import Batch
from ..sequences.batching import Scores

_Array = NDArray[np.float64]
TOK2VEC = "tok2vec"


@dataclass(frozen=True)
class Inputs:
    """The features of the words in one or more copies of a document, or their gradient.

    window (ndarray): Shape (n_copies, n_tokens, width), the concatenated features of each word.
    context (ndarray): The same for the term of other occurrences of a word in the document.
    terms (ndarray): Shape (n_copies, n_tokens, n_terms · hidden width), the terms of matches in
        lists of names and of pairs of characters, if the network has them, side by side.
    """

    window: _Array
    context: _Array
    terms: _Array


Backprop = Callable[[_Array], Inputs]


class DocumentNetwork:
    """The network of one document.

    parts (Dict[str, slice]): The columns of each feature of a word, by its name.
    vectors (ndarray): Shape (n_tokens, width), the concatenated features of each word.
    terms (Dict[str, slice]): The columns of each term in `features`, by the name of its layer.
    features (ndarray): Shape (n_tokens, n_terms · hidden width), the terms of matches in lists and
        of pairs of characters.
    transitions (ndarray): Shape (n_labels + 1, n_labels + 1).
    """

    def __init__(self, model: Model[list[Doc], Scores], doc: Doc) -> None:
        """Compute the features of a document.

        model (Model): A network of `window_classifier`; it is not changed.
        doc (Doc): The document, with at least one token.
        """
        self._doc, self._network = doc, copy_without_dropout(model)
        hidden = self._network.layers[0].layers[0]
        layers = {layer.name: layer for layer in hidden.layers}
        tok2vec = layers["token_vectors"].layers[0]
        self.parts, self.vectors, self._mixing = _read_parts(model.get_ref("tok2vec"), doc)
        self._network.replace_node(tok2vec, Model("given_vectors", self._given_vectors))
        inputs = {GAZETTEER: [doc], CHARACTER_PAIRS: Batch(read_tokens([doc], ()), reach=0)}
        given = {name: layers[name] for name in inputs if name in layers}
        width = hidden.layers[1].get_dim("nO")
        self.terms = {name: slice(i * width, (i + 1) * width) for i, name in enumerate(given)}
        self.features = np.zeros((len(doc), len(given) * width))
        for name, layer in given.items():
            self.features[:, self.terms[name]] = layer.predict(inputs[name]).dense()
            layer._func = self._given_term(name)
        if "same_word_mean" in layers:
            layers["same_word_mean"]._func = self._with_gradient(layers["same_word_mean"]._func)
        for layer in (self._network, *self._mixing):
            _to_float64(layer)
        self.transitions = model.predict([doc]).transitions.astype(np.float64)

    def __len__(self) -> int:
        return len(self.vectors)

    def emissions(self, vectors: _Array, features: _Array) -> tuple[_Array, Backprop]:
        """Score every tag of every token in copies of the document.

        vectors (ndarray): Shape (n_copies, n_tokens, width).
        features (ndarray): Shape (n_copies, n_tokens, n_terms · hidden width).
        RETURNS: The emissions (n_copies, n_tokens, n_tags), and a callback that maps their gradient
            to the gradient of the inputs.
        """
        V, backprops = vectors.reshape(-1, vectors.shape[2]), []
        for layer in self._mixing:
            V, backprop_V = layer(V, True)
            backprops.append(backprop_V)
        self._given = V, features.reshape(len(V), features.shape[2])
        Y, backprop_Y = self._network.layers[0]([self._doc] * len(vectors), True)

        def of_parts(d_V: _Array) -> _Array:
            for backprop_V in reversed(backprops):
                d_V = backprop_V(d_V)
            return d_V.reshape(vectors.shape)

        def backprop(d_emissions: _Array) -> Inputs:
            d = {"context": np.zeros_like(V), "features": np.zeros_like(self._given[1])}
            self._gradients = d
            backprop_Y(Ragged(d_emissions.reshape(Y.data.shape), Y.lengths))
            d_features = d["features"].reshape(features.shape)
            return Inputs(of_parts(d["vectors"] - d["context"]), of_parts(d["context"]), d_features)

        return Y.data.reshape(*vectors.shape[:2], -1), backprop

    def _given_vectors(
        self, model: Model, docs: list[Doc], is_train: bool
    ) -> tuple[list[_Array], Callable]:
        """A layer that replaces the token vectors."""

        def backprop(d_Vs: list[_Array]) -> list[Doc]:
            self._gradients["vectors"] = np.concatenate(d_Vs)
            return []

        return np.split(self._given[0], len(docs)), backprop

    def _given_term(self, name: str) -> Callable:
        """The forward pass of a layer that replaces the one with this name."""

        def forward(model: Model, X: Any, is_train: bool) -> tuple[Term, Callable]:
            def backprop(d_Z: _Array) -> _Array:
                self._gradients["features"][:, self.terms[name]] = d_Z
                return np.zeros(1)

            term = self._given[1][:, self.terms[name]]
            every = np.arange(len(term))
            return Term(every, every, term, len(every)), backprop

        return forward

    def _with_gradient(self, forward: Callable) -> Callable:
        """The forward pass of the document's context, which keeps the gradient of its vectors."""

        def wrapped(model: Model, batch: Any, is_train: bool) -> tuple[Term, Callable]:
            term, backprop_term = forward(model, batch, is_train)

            def backprop(d_Z: _Array) -> _Array:
                d_vectors = backprop_term(d_Z)
                self._gradients["context"] = d_vectors[1:]
                return d_vectors

            return term, backprop

        return wrapped


def _read_parts(tok2vec: Model, doc: Doc) -> tuple[dict[str, slice], _Array, list[Model]]:
    """The features of words and their names, and copies of the layers that mix them. Contextual
    token vectors count as a single feature.
    """
    if tok2vec.name != LEXEME_EMBED:
        V = ToNumpy().predict(tok2vec.predict([doc]))
        return {TOK2VEC: slice(0, V.shape[1])}, V.astype(np.float64), []
    concatenate, *mixing = tok2vec.layers[0].layers
    tokens = read_tokens([doc], tok2vec.attrs["attrs"], tok2vec.attrs["lexicon"])
    lexemes = tokens.lexemes()
    tables = [layer.predict(lexemes) for layer in concatenate.layers]
    ends = np.cumsum([table.shape[1] for table in tables]).tolist()
    names = [layer.name.removeprefix("embed_") for layer in concatenate.layers]
    parts = {
        name: slice(end - table.shape[1], end)
        for name, table, end in zip(names, tables, ends, strict=True)
    }
    V = np.concatenate(tables, axis=1).astype(np.float64)
    return parts, V, [copy_without_dropout(layer) for layer in mixing]


def _to_float64(layer: Model) -> None:
    for node in layer.walk():
        for name in node.param_names:
            node.set_param(name, node.get_param(name).astype(np.float64))
