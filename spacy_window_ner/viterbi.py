"""The best legal tag sequence of each document.

The states and the step from token to token are those of `lattice`, with maxima in the place of sums
(Viterbi 1967). Most words are plainly no part of a name, and a text falls apart at these: where
every entity over a word scores below the same words outside of entities, by more than transitions
can make up for, the best sequence has O there. The stretches between such words are independent of
each other and short, and are searched side by side.
"""

import numpy as np
from numpy.typing import NDArray

from .steps import Steps, document_edges, groups_of, mask_scores, require_finite, split_tags
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
    for group in groups_of(lengths):
        steps = Steps.of(starts[group], lengths[group])
        found, has_path = _search(steps, scores[steps.tokens].astype(np.float64), T)
        if not has_path.all():
            token = int(starts[group][steps.documents[np.argmin(has_path)]])
            document = int(np.searchsorted(np.cumsum(sizes), token, side="right"))
            raise ValueError(_no_path(document))
        tags[steps.tokens] = found
    return tags


def surely_outside(
    scores: NDArray, transitions: NDArray[np.float64], lengths: NDArray[np.int64]
) -> NDArray[np.bool_]:
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


def _largest_sums(
    gain: NDArray[np.float64], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """The largest sum of the words right before each word, 0 for none of them, and of those right
    behind it: (n_tokens,) each; and how large an error of rounding can be.
    """
    first, _ = document_edges(lengths)
    lengths = lengths[lengths > 0]
    # Each document lies lower than the one before, so that its smallest sum so far is its own, and
    # so is its largest sum from here on.
    size = np.add.reduceat(np.abs(gain), first)
    low = 2 * np.cumsum(size) - size
    upto = np.cumsum(gain)
    before = upto - gain
    offset = np.repeat(low + before[first], lengths)
    before -= offset
    upto -= offset
    rounding = 1e-14 * len(gain) * 2 * float(size.sum())
    smallest = np.minimum.accumulate(before)
    largest = np.maximum.accumulate(upto[::-1])[::-1]
    return before - smallest, largest - upto, rounding


def _stretches(
    outside: NDArray[np.bool_], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The stretches between words that are surely O, with the one that follows: (n,) each.

    Before a document stands O, as before a stretch; what follows a stretch matters for the
    transition to it.
    """
    ends = outside.copy()
    ends[document_edges(lengths)[1]] = True
    stop = np.flatnonzero(ends) + 1
    start = np.concatenate([[0], stop[:-1]])
    plain = (stop - start == 1) & outside[start]
    return start[~plain], (stop - start)[~plain]


def _search(
    steps: Steps, scores: NDArray[np.float64], transitions: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The best tags at all places of the steps, by the scores there (n_places, n_tags), and whether
    each sequence has any.
    """
    s_O, s_B, s_I, s_L, s_U = split_tags(scores)
    n, classes = len(s_O), len(transitions)
    s_OU = np.concatenate([s_O[:, None], s_U], axis=1)
    s_L, s_B, s_I = (np.ascontiguousarray(s) for s in (s_L, s_B, s_I))
    T = np.ascontiguousarray(transitions.T)
    # What came before each place, and the best after it.
    before_closed, closed = np.empty((n, classes)), np.empty((n, classes))
    before_inside, inside = np.empty((n, classes - 1)), np.empty((n, classes - 1))
    now_closed = np.full((len(steps.documents), classes), -np.inf)
    now_closed[:, 0] = 0
    now_inside = np.full((len(steps.documents), classes - 1), -np.inf)
    for a, z in steps:
        before_closed[a:z] = was_closed = now_closed[: z - a]
        before_inside[a:z] = was_inside = now_inside[: z - a]
        now_closed, now_inside = closed[a:z], inside[a:z]
        enter = (was_closed[:, None, :] + T).max(axis=2)
        np.add(enter, s_OU[a:z], out=now_closed)
        entity = now_closed[:, 1:]
        np.maximum(entity, was_inside + s_L[a:z], out=entity)
        np.add(enter[:, 1:], s_B[a:z], out=now_inside)
        np.maximum(now_inside, was_inside + s_I[a:z], out=now_inside)
    came_from, enter = _best_before(before_closed, T)
    by_last = before_inside + s_L > enter[:, 1:] + s_U
    stayed_in = before_inside + s_I > enter[:, 1:] + s_B
    last = steps.last_places()
    ended = closed[last]
    has_path = ~np.isneginf(ended.max(axis=1, initial=-np.inf))
    return _walk_back(steps, ended.argmax(axis=1), came_from, by_last, stayed_in), has_path


def _best_before(
    closed: NDArray[np.float64], T: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The class that each class is best entered from, and its score: (n_places, n_classes) each."""
    best = closed[:, :1] + T[:, 0]
    came_from = np.zeros(best.shape, dtype=np.int64)
    for p in range(1, len(T)):
        ways = closed[:, p : p + 1] + T[:, p]
        better = ways > best
        came_from[better] = p
        np.maximum(best, ways, out=best)
    return came_from, best


def _walk_back(
    steps: Steps,
    final: NDArray[np.int64],
    came_from: NDArray[np.int64],
    by_last: NDArray[np.bool_],
    stayed_in: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """Follow the back pointers from the last tokens: the tags of all places (n_places,).

    A state is a class that is closed, or `classes − 1 + q` for being inside of class q.
    """
    n, classes = came_from.shape
    labels = np.arange(1, classes)
    inside = classes - 1 + labels
    back = np.empty((n, 2 * classes - 1), dtype=np.int64)
    back[:, 0] = came_from[:, 0]
    back[:, 1:classes] = np.where(by_last, inside, came_from[:, 1:])
    back[:, classes:] = np.where(stayed_in, inside, came_from[:, 1:])
    tag_of = np.empty(back.shape, dtype=np.int32)
    first = 1 + TAGS_PER_LABEL * (labels - 1)
    tag_of[:, 0] = OUTSIDE
    tag_of[:, 1:classes] = first + np.where(by_last, LAST, UNIT)
    tag_of[:, classes:] = first + np.where(stayed_in, IN, BEGIN)
    # Places of a row of `back` in one flat array.
    rows = np.arange(n) * back.shape[1]
    back, places = back.ravel(), np.empty(n, dtype=np.int64)
    state = final.copy()
    for a, z in reversed(steps):
        now = places[a:z]
        np.add(rows[a:z], state[: z - a], out=now)
        state[: z - a] = back[now]
    return tag_of.ravel()[places]


def _no_path(document: int) -> str:
    return (
        f"Document {document} of the batch has no legal tag sequence: the tags allowed for "
        f"neighbouring tokens contradict each other, for example B-X before O."
    )
