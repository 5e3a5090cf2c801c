"""Rehearsal: match the predictions of a teacher, an earlier copy of the network.

The divergence of the objective (`imitate`) is over the labels that the network has seen. Tags of
labels that the teacher has not seen get a score so low that their probability is zero: a new label
cannot replace an old one in rehearsed text.
"""

import numpy as np
from numpy.typing import NDArray

from ..labels import legal_tags
from ..layers.transitions import Scores
from . import Objective

# Low enough for a probability of zero, and finite: differences of infinities are not numbers.
_IMPOSSIBLE = -1e4


def rehearsal_loss(
    scores: Scores,
    teacher: Scores,
    seen: NDArray[np.bool_],
    teacher_seen: NDArray[np.bool_],
    objective: Objective,
) -> tuple[float, Scores]:
    """Compute the divergence of the network from the teacher, and its gradient.

    scores (Scores): The network's emissions (n_tokens, n_tags), transitions
        (n_labels + 1, n_labels + 1) and lengths (n_docs,).
    teacher (Scores): The teacher's scores of the same documents. It may have fewer labels.
    seen (ndarray): Shape (n_labels,) bool, the labels that the network has seen.
    teacher_seen (ndarray): Shape (n_teacher_labels,) bool, the labels that the teacher has seen.
    objective (Objective): The objective that both were trained with.
    RETURNS (Tuple[float, Scores]): The divergence in nats, and its gradient, zero for tags and
        transitions of unseen labels.
    """
    tags, classes = _in_use(seen)
    teacher_tags, teacher_classes = _in_use(teacher_seen)
    target = Scores(
        np.full_like(scores.emissions, _IMPOSSIBLE),
        np.zeros_like(scores.transitions),
        scores.lengths,
    )
    target.emissions[:, teacher_tags] = teacher.emissions[:, teacher_tags]
    target.transitions[teacher_classes] = teacher.transitions[teacher_classes]
    loss, d_in_use = objective.imitate(
        Scores(scores.emissions[:, tags], scores.transitions[classes], scores.lengths),
        Scores(target.emissions[:, tags], target.transitions[classes], scores.lengths),
    )
    zeros = np.zeros_like(scores.emissions), np.zeros(scores.transitions.shape)
    d_scores = Scores(*zeros, scores.lengths)
    d_scores.emissions[:, tags] = d_in_use.emissions
    d_scores.transitions[classes] = d_in_use.transitions
    return loss, d_scores


def _in_use(seen: NDArray[np.bool_]) -> tuple[NDArray[np.int64], tuple[NDArray[np.int64], ...]]:
    """The columns of the tags of seen labels, and the index of the transitions between them."""
    classes = np.flatnonzero(np.append(True, seen))
    return np.flatnonzero(legal_tags(seen)), np.ix_(classes, classes)
