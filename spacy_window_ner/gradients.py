"""Hold hand-derived gradients against central differences in float64.

    ∂J/∂θ_i ≈ (J(θ + ε e_i) − J(θ − ε e_i)) / 2ε

An error is given relative to the larger of the two gradients, or to a hundredth of the largest
gradient in the same array where that is more: below it, rounding decides. The smallest of the
errors of four step sizes counts, so that a kink (of relu, say) just beside a value is no error.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model
from thinc.types import Ragged

from .layers.transitions import Scores
from .layers.window_affine import Windows
from .objectives import Objective

STEP_SIZES = (1e-4, 1e-5, 1e-6, 1e-7)
FLOOR = 0.01
CLEAR = 1e-7

Loss = Callable[[Any], tuple[float, Any]]


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
    model: Model,
    X: Any,
    *,
    loss: Loss | None = None,
    max_entries: int = 200,
    seed: int = 0,
) -> list[GradientError]:
    """Check the gradients of a layer or of a whole network, with dropout off.

    model (Model): An initialized layer or network. Its parameters are made float64 for the check
        and put back.
    X (Any): Its input: an array, a list of arrays or a Ragged, whose gradient is then checked too,
        or anything without a gradient, such as Docs.
    loss (Optional[Callable]): From the output to the loss J and ∂J/∂output. If None, J is the
        sum of the output's entries weighted at random.
    max_entries (int): How many entries of each array to check, drawn at random from those with a
        gradient and some of the others.
    seed (int): Seed of the draw.
    RETURNS (List[GradientError]): One for each parameter, and for the input if it has one.
    """
    rng = np.random.RandomState(seed)
    errors = []
    with _float64(model), no_dropout(model):
        X = _to_float64(X)
        loss = loss or _weighted_sum(model(X, is_train=True)[0], rng)
        for node in model.walk():
            for name in node.param_names:
                node.set_grad(name, np.zeros_like(node.get_param(name)))
        Y, backprop = model(X, is_train=True)
        d_X = backprop(loss(Y)[1])

        def value() -> float:
            return loss(model(X, is_train=True)[0])[0]

        for node in model.walk():
            for name in node.param_names:
                param = node.get_param(name)
                error = _largest_error(param, node.get_grad(name), value, max_entries, rng)
                errors.append(GradientError(node.name, name, param.shape, error))
        inputs, d_inputs = _arrays(X), _arrays(d_X)
        if len(d_inputs) < len(inputs):
            raise ValueError(
                f"{model.name} returns no gradient for its input: its backprop gives "
                f"{len(d_inputs)} arrays for {len(inputs)}."
            )
        for x, d_x in zip(inputs, d_inputs, strict=False):
            error = _largest_error(x, d_x, value, max_entries, rng)
            errors.append(GradientError(model.name, "input", x.shape, error))
    return errors


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
    incorrect (Optional[ndarray]): Shape (n_spans, 3), spans known to be wrong; None for none.
    max_entries (int): How many entries of each array to check.
    seed (int): Seed of the draw.
    RETURNS (List[GradientError]): For emissions and, where the objective has them, transitions.
    """
    rng = np.random.RandomState(seed)
    scores = _to_float64(scores)
    legal = np.ones(allowed.shape[1], dtype=bool) if legal is None else legal
    incorrect = np.zeros((0, 3), dtype=np.int64) if incorrect is None else incorrect

    def value() -> float:
        return objective.loss(scores, allowed, legal, incorrect)[0]

    _, d_scores = objective.loss(scores, allowed, legal, incorrect)
    pairs = [("emissions", scores.emissions, d_scores.emissions)]
    if objective.learns_transitions:
        pairs.append(("transitions", scores.transitions, d_scores.transitions))
    return [
        GradientError(
            objective.name, name, x.shape, _largest_error(x, d_x, value, max_entries, rng)
        )
        for name, x, d_x in pairs
    ]


