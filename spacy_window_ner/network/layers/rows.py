"""Rows of a table: which one a key has, sums of rows, and the transpose of these sums."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .to_numpy import NUMPY_OPS


def find_sorted(
    known: NDArray[np.uint64], keys: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Look keys up among sorted ones.

    known (ndarray): Shape (n_known,), ascending.
    keys (ndarray): Shape (n,).
    RETURNS (Tuple[ndarray, ndarray]): The place of each key in `known` (n,), and whether it is
        there (n,) bool; the place of others has no meaning.
    """
    if not len(known):
        return np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=bool)
    places = np.minimum(known.searchsorted(keys), len(known) - 1)
    return places, known[places] == keys


def sum_rows(table: NDArray, rows: Sequence[NDArray[np.integer]]) -> NDArray:
    """Σ_i table[rows[i]].

    table (ndarray): Shape (n_rows, width).
    rows (Sequence[ndarray]): One or more arrays of shape (n,).
    RETURNS (ndarray): Shape (n, width).
    """
    first, *others = rows
    sums = np.take(table, first, axis=0)
    part = np.empty_like(sums)
    for row in others:
        np.take(table, row, axis=0, out=part, mode="clip")  # other modes write to a copy first
        sums += part
    return sums


def add_rows(table: NDArray, rows: NDArray[np.integer], values: NDArray) -> None:
    """table[rows[i]] += values[i], in place, with rows that may repeat.

    table (ndarray): Shape (n_rows, width).
    rows (ndarray): Shape (n,).
    values (ndarray): Shape (n, width).
    """
    if len(rows) == 0:
        return
    # Thinc's loop in C takes contiguous float32 and int32; other types go through np.add.at.
    NUMPY_OPS.scatter_add(
        table, np.ascontiguousarray(rows, dtype=np.int32), np.ascontiguousarray(values)
    )


@dataclass(frozen=True)
class Term:
    """A term of z that is zero for most tokens: z[tokens[i]] += Σ_j table[rows[i, j]].

    tokens (ndarray): Shape (n,) int64, ascending.
    rows (ndarray): Shape (n,) or (n, rows of a sum), integers.
    table (ndarray): Shape (n_rows, nO).
    n_tokens (int): The number of tokens of the batch.
    """

    tokens: NDArray[np.int64]
    rows: NDArray[np.integer]
    table: NDArray
    n_tokens: int

    def add_to(self, Z: NDArray, part: slice) -> None:
        """Add the term to z of consecutive tokens (n_tokens of the part, nO), in place."""
        some = slice(*self.tokens.searchsorted((part.start, part.stop)))
        rows = self.rows[some]
        values = self.table[rows] if rows.ndim == 1 else sum_rows(self.table, [*rows.T])
        add_rows(Z, self.tokens[some] - part.start, values)

    def dense(self) -> NDArray:
        """RETURNS (ndarray): The term of all tokens, with its zeros (n_tokens, nO)."""
        Z = np.zeros((self.n_tokens, self.table.shape[1]), dtype=self.table.dtype)
        self.add_to(Z, slice(0, self.n_tokens))
        return Z
