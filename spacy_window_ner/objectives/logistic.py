"""`logistic`: one yes/no classifier for each tag (seeds/000, "Simple NER": logistic classifier).

J = −Σ_c [y_c log σ(s_c) + (1 − y_c) log(1 − σ(s_c))], gradient σ(s_c) − y_c, summed over tokens.
A tag that the annotation forbids has y = 0. Where it allows exactly one tag, that one has y = 1;
where it leaves several open, these are unknown and have no weight.
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
    S = scores.emissions.astype(np.float64)
    choices = allowed & legal
    single = choices.sum(axis=1, keepdims=True) == 1
    known = ~(allowed | ~legal).all(axis=1, keepdims=True)
    weight = (known & legal & (~choices | single)).astype(np.float64)
    # −log σ(s) = log(1 + e⁻ˢ), and 1 − σ(s) = σ(−s)
    losses = np.logaddexp(0, np.where(choices, -S, S))
    d_emissions = weight * (np.exp(_log_sigmoid(S)) - choices)
    total = float((weight * losses).sum())
    total += add_incorrect(_log_sigmoid(S), _d_log_sigmoid, incorrect, d_emissions)
    d_emissions = d_emissions.astype(scores.emissions.dtype)
    return total, Scores(d_emissions, np.zeros(scores.transitions.shape), scores.lengths)


def _log_sigmoid(S: NDArray) -> NDArray[np.float64]:
    return -np.logaddexp(0, -S.astype(np.float64))


def _d_log_sigmoid(log_p: NDArray, columns: NDArray[np.integer]) -> NDArray[np.float64]:
    """∂ log σ(s_c) / ∂S = 1 − σ(s_c) in the chosen column c of each row: (n, n_tags)."""
    d = np.zeros_like(log_p)
    rows = np.arange(len(d))
    d[rows, columns] = -np.expm1(log_p[rows, columns])
    return d


def span_probabilities(
    scores: Scores, allowed: NDArray[np.bool_] | None, spans: NDArray[np.integer]
) -> NDArray[np.float64]:
    """The product of the probabilities of the tags of each span.

    scores (Scores): Emissions (n_tokens, n_tags).
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; the classifiers do not compete, so
        it changes nothing.
    spans (ndarray): Shape (n_spans, 3), rows (start, end, label number).
    RETURNS (ndarray): Shape (n_spans,), from 0 to 1.
    """
    return span_products(_log_sigmoid(scores.emissions), spans)


def imitate(scores: Scores, teacher: Scores) -> tuple[float, Scores]:
    """Match the predictions of a teacher, with the gradient σ(s) − σ(teacher's).

    scores (Scores): Emissions (n_tokens, n_tags).
    teacher (Scores): The teacher's scores for the same documents, of the same shapes.
    RETURNS (Tuple[float, Scores]): KL(teacher ‖ network) in nats, summed over tokens and tags, and
        its gradient.
    """
    S, R = scores.emissions.astype(np.float64), teacher.emissions.astype(np.float64)
    q = np.exp(_log_sigmoid(R))
    divergence = q * (_log_sigmoid(R) - _log_sigmoid(S))
    divergence += (1 - q) * (_log_sigmoid(-R) - _log_sigmoid(-S))
    d_emissions = (np.exp(_log_sigmoid(S)) - q).astype(scores.emissions.dtype)
    d_scores = Scores(d_emissions, np.zeros(scores.transitions.shape), scores.lengths)
    return float(divergence.sum()), d_scores
