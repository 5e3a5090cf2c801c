"""`softmax`: each token chooses one of the tags (seeds/000; p = softmax(S)).

J = −log Σ p over the allowed tags, summed over tokens. With one tag allowed this is the ordinary
cross entropy and its gradient is p − y; in general y is p shared out over the allowed tags,
so that a token whose annotation is missing has a gradient of exactly zero.
"""

import numpy as np
from numpy.typing import NDArray

from ..layers.transitions import Scores
from .independent import add_incorrect, span_products

LEARNS_TRANSITIONS = False


def loss(
    scores: Scores,
    allowed: NDArray[np.bool_],
    legal: NDArray[np.bool_],
    incorrect: NDArray[np.integer],
) -> tuple[float, Scores]:
    """Compute the loss and its gradient.

    scores (Scores): Emissions (n_tokens, n_tags); transitions are not used.
    allowed (ndarray): Shape (n_tokens, n_tags) bool, the tags that the annotation allows.
    legal (ndarray): Shape (n_tags,) bool, the tags that are in use.
    incorrect (ndarray): Shape (n_spans, 3), rows (start, end, label number) of spans that are
        known to be wrong, tokens counted through the batch.
    RETURNS (Tuple[float, Scores]): The loss in nats, summed over tokens, and its gradient.
    """
    log_p = _log_softmax(scores.emissions, legal)
    known = np.flatnonzero(~(allowed | ~legal).all(axis=1))
    right = np.where(allowed[known], log_p[known], -np.inf)
    log_right = np.logaddexp.reduce(right, axis=1)
    d_emissions = np.zeros(log_p.shape)
    d_emissions[known] = np.exp(log_p[known]) - np.exp(right - log_right[:, None])
    total = -float(log_right.sum())
    total += add_incorrect(log_p, _d_log_softmax, incorrect, d_emissions)
    d_emissions = d_emissions.astype(scores.emissions.dtype)
    return total, Scores(d_emissions, np.zeros(scores.transitions.shape), scores.lengths)


def _log_softmax(emissions: NDArray, legal: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    S = emissions.astype(np.float64)
    if legal is not None:
        S = np.where(legal, S, -np.inf)
    return S - np.logaddexp.reduce(S, axis=1, keepdims=True)


def _d_log_softmax(log_p: NDArray, columns: NDArray[np.integer]) -> NDArray[np.float64]:
    """∂ log p_c / ∂S = y − p for the chosen column c of each row: (n, n_tags)."""
    d = -np.exp(log_p)
    d[np.arange(len(d)), columns] += 1
    return d


def span_probabilities(
    scores: Scores, allowed: NDArray[np.bool_] | None, spans: NDArray[np.integer]
) -> NDArray[np.float64]:
    """The product of the probabilities of the tags of each span.

    scores (Scores): Emissions (n_tokens, n_tags).
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
    spans (ndarray): Shape (n_spans, 3), rows (start, end, label number).
    RETURNS (ndarray): Shape (n_spans,), from 0 to 1.
    """
    return span_products(_log_softmax(scores.emissions, allowed), spans)


def imitate(scores: Scores, teacher: Scores) -> tuple[float, Scores]:
    """Match the predictions of a teacher, with the gradient p − p of the teacher.

    scores (Scores): Emissions (n_tokens, n_tags).
    teacher (Scores): The teacher's scores for the same documents, of the same shapes.
    RETURNS (Tuple[float, Scores]): KL(teacher ‖ network) in nats, summed over tokens, and its
        gradient.
    """
    log_p, log_q = _log_softmax(scores.emissions, None), _log_softmax(teacher.emissions, None)
    d_emissions = (np.exp(log_p) - np.exp(log_q)).astype(scores.emissions.dtype)
    divergence = float((np.exp(log_q) * (log_q - log_p)).sum())
    return divergence, Scores(d_emissions, np.zeros(scores.transitions.shape), scores.lengths)
