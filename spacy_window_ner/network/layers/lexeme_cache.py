"""Products of lexemes, remembered between batches; in prediction only.

A row of products in `WindowAffine` depends on the lexeme and on the weights alone, so it is
computed once and kept for the next batches (spaCy's parser precomputes its own likewise). A
remembered row is valid as long as every parameter is the same array and cannot have been written
to: the arrays are read-only while their products are remembered, and writable again after
`release`, with which each training step begins. Keys are hashes of attributes, not addresses, so
rows stay valid when `nlp.memory_zone()` frees the lexemes themselves.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray
from spacy.vocab import Vocab
from thinc.api import Model

from .rows import find_sorted

# How many lexemes are computed at a time.
CHUNK = 1024

Tables = list[NDArray[np.float32]]
Multiply = Callable[[NDArray[np.int64], Tables], None]

# Whether products are computed without being remembered, for each thread.
_BYPASSED: ContextVar[bool] = ContextVar("_BYPASSED", default=False)


@contextmanager
def nothing_remembered() -> Iterator[None]:
    """Inside, this thread's predictions neither use nor add remembered products: they are the same
    whatever was predicted before, to the last digit.
    """
    token = _BYPASSED.set(True)
    try:
        yield
    finally:
        _BYPASSED.reset(token)


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
        self._lock = Lock()
        self._state: list[int] = []
        self._kept_alive: list[Any] = []
        self._locked: list[NDArray] = []
        # Keys, their rows and the tables.
        self._contents = (np.zeros(0, np.uint64), np.zeros(0, np.int64), Tables())
        _CACHES.add(self)

    def __reduce__(self) -> tuple[type["LexemeCache"], tuple[int]]:
        return LexemeCache, (self.max_bytes,)

    def has_room(self, n_lexemes: int, widths: Sequence[int]) -> bool:
        """RETURNS (bool): Whether products of so many lexemes can be remembered."""
        return n_lexemes <= self.capacity(widths)

    def capacity(self, widths: Sequence[int]) -> int:
        """RETURNS (int): How many lexemes fit with products of these widths."""
        return self.max_bytes // (4 * sum(widths))

    def __call__(
        self,
        models: list[Model],
        vocab: Vocab,
        keys: NDArray[np.uint64],
        widths: Sequence[int],
        multiply: Multiply,
    ) -> tuple[NDArray[np.int64], Tables]:
        """Look lexemes up, and compute and remember the products of those that are missing.

        models (List[Model]): The layers that products depend on.
        vocab (Vocab): The vocabulary of the lexemes.
        keys (ndarray): Shape (n,), the keys of lexemes, ascending; no more than the capacity.
        widths (Sequence[int]): The widths of the products, one for each table.
        multiply (Callable): Takes numbers of some of these lexemes (m,), and writes their products
            to parts of the tables (m, width).
        RETURNS (Tuple[ndarray, List[ndarray]]): The row of each lexeme (n,), and the tables
            (n_rows, width), with zeros in row 0.
        """
        if _BYPASSED.get():
            return LexemeCache(self.max_bytes)._find_or_add(keys, widths, multiply)
        parameters = _parameters_of(models)
        sources = [vocab, vocab.vectors, vocab.vectors.data, vocab.lookups]
        state = [*map(id, parameters), *map(id, sources), vocab.vectors.n_keys]
        with self._lock:
            if state != self._state or any(array.flags.writeable for array in self._locked):
                self._forget()
                self._state, self._kept_alive = state, [*parameters, *sources]
                arrays = [value for value in parameters if isinstance(value, np.ndarray)]
                self._locked = [array for array in arrays if array.flags.writeable]
                for array in self._locked:
                    array.flags.writeable = False
            return self._find_or_add(keys, widths, multiply)

    def release(self) -> None:
        """Forget everything, and make the parameters writable."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        for array in self._locked:
            array.flags.writeable = True
        self._state, self._kept_alive, self._locked = [], [], []
        keys, rows, _ = self._contents
        self._contents = (keys[:0], rows[:0], [])

    def _find_or_add(
        self,
        keys: NDArray[np.uint64],
        widths: Sequence[int],
        multiply: Multiply,
    ) -> tuple[NDArray[np.int64], Tables]:
        known, known_rows, tables = self._contents
        places, found = find_sorted(known, keys)
        rows = np.zeros(len(keys), dtype=np.int64)
        rows[found] = known_rows[places[found]]
        missing = np.flatnonzero(~found)
        if not tables or len(known) + len(missing) > self.capacity(widths):
            # Pages of memory that are never written to are never taken from the machine.
            tables = [np.empty((1 + self.capacity(widths), n), dtype=np.float32) for n in widths]
            for table in tables:
                table[0] = 0
            known, known_rows, missing = known[:0], known_rows[:0], np.arange(len(keys))
        if not len(missing):
            return rows, tables
        rows[missing] = 1 + len(known) + np.arange(len(missing))
        for start in range(0, len(missing), CHUNK):
            part = missing[start : start + CHUNK]
            multiply(part, [table[rows[part[0]] : rows[part[-1]] + 1] for table in tables])
        places = np.searchsorted(known, keys[missing])
        known = np.insert(known, places, keys[missing])
        self._contents = (known, np.insert(known_rows, places, rows[missing]), tables)
        return rows, tables


def _parameters_of(models: list[Model]) -> list[Any]:
    """The arrays of all parameters, the known values of embedding tables, and clusters."""
    found: list[Any] = []
    nodes = list(models)
    while nodes:  # `Model.walk` takes three times as long
        node = nodes.pop()
        nodes += node.layers
        found += [node.get_param(name) for name in node.param_names]
        found += [node.attrs[name] for name in ("known", "clusters") if name in node.attrs]
    return found


_CACHES: "WeakSet[LexemeCache]" = WeakSet()


def _begin_anew() -> None:
    """Give each cache a free lock, and empty it: a forked child inherits locks that other threads
    held, and what they were about to change.
    """
    for cache in _CACHES:
        cache._lock = Lock()
        cache.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
