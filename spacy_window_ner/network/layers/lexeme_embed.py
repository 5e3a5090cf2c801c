"""Run a layer once for each distinct lexeme, and give each token the vector of its lexeme.

Where one value goes to several nodes their gradients add up (`docs/mathematics.md`, section 5): the
gradient of a lexeme is the sum over its tokens.
"""

from collections.abc import Callable, Sequence

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..features import UNKNOWN, Lexemes, read_tokens
from ..lexicon import Lexicon
from .embedding import set_known
from .rows import add_rows, find_sorted
from .to_numpy import NUMPY_OPS

InT = list[Doc]
OutT = list[Floats2d]

LEXEME_EMBED = "lexeme_embed"


def WithLexemes(layer: Model[Lexemes, Floats2d], attrs: Sequence[str]) -> Model[InT, OutT]:
    """Build the layer around a layer over lexemes.

    layer (Model): From Lexemes (n_lexemes) to (n_lexemes, width).
    attrs (Sequence[str]): The attributes to read.
    RETURNS (Model): List of Docs → list of (n_tokens of the document, width) arrays.
    """
    return Model(
        LEXEME_EMBED,
        forward,
        init=init,
        layers=[layer],
        dims={"nO": None},
        attrs={"attrs": list(attrs), "read_vocabulary": VocabularyReader, "lexicon": Lexicon()},
        ops=NUMPY_OPS,
    )


def forward(model: Model[InT, OutT], docs: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Compute the vectors of all tokens.

    docs (List[Doc]): The documents.
    RETURNS: One array (n_tokens of the document, width) for each document, and the callback that
        takes their gradients. It returns an empty list, since documents have no gradient.
    """
    tokens = read_tokens(docs, model.attrs["attrs"], model.attrs["lexicon"])
    _, firsts, places = tokens.distinct()
    vectors, backprop_vectors = model.layers[0](tokens.lexemes(firsts), is_train)

    def backprop(d_Ys: OutT) -> InT:
        d_tokens = np.concatenate([vectors[:0], *d_Ys])
        d_vectors = np.zeros(vectors.shape, dtype=d_tokens.dtype)
        add_rows(d_vectors, places, d_tokens)
        backprop_vectors(d_vectors)
        return []

    return np.split(vectors[places], np.cumsum(tokens.lengths)[:-1])[: len(docs)], backprop


def init(model: Model[InT, OutT], X: InT | None = None, Y: OutT | None = None) -> None:
    """Initialize the inner layer with the lexemes of sample documents X."""
    layer, attrs = model.layers[0], model.attrs
    layer.initialize(X=read_tokens(X, attrs["attrs"], attrs["lexicon"]).lexemes() if X else None)
    if layer.has_dim("nO"):
        model.set_dim("nO", layer.get_dim("nO"))


class VocabularyReader:
    """Counts the values of the training data for the embedding tables."""

    def __init__(self, model: Model[InT, OutT]) -> None:
        """Begin to count.

        model (Model): A layer of `WithLexemes`.
        """
        self._model = model
        self._keys = np.zeros(0, dtype=np.uint64)
        self._ids = np.zeros((0, len(model.attrs["attrs"])), dtype=np.uint64)
        self._times = np.zeros(0, dtype=np.int64)

    def add(self, docs: Sequence[Doc]) -> None:
        """Count the values of documents.

        docs (Sequence[Doc]): Some of the training documents.
        """
        attrs = self._model.attrs
        tokens = read_tokens(docs, attrs["attrs"], attrs["lexicon"])
        keys, firsts, places = tokens.distinct()
        times = np.bincount(places, minlength=len(keys))
        found, is_known = find_sorted(self._keys, keys)
        self._times[found[is_known]] += times[is_known]
        new = ~is_known
        where = np.searchsorted(self._keys, keys[new])
        self._keys = np.insert(self._keys, where, keys[new])
        self._ids = np.insert(self._ids, where, tokens.lexemes(firsts[new]).ids, axis=0)
        self._times = np.insert(self._times, where, times[new])

    def finish(self) -> None:
        """Pass the counts to the tables."""
        for node in self._model.walk():
            if "known" not in node.attrs:
                continue
            values, places = np.unique(self._ids[:, node.attrs["column"]], return_inverse=True)
            counts = np.bincount(places, self._times, minlength=len(values)).astype(np.int64)
            set_known(node, values[values != UNKNOWN], counts[values != UNKNOWN])
