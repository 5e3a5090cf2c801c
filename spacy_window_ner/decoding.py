"""Scores → entities: the best legal tag sequence, and the probability of each span.

In their last digits, scores and probabilities depend on what else is in the batch, because products
of matrices are rounded differently in each shape, and on what was predicted before, because rows of
products are remembered. Where that could decide what is an entity, the document is scored alone and
from nothing that is remembered, and these scores decide, in every batch.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .layers.transitions import Scores
from .objectives import Objective
from .sequences.batching import Mask, documents_with
from .sequences.spans import likely_spans, span_probabilities
from .sequences.tags import n_labels, tags_to_spans
from .sequences.viterbi import CLOSE, best_tags, best_tags_and_close_calls

# Less likely spans are never entities: with a threshold of 0, all spans of a document would be.
LEAST_LIKELY = 1e-4
# By how much of itself a probability may be wrong for being rounded, beside what scores may be.
_ROUNDING = 1e-5
# A document's number in the batch → its scores, which are the same in every batch.
ScoreAlone = Callable[[int], Scores]
_Likely = tuple[NDArray[np.int64], NDArray[np.float64]]


@dataclass
class Entities:
    """The entities of a batch of documents.

    spans (ndarray): Shape (n_spans, 3) int64, rows (start, end, label number) in the order of the
        text, tokens counted through the batch, end exclusive.
    probabilities (Optional[ndarray]): Shape (n_spans,) float64, the probability of each span.
    lengths (ndarray): Shape (n_docs,), the number of tokens of each document.
    has_presets (bool): Whether documents may have entities of other components.
    candidates (Optional[Entities]): All spans that are likely enough, overlapping ones too.
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
        ends = np.cumsum(self.lengths)
        bounds = np.searchsorted(self.spans[:, 0], [0, *ends])
        spans = self.spans.copy()
        spans[:, :2] -= np.repeat(ends - self.lengths, np.diff(bounds))[:, None]
        rows = spans.tolist()
        p = None if self.probabilities is None else self.probabilities.astype(np.float32)
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
    score_alone: ScoreAlone | None = None,
) -> Entities:
    """Find the entities of a batch.

    scores (Scores): Emissions (n_tokens, n_tags), transitions and lengths (n_docs,).
    objective (Objective): The objective that the scores were trained with.
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag. Entities
        that it forces are among the result.
    threshold (Optional[Union[float, ndarray]]): If given, the entities are the spans that are
        likelier than this and than `LEAST_LIKELY`, the likelier first where they overlap; one for
        all labels or one for each (n_labels,). With half of the F1 that can be reached, this gives
        the largest expected F1 (Lipton et al. 2014).
    probabilities (bool): Whether to compute the spans' probabilities.
    candidates_above (Optional[float]): If given, all spans that are likelier are `candidates`.
    score_alone (Optional[Callable[[int], Scores]]): Scores a document of the batch alone. If given,
        these scores decide where those of the batch are too close for that.
    RETURNS (Entities): The spans of the best legal tag sequence, or the likely ones.
    RAISES (ValueError): If scores are not finite, or a document has no legal sequence.
    """
    options = threshold, probabilities, candidates_above
    entities, close = _decode(scores, objective, allowed, *options)
    if score_alone is None or not len(close):
        return entities
    lengths, alone = scores.lengths, {}
    for number in np.flatnonzero(documents_with(close, lengths)).tolist():
        first = int(lengths[:number].sum())
        own = None if allowed is None else allowed[first : first + lengths[number]]
        alone[number] = _decode(score_alone(number), objective, own, *options)[0]
    return _replaced(entities, alone)


def _decode(
    scores: Scores,
    objective: Objective,
    allowed: Mask | None,
    threshold: float | NDArray[np.float64] | None,
    probabilities: bool,
    candidates_above: float | None,
) -> tuple[Entities, NDArray[np.int64]]:
    """See `decode`.

    RETURNS (Tuple[Entities, ndarray]): The entities, and tokens (n,) in the documents where another
        rounding could make a difference.
    """
    likely: list[_Likely] = []
    close: list[NDArray[np.int64]] = []
    above = [least for least in (threshold, candidates_above) if least is not None]
    if above:
        p = objective.tag_probabilities(scores, allowed)
        for least in above:
            found, too_close = _likely(p, least, scores, objective)
            likely.append(found)
            close.append(too_close)
    if threshold is not None:
        spans, of_spans, too_close = _without_overlap(*likely[0])
        close.append(too_close)
        entities = Entities(spans, of_spans, scores.lengths)
    else:
        arrays = scores.emissions, scores.transitions, scores.lengths
        tags, is_close = best_tags_and_close_calls(*arrays, allowed)
        close.append(np.flatnonzero(is_close))
        spans = tags_to_spans(tags)
        p_spans = probabilities_of(spans, scores, objective, allowed) if probabilities else None
        entities = Entities(spans, p_spans, scores.lengths)
    if candidates_above is not None:
        spans, of_spans = likely[-1]
        order = np.lexsort((spans[:, 2], spans[:, 1], spans[:, 0]))
        entities.candidates = Entities(spans[order], of_spans[order], scores.lengths)
    return entities, np.concatenate(close)


