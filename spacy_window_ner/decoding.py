"""Scores → entities: the best legal tag sequence, and the probability of each span."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .layers.transitions import Scores
from .objectives import Objective
from .sequences.chunks import sequence_sums
from .sequences.spans import likely_spans
from .sequences.tags import tags_to_spans
from .sequences.viterbi import best_tags

# Less likely spans are never entities: with a threshold of 0, all spans of a document would be.
LEAST_LIKELY = 1e-4


@dataclass
class Entities:
    """The entities of a batch of documents.

    spans (ndarray): Shape (n_spans, 3) int64, rows (start, end, label number) in the order of the
        text, tokens counted through the batch, end exclusive.
    probabilities (Optional[ndarray]): Shape (n_spans,) float64, the probability of each span.
    lengths (ndarray): Shape (n_docs,), the number of tokens of each document.
    has_presets (bool): Whether documents may have entities already.
    """

    spans: NDArray[np.int64]
    probabilities: NDArray[np.float64] | None
    lengths: NDArray[np.integer]
    has_presets: bool = True

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
    allowed: NDArray[np.bool_] | None = None,
    *,
    threshold: float | NDArray[np.float64] | None = None,
    probabilities: bool = True,
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
    RETURNS (Entities): The spans of the best legal tag sequence, or the likely ones.
    RAISES (ValueError): If scores are not finite, or a document has no legal sequence.
    """
    arrays = scores.emissions, scores.transitions, scores.lengths
    if threshold is not None:
        sums = sequence_sums(*arrays, allowed, dtype=scores.emissions.dtype)
        likely = likely_spans(sums.marginals, np.maximum(threshold, LEAST_LIKELY))
        return Entities(*_without_overlap(*likely), scores.lengths)
    spans = tags_to_spans(best_tags(*arrays, allowed))
    p = objective.span_probabilities(scores, allowed, spans) if probabilities else None
    return Entities(spans, p, scores.lengths)


def _without_overlap(
    spans: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Keep the likelier of spans that overlap, in the order of the text."""
    taken: set[int] = set()
    kept = []
    for i in np.lexsort((spans[:, 0], -probabilities)).tolist():
        tokens = range(spans[i, 0], spans[i, 1])
        if taken.isdisjoint(tokens):
            taken.update(tokens)
            kept.append(i)
    kept.sort(key=lambda i: spans[i, 0])
    return spans[kept], probabilities[kept]
