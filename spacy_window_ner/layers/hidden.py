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

from .gazetteer import GAZETTEER, read_features
from .lexeme_cache import LexemeCache, Tables
from .same_word_mean import RepeatedWords
from .to_numpy import NUMPY_OPS
from .token_vectors import lexeme_vectors, of_lexemes, read_rows
from .window_affine import Windows, multiply, n_blocks, neighbor_rows

InT = list[Doc]
OutT = Ragged

# How many tokens are predicted at a time: their rows stay in the processor's cache.
CHUNK = 1024
_NO_VECTORS = np.zeros((0, 0), dtype=np.float32)


def HiddenSum(
    vectors: Model[InT, Windows],
    window: Model[Windows, NDArray],
    context: Model[Windows, NDArray] | None = None,
    gazetteer: Model[InT, NDArray] | None = None,
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
        attrs={"cache": LexemeCache(int(cache_megabytes) * 2**20)},
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
        Z += G

    def backprop(delta: Ragged) -> InT:
        if gazetteer is not None:
            backprop_G(delta.data)
        return backprop_X(sum(callback(delta.data) for callback in callbacks))

    return Ragged(Z, X.lengths), backprop


def _split(
    model: Model[InT, OutT],
) -> tuple[Model[InT, Windows], list[Model[Windows, NDArray]], Model[InT, NDArray] | None]:
    """The token vectors, the layers over windows, and the gazetteer, if any."""
    vectors, *terms = model.layers
    gazetteer = terms.pop() if terms[-1].name == GAZETTEER else None
    return vectors, terms, gazetteer


def _window_layers(terms: list[Model[Windows, NDArray]]) -> list[Model[Windows, NDArray]]:
    """The layers of `WindowAffine` among the terms and within them."""
    return [layer.layers[0] if layer.layers else layer for layer in terms]


def predict_chunks(
    model: Model[InT, OutT], docs: InT, margin: int = 0
) -> tuple[NDArray[np.int32], Iterator[tuple[slice, slice, NDArray[np.float32]]]]:
    """What `forward` computes, chunk by chunk.

    model (Model): The layer.
    docs (List[Doc]): The documents.
    margin (int): How many tokens before and behind a chunk are computed with it.
    RETURNS (Tuple[ndarray, Iterator[Tuple[slice, slice, ndarray]]]): The number of tokens of each
        document (n_docs,); and for one chunk after the other its tokens, the same with margins,
        and Z of the latter (n, nO).
    """
    _, (window, *context), gazetteer = _split(model)
    windows = ChunkedWindows(model, docs)
    others: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray]] = []
    if context:
        words, layer = RepeatedWords.of(windows.norms, windows.lengths), context[0].layers[0]
        parts = (words.tokens[part] for part in _slices(len(words.tokens)))
        means = words.means(layer.predict(windows.at(part)) for part in parts)
        others.append((words.tokens, words.groups, means))
    if gazetteer is not None:
        tokens, features = read_features(gazetteer, docs)
        others.append((tokens, np.arange(len(tokens)), features))

    def chunks() -> Iterator[tuple[slice, slice, NDArray[np.float32]]]:
        for chunk in _slices(len(windows.norms)):
            near = slice(max(0, chunk.start - margin), chunk.stop + margin)
            Z = window.predict(windows.at(near))
            for tokens, rows, table in others:
                start, stop = np.searchsorted(tokens, [near.start, near.stop])
                if stop > start:
                    Z[tokens[start:stop] - near.start] += table[rows[start:stop]]
            yield chunk, near, Z

    return windows.lengths, chunks()


def _slices(n: int) -> Iterator[slice]:
    for start in range(0, n, CHUNK):
        yield slice(start, start + CHUNK)


class ChunkedWindows:
    """The windows of a batch for prediction, whose products are remembered or made by the chunk.

    norms (ndarray): Shape (n_tokens,) uint64, the NORM of each token.
    lengths (ndarray): Shape (n_docs,), the number of tokens of each document.
    """

    def __init__(self, model: Model[InT, OutT], docs: InT) -> None:
        """Read the documents, and look their lexemes up if the cache has room for all of them.

        model (Model): A layer of `HiddenSum`.
        docs (List[Doc]): The documents.
        """
        self._token_vectors, terms, _ = _split(model)
        self._cache: LexemeCache = model.attrs["cache"]
        self._layers = _window_layers(terms)
        self._widths = [n_blocks(layer) * layer.get_dim("nO") for layer in self._layers]
        self._rows = read_rows(self._token_vectors, docs)
        self._vectors_of = lexeme_vectors(self._token_vectors, docs, self._rows)
        self.norms, self.lengths = self._rows.norms, self._rows.lengths
        # Row 0 is the word beyond the edge of a sentence.
        reach = self._token_vectors.attrs["reach"]
        self._neighbors = neighbor_rows(1 + self._rows.tokens, self._rows.sentences, reach)
        self._tables: Tables | None = None
        if self._fit_into_cache(len(self._rows.keys)):
            rows, self._tables = self._look_up(np.arange(len(self._rows.keys)))
            self._neighbors = np.append(0, rows)[self._neighbors]

    def at(self, tokens: NDArray[np.int64] | slice) -> Windows:
        """Select tokens.

        tokens (Union[ndarray, slice]): Shape (n,), which ones.
        RETURNS (Windows): Their windows, with products in the place of vectors.
        """
        neighbors, tables = self._neighbors[:, tokens], self._tables
        if tables is None:
            present, places = np.unique(np.append(0, neighbors), return_inverse=True)
            rows, tables = self._look_up(present[1:] - 1)
            neighbors = np.append(0, rows)[places[1:].reshape(neighbors.shape)]
        products = {layer.id: table for layer, table in zip(self._layers, tables, strict=True)}
        return Windows(_NO_VECTORS, neighbors, self.norms, self.lengths, products)

    def _fit_into_cache(self, n: int) -> bool:
        return of_lexemes(self._token_vectors) and self._cache.has_room(n, self._widths)

    def _look_up(self, lexemes: NDArray[np.int64]) -> tuple[NDArray[np.int64], Tables]:
        """The rows of some lexemes (n,), in tables of products for each layer."""
        if not self._fit_into_cache(len(lexemes)):
            tables = [np.zeros((1 + len(lexemes), n), dtype=np.float32) for n in self._widths]
            self._multiply(lexemes, [table[1:] for table in tables])
            return 1 + np.arange(len(lexemes)), tables
        return self._cache(
            [self._token_vectors, *self._layers],
            self._rows.vocab,
            self._rows.keys[lexemes],
            self._widths,
            lambda which, out: self._multiply(lexemes[which], out),
        )

    def _multiply(self, lexemes: NDArray[np.int64], tables: Tables) -> None:
        """Write the products of some lexemes (n,), for each layer (n, width of its products)."""
        V = self._vectors_of(lexemes)
        for layer, table in zip(self._layers, tables, strict=True):
            multiply(layer, V, out=table)


def init(model: Model[InT, OutT], X: InT | None = None, Y: Ragged | None = None) -> None:
    """Initialize all layers with sample documents X; the terms share the variance of one layer."""
    vectors, terms, gazetteer = _split(model)
    vectors.initialize(X=X)
    sample = vectors.predict(X) if X else None
    for layer in terms:
        layer.initialize(X=sample)
    for layer in _window_layers(terms):
        layer.set_param("W", layer.get_param("W") / np.float32(len(terms) ** 0.5))
    if gazetteer is not None:
        gazetteer.initialize(X=X)
