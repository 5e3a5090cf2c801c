"""What `logistic` and `softmax` share: tokens are independent, so a span's probability p is the
product of the probabilities of its tags. A span known to be incorrect has the loss −log(1 − p).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..sequences.batching import Scores
from ..sequences.tags import tags_of_spans

Float64s = NDArray[np.float64]

# Above this log p, 1 − p is lost to rounding: loss and gradient stop growing there.
LOG_ALMOST_ONE = -1e-12


def add_incorrect(
    log_p: NDArray,
    d_log_p: Callable[[NDArray, NDArray], NDArray],
    incorrect: NDArray[np.integer],
    d_emissions: NDArray,
) -> float:
    """Add −log(1 − p) for spans that are known to be incorrect, and its gradient.

    log_p (ndarray): Shape (n_tokens, n_tags).
    d_log_p (Callable): From log_p (n, n_tags) and one column for each row (n,) to the gradient
        of the chosen log p (n, n_tags).
    incorrect (ndarray): Shape (n_spans, 3), rows (start, end, label number); they may overlap.
    d_emissions (ndarray): Shape (n_tokens, n_tags); the gradient is added to it.
    RETURNS (float): The loss in nats, summed over the spans.
    """
    tokens, tags, first = tags_of_spans(incorrect)
    losses, weights = incorrect_loss(np.add.reduceat(log_p[tokens, tags], first))
    of_tokens = np.repeat(weights, np.diff(first, append=len(tokens)))
    np.add.at(d_emissions, tokens, of_tokens[:, None] * d_log_p(log_p[tokens], tags))
    return float(losses.sum())


def incorrect_loss(log_p: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the loss of incorrect spans and its derivative.

    log_p (ndarray): Shape (n_spans,), the logs of the spans' probabilities.
    RETURNS (Tuple[ndarray, ndarray]): −log(1 − p) in nats, and its derivative by log p,
        p / (1 − p): (n_spans,) each.
    """
    log_p = np.minimum(log_p, LOG_ALMOST_ONE)
    complement = -np.expm1(log_p)
    return -np.log(complement), np.exp(log_p) / complement


def emissions_gradient(d_emissions: NDArray, scores: Scores) -> Scores:
    """A gradient of the emissions (n_tokens, n_tags) alone, of the type of the scores."""
    d_transitions = np.zeros(scores.transitions.shape)
    return Scores(d_emissions.astype(scores.emissions.dtype), d_transitions, scores.lengths)


def x_log_x(x: NDArray) -> Float64s:
    """Compute x log x, which is 0 for x = 0."""
    x = x.astype(np.float64)
    return x * np.log(np.where(x > 0, x, 1))
