"""Docs → the windows of their tokens, each distinct token vector once.

The vectors of a `LexemeEmbed` depend on the lexeme alone, so there is one row for each distinct
lexeme of the batch. Other token vectors depend on context: there is one row for each token.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..features import LexemeRows, read_lexemes
from .lexeme_embed import LEXEME_EMBED, read
from .to_numpy import NUMPY_OPS, ToNumpy
from .window_affine import Windows, behind_zero_row, neighbor_rows

InT = list[Doc]
OutT = Windows

_TO_NUMPY = ToNumpy()


def TokenVectors(tok2vec: Model[InT, list[Floats2d]], reach: int) -> Model[InT, OutT]:
    """Build the layer.

    tok2vec (Model): From a list of Docs to one array (n_tokens of the document, width) for each.
    reach (int): r, the largest distance of a neighbor in a window.
    RETURNS (Model): List of Docs → Windows (n_tokens), no parameters of its own.
    """
    attrs = {"reach": reach}
    return Model("token_vectors", forward, init=init, layers=[tok2vec], attrs=attrs, ops=NUMPY_OPS)


def of_lexemes(model: Model[InT, OutT]) -> bool:
    """RETURNS (bool): Whether the token vectors of the layer depend on the lexeme alone.

    This is found out at each call, since `nlp.replace_listeners` may replace them.
    """
    return model.layers[0].name == LEXEME_EMBED


def forward(
    model: Model[InT, OutT], docs: InT, is_train: bool
) -> tuple[Windows, Callable[[NDArray], InT]]:
    """Compute the token vectors, and find the neighbors of each token.

    docs (List[Doc]): The documents.
    RETURNS: Windows (n_tokens), and the callback that takes ∂J/∂vectors (n_rows, width). It
        returns an empty list, since documents have no gradient.
    """
    rows = read_rows(model, docs)
    if of_lexemes(model):
        V, backprop_V = model.layers[0].layers[0](rows.lexemes(), is_train)
    else:
        arrays, backprop_arrays = model.layers[0](docs, is_train)
        V, backprop_numpy = _TO_NUMPY(arrays, is_train)

        def backprop_V(d_V: NDArray) -> InT:
            return backprop_arrays(backprop_numpy(d_V))

    def backprop(d_vectors: NDArray) -> InT:
        backprop_V(d_vectors[1:])
        return []

    neighbors = neighbor_rows(1 + rows.tokens, rows.sentences, model.attrs["reach"])
    return Windows(behind_zero_row(V), neighbors, rows.norms, rows.lengths), backprop


def lexeme_vectors(
    model: Model[InT, OutT], docs: InT, rows: LexemeRows
) -> Callable[[NDArray[np.int64]], NDArray]:
    """The vectors of distinct lexemes for prediction, computed when they are asked for.

    model (Model): The layer.
    docs (List[Doc]): The documents.
    rows (LexemeRows): Their rows: see `read_rows`.
    RETURNS (Callable): From numbers of rows (n,) to vectors (n, width).
    """
    if of_lexemes(model):
        embed = model.layers[0].layers[0]
        return lambda which: embed.predict(rows.lexemes(which))
    V = _TO_NUMPY.predict(model.layers[0].predict(docs))
    return lambda which: V[which]


def read_rows(model: Model[InT, OutT], docs: InT) -> LexemeRows:
    """Find the row of each token among the distinct token vectors.

    model (Model): The layer.
    docs (List[Doc]): The documents.
    RETURNS (LexemeRows): The rows; with vectors that depend on context, each token is a lexeme of
        its own.
    """
    if of_lexemes(model):
        return read(model.layers[0], docs)
    rows = read_lexemes(docs, ())
    tokens = np.arange(len(rows.tokens))
    return replace(rows, rows=rows.rows[rows.tokens], keys=tokens.astype(np.uint64), tokens=tokens)


def init(model: Model[InT, OutT], X: InT | None = None, Y: Windows | None = None) -> None:
    """Initialize the token vectors with sample documents X."""
    model.layers[0].initialize(X=X)
