"""`crf`: the likelihood of the whole tag sequence, with learned transition scores.

J = log Z(all legal sequences) − log Z(allowed sequences), the sentence-level log-likelihood of
Collobert et al. 2011, section 3.4.2, summed over what the annotation leaves open. Its gradient is
the difference of two sets of marginals, for emissions and for transitions. A span that is known to
be wrong adds −log(1 − p), p being its probability:

    −log(1 − p) = log Z − log Z(sequences without the span)

whose gradient is again the difference of two sets of marginals. 1 − p is never subtracted, so that
a span of high probability can be unlearned as well.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..layers.transitions import Scores
from ..sequences import spans as sequence_spans
from ..sequences.batching import Mask, documents_with
from ..sequences.chunks import sequence_sums
from ..sequences.tags import spans_to_tags

LEARNS_TRANSITIONS = True


def loss(
    scores: Scores,
    allowed: NDArray[np.bool_],
    legal: NDArray[np.bool_],
    incorrect: NDArray[np.integer],
) -> tuple[float, Scores]:
    """Compute the loss and its gradient.

    scores (Scores): Emissions (n_tokens, n_tags), transitions and lengths (n_docs,).
    allowed (ndarray): Shape (n_tokens, n_tags) bool, the tags that the annotation allows.
    legal (ndarray): Shape (n_tags,) bool, the tags that are in use.
    incorrect (ndarray): Shape (n_spans, 3), rows (start, end, label number) of spans that are
        known to be wrong, tokens counted through the batch.
    RETURNS (Tuple[float, Scores]): The loss in nats, summed over documents, and its gradient.
    """
    d_scores = Scores(
        np.zeros_like(scores.emissions), np.zeros(scores.transitions.shape), scores.lengths
    )
    # Documents without annotation contribute nothing.
    known = documents_with(np.asarray(~(allowed | ~legal).all(axis=1)), scores.lengths)
    total = _add_likelihood(scores, allowed, legal, known, d_scores)
    return total + sum(
        _add_incorrect(scores, legal, span, d_scores) for span in incorrect
    ), d_scores


def _add_likelihood(
    scores: Scores, allowed: Mask, legal: Mask, documents: Mask, d_scores: Scores
) -> float:
    """Add the likelihood of some documents (n_docs,) bool, and its gradient to `d_scores`."""
    tokens = np.repeat(documents, scores.lengths)
    arrays = scores.emissions[tokens], scores.transitions, scores.lengths[documents]
    allowed = allowed[tokens] & legal
    every = sequence_sums(*arrays, np.broadcast_to(legal, allowed.shape))
    right = sequence_sums(*arrays, allowed)
    d_scores.emissions[tokens] += every.marginals - right.marginals
    d_scores.transitions += every.expected_transitions - right.expected_transitions
    return float((every.log_z - right.log_z).sum())


def _add_incorrect(
    scores: Scores, legal: Mask, span: NDArray[np.integer], d_scores: Scores
) -> float:
    """Add −log(1 − p) of one span and its gradient, over the span's own document."""
    ends = np.cumsum(scores.lengths)
    document = int(np.searchsorted(ends, span[0], side="right"))
    first, stop = int(ends[document] - scores.lengths[document]), int(ends[document])
    arrays = scores.emissions[first:stop], scores.transitions, np.asarray([stop - first])
    legal = np.broadcast_to(legal, arrays[0].shape)
    every = sequence_sums(*arrays, legal)
    start, end, label = int(span[0]) - first, int(span[1]) - first, int(span[2])
    others = [sequence_sums(*arrays, rest) for rest in _without(legal, start, end, label)]
    log_z = np.asarray([sums.log_z[0] for sums in others])
    log_without = np.logaddexp.reduce(log_z)
    d_emissions, d_transitions = every.marginals, every.expected_transitions
    for sums, weight in zip(others, np.exp(log_z - log_without), strict=True):
        d_emissions -= weight * sums.marginals
        d_transitions -= weight * sums.expected_transitions
    d_scores.emissions[first:stop] += d_emissions
    d_scores.transitions += d_transitions
    return float(every.log_z[0] - log_without)


def _without(
    legal: NDArray[np.bool_], start: int, end: int, label: int
) -> Iterator[NDArray[np.bool_]]:
    """Split the sequences of a document that do not have a span by where they first differ from it.

    legal (ndarray): Shape (n_tokens, n_tags) bool.
    start, end, label (int): The span.
    RETURNS (Iterator[ndarray]): The allowed tags (n_tokens, n_tags) bool of each set of sequences.
        No sequence is in two of them.
    """
    tags = spans_to_tags(np.asarray([[start, end, label]]), len(legal))
    for token in range(start, end):
        if start < token == len(legal) - 1:
            continue  # an entity that is open at the last token can only end there
        allowed = legal.copy()
        allowed[start:token] = False
        allowed[np.arange(start, token), tags[start:token]] = True
        allowed[token, tags[token]] = False
        yield allowed


def span_probabilities(
    scores: Scores, allowed: NDArray[np.bool_] | None, spans: NDArray[np.integer]
) -> NDArray[np.float64]:
    """The probability of each span, exact by forward–backward.

    scores (Scores): Emissions (n_tokens, n_tags), transitions and lengths (n_docs,).
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
    spans (ndarray): Shape (n_spans, 3), rows (start, end, label number), tokens counted through
        the batch.
    RETURNS (ndarray): Shape (n_spans,), from 0 to 1.
    """
    if len(spans) == 0:
        return np.zeros(0)
    # Only documents with spans need their sums.
    touched = np.zeros(len(scores.emissions), dtype=bool)
    touched[spans[:, 0]] = True
    documents = documents_with(touched, scores.lengths)
    tokens = np.flatnonzero(np.repeat(documents, scores.lengths))
    arrays = scores.emissions[tokens], scores.transitions, scores.lengths[documents]
    allowed = None if allowed is None else allowed[tokens]
    sums = sequence_sums(*arrays, allowed, dtype=scores.emissions.dtype)
    moved = spans.copy()
    moved[:, :2] += (np.searchsorted(tokens, spans[:, 0]) - spans[:, 0])[:, None]
    return sequence_spans.span_probabilities(sums.marginals, moved)


def imitate(scores: Scores, teacher: Scores) -> tuple[float, Scores]:
    """Match the predictions of a teacher, for example earlier ones to reduce forgetting.

    J = KL(teacher ‖ network) over whole tag sequences; its gradient is the difference of two sets
    of marginals once more, the network's minus the teacher's.

    scores (Scores): Emissions (n_tokens, n_tags), transitions and lengths (n_docs,).
    teacher (Scores): The teacher's scores for the same documents, of the same shapes.
    RETURNS (Tuple[float, Scores]): The divergence in nats, summed over documents, and its gradient.
    """
    mine = sequence_sums(scores.emissions, scores.transitions, scores.lengths)
    theirs = sequence_sums(teacher.emissions, teacher.transitions, teacher.lengths)
    d_emissions = mine.marginals - theirs.marginals
    d_transitions = mine.expected_transitions - theirs.expected_transitions
    divergence = mine.log_z.sum() - theirs.log_z.sum()
    divergence += (theirs.marginals * (teacher.emissions - scores.emissions)).sum()
    changed = teacher.transitions - scores.transitions
    divergence += (theirs.expected_transitions * changed).sum()
    d_emissions = d_emissions.astype(scores.emissions.dtype, order="C")
    return float(divergence), Scores(d_emissions, d_transitions, scores.lengths)
