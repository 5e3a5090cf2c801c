"""Rehearsal: match the predictions of a teacher, an earlier copy of the network.

The divergence of the objective (`imitate`) is over the labels that the network has seen. Tags of
labels that the teacher has not seen get a score so low that their probability is zero: a new label
cannot replace an old one in rehearsed text.
"""

import numpy as np
from numpy.typing import NDArray

from ..sequences.batching import Scores
from ..sequences.tags import TAGS_PER_LABEL, legal_tags
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
    n_new = len(seen) - len(teacher_seen)
    teacher = Scores(
        np.pad(teacher.emissions, ((0, 0), (0, TAGS_PER_LABEL * n_new))),
        np.pad(teacher.transitions, (0, n_new)),
        teacher.lengths,
    )
    teacher_seen = np.pad(teacher_seen, (0, n_new))
    return objective.imitate(_without_unseen(scores, seen), _without_unseen(teacher, teacher_seen))


def _without_unseen(scores: Scores, seen: NDArray[np.bool_]) -> Scores:
    """Make the tags of unseen labels impossible. Their transitions then have no effect."""
    emissions = np.where(legal_tags(seen), scores.emissions, _IMPOSSIBLE)
    classes = np.append(True, seen)
    transitions = np.where(np.outer(classes, classes), scores.transitions, 0)
    return Scores(emissions, transitions, scores.lengths)
