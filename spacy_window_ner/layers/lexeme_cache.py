"""Products of lexemes, remembered between batches; in prediction only.

A row of products in `WindowAffine` depends on the lexeme and on the weights alone, so it is
computed once and kept for the next batches (spaCy's parser precomputes its own likewise). A
remembered row is valid as long as every parameter is the same array, and nobody can have written
into it: the arrays are made read-only while their products are remembered, and writable again by
`release`, with which each training step begins. Keys are hashes of attributes, not addresses, so
rows stay valid when `nlp.memory_zone()` frees the lexemes themselves.
"""

import os
from collections.abc import Callable
from threading import Lock
from typing import Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray
from spacy.vocab import Vocab
from thinc.api import Model

# How many lexemes are computed at a time.
CHUNK = 1024

_CACHES: "WeakSet[LexemeCache]" = WeakSet()


class LexemeCache:
    """Rows of products by the key of their lexeme.

    A full cache is emptied. It is never saved, copies of a network begin with an empty one, and
    threads may share it.
    """

    def __init__(self, max_bytes: int) -> None:
        """Begin empty.

        max_bytes (int): How much memory the products may take.
        """
        self.max_bytes = max_bytes
        self._memory: _Memory | None = None
        self._renew_lock()
        _CACHES.add(self)

    def __reduce__(self) -> tuple[type["LexemeCache"], tuple[int]]:
        return LexemeCache, (self.max_bytes,)

    def _renew_lock(self) -> None:
        self._lock = Lock()

    def __call__(
        self,
        embed: Model,
        layers: list[Model],
        vocab: Vocab,
        keys: NDArray[np.uint64],
        multiply: Callable[[NDArray[np.int64]], list[NDArray[np.float32]]],
    ) -> tuple[NDArray[np.int64], list[NDArray[np.float32]]] | None:
        """Look lexemes up, and compute and remember the products of those that are missing.

        embed (Model): The layers that make the vectors of lexemes.
        layers (List[Model]): The window layers that multiply them.
        vocab (Vocab): The vocabulary of the lexemes.
        keys (ndarray): Shape (n,), the keys of lexemes, ascending.
        multiply (Callable): From numbers of some of these lexemes (m,) to their products, for each
            layer (m, width of its products).
        RETURNS (Optional[Tuple[ndarray, List[ndarray]]]): The row of each lexeme (n,), and the
            table of each layer (n_rows, width of its products), with zeros in row 0. None if the
            cache has no room for so many lexemes.
        """
        widths = [layer.get_dim("nO") * (2 * layer.attrs["window_size"] + 1) for layer in layers]
        capacity = self.max_bytes // (4 * sum(widths))
        if len(keys) > capacity:
            return None
        parameters, sources = _parameters_of([*layers, embed]), _sources_of(vocab)
        with self._lock:
            if self._memory is None or not self._memory.is_valid(parameters, sources):
                self._release()
                self._memory = _Memory(parameters, sources)
            return self._memory.find_or_add(keys, multiply, widths, capacity)

    def release(self) -> None:
        """Forget everything, and make the parameters writable."""
        with self._lock:
            self._release()

    def _release(self) -> None:
        if self._memory is not None:
            self._memory.unlock()
            self._memory = None


class _Memory:
    """What is remembered under one set of parameters."""

    def __init__(self, parameters: list[Any], sources: tuple[Any, ...]) -> None:
        self.parameters, self.sources = parameters, sources
        arrays = [value for value in parameters if isinstance(value, np.ndarray)]
        self._locked = [array for array in arrays if array.flags.writeable]
        for array in self._locked:
            array.flags.writeable = False
        # Replaced as a whole, so that a fork never inherits half of a change.
        self._contents = (np.zeros(0, np.uint64), np.zeros(0, np.int64), list[NDArray]())

    def unlock(self) -> None:
        for array in self._locked:
            array.flags.writeable = True

    def is_valid(self, parameters: list[Any], sources: tuple[Any, ...]) -> bool:
        """Whether the parameters are the same, and have been read-only ever since."""
        return (
            len(parameters) == len(self.parameters)
            and all(a is b for a, b in zip(parameters, self.parameters, strict=True))
            and all(a is b for a, b in zip(sources[:-1], self.sources[:-1], strict=True))
            and sources[-1] == self.sources[-1]
            and not any(array.flags.writeable for array in self._locked)
        )

    def find_or_add(
        self,
        keys: NDArray[np.uint64],
        multiply: Callable[[NDArray[np.int64]], list[NDArray[np.float32]]],
        widths: list[int],
        capacity: int,
    ) -> tuple[NDArray[np.int64], list[NDArray[np.float32]]]:
        """See `LexemeCache.__call__`."""
        known, known_rows, tables = self._contents
        rows = _find(known, known_rows, keys)
        missing = np.flatnonzero(rows == 0)
        if not len(missing) and tables:
            return rows, tables
        if not tables or len(known) + len(missing) > capacity:
            # Pages of memory that are never written to are never taken from the machine.
            tables = [np.empty((1 + capacity, width), dtype=np.float32) for width in widths]
            for table in tables:
                table[0] = 0
            known, known_rows, missing = known[:0], known_rows[:0], np.arange(len(keys))
        rows[missing] = 1 + len(known) + np.arange(len(missing))
        for start in range(0, len(missing), CHUNK):
            part = missing[start : start + CHUNK]
            for table, products in zip(tables, multiply(part), strict=True):
                table[rows[part[0]] : rows[part[-1]] + 1] = products
        place = np.searchsorted(known, keys[missing])
        known = np.insert(known, place, keys[missing])
        known_rows = np.insert(known_rows, place, rows[missing])
        self._contents = (known, known_rows, tables)
        return rows, tables


def _find(
    known: NDArray[np.uint64], rows: NDArray[np.int64], keys: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """The row of each key (n,), 0 where it is not known."""
    if not len(known):
        return np.zeros(len(keys), dtype=np.int64)
    nearest = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[nearest] == keys, rows[nearest], 0)


def _parameters_of(models: list[Model]) -> list[Any]:
    """The arrays of all parameters, and the known values of embedding tables."""
    nodes = [node for model in models for node in model.walk()]
    found: list[Any] = [
        node.get_param(name) for node in nodes for name in node.param_names if node.has_param(name)
    ]
    return found + [node.attrs["known"] for node in nodes if "known" in node.attrs]


def _sources_of(vocab: Vocab) -> tuple[Any, ...]:
    """What vectors of lexemes depend on in the vocabulary."""
    vectors = vocab.vectors
    return vocab, vectors, vectors.data, vocab.lookups, vectors.n_keys


def _renew_locks() -> None:
    """Give each cache a free lock: a forked child inherits those that other threads held."""
    for cache in _CACHES:
        cache._renew_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
