"""The training objectives by name.

An objective is a module with `LEARNS_TRANSITIONS`, `loss`, `imitate` and `tag_probabilities`. Where
tokens are independent of each other, it has `tag_log_odds` and `token_entropies` too.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..sequences.batching import Mask, Scores
from . import crf, logistic, softmax

Spans = NDArray[np.integer]
Float64s = NDArray[np.float64]
TagLogOdds = Callable[
    [Float64s, Mask, NDArray[np.integer]], tuple[Float64s, Float64s, Float64s, Float64s]
]


@dataclass(frozen=True)
class Objective:
    """The interface of an objective.

    Scores have emissions (n_tokens, n_tags), transitions (n_labels + 1, n_labels + 1), which only
    `crf` uses, and lengths (n_docs,). Spans are rows (start, end, label number) of an array
    (n_spans, 3), tokens counted through the batch, end exclusive.

    name (str): Its name in the config.
    learns_transitions (bool): Whether the network gets transition scores. If not, tokens are
        independent of each other.
    loss (Callable): From scores, the tags that the annotation allows (n_tokens, n_tags) bool, the
        tags in use (n_tags,) bool, and spans that are known to be incorrect, to the loss in nats
        and its gradient.
    imitate (Callable): From scores and a teacher's scores of the same documents and shapes to the
        divergence KL(teacher ‖ network) in nats and its gradient.
    tag_probabilities (Callable): From scores and the allowed tags (n_tokens, n_tags) bool or None
        for all, to the probability of each tag at each token (n_tokens, n_tags).
    tag_log_odds (Optional[Callable]): From emissions (n, n_tags) float64, the allowed tags
        (n, n_tags) bool, and one tag for each token (n,), to log p and log(1 − p) of this tag (n,)
        and their gradients (n, n_tags), exact for every p. None if tokens are not independent.
    token_entropies (Optional[Callable]): From the probability of each tag (n_tokens, n_tags) to the
        entropy of each token in nats (n_tokens,). None if tokens are not independent.
    """

    name: str
    learns_transitions: bool
    loss: Callable[[Scores, Mask, Mask, Spans], tuple[float, Scores]]
    imitate: Callable[[Scores, Scores], tuple[float, Scores]]
    tag_probabilities: Callable[[Scores, Mask | None], NDArray[np.floating]]
    tag_log_odds: TagLogOdds | None = None
    token_entropies: Callable[[NDArray[np.floating]], Float64s] | None = None


OBJECTIVES = {
    name: Objective(
        name,
        module.LEARNS_TRANSITIONS,
        module.loss,
        module.imitate,
        module.tag_probabilities,
        getattr(module, "tag_log_odds", None),
        getattr(module, "token_entropies", None),
    )
    for name, module in (("crf", crf), ("softmax", softmax), ("logistic", logistic))
}


def get_objective(name: str) -> Objective:
    """Find an objective.

    name (str): `crf`, `softmax` or `logistic`.
    RETURNS (Objective): The objective.
    RAISES (ValueError): If the name is unknown.
    """
    if name not in OBJECTIVES:
        raise ValueError(f"Unknown objective {name!r}. Use one of {', '.join(OBJECTIVES)}.")
    return OBJECTIVES[name]
