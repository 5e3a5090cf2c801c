"""Sums over all legal tag sequences of a batch of documents.

A sequence is a path through a lattice. After each token the path is in one of 2n + 1 states for n
labels: class 0 (the token was `O`), class 1 + x (an entity of label x has just ended, by `L-X` or
`U-X`), or inside an entity of label x (by `B-X` or `I-X`). The step from token to token is

    enter[q] = Σ_p closed[p] · exp T[p, q]
    closed[0] = enter[0] · e_O
    closed[X] = enter[X] · e_U + inside[X] · e_L
    inside[X] = enter[X] · e_B + inside[X] · e_I            with e = exp(emission)

which costs (n + 1)² instead of the (4n + 1)² of a matrix over tags. The sums are taken in
float64 and rescaled at every token (Rabiner 1989, section V.A).

The sums of a chain are steps that wait for each other, and many short chains go faster side by side
than one long. So long documents are cut into pieces that overlap, see `Lattice._run`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .steps import Steps, document_edges, mask_scores, require_finite, split_tags
from .tags import BEGIN, IN, LAST, OUTSIDE, TAGS_PER_LABEL, UNIT, n_labels
from .viterbi import best_tags

# Below this share of a step's largest factor, others may have been lost to rounding to zero.
_SMALLEST = 1e-150
# Tokens of its own that a piece of a long document has, and by how many more it reaches into its
# neighbors at first: few enough steps, and few enough tokens twice.
PIECE = 128
OVERLAP = 64
# A step takes about as long as what so many tokens add to steps.
TOKENS_PER_STEP = 50
# How many tokens are gone through at a time, for the sake of memory.
GROUP = 2**16
# How well two pieces have to agree where they meet, relative to each number.
_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Pieces:
    """The stretches of text that the sums go through side by side: documents, long ones in pieces.

    starts (ndarray): Shape (n_pieces,), the first token of each piece.
    lengths (ndarray): Shape (n_pieces,), the number of tokens of each.
    first (ndarray): Shape (n_pieces,), the first token of each that is its own. Those before it
        and behind the last of its own overlap with its neighbors.
    last (ndarray): Shape (n_pieces,), the last token of its own.
    begins (ndarray): Shape (n_pieces,) bool, whether it begins with its document.
    ends (ndarray): Shape (n_pieces,) bool, whether it ends with its document.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    begins: NDArray[np.bool_]
    ends: NDArray[np.bool_]

    @classmethod
    def of(cls, lengths: NDArray[np.integer], overlap: int) -> "Pieces":
        """Cut documents.

        lengths (ndarray): Shape (n_docs,), the number of tokens of each document.
        overlap (int): How many tokens of its neighbors each piece has on each side.
        RETURNS (Pieces): Pieces with `PIECE` tokens of their own, or more where that saves more
            tokens than it adds steps. Documents that are not much longer are left whole.
        """
        sizes: NDArray[np.int64] = np.asarray(lengths, dtype=np.int64)
        document_ends = np.cumsum(sizes)
        # Steps take piece · TOKENS_PER_STEP, overlaps n · 2 · overlap / piece: least where equal.
        n = min(int(sizes.sum()), GROUP)
        own = max(PIECE, math.isqrt(2 * overlap * n // TOKENS_PER_STEP))
        n_pieces = np.where(sizes > own + 2 * overlap, -(-sizes // own), 1)
        n_pieces[sizes == 0] = 0
        document = np.repeat(np.arange(len(sizes)), n_pieces)
        number = np.arange(len(document)) - np.repeat(np.cumsum(n_pieces) - n_pieces, n_pieces)
        begins, ends = number == 0, number == n_pieces[document] - 1
        first = (document_ends - sizes)[document] + own * number
        behind = np.where(ends, document_ends[document], first + own)
        starts = np.maximum(first - overlap, first - own * number)
        stops = np.minimum(behind + overlap, document_ends[document])
        return cls(starts, stops - starts, first, behind - 1, begins, ends)

    def groups(self) -> Iterator["Pieces"]:
        """Split them, so that memory is bounded.

        RETURNS (Iterator[Pieces]): Pieces of about `GROUP` tokens together, or one that is longer.
        """
        number = np.cumsum(self.lengths) // GROUP
        bounds = np.flatnonzero(np.diff(number)) + 1
        for first, last in pairwise([0, *bounds.tolist(), len(number)]):
            yield Pieces(*(getattr(self, field.name)[first:last] for field in fields(self)))


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
        overlap: int = OVERLAP,
    ) -> None:
        """Run forward and backward.

        emissions (ndarray): Shape (n_tokens, n_tags).
        transitions (ndarray): Shape (n_labels + 1, n_labels + 1).
        lengths (ndarray): Shape (n_docs,).
        allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
        overlap (int): By how many tokens the pieces of long documents overlap at first.
        RAISES (ValueError): If scores are not finite, or a document has no legal sequence.
        """
        require_finite(transitions)
        self._lengths = np.asarray(lengths, dtype=np.int64)
        # All arrays below have one row for each token.
        self._e = mask_scores(emissions, allowed)
        largest = self._e.max(axis=1, initial=-np.inf)
        top = float(transitions.max())
        self._e -= largest[:, None]
        np.exp(self._e, out=self._e)
        # Every step has the factor exp(−top), by a transition or by going on inside.
        self._e_T = np.exp(transitions.astype(np.float64) - top)
        _, _, e_I, e_L, _ = split_tags(self._e)
        with np.errstate(all="ignore"):  # what has left the range of float64 is told below
            e_I *= np.exp(-top)
            e_L *= np.exp(-top)
            while not self._run(Pieces.of(self._lengths, overlap)):
                overlap *= 2
        _, last = document_edges(self._lengths)
        ends = self._closed[last].sum(axis=1)
        if not (ends > _SMALLEST).all() or not (self._scale > _SMALLEST).all():
            best_tags(emissions, transitions, lengths, allowed)  # says so if there is no path
            raise ValueError(
                "The scores of the tags lie further apart than float64 can hold (about 700): "
                "training has diverged. Lower the learning rate, or set grad_clip."
            )
        document = np.repeat(np.arange(len(self._lengths)), self._lengths)
        per_token = np.log(self._scale) + largest + top
        self.log_z = np.zeros(len(self._lengths))
        self.log_z += np.bincount(document, per_token, minlength=len(self._lengths))
        self.log_z[self._lengths > 0] += np.log(ends)

    def _run(self, pieces: Pieces) -> bool:
        """Run forward and backward through pieces. RETURNS: Whether the pieces fit together.

        What a piece begins with inside a document is not known, so it begins with every state alike
        and some tokens early. A chain forgets where it began, mostly within a few tokens; that it
        has is seen where two pieces overlap: both must have found the same.
        """
        n, classes = len(self._e), len(self._e_T)
        widths = (classes, classes - 1, classes, classes - 1, 1)
        forward = [np.empty((n, width)) for width in widths]
        backward = [np.empty((n, width)) for width in widths]
        met = []  # tokens of neighbors that pieces come through, and their states
        for group in pieces.groups():
            steps = Steps.of(group.starts, group.lengths)
            row, number = _rows_and_steps(steps)
            piece = steps.documents[row]
            ahead = group.starts[piece] + number
            back = group.starts[piece] + group.lengths[piece] - 1 - number
            sweep = self._sweep(steps, ahead, back, group)
            ways = ((ahead, group.first - 1, forward), (back, group.last + 1, backward))
            for way, (tokens, neighbor, states) in enumerate(ways):
                own = (tokens >= group.first[piece]) & (tokens <= group.last[piece])
                for to, swept in zip(states, sweep, strict=True):
                    to[tokens[own]] = swept[way][own]
                shared = np.flatnonzero((tokens == neighbor[piece]) & ~own)
                met.append((states, tokens[shared], [x[way][shared] for x in sweep[2:4]]))
        for states, tokens, said in met:
            if not _agree(said, [x[tokens] for x in states[2:4]]):
                return False
        self._enter, self._opened, self._closed, inside, scale = forward
        self._after_closed, self._after_inside, self._into, _, scale_back = backward
        # What follows is known up to a factor, by which the states' probabilities sum to 1.
        total = (self._closed * self._after_closed).sum(axis=1, keepdims=True)
        total += (inside * self._after_inside).sum(axis=1, keepdims=True)
        self._after_closed /= total
        self._after_inside /= total
        self._into *= scale_back / (total * scale)
        self._scale = scale[:, 0]
        return True

    def _sweep(
        self,
        steps: Steps,
        ahead: NDArray[np.int64],
        back: NDArray[np.int64],
        pieces: Pieces,
    ) -> tuple[NDArray[np.float64], ...]:
        """Go through all pieces, at once from their first token on and from their last one back.

        Read backward, a sequence is one of the same kind: B and L change places, and so do the ends
        of a transition. What has been summed up before a token is then what follows it.

        steps (Steps): The order of the pieces' tokens.
        ahead (ndarray): Shape (n_places,), the token at each place, going forward.
        back (ndarray): Shape (n_places,), the token at each place, going backward.
        pieces (Pieces): The pieces.
        RETURNS (Tuple[ndarray, …]): At every place, forward and backward: `enter`, `opened`,
            `closed`, `inside` and the scale, shape (2, n_places, …) each.
        """
        O, B, I, L, U = split_tags(self._e)
        n, classes = len(ahead), len(self._e_T)
        # States side by side: the classes, closed by O or U or by L, and the insides by B or by I.
        entering = np.stack(
            [
                np.concatenate([O[ahead, None], U[ahead], B[ahead]], axis=1),
                np.concatenate([O[back, None], U[back], L[back]], axis=1),
            ]
        )
        going_on = np.stack(
            [np.stack([L[ahead], I[ahead]], axis=1), np.stack([B[back], I[back]], axis=1)]
        )
        T = np.stack([self._e_T, self._e_T.T])
        T_twice = np.concatenate([T, T[:, :, 1:]], axis=2)
        before, states = np.empty(entering.shape), np.empty(entering.shape)
        scale = np.empty((2, n, 1))
        first = len(steps.documents)
        before[:, :first] = 1
        before[0, :first][pieces.begins[steps.documents], 1:] = 0
        before[1, :first, classes:] = ~pieces.ends[steps.documents, None]
        was = 0  # where the step before begins
        for a, z in steps:
            if a:
                before[:, a:z] = states[:, was : was + z - a]
            now = before[:, a:z, :classes] @ T_twice
            if not a:
                now[1] = 1  # there is no transition behind the last token
            now *= entering[:, a:z]
            pairs = now[:, :, 1:].reshape(2, z - a, 2, classes - 1)  # a view
            pairs += before[:, a:z, None, classes:] * going_on[:, a:z]
            np.add.reduce(now, axis=2, keepdims=True, out=scale[:, a:z])
            np.divide(now, scale[:, a:z], out=states[:, a:z])
            was = a
        enter = before[:, :, :classes] @ T
        enter[1, :first] = 1
        return enter, before[:, :, classes:], states[:, :, :classes], states[:, :, classes:], scale

    def marginals(self) -> NDArray[np.float64]:
        """The probability of each tag at each token.

        RETURNS (ndarray): Shape (n_tokens, n_tags); each row sums to 1.
        """
        marginals = self._e / self._scale[:, None]
        m_O, m_B, m_I, m_L, m_U = split_tags(marginals)
        entity = self._enter[:, 1:]
        m_O *= self._enter[:, 0] * self._after_closed[:, 0]
        m_B *= entity * self._after_inside
        m_I *= self._opened * self._after_inside
        m_L *= self._opened * self._after_closed[:, 1:]
        m_U *= entity * self._after_closed[:, 1:]
        return marginals

    def expected_transitions(self) -> NDArray[np.float64]:
        """How often each transition is taken on average, over the whole batch.

        RETURNS (ndarray): Shape (n_labels + 1, n_labels + 1).
        """
        before = np.zeros(self._closed.shape)
        before[1:] = self._closed[:-1]
        first, _ = document_edges(self._lengths)
        before[first] = 0
        before[first, 0] = 1
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
        lengths = end - start
        first = np.cumsum(lengths) - lengths
        tokens = np.repeat(start - first, lengths) + np.arange(lengths.sum())
        position = np.full(len(tokens), IN)
        position[first] = BEGIN
        position[first + lengths - 1] = LAST
        position[first[lengths == 1]] = UNIT
        columns = 1 + TAGS_PER_LABEL * np.repeat(label, lengths) + position
        with np.errstate(divide="ignore"):
            factors = np.log(self._e[tokens, columns]) - np.log(self._scale[tokens])
            ways = np.log(self._enter[start, 1 + label])
            ways += np.log(self._after_closed[end - 1, 1 + label])
        return np.minimum(np.exp(np.add.reduceat(factors, first) + ways), 1)

    def likely_spans(self, threshold: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """All spans whose probability is above a threshold. They may overlap.

        threshold (float): From 0 to 1.
        RETURNS (Tuple[ndarray, ndarray]): Spans (n_spans, 3), rows (start, end, label number),
            tokens counted through the batch, and their probabilities (n_spans,).
        """
        ends = np.repeat(np.cumsum(self._lengths), self._lengths)
        marginals = self.marginals()
        token, label = np.nonzero(marginals[:, 1 + UNIT :: TAGS_PER_LABEL] > threshold)
        found = [np.stack([token, token + 1, label], axis=1)]
        token, label = np.nonzero(marginals[:, 1 + BEGIN :: TAGS_PER_LABEL] > threshold)
        e = self._e / self._scale[:, None]
        begun = self._enter[token, 1 + label] * e[token, 1 + TAGS_PER_LABEL * label + BEGIN]
        length = 1
        while len(token):
            length += 1
            going_on = token + length <= ends[token]
            token, label, begun = token[going_on], label[going_on], begun[going_on]
            last, column = token + length - 1, 1 + TAGS_PER_LABEL * label
            ended = begun * e[last, column + LAST] * self._after_closed[last, 1 + label]
            likely = ended > threshold
            found.append(np.stack([token[likely], token[likely] + length, label[likely]], axis=1))
            begun = begun * e[last, column + IN]
            # No longer span is likelier than that the entity goes on.
            likely = begun * self._after_inside[last, label] > threshold
            token, label, begun = token[likely], label[likely], begun[likely]
        spans = np.concatenate(found).astype(np.int64)
        probabilities = self.span_probabilities(spans)
        likely = probabilities > threshold  # where the products above were rounded up
        return spans[likely], probabilities[likely]


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


def _rows_and_steps(steps: Steps) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The row in its step, and the number of its step, of each place: (n_places,) each."""
    sizes = np.diff(steps.bounds)
    row = np.arange(len(steps.tokens)) - np.repeat(steps.bounds[:-1], sizes)
    return row, np.repeat(np.arange(len(sizes)), sizes)


def _agree(said: Sequence[NDArray[np.float64]], found: Sequence[NDArray[np.float64]]) -> bool:
    """Whether two pieces find the same for the same tokens, but for a factor for each token.

    said (Sequence[ndarray]): Values of the classes and of the insides (n, …) by one piece.
    found (Sequence[ndarray]): The same by the piece that the tokens belong to.
    RETURNS (bool): Whether they agree; False if any is not a number.
    """
    if not len(said[0]):
        return True
    a, b = np.concatenate(said, axis=1), np.concatenate(found, axis=1)
    a /= a.sum(axis=1, keepdims=True)
    b /= b.sum(axis=1, keepdims=True)
    return np.allclose(a, b, rtol=_TOLERANCE, atol=_SMALLEST)
