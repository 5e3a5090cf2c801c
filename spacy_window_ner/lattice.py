"""Sums over all legal tag sequences of a batch of documents.

A sequence is a path through a lattice. After each token the path is in one of 2n + 1 states for n
labels: class 0 (the token was `O`), class 1 + x (an entity of label x has just ended, by `L-X` or
`U-X`), or inside an entity of label x (by `B-X` or `I-X`). The step from token to token is

    enter[q] = Σ_p closed[p] · exp T[p, q]
    closed[0] = enter[0] · e_O
    closed[X] = enter[X] · e_U + inside[X] · e_L
    inside[X] = enter[X] · e_B + inside[X] · e_I            with e = exp(emission)

which costs (n + 1)² instead of the (4n + 1)² of a matrix over tags. The sums are rescaled at every
token (Rabiner 1989, section V.A), and taken in float64 for training. Probabilities for prediction
are sums of the emissions' own type, float32 in a network, as long as nothing leaves its range.

The sums of a chain are steps that wait for each other, and many short chains go faster side by side
than one long. So long documents are cut into pieces, see `_parts`.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .steps import (
    GROUP,
    Steps,
    document_edges,
    groups_of,
    mask_scores,
    require_finite,
    split_tags,
)
from .tags import BEGIN, IN, LAST, OUTSIDE, TAGS_PER_LABEL, UNIT, n_labels
from .viterbi import best_tags

R = TypeVar("R")

# Below this share of a step's largest factor, others may have been lost to rounding to zero.
_SMALLEST = {np.dtype(np.float64): 1e-150, np.dtype(np.float32): 1e-18}
# How many tokens around a border between pieces tell, at first, what the pieces begin with.
REACH = 16
# A step takes about as long as what so many tokens add to steps.
TOKENS_PER_STEP = 50
# How well what a piece began with has to agree with what its neighbor ended with, for each number.
_TOLERANCE = {np.dtype(np.float64): 1e-8, np.dtype(np.float32): 1e-5}


@dataclass(frozen=True)
class Pieces:
    """The stretches of text that the sums go through side by side: documents, long ones cut.

    starts (ndarray): Shape (n_pieces,), the first token of each piece.
    lengths (ndarray): Shape (n_pieces,), the number of tokens of each, 1 or more.
    begins (ndarray): Shape (n_pieces,) bool, whether it begins with its document.
    ends (ndarray): Shape (n_pieces,) bool, whether it ends with its document.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    begins: NDArray[np.bool_]
    ends: NDArray[np.bool_]

    @classmethod
    def of(cls, lengths: NDArray[np.integer], reach: int) -> "Pieces":
        """Cut documents evenly.

        lengths (ndarray): Shape (n_docs,), the number of tokens of each document.
        reach (int): The least length of a piece of a document that is cut. Pieces are longer where
            that saves more work at borders than it adds steps.
        RETURNS (Pieces): The pieces, in the order of the text.
        """
        sizes: NDArray[np.int64] = np.asarray(lengths, dtype=np.int64)
        # Steps take piece · TOKENS_PER_STEP, borders n · reach / piece: least where they are equal.
        n = min(int(sizes.sum()), GROUP)
        size = max(reach, math.isqrt(reach * n // TOKENS_PER_STEP))
        if len(sizes) == 1 and 0 < n < 2 * size:  # one sentence should not take long
            return cls(np.zeros(1, dtype=np.int64), sizes, np.ones(1, bool), np.ones(1, bool))
        n_pieces = np.where(sizes < 2 * size, sizes > 0, sizes // size)
        document = np.repeat(np.arange(len(sizes)), n_pieces)
        number = np.arange(len(document)) - np.repeat(np.cumsum(n_pieces) - n_pieces, n_pieces)
        of, cuts = sizes[document], n_pieces[document]
        start, stop = of * number // cuts, of * (number + 1) // cuts
        first = (np.cumsum(sizes) - sizes)[document] + start
        return cls(first, stop - start, start == 0, stop == of)

    def groups(self) -> Iterator["Pieces"]:
        """Split them, so that memory is bounded.

        RETURNS (Iterator[Pieces]): Pieces of some thousand tokens together.
        """
        for part in groups_of(self.lengths):
            yield Pieces(*(getattr(self, field.name)[part] for field in fields(self)))

    def borders(self) -> NDArray[np.int64]:
        """Where documents are cut.

        RETURNS (ndarray): Shape (n_borders,), the tokens right behind the cuts, ascending.
        """
        behind = self.starts[~self.begins]
        if len(self.ends) and not self.ends[-1]:
            behind = np.append(behind, self.starts[-1] + self.lengths[-1])
        return behind


@dataclass(frozen=True)
class Part:
    """The sums at the tokens of a stretch of text, one row for each token, all of one float type.

    first (int): The first token.
    e (ndarray): Shape (n, n_tags), exp(emission − largest), I and L with the factor exp(−top),
        top being the largest transition.
    largest (ndarray): Shape (n,), the largest emission.
    scale (ndarray): Shape (n,), the factor by which the forward sums grow.
    enter (ndarray): Shape (n, n_labels + 1), the sums of what comes before, by class to enter.
    opened (ndarray): Shape (n, n_labels), the sums of what comes before, inside of each label.
    closed (ndarray): Shape (n, n_labels + 1), the sums up to the token, for each class that ends.
    after_closed (ndarray): Shape (n, n_labels + 1), the sums of what follows each class.
    after_inside (ndarray): Shape (n, n_labels), the sums of what follows inside of each label.
    into (ndarray): Shape (n, n_labels + 1), the sums from the token on, for each class it enters.
    """

    first: int
    e: NDArray[np.floating]
    largest: NDArray[np.floating]
    scale: NDArray[np.floating]
    enter: NDArray[np.floating]
    opened: NDArray[np.floating]
    closed: NDArray[np.floating]
    after_closed: NDArray[np.floating]
    after_inside: NDArray[np.floating]
    into: NDArray[np.floating]


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
        *,
        reach: int = REACH,
    ) -> None:
        """Run forward and backward.

        emissions (ndarray): Shape (n_tokens, n_tags).
        transitions (ndarray): Shape (n_labels + 1, n_labels + 1).
        lengths (ndarray): Shape (n_docs,).
        allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
        reach (int): How many tokens around a border between pieces to begin with.
        RAISES (ValueError): If scores are not finite, or a document has no legal sequence.
        """
        self._lengths = np.asarray(lengths, dtype=np.int64)
        parts = _over_parts(
            list, emissions, transitions, lengths, allowed, reach, np.dtype(np.float64)
        )
        self._sums = parts[0] if len(parts) == 1 else _joined(parts)
        top = float(transitions.max())
        self._e_T = np.exp(transitions.astype(np.float64) - top)
        document = np.repeat(np.arange(len(self._lengths)), self._lengths)
        per_token = np.log(self._sums.scale) + self._sums.largest + top
        self.log_z = np.zeros(len(self._lengths))
        self.log_z += np.bincount(document, per_token, minlength=len(self._lengths))
        _, last = document_edges(self._lengths)
        self.log_z[self._lengths > 0] += np.log(self._sums.closed[last].sum(axis=1))

    def marginals(self) -> NDArray[np.float64]:
        """The probability of each tag at each token.

        RETURNS (ndarray): Shape (n_tokens, n_tags); each row sums to 1.
        """
        sums = self._sums
        marginals = sums.e / sums.scale[:, None]
        m_O, m_B, m_I, m_L, m_U = split_tags(marginals)
        entity = sums.enter[:, 1:]
        m_O *= sums.enter[:, 0] * sums.after_closed[:, 0]
        m_B *= entity * sums.after_inside
        m_I *= sums.opened * sums.after_inside
        m_L *= sums.opened * sums.after_closed[:, 1:]
        m_U *= entity * sums.after_closed[:, 1:]
        return marginals

    def expected_transitions(self) -> NDArray[np.float64]:
        """How often each transition is taken on average, over the whole batch.

        RETURNS (ndarray): Shape (n_labels + 1, n_labels + 1).
        """
        before = np.zeros(self._sums.closed.shape)
        before[1:] = self._sums.closed[:-1]
        first, _ = document_edges(self._lengths)
        before[first] = 0
        before[first, 0] = 1
        return self._e_T * (before.T @ self._sums.into)

    def span_probabilities(self, spans: NDArray[np.integer]) -> NDArray[np.float64]:
        """The probability that each span is an entity: the share in Z of all sequences with it.

        spans (ndarray): Shape (n_spans, 3), rows (start, end, label number), tokens counted
            through the batch, end exclusive. They may overlap.
        RETURNS (ndarray): Shape (n_spans,).
        """
        return _probabilities([self._sums], spans)

    def likely_spans(self, threshold: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """All spans whose probability is above a threshold. They may overlap.

        threshold (float): From 0 to 1.
        RETURNS (Tuple[ndarray, ndarray]): Spans (n_spans, 3), rows (start, end, label number),
            tokens counted through the batch, and their probabilities (n_spans,).
        """
        return _likely([self._sums], threshold)


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
        before[document_edges(lengths)[0]] = 0
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


def span_probabilities(
    emissions: NDArray,
    transitions: NDArray,
    lengths: NDArray[np.integer],
    allowed: NDArray[np.bool_] | None,
    spans: NDArray[np.integer],
) -> NDArray[np.float64]:
    """What `Lattice.span_probabilities` finds, to the digits of the emissions' type, in memory that
    is bounded for texts of any length.

    emissions (ndarray): Shape (n_tokens, n_tags).
    transitions (ndarray): Shape (n_labels + 1, n_labels + 1).
    lengths (ndarray): Shape (n_docs,).
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
    spans (ndarray): Shape (n_spans, 3), rows (start, end, label number), tokens counted
        through the batch, end exclusive. They may overlap.
    RETURNS (ndarray): Shape (n_spans,).
    RAISES (ValueError): If scores are not finite, or a document has no legal sequence.
    """
    return _over_parts(
        lambda parts: _probabilities(parts, spans), emissions, transitions, lengths, allowed
    )


def likely_spans(
    emissions: NDArray,
    transitions: NDArray,
    lengths: NDArray[np.integer],
    allowed: NDArray[np.bool_] | None,
    threshold: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """What `Lattice.likely_spans` finds, to the digits of the emissions' type, in memory that is
    bounded for texts of any length.

    emissions (ndarray): Shape (n_tokens, n_tags).
    transitions (ndarray): Shape (n_labels + 1, n_labels + 1).
    lengths (ndarray): Shape (n_docs,).
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
    threshold (float): From 0 to 1.
    RETURNS (Tuple[ndarray, ndarray]): Spans (n_spans, 3), rows (start, end, label number), tokens
        counted through the batch, and their probabilities (n_spans,).
    RAISES (ValueError): If scores are not finite, or a document has no legal sequence.
    """
    return _over_parts(
        lambda parts: _likely(parts, threshold), emissions, transitions, lengths, allowed
    )


def _likely(
    parts: Iterable[Part], threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Spans (n_spans, 3) above a threshold and their probabilities (n_spans,), part by part."""
    found, sure = [np.zeros((0, 3), dtype=np.int64)], [np.zeros(0)]
    open_spans: list[OpenSpans] = []
    for part in parts:
        _, e_B, _, _, e_U = split_tags(part.e / part.scale[:, None])
        units = part.enter[:, 1:] * e_U
        units *= part.after_closed[:, 1:]
        token, label = np.nonzero(units > threshold)
        start = part.first + token
        found.append(np.stack([start, start + 1, label], axis=1))
        sure.append(units[token, label])
        begun = part.enter[:, 1:] * e_B
        token, label = np.nonzero(begun * part.after_inside > threshold)
        new = OpenSpans(part.first + token, label, begun[token, label], part.first + token + 1)
        spans, probabilities, open_spans = _close([*open_spans, new], part, threshold)
        found += spans
        sure += probabilities
    # A product of rounded factors may be a little above 1, and so above a threshold of 1.
    rounded = np.minimum(np.concatenate(sure), 1)
    above = rounded > threshold
    return np.concatenate(found)[above], rounded[above]


@dataclass(frozen=True)
class OpenSpans:
    """Spans that have begun.

    start (ndarray): Shape (n,), their first tokens.
    label (ndarray): Shape (n,), their label numbers.
    begun (ndarray): Shape (n,), the sums of what comes before, through the spans so far.
    next (ndarray): Shape (n,), the token that goes on with each.
    """

    start: NDArray[np.int64]
    label: NDArray[np.int64]
    begun: NDArray[np.float64]
    next: NDArray[np.int64]

    def __getitem__(self, which: NDArray[np.bool_]) -> "OpenSpans":
        return OpenSpans(*(getattr(self, field.name)[which] for field in fields(self)))


def _close(
    begun: list[OpenSpans], part: Part, threshold: float
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.float64]], list[OpenSpans]]:
    """Go on with spans through a part.

    RETURNS (Tuple[List[ndarray], List[ndarray], List[OpenSpans]]): Likely spans that end there
        (n, 3), their probabilities (n,), and the spans that go on behind the part.
    """
    found, sure, going_on = [], [], []
    for spans in begun:
        while True:
            row = spans.next - part.first
            here = row < len(part.e)
            going_on.append(spans[~here])
            spans, row = spans[here], row[here]
            if not len(row):
                break
            column = 1 + TAGS_PER_LABEL * spans.label
            begun_here = spans.begun / part.scale[row]
            ended = (
                begun_here * part.e[row, column + LAST] * part.after_closed[row, 1 + spans.label]
            )
            likely = ended > threshold
            end = spans.next + 1
            found.append(np.stack([spans.start, end, spans.label], axis=1)[likely])
            sure.append(ended[likely])
            spans = OpenSpans(spans.start, spans.label, begun_here * part.e[row, column + IN], end)
            # No longer span is likelier than that the entity goes on; none does behind a document.
            spans = spans[spans.begun * part.after_inside[row, spans.label] > threshold]
    return found, sure, going_on


def _probabilities(parts: Iterable[Part], spans: NDArray[np.integer]) -> NDArray[np.float64]:
    """The probabilities of spans (n_spans, 3), from the sums of a text part by part: (n_spans,)."""
    if len(spans) == 0:
        return np.zeros(0)
    start, end, label = np.asarray(spans, dtype=np.int64).T
    lengths = end - start
    first = np.cumsum(lengths) - lengths
    tokens = np.repeat(start - first, lengths) + np.arange(lengths.sum())
    position = np.full(len(tokens), IN)
    position[first] = BEGIN
    position[first + lengths - 1] = LAST
    position[first[lengths == 1]] = UNIT
    columns = 1 + TAGS_PER_LABEL * np.repeat(label, lengths) + position
    factors, before, after = np.empty(len(tokens)), np.empty(len(start)), np.empty(len(start))
    for part in parts:
        for to, where, of, column in (
            (factors, tokens, part.e / part.scale[:, None], columns),
            (before, start, part.enter, 1 + label),
            (after, end - 1, part.after_closed, 1 + label),
        ):
            rows = where - part.first
            here = (rows >= 0) & (rows < len(of))
            to[here] = of[rows[here], column[here]]
    with np.errstate(divide="ignore"):
        logs = np.add.reduceat(np.log(factors), first) + np.log(before) + np.log(after)
    return np.minimum(np.exp(logs), 1)


class _MisfitError(Exception):
    """What pieces began with is not what their neighbors ended with."""


class _RangeError(Exception):
    """Scores lie further apart than the type of the sums can hold."""


def _over_parts(
    use: Callable[[Iterator[Part]], R],
    emissions: NDArray,
    transitions: NDArray,
    lengths: NDArray[np.integer],
    allowed: NDArray[np.bool_] | None,
    reach: int | None = None,
    dtype: np.dtype[np.floating] | None = None,
) -> R:
    """What a function makes of the parts of a text, as soon as its pieces fit together, by sums of
    this type, or of the emissions' own, or, where they leave its range, in float64.
    """
    require_finite(transitions)
    sizes: NDArray[np.int64] = np.asarray(lengths, dtype=np.int64)
    reach, dtype = reach or REACH, dtype or emissions.dtype
    while True:
        try:
            return use(_parts(emissions, transitions, sizes, allowed, reach, dtype))
        except _MisfitError:
            reach *= 2
        except _RangeError:
            if dtype == np.float64:
                best_tags(emissions, transitions, lengths, allowed)  # says so if there is no path
                raise ValueError(
                    "The scores of the tags lie further apart than float64 can hold (about 700): "
                    "training has diverged. Lower the learning rate, or set grad_clip."
                ) from None
            dtype = np.dtype(np.float64)


def _parts(
    emissions: NDArray,
    transitions: NDArray,
    lengths: NDArray[np.int64],
    allowed: NDArray[np.bool_] | None,
    reach: int,
    dtype: np.dtype[np.floating],
) -> Iterator[Part]:
    """Run forward and backward through pieces, group by group.

    What a piece begins with inside a document is not known. A chain forgets where it began, mostly
    within a few tokens; so `reach` tokens before the piece, begun with every state alike, tell it.
    That they do is seen where the neighbor ends: both must have found the same. If not, they do not
    fit, and pieces and reach have to be longer, at last whole documents.
    """
    top = float(transitions.max())
    e_T = np.exp(transitions.astype(np.float64) - top).astype(dtype)
    for pieces in Pieces.of(lengths, reach).groups():
        with np.errstate(all="ignore"):  # what has left the range of the type is told below
            part = _part(emissions, e_T, float(np.exp(-top)), allowed, pieces, reach)
        ends = (pieces.starts + pieces.lengths - 1 - part.first)[pieces.ends]
        fine = part.closed[ends].sum(axis=1) > _SMALLEST[dtype]
        if not fine.all() or not (part.scale > _SMALLEST[dtype]).all():
            raise _RangeError
        yield part


def _part(
    emissions: NDArray,
    e_T: NDArray[np.floating],
    going_on: float,
    allowed: NDArray[np.bool_] | None,
    pieces: Pieces,
    reach: int,
) -> Part:
    """Run forward and backward through the pieces of one group, or raise that they do not fit.

    Every step has the factor exp(−top), by a transition in `e_T` or by `going_on` inside.
    """
    classes, n = len(e_T), int(pieces.lengths.sum())
    first = int(pieces.starts[0]) if n else 0
    borders = pieces.borders()
    around = reach if len(borders) else 0
    low = max(first - around, 0)
    e, largest = _exponentials(emissions, allowed, low, first + n + around, going_on, e_T.dtype)
    # What the pieces begin with, forward and backward: before a document stands O.
    begun = np.zeros((2, len(pieces.starts), 2 * classes - 1), e_T.dtype)
    begun[0, :, 0] = 1
    if len(borders):
        told = _told(e, e_T, borders - low, reach)
        begun[0, ~pieces.begins] = told[0, : np.count_nonzero(~pieces.begins)]
        begun[1, ~pieces.ends] = told[1, len(borders) - np.count_nonzero(~pieces.ends) :]
    states, scale = _sweep(
        e, e_T, np.stack([pieces.starts - low] * 2), pieces.lengths, begun, pieces.ends
    )
    own = slice(first - low, first - low + n)
    states, scale = states[:, own], scale[:, own]
    if len(borders):
        behind, ahead = borders > first, borders < first + n
        ended = states[0, borders[behind] - first - 1], states[1, borders[ahead] - first]
        if not (_agree(ended[0], told[0, behind]) and _agree(ended[1], told[1, ahead])):
            raise _MisfitError
    firsts = pieces.starts - first
    lasts = firsts + pieces.lengths - 1
    before, after = np.empty((2, n, 2 * classes - 1), e_T.dtype)
    before[1:], after[:-1] = states[0, :-1], states[1, 1:]
    before[firsts], after[lasts] = begun
    after_closed, after_inside = after[:, :classes] @ e_T.T, after[:, classes:]
    after_closed[lasts[pieces.ends]] = 1
    # What follows is known up to a factor, by which the states' probabilities sum to 1.
    closed, inside = states[0, :, :classes], states[0, :, classes:]
    total = np.einsum("ij,ij->i", closed, after_closed)
    total += np.einsum("ij,ij->i", inside, after_inside)
    after_closed /= total[:, None]
    after_inside /= total[:, None]
    return Part(
        first,
        e[own],
        largest[own],
        scale[0],
        before[:, :classes] @ e_T,
        before[:, classes:],
        closed,
        after_closed,
        after_inside,
        states[1, :, :classes] * (scale[1] / (total * scale[0]))[:, None],
    )


def _exponentials(
    emissions: NDArray,
    allowed: NDArray[np.bool_] | None,
    low: int,
    high: int,
    going_on: float,
    dtype: np.dtype[np.floating],
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """exp(emission − largest) of some tokens (n, n_tags), and the largest emissions (n,)."""
    scores = mask_scores(
        emissions[low:high], None if allowed is None else allowed[low:high], first=low
    )
    largest = scores.max(axis=1, initial=-np.inf)
    e = np.subtract(scores, largest[:, None], dtype=dtype)
    np.exp(e, out=e)
    _, _, e_I, e_L, _ = split_tags(e)
    e_I *= going_on
    e_L *= going_on
    return e, largest.astype(dtype)


def _told(
    e: NDArray[np.floating], e_T: NDArray[np.floating], borders: NDArray[np.int64], reach: int
) -> NDArray[np.floating]:
    """What the tokens before each border and behind it tell of the states there.

    RETURNS (ndarray): Shape (2, n_borders, n_states), forward and backward.
    """
    n = len(borders)
    alike = np.ones((2, n, 2 * len(e_T) - 1), e.dtype)
    starts, lengths = np.stack([borders - reach, borders]), np.full(n, reach)
    states, _ = _sweep(e, e_T, starts, lengths, alike, np.zeros(n, dtype=bool))
    return np.stack([states[0, borders - 1], states[1, borders]])


def _sweep(
    e: NDArray[np.floating],
    e_T: NDArray[np.floating],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    begun: NDArray[np.floating],
    ends: NDArray[np.bool_],
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Go through stretches of text side by side, at once from their first token on and from their
    last one back.

    Read backward, a sequence is one of the same kind: B and L change places, and so do the ends of
    a transition. What has been summed up before a token is then what follows it.

    e (ndarray): Shape (n_tokens, n_tags), exp(emission).
    e_T (ndarray): Shape (n_labels + 1, n_labels + 1), exp(transition).
    starts (ndarray): Shape (2, n_stretches), the first token of those to go through forward, and of
        those backward.
    lengths (ndarray): Shape (n_stretches,), the number of tokens of each.
    begun (ndarray): Shape (2, n_stretches, n_states), what each begins with.
    ends (ndarray): Shape (n_stretches,) bool, whether its document ends with it.
    RETURNS (Tuple[ndarray, ndarray]): Forward and backward, the states after each token, which sum
        to 1 (2, n_tokens, n_states), and by how much they had grown (2, n_tokens). Tokens of no
        stretch have anything there.
    """
    classes = len(e_T)
    steps = Steps.of(starts[0], lengths)
    forward = steps.tokens
    backward = (starts.sum(axis=0) + lengths - 1)[steps.sequences] - forward
    # States side by side: the classes, closed by O or U or by L, and the insides by B or by I.
    factors = np.empty((2, len(forward), e.shape[1]), e.dtype)
    for way, (tokens, columns) in enumerate(
        zip((forward, backward), _columns(classes - 1), strict=True)
    ):
        np.take(e[:, columns], tokens, axis=0, out=factors[way])
    entering = factors[:, :, : 2 * classes - 1]
    going_on = factors[:, :, 2 * classes - 1 :].reshape(2, len(forward), 2, classes - 1)
    into = np.stack([e_T, e_T.T])
    into = np.concatenate([into, into[:, :, 1:]], axis=2)
    n = len(steps.documents)
    states = np.empty((2, n + len(forward), 2 * classes - 1), e.dtype)
    states[:, :n] = begun[:, steps.documents]
    scale = np.empty((2, len(forward), 1), e.dtype)
    was = 0  # where the step before begins
    for a, z in steps:
        before = states[:, was : was + z - a]
        now = before[:, :, :classes] @ into
        if not a:
            now[1, ends[steps.documents]] = 1  # no transition behind the last token
        now *= entering[:, a:z]
        pairs = now[:, :, 1:].reshape(2, z - a, 2, classes - 1)  # a view
        pairs += before[:, :, None, classes:] * going_on[:, a:z]
        np.add.reduce(now, axis=2, keepdims=True, out=scale[:, a:z])
        was = n + a
        np.divide(now, scale[:, a:z], out=states[:, was : n + z])
    ordered = np.empty((2, len(e), 2 * classes - 1), e.dtype)
    grown = np.empty((2, len(e)), e.dtype)
    for way, tokens in enumerate((forward, backward)):
        ordered[way, tokens] = states[way, n:]
        grown[way, tokens] = scale[way, :, 0]
    return ordered, grown


@lru_cache(maxsize=16)
def _columns(n_labels: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The columns of O, U, B, L, I, and of O, U, L, B, I for the way back: (n_tags,) each."""
    B, I, L, U = (1 + TAGS_PER_LABEL * np.arange(n_labels) + p for p in (BEGIN, IN, LAST, UNIT))
    return np.concatenate([[0], U, B, L, I]), np.concatenate([[0], U, L, B, I])


def _agree(found: NDArray[np.floating], told: NDArray[np.floating]) -> bool:
    """Whether states (n, n_states) are what was told of them; False if any is not a number."""
    allowance = _TOLERANCE[found.dtype] * found + _SMALLEST[found.dtype]
    return bool((np.abs(found - told) <= allowance).all())


def _joined(parts: Sequence[Part]) -> Part:
    """Parts of a text as one."""
    names = [field.name for field in fields(Part)][1:]
    return Part(0, *(np.concatenate([getattr(part, name) for part in parts]) for name in names))
