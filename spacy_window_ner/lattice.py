"""Sums and maxima over all legal tag sequences of a batch of documents.

A sequence is a path through a lattice. After each token the path is in one of 2n + 1 states for n
labels: class 0 (the token was `O`), class 1 + x (an entity of label x has just ended, by `L-X` or
`U-X`), or inside an entity of label x (by `B-X` or `I-X`). The step from token to token is

    enter[q] = Σ_p closed[p] · exp T[p, q]
    closed[0] = enter[0] · e_O
    closed[X] = enter[X] · e_U + inside[X] · e_L
    inside[X] = enter[X] · e_B + inside[X] · e_I            with e = exp(emission)

which costs (n + 1)² instead of the (4n + 1)² of a matrix over tags. The sums are taken in
float64 and rescaled at every token (Rabiner 1989, section V.A).

The documents of a batch go step by step together, longest first, so that step t is one
contiguous block of rows: the t-th tokens of all documents that have so many.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .tags import BEGIN, IN, LAST, OUTSIDE, TAGS_PER_LABEL, UNIT, n_labels

# Below this share of a step's largest factor, others may have been lost to rounding to zero.
_SMALLEST = 1e-150


@dataclass(frozen=True)
class Steps:
    """The order in which the tokens of a batch are visited.

    tokens (ndarray): Shape (n_tokens,), the token at each place of the order.
    bounds (ndarray): Shape (n_steps + 1,); step t is the places bounds[t] to bounds[t + 1].
    documents (ndarray): Shape (n_docs,), the documents that have tokens, longest first. The
        i-th row of each step belongs to the i-th of them.
    """

    tokens: NDArray[np.int64]
    bounds: NDArray[np.int64]
    documents: NDArray[np.int64]

    @classmethod
    def of(cls, lengths: NDArray[np.integer]) -> "Steps":
        """Order the tokens of documents.

        lengths (ndarray): Shape (n_docs,), the number of tokens of each document.
        RETURNS (Steps): The order.
        """
        lengths = np.asarray(lengths, dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        documents = np.argsort(-lengths, kind="stable")
        documents = documents[: np.count_nonzero(lengths)]
        ordered = lengths[documents]
        n_steps = int(ordered[0]) if len(ordered) else 0
        # Step t has as many rows as there are documents longer than t.
        sizes = np.searchsorted(-ordered, -np.arange(n_steps), side="left")
        bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        step = np.repeat(np.arange(n_steps), sizes)
        row = np.arange(len(step)) - bounds[step]
        return cls(starts[documents][row] + step, bounds, documents)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Bounds (first, last + 1) of the places of each step, from first to last."""
        bounds = self.bounds.tolist()
        return pairwise(bounds)

    def __reversed__(self) -> Iterator[tuple[int, int]]:
        """The same from last to first."""
        bounds = self.bounds.tolist()
        return zip(bounds[-2::-1], bounds[:0:-1], strict=True)


