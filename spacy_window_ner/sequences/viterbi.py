"""The best legal tag sequence of each document.

The states and the step from token to token are those of `forward_backward`, with maxima in the
place of sums (Viterbi 1967). Most words are plainly no part of a name, and a text falls apart at
these: where every entity over a word scores below the same words outside of entities, by more than
transitions can make up for, the best sequence has O there. The stretches between such words are
independent of each other and short, and are searched side by side.
"""

import numpy as np
from numpy.typing import NDArray

from .batching import (
    BatchOrder,
    Ints,
    Lengths,
    Mask,
    document_edges,
    groups_of,
    mask_scores,
)
from .tags import OUTSIDE, grouped_tags

# What an entity loses over a word that can only be O; the bound needs a finite number.
_BARRIER = 1e3
Float64s = NDArray[np.float64]


def best_tags(
    emissions: NDArray, transitions: NDArray, lengths: Lengths, allowed: Mask | None = None
) -> NDArray[np.int32]:
    """Find the legal tag sequence with the largest score.

    emissions (ndarray): Shape (n_tokens, n_tags).
    transitions (ndarray): Shape (n_labels + 1, n_labels + 1).
    lengths (ndarray): Shape (n_docs,).
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
    RETURNS (ndarray): Shape (n_tokens,) int32, a tag column for each token.
    RAISES (ValueError): If scores are not finite, or a document has no legal sequence.
    """
    scores = mask_scores(emissions, transitions, allowed)
    tags = np.full(len(scores), OUTSIDE, dtype=np.int32)
    if tags.size == 0 or scores.shape[1] == 1:
        return tags
    sizes: Ints = np.asarray(lengths, dtype=np.int64)
    T, columns = transitions.astype(np.float64), grouped_tags(len(transitions) - 1)
    starts, lengths = _stretches(surely_outside(scores, T, sizes), sizes)
    for group in groups_of(lengths):
        order = BatchOrder.of(starts[group], lengths[group])
        found, has_path = _search(order, scores[order.tokens].T[columns].astype(np.float64), T)
        if not has_path.all():
            token = order.tokens[np.argmin(has_path)]
            document = np.searchsorted(np.cumsum(sizes), token, side="right")
            raise ValueError(
                f"Document {document} of the batch has no legal tag sequence: the tags allowed for "
                f"neighboring tokens contradict each other, for example B-X before O."
            )
        tags[order.tokens] = columns[found]
    return tags


def surely_outside(scores: NDArray, transitions: Float64s, lengths: Ints) -> Mask:
    """Find words that are O in the best sequence, whatever the others are.

    Take an entity over word t out of a sequence: its words become O. With g_k, how much the best
    other tag of word k scores above O, that loses at most Σ g_k over the entity's words, and at
    most a constant for the transitions. The sum is at most g_t, plus the largest sum of words next
    to it on the left, plus the same on the right (Bentley 1984, "Algorithm design techniques").

    scores (ndarray): Shape (n_tokens, n_tags), −∞ for tags that are not allowed.
    transitions (ndarray): Shape (n_labels + 1, n_labels + 1) float64.
    lengths (ndarray): Shape (n_docs,).
    RETURNS (ndarray): Shape (n_tokens,) bool.
    """
    # An O more is a transition from O to O more.
    gain = np.subtract(scores[:, 1:].max(axis=1), scores[:, 0], dtype=np.float64)
    gain -= transitions[0, 0]
    entering = (transitions[:, 1:] - transitions[:, :1]).max()
    leaving = (transitions[1:] - transitions[:1]).max(initial=0)  # none at the end of a document
    only_outside = np.isneginf(gain)
    gain[only_outside] = -_BARRIER
    around = entering + leaving + transitions[0, 0]
    # No entity over a word that cannot be O can be taken out, however much transitions would gain.
    never_outside = np.isposinf(gain)
    gain[never_outside] = 0
    gain[never_outside] = 1 + abs(around) + np.abs(gain).sum()
    before, behind, rounding = _largest_sums(gain, lengths)
    most = gain + before + behind + around
    return (most < -2 * rounding) | only_outside


