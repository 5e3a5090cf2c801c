"""The training objectives by name.

An objective is a module with `LEARNS_TRANSITIONS`, `loss`, `imitate` and `span_probabilities`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import crf, logistic, softmax


@dataclass(frozen=True)
class Objective:
    """What the component needs of an objective.

    name (str): Its name in the config.
    learns_transitions (bool): Whether the network gets transition scores.
    loss (Callable): See `crf.loss`; all objectives take and return the same.
    imitate (Callable): See `crf.imitate`.
    span_probabilities (Callable): See `crf.span_probabilities`.
    """

    name: str
    learns_transitions: bool
    loss: Callable[..., Any]
    imitate: Callable[..., Any]
    span_probabilities: Callable[..., Any]


OBJECTIVES = {
    name: Objective(
        name, module.LEARNS_TRANSITIONS, module.loss, module.imitate, module.span_probabilities
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
