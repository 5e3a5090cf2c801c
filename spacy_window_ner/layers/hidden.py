"""z = WindowAffine(k)(V) + SameWordMean(WindowAffine(1)(V)) + Gazetteer: the hidden layer's sum.

In training the batch is computed as a whole. In prediction z comes chunk by chunk from the same
layers, so that memory is bounded, and from rows of products that are remembered between batches.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Ragged

from .gazetteer import read_features
from .lexeme_cache import LexemeCache
from .same_word_mean import RepeatedWords
from .to_numpy import NUMPY_OPS
from .token_vectors import read_rows
from .window_affine import Windows, multiply, neighbor_rows

InT = list[Doc]
OutT = Ragged

# How many tokens are predicted at a time: their rows stay in the processor's cache.
CHUNK = 1024


def HiddenSum(
    vectors: Model[InT, Windows],
    window: Model[Windows, NDArray],
    context: Model[Windows, NDArray] | None = None,
    gazetteer: Model[InT, Ragged] | None = None,
    *,
    cache_megabytes: int = 0,
) -> Model[InT, OutT]:
    """Build the sum.

    vectors (Model): A layer of `TokenVectors`.
    window (Model): A layer of `WindowAffine`.
    context (Optional[Model]): A layer of `SameWordMean`.
    gazetteer (Optional[Model]): A layer of `Gazetteer`.
    cache_megabytes (int): How much memory remembered products may take in prediction, from 0 up.
    RETURNS (Model): List of Docs → Ragged (n_tokens, nO).
    RAISES (ValueError): If the memory is negative.
    """
    if cache_megabytes != int(cache_megabytes) or cache_megabytes < 0:
        raise ValueError(
            f"cache_megabytes must be a whole number from 0 up, got {cache_megabytes}."
        )
    return Model(
        "hidden_sum",
        forward,
        init=init,
        layers=[layer for layer in (vectors, window, context, gazetteer) if layer is not None],
        attrs={
            "has_context": context is not None,
            "has_gazetteer": gazetteer is not None,
            "cache": LexemeCache(int(cache_megabytes) * 2**20),
        },
        ops=NUMPY_OPS,
    )


def forward(
    model: Model[InT, OutT], docs: InT, is_train: bool
) -> tuple[Ragged, Callable[[Ragged], InT]]:
    """Compute and add up all terms.

    docs (List[Doc]): The documents.
    RETURNS: Ragged Z (n_tokens, nO), and the callback that takes δ = ∂J/∂Z and passes it to each
        term. It returns an empty list, since documents have no gradient.
    """
    if is_train:
        model.attrs["cache"].release()
    vectors, terms, gazetteer = _split(model)
    X, backprop_X = vectors(docs, is_train)
    Zs, callbacks = zip(*(layer(X, is_train) for layer in terms), strict=True)
    Z = Zs[0]
    for other in Zs[1:]:
        Z += other
    if gazetteer is not None:
        G, backprop_G = gazetteer(docs, is_train)
        Z += G.data

    def backprop(delta: Ragged) -> InT:
        d_vectors = sum(callback(delta.data).vectors for callback in callbacks)
        if gazetteer is not None:
            backprop_G(delta)
        return backprop_X(Windows(d_vectors, X.neighbors, X.norms, X.lengths))

    return Ragged(Z, X.lengths), backprop


def _split(
    model: Model[InT, OutT],
) -> tuple[Model[InT, Windows], list[Model[Windows, NDArray]], Model[InT, Ragged] | None]:
    """The token vectors, the layers over windows, and the gazetteer, if any."""
    vectors, *terms = model.layers
    gazetteer = terms.pop() if model.attrs["has_gazetteer"] else None
    return vectors, terms, gazetteer


def predict_chunks(
    model: Model[InT, OutT], docs: InT
) -> tuple[NDArray[np.int32], Iterator[NDArray[np.float32]]]:
    """What `forward` computes, chunk by chunk.

    model (Model): The layer.
    docs (List[Doc]): The documents.
    RETURNS (Tuple[ndarray, Iterator[ndarray]]): The number of tokens of each document (n_docs,),
        and Z for one chunk of tokens after the other (n_tokens of the chunk, nO).
    """
    _, (window, *context), gazetteer = _split(model)
    windows = ChunkedWindows(model, docs)
    words = means = None
    if context:
        words = RepeatedWords.of(windows.norms, windows.lengths)
        layer = context[0].layers[0]
        means = words.means(layer.predict(windows.at(part)) for part in _chunks(words.tokens))
    features = None if gazetteer is None else read_features(gazetteer, docs)

    def chunks() -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(windows.norms), CHUNK):
            Z = window.predict(windows.at(slice(start, start + CHUNK)))
            if words is not None and means is not None and len(means):
                part = slice(*np.searchsorted(words.tokens, [start, start + CHUNK]))
                Z[words.tokens[part] - start] += means[words.groups[part]]
            if features is not None:
                part = slice(*np.searchsorted(features[0], [start, start + CHUNK]))
                Z[features[0][part] - start] += features[1][part]
            yield Z

    return windows.lengths, chunks()


def _chunks(tokens: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(tokens), CHUNK):
        yield tokens[start : start + CHUNK]


class ChunkedWindows:
    """The windows of a batch for prediction, whose products are remembered or made by the chunk.

    norms (ndarray): Shape (n_tokens,) uint64, the NORM of each token.
    lengths (ndarray): Shape (n_docs,), the number of tokens of each document.
    """

    def __init__(self, model: Model[InT, OutT], docs: InT) -> None:
        """Read the documents, and look their lexemes up.

        model (Model): A layer of `HiddenSum`.
        docs (List[Doc]): The documents.
        """
        vectors, terms, _ = _split(model)
        self._cache: LexemeCache = model.attrs["cache"]
        self._layers = [layer.layers[0] if layer.layers else layer for layer in terms]
        self._rows = read_rows(vectors, docs)
        self.norms, self.lengths = self._rows.norms, self._rows.lengths
        self._embed: Model | None = None
        self._vectors = np.zeros((0, 0), dtype=np.float32)
        if vectors.attrs["of_lexemes"]:
            self._embed = vectors.layers[0].layers[0]
        else:
            tok2vec, to_numpy = vectors.layers
            self._vectors = to_numpy.predict(tok2vec.predict(docs))
        # Row 0 is the word beyond the edge of a document.
        self._neighbors = neighbor_rows(1 + self._rows.tokens, self.lengths, vectors.attrs["reach"])
        self._products: dict[int, NDArray[np.float32]] | None = None
        found = self._look_up(np.arange(len(self._rows.keys)))
        if found is not None:
            rows, tables = found
            self._neighbors = np.append(0, rows)[self._neighbors]
            self._products = self._by_layer(tables)

    def at(self, tokens: NDArray[np.int64] | slice) -> Windows:
        """Select tokens.

        tokens (Union[ndarray, slice]): Shape (n,), which ones.
        RETURNS (Windows): Their windows, with products in the place of vectors.
        """
        neighbors, products = self._neighbors[:, tokens], self._products
        if products is None:
            rows, places = np.unique(neighbors, return_inverse=True)
            lexemes = rows[rows > 0] - 1
            found = self._look_up(lexemes)
            if found is None:
                tables = [np.pad(table, ((1, 0), (0, 0))) for table in self._multiply(lexemes)]
                found = 1 + np.arange(len(lexemes)), tables
            row_of = np.append(0, found[0]) if len(lexemes) < len(rows) else found[0]
            neighbors = row_of[places.reshape(neighbors.shape)]
            products = self._by_layer(found[1])
        return Windows(self._vectors[:0], neighbors, self.norms, self.lengths, products)

    def _look_up(
        self, lexemes: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], list[NDArray[np.float32]]] | None:
        """Rows and tables of some lexemes, if they are remembered: see `LexemeCache`."""
        if self._embed is None:
            return None

        def multiply_some(which: NDArray[np.int64]) -> list[NDArray[np.float32]]:
            return self._multiply(lexemes[which])

        return self._cache(
            self._embed, self._layers, self._rows.vocab, self._rows.keys[lexemes], multiply_some
        )

    def _multiply(self, lexemes: NDArray[np.int64]) -> list[NDArray[np.float32]]:
        """The products of some lexemes (n,), for each layer (n, width of its products)."""
        if self._embed is None:
            V = self._vectors[lexemes]
        else:
            V = self._embed.predict(self._rows.lexemes(lexemes))
        return [multiply(layer, V) for layer in self._layers]

    def _by_layer(self, tables: list[NDArray[np.float32]]) -> dict[int, NDArray[np.float32]]:
        return {layer.id: table for layer, table in zip(self._layers, tables, strict=True)}


def init(model: Model[InT, OutT], X: InT | None = None, Y: Ragged | None = None) -> None:
    """Initialize all layers with sample documents X."""
    vectors, terms, gazetteer = _split(model)
    vectors.initialize(X=X)
    sample = vectors.predict(X) if X else None
    for layer in terms:
        layer.initialize(X=sample)
    if gazetteer is not None:
        gazetteer.initialize(X=X)
