"""Scores → entities: the best legal tag sequence or the likely spans, with their probabilities.

Scores are rounded differently in each shape of a batch, by up to 1e-5. So entities are the same in
every batch but where two readings are as close to each other as that: two tag sequences in their
scores, the probability of a span and the threshold, or two overlapping spans.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..objectives import Objective
from ..sequences.batching import Mask, Scores, documents_with
from ..sequences.spans import likely_spans, span_probabilities
from ..sequences.tags import tags_to_spans
from ..sequences.viterbi import best_tags
from .thresholds import Threshold

# Less likely spans are never entities: with a threshold of 0, all spans of a document would be.
LEAST_LIKELY = 1e-4
# Of labels that a dict of thresholds does not have.
DEFAULT_THRESHOLD = 0.5


@dataclass
class Entities:
    """The entities of a batch of documents.

    spans (ndarray): Shape (n_spans, 3) int64, rows (start, end, label number) in the order of the
        text, tokens counted through the batch, end exclusive.
    probabilities (Optional[ndarray]): Shape (n_spans,) float64, the probability of each span.
    lengths (ndarray): Shape (n_docs,), the number of tokens of each document.
    has_presets (bool): Whether documents may have entities of other components.
    candidates (Optional[Entities]): All spans that are likely enough, including overlapping ones.
    """

    spans: NDArray[np.int64]
    probabilities: NDArray[np.float64] | None
    lengths: NDArray[np.integer]
    has_presets: bool = True
    candidates: "Entities | None" = None

    def by_document(self) -> Iterator[tuple[list[list[int]], NDArray[np.float32] | None]]:
        """The entities of each document, tokens counted from its start.

        RETURNS (Iterator[Tuple[List[List[int]], Optional[ndarray]]]): For each document its spans
            (start, end, label number), and their probabilities (n_spans,).
        """
        p = None if self.probabilities is None else self.probabilities.astype(np.float32)
        if len(self.lengths) == 1:  # a shortcut, for latency
            yield self.spans.tolist(), p
            return
        ends = self.lengths.cumsum()
        bounds = self.spans[:, 0].searchsorted(np.concatenate([[0], ends]))
        spans = self.spans.copy()
        spans[:, :2] -= (ends - self.lengths).repeat(bounds[1:] - bounds[:-1])[:, None]
        rows = spans.tolist()
        for start, stop in pairwise(bounds.tolist()):
            yield rows[start:stop], None if p is None else p[start:stop].copy()


def decode(
    scores: Scores,
    objective: Objective,
    allowed: Mask | None = None,
    *,
    threshold: float | NDArray[np.float64] | None = None,
    probabilities: bool = True,
    candidates_above: float | None = None,
) -> Entities:
    """Find the entities of a batch.

    scores (Scores): Emissions (n_tokens, n_tags), transitions and lengths (n_docs,).
    objective (Objective): The objective that the scores were trained with.
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag. Entities
        that it forces are among the result.
    threshold (Optional[Union[float, ndarray]]): If given, the entities are the spans with a higher
        probability than this and than `LEAST_LIKELY`, the most probable first if they overlap; one
        threshold for all labels or one for each (n_labels,). Half of the best possible F1 gives
        the largest expected F1 (Lipton et al. 2014).
    probabilities (bool): Whether to compute the spans' probabilities.
    candidates_above (Optional[float]): If given, all spans with a higher probability are
        `candidates`.
    RETURNS (Entities): The spans of the best legal tag sequence, or the likely ones.
    RAISES (ValueError): If scores are not finite, or a document has no legal sequence.
    """
    p: NDArray[np.floating] = np.zeros((0, 0))
    if threshold is not None or candidates_above is not None:
        p = objective.tag_probabilities(scores, allowed)
    ends, is_chain = np.cumsum(scores.lengths), objective.learns_transitions
    if threshold is None:
        spans, of_spans = tags_to_spans(best_tags(scores, allowed)), None
        if probabilities:
            of_spans = probabilities_of(spans, scores, objective, allowed)
    else:
        least = np.maximum(threshold, LEAST_LIKELY)
        spans, of_spans = _without_overlap(*likely_spans(p, least, ends, is_chain=is_chain))
    entities = Entities(spans, of_spans, scores.lengths)
    if candidates_above is not None:
        least = max(candidates_above, LEAST_LIKELY)
        likely = likely_spans(p, least, ends, is_chain=is_chain)
        entities.candidates = Entities(*likely, scores.lengths)
    return entities


def label_thresholds(
    threshold: Threshold, labels: Sequence[str]
) -> float | NDArray[np.float64] | None:
    """The threshold of each label, as `decode` takes it.

    threshold (Optional[Union[float, Dict[str, float]]]): The threshold of a component.
    labels (Sequence[str]): The labels.
    RETURNS (Optional[Union[float, ndarray]]): One for all labels or one for each (n_labels,); None
        for the best tag sequence.
    """
    if not isinstance(threshold, dict):
        return threshold
    return np.asarray([threshold.get(label, DEFAULT_THRESHOLD) for label in labels])


def probabilities_of(
    spans: NDArray[np.int64], scores: Scores, objective: Objective, allowed: Mask | None = None
) -> NDArray[np.float64]:
    """Compute the probability of each span (n_spans,); see `decode` for the other arguments.

    spans (ndarray): Shape (n_spans, 3), rows (start, end, label number), tokens counted through
        the batch. They may overlap.
    """
    if len(spans) == 0:
        return np.zeros(0)
    # Only documents with spans need the probabilities of their tags.
    documents = documents_with(spans[:, 0], scores.lengths)
    tokens = np.flatnonzero(np.repeat(documents, scores.lengths))
    part = Scores(scores.emissions[tokens], scores.transitions, scores.lengths[documents])
    p = objective.tag_probabilities(part, None if allowed is None else allowed[tokens])
    moved = spans.copy()
    moved[:, :2] += (np.searchsorted(tokens, spans[:, 0]) - spans[:, 0])[:, None]
    return span_probabilities(p, moved, is_chain=objective.learns_transitions)


def finds_nothing_new(
    scores: Scores, entities: Entities, allowed: Mask | None, legal: Mask
) -> bool | None:
    """Whether entities that were set before replace all entities that the network would find.

    scores (Scores): The scores of a batch.
    entities (Entities): The entities that were found in it.
    allowed (ndarray): Shape (n_tokens, n_tags) bool, one tag for each token of an entity that is
        set; None if there is no such token.
    legal (ndarray): Shape (n_tags,) bool, the tags in use.
    RETURNS (Optional[bool]): None if the network would find nothing by itself.
    """
    if allowed is None:
        return None
    is_set = allowed.sum(axis=1) == 1
    if not is_set[entities.spans[:, 0]].all():
        return False
    everywhere = np.broadcast_to(legal, allowed.shape)
    own = tags_to_spans(best_tags(scores, everywhere))
    before = np.append(0, np.cumsum(is_set))
    overlaps = before[own[:, 1]] > before[own[:, 0]]
    return bool(overlaps.all()) if len(own) else None


def _without_overlap(
    spans: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Keep the most probable of overlapping spans, which are in the order of the text. If
    probabilities are equal to six digits, keep the first one, or else the shorter one.
    """
    # Most spans overlap with no other: none before them reaches so far, and none after them begins
    # so early.
    is_cut = np.maximum.accumulate(spans[:, 1])[:-1] <= spans[1:, 0]
    if is_cut.all():
        return spans, probabilities
    keep = np.append(True, is_cut) & np.append(is_cut, True)
    others = np.flatnonzero(~keep)
    taken: set[int] = set()
    for i in others[np.argsort(-np.round(probabilities[others], 6), kind="stable")].tolist():
        tokens = range(spans[i, 0], spans[i, 1])
        if taken.isdisjoint(tokens):
            taken.update(tokens)
            keep[i] = True
    return spans[keep], probabilities[keep]
