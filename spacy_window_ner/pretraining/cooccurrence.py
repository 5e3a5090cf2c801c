"""Counts how often each word occurs at each position in the window of each other word.

A context is a word at a position of the window, such as "patients, one to the left". So the counts
are those of the inputs of the window classifier for each center word. With positional contexts,
words are similar if they are used in the same place of a sentence (Levy and Goldberg 2014,
Linguistic Regularities), as are words with the same label.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The number of tokens that are counted at a time, and added to the previous counts.
STRETCH = 2_000_000


@dataclass(frozen=True)
class SparseMatrix:
    """A sparse matrix (n_rows, n_columns).

    rows (ndarray): Shape (n,) int64, ascending.
    columns (ndarray): Shape (n,) int64, ascending within each row.
    values (ndarray): Shape (n,).
    shape (Tuple[int, int]): n_rows, n_columns.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray
    shape: tuple[int, int]


def count_contexts(
    ids: NDArray[np.int32], n_words: int, places: Sequence[int], n_contexts: int
) -> SparseMatrix:
    """Count the contexts of words.

    ids (ndarray): Shape (n_tokens,), indices of words in the order of frequency, or -1 for tokens
        that are neither word nor context.
    n_words (int): The size of the vocabulary.
    places (Sequence[int]): The positions in the window relative to the center, without 0.
    n_contexts (int): The number of context words at each position, the most frequent words.
    RETURNS (SparseMatrix): Shape (n_words, len(places) · n_contexts), the counts, int64. Column
        p · n_contexts + v is word v at places[p].
    """
    shape = n_words, len(places) * n_contexts
    keys, counts = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    for start in range(0, len(ids), STRETCH):
        found = []
        for number, place in enumerate(places):
            center, context = _pairs(ids, start, place)
            kept = (center >= 0) & (context >= 0) & (context < n_contexts)
            found.append(center[kept] * shape[1] + number * n_contexts + context[kept])
        new, times = np.unique(np.concatenate(found), return_counts=True)
        keys, counts = _add(keys, counts, new, times)
    return SparseMatrix(*np.divmod(keys, shape[1]), counts, shape)


def _pairs(
    ids: NDArray[np.int32], start: int, place: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The centers of a stretch, and the words at a position of their windows, both (n,)."""
    first, stop = max(start, -place), min(start + STRETCH, len(ids), len(ids) - place)
    stop = max(first, stop)
    return ids[first:stop].astype(np.int64), ids[first + place : stop + place]


def _add(
    keys: NDArray[np.int64],
    counts: NDArray[np.int64],
    new: NDArray[np.int64],
    times: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sums of the counts of keys; keys ascend and do not repeat, before and after."""
    if not len(keys):
        return new, times
    every, places = np.unique(np.concatenate([keys, new]), return_inverse=True)
    sums = np.bincount(places, np.concatenate([counts, times]), len(every))
    return every, sums.astype(np.int64)