def _largest_sums(gain: Float64s, lengths: Ints) -> tuple[Float64s, Float64s, float]:
    """The largest sum of the words right before each word, 0 for none of them, and of those right
    behind it: (n_tokens,) each; and how large an error of rounding can be.
    """
    first, _ = document_edges(lengths)
    # Each document lies lower than the one before, so that its smallest sum so far is its own, and
    # so is its largest sum from here on.
    size = np.add.reduceat(np.abs(gain), first)
    low = 2 * np.cumsum(size) - size
    upto = np.cumsum(gain)
    before = upto - gain
    offset = np.repeat(low + before[first], lengths[lengths > 0])
    before -= offset
    upto -= offset
    rounding = 1e-14 * len(gain) * 2 * float(size.sum())
    smallest = np.minimum.accumulate(before)
    largest = np.maximum.accumulate(upto[::-1])[::-1]
    return before - smallest, largest - upto, rounding


def _stretches(outside: Mask, lengths: Ints) -> tuple[Ints, Ints]:
    """The starts and lengths of the stretches between words that are surely O, each with the one
    that follows: (n,) each.

    Before a document stands O, as before a stretch; what follows a stretch matters for the
    transition to it.
    """
    ends = outside.copy()
    ends[document_edges(lengths)[1]] = True
    stop = np.flatnonzero(ends) + 1
    start = np.append(0, stop[:-1])
    plain = (stop - start == 1) & outside[start]
    return start[~plain], (stop - start)[~plain]


def _search(order: BatchOrder, scores: Float64s, T: Float64s) -> tuple[Ints, Mask]:
    """Find the best sequence of each chain.

    scores (ndarray): Shape (n_tags, n_places), tags as in `grouped_tags`.
    T (ndarray): Shape (n_labels + 1, n_labels + 1).
    RETURNS (Tuple[ndarray, ndarray]): The rows of the best tags (n_places,), and whether each chain
        has a legal sequence (n_chains,).
    """
    classes, n_chains, n_places = len(T), len(order.longest_first), scores.shape[1]
    n_states = 2 * classes - 1
    entering, staying = scores[:n_states], scores[n_states:].reshape(2, classes - 1, n_places)
    states = np.full((n_states, n_chains + n_places), -np.inf)
    states[0, :n_chains] = 0
    # The class that each class is best entered from, and where it is better to stay inside.
    came_from = np.empty((classes, n_places), dtype=np.int64)
    stays = np.zeros((n_states, n_places), dtype=bool)
    offset = 0
    for start, stop in order:
        before = states[:, offset : offset + stop - start]
        paths = before[:classes, None] + T[:, :, None]
        paths.argmax(axis=0, out=came_from[:, start:stop])
        enter = paths.max(axis=0)
        now = np.concatenate([enter, enter[1:]])
        now += entering[:, start:stop]
        stayed = (before[classes:] + staying[..., start:stop]).reshape(n_states - 1, -1)
        np.greater(stayed, now[1:], out=stays[1:, start:stop])
        np.maximum(now[1:], stayed, out=now[1:])
        offset = n_chains + start
        states[:, offset : offset + stop - start] = now
    back = np.concatenate([came_from, came_from[1:]])
    np.copyto(back[1:], np.tile(np.arange(classes, n_states), 2)[:, None], where=stays[1:])
    ended = states[:classes, n_chains + order.last_places()]
    state, path = ended.argmax(axis=0), np.empty(n_places, dtype=np.int64)
    places = np.arange(n_places)
    for start, stop in reversed(list(order)):
        path[start:stop] = state[: stop - start]
        state[: stop - start] = back[path[start:stop], places[start:stop]]
    # The rows of L and I are those of U and B, as far behind.
    return path + (n_states - 1) * stays[path, places], ~np.isneginf(ended.max(axis=0))
