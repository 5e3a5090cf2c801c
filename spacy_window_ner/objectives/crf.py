"""`crf`: the likelihood of the whole tag sequence, with learned transition scores.

J = log Z(all legal sequences) − log Z(allowed sequences), the sentence-level log-likelihood of
Collobert et al. 2011, section 3.4.2, summed over what the annotation leaves open. Its gradient is
the difference of two sets of marginals, for emissions and for transitions. A span that is known to
be incorrect adds −log(1 − p), p being its probability:

    −log(1 − p) = log Z − log Z(sequences without the span)

whose gradient is again the difference of two sets of marginals. 1 − p is never subtracted, so that
a span of high probability can be unlearned as well.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..sequences.batching import Mask, Scores, documents_with
from ..sequences.chunked import sequence_sums
from ..sequences.tags import tags_of_spans

LEARNS_TRANSITIONS = True


def loss(
    scores: Scores, allowed: Mask, legal: Mask, incorrect: NDArray[np.integer]
) -> tuple[float, Scores]:
    """Compute the loss and its gradient: see `Objective`. The loss is summed over documents."""
    d_emissions = np.zeros_like(scores.emissions)
    d_scores = Scores(d_emissions, np.zeros(scores.transitions.shape), scores.lengths)
    # Documents without annotation make no difference.
    documents = documents_with(np.flatnonzero((legal & ~allowed).any(axis=1)), scores.lengths)
    tokens: Any = slice(None)  # without copies, if all are annotated
    if not documents.all():
        tokens = np.repeat(documents, scores.lengths)
    annotated = Scores(scores.emissions[tokens], scores.transitions, scores.lengths[documents])
    allowed = allowed[tokens] & legal
    every = sequence_sums(annotated, np.broadcast_to(legal, allowed.shape))
    right = sequence_sums(annotated, allowed)
    d_emissions[tokens] += every.marginals - right.marginals
    d_scores.transitions += every.expected_transitions - right.expected_transitions
    total = float((every.log_z - right.log_z).sum())
    total += sum(_add_incorrect(scores, legal, span, d_scores) for span in np.asarray(incorrect))
    return total, d_scores


def _add_incorrect(
    scores: Scores, legal: Mask, span: NDArray[np.integer], d_scores: Scores
) -> float:
    """Add −log(1 − p) of one span and its gradient, over the span's own document."""
    ends = np.cumsum(scores.lengths)
    document = int(np.searchsorted(ends, span[0], side="right"))
    length = scores.lengths[document : document + 1]
    first = int(ends[document] - length[0])
    own = slice(first, first + length[0])
    of_document = Scores(scores.emissions[own], scores.transitions, length)
    legal = np.broadcast_to(legal, of_document.emissions.shape)
    every = sequence_sums(of_document, legal)
    moved = span - np.asarray([first, first, 0])
    without = [sequence_sums(of_document, mask) for mask in without_span(legal, moved)]
    log_z = np.asarray([sums.log_z[0] for sums in without])
    log_without = np.logaddexp.reduce(log_z)
    d_emissions, d_transitions = every.marginals, every.expected_transitions
    for sums, weight in zip(without, np.exp(log_z - log_without), strict=True):
        d_emissions -= weight * sums.marginals
        d_transitions -= weight * sums.expected_transitions
    d_scores.emissions[own] += d_emissions
    d_scores.transitions += d_transitions
    return float(every.log_z[0] - log_without)


def without_span(legal: Mask, span: NDArray[np.integer]) -> Iterator[Mask]:
    """Split the sequences of a document that do not have a span by where they first differ from it.

    legal (ndarray): Shape (n_tokens, n_tags) bool.
    span (ndarray): Shape (3,), its start, end and label number.
    YIELDS (ndarray): The allowed tags (n_tokens, n_tags) bool of each set of sequences. No sequence
        is in two of them.
    """
    tokens, tags, _ = tags_of_spans(span)
    for i, token in enumerate(tokens):
        if i and token == len(legal) - 1:
            continue  # an entity that is open at the last token can only end there
        allowed = legal.copy()
        allowed[tokens[:i]] = False
        allowed[tokens[:i], tags[:i]] = True
        allowed[token, tags[i]] = False
        yield allowed


def tag_probabilities(scores: Scores, allowed: Mask | None) -> NDArray[np.floating]:
    """The marginals, exact by forward–backward: see `Objective`."""
    return sequence_sums(scores, allowed, dtype=scores.emissions.dtype).marginals


def imitate(scores: Scores, teacher: Scores) -> tuple[float, Scores]:
    """Match the predictions of a teacher: see `Objective`.

    The divergence is over whole tag sequences; its gradient is the difference of two sets of
    marginals once more, the network's minus the teacher's.
    """
    own = sequence_sums(scores)
    target = sequence_sums(teacher)
    divergence = own.log_z.sum() - target.log_z.sum()
    divergence += (target.marginals * (teacher.emissions - scores.emissions)).sum()
    changed = teacher.transitions - scores.transitions
    divergence += (target.expected_transitions * changed).sum()
    d_emissions = (own.marginals - target.marginals).astype(scores.emissions.dtype, order="C")
    d_transitions = own.expected_transitions - target.expected_transitions
    return float(divergence), Scores(d_emissions, d_transitions, scores.lengths)
