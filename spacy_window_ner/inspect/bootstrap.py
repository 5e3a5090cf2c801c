"""How sure figures of few documents are: the bootstrap over documents.

Entities of one document are alike, so documents are drawn, and not entities. The paired test is
that of Koehn 2004, "Statistical significance tests for machine translation evaluation", with the
null hypothesis of Berg-Kirkpatrick et al. 2012, "An empirical investigation of statistical
significance in NLP".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_SAMPLES = 1000
LEVEL = 0.95
# Documents times samples that are held at once.
_CELLS = 5_000_000


@dataclass(frozen=True)
class Difference:
    """The difference of two pipelines in F1, on the same documents.

    difference (float): F1 of the first minus that of the second.
    low (float): Where the interval of the difference begins.
    high (float): Where it ends.
    p (float): The probability of a difference this large, in either direction, if there were none.
    """

    difference: float
    low: float
    high: float
    p: float


def prf(counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """RETURNS (ndarray): Shape (..., 3), precision, recall and F1 of counts (..., 3) of correct,
    predicted and annotated entities; 0 where there are none.
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
    """Draw as many documents as there are, with replacement, again and again.

    counts (ndarray): Shape (n_docs, ...), what is counted in each document.
    n_samples (int): How often.
    seed (int): The seed; the same documents are drawn with the same seed.
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
    """Find the intervals of precision, recall and F1.

    counts (ndarray): Shape (n_docs, n_groups, 3), the correct, predicted and annotated entities of
        each group in each document.
    level (float): The share of samples in each interval.
    seed (int): The seed.
    RETURNS (Optional[ndarray]): Shape (n_groups, 3, 2), where each begins and ends; None if there
        is only one document, which says nothing of others.
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
    """Compare two pipelines in F1 by the paired bootstrap.

    first (ndarray): Shape (n_docs, 3), the correct, predicted and annotated entities of each
        document by the one pipeline.
    second (ndarray): Shape (n_docs, 3), the same by the other one.
    level (float): The share of samples in the interval.
    seed (int): The seed.
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
