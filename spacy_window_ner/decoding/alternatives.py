"""Alternative readings of a span: an entity with another label, or no entity at all."""

import numpy as np
from numpy.typing import NDArray

from ..objectives import Objective
from ..sequences.batching import Mask, Scores, groups_of, ranges
from ..sequences.chunked import sequence_sums
from ..sequences.spans import span_probabilities
from ..sequences.tags import OUTSIDE, n_labels


def alternatives(
    scores: Scores, objective: Objective, allowed: Mask | None, start: int, end: int
) -> tuple[NDArray[np.float64], float]:
    """Find the alternatives of a span in one document.

    scores (Scores): The scores of the document.
    objective (Objective): The objective.
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
    start (int): The first token.
    end (int): The end, exclusive.
    RETURNS (Tuple[ndarray, float]): For each label, the probability that the span is an entity of
        this label (n_labels,), and the probability that none of its tokens is in an entity.
    """
    labels = np.arange(n_labels(scores.emissions.shape[1]))
    spans = np.stack([np.full_like(labels, start), np.full_like(labels, end), labels], axis=1)
    p = objective.tag_probabilities(scores, allowed)
    of_labels = span_probabilities(p, spans, is_chain=objective.learns_transitions)
    outside = probabilities_outside(np.asarray([[start, end]]), scores, objective, allowed)
    return of_labels, float(outside[0])


def probabilities_outside(
    spans: NDArray[np.int64], scores: Scores, objective: Objective, allowed: Mask | None = None
) -> NDArray[np.float64]:
    """Compute for each span the probability that none of its tokens is in an entity.

    spans (ndarray): Shape (n_spans, 2), rows (start, end), tokens counted through the batch, end
        exclusive. They may overlap.
    scores (Scores): The scores of a batch.
    objective (Objective): The objective.
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
    RETURNS (ndarray): Shape (n_spans,).
    """
    if len(spans) == 0:
        return np.zeros(0)
    sizes = spans[:, 1] - spans[:, 0]
    tokens, first = ranges(spans[:, 0], sizes), np.cumsum(sizes) - sizes
    if not objective.learns_transitions:
        p = objective.tag_probabilities(scores, allowed)[tokens, OUTSIDE]
        return np.multiply.reduceat(p.astype(np.float64), first)
    lengths = scores.lengths.astype(np.int64)
    firsts = np.cumsum(lengths) - lengths
    document = np.searchsorted(firsts + lengths, spans[:, 0], side="right")
    sums = sequence_sums(scores, allowed)
    p_outside = np.minimum.reduceat(sums.marginals[tokens, OUTSIDE], first)
    # A copy of its document for each span, in which its tokens can only be outside.
    possible = np.flatnonzero(p_outside > 0)
    for part in groups_of(lengths[document[possible]]):
        some = possible[part]
        numbers = document[some]
        copies = ranges(firsts[numbers], lengths[numbers])
        mask = np.ones((len(copies), scores.emissions.shape[1]), dtype=bool)
        if allowed is not None:
            mask = allowed[copies]
        moved = np.cumsum(lengths[numbers]) - lengths[numbers] - firsts[numbers]
        mask[ranges(spans[some, 0] + moved, sizes[some]), OUTSIDE + 1 :] = False
        of_copies = Scores(scores.emissions[copies], scores.transitions, lengths[numbers])
        log_share = sequence_sums(of_copies, mask).log_z - sums.log_z[numbers]
        p_outside[some] = np.exp(np.minimum(log_share, 0.0))
    return p_outside