def mask_scores(emissions: NDArray, allowed: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """Emissions as float64, −∞ where a tag is not allowed.

    emissions (ndarray): Shape (n_tokens, n_tags).
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
    RETURNS (ndarray): Shape (n_tokens, n_tags).
    RAISES (ValueError): If a score is not a finite number, or a token has no tag left.
    """
    scores = emissions.astype(np.float64)
    if not np.isfinite(scores).all():
        token = int(np.argmin(np.isfinite(scores).all(axis=1)))
        raise ValueError(
            f"The network's scores are not finite numbers (first at token {token} of the batch): "
            f"training has diverged. Lower the learning rate, set grad_clip, or check the vectors."
        )
    if allowed is None:
        return scores
    scores[~allowed] = -np.inf
    empty = ~allowed.any(axis=1)
    if empty.any():
        raise ValueError(f"No tag is allowed for token {int(np.argmax(empty))} of the batch.")
    return scores


class Lattice:
    """The forward–backward algorithm over a batch of documents (Rabiner 1989, section III).

    After construction:

    log_z (ndarray): Shape (n_docs,) float64, log of the sum over all legal sequences of
        exp(score of the sequence); 0 for a document without tokens.
    """

    def __init__(
        self,
        emissions: NDArray,
        transitions: NDArray,
        lengths: NDArray[np.integer],
        allowed: NDArray[np.bool_] | None = None,
    ) -> None:
        """Run forward and backward.

        emissions (ndarray): Shape (n_tokens, n_tags).
        transitions (ndarray): Shape (n_labels + 1, n_labels + 1).
        lengths (ndarray): Shape (n_docs,).
        allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
        RAISES (ValueError): If scores are not finite, or a document has no legal sequence.
        """
        _require_finite(transitions)
        self._steps = Steps.of(lengths)
        scores = mask_scores(emissions, allowed)[self._steps.tokens]
        largest = scores.max(axis=1, initial=-np.inf)
        top = float(transitions.max())
        # All arrays below are in the order of the steps: one row for each place.
        self._e = np.exp(scores - largest[:, None])
        # Every step has the factor exp(−top), by a transition or by going on inside.
        self._e_T = np.exp(transitions.astype(np.float64) - top)
        _, _, e_I, e_L, _ = _split(self._e)
        e_I *= np.exp(-top)
        e_L *= np.exp(-top)
        self._forward()
        last = _last_places(self._steps)
        ends = self._closed[last].sum(axis=1)
        if not (ends > _SMALLEST).all() or not (self._scale > _SMALLEST).all():
            best_tags(emissions, transitions, lengths, allowed)  # says so if there is no path
            raise ValueError(
                "The scores of the tags lie further apart than float64 can hold (about 700): "
                "training has diverged. Lower the learning rate, or set grad_clip."
            )
        log_scale = np.log(self._scale) + largest + top
        of_document = np.bincount(
            _document_of_place(self._steps), log_scale, minlength=len(self._steps.documents)
        )
        self.log_z: NDArray[np.float64] = np.zeros(len(lengths))
        self.log_z[self._steps.documents] = np.log(ends) + of_document
        self._backward(ends)

    def _forward(self) -> None:
        """Compute `enter`, `closed` and `inside` of every place, scaled to a sum of 1."""
        e_O, e_B, e_I, e_L, e_U = _split(self._e)
        n, classes = len(self._e), len(self._e_T)
        enter, closed = np.empty((n, classes)), np.empty((n, classes))
        opened, inside = np.empty((n, classes - 1)), np.empty((n, classes - 1))
        scale = np.empty(n)
        before_closed = np.zeros((len(self._steps.documents), classes))
        before_closed[:, 0] = 1
        before_inside = np.zeros((len(self._steps.documents), classes - 1))
        with np.errstate(divide="ignore", invalid="ignore"):  # told in __init__
            for a, z in self._steps:
                opened[a:z] = before_inside = before_inside[: z - a]
                np.matmul(before_closed[: z - a], self._e_T, out=enter[a:z])
                entity = enter[a:z, 1:]
                closed[a:z, 0] = enter[a:z, 0] * e_O[a:z]
                closed[a:z, 1:] = entity * e_U[a:z] + before_inside * e_L[a:z]
                inside[a:z] = entity * e_B[a:z] + before_inside * e_I[a:z]
                scale[a:z] = closed[a:z].sum(axis=1) + inside[a:z].sum(axis=1)
                closed[a:z] /= scale[a:z, None]
                inside[a:z] /= scale[a:z, None]
                before_closed, before_inside = closed[a:z], inside[a:z]
        self._enter, self._closed, self._opened, self._scale = enter, closed, opened, scale

    def _backward(self, ends: NDArray[np.float64]) -> None:
        """Compute what follows each place (`after_…`) and begins at it (`into`), scaled alike."""
        e_O, e_B, e_I, e_L, e_U = _split(self._e)
        n, classes = self._closed.shape
        after_closed, after_inside = np.empty((n, classes)), np.empty((n, classes - 1))
        into = np.empty((n, classes))
        per_scale = 1 / self._scale[:, None]
        next_closed = np.zeros((0, classes))
        next_inside = np.zeros((0, classes - 1))
        for a, z in reversed(self._steps):
            # The first rows go on to the next step; the documents of the others end here.
            going_on = len(next_closed)
            after_closed[a : a + going_on] = next_closed
            after_inside[a : a + going_on] = next_inside
            after_closed[a + going_on : z] = 1 / ends[going_on : z - a, None]
            after_inside[a + going_on : z] = 0
            b_closed, b_inside = after_closed[a:z], after_inside[a:z]
            into[a:z, 0] = e_O[a:z] * b_closed[:, 0]
            into[a:z, 1:] = e_U[a:z] * b_closed[:, 1:] + e_B[a:z] * b_inside
            into[a:z] *= per_scale[a:z]
            next_closed = into[a:z] @ self._e_T.T
            next_inside = (e_L[a:z] * b_closed[:, 1:] + e_I[a:z] * b_inside) * per_scale[a:z]
        self._after_closed, self._after_inside, self._into = after_closed, after_inside, into

    def marginals(self) -> NDArray[np.float64]:
        """The probability of each tag at each token.

        RETURNS (ndarray): Shape (n_tokens, n_tags); each row sums to 1.
        """
        packed = self._e / self._scale[:, None]
        m_O, m_B, m_I, m_L, m_U = _split(packed)
        entity = self._enter[:, 1:]
        m_O *= self._enter[:, 0] * self._after_closed[:, 0]
        m_B *= entity * self._after_inside
        m_I *= self._opened * self._after_inside
        m_L *= self._opened * self._after_closed[:, 1:]
        m_U *= entity * self._after_closed[:, 1:]
        marginals = np.empty_like(packed)
        marginals[self._steps.tokens] = packed
        return marginals

    def expected_transitions(self) -> NDArray[np.float64]:
        """How often each transition is taken on average, over the whole batch.

        RETURNS (ndarray): Shape (n_labels + 1, n_labels + 1).
        """
        first = self._steps.bounds[min(1, len(self._steps.bounds) - 1)]
        before = np.zeros(self._closed.shape)
        before[:first, 0] = 1
        before[first:] = self._closed[_previous_places(self._steps)]
        return self._e_T * (before.T @ self._into)

    def span_probabilities(self, spans: NDArray[np.integer]) -> NDArray[np.float64]:
        """The probability that each span is an entity: the share in Z of all sequences with it.

        spans (ndarray): Shape (n_spans, 3), rows (start, end, label number), tokens counted
            through the batch, end exclusive. They may overlap.
        RETURNS (ndarray): Shape (n_spans,).
        """
        if len(spans) == 0:
            return np.zeros(0)
        start, end, label = np.asarray(spans, dtype=np.int64).T
        place_of = np.empty(len(self._e), dtype=np.int64)
        place_of[self._steps.tokens] = np.arange(len(self._e))
        lengths = end - start
        first = np.cumsum(lengths) - lengths
        tokens = np.repeat(start - first, lengths) + np.arange(lengths.sum())
        position = np.full(len(tokens), IN)
        position[first] = BEGIN
        position[first + lengths - 1] = LAST
        position[first[lengths == 1]] = UNIT
        places = place_of[tokens]
        columns = 1 + TAGS_PER_LABEL * np.repeat(label, lengths) + position
        with np.errstate(divide="ignore"):
            factors = np.log(self._e[places, columns]) - np.log(self._scale[places])
            ways = np.log(self._enter[place_of[start], 1 + label])
            ways += np.log(self._after_closed[place_of[end - 1], 1 + label])
        return np.minimum(np.exp(np.add.reduceat(factors, first) + ways), 1)

    def likely_spans(self, threshold: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """All spans whose probability is above a threshold. They may overlap.

        threshold (float): From 0 to 1.
        RETURNS (Tuple[ndarray, ndarray]): Spans (n_spans, 3), rows (start, end, label number),
            tokens counted through the batch, and their probabilities (n_spans,).
        """
        place_of = np.empty(len(self._e), dtype=np.int64)
        place_of[self._steps.tokens] = np.arange(len(self._e))
        steps_left = _steps_left(self._steps)[place_of]
        marginals = self.marginals()
        token, label = np.nonzero(marginals[:, 1 + UNIT :: TAGS_PER_LABEL] > threshold)
        found = [np.stack([token, token + 1, label], axis=1)]
        token, label = np.nonzero(marginals[:, 1 + BEGIN :: TAGS_PER_LABEL] > threshold)
        e = self._e / self._scale[:, None]
        first = place_of[token]
        begun = self._enter[first, 1 + label] * e[first, 1 + TAGS_PER_LABEL * label + BEGIN]
        length = 1
        while len(token):
            length += 1
            going_on = steps_left[token] >= length
            token, label, begun = token[going_on], label[going_on], begun[going_on]
            place, column = place_of[token + length - 1], 1 + TAGS_PER_LABEL * label
            ended = begun * e[place, column + LAST] * self._after_closed[place, 1 + label]
            likely = ended > threshold
            found.append(np.stack([token[likely], token[likely] + length, label[likely]], axis=1))
            begun = begun * e[place, column + IN]
            # No longer span is likelier than that the entity goes on.
            likely = begun * self._after_inside[place, label] > threshold
            token, label, begun = token[likely], label[likely], begun[likely]
        spans = np.concatenate(found).astype(np.int64)
        return spans, self.span_probabilities(spans)


class SinglePath:
    """What `Lattice` finds where one tag is allowed at each token: sums over one sequence.

    log_z (ndarray): Shape (n_docs,) float64, the score of the sequence.
    """

    def __init__(
        self,
        emissions: NDArray,
        transitions: NDArray,
        lengths: NDArray[np.integer],
        tags: NDArray[np.integer],
    ) -> None:
        """Score the sequences.

        emissions (ndarray): Shape (n_tokens, n_tags).
        transitions (ndarray): Shape (n_labels + 1, n_labels + 1).
        lengths (ndarray): Shape (n_docs,).
        tags (ndarray): Shape (n_tokens,), one legal sequence for each document.
        """
        self._tags, self._shape = tags, emissions.shape
        tokens = np.arange(len(tags))
        label, position = np.divmod(tags - 1, TAGS_PER_LABEL)
        outside = tags == OUTSIDE
        entered = np.where(outside, 0, label + 1)
        enters = outside | (position == BEGIN) | (position == UNIT)
        # The class that has just ended before each token; O at the start of a document.
        before = np.concatenate([[0], entered[:-1]])
        before[(np.cumsum(lengths) - lengths)[lengths > 0]] = 0
        self._from, self._to = before[enters], entered[enters]
        per_token = emissions[tokens, tags].astype(np.float64)
        per_token[enters] += transitions[self._from, self._to]
        document = np.repeat(np.arange(len(lengths)), lengths)
        self.log_z = np.bincount(document, per_token, minlength=len(lengths))

    def marginals(self) -> NDArray[np.float64]:
        """The probability of each tag at each token: 1 for the one allowed, (n_tokens, n_tags)."""
        marginals = np.zeros(self._shape)
        marginals[np.arange(len(self._tags)), self._tags] = 1
        return marginals

    def expected_transitions(self) -> NDArray[np.float64]:
        """How often each transition is taken: shape (n_labels + 1, n_labels + 1)."""
        classes = n_labels(self._shape[1]) + 1
        counts = np.bincount(self._from * classes + self._to, minlength=classes**2)
        return counts.reshape(classes, classes).astype(np.float64)


def best_tags(
    emissions: NDArray,
    transitions: NDArray,
    lengths: NDArray[np.integer],
    allowed: NDArray[np.bool_] | None = None,
) -> NDArray[np.int32]:
    """Find the legal tag sequence of the largest score (Viterbi 1967).

    emissions (ndarray): Shape (n_tokens, n_tags).
    transitions (ndarray): Shape (n_labels + 1, n_labels + 1).
    lengths (ndarray): Shape (n_docs,).
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
    RETURNS (ndarray): Shape (n_tokens,) int32, a tag column for each token.
    RAISES (ValueError): If scores are not finite, or a document has no legal sequence.
    """
    _require_finite(transitions)
    scores = mask_scores(emissions, allowed)
    if scores.shape[1] == 1:
        return np.full(len(scores), OUTSIDE, dtype=np.int32)
    steps = Steps.of(lengths)
    s_O, s_B, s_I, s_L, s_U = _split(scores[steps.tokens])
    n, classes = len(s_O), len(transitions)
    T = transitions.T.astype(np.float64)
    came_from = np.empty((n, classes), dtype=np.int32)
    by_last = np.zeros((n, classes), dtype=bool)
    stayed_in = np.empty((n, classes - 1), dtype=bool)
    closed = np.full((len(steps.documents), classes), -np.inf)
    closed[:, 0] = 0
    inside = np.full((len(steps.documents), classes - 1), -np.inf)
    ended = np.empty_like(closed)
    for a, z in steps:
        closed, inside = closed[: z - a], inside[: z - a]
        ways = closed[:, None, :] + T
        came_from[a:z] = ways.argmax(axis=2)
        enter = ways.max(axis=2)
        unit, last = enter[:, 1:] + s_U[a:z], inside + s_L[a:z]
        begin, stay = enter[:, 1:] + s_B[a:z], inside + s_I[a:z]
        by_last[a:z, 1:] = last > unit
        stayed_in[a:z] = stay > begin
        closed = np.concatenate([(enter[:, 0] + s_O[a:z])[:, None], np.maximum(unit, last)], axis=1)
        inside = np.maximum(begin, stay)
        ended[: z - a] = closed
    final = ended.argmax(axis=1)
    if np.isneginf(ended.max(axis=1, initial=-np.inf)).any():
        row = int(np.argmax(np.isneginf(ended.max(axis=1))))
        raise ValueError(_no_path(int(steps.documents[row])))
    return _walk_back(steps, final, came_from, by_last, stayed_in)


def _walk_back(
    steps: Steps,
    final: NDArray[np.int64],
    came_from: NDArray[np.int32],
    by_last: NDArray[np.bool_],
    stayed_in: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """Follow the back pointers from the last tokens: tags of all tokens (n_tokens,)."""
    tags = np.empty(len(steps.tokens), dtype=np.int32)
    state = final.copy()  # the class in which each document is, or will be when it closes
    is_inside = np.zeros(len(final), dtype=bool)
    for a, z in reversed(steps):
        rows = np.arange(z - a)
        q, within = state[: z - a], is_inside[: z - a]
        last = ~within & by_last[a + rows, q]
        stay = within & stayed_in[a + rows, np.maximum(q - 1, 0)]
        position = np.where(within, np.where(stay, IN, BEGIN), np.where(last, LAST, UNIT))
        tags[a:z] = np.where(q == 0, 0, 1 + TAGS_PER_LABEL * (q - 1) + position)
        still_inside = last | stay
        state[: z - a] = np.where(still_inside, q, came_from[a + rows, q])
        is_inside[: z - a] = still_inside
    flat = np.empty_like(tags)
    flat[steps.tokens] = tags
    return flat


def _split(scores: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray, NDArray]:
    """Views of an array (n, n_tags): O (n,), and B, I, L, U (n, n_labels) each."""
    of_label = [scores[:, 1 + p :: TAGS_PER_LABEL] for p in (BEGIN, IN, LAST, UNIT)]
    return scores[:, 0], of_label[0], of_label[1], of_label[2], of_label[3]


def _document_of_place(steps: Steps) -> NDArray[np.int64]:
    """The row of the document at each place of the order: (n_tokens,)."""
    sizes = np.diff(steps.bounds)
    return np.arange(len(steps.tokens)) - np.repeat(steps.bounds[:-1], sizes)


def _previous_places(steps: Steps) -> NDArray[np.int64]:
    """The place of the token before, for all places from the second step on."""
    sizes = np.diff(steps.bounds)
    places = np.arange(steps.bounds[1] if len(sizes) else 0, len(steps.tokens))
    return places - np.repeat(sizes[:-1], sizes[1:])


def _steps_left(steps: Steps) -> NDArray[np.int64]:
    """How many tokens its document has from each place on, itself included: (n_tokens,)."""
    row = _document_of_place(steps)
    sizes = np.diff(steps.bounds)
    length = np.bincount(row, minlength=len(steps.documents))
    return length[row] - np.repeat(np.arange(len(sizes)), sizes)


def _last_places(steps: Steps) -> NDArray[np.int64]:
    """The place of the last token of each document: (n_docs with tokens,)."""
    sizes = np.diff(steps.bounds)
    rows = np.arange(len(steps.documents))
    # Document i is in step t while i < sizes[t], and the sizes never grow.
    last_step = np.searchsorted(-sizes, -rows, side="left") - 1
    return steps.bounds[last_step] + rows


def _require_finite(transitions: NDArray) -> None:
    if not np.isfinite(transitions).all():
        raise ValueError(
            "The network's transition scores are not finite numbers: training has diverged. Lower "
            "the learning rate, or set grad_clip."
        )


def _no_path(document: int) -> str:
    return (
        f"Document {document} of the batch has no legal tag sequence: the tags allowed for "
        f"neighbouring tokens contradict each other, for example B-X before O."
    )
