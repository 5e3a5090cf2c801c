"""The score of one tag sequence for each document, where the annotation leaves nothing open."""

import numpy as np
from numpy.typing import NDArray

from .batching import Floats, Ints, Scores, first_tokens
from .tags import BEGIN, LAST, OUTSIDE, TAGS_PER_LABEL, UNIT


def path_sums(scores: Scores, tags: Ints) -> tuple[NDArray[np.float64], Floats] | None:
    """Add up the scores of a tag sequence, and count its transitions.

    scores (Scores): The scores of a batch of documents.
    tags (ndarray): Shape (n_tokens,), a tag column for each token.
    RETURNS (Optional[Tuple[ndarray, ndarray]]): The score of each document's sequence (n_docs,),
        and how often each transition is taken, over the whole batch (n_labels + 1, n_labels + 1);
        None if a sequence is not legal.
    """
    label, position = np.divmod(tags - 1, TAGS_PER_LABEL)
    classes = np.where(tags == OUTSIDE, 0, 1 + label)
    enters = (tags == OUTSIDE) | (position == BEGIN) | (position == UNIT)
    leaves = (tags == OUTSIDE) | (position == LAST) | (position == UNIT)
    transitions, lengths = scores.transitions, scores.lengths
    first = first_tokens(lengths)
    before, left = np.append(0, classes[:-1]), np.append(True, leaves[:-1])
    ends = left[first].all() and leaves[-1:].all()
    before[first], left[first] = 0, True
    if not (ends and (left == enters).all() and (enters | (before == classes)).all()):
        return None
    taken = before[enters] * len(transitions) + classes[enters]
    n_taken = np.bincount(taken, minlength=transitions.size).reshape(transitions.shape)
    of_tokens = scores.emissions[np.arange(len(tags)), tags].astype(np.float64)
    of_tokens[enters] += transitions.ravel()[taken]
    document = np.repeat(np.arange(len(lengths)), lengths)
    log_z = np.bincount(document, of_tokens, minlength=len(lengths))
    return log_z.astype(np.float64), n_taken.astype(np.float64)
