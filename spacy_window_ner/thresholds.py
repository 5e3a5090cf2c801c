"""The probability above which spans are entities: one for all labels, or one for each.

Spans are ranked by probability, and the cut with the best F1 on development data is a better choice
than the best tag sequence, which misses most entities where names are hard to recognize. A label
whose names are harder than those of others has its best cut elsewhere.
"""

import re
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

Threshold = float | dict[str, float] | None

# The best threshold is half of the best F1 (Lipton et al. 2014), and no system in use has 0.1.
LOWEST, HIGHEST = 0.05, 0.99
# Of labels that a dict does not have.
DEFAULT = 0.5
# With fewer entities in the development data, a cut of a label's own is no better on other data.
ENOUGH = 50
# Labels become names of settings in a config, where some characters have a meaning.
_NAME = re.compile(r"[^\s=:.#;\[\]$](?:[^\n=:.\[\]$]*[^\s=:.\[\]$])?")
# Cuts are changed label by label until none gets better, which takes two or three rounds.
_ROUNDS = 10


def checked(threshold: Any, labels: Sequence[str]) -> Threshold:
    """Check a threshold.

    threshold (Any): A number, or numbers by label, or None.
    labels (Sequence[str]): The labels of the component; empty while they are not known.
    RETURNS (Optional[Union[float, Dict[str, float]]]): The same, as it is saved.
    RAISES (ValueError): If it is anything else, or has a label that the component does not have.
    """
    if threshold is None:
        return None
    if not isinstance(threshold, Mapping):
        return probability("threshold", threshold, ", or null")
    unknown = [label for label in threshold if labels and label not in labels]
    if unknown:
        raise ValueError(
            f"threshold has {', '.join(map(repr, unknown))}, but the labels are "
            f"{', '.join(labels)}."
        )
    unfit = [label for label in threshold if not is_setting(label)]
    if unfit:
        raise ValueError(
            f"threshold cannot have {', '.join(map(repr, unfit))}: a label with one of the "
            f"characters =:.[]#;$ is no name of a setting in a config. Use one number for all "
            f"labels."
        )
    return {
        label: probability("threshold", value, ", or null") for label, value in threshold.items()
    }


def is_setting(label: Any) -> bool:
    """RETURNS (bool): Whether a label can be the name of a setting in a config."""
    return isinstance(label, str) and _NAME.fullmatch(label) is not None


def probability(name: str, value: Any, or_else: str = "") -> float:
    """Check a setting that is a probability.

    name (str): Its name, for the message.
    value (Any): Its value.
    or_else (str): What else it could be, for the message.
    RETURNS (float): The value, as it is saved.
    RAISES (ValueError): If it is not a number from 0 to 1.
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not (is_number and 0 <= float(value) <= 1):
        raise ValueError(f"{name} is a probability from 0 to 1{or_else}; got {value!r}.")
    # What srsly writes for 0.3 is read as 0.30000000000000004.
    return round(float(value), 12)


def by_label(threshold: Threshold, labels: Sequence[str]) -> NDArray[np.float64] | None:
    """The threshold of each label: (n_labels,); None for the best tag sequence.

    threshold (Optional[Union[float, Dict[str, float]]]): The threshold.
    labels (Sequence[str]): The labels.
    """
    if threshold is None:
        return None
    if isinstance(threshold, dict):
        return np.asarray([threshold.get(label, DEFAULT) for label in labels], dtype=np.float64)
    return np.full(len(labels), threshold, dtype=np.float64)


def best_cut(
    probabilities: NDArray[np.float64],
    correct: NDArray[np.bool_],
    n_gold: int,
    *,
    n_others: int = 0,
    n_correct_others: int = 0,
) -> float | None:
    """Find the threshold with the best F1.

    probabilities (ndarray): Shape (n_spans,), probabilities of predicted spans.
    correct (ndarray): Shape (n_spans,) bool, which of them are entities.
    n_gold (int): The number of entities.
    n_others (int): How many entities are predicted besides, whatever the threshold.
    n_correct_others (int): How many of those are correct.
    RETURNS (Optional[float]): The threshold, halfway between the last probability above it and the
        first below it; None if there is no span.
    """
    if len(probabilities) == 0:
        return None
    order = np.argsort(-probabilities, kind="stable")
    # The first cut is above all spans, the last one below.
    ranked = np.concatenate([[1.0], probabilities[order], [LOWEST]])
    n_predicted = n_others + np.arange(1 + len(order))
    n_correct = n_correct_others + np.append(0, np.cumsum(correct[order]))
    f_scores = 2 * n_correct / np.maximum(n_predicted + n_gold, 1)
    f_scores[ranked[:-1] == ranked[1:]] = -1  # equal probabilities cannot be cut apart
    best = int(np.argmax(f_scores))
    threshold = float((ranked[best] + ranked[best + 1]) / 2)
    return round(min(max(threshold, LOWEST), HIGHEST), 4)


def best_cuts(
    probabilities: NDArray[np.float64],
    correct: NDArray[np.bool_],
    labels: NDArray[np.integer],
    n_gold: Sequence[int],
) -> list[float]:
    """Find the threshold of each label: those that are together the best for F1 of all labels.

    probabilities (ndarray): Shape (n_spans,), probabilities of predicted spans.
    correct (ndarray): Shape (n_spans,) bool, which of them are entities.
    labels (ndarray): Shape (n_spans,), the number of the label of each.
    n_gold (Sequence[int]): The number of entities of each label.
    RETURNS (List[float]): The threshold of each label. Labels with less than `ENOUGH` entities have
        that of the best cut through all.
    """
    total = sum(n_gold)
    common = best_cut(probabilities, correct, total)
    cuts = np.full(len(n_gold), DEFAULT if common is None else common)
    chosen = [label for label in np.unique(labels).tolist() if n_gold[label] >= ENOUGH]
    for _ in range(_ROUNDS):
        before = cuts.copy()
        for label in chosen:
            own = labels == label
            others = ~own & (probabilities > cuts[labels])
            cuts[label] = best_cut(
                probabilities[own],
                correct[own],
                total,
                n_others=int(others.sum()),
                n_correct_others=int(correct[others].sum()),
            )
        if (cuts == before).all():
            break
    return cuts.tolist()
