"""z = W x + b of windows that are never built: in prediction, a word's share in z is remembered.

With W cut into blocks of columns, one for each place of the window, W x = Σ_j W_j x_{t+j}. What a
token vector of `LexemeEmbed` is depends on the lexeme alone, and so do its products W_j x; they are
computed once for each lexeme and kept for the next batches (spaCy's parser precomputes its own
alike). A window then costs a sum of rows. The document's blocks are multiplied once for each word
that stands in a document repeatedly; the features of lists of names, which most tokens have none
of, are multiplied as they are.

In training, where the weights change at each step, products are kept for one batch only: see
`product_sums`. Over other token vectors this layer is W x + b as it stands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Model
from thinc.types import Ragged

from ..features import Tokens, read
from .document import BLOCKS, Repeated
from .embedding import add_rows
from .gazetteer import matched
from .product_sums import sum_products
from .to_numpy import NUMPY_OPS
from .votes import score
from .window import context_rate, padded_positions

InT = list[Doc]
OutT = Ragged

# So many tokens are summed at a time: their rows stay in the processor's cache.
CHUNK = 1024
_MEGABYTE = 2**20
# A text is another kind of text when so many of its words are not among those remembered.
_STRANGE = 0.5


def WithProducts(
    words: Model[InT, Ragged],
    hidden: Model[NDArray, NDArray],
    rest: Model[NDArray, NDArray],
    scores: Model[NDArray, NDArray],
    votes: Model[NDArray, NDArray] | None,
    *,
    window_size: int,
    document_context: bool,
    context_dropout: float,
    cache_megabytes: int,
) -> Model[InT, OutT]:
    """Build the classifier over windows.

    words (Model): From a list of Docs to Ragged windows (n, width).
    hidden (Model): The affine layer over them: (n, width) → (n, hidden).
    rest (Model): Its activation: (n, hidden) → (n, width of the hidden layer).
    scores (Model): The affine layer over that: (n, width of the hidden layer) → (n, nO).
    votes (Optional[Model]): Another one, by which the places of a word vote on each other's tags.
    window_size (int): k, the number of neighbors on each side of a word.
    document_context (bool): Whether the document's blocks are beside the window.
    context_dropout (float): The share of neighbours, and of the document's blocks, that training
        leaves out, as the layers of `words` do.
    cache_megabytes (int): How much memory the products of lexemes may take, from 0 up.
    RETURNS (Model): List of Docs → Ragged (n, nO). Its reference `lexeme_embed` is the layer whose
        token vectors depend on the lexeme alone, if it has one, which saves multiplications. Its
        reference `gazetteer`, if set, is the layer whose features are the last block of a window.
    RAISES (ValueError): If the memory is negative.
    """
    if cache_megabytes != int(cache_megabytes) or cache_megabytes < 0:
        raise ValueError(
            f"cache_megabytes must be a whole number from 0 up, got {cache_megabytes}."
        )
    return Model(
        "classifier",
        forward,
        init=init,
        layers=[words, hidden, rest, scores, *([] if votes is None else [votes])],
        dims={"nO": None},
        attrs={
            "window_size": window_size,
            "document_context": document_context,
            "context_dropout": context_dropout,
            "dropout_rate": 0.0,
            "products": Products(cache_megabytes * _MEGABYTE),
        },
        refs={"lexeme_embed": None},
        ops=NUMPY_OPS,
    )


def forward(
    model: Model[InT, OutT], docs: InT, is_train: bool
) -> tuple[Ragged, Callable[[Ragged], InT]]:
    """Classify every token.

    docs (List[Doc]): The documents.
    RETURNS: Ragged data (n, nO), and the callback that takes its gradient. It returns an empty
        list, since documents have no gradient.
    """
    if model.has_ref("lexeme_embed") and not is_train:
        return _predict(model, docs), _no_gradient
    rest, scores = model.layers[2:4]
    votes = _votes_of(model)
    Z, backprop_Z = _multiply_windows(model, docs, is_train)
    H, backprop_rest = rest(Z.data, is_train)
    Y, backprop_scores = score(scores, votes, H, docs, is_train)

    def backprop(d_Y: Ragged) -> InT:
        return backprop_Z(backprop_rest(backprop_scores(d_Y.data)))

    return Ragged(Y, Z.lengths), backprop


def _votes_of(model: Model[InT, OutT]) -> Model[NDArray, NDArray] | None:
    """The layer of votes, if any: by its place, since a copy of a network has no references."""
    return model.layers[4] if len(model.layers) > 4 else None


def _multiply_windows(
    model: Model[InT, OutT], docs: InT, is_train: bool
) -> tuple[Ragged, Callable[[NDArray], InT]]:
    """Z = W x + b: Ragged (n, hidden), and the callback that takes its gradient (n, hidden)."""
    words, hidden = model.layers[:2]
    if not model.has_ref("lexeme_embed"):
        X, backprop_words = words(docs, is_train)
        Z, backprop_hidden = hidden(X.data, is_train)
        return Ragged(Z, X.lengths), lambda delta: backprop_words(
            Ragged(backprop_hidden(delta), X.lengths)
        )
    products, backprop_products = sum_products(
        model.get_ref("lexeme_embed"),
        hidden,
        model.get_ref("gazetteer") if model.has_ref("gazetteer") else None,
        docs,
        window_size=model.attrs["window_size"],
        document_context=model.attrs["document_context"],
        context_dropout=context_rate(model),
    )

    def backprop(delta: NDArray) -> InT:
        backprop_products(delta)
        return []

    return products, backprop


def _no_gradient(d_Y: Ragged) -> InT:
    raise ValueError("A prediction has no gradient: call the network with begin_update to train.")


def _predict(model: Model[InT, OutT], docs: InT) -> Ragged:
    """What `forward` computes, chunk by chunk from the products of lexemes."""
    _, hidden, rest, scores = model.layers[:4]
    tokens = read(docs, model.get_ref("lexeme_embed").attrs["attrs"])
    known = model.attrs["products"](model, tokens)
    windows = Windows(tokens, known, model.attrs["window_size"])
    repeated = _repeated(model, tokens)
    others = _other_blocks(model, docs, tokens, known, repeated)
    layer = _votes_of(model)
    votes = Votes(layer, repeated) if layer is not None and len(repeated.tokens) else None
    b = hidden.get_param("b")
    n = len(tokens.tokens)
    Y = np.empty((n, scores.get_dim("nO")), dtype=np.float32)
    for start in range(0, n, CHUNK):
        stop = min(start + CHUNK, n)
        Z = windows(start, stop)
        Z += b
        for block in others:
            which, share = block(start, stop)
            if len(which):
                Z[which - start] += share
        H = rest.predict(Z)
        Y[start:stop] = scores.predict(H)
        if votes is not None:
            votes.collect(H, start, stop)
    if votes is not None:
        votes.add(Y)
    return Ragged(Y, tokens.lengths)


# From a chunk, by its first token and the one behind its last, to those of its tokens that a block
# is not zero for (n,), and its share in their z (n, hidden).
Block = Callable[[int, int], tuple[NDArray[np.int64], NDArray[np.float32]]]


def _other_blocks(
    model: Model[InT, OutT],
    docs: InT,
    tokens: Tokens,
    known: "Known",
    repeated: Repeated,
) -> list[Block]:
    """What stands beside the words of the window."""
    blocks: list[Block] = []
    W, width = model.layers[1].get_param("W"), known.vectors.shape[1]
    border = (2 * model.attrs["window_size"] + 1) * width
    if model.attrs["document_context"] and len(repeated.tokens):
        of_document = W[:, border : border + BLOCKS * width]
        blocks.append(DocumentProducts(tokens, known.vectors, repeated, of_document))
    border += BLOCKS * width * model.attrs["document_context"]
    if model.has_ref("gazetteer"):
        which, X = matched(model.get_ref("gazetteer"), docs)
        if len(which):
            blocks.append(partial(_between, which, X, W[:, border:]))
    return blocks


def _between(
    which: NDArray[np.int64],
    X: NDArray[np.float32],
    W: NDArray[np.float32],
    start: int,
    stop: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Those of some tokens (n,), ascending, that are in a chunk, and W x of their rows of X."""
    low, high = np.searchsorted(which, [start, stop])
    return which[low:high], X[low:high] @ W.T


