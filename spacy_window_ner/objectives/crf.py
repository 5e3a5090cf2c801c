"""`crf`: the likelihood of the whole tag sequence, with learned transition scores.

J = log Z(all legal sequences) − log Z(allowed sequences), the sentence-level log-likelihood of
Collobert et al. 2011, section 3.4.2, summed over what the annotation leaves open. Its gradient is
the difference of two sets of marginals, for emissions and for transitions. A span that is known to
be wrong adds −log(1 − p), p being its probability:

    −log(1 − p) = log Z − log Z(sequences without the span)

whose gradient is again the difference of two sets of marginals. 1 − p is never subtracted, so that
a span that the network is sure of can be unlearned as well.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..lattice import Lattice, SinglePath
from ..lattice import span_probabilities as span_probabilities_of
from ..layers.transitions import Scores
from ..tags import spans_to_tags
from .documents import documents_with, select_documents

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
    known = np.asarray(~(allowed | ~legal).all(axis=1))
    total = _add_likelihood(scores, allowed, legal, documents_with(known, scores.lengths), d_scores)
    for span in incorrect:
        total += _add_incorrect(scores, legal, span, d_scores)
    return total, d_scores


def _add_likelihood(
    scores: Scores,
    allowed: NDArray[np.bool_],
    legal: NDArray[np.bool_],
    documents: NDArray[np.bool_],
    d_scores: Scores,
) -> float:
    """Add the likelihood's gradient to `d_scores`; documents without annotation give nothing."""
    tokens = select_documents(documents, scores.lengths)
    if len(tokens) == 0:
        return 0.0
    lengths, emissions = scores.lengths[documents], scores.emissions[tokens]
    every = np.broadcast_to(legal, emissions.shape)
    all_legal = Lattice(emissions, scores.transitions, lengths, every)
    all_allowed = _allowed_sums(emissions, scores.transitions, lengths, allowed[tokens] & legal)
    d_scores.emissions[tokens] += all_legal.marginals() - all_allowed.marginals()
    d_scores.transitions += all_legal.expected_transitions() - all_allowed.expected_transitions()
    return float((all_legal.log_z - all_allowed.log_z).sum())


def _allowed_sums(
    emissions: NDArray, transitions: NDArray, lengths: NDArray, allowed: NDArray[np.bool_]
) -> Lattice | SinglePath:
    """The sums over the allowed sequences; of one sequence alone where the annotation is full."""
    if (allowed.sum(axis=1) == 1).all():
        return SinglePath(emissions, transitions, lengths, allowed.argmax(axis=1))
    return Lattice(emissions, transitions, lengths, allowed)


def _add_incorrect(
    scores: Scores, legal: NDArray[np.bool_], span: NDArray[np.integer], d_scores: Scores
) -> float:
    """Add −log(1 − p) of one span and its gradient, over the span's own document."""
    ends = np.cumsum(scores.lengths)
    document = int(np.searchsorted(ends, span[0], side="right"))
    first, last = int(ends[document] - scores.lengths[document]), int(ends[document])
    emissions, lengths = scores.emissions[first:last], scores.lengths[document : document + 1]
    every = np.broadcast_to(legal, emissions.shape)
    all_legal = Lattice(emissions, scores.transitions, lengths, every)
    others = [
        Lattice(emissions, scores.transitions, lengths, allowed)
        for allowed in _without(every, int(span[0]) - first, int(span[1]) - first, int(span[2]))
    ]
    log_z = np.asarray([lattice.log_z[0] for lattice in others])
    log_without = np.logaddexp.reduce(log_z)
    d_emissions, d_transitions = all_legal.marginals(), all_legal.expected_transitions()
    for lattice, weight in zip(others, np.exp(log_z - log_without), strict=True):
        d_emissions -= weight * lattice.marginals()
        d_transitions -= weight * lattice.expected_transitions()
    d_scores.emissions[first:last] += d_emissions
    d_scores.transitions += d_transitions
    return float(all_legal.log_z[0] - log_without)


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
    if documents.all():
        return span_probabilities_of(
            scores.emissions, scores.transitions, scores.lengths, allowed, spans
        )
    tokens = select_documents(documents, scores.lengths)
    moved = spans.copy()
    moved[:, :2] += (np.searchsorted(tokens, spans[:, 0]) - spans[:, 0])[:, None]
    return span_probabilities_of(
        scores.emissions[tokens],
        scores.transitions,
        scores.lengths[documents],
        None if allowed is None else allowed[tokens],
        moved,
    )


def imitate(scores: Scores, teacher: Scores) -> tuple[float, Scores]:
    """Compute how far the network is from a teacher, and the gradient of that.

    J = KL(teacher ‖ network) over whole tag sequences; its gradient is the difference of two sets
    of marginals once more, the network's minus the teacher's.

    scores (Scores): Emissions (n_tokens, n_tags), transitions and lengths (n_docs,).
    teacher (Scores): What the teacher says of the same documents, of the same shapes.
    RETURNS (Tuple[float, Scores]): The divergence in nats, summed over documents, and its gradient.
    """
    mine = Lattice(scores.emissions, scores.transitions, scores.lengths)
    theirs = Lattice(teacher.emissions, teacher.transitions, teacher.lengths)
    marginals, transitions = theirs.marginals(), theirs.expected_transitions()
    divergence = mine.log_z.sum() - theirs.log_z.sum()
    divergence += (marginals * (teacher.emissions - scores.emissions)).sum()
    divergence += (transitions * (teacher.transitions - scores.transitions)).sum()
    d_emissions = (mine.marginals() - marginals).astype(scores.emissions.dtype)
    d_transitions = mine.expected_transitions() - transitions
    return float(divergence), Scores(d_emissions, d_transitions, scores.lengths)
