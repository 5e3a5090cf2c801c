"""The best legal tag sequence of each document.

The states and the step from token to token are those of `lattice`, with maxima in the place of sums
(Viterbi 1967). Most words are plainly no part of a name, and a text falls apart at these: where
every entity over a word scores below the same words outside of entities, by more than transitions
can make up for, the best sequence has O there. The stretches between such words are independent of
each other and short, and are searched side by side.
"""

import numpy as np
from numpy.typing import NDArray

from .steps import Steps, mask_scores, require_finite, split_tags
from .tags import BEGIN, IN, LAST, OUTSIDE, TAGS_PER_LABEL, UNIT

# What no entity gains over a word that can only be O; the bound needs a finite number.
_BARRIER = 1e3


def best_tags(
    emissions: NDArray,
    transitions: NDArray,
    lengths: NDArray[np.integer],
    allowed: NDArray[np.bool_] | None = None,
) -> NDArray[np.int32]:
    """Find the legal tag sequence of the largest score.

    emissions (ndarray): Shape (n_tokens, n_tags).
    transitions (ndarray): Shape (n_labels + 1, n_labels + 1).
    lengths (ndarray): Shape (n_docs,).
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
    RETURNS (ndarray): Shape (n_tokens,) int32, a tag column for each token.
    RAISES (ValueError): If scores are not finite, or a document has no legal sequence.
    """
    require_finite(transitions)
    scores = mask_scores(emissions, allowed)
    tags = np.full(len(scores), OUTSIDE, dtype=np.int32)
    if tags.size == 0 or scores.shape[1] == 1:
        return tags
    sizes: NDArray[np.int64] = np.asarray(lengths, dtype=np.int64)
    T = transitions.astype(np.float64)
    starts, lengths = _stretches(surely_outside(scores, T, sizes), sizes)
    steps = Steps.of_sequences(starts, lengths)
    found, has_path = _search(steps, scores, T)
    if not has_path.all():
        token = int(starts[steps.documents[np.argmin(has_path)]])
        raise ValueError(_no_path(int(np.searchsorted(np.cumsum(sizes), token, side="right"))))
    tags[steps.tokens] = found
    return tags


def surely_outside(
    scores: NDArray[np.float64], transitions: NDArray[np.float64], lengths: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Find words that are O in the best sequence, whatever the others are.

    Take an entity over word t out of a sequence: its words become O. With g_k, how much the best
    other tag of word k scores above O, that loses at most Σ g_k over the entity's words, and at
    most a constant for the transitions. The sum is at most g_t, plus the largest sum of words next
    to it on the left, plus the same on the right (Bentley 1984, "Algorithm design techniques").

    scores (ndarray): Shape (n_tokens, n_tags), −∞ for tags that are not allowed.
    transitions (ndarray): Shape (n_labels + 1, n_labels + 1).
    lengths (ndarray): Shape (n_docs,).
    RETURNS (ndarray): Shape (n_tokens,) bool.
    """
    # An O more is a transition from O to O more.
    gain = scores[:, 1:].max(axis=1) - scores[:, 0] - transitions[0, 0]
    entering = (transitions[:, 1:] - transitions[:, :1]).max()
    leaving = (transitions[1:] - transitions[:1]).max(initial=0)  # none at the end of a document
    only_outside = np.isneginf(gain)
    gain[only_outside] = -_BARRIER
    # No entity over a word that cannot be O can be taken out.
    never_outside = np.isposinf(gain)
    gain[never_outside] = 0
    gain[never_outside] = 1 + np.abs(gain).sum()
    before, rounding = _largest_sums(gain, lengths)
    behind = _largest_sums(gain[::-1], lengths[::-1])[0][::-1]
    most = gain + before + behind + entering + leaving + transitions[0, 0]
    return (most < -2 * rounding) | only_outside


def _largest_sums(
    gain: NDArray[np.float64], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.float64], float]:
    """The largest sum of the words right before each word, 0 for none of them: (n_tokens,); and
    how large an error of rounding can be.
    """
    lengths = lengths[lengths > 0]
    first = np.cumsum(lengths) - lengths
    sums = np.concatenate([[0], np.cumsum(gain)[:-1]])
    sums -= np.repeat(sums[first], lengths)
    # Each document lies lower than the one before, so that its smallest sum so far is its own.
    low = np.cumsum(np.add.reduceat(np.abs(gain), first)) * 2
    sums -= np.repeat(low, lengths)
    return sums - np.minimum.accumulate(sums), 1e-14 * len(gain) * float(low[-1])


def _stretches(
    outside: NDArray[np.bool_], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The stretches between words that are surely O, with the one that follows: (n,) each.

    Before a document stands O, as before a stretch; what follows a stretch matters for the
    transition to it.
    """
    ends = outside.copy()
    ends[np.cumsum(lengths)[lengths > 0] - 1] = True
    stop = np.flatnonzero(ends) + 1
    start = np.concatenate([[0], stop[:-1]])
    plain = (stop - start == 1) & outside[start]
    return start[~plain], (stop - start)[~plain]


def _search(
    steps: Steps, scores: NDArray[np.float64], transitions: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The best tags at all places of the steps, and whether each sequence has any."""
    s_O, s_B, s_I, s_L, s_U = split_tags(scores[steps.tokens])
    n, classes = len(s_O), len(transitions)
    T = transitions.T
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
    has_path = ~np.isneginf(ended.max(axis=1, initial=-np.inf))
    return _walk_back(steps, ended.argmax(axis=1), came_from, by_last, stayed_in), has_path


def _walk_back(
    steps: Steps,
    final: NDArray[np.int64],
    came_from: NDArray[np.int32],
    by_last: NDArray[np.bool_],
    stayed_in: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """Follow the back pointers from the last tokens: the tags of all places (n_places,)."""
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
    return tags


def _no_path(document: int) -> str:
    return (
        f"Document {document} of the batch has no legal tag sequence: the tags allowed for "
        f"neighbouring tokens contradict each other, for example B-X before O."
    )