def _largest_error(
    x: NDArray, d_x: NDArray, value: Callable[[], float], max_entries: int, rng: Any
) -> float:
    """The largest relative error of d_x, the analytic ∂J/∂x; x is changed and put back."""
    entries = _draw(d_x, max_entries, rng)
    if len(entries) == 0:
        return 0.0
    flat, analytic = x.reshape(-1), d_x.reshape(-1)[entries]
    differences = []
    for step in STEP_SIZES:
        numeric = np.empty(len(entries))
        for i, entry in enumerate(entries):
            before = flat[entry]
            flat[entry] = before + step
            above = value()
            flat[entry] = before - step
            numeric[i] = (above - value()) / (2 * step)
            flat[entry] = before
        scale = np.maximum(np.abs(numeric), np.abs(analytic))
        scale = np.maximum(scale, FLOOR * np.abs(d_x).max())
        with np.errstate(invalid="ignore"):
            error = np.abs(numeric - analytic) / np.where(scale > 0, scale, 1)
        differences.append(np.where(np.isfinite(error), error, np.inf))
        largest = float(np.minimum.reduce(differences).max())
        if largest < CLEAR:
            break  # a smaller step would only cost time
    return largest


def _draw(d_x: NDArray, max_entries: int, rng: Any) -> NDArray[np.integer]:
    """Positions of entries to check: mostly such with a gradient, and at least a tenth others."""
    with_gradient = np.flatnonzero(d_x)
    without = np.flatnonzero(d_x.reshape(-1) == 0)
    n_without = min(len(without), max(max_entries // 10, max_entries - len(with_gradient)))
    chosen = rng.permutation(with_gradient)[: max_entries - n_without]
    return np.concatenate([chosen, rng.permutation(without)[:n_without]]).astype(np.int64)


def _weighted_sum(Y: Any, rng: Any) -> Loss:
    """A loss J = Σ R ∘ Y with random weights R, whose gradient is R."""
    weights = [rng.normal(size=y.shape) for y in _arrays(Y)]
    if not weights:
        return lambda Y: (0.0, Y)  # ids or documents: nothing to differentiate

    def loss(Y: Any) -> tuple[float, Any]:
        total = sum(float((R * y).sum()) for R, y in zip(weights, _arrays(Y), strict=True))
        # The gradient of Windows is that of their vectors alone.
        return total, weights[0] if isinstance(Y, Windows) else _with_arrays(Y, weights)

    return loss


def _arrays(X: Any) -> list[NDArray]:
    """The arrays with a gradient in an input or output; none for Docs, lexemes and ids."""
    if isinstance(X, Scores):
        return [X.emissions, X.transitions]
    if isinstance(X, Ragged):
        return [X.data]
    if isinstance(X, Windows):
        return [X.vectors]
    if isinstance(X, (list, tuple)):
        return [x for part in X for x in _arrays(part)]
    return [X] if isinstance(X, np.ndarray) and X.dtype.kind == "f" else []


def _with_arrays(Y: Any, arrays: list[NDArray]) -> Any:
    """A structure like Y with other arrays in it."""
    if isinstance(Y, Scores):
        return Scores(arrays[0], arrays[1], Y.lengths)
    if isinstance(Y, Ragged):
        return Ragged(arrays[0], Y.lengths)
    if isinstance(Y, Windows):
        return replace(Y, vectors=arrays[0])
    return list(arrays) if isinstance(Y, (list, tuple)) else arrays[0]


def _to_float64(X: Any) -> Any:
    arrays = [np.array(x, dtype=np.float64) for x in _arrays(X)]
    return _with_arrays(X, arrays) if arrays else X


@contextmanager
def _float64(model: Model) -> Iterator[None]:
    """Make all parameters float64 inside the block, and put parameters and gradients back after."""
    before = []
    for node in model.walk():
        for name in node.param_names:
            grad = node.get_grad(name) if node.has_grad(name) else None
            before.append((node, name, node.get_param(name), grad))
            node.set_param(name, node.get_param(name).astype(np.float64))
    try:
        yield
    finally:
        for node, name, param, grad in before:
            node.set_param(name, param)
            node.set_grad(name, grad if grad is not None else np.zeros_like(param))


@contextmanager
def no_dropout(model: Model) -> Iterator[None]:
    """Turn dropout off inside the block.

    model (Model): A network.
    """
    nodes = [node for node in model.walk() if "dropout_rate" in node.attrs]
    rates = [node.attrs["dropout_rate"] for node in nodes]
    for node in nodes:
        node.attrs["dropout_rate"] = 0.0
    try:
        yield
    finally:
        for node, rate in zip(nodes, rates, strict=True):
            node.attrs["dropout_rate"] = rate
