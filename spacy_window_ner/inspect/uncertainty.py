"""The uncertainty of a network about a text: the entropy of its tag sequences, in nats.

    H = −Σ_y p(y) log p(y) = log Z − E[score]

over all legal tag sequences y. The expected score is computed from the marginals of emissions and
transitions. The entropy includes uncertainty about names that were not predicted but may have been
missed.
"""

import numpy as np
from numpy.typing import NDArray

from ..objectives import Objective
from ..sequences.batching import Mask, Scores
from ..sequences.chunked import sequence_sums


def entropies(
    scores: Scores, objective: Objective, allowed: Mask | None = None
) -> NDArray[np.float64]:
    """Compute the entropy of each document.

    scores (Scores): The scores of a batch: emissions (n_tokens, n_tags), transitions and lengths
        (n_docs,).
    objective (Objective): The objective. With `softmax` the entropies of the tokens add up, with
        `logistic` those of all classifiers.
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
    RETURNS (ndarray): Shape (n_docs,), 0 for a document without tokens.
    """
    if objective.token_entropies is None:
        return _of_sequences(scores, allowed)
    of_tokens = objective.token_entropies(objective.tag_probabilities(scores, allowed))
    document = np.repeat(np.arange(len(scores.lengths)), scores.lengths)
    found: NDArray[np.float64] = np.zeros(len(scores.lengths))
    np.add.at(found, document, of_tokens)
    return found


def _of_sequences(scores: Scores, allowed: Mask | None) -> NDArray[np.float64]:
    """The entropies of `crf`. Transitions are only summed over a batch, hence one at a time."""
    found = np.zeros(len(scores.lengths))
    ends = np.cumsum(scores.lengths).tolist()
    transitions = scores.transitions.astype(np.float64)
    for i, (end, length) in enumerate(zip(ends, scores.lengths.tolist(), strict=True)):
        of = slice(end - length, end)
        emissions, mask = scores.emissions[of], None if allowed is None else allowed[of]
        sums = sequence_sums(Scores(emissions, transitions, scores.lengths[i : i + 1]), mask)
        expected = (sums.marginals * emissions).sum()
        expected += (sums.expected_transitions * transitions).sum()
        # Rounding may leave a little less than nothing.
        found[i] = max(sums.log_z[0] - expected, 0.0)
    return found
