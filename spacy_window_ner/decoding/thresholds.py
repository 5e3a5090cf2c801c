"""The probability above which spans are entities: one for all labels, or one for each.

Spans are ranked by probability, and the cut with the best F1 on development data is a better choice
than the best tag sequence, which misses most entities where names are hard to recognize. One cut
serves all labels: their probabilities are calibrated by label.
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
# Labels become names of settings in a config, where some characters have a meaning.
_NAME = re.compile(r"[^\s=:.#;\[\]$](?:[^\n=:.\[\]$]*[^\s=:.\[\]$])?")


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
            f"threshold has unknown labels {', '.join(map(repr, unknown))}. The labels are: "
            f"{', '.join(labels)}."
        )
    unfit = [label for label in threshold if not is_setting(label)]
    if unfit:
        raise ValueError(
            f"threshold cannot have {', '.join(map(repr, unfit))}: a config cannot have settings "
            f"whose name contains one of the characters =:.[]#;$. Use one number for all "
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
        raise ValueError(f"{name} must be a probability from 0 to 1{or_else}, got {value!r}.")
    # What srsly writes for 0.3 is read as 0.30000000000000004.
    return round(float(value), 12)


def best_cut(
    probabilities: NDArray[np.float64], correct: NDArray[np.bool_], n_gold: int
) -> float | None:
    """Find the threshold with the best F1.

    probabilities (ndarray): Shape (n_spans,), probabilities of predicted spans.
    correct (ndarray): Shape (n_spans,) bool, which of them are entities.
    n_gold (int): The number of entities.
    RETURNS (Optional[float]): The threshold, halfway between the last probability above it and the
        first below it; None if there is no span.
    """
    if len(probabilities) == 0:
        return None
    order = np.argsort(-probabilities, kind="stable")
    # The first cut is above all spans, the last one below.
    ranked = np.concatenate([[1.0], probabilities[order], [LOWEST]])
    n_correct = np.append(0, np.cumsum(correct[order]))
    f_scores = 2 * n_correct / np.maximum(np.arange(len(n_correct)) + n_gold, 1)
    f_scores[ranked[:-1] == ranked[1:]] = -1  # equal probabilities cannot be cut apart
    best = int(np.argmax(f_scores))
    threshold = float((ranked[best] + ranked[best + 1]) / 2)
    return round(min(max(threshold, LOWEST), HIGHEST), 4)
