"""Load saved networks so that a wrong file is told in plain words and changes nothing."""

from collections.abc import Callable, Sequence

import numpy as np
from thinc.api import Model

from .tags import n_tags

# The dimensions that give the shape of each parameter.
_SHAPES: dict[str, Callable[[Model], tuple[int, ...]]] = {
    "W": lambda node: (node.get_dim("nO"), node.get_dim("nI")),
    "b": lambda node: (node.get_dim("nO"),),
    "E": lambda node: (node.get_dim("nV"), node.get_dim("nO")),
    "T": lambda node: (node.get_dim("n_labels") + 1,) * 2,
}


def load_model(model: Model, data: bytes, labels: Sequence[str], name: str) -> None:
    """Load a saved network, or raise and leave the network as it was.

    model (Model): The network to load into.
    data (bytes): What `Model.to_bytes` gave.
    labels (Sequence[str]): The labels that were saved with it.
    name (str): Name of the component, for messages.
    RAISES (ValueError): If the data is damaged, is of another kind of network or another shape.
    """
    trial = model.copy()
    try:
        trial.from_bytes(data)
        _validate(trial, len(labels))
    except Exception as error:
        raise ValueError(
            f"[{name}] The saved model cannot be loaded: {error}. Either the file is damaged, or "
            f"it was saved with other settings in [components.{name}.model] (layers, widths, rows, "
            f"labels) than this pipeline has. Load it with the config it was saved with: "
            f"spacy.load reads the one beside it."
        ) from error
    model.from_bytes(data)


def _validate(model: Model, n_labels: int) -> None:
    tags = model.get_ref("scores").maybe_get_dim("nO")
    if tags is not None and tags != n_tags(n_labels):
        raise ValueError(f"its network has {tags} tags, but its {n_labels} labels need others")
    transitions = model.get_ref("transitions").maybe_get_dim("n_labels")
    if transitions is not None and transitions != n_labels:
        raise ValueError(f"it has transition scores for {transitions} labels, not {n_labels}")
    for node in _own_nodes(model):
        for param in node.param_names:
            if not node.has_param(param):
                continue
            value, shape = np.asarray(node.get_param(param)), _SHAPES[param](node)
            if value.shape != shape:
                raise ValueError(f"{node.name} has {param} of shape {value.shape}, not {shape}")
            if value.dtype.kind != "f" or not np.isfinite(value).all():
                raise ValueError(f"{param} of {node.name} has values that are not finite numbers")


def _own_nodes(model: Model) -> list[Model]:
    """The nodes of our layers: all but those of somebody else's token vectors."""
    tok2vec = model.get_ref("tok2vec")
    others = [] if tok2vec.name == "lexeme_embed" else list(tok2vec.walk())
    return [node for node in model.walk() if node not in others]
