"""Transition scores (Collobert et al. 2011, section 3.3.2), from label to label.

T[p, q] is the score of entering class q at a token right after class p has ended. Class 0 is a
token outside of entities, class 1 + x an entity of label x: `B-X` and `U-X` enter it, `L-X` and
`U-X` end it, and steps inside an entity have no score. A document begins as after a token outside.
T is added in the objective, so ∂J/∂T comes from there.
"""

from collections.abc import Callable

import numpy as np
from thinc.api import Model
from thinc.types import Ragged

from ...sequences.batching import Scores
from .to_numpy import NUMPY_OPS

InT = Ragged


OutT = Scores


def Transitions(learned: bool, n_labels: int | None = None) -> Model[InT, OutT]:
    """Build the last node of the network.

    learned (bool): Whether transition scores are learned; otherwise they are zero.
    n_labels (Optional[int]): The number of labels; set it before initialization if None.
    RETURNS (Model): Ragged emissions (n_tokens, n_tags) → Scores, with the parameter
        T (n_labels + 1, n_labels + 1) if learned.
    """
    return Model(
        "transitions",
        forward,
        init=init,
        dims={"n_labels": n_labels},
        params={"T": None} if learned else {},
        attrs={"learned": learned},
        ops=NUMPY_OPS,
    )


def forward(
    model: Model[InT, OutT], emissions: Ragged, is_train: bool
) -> tuple[Scores, Callable[[Scores], Ragged]]:
    """Combine the emissions with the transition scores.

    emissions (Ragged): Data (n_tokens, n_tags), lengths (n_docs,).
    RETURNS: Scores, and the callback from their gradient to that of the emissions.
    """
    classes = model.get_dim("n_labels") + 1
    learned = model.attrs["learned"]
    T = model.get_param("T") if learned else np.zeros((classes, classes), dtype="f")

    def backprop(d_scores: Scores) -> Ragged:
        if learned:
            model.inc_grad("T", d_scores.transitions.astype(T.dtype))
        return Ragged(d_scores.emissions, d_scores.lengths)

    return Scores(emissions.data, T, emissions.lengths), backprop


def init(model: Model[InT, OutT], X: Ragged | None = None, Y: Scores | None = None) -> None:
    """Set the scores to zero."""
    if model.attrs["learned"]:
        classes = model.get_dim("n_labels") + 1
        model.set_param("T", np.zeros((classes, classes), dtype="f"))


def resize_transitions(model: Model[InT, OutT], n_labels: int) -> Model[InT, OutT]:
    """Make a layer with more labels: the old ones, then new ones with scores of zero.

    It is a new layer, because an optimizer keeps state of the shape of each layer's parameters.

    model (Model): The layer, initialized or not.
    n_labels (int): The number of labels, not below the old one.
    RETURNS (Model): The larger layer.
    """
    larger = Transitions(model.attrs["learned"], n_labels)
    if model.attrs["learned"] and model.has_param("T"):
        T = model.get_param("T")
        larger.set_param("T", np.pad(T, (0, n_labels + 1 - len(T))))
    return larger
