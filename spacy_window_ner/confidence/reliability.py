"""Measures of calibration.

The expected calibration error (ECE; Naeini et al. 2015, "Obtaining well calibrated probabilities
using Bayesian binning") is the mean difference between the mean probability and the share of
correct spans, over bins with the same number of spans. If there are few spans, the ECE is large by
chance alone: `expected_ece` estimates how large.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]
Mask = NDArray[np.bool_]

N_BINS = 15
# The logarithm of 0 is not a number.
_TINY = 1e-7
_SAMPLES = 100


@dataclass(frozen=True)
class Bins:
    """Spans in bins of equal size, the least probable first.

    claimed (ndarray): Shape (n_bins,), the mean probability of the spans of each bin.
    right (ndarray): Shape (n_bins,), the share of them that are entities.
    sizes (ndarray): Shape (n_bins,), the number of them.
    """

    claimed: Float64s
    right: Float64s
    sizes: NDArray[np.int64]


def bins_of(probabilities: Float64s, correct: Mask, n_bins: int = N_BINS) -> Bins:
    """Sort spans into bins.

    probabilities (ndarray): Shape (n_spans,).
    correct (ndarray): Shape (n_spans,) bool, which of them are entities.
    n_bins (int): The number of bins, or fewer if there are fewer spans.
    RETURNS (Bins): The bins, none of them empty.
    """
    order = np.argsort(probabilities, kind="stable")
    n_bins = min(n_bins, len(order))
    starts = len(order) * np.arange(n_bins) // max(n_bins, 1)
    sizes = np.diff(starts, append=len(order))
    claimed, right = (
        np.add.reduceat(a[order], starts) / sizes if n_bins else np.zeros(0)
        for a in (probabilities, correct.astype(np.float64))
    )
    return Bins(claimed, right, sizes)


def ece(probabilities: Float64s, correct: Mask, n_bins: int = N_BINS) -> float:
    """RETURNS (float): The expected calibration error; 0 without spans. See `bins_of`."""
    bins = bins_of(probabilities, correct, n_bins)
    distance = bins.sizes @ np.abs(bins.claimed - bins.right)
    return float(distance / max(len(probabilities), 1))


def expected_ece(probabilities: Float64s, n_bins: int = N_BINS, seed: int = 0) -> float:
    """RETURNS (float): The expected ECE by chance if the probabilities are perfectly calibrated,
    estimated by simulation. See `bins_of`.
    """
    rng = np.random.default_rng(seed)
    draws = rng.random((_SAMPLES, len(probabilities))) < probabilities
    return float(np.mean([ece(probabilities, draw, n_bins) for draw in draws]))


def brier(probabilities: Float64s, correct: Mask) -> float:
    """RETURNS (float): The mean squared error of probabilities (n_spans,); 0 without spans."""
    return float(np.square(probabilities - correct).mean()) if len(correct) else 0.0


def log_loss(probabilities: Float64s, correct: Mask) -> float:
    """RETURNS (float): The log loss of probabilities (n_spans,) in nats; 0 without spans."""
    p = np.clip(np.where(correct, probabilities, 1 - probabilities), _TINY, 1)
    return float(-np.log(p).mean()) if len(p) else 0.0


def diagram(probabilities: Float64s, correct: Mask, n_bins: int = 10, width: int = 40) -> str:
    """Draw a reliability diagram as text: for each bin the mean probability, the share of correct
    spans, and a bar for this share with a mark at the mean probability.

    probabilities (ndarray): Shape (n_spans,).
    correct (ndarray): Shape (n_spans,) bool.
    n_bins (int): The number of bins.
    width (int): The length of a bar for 1.
    RETURNS (str): The lines of the diagram.
    """
    bins = bins_of(probabilities, correct, n_bins)
    lines = ["  prob. correct   spans"]
    for claimed, right, size in zip(bins.claimed, bins.right, bins.sizes, strict=True):
        bar = list(("█" * round(right * width)).ljust(width + 1, "·"))
        bar[round(claimed * width)] = "│"
        lines.append(f"{claimed:7.2f} {right:7.2f} {size:7d}  {''.join(bar)}")
    return "\n".join(lines)
