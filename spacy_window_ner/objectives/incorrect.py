"""The loss of a span that is known to be wrong: −log(1 − p), p being the span's probability."""

import numpy as np

# Above this log p, 1 − p is lost to rounding: loss and gradient stop growing there.
LOG_ALMOST_ONE = -1e-12


def incorrect_loss(log_p: float) -> tuple[float, float]:
    """Compute the loss and its derivative.

    log_p (float): The log of the span's probability.
    RETURNS (Tuple[float, float]): −log(1 − p) in nats, and its derivative by log p, p / (1 − p).
    """
    log_p = min(log_p, LOG_ALMOST_ONE)
    complement = -np.expm1(log_p)
    return float(-np.log(complement)), float(np.exp(log_p) / complement)
