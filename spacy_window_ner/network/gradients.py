"""Compare hand-derived gradients with central differences in float64.

    ∂J/∂θ_i ≈ (J(θ + ε e_i) − J(θ − ε e_i)) / 2ε

An error is given relative to the larger of the two gradients, or to a hundredth of the largest
gradient in the same array if that is larger, since smaller gradients are dominated by rounding. The
smallest error of four step sizes counts, so that a kink close to a value, as of relu, is not an
error.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model
from thinc.types import Ragged

from ..objectives import Objective
from ..sequences.batching import Scores
from .layers.hidden import Sums
from .layers.rows import Term
from .layers.token_vectors import Batch
from .layers.window_affine import Windows

STEP_SIZES = (1e-4, 1e-5, 1e-6, 1e-7)
FLOOR = 0.01
CLEAR = 1e-7

Loss = Callable[[Any], tuple[float, Any]]
Random = np.random.RandomState


@dataclass(frozen=True)
class GradientError:
    """How far an analytic gradient is from the numeric one.

    node (str): The name of the node of the network.
    array (str): The parameter's name, or `input`.
    shape (Tuple[int, ...]): The shape of the array.
    error (float): The largest relative error of its checked entries.
    """

    node: str
    array: str
    shape: tuple[int, ...]
    error: float


def check_gradients(
    model: Model, X: Any, *, loss: Loss | None = None, max_entries: int = 200, seed: int = 0
) -> list[GradientError]:
    """Check the gradients of a layer or of a whole network, with dropout off.

    model (Model): An initialized layer or network. A copy of it is checked, in float64.
    X (Any): Its input. The gradient of arrays, lists of arrays and Raggeds is checked too.
    loss (Optional[Callable]): From the output to the loss J and ∂J/∂output. If None, J is the
        sum of the output's entries weighted at random.
    max_entries (int): How many entries of each array to check, drawn at random.
    seed (int): Seed of the draw.
    RETURNS (List[GradientError]): One for each parameter, and for each array of the input.
    RAISES (ValueError): If the network returns no gradient for its input.
    """
    rng = np.random.RandomState(seed)
    model = copy_without_dropout(model)
    X = _to_float64(X)
    params = [(node, name) for node in model.walk() for name in node.param_names]
    for node, name in params:
        node.set_param(name, _to_float64(node.get_param(name)))
        node.set_grad(name, np.zeros_like(node.get_param(name)))
    Y, backprop = model(X, is_train=True)
    loss = loss or _weighted_sum(Y, rng)
    inputs, d_inputs = _arrays(X), _arrays(backprop(loss(Y)[1]))
    if len(d_inputs) < len(inputs):
        raise ValueError(
            f"{model.name} does not return a gradient for its input: its backprop returns "
            f"{len(d_inputs)} arrays, expected {len(inputs)}."
        )
    pairs = [(node.name, name, node.get_param(name), node.get_grad(name)) for node, name in params]
    pairs += [(model.name, "input", x, d_x) for x, d_x in zip(inputs, d_inputs, strict=False)]

    def value() -> float:
        return loss(model(X, is_train=True)[0])[0]

    return [
        GradientError(node, array, x.shape, _largest_error(x, d_x, value, max_entries, rng))
        for node, array, x, d_x in pairs
    ]


def check_objective(
    objective: Objective,
    scores: Scores,
    allowed: NDArray[np.bool_],
    legal: NDArray[np.bool_] | None = None,
    incorrect: NDArray[np.integer] | None = None,
    *,
    max_entries: int = 200,
    seed: int = 0,
) -> list[GradientError]:
    """Check the gradients of an objective.

    objective (Objective): The objective.
    scores (Scores): Emissions (n_tokens, n_tags), transitions and lengths (n_docs,).
    allowed (ndarray): Shape (n_tokens, n_tags) bool, the tags that the annotation allows.
    legal (Optional[ndarray]): Shape (n_tags,) bool, the tags in use; None for all.
    incorrect (Optional[ndarray]): Shape (n_spans, 3), spans that are not entities; None for none.
    max_entries (int): How many entries of each array to check.
    seed (int): Seed of the draw.
    RETURNS (List[GradientError]): For emissions and, where the objective has them, transitions.
    """
    legal = np.ones(allowed.shape[1], dtype=bool) if legal is None else legal
    incorrect = np.zeros((0, 3), dtype=np.int64) if incorrect is None else incorrect
    identity = Model(objective.name, lambda model, X, is_train: (X, lambda d_X: d_X))
    errors = check_gradients(
        identity,
        scores,
        loss=lambda scores: objective.loss(scores, allowed, legal, incorrect),
        max_entries=max_entries,
        seed=seed,
    )
    arrays = ["emissions", *(["transitions"] if objective.learns_transitions else [])]
    return [replace(error, array=array) for error, array in zip(errors, arrays, strict=False)]


def _largest_error(
    x: NDArray, d_x: NDArray, value: Callable[[], float], max_entries: int, rng: Random
) -> float:
    """The largest relative error of d_x, the analytic ∂J/∂x; x is changed and put back."""
    entries = _draw(d_x, max_entries, rng)
    analytic, floor = d_x.reshape(-1)[entries], FLOOR * np.abs(d_x).max(initial=0)
    smallest = np.full(len(entries), np.inf)
    for step in STEP_SIZES:
        differences = [_central_difference(x.reshape(-1), i, value, step) for i in entries]
        numeric = np.asarray(differences, dtype=np.float64)
        scale = np.maximum(np.maximum(np.abs(numeric), np.abs(analytic)), floor)
        with np.errstate(invalid="ignore"):
            error = np.abs(numeric - analytic) / np.where(scale > 0, scale, 1)
        smallest = np.fmin(smallest, error)  # ignores NaN
        if smallest.max(initial=0) < CLEAR:
            break  # a smaller step would only cost time
    return float(smallest.max(initial=0))


def _central_difference(x: NDArray, i: int, value: Callable[[], float], step: float) -> float:
    before = x[i]
    x[i] = before + step
    above = value()
    x[i] = before - step
    below = value()
    x[i] = before
    return (above - below) / (2 * step)


def _draw(d_x: NDArray, max_entries: int, rng: Random) -> NDArray[np.integer]:
    """Positions of entries to check: mostly with a gradient, and at least a tenth without."""
    has_gradient = d_x.reshape(-1) != 0
    drawn = rng.permutation(np.flatnonzero(has_gradient))
    others = rng.permutation(np.flatnonzero(~has_gradient))
    n_others = min(len(others), max(max_entries // 10, max_entries - len(drawn)))
    return np.concatenate([drawn[: max_entries - n_others], others[:n_others]])


def _weighted_sum(Y: Any, rng: Random) -> Loss:
    """A loss J = Σ R ∘ Y with random weights R, whose gradient is R."""
    weights = _map_arrays(lambda y: rng.normal(size=y.shape), Y)

    def loss(Y: Any) -> tuple[float, Any]:
        pairs = zip(_arrays(weights), _arrays(Y), strict=True)
        total = sum(float((R * y).sum()) for R, y in pairs)
        # The gradient of windows is that of their vectors alone.
        W = weights.windows if isinstance(weights, Batch) else weights
        return total, W.vectors if isinstance(W, Windows) else W

    return loss


def _map_arrays(function: Callable[[NDArray], Any], X: Any) -> Any:
    """Replace the arrays with a gradient in an input or output; Docs, lexemes and ids have none."""
    if isinstance(X, Scores):
        return Scores(function(X.emissions), function(X.transitions), X.lengths)
    if isinstance(X, Ragged):
        return Ragged(function(X.data), X.lengths)
    if isinstance(X, Windows):
        return replace(X, vectors=function(X.vectors))
    if isinstance(X, Batch) and X.windows is not None:
        return replace(X, windows=_map_arrays(function, X.windows))
    if isinstance(X, Sums):
        return function(X.at(slice(0, len(X.batch.tokens.keys))))
    if isinstance(X, Term):
        return function(X.dense())
    if isinstance(X, (list, tuple)):
        return [_map_arrays(function, part) for part in X]
    return function(X) if isinstance(X, np.ndarray) and X.dtype.kind == "f" else X


def _arrays(X: Any) -> list[NDArray]:
    """The arrays with a gradient in an input or output."""
    arrays: list[NDArray] = []

    def collect(x: NDArray) -> NDArray:
        arrays.append(x)
        return x

    _map_arrays(collect, X)
    return arrays


def _to_float64(X: Any) -> Any:
    return _map_arrays(lambda x: np.array(x, dtype=np.float64), X)


def copy_without_dropout(model: Model) -> Model:
    """Copy a network, and turn dropout off in the copy.

    model (Model): The network.
    RETURNS (Model): The copy.
    """
    copied = model.copy()
    for node in copied.walk():
        if "dropout_rate" in node.attrs:
            node.attrs["dropout_rate"] = 0.0
    return copied
