"""Calibration: make probabilities agree with the share of correct predictions on held-out text.

A network that has memorized its training data is overconfident on other text. Its scores are
corrected by a temperature τ (Guo et al. 2017, "On calibration of modern neural networks") and by a
bias c_x for each label x, added to the tags that begin an entity with this label:

    S′ = S / τ + c,  T′ = T / τ

Both are fitted by maximum likelihood: they minimize the loss that the network was trained with, on
development data. With β = 1 / τ and the gradient ∂J/∂S′ that the objective computes,

    ∂J/∂β = Σ ∂J/∂S′ ∘ S + Σ ∂J/∂T′ ∘ T,  ∂J/∂c_x = Σ ∂J/∂S′ over the tokens and the tags B-x, U-x

A normal prior on log β and c keeps labels unchanged that do not occur in the data. The result is an
ordinary network: τ and c are folded into its last layer and its transition scores, so they do not
slow down prediction, and probabilities are still computed exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model

from ..objectives import Objective
from ..sequences.batching import Mask, Scores
from ..sequences.tags import BEGIN, TAGS_PER_LABEL, UNIT, n_labels

Float64s = NDArray[np.float64]
Function = Callable[[Float64s], tuple[float, Float64s]]
NO_SPANS = np.zeros((0, 3), dtype=np.int64)
# The search ends if a step would decrease the loss by less, in nats, or after this number of steps.
# The parameters are then within a tenth of a standard error.
_SMALL, _STEPS = 5e-3, 50
# The share of the decrease predicted by the gradient that a step must achieve (Armijo's rule).
_SHARE = 1e-4
# The search starts with one of this number of documents, if they have at least this many tokens.
_FEW, _ENOUGH = 8, 2000
# Above this temperature, next to nothing is left of the scores, and the rest of the search is
# omitted: an untrained network takes it, on a plain with many steps.
_HOT = 5.0


@dataclass(frozen=True)
class Calibration:
    """A correction of scores.

    temperature (float): τ, above 0; 1 changes nothing. Above 1, the network was overconfident.
    bias (ndarray): c, shape (n_labels,); below 0, it predicted too many entities of the label.
    """

    temperature: float
    bias: Float64s

    def apply(self, scores: Scores) -> Scores:
        """Correct scores.

        scores (Scores): Emissions (n_tokens, n_tags), transitions and lengths (n_docs,).
        RETURNS (Scores): The corrected scores, of the same type.
        """
        emissions = scores.emissions / self.temperature + self.tag_bias
        return Scores(
            emissions.astype(scores.emissions.dtype),
            (scores.transitions / self.temperature).astype(scores.transitions.dtype),
            scores.lengths,
        )

    @property
    def tag_bias(self) -> Float64s:
        """RETURNS (ndarray): c of each tag, shape (n_tags,)."""
        by_position = np.zeros((len(self.bias), TAGS_PER_LABEL))
        by_position[:, [BEGIN, UNIT]] = self.bias[:, None]
        return np.append(0.0, by_position)

    def fold(self, model: Model) -> None:
        """Change a network so that it computes the corrected scores.

        model (Model): A network of `window_classifier`, initialized.
        """
        last, transitions = model.get_ref("scores"), model.get_ref("transitions")
        W, b = last.get_param("W"), last.get_param("b")
        last.set_param("W", (W / self.temperature).astype(W.dtype))
        last.set_param("b", (b / self.temperature + self.tag_bias).astype(b.dtype))
        if transitions.has_param("T"):
            T = transitions.get_param("T")
            transitions.set_param("T", (T / self.temperature).astype(T.dtype))


def fit(scores: Scores, allowed: Mask, legal: Mask, objective: Objective) -> Calibration:
    """Find the maximum likelihood correction of scores.

    scores (Scores): The network's scores of development data: emissions (n_tokens, n_tags),
        transitions (n_labels + 1, n_labels + 1) and lengths (n_docs,).
    allowed (ndarray): Shape (n_tokens, n_tags) bool, the tags that the annotation allows.
    legal (ndarray): Shape (n_tags,) bool, the tags in use.
    objective (Objective): The objective that the network was trained with.
    RETURNS (Calibration): The correction.
    RAISES (ValueError): If scores are not finite.
    """
    x, H = np.zeros(1 + n_labels(scores.emissions.shape[1])), None
    T = scores.transitions.astype(np.float64)
    scores = Scores(scores.emissions.astype(np.float64), T, scores.lengths)
    # The optimum of some documents is close to that of all: most steps need only these.
    few = np.arange(len(scores.lengths)) % _FEW == 0
    n_few = int(scores.lengths[few].sum())
    if n_few >= _ENOUGH:
        tokens = np.repeat(few, scores.lengths)
        some = Scores(scores.emissions[tokens], scores.transitions, scores.lengths[few])
        x, H = minimize(_loss_of(some, allowed[tokens], legal, objective), x)
        H = H * (n_few / len(allowed))
        if _calibration(x).temperature > _HOT:
            return _calibration(x)
    x, _ = minimize(_loss_of(scores, allowed, legal, objective), x, H)
    return _calibration(x)


def _loss_of(scores: Scores, allowed: Mask, legal: Mask, objective: Objective) -> Function:
    def loss(x: Float64s) -> tuple[float, Float64s]:
        try:
            with np.errstate(all="ignore"):  # scores that are not finite raise an error
                return calibration_loss(x, scores, allowed, legal, objective)
        except ValueError:
            if not x.any():
                raise
            # A step too far: scores are further apart than floats can hold.
            return np.inf, np.zeros_like(x)

    return loss


def _calibration(x: Float64s) -> Calibration:
    return Calibration(float(np.exp(-x[0])), x[1:])


def calibration_loss(
    x: Float64s, scores: Scores, allowed: Mask, legal: Mask, objective: Objective
) -> tuple[float, Float64s]:
    """Compute the loss of a correction and its gradient; see `fit` for the other arguments.

    x (ndarray): Shape (1 + n_labels,), log β and c.
    RETURNS (Tuple[float, ndarray]): The loss in nats, including the prior, and its gradient
        (1 + n_labels,).
    """
    correction = _calibration(x)
    E, T = (x.astype(np.float64, copy=False) for x in (scores.emissions, scores.transitions))
    corrected = correction.apply(Scores(E, T, scores.lengths))
    loss, d_scores = objective.loss(corrected, allowed, legal, NO_SPANS)
    d_beta = (d_scores.emissions * E).sum() + (d_scores.transitions * T).sum()
    of_label = d_scores.emissions.sum(axis=0)[1:].reshape(-1, TAGS_PER_LABEL)
    d_x = np.append(d_beta / correction.temperature, of_label[:, [BEGIN, UNIT]].sum(axis=1))
    return loss + 0.5 * float(x @ x), d_x + x


def minimize(f: Function, x: Float64s, H: Float64s | None = None) -> tuple[Float64s, Float64s]:
    """Find the minimum of a smooth function of few variables by the method of Broyden, Fletcher,
    Goldfarb and Shanno (Nocedal and Wright 2006, "Numerical optimization", algorithm 6.1).

    f (Callable): From (n,) to a value and its gradient (n,).
    x (ndarray): Shape (n,), where to begin.
    H (Optional[ndarray]): Shape (n, n), an estimate of the inverse of the second derivative.
    RETURNS (Tuple[ndarray, ndarray]): Where the minimum is (n,), and the estimate there (n, n).
    """
    value, gradient = f(x)
    if H is None:
        H = np.eye(len(x)) / max(float(np.abs(gradient).max()), 1.0)
    for _ in range(_STEPS):
        direction = -H @ gradient
        slope, rate = float(gradient @ direction), 1.0
        if -slope / 2 < _SMALL:
            break
        while (found := f(x + rate * direction))[0] > value + _SHARE * rate * slope:
            rate /= 2
            if rate < 1e-6:  # rounding decides
                return x, H
        step, change = rate * direction, found[1] - gradient
        x, (value, gradient) = x + step, found
        curvature = float(step @ change)
        if curvature > 1e-12:
            left = np.eye(len(x)) - np.outer(step, change) / curvature
            H = left @ H @ left.T + np.outer(step, step) / curvature
    return x, H
