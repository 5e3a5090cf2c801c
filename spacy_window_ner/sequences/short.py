"""Forward–backward for one short document: the textbook recursion from tag to tag (Rabiner 1989).

    after[q] = Σ_p e[p] · before[p] · A[p, q]        with e = exp(emission), A = exp(transition)

For n labels, this takes (4n + 1)² products for each token where `forward_backward` takes (n + 1)².
But the time for a short document is that of its calls, and here each token takes two for both ways:
20 words take a fourth of the time with few labels. Sums are not rescaled, so documents have to be
short.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .forward_backward import SequenceSums
from .tags import BEGIN, LAST, TAGS_PER_LABEL, UNIT

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
    steps, ends = _steps(len(transitions) - 1)
    e, top = scores.astype(np.float64), float(transitions.max())
    largest = e.max(axis=1, keepdims=True)
    np.exp(np.subtract(e, largest, out=e), out=e)
    # One factor exp(−top) for each token, as in `exponentials`.
    A = np.exp(np.concatenate([transitions.ravel(), [0, -np.inf]]) - top)[steps]
    both = np.zeros((2 * n_tags, 2 * n_tags))
    both[:n_tags, :n_tags], both[n_tags:, n_tags:] = A.T, A
    sums = np.empty((n + 1, 2 * n_tags))
    sums[0, :n_tags], sums[0, n_tags:] = A[0], ends  # O precedes a document, and nothing follows it
    factors = np.concatenate([e, e[::-1]], axis=1)
    for factor, before, after in zip(factors, sums[:-1], sums[1:], strict=True):
        np.dot(both, factor * before, out=after)
    forward, backward = e * sums[:-1, :n_tags], sums[-2::-1, n_tags:]
    marginals = forward * backward
    z = marginals.sum(axis=1, keepdims=True)
    if not z.min() > _SMALLEST:
        return None
    marginals /= z
    weights = e * backward / z
    taken = forward[:-1].T @ weights[1:]
    taken[0] += weights[0]
    taken *= A
    expected = np.bincount(steps.ravel(), taken.ravel())[: transitions.size].astype(np.float64)
    log_z = np.log(z[0]) + largest.sum() + n * top
    marginals = marginals.astype(dtype, copy=False)
    return SequenceSums(log_z, marginals, expected.reshape(transitions.shape))


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
