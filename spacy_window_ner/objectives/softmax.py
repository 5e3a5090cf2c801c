"""`softmax`: each token chooses one of the tags (`docs/mathematics.md`, section 7).

J = −log Σ p over the allowed tags, summed over tokens. With one tag allowed this is the ordinary
cross entropy and its gradient is p − y; in general y is p shared out over the allowed tags,
so that a token whose annotation is missing has a gradient of exactly zero.
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
    log_p = _log_softmax(scores, np.broadcast_to(legal, allowed.shape))
    annotated = np.flatnonzero((legal & ~allowed).any(axis=1))
    right = np.where(allowed[annotated], log_p[annotated], -np.inf)
    log_right = np.logaddexp.reduce(right, axis=1)
    d_emissions = np.zeros(log_p.shape)
    d_emissions[annotated] = np.exp(log_p[annotated]) - np.exp(right - log_right[:, None])
    total = -float(log_right.sum())
    total += add_incorrect(log_p, _d_log_softmax, incorrect, d_emissions)
    return total, emissions_gradient(d_emissions, scores)


def _log_softmax(scores: Scores, allowed: Mask | None) -> NDArray[np.float64]:
    S = mask_scores(scores, allowed)
    S = S.astype(np.float64)
    return S - np.logaddexp.reduce(S, axis=1, keepdims=True)


def _d_log_softmax(log_p: NDArray, columns: NDArray[np.integer]) -> NDArray[np.float64]:
    """∂ log p_c / ∂S = y − p for the chosen column c of each row: (n, n_tags)."""
    d = -np.exp(log_p)
    d[np.arange(len(d)), columns] += 1
    return d


def tag_probabilities(scores: Scores, allowed: Mask | None) -> NDArray[np.floating]:
    """Compute p = softmax(S) over the allowed tags: see `Objective`."""
    return np.exp(_log_softmax(scores, allowed))


def tag_log_odds(
    emissions: Float64s, allowed: Mask, tags: NDArray[np.integer]
) -> tuple[Float64s, Float64s, Float64s, Float64s]:
    """Compute log p and log(1 − p) of one tag at each token: see `Objective`."""
    rows = np.arange(len(emissions))
    S = np.where(allowed, emissions, -np.inf)
    others = S.copy()
    others[rows, tags] = -np.inf
    log_z, log_others = (np.logaddexp.reduce(X, axis=1) for X in (S, others))
    p = np.exp(S - log_z[:, None])
    # Where no other tag is allowed, 1 − p = 0 has no gradient.
    q = np.exp(others - np.where(np.isfinite(log_others), log_others, 0)[:, None])
    d_log_p = -p
    d_log_p[rows, tags] += 1
    return S[rows, tags] - log_z, log_others - log_z, d_log_p, q - p


def token_entropies(p: NDArray[np.floating]) -> Float64s:
    """Compute −Σ p log p of each token: see `Objective`."""
    return -x_log_x(p).sum(axis=1)


def imitate(scores: Scores, teacher: Scores) -> tuple[float, Scores]:
    """Match the predictions of a teacher, with the gradient p − p of the teacher: see `Objective`.

    The divergence is summed over tokens.
    """
    log_p, log_q = _log_softmax(scores, None), _log_softmax(teacher, None)
    p, q = np.exp(log_p), np.exp(log_q)
    return float((q * (log_q - log_p)).sum()), emissions_gradient(p - q, scores)
