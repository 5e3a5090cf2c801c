"""What `logistic` and `softmax` share: tokens are independent, so a span's probability is the
product of the probabilities of its tags.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..sequences.tags import spans_to_tags
from .incorrect import incorrect_loss


def span_products(log_p: NDArray, spans: NDArray[np.integer]) -> NDArray[np.float64]:
    """The product of the probabilities of the tags of each span.

    log_p (ndarray): Shape (n_tokens, n_tags), log probabilities of the tags.
    spans (ndarray): Shape (n_spans, 3), rows (start, end, label number), not overlapping.
    RETURNS (ndarray): Shape (n_spans,).
    """
    if len(spans) == 0:
        return np.zeros(0)
    tags = spans_to_tags(spans, len(log_p))
    chosen = np.concatenate([log_p[np.arange(len(tags)), tags], [0.0]])
    # reduceat sums from each bound to the next: every other sum is a gap between two spans.
    bounds = spans[:, :2].ravel()
    return np.exp(np.add.reduceat(chosen, bounds)[::2])


def add_incorrect(
    log_p: NDArray,
    d_log_p: Callable[[NDArray, NDArray], NDArray],
    incorrect: NDArray[np.integer],
    d_emissions: NDArray,
) -> float:
    """Add −log(1 − p) for spans that are known to be wrong, p being the product over the span.

    log_p (ndarray): Shape (n_tokens, n_tags).
    d_log_p (Callable): From log_p (n, n_tags) and one column for each row (n,) to the gradient
        of the chosen log p (n, n_tags).
    incorrect (ndarray): Shape (n_spans, 3), rows (start, end, label number); they may overlap.
    d_emissions (ndarray): Shape (n_tokens, n_tags); the gradient is added to it.
    RETURNS (float): The loss in nats, summed over the spans.
    """
    total = 0.0
    for start, end, label in incorrect:
        tags = spans_to_tags(np.asarray([[0, end - start, label]]), end - start)
        rows = log_p[start:end]
        loss, weight = incorrect_loss(float(rows[np.arange(len(tags)), tags].sum()))
        d_emissions[start:end] += weight * d_log_p(rows, tags)
        total += loss
    return total