def _likely(
    p: NDArray[np.floating],
    threshold: float | NDArray[np.float64],
    scores: Scores,
    objective: Objective,
) -> tuple[_Likely, NDArray[np.int64]]:
    """Find the spans that are likelier than a threshold.

    p (ndarray): Shape (n_tokens, n_tags), the probability of each tag at each token.
    RETURNS (Tuple[Tuple[ndarray, ndarray], ndarray]): The spans and their probabilities, and the
        first tokens (n,) of spans with about this probability.
    """
    least = np.broadcast_to(np.maximum(threshold, LEAST_LIKELY), n_labels(p.shape[1]))
    spans, of_spans = likely_spans(
        p,
        least - _allowance(least),
        np.cumsum(scores.lengths),
        is_chain=objective.learns_transitions,
    )
    own = least[spans[:, 2]]
    is_likely, is_close = of_spans > own, np.abs(of_spans - own) < _allowance(own)
    return (spans[is_likely], of_spans[is_likely]), spans[is_close, 0]


def _allowance(p: NDArray[np.floating]) -> NDArray[np.floating]:
    """How far a probability may be from the same one in another batch: ∂p/∂s = p (1 − p)."""
    return CLOSE * p * (1 - p) + _ROUNDING * p


def _replaced(batch: Entities, alone: Mapping[int, Entities]) -> Entities:
    """Replace the entities of some documents, by their number, by those found alone."""
    ends = np.cumsum(batch.lengths)
    firsts = ends - batch.lengths
    document = np.searchsorted(ends, batch.spans[:, 0], side="right")
    kept = ~np.isin(document, list(alone))
    parts = [
        batch.spans[kept],
        *(one.spans + np.asarray([firsts[i], firsts[i], 0]) for i, one in alone.items()),
    ]
    spans = np.concatenate(parts)
    order = np.lexsort((spans[:, 2], spans[:, 1], spans[:, 0]))
    p = None
    if batch.probabilities is not None:
        others = [one.probabilities for one in alone.values() if one.probabilities is not None]
        p = np.concatenate([batch.probabilities[kept], *others])[order]
    entities = Entities(spans[order], p, batch.lengths)
    if batch.candidates is not None:
        candidates = {i: one.candidates for i, one in alone.items() if one.candidates is not None}
        entities.candidates = _replaced(batch.candidates, candidates)
    return entities


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
    """Whether entities that were set before take the place of all that the network would find.

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
    own = tags_to_spans(best_tags(scores.emissions, scores.transitions, scores.lengths, everywhere))
    before = np.append(0, np.cumsum(is_set))
    overlaps = before[own[:, 1]] > before[own[:, 0]]
    return bool(overlaps.all()) if len(own) else None


def _without_overlap(
    spans: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Keep the likelier of spans that overlap, in the order of the text; of spans that are as
    likely to six digits the first, and of these the shorter one.

    RETURNS (Tuple[ndarray, ndarray, ndarray]): The spans and their probabilities, and the first
        tokens (n,) of spans that are left out for one that is hardly likelier.
    """
    order = np.lexsort((spans[:, 2], spans[:, 1], spans[:, 0]))
    spans, probabilities = spans[order], probabilities[order]
    # Most spans overlap with no other: none before them reaches so far, and none behind them begins
    # so early.
    reach = np.maximum.accumulate(spans[:, 1])
    cut = reach[:-1] <= spans[1:, 0]
    if cut.all():
        return spans, probabilities, np.zeros(0, dtype=np.int64)
    is_free = np.ones(len(spans), dtype=bool)
    is_free[1:] = cut
    is_free[:-1] &= cut
    taken: dict[int, float] = {}  # the probability of the span that a token is in, less allowances
    allowance = _allowance(probabilities)
    keep, close = is_free, []
    others = np.flatnonzero(~is_free)
    for i in others[np.argsort(-np.round(probabilities[others], 6), kind="stable")].tolist():
        tokens = range(spans[i, 0], spans[i, 1])
        rivals = [taken[token] for token in tokens if token in taken]
        if not rivals:
            taken.update(dict.fromkeys(tokens, probabilities[i] - allowance[i]))
            keep[i] = True
        elif min(rivals) < probabilities[i] + allowance[i]:
            close.append(spans[i, 0])
    return spans[keep], probabilities[keep], np.asarray(close, dtype=np.int64)
