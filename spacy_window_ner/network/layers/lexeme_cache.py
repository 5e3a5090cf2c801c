"""Products of token vectors in prediction, remembered between batches for lexemes.

A row of products in `WindowAffine` depends on the lexeme and on the weights alone, so it is
computed once and kept for the next batches (spaCy's parser precomputes its own likewise). A
remembered row is valid as long as every parameter is the same array and cannot have been written
to: the arrays are read-only while their products are remembered, and writable again after
`release`, with which each training step begins. Keys are hashes of attributes, not addresses, so
rows stay valid when `nlp.memory_zone()` frees the lexemes themselves.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray
from spacy.vocab import Vocab
from thinc.api import Model

from ..features import Tokens
from .rows import find_sorted
from .window_affine import blocks_of, multiply

# How many lexemes are computed at a time.
CHUNK = 1024
# For how many tokens products are looked up at a time: as many as a batch of short documents has.
AHEAD = 32 * CHUNK

Tables = list[NDArray[np.float32]]
Multiply = Callable[[NDArray[np.int64], Tables], None]


class LexemeCache:
    """Rows of products by the key of their lexeme.

    A full cache is emptied. It is never saved, copies of a network begin with an empty one, and
    threads may share it. A forked process begins with an empty one.
    """

    def __init__(self, max_bytes: int) -> None:
        """Begin empty.

        max_bytes (int): How much memory the products may take.
        """
        self.max_bytes = max_bytes
        self._lock = RLock()
        self._state: list[int] = []
        self._kept_alive: list[Any] = []
        self._locked: list[NDArray] = []
        # Keys, their rows and the tables.
        self._contents = np.zeros(0, np.uint64), np.zeros(0, np.int64), Tables()
        _CACHES.add(self)

    def __reduce__(self) -> tuple[type["LexemeCache"], tuple[int]]:
        return LexemeCache, (self.max_bytes,)

    def __call__(
        self,
        models: list[Model],
        vocab: Vocab,
        keys: NDArray[np.uint64],
        widths: Sequence[int],
        multiply: Multiply,
    ) -> tuple[NDArray[np.int64], Tables]:
        """Look lexemes up, and compute and remember the products of those that are missing. More
        lexemes than there is room for are computed without being remembered.

        models (List[Model]): The layers that products depend on.
        vocab (Vocab): The vocabulary of the lexemes.
        keys (ndarray): Shape (n,), the keys of lexemes, ascending.
        widths (Sequence[int]): The widths of the products, one for each table.
        multiply (Callable): Takes numbers of some of these lexemes (m,), and writes their products
            to parts of the tables (m, width).
        RETURNS (Tuple[ndarray, List[ndarray]]): The row of each lexeme (n,), and the tables
            (n_rows, width), with zeros in row 0.
        """
        capacity = self.max_bytes // (4 * sum(widths))
        rows = 1 + np.arange(len(keys))
        if len(keys) > capacity:
            tables = [np.zeros((1 + len(keys), width), np.float32) for width in widths]
            multiply(np.arange(len(keys)), [table[1:] for table in tables])
            return rows, tables
        parameters = _parameters_of(models)
        sources = [vocab, vocab.vectors, vocab.vectors.data, vocab.lookups]
        state = [*map(id, parameters), *map(id, sources), vocab.vectors.n_keys]
        with self._lock:
            if state != self._state or any(array.flags.writeable for array in self._locked):
                self.release()
                self._state, self._kept_alive = state, [*parameters, *sources]
                arrays = [value for value in parameters if isinstance(value, np.ndarray)]
                self._locked = [array for array in arrays if array.flags.writeable]
                for array in self._locked:
                    array.flags.writeable = False
            known, known_rows, tables = self._contents
            places, is_known = find_sorted(known, keys)
            missing = np.flatnonzero(~is_known)
            if not tables or len(known) + len(missing) > capacity:
                known, known_rows, missing = known[:0], known_rows[:0], np.arange(len(keys))
                tables = []
                self._contents = known, known_rows, tables  # so that a full cache is freed first
                # Memory that is never written to is never taken.
                tables = [np.zeros((1 + capacity, width), np.float32) for width in widths]
            else:
                rows[is_known] = known_rows[places[is_known]]
                rows[missing] = 1 + len(known) + np.arange(len(missing))
            if len(missing):
                first = len(known) + 1
                multiply(missing, [table[first : first + len(missing)] for table in tables])
                places = np.searchsorted(known, keys[missing])
                known = np.insert(known, places, keys[missing])
                known_rows = np.insert(known_rows, places, rows[missing])
            self._contents = known, known_rows, tables
        return rows, tables

    def release(self) -> None:
        """Forget everything, and make the parameters writable."""
        with self._lock:
            for array in self._locked:
                array.flags.writeable = True
            self._state, self._kept_alive, self._locked = [], [], []
            keys, rows, _ = self._contents
            self._contents = (keys[:0], rows[:0], [])


def _parameters_of(models: list[Model]) -> list[Any]:
    """The arrays of all parameters, the known values of embedding tables, and clusters."""
    arrays: list[Any] = []
    nodes = list(models)
    while nodes:  # `Model.walk` takes three times as long
        node = nodes.pop()
        nodes += node.layers
        arrays += [node.get_param(name) for name in node.param_names]
        names = [name for name in ("known", "clusters", "lexicon") if name in node.attrs]
        arrays += [node.attrs[name] for name in names]
    return arrays


@dataclass
class Products:
    """The products of the token vectors of a batch, in prediction.

    tokens (Tokens): The tokens of the batch.
    vectors_of (Callable): From tokens (n,) to their vectors (n, width).
    embed (Optional[Model]): The layer that computes the vectors of lexemes; None if vectors depend
        on context, and nothing can be remembered.
    layers (Sequence[Model]): Layers of `WindowAffine`.
    cache (LexemeCache): What was computed for earlier batches.
    """

    tokens: Tokens
    vectors_of: Callable[[NDArray[np.int64]], NDArray]
    embed: Model | None = None
    layers: Sequence[Model] = ()
    cache: LexemeCache = field(init=False)
    # The rows of the tokens from `_first` on, and the tables by the id of their layer.
    _first: int = 0
    _rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _tables: dict[int, NDArray] = field(default_factory=dict)

    def at(self, near: slice) -> tuple[NDArray[np.int64], dict[int, NDArray]]:
        """Look up consecutive tokens.

        near (slice): The n tokens.
        RETURNS (Tuple[ndarray, Dict[int, ndarray]]): The row of each token (n,), in tables of
            products for each layer by its id (n_rows, n_blocks · nO), whose row 0 is zero.
        """
        if near.start < self._first or near.stop > self._first + len(self._rows):
            self._look_up(near)
        return self._rows[near.start - self._first : near.stop - self._first], self._tables

    def _look_up(self, near: slice) -> None:
        """Find the rows of tokens, and those of the lexemes after them."""
        stop = max(near.stop, near.start + AHEAD) if self.embed else near.stop
        keys, firsts, places = self.tokens.distinct(slice(near.start, stop))
        blocks = [blocks_of(layer) for layer in self.layers]

        def compute(which: NDArray[np.int64], out: Tables) -> None:
            for start in range(0, len(which), CHUNK):
                some = slice(start, start + CHUNK)
                V = self.vectors_of(firsts[which[some]])
                for of_layer, table in zip(blocks, out, strict=True):
                    multiply(V, of_layer, out=table[some])

        self._tables = {}  # a full cache can be freed
        cache = self.cache if self.embed else LexemeCache(0)
        models = [self.embed, *self.layers] if self.embed else []
        widths = [len(of_layer) * of_layer.shape[1] for of_layer in blocks]
        rows, tables = cache(models, self.tokens.vocab, keys, widths, compute)
        self._tables = {o.id: table for o, table in zip(self.layers, tables, strict=True)}
        self._first, self._rows = near.start, rows[places]


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
