"""Confidence intervals of scores by the bootstrap over documents.

Entities in one document are not independent, so documents are resampled, not entities. The paired
test is that of Koehn 2004, "Statistical significance tests for machine translation evaluation",
with the null hypothesis of Berg-Kirkpatrick et al. 2012, "An empirical investigation of statistical
significance in NLP".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_SAMPLES = 1000
LEVEL = 0.95
# Maximum number of documents times samples in memory.
_CELLS = 5_000_000


@dataclass(frozen=True)
class Difference:
    """The difference in F1 between two pipelines on the same documents.

    difference (float): F1 of the first minus F1 of the second.
    low (float): Lower bound of the confidence interval.
    high (float): Upper bound of the confidence interval.
    p (float): The p-value: the probability of a difference at least this large, in either
        direction, if the pipelines were equally good.
    """

    difference: float
    low: float
    high: float
    p: float


def prf(counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """RETURNS (ndarray): Shape (..., 3), precision, recall and F1 from counts (..., 3) of correct,
    predicted and annotated entities; 0 if there are none.
    """
    correct, predicted, gold = np.moveaxis(counts.astype(np.float64), -1, 0)
    return np.stack(
        [
            correct / np.maximum(predicted, 1),
            correct / np.maximum(gold, 1),
            2 * correct / np.maximum(predicted + gold, 1),
        ],
        axis=-1,
    )


def resample(
    counts: NDArray[np.integer], n_samples: int = N_SAMPLES, seed: int = 0
) -> NDArray[np.int64]:
    """Draw bootstrap samples of documents, with replacement.

    counts (ndarray): Shape (n_docs, ...), the counts of each document.
    n_samples (int): The number of samples.
    seed (int): Random seed. The same seed draws the same documents.
    RETURNS (ndarray): Shape (n_samples, ...), the sums over the documents of each sample.
    """
    rng, n = np.random.default_rng(seed), len(counts)
    flat = counts.reshape(n, -1).astype(np.float64)
    sums, step = [], max(1, _CELLS // n)
    for start in range(0, n_samples, step):
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=min(step, n_samples - start))
        sums.append(drawn.astype(np.float64) @ flat)
    return np.concatenate(sums).round().astype(np.int64).reshape(n_samples, *counts.shape[1:])


def intervals(
    counts: NDArray[np.integer], level: float = LEVEL, seed: int = 0
) -> NDArray[np.float64] | None:
    """Compute confidence intervals of precision, recall and F1.

    counts (ndarray): Shape (n_docs, n_groups, 3), the correct, predicted and annotated entities of
        each group in each document.
    level (float): The confidence level.
    seed (int): Random seed.
    RETURNS (Optional[ndarray]): Shape (n_groups, 3, 2), the lower and upper bounds; None if there
        is only one document.
    """
    if len(counts) < 2:
        return None
    tail = (1 - level) / 2
    found = np.quantile(prf(resample(counts, seed=seed)), [tail, 1 - tail], axis=0)
    return np.moveaxis(found, 0, -1)


def paired(
    first: NDArray[np.integer],
    second: NDArray[np.integer],
    level: float = LEVEL,
    seed: int = 0,
) -> Difference | None:
    """Compare the F1 of two pipelines by the paired bootstrap.

    first (ndarray): Shape (n_docs, 3), the correct, predicted and annotated entities of each
        document for the first pipeline.
    second (ndarray): Shape (n_docs, 3), the same for the second pipeline.
    level (float): The confidence level.
    seed (int): Random seed.
    RETURNS (Optional[Difference]): The difference; None if there is only one document.
    """
    if len(first) < 2:
        return None
    both = np.stack([first, second], axis=1)
    f = prf(resample(both, seed=seed))[..., 2]
    whole = prf(both.sum(axis=0))[:, 2]
    observed, drawn = whole[0] - whole[1], f[:, 0] - f[:, 1]
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    # Without a difference, samples would differ from 0 as these do from the observed one.
    n_as_large = int((np.abs(drawn - observed) >= abs(observed) - 1e-12).sum())
    p = (n_as_large + 1) / (len(drawn) + 1)
    return Difference(float(observed), float(low), float(high), float(p))
