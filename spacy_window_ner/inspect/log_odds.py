"""log p − log(1 − p) of a span, exact for every p, and its gradient with respect to the scores.

A sequence without the span first differs from it at one of the span's tokens. With A_i the tag
sequences that agree with the span before its i-th token and differ from it there,

    crf:               log-odds = log Z(with the span) − log Σ_i Z(A_i)
    softmax, logistic: log-odds = Σ_i log p_i − log Σ_i (Π_{j < i} p_j) (1 − p_i)

so 1 − p is never computed by subtraction, and log-odds of 100 are as exact as log-odds of 1. The
gradient is the difference of two sets of expectations: with the span, and without it.
"""

import numpy as np
from numpy.typing import NDArray

from ..objectives import Objective
from ..objectives.crf import without_span
from ..sequences.batching import Mask, Scores
from ..sequences.chunked import SequenceSums, sequence_sums
from ..sequences.tags import tags_of_spans
from ..sequences.viterbi import best_tags

_Array = NDArray[np.float64]


def is_open(allowed: Mask, span: NDArray[np.integer]) -> bool:
    """Check whether the annotation set in a document leaves open whether a span is an entity.

    allowed (ndarray): Shape (n_tokens, n_tags) bool, the tags that the document allows.
    span (ndarray): Shape (3,), its start, end and label index.
    RETURNS (bool): False if the span is already an entity, or cannot be one.
    """
    tokens, tags, _ = tags_of_spans(span)
    return bool(allowed[tokens, tags].all() and (allowed[tokens].sum(axis=1) > 1).any())


def span_log_odds(
    scores: Scores, objective: Objective, allowed: Mask, span: NDArray[np.integer]
) -> tuple[float, Scores]:
    """Compute the log-odds of a span, and their gradient.

    scores (Scores): The scores of one document: emissions (n_tokens, n_tags), transitions
        (n_labels + 1, n_labels + 1) and lengths (1,).
    objective (Objective): The objective.
    allowed (ndarray): Shape (n_tokens, n_tags) bool, the tags that the document allows.
    span (ndarray): Shape (3,), its start, end and label number.
    RETURNS (Tuple[float, Scores]): The log-odds, and their gradient in float64.
    RAISES (ValueError): If the span is an entity in any case, or cannot be one.
    """
    if not is_open(allowed, span):
        raise ValueError(
            "This span cannot be explained, since the network does not decide whether it is an "
            "entity: another component has set entities there, or the span starts or ends with "
            "white space or crosses a sentence start."
        )
    if objective.tag_log_odds is None:
        return _of_sequences(scores, allowed, span)
    emissions = scores.emissions.astype(np.float64)
    tokens, tags, _ = tags_of_spans(span)
    of_tags = objective.tag_log_odds(emissions[tokens], allowed[tokens], tags)
    value, d_tokens = _of_product(*of_tags)
    d_emissions = np.zeros_like(emissions)
    d_emissions[tokens] = d_tokens
    return value, Scores(d_emissions, np.zeros(scores.transitions.shape), scores.lengths)


def _of_sequences(scores: Scores, allowed: Mask, span: NDArray[np.integer]) -> tuple[float, Scores]:
    """The log-odds of `crf`."""
    tokens, tags, _ = tags_of_spans(span)
    having = allowed.copy()
    having[tokens] = False
    having[tokens, tags] = True
    with_span = sequence_sums(scores, having)
    found = (_sums_if_legal(scores, mask) for mask in without_span(allowed, span))
    without = [sums for sums in found if sums is not None]
    log_z = np.asarray([sums.log_z[0] for sums in without])
    log_without = np.logaddexp.reduce(log_z)
    d_emissions, d_transitions = with_span.marginals, with_span.expected_transitions
    for sums, weight in zip(without, np.exp(log_z - log_without), strict=True):
        d_emissions = d_emissions - weight * sums.marginals
        d_transitions = d_transitions - weight * sums.expected_transitions
    gradient = Scores(d_emissions, d_transitions, scores.lengths)
    return float(with_span.log_z[0] - log_without), gradient


def _sums_if_legal(scores: Scores, allowed: Mask) -> SequenceSums | None:
    """The sums over the allowed sequences; None if none of them is legal."""
    if not allowed.any(axis=1).all():
        return None
    try:
        return sequence_sums(scores, allowed)
    except ValueError:
        try:
            best_tags(scores, allowed)
        except ValueError:
            return None
        raise


def _of_product(
    log_p: _Array, log_q: _Array, d_log_p: _Array, d_log_q: _Array
) -> tuple[float, _Array]:
    """The log-odds of Π p_i, and its gradient (n, n_tags), from those of the factors.

    log_p (ndarray): Shape (n,).
    log_q (ndarray): Shape (n,), log(1 − p_i).
    d_log_p (ndarray): Shape (n, n_tags).
    d_log_q (ndarray): Shape (n, n_tags).
    """
    first_differs = np.cumsum(log_p) - log_p + log_q
    log_without = np.logaddexp.reduce(first_differs)
    weights = np.exp(first_differs - log_without)
    # p_j is in all terms after the j-th: this is 1 minus their weights, without subtraction.
    until = np.cumsum(weights)
    d = until[:, None] * d_log_p - weights[:, None] * d_log_q
    return float(log_p.sum() - log_without), d