@dataclass(frozen=True)
class Known:
    """What is known of the distinct lexemes of a batch.

    vectors (ndarray): Shape (n_lexemes, width), their vectors.
    rows (ndarray): Shape (n_lexemes,), the row of each in `table`; 0 if it is not there.
    table (ndarray): Shape (2k + 1, n_rows, hidden), products with the blocks of W; row 0 is zero.
    multiply (Callable): Computes them: from vectors (n, width) to (2k + 1, n, hidden).
    """

    vectors: NDArray[np.float32]
    rows: NDArray[np.int64]
    table: NDArray[np.float32]
    multiply: Callable[[NDArray[np.float32]], NDArray[np.float32]]


class Products:
    """The vectors and products of lexemes, remembered between batches.

    They are dropped whenever a weight, the static vectors or the vocabulary is another one. Where
    memory runs out, the frequent words of a batch come first; and all are dropped when it is full
    of words that are rare in the text at hand. They are never saved, and a copy of the network
    begins with none. Threads may share them.
    """

    def __init__(self, max_bytes: int) -> None:
        """Remember nothing yet.

        max_bytes (int): How much memory they may take.
        """
        self.max_bytes = max_bytes
        self._lock = Lock()
        self._weights: Weights | None = None
        self._sources: tuple[Any, ...] = ()

    def __deepcopy__(self, memo: Any) -> "Products":
        return Products(self.max_bytes)

    def __reduce__(self) -> tuple[type["Products"], tuple[int]]:
        return Products, (self.max_bytes,)

    def __call__(self, model: Model[InT, OutT], tokens: Tokens) -> Known:
        """Look the lexemes of a batch up, and compute and remember those that are missing.

        model (Model): A layer of `WithProducts`.
        tokens (Tokens): The tokens of the batch.
        RETURNS (Known): What is known of the lexemes.
        """
        sources = _sources_of(tokens.vocab)
        blocks = 2 * model.attrs["window_size"] + 1
        embed, W = model.get_ref("lexeme_embed").layers[0], model.layers[1].get_param("W")
        width = embed.get_dim("nO")
        multiply = partial(_multiply, W[:, : blocks * width].reshape(len(W), blocks, width))
        with self._lock:
            same = all(a is b for a, b in zip(sources, self._sources, strict=False))
            if self._weights is None or not same or not self._weights.are_those_of(model):
                self._weights, self._sources = Weights(model), sources
                self._begin(width, blocks, len(W))
            rows = self._find(tokens.keys)
            missing = np.flatnonzero(rows == 0)
            X = self._vectors[rows]
            if not len(missing):
                return Known(X, rows, self._table, multiply)
            for start in range(0, len(missing), CHUNK):
                part = missing[start : start + CHUNK]
                X[part] = embed.predict(tokens.lexemes(part))
            free = len(self._vectors) - self._n
            if len(missing) > free:
                counts = np.bincount(tokens.tokens, minlength=len(rows))
                # Full of words that the text at hand does not have much of: begin anew.
                if not free and counts[missing].sum() > _STRANGE * counts.sum():
                    self._begin(width, blocks, len(W))
                    rows[:], missing = 0, np.arange(len(rows))
                    free = len(self._vectors) - self._n
                missing = _most_frequent(missing, counts, free)
            if len(missing):
                rows[missing] = self._add(tokens.keys[missing], X[missing], multiply)
            return Known(X, rows, self._table, multiply)

    def _begin(self, width: int, blocks: int, hidden: int) -> None:
        """Forget everything."""
        capacity = 1 + self.max_bytes // (4 * (width + blocks * hidden))
        self._n = 1  # row 0 is the word beyond the end of a document
        self._keys = np.zeros(0, dtype=np.uint64)
        self._rows = np.zeros(0, dtype=np.int64)
        # Memory that is not written to is not taken from the machine.
        self._vectors = np.zeros((capacity, width), dtype=np.float32)
        self._table = np.zeros((blocks, capacity, hidden), dtype=np.float32)

    def _find(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The row of each key, 0 where there is none: (n,) → (n,)."""
        if not len(self._keys):
            return np.zeros(len(keys), dtype=np.int64)
        nearest = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[nearest] == keys, self._rows[nearest], 0)

    def _add(
        self,
        keys: NDArray[np.uint64],
        X: NDArray[np.float32],
        multiply: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    ) -> NDArray[np.int64]:
        """Remember the vectors (n, width) of keys (n,), ascending, and their products: the rows."""
        rows = np.arange(self._n, self._n + len(keys))
        self._n += len(keys)
        self._vectors[rows] = X
        for start in range(0, len(keys), CHUNK):
            stop = min(start + CHUNK, len(keys))
            self._table[:, rows[start] : rows[stop - 1] + 1] = multiply(X[start:stop])
        place = np.searchsorted(self._keys, keys)
        self._keys = np.insert(self._keys, place, keys)
        self._rows = np.insert(self._rows, place, rows)
        return rows


def _multiply(W: NDArray[np.float32], X: NDArray[np.float32]) -> NDArray[np.float32]:
    """W (hidden, blocks, width), X (n, width) → (blocks, n, hidden)."""
    return np.matmul(X, W.transpose(1, 2, 0))


def _most_frequent(
    lexemes: NDArray[np.int64], counts: NDArray[np.int64], n: int
) -> NDArray[np.int64]:
    """The n of some lexemes with the most tokens in a batch, ascending: (n,)."""
    return np.sort(lexemes[np.argsort(-counts[lexemes], kind="stable")[:n]])


class Weights:
    """A copy of what the products depend on in the network, to see whether it has changed.

    Optimizers, and anybody who likes, write into the arrays of parameters; so nothing less than
    their content tells. To compare bytes takes a small part of the time of one short sentence.
    """

    def __init__(self, model: Model[InT, OutT]) -> None:
        """Copy the weights.

        model (Model): A layer of `WithProducts`.
        """
        self._attrs, params = _known_and_params(model)
        self._params = [bytearray(param) for param in params]

    def are_those_of(self, model: Model[InT, OutT]) -> bool:
        """Compare.

        model (Model): A layer of `WithProducts`.
        RETURNS (bool): Whether nothing has changed.
        """
        attrs, params = _known_and_params(model)
        # A bytearray compares itself with any buffer byte by byte.
        return attrs == self._attrs and all(
            a == b for a, b in zip(self._params, params, strict=True)
        )


def _known_and_params(model: Model[InT, OutT]) -> tuple[list[Any], list[memoryview]]:
    """Names, known words and parameters of the layers before the sums of windows."""
    attrs, params = [], []
    for node in (model.layers[1], *model.get_ref("lexeme_embed").walk()):
        names = [name for name in node.param_names if node.has_param(name)]
        attrs.append((node.name, names, node.attrs.get("known")))
        params += [np.ascontiguousarray(node.get_param(name)).data for name in names]
    return attrs, params


def _sources_of(vocab: Vocab) -> tuple[Any, ...]:
    """What they depend on in the vocabulary."""
    return vocab, vocab.vectors, vocab.vectors.data, vocab.lookups


class Windows:
    """Σ_j W_j x_{t+j} for each token t, over the words of its document."""

    def __init__(self, tokens: Tokens, known: Known, size: int) -> None:
        """Prepare the sums.

        tokens (Tokens): The tokens of a batch.
        known (Known): What is known of its lexemes.
        size (int): k, the number of neighbors on each side.
        """
        self._known, self._size = known, size
        self._lexemes = tokens.tokens
        # Before, between and behind documents stand words that are beyond them.
        self._where, n = padded_positions(tokens.lengths, size)
        self._rows = np.zeros(n, dtype=np.int64)
        self._rows[self._where] = known.rows[tokens.tokens]
        self._all_known = bool((known.rows > 0).all())

    def __call__(self, start: int, stop: int) -> NDArray[np.float32]:
        """Sum the windows of a chunk.

        start (int): The first token of the chunk.
        stop (int): The token behind its last.
        RETURNS (ndarray): Shape (stop − start, hidden).
        """
        table, k = self._known.table, self._size
        where = self._where[start:stop]
        Z = np.take(table[k], self._rows[where], axis=0)
        part = np.empty_like(Z)
        for j in (*range(-k, 0), *range(1, k + 1)):
            np.take(table[k + j], self._rows[where + j], axis=0, out=part, mode="clip")
            Z += part
        if not self._all_known:
            self._add_unknown(Z, start, stop)
        return Z

    def _add_unknown(self, Z: NDArray[np.float32], start: int, stop: int) -> None:
        """Add the products of words that are not in the table, computed for this chunk."""
        k, where = self._size, self._where[start:stop]
        first, last = np.searchsorted(self._where, [where[0] - k, where[-1] + k + 1])
        around = np.arange(first, last)
        around = around[self._rows[self._where[around]] == 0]
        if not len(around):
            return
        lexemes, lexeme = np.unique(self._lexemes[around], return_inverse=True)
        products = self._known.multiply(self._known.vectors[lexemes])
        for j in range(-k, k + 1):
            # The windows in whose place j these words stand.
            window = np.searchsorted(where, self._where[around] - j)
            window[window == len(where)] = 0
            stands = where[window] == self._where[around] - j
            Z[window[stands]] += products[k + j, lexeme[stands]]


def _repeated(model: Model[InT, OutT], tokens: Tokens) -> Repeated:
    """The repeated words; none where no part of the network asks."""
    if model.attrs["document_context"] or _votes_of(model) is not None:
        return Repeated.of(tokens)
    none = np.zeros(0, dtype=np.int64)
    return Repeated(none, none, none.astype(np.float32), none)


class Votes:
    """What the places of a word say of its tags: see `votes`."""

    def __init__(self, votes: Model[NDArray, NDArray], repeated: Repeated) -> None:
        """Begin to collect.

        votes (Model): The affine layer: (n, width of the hidden layer) → (n, nO).
        repeated (Repeated): The words that stand in their document repeatedly.
        """
        self._votes, self._repeated = votes, repeated
        self._sums = np.zeros((len(repeated.counts), votes.get_dim("nO")), dtype=np.float32)

    def collect(self, H: NDArray[np.float32], start: int, stop: int) -> None:
        """Let the words of a chunk vote.

        H (ndarray): Shape (stop − start, width of the hidden layer).
        start (int): The first token of the chunk.
        stop (int): The token behind its last.
        """
        which = self._repeated.within(start, stop)
        tokens = self._repeated.tokens[which]
        if len(tokens):
            add_rows(
                self._sums, self._repeated.groups[which], self._votes.predict(H[tokens - start])
            )

    def add(self, Y: NDArray[np.float32]) -> None:
        """Add the means of the votes to the scores, in place.

        Y (ndarray): Shape (n_tokens, nO).
        """
        tokens, groups = self._repeated.tokens, self._repeated.groups
        means = self._sums / self._repeated.counts[:, None]
        for start in range(0, len(tokens), CHUNK):
            part = slice(start, start + CHUNK)
            Y[tokens[part]] += means[groups[part]]


class DocumentProducts:
    """W x of the document's blocks: see `document`. Computed once for each word of a document."""

    def __init__(
        self,
        tokens: Tokens,
        vectors: NDArray[np.float32],
        repeated: Repeated,
        W: NDArray[np.float32],
    ) -> None:
        """Average the vectors around the places of each word, and multiply.

        tokens (Tokens): The tokens of a batch.
        vectors (ndarray): Shape (n_lexemes, width), the vectors of its distinct lexemes.
        repeated (Repeated): The words that stand in their document repeatedly.
        W (ndarray): Shape (hidden, 3 · width).
        """
        # Before, between and behind documents stand words that are beyond them: zero vectors.
        self._where, n = padded_positions(tokens.lengths, 1)
        self._words = np.full(n, len(vectors))
        self._words[self._where] = tokens.tokens
        self._vectors = np.append(vectors, np.zeros((1, vectors.shape[1]), vectors.dtype), axis=0)
        self._repeated = repeated
        self._products = self._means() @ W.T

    def _means(self) -> NDArray[np.float32]:
        """The document's blocks of each word: (n_groups, 3 · width)."""
        places, counts = self._repeated.order, self._repeated.counts
        means = np.zeros((len(counts), BLOCKS * self._vectors.shape[1]), self._vectors.dtype)
        bounds = np.append(0, np.cumsum(counts, dtype=np.int64))
        for start in range(0, len(places), CHUNK):
            stop = min(start + CHUNK, len(places))
            first = int(np.searchsorted(bounds, start, side="right")) - 1
            last = int(np.searchsorted(bounds, stop, side="left"))
            lengths = np.diff(np.clip(bounds[first : last + 1], start, stop)).astype(np.int32)
            means[first:last] += NUMPY_OPS.reduce_sum(self._around(places[start:stop]), lengths)
        means /= counts[:, None]
        return means

    def __call__(self, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Look the products of a chunk up.

        start (int): The first token of the chunk.
        stop (int): The token behind its last.
        RETURNS (Tuple[ndarray, ndarray]): The tokens whose word stands elsewhere in their
            document too (n,), and their products (n, hidden).
        """
        part = self._repeated.within(start, stop)
        groups = self._repeated.groups[part]
        return self._repeated.tokens[part], np.take(self._products, groups, axis=0)

    def _around(self, which: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors left of, at and right of some tokens, side by side: (n, 3 · width)."""
        places = self._where[which, None] + np.arange(-1, 2)
        return self._vectors[self._words[places]].reshape(
            len(which), BLOCKS * self._vectors.shape[1]
        )


def init(model: Model[InT, OutT], X: InT | None = None, Y: Ragged | None = None) -> None:
    """Initialize all layers with sample documents X."""
    words, *layers = model.layers
    words.initialize(X=X)
    sample = words.predict(X).data if X else None
    hidden, rest, *outputs = layers
    hidden.initialize(X=sample)
    sample = None if sample is None else hidden.predict(sample)
    rest.initialize(X=sample)
    sample = None if sample is None else rest.predict(sample)
    for output in outputs:
        output.initialize(X=sample)
    if outputs[0].has_dim("nO"):
        model.set_dim("nO", outputs[0].get_dim("nO"))
