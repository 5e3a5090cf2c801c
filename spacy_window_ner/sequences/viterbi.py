"""The best legal tag sequence of each document.

The states and transitions are those of `forward_backward`, with maxima instead of sums (Viterbi
1967). Most words are clearly not part of a name: if every entity that covers a word scores lower
than the same words outside of entities, by more than transitions can compensate, the best sequence
has O there. The stretches between such words are short and independent of each other, and are
searched in parallel: 1.3 to 2.4 times as fast as whole documents in batches, 6 times for single
documents, and 70 times for a document of 200,000 tokens.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .batching import (
    BatchOrder,
    Ints,
    Mask,
    Scores,
    document_of,
    documents_with,
    groups_of,
    mask_scores,
)
from .forward_backward import grouped_tags
from .tags import OUTSIDE

# What an entity loses over a word that can only be O; the bound needs a finite number.
_BARRIER = 1e3
Float64s = NDArray[np.float64]


def best_tags(scores: Scores, allowed: Mask | None = None) -> NDArray[np.int32]:
    """Find the legal tag sequence with the largest score.

    scores (Scores): The scores of a batch of documents.
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
    RETURNS (ndarray): Shape (n_tokens,) int32, a tag column for each token.
    RAISES (ValueError): If scores are not finite, or a document has no legal sequence.
    """
    emissions = mask_scores(scores, allowed)
    tags = np.full(len(emissions), OUTSIDE, dtype=np.int32)
    if tags.size == 0 or emissions.shape[1] == 1:
        return tags
    sizes: Ints = np.asarray(scores.lengths, dtype=np.int64)
    T = scores.transitions.astype(np.float64)
    columns = grouped_tags(len(T) - 1)
    starts, lengths = _stretches(always_outside(emissions, T, sizes), sizes)
    for group in groups_of(lengths):
        order = BatchOrder.of(starts[group], lengths[group])
        of_group = emissions[order.tokens].T[columns].astype(np.float64)
        path, ended = _search(order, of_group, T)
        if np.isneginf(ended.max(axis=0)).any():
            token = order.tokens[np.argmax(np.isneginf(ended.max(axis=0)))]
            raise ValueError(
                f"Document {document_of(token, sizes)} of the batch has no legal tag sequence: the "
                f"tags allowed for neighboring tokens contradict each other, for example B-X "
                f"before O."
            )
        tags[order.tokens] = columns[path]
    return tags


def always_outside(scores: NDArray, transitions: Float64s, lengths: Ints) -> Mask:
    """Find words that are O in the best sequence, whatever the others are.

    Take an entity over word t out of a sequence: its words become O. With g_k, how much the best
    other tag of word k scores above O, that loses at most Σ g_k over the entity's words, and at
    most a constant for the transitions. The largest sum of consecutive words around t is the
    largest running sum from t on, minus the smallest before it (Bentley 1984, "Algorithm design
    techniques").

    scores (ndarray): Shape (n_tokens, n_tags), −∞ for tags that are not allowed.
    transitions (ndarray): Shape (n_labels + 1, n_labels + 1) float64.
    lengths (ndarray): Shape (n_docs,).
    RETURNS (ndarray): Shape (n_tokens,) bool.
    """
    # Each further O adds a transition from O to O.
    gain = np.subtract(scores[:, 1:].max(axis=1), scores[:, 0], dtype=np.float64)
    gain -= transitions[0, 0]
    entering = (transitions[:, 1:] - transitions[:, :1]).max()
    leaving = (transitions[1:] - transitions[:1]).max(initial=0)  # none at the end of a document
    only_outside, never_outside = np.isneginf(gain), np.isposinf(gain)
    gain[only_outside], gain[never_outside] = -_BARRIER, 0
    # Sums may run on into other documents, where they are no smaller than within their own.
    sums = np.cumsum(gain)
    smallest = np.minimum.accumulate(sums - gain)
    largest = np.maximum.accumulate(sums[::-1])[::-1]
    rounding = 4e-14 * len(gain) * np.abs(gain).sum()
    outside = largest - smallest + entering + leaving + transitions[0, 0] < -rounding
    # An entity over a word that cannot be O can never be taken out.
    fixed = documents_with(never_outside, lengths)
    return outside & ~np.repeat(fixed, lengths) | only_outside


def _stretches(outside: Mask, lengths: Ints) -> tuple[Ints, Ints]:
    """The starts and lengths (n,) of the stretches between words that are O, each with the one
    that follows, because of the transition to it. O precedes a document, as it does a stretch.
    """
    ends = outside.copy()
    ends[np.cumsum(lengths) - 1] = True
    stop = np.flatnonzero(ends) + 1
    start = np.append(0, stop[:-1])
    several = (stop - start > 1) | ~outside[start]
    return start[several], (stop - start)[several]


def _search(order: BatchOrder, scores: Float64s, T: Float64s) -> tuple[Ints, Float64s]:
    """Find the best sequence of each chain.

    scores (ndarray): Shape (n_tags, n_places), tags as in `grouped_tags`.
    T (ndarray): Shape (n_labels + 1, n_labels + 1).
    RETURNS (Tuple[ndarray, ndarray]): The rows of the best tags (n_places,), and the largest scores
        of the sequences that end in each class (n_labels + 1, n_chains).
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
    steps = list(pairwise(order.bounds.tolist()))
    for start, stop in steps:
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
    for start, stop in reversed(steps):
        path[start:stop] = state[: stop - start]
        state[: stop - start] = back[path[start:stop], places[start:stop]]
    # The rows of L and I are those of U and B, as far after.
    return path + (n_states - 1) * stays[path, places], ended
