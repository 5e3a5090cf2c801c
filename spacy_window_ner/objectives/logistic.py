"""`logistic`: one yes/no classifier for each tag (`docs/mathematics.md`, section 7).

J = −Σ_c [y_c log σ(s_c) + (1 − y_c) log(1 − σ(s_c))], gradient σ(s_c) − y_c, summed over tokens.
A tag that the annotation forbids has y = 0. Where it allows exactly one tag, that one has y = 1;
where it leaves several open, these are unknown and have no weight.
"""

import numpy as np
from numpy.typing import NDArray

from ..sequences.batching import Mask, Scores, mask_scores
from .independent import Float64s, add_incorrect, emissions_gradient, x_log_x

LEARNS_TRANSITIONS = False


def loss(
    scores: Scores, allowed: Mask, legal: Mask, incorrect: NDArray[np.integer]
) -> tuple[float, Scores]:
    """Compute the loss and its gradient: see `Objective`."""
    S = scores.emissions.astype(np.float64)
    choices = allowed & legal
    single = choices.sum(axis=1, keepdims=True) == 1
    annotated = (legal & ~allowed).any(axis=1, keepdims=True)
    weight = (annotated & legal & (~choices | single)).astype(np.float64)
    log_p = _log_sigmoid(S)
    # 1 − σ(s) = σ(−s)
    total = -float((weight * np.where(choices, log_p, _log_sigmoid(-S))).sum())
    d_emissions = weight * (np.exp(log_p) - choices)
    total += add_incorrect(log_p, _d_log_sigmoid, incorrect, d_emissions)
    return total, emissions_gradient(d_emissions, scores)


def _log_sigmoid(S: NDArray) -> NDArray[np.float64]:
    """Compute log σ(s) = −log(1 + e⁻ˢ)."""
    return -np.logaddexp(0, -S.astype(np.float64))


def _d_log_sigmoid(log_p: NDArray, columns: NDArray[np.integer]) -> NDArray[np.float64]:
    """∂ log σ(s_c) / ∂S = 1 − σ(s_c) in the chosen column c of each row: (n, n_tags)."""
    d = np.zeros_like(log_p)
    rows = np.arange(len(d))
    d[rows, columns] = -np.expm1(log_p[rows, columns])
    return d


def tag_probabilities(scores: Scores, allowed: Mask | None) -> NDArray[np.floating]:
    """σ(S), and 0 for tags that are not allowed: see `Objective`. The classifiers do not compete,
    so the others keep theirs.
    """
    return np.exp(_log_sigmoid(mask_scores(scores, allowed)))


def tag_log_odds(
    emissions: Float64s, allowed: Mask, tags: NDArray[np.integer]
) -> tuple[Float64s, Float64s, Float64s, Float64s]:
    """Compute log p and log(1 − p) of one tag at each token, with 1 − σ(s) = σ(−s): see
    `Objective`.
    """
    rows = np.arange(len(emissions))
    s = emissions[rows, tags]
    log_p, log_q = _log_sigmoid(s), _log_sigmoid(-s)
    d_log_p, d_log_q = np.zeros_like(emissions), np.zeros_like(emissions)
    d_log_p[rows, tags] = np.exp(log_q)
    d_log_q[rows, tags] = -np.exp(log_p)
    return log_p, log_q, d_log_p, d_log_q


def token_entropies(p: NDArray[np.floating]) -> Float64s:
    """Compute the entropies of the classifiers of each token, added up: see `Objective`."""
    return -(x_log_x(p) + x_log_x(1 - p)).sum(axis=1)


def imitate(scores: Scores, teacher: Scores) -> tuple[float, Scores]:
    """Match the predictions of a teacher, with the gradient σ(s) − σ(teacher's): see `Objective`.

    The divergence is summed over tokens and tags.
    """
    S, R = scores.emissions, teacher.emissions
    q = np.exp(_log_sigmoid(R))
    divergence = q * (_log_sigmoid(R) - _log_sigmoid(S))
    divergence += (1 - q) * (_log_sigmoid(-R) - _log_sigmoid(-S))
    d_emissions = np.exp(_log_sigmoid(S)) - q
    return float(divergence.sum()), emissions_gradient(d_emissions, scores)
