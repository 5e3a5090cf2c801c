"""Forward–backward for one short document: the textbook recursion from tag to tag (Rabiner 1989).

    after[q] = Σ_p e[p] · before[p] · A[p, q]        with e = exp(emission), A = exp(transition)

For n labels, this takes (4n + 1)² products for each token where `forward_backward` takes (n + 1)².
But the time for a short document is that of its calls, and here each token takes two for both ways:
20 words take a fourth of the time with few labels. Sums are not rescaled, so documents have to be
short.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .batching import Floats
from .forward_backward import SequenceSums
from .tags import BEGIN, LAST, TAGS_PER_LABEL, UNIT

Float64s = NDArray[np.float64]

# The number of tokens up to which a document is short.
SHORT = 100
# With more labels, the products take longer than the calls that are saved.
FEW_LABELS = 24
# Smaller sums may have lost sequences to rounding to zero.
_SMALLEST = 1e-200


def sums_of_short(
    scores: NDArray, transitions: NDArray, dtype: DTypeLike = np.float64
) -> SequenceSums | None:
    """Sum over the legal tag sequences of one document.

    scores (ndarray): Shape (n_tokens, n_tags), −∞ for tags that are not allowed; n_tokens is from 1
        to `SHORT`.
    transitions (ndarray): Shape (n_labels + 1, n_labels + 1), with at most `FEW_LABELS` labels.
    dtype (DTypeLike): The type of the marginals. Sums are float64.
    RETURNS (Optional[SequenceSums]): The sums; None if they may have left the range of floats.
    """
    n, n_tags = scores.shape
    A, both, first, top = _factors(transitions.tobytes(), transitions.dtype)
    e = scores.astype(np.float64)
    largest = e.max(axis=1, keepdims=True)
    np.exp(np.subtract(e, largest, out=e), out=e)
    sums = np.empty((n + 1, 2 * n_tags))
    sums[0] = first
    factors = np.concatenate([e, e[::-1]], axis=1)
    for factor, before, after in zip(factors, sums[:-1], sums[1:], strict=True):
        both.dot(factor * before, out=after)
    forward, backward = e * sums[:-1, :n_tags], sums[-2::-1, n_tags:]
    marginals = forward * backward
    z = marginals.sum(axis=1, keepdims=True)
    if not z.min() > _SMALLEST:
        return None
    marginals /= z

    def count() -> Floats:
        with np.errstate(all="ignore"):
            weights = e * backward / z
            taken = forward[:-1].T @ weights[1:]
            taken[0] += weights[0]
            taken *= A
        steps, _ = _steps(len(transitions) - 1)
        expected = np.bincount(steps.ravel(), taken.ravel())[: transitions.size]
        return expected.astype(np.float64).reshape(transitions.shape)

    log_z = np.log(z[0]) + largest.sum() + n * top
    return SequenceSums(log_z, marginals.astype(dtype, copy=False), count)


@lru_cache(maxsize=16)
def _factors(transitions: bytes, dtype: np.dtype) -> tuple[Float64s, Float64s, Float64s, float]:
    """Compute what documents with the same transition scores share.

    transitions (bytes): The scores (n_labels + 1, n_labels + 1).
    dtype (dtype): Their type.
    RETURNS (Tuple[ndarray, ndarray, ndarray, float]): A (n_tags, n_tags); Aᵀ and A as blocks of one
        matrix, for the ways forward and backward (2 · n_tags, 2 · n_tags); the sums that both ways
        begin with (2 · n_tags,); and the log of what each factor was divided by.
    """
    T = np.frombuffer(transitions, dtype=dtype)
    steps, ends = _steps(math.isqrt(len(T)) - 1)
    top = float(T.max())
    # One factor exp(−top) for each token, as in `exponentials`.
    A = np.exp(np.concatenate([T, [0, -np.inf]]) - top)[steps]
    nothing = np.zeros_like(A)
    # O precedes a document, and nothing follows it.
    return A, np.block([[A.T, nothing], [nothing, A]]), np.append(A[0], ends), top


@lru_cache(maxsize=16)
def _steps(n_labels: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Which factor a step from tag to tag has (n_tags, n_tags): the number of a transition, then a
    number for steps inside of an entity, and one for illegal steps. And the tags that a document
    may end with (n_tags,).
    """
    # O begins and ends something of its own, as U does.
    label, position = np.divmod(np.arange(TAGS_PER_LABEL * n_labels + 1) - 1, TAGS_PER_LABEL)
    begins = (position == BEGIN) | (position == UNIT)
    ends = (position == LAST) | (position == UNIT)
    inside, illegal = (n_labels + 1) ** 2, (n_labels + 1) ** 2 + 1
    same = np.where(label[:, None] == label, inside, illegal)
    steps = np.where(ends[:, None] | begins, illegal, same)
    transition = (1 + label[:, None]) * (n_labels + 1) + 1 + label
    return np.where(ends[:, None] & begins, transition, steps), ends
