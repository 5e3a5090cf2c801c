"""Products of token vectors in prediction, remembered between batches for lexemes.

A token vector and its row of products in `WindowAffine` depend on the lexeme and on the weights
alone, so they are computed once and kept for the next batches (spaCy's parser precomputes its own
products likewise). A remembered row is valid as long as every parameter is the same array and
cannot have been written to: the arrays are read-only while their products are remembered, and
writable again after `release`, with which each training step begins. Keys are hashes of attributes,
not addresses, so rows stay valid when `nlp.memory_zone()` frees the lexemes themselves.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock
from typing import Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray
from spacy.vocab import Vocab
from thinc.api import Model

from ...sequences.batching import Ints
from ..features import Tokens
from .rows import find_sorted
from .window_affine import blocks_of, multiply

# How many lexemes are computed at a time.
CHUNK = 1024

# The vectors of lexemes and their products, (n_rows, width) each, with zeros in row 0.
Tables = tuple[NDArray[np.float32], NDArray[np.float32]]
# Takes numbers of tokens (n,), and writes the rows of their lexemes to parts of the tables.
Compute = Callable[[Ints, Tables], None]


class Dependencies:
    """What remembered rows depend on: layers with their parameters, known values and clusters, and
    the tables of a vocabulary. Parameters are read-only until they are released.
    """

    def __init__(self, models: list[Model], vocab: Vocab) -> None:
        """Collect them, and make the parameters read-only.

        models (List[Model]): The layers.
        vocab (Vocab): The vocabulary.
        """
        nodes = [node for model in models for node in model.walk()]
        names = "known", "clusters", "lexicon"
        self._models, self._vocab, self._tables = models, vocab, _tables_of(vocab)
        self._n_keys = vocab.vectors.n_keys
        self._layers = [(node, [*node.layers]) for node in nodes if node.layers]
        self._params = [(node, x, node.get_param(x)) for node in nodes for x in node.param_names]
        self._attrs = [(n.attrs, x, n.attrs[x]) for n in nodes for x in names if x in n.attrs]
        self._locked = [array for _, _, array in self._params if array.flags.writeable]
        for array in self._locked:
            array.flags.writeable = False

    def are_those_of(self, models: list[Model], vocab: Vocab) -> bool:
        """RETURNS (bool): Whether these layers and this vocabulary give the same rows still."""
        if models != self._models or vocab is not self._vocab:
            return False
        # Comprehensions take less time than generators.
        same = [a is b for a, b in zip(_tables_of(vocab), self._tables, strict=True)]
        same += [node.layers == layers for node, layers in self._layers]
        same += [node.get_param(name) is array for node, name, array in self._params]
        same += [attrs[name] is value for attrs, name, value in self._attrs]
        same += [not array.flags.writeable for array in self._locked]
        return all(same) and vocab.vectors.n_keys == self._n_keys

    def release(self) -> None:
        """Make the parameters writable."""
        for array in self._locked:
            array.flags.writeable = True


def _tables_of(vocab: Vocab) -> tuple[Any, ...]:
    return vocab.vectors, vocab.vectors.data, vocab.lookups


class LexemeCache:
    """Vectors and products by the key of their lexeme.

    A full cache is emptied. It is never saved, copies of a network begin with an empty one, and
    threads may share it. A forked process begins with an empty one.
    """

    # The keys of lexemes, ascending, and the rows that they have in the tables.
    _keys: NDArray[np.uint64]
    _rows: NDArray[np.int64]
    _tables: Tables | None
    # The last row whose key begins with the bits of a place, and the key of each row: most lexemes
    # are found here, in a tenth of the time of a search among sorted keys.
    _row_at: NDArray[np.int64]
    _key_of: NDArray[np.uint64]

    def __init__(self, max_bytes: int) -> None:
        """Begin empty.

        max_bytes (int): How much memory the rows may take.
        """
        self.max_bytes = max_bytes
        self._lock = RLock()
        self._dependencies: Dependencies | None = None
        self._forget()
        _CACHES.add(self)

    def __reduce__(self) -> tuple[type["LexemeCache"], tuple[int]]:
        return LexemeCache, (self.max_bytes,)

    def __call__(
        self,
        models: list[Model],
        vocab: Vocab,
        keys: NDArray[np.uint64],
        widths: tuple[int, int],
        compute: Compute,
    ) -> tuple[NDArray[np.int64], Tables]:
        """Look the lexemes of tokens up, and compute and remember those that are missing. More
        lexemes than there is room for are computed without being remembered.

        models (List[Model]): The layers that rows depend on.
        vocab (Vocab): The vocabulary of the lexemes.
        keys (ndarray): Shape (n,), the keys of the tokens' lexemes.
        widths (Tuple[int, int]): The widths of the tables.
        compute (Callable): See `Compute`.
        RETURNS (Tuple[ndarray, Tuple[ndarray, ndarray]]): The row of each token (n,), and the
            tables.
        """
        capacity = self.max_bytes // (4 * sum(widths))
        with self._lock:
            if self._dependencies is None or not self._dependencies.are_those_of(models, vocab):
                self.release()
                if capacity:
                    self._dependencies = Dependencies(models, vocab)
            rows = self._find(keys)
            if self._tables is None or not rows.all():
                unknown = np.flatnonzero(rows == 0)
                new, tokens, numbers = _distinct(keys, unknown)
                if len(self._keys) + len(new) > capacity and len(self._keys):
                    unknown = np.arange(len(keys))
                    new, tokens, numbers = _distinct(keys, unknown)
                if len(new) > capacity:
                    tables = _zero_tables(len(new), widths)
                    compute(tokens, (tables[0][1:], tables[1][1:]))
                    return 1 + numbers, tables
                if self._tables is None or len(self._keys) + len(new) > capacity:
                    self._forget()  # before there is memory for the next ones
                    self._tables = _zero_tables(capacity, widths)
                    self._row_at = np.zeros(2 ** (capacity.bit_length() + 2), dtype=np.int64)
                    self._key_of = np.zeros(1 + capacity, dtype=np.uint64)
                rows[unknown] = 1 + len(self._keys) + numbers
                self._add(new, tokens, compute, self._tables)
            return rows, self._tables

    def _find(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Find the rows of lexemes by their keys: (n,) → (n,), 0 for those that are missing."""
        if self._tables is None:
            return np.zeros(len(keys), dtype=np.int64)
        rows = self._row_at[self._begin(keys)]
        others = np.flatnonzero(self._key_of[rows] != keys)
        if len(others):
            places, is_known = find_sorted(self._keys, keys[others])
            rows[others] = np.where(is_known, self._rows[places], 0)
        return rows

    def _begin(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The places that keys begin with: (n,) → (n,)."""
        return (keys >> np.uint64(65 - len(self._row_at).bit_length())).view(np.int64)

    def _add(
        self, new: NDArray[np.uint64], tokens: NDArray[np.int64], compute: Compute, tables: Tables
    ) -> None:
        """Compute and remember lexemes (n,) that are missing, given a token of each (n,)."""
        first = 1 + len(self._keys)
        part = slice(first, first + len(new))
        compute(tokens, (tables[0][part], tables[1][part]))
        places = np.searchsorted(self._keys, new)
        self._keys = np.insert(self._keys, places, new)
        rows = np.arange(part.start, part.stop)
        self._rows = np.insert(self._rows, places, rows)
        self._key_of[part], self._row_at[self._begin(new)] = new, rows

    def _forget(self) -> None:
        """Free the tables."""
        self._keys, self._rows = np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
        self._tables = None

    def release(self) -> None:
        """Forget everything, and make the parameters writable."""
        with self._lock:
            if self._dependencies is not None:
                self._dependencies.release()
            self._dependencies = None
            self._forget()


def _distinct(
    keys: NDArray[np.uint64], tokens: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """The distinct keys of some tokens, ascending (n_lexemes,), a token of each (n_lexemes,), and
    the number of each token's key among them (n,).
    """
    distinct, firsts, numbers = np.unique(keys[tokens], return_index=True, return_inverse=True)
    return distinct, tokens[firsts], numbers


def _zero_tables(n: int, widths: tuple[int, int]) -> Tables:
    # Memory that is never written to is never taken.
    vectors, products = (np.zeros((1 + n, width), dtype=np.float32) for width in widths)
    return vectors, products


@dataclass
class LexemeRows:
    """The rows of the lexemes of a batch, in prediction.

    tokens (Tokens): The tokens of the batch.
    embed (Model): The layer that computes the vectors of lexemes: Lexemes (n) → (n, width).
    window (Model): The layer of `WindowAffine` that the vectors are multiplied in.
    cache (LexemeCache): What was computed for earlier batches.
    """

    tokens: Tokens
    embed: Model
    window: Model = field(init=False)
    cache: LexemeCache = field(init=False)

    def look_up(self, near: slice) -> tuple[NDArray[np.int64], Tables]:
        """Find the rows of consecutive tokens.

        near (slice): The n tokens.
        RETURNS (Tuple[ndarray, Tuple[ndarray, ndarray]]): The row of each token (n,), and the
            tables.
        """
        W, n_blocks = self.window.get_param("W"), 2 * self.window.attrs["window_size"] + 1

        def compute(which: Ints, tables: Tables) -> None:
            blocks = blocks_of(W, n_blocks)
            for start in range(0, len(which), CHUNK):
                some = slice(start, start + CHUNK)
                V = self.embed.predict(self.tokens.lexemes(near.start + which[some]))
                tables[0][some] = V
                multiply(V, blocks, out=tables[1][some])

        models, widths = [self.embed, self.window], (W.shape[1] // n_blocks, n_blocks * len(W))
        return self.cache(models, self.tokens.vocab, self.tokens.keys[near], widths, compute)


_CACHES: "WeakSet[LexemeCache]" = WeakSet()


def _begin_anew() -> None:
    """Give each cache a free lock, and empty it: a forked child inherits locks that other threads
    held, and what they were about to change.
    """
    for cache in _CACHES:
        cache._lock = RLock()
        cache.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
