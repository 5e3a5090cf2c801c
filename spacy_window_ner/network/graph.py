"""The network as its graph of nodes (`docs/mathematics.md`, section 5): shapes and gradient errors.

Values flow from the first node to the last; gradients flow back, each node multiplying what comes
from upstream by its own local gradient.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Ragged

from ..sequences.batching import Scores
from .features import Lexemes
from .gradients import Loss, check_gradients, copy_without_dropout
from .layers.hidden import Sums
from .layers.lexeme_embed import LEXEME_EMBED
from .layers.rows import Term
from .layers.token_vectors import Batch
from .layers.window_affine import Windows


@dataclass(frozen=True)
class Node:
    """One node of the graph.

    depth (int): How many nodes it is nested in.
    name (str): Its name.
    input (str): Shape of what flows in.
    output (str): Shape of what flows out.
    params (Dict[str, Tuple[int, ...]]): Shape of each parameter.
    error (float): The largest relative error of its gradients: those of the node by itself, and
        those of its parameters through the whole network.
    """

    depth: int
    name: str
    input: str
    output: str
    params: dict[str, tuple[int, ...]]
    error: float


def check_graph(model: Model, X: Any, loss: Loss, *, max_entries: int = 20) -> list[Node]:
    """Check each node of a network by itself, and all of them through the loss.

    model (Model): An initialized network.
    X (Any): Its input.
    loss (Callable): From the network's output to the loss and its gradient.
    max_entries (int): How many entries of each array to check.
    RETURNS (List[Node]): The nodes, in the order in which values pass through them.
    """
    through = check_gradients(model, X, loss=loss, max_entries=max_entries)
    nodes = []
    for depth, node, flow_in, flow_out in _run(model, X):
        shapes = {name: node.get_param(name).shape for name in node.param_names}
        errors = check_gradients(node, flow_in, max_entries=max_entries)
        errors += [e for e in through if e.node == node.name and e.shape == shapes.get(e.array)]
        error = max((e.error for e in errors), default=0.0)
        nodes.append(Node(depth, node.name, _shape(flow_in), _shape(flow_out), shapes, error))
    return nodes


def _run(model: Model, X: Any) -> list[tuple[int, Model, Any, Any]]:
    """Each node with its depth, and what flows into and out of it."""
    flows: dict[int, tuple[Any, Any]] = {}

    def recorded(forward: Callable) -> Callable:
        def wrapped(node: Model, X: Any, is_train: bool) -> tuple[Any, Callable]:
            Y, backprop = forward(node, X, is_train)
            flows[node.id] = (X, Y)
            return Y, backprop

        return wrapped

    running = copy_without_dropout(model)
    for node in running.walk():
        node._func = recorded(node._func)
    running(X, is_train=True)
    for node in running.walk():
        if node.name == LEXEME_EMBED:  # the network uses its inner layer only
            node(X, is_train=True)
    pairs = zip(_walk(model), _walk(running), strict=True)
    return [(depth, node, *flows[copied.id]) for (depth, node), (_, copied) in pairs]


def _walk(model: Model, depth: int = 0) -> Iterator[tuple[int, Model]]:
    """The nodes in the order in which values pass through them, with their depth."""
    yield depth, model
    for layer in model.layers:
        yield from _walk(layer, depth + 1)


def _shape(X: Any) -> str:
    if isinstance(X, Scores):
        return f"{X.emissions.shape}, {X.transitions.shape}"
    if isinstance(X, Lexemes):
        return f"{len(X)} lexemes"
    if isinstance(X, Batch) and X.windows is not None:
        X = X.windows
    if isinstance(X, Windows):
        return f"{len(X.neighbors)} windows of {X.vectors.shape}"
    if isinstance(X, Sums):
        return str((len(X.batch.tokens.keys), X.window.get_dim("nO")))
    if isinstance(X, Term):
        return str((X.n_tokens, X.table.shape[1]))
    if isinstance(X, Ragged):
        return str(X.data.shape)
    if isinstance(X, np.ndarray):
        return str(X.shape)
    if X and isinstance(X[0], Doc):
        return f"{len(X)} docs, {sum(len(doc) for doc in X)} tokens"
    return (
        f"{len(X)} × {X[0].shape}" if len(X) == 1 else f"{len(X)} arrays of width {X[0].shape[1]}"
    )
