"""Load saved components so that a wrong file is told in plain words and changes nothing."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import srsly
from thinc.api import Model

from .layers.lexemes import LEXEME_EMBED
from .tags import n_tags

# The dimensions that give the shape of each parameter.
_SHAPES: dict[str, Callable[[Model], tuple[int, ...]]] = {
    "W": lambda node: (node.get_dim("nO"), node.get_dim("nI")),
    "b": lambda node: (node.get_dim("nO"),),
    "E": lambda node: (node.get_dim("nV"), node.get_dim("nO")),
    "T": lambda node: (node.get_dim("n_labels") + 1,) * 2,
}

# What training writes into a node's attrs; the others are settings, which a config gives.
_LEARNED = ("unseen_labels", "dropout_rate", "known", "counts")


def load_model(model: Model, data: bytes, labels: Sequence[str], name: str) -> None:
    """Load a saved network, or raise and leave the network as it was.

    model (Model): The network to load into.
    data (bytes): What `Model.to_bytes` gave.
    labels (Sequence[str]): The labels that were saved with it.
    name (str): Name of the component, for messages.
    RAISES (ValueError): If the data is damaged, is of another kind of network or another shape.
    """
    trial = model.copy()
    own = _own_nodes(model)
    try:
        content = srsly.msgpack_loads(data)
        _validate_structure(model, own, content)
        _validate_params(own, content["params"])
        trial.from_bytes(data)
        loaded = [node for i, node in enumerate(trial.walk()) if i in own]
        _validate_settings(list(own.values()), loaded)
        _validate_shapes(trial, loaded, len(labels))
    except Exception as error:
        raise ValueError(
            f"[{name}] The saved model cannot be loaded: {error}. Either the file is damaged, or "
            f"it was saved with other settings in [components.{name}.model] (layers, widths, rows, "
            f"labels) than this pipeline has. Load it with the config it was saved with: "
            f"spacy.load reads the one beside it."
        ) from error
    model.from_bytes(data)


def validate_cfg(cfg: Any, name: str) -> dict[str, Any]:
    """Check a component's saved settings.

    cfg (Any): What was read.
    name (str): Name of the component, for messages.
    RETURNS (Dict[str, Any]): The settings.
    RAISES (ValueError): If they are not settings with distinct labels.
    """
    labels = cfg.get("labels", []) if isinstance(cfg, dict) else None
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ValueError(f"[{name}] The saved cfg is damaged: it has no list of labels.")
    if len(set(labels)) < len(labels):
        raise ValueError(f"[{name}] The saved cfg is damaged: a label is there twice in {labels}.")
    return cfg


def _validate_structure(model: Model, own: dict[int, Model], content: Any) -> None:
    """Check names, references and which settings there are: Thinc takes any, and keeps its own
    for missing ones.
    """
    places = {id(node): i for i, node in enumerate(model.walk())}
    for i, node in own.items():
        name = content["nodes"][i]["name"]
        if type(name) is not str or name != node.name:
            raise ValueError(f"it has a layer {name!r} in the place of {node.name!r}")
        refs = {ref: places.get(id(node.maybe_get_ref(ref))) for ref in node.ref_names}
        if content["nodes"][i]["refs"] != refs:
            raise ValueError(f"the references of {node.name} are not {refs}")
        missing = set(_saved_attrs(node)) - set(content["attrs"][i])
        if missing:
            raise ValueError(f"{node.name} lacks the settings {sorted(missing)}")
        functions = [attr for attr in content["attrs"][i] if callable(node.attrs.get(attr))]
        if functions:
            raise ValueError(f"{node.name} has settings in the place of functions: {functions}")
        dims = content["nodes"][i]["dims"]
        if set(dims) != set(node.dim_names) or not all(
            size is None or type(size) is int for size in dims.values()
        ):
            raise ValueError(f"the dimensions of {node.name} are not numbers")


def _saved_attrs(node: Model) -> list[str]:
    return [name for name, value in node.attrs.items() if not callable(value)]


def _validate_params(own: dict[int, Model], saved: Any) -> None:
    """Check that the parameters are there, as arrays: Thinc would keep its own for missing ones."""
    initialized = set()
    for i, node in own.items():
        params = saved[i]
        if set(params) != set(node.param_names):
            raise ValueError(f"{node.name} has parameters {sorted(params)}")
        for param, value in params.items():
            if value is not None and not isinstance(value, np.ndarray):
                raise ValueError(f"{param} of {node.name} is not an array")
            initialized.add(value is not None)
    if len(initialized) > 1:
        raise ValueError("some of its parameters are missing")


def _validate_settings(own: list[Model], loaded: list[Model]) -> None:
    for ours, theirs in zip(own, loaded, strict=True):
        for name, value in ours.attrs.items():
            other = theirs.attrs[name]
            if name in _LEARNED or callable(value):
                continue
            if type(other) is not type(value) or other != value:
                raise ValueError(f"{ours.name} has {name} = {other!r}, not {value!r}")


def _validate_shapes(model: Model, own: list[Model], n_labels: int) -> None:
    tags = model.get_ref("scores").maybe_get_dim("nO")
    if tags is not None and tags != n_tags(n_labels):
        raise ValueError(f"its network has {tags} tags, but its {n_labels} labels need others")
    transitions = model.get_ref("transitions").maybe_get_dim("n_labels")
    if transitions is not None and transitions != n_labels:
        raise ValueError(f"it has transition scores for {transitions} labels, not {n_labels}")
    unseen = model.attrs["unseen_labels"]
    if not set(unseen) <= set(range(n_labels)):
        raise ValueError(f"it has unseen labels {unseen} of {n_labels} labels")
    for node in own:
        if "known" in node.attrs and len(node.attrs["known"]) != 2 * len(node.attrs["counts"]):
            raise ValueError(f"the known values of {node.name} and their counts do not match")
        if "known" in node.attrs and len(node.attrs["known"]) % 8:
            raise ValueError(f"the known values of {node.name} are cut off")
        for param in node.param_names:
            if node.has_param(param):
                _validate_param(node, param)


def _validate_param(node: Model, param: str) -> None:
    value, shape = np.asarray(node.get_param(param)), _SHAPES[param](node)
    if value.shape != shape:
        raise ValueError(f"{node.name} has {param} of shape {value.shape}, not {shape}")
    if value.dtype.kind != "f" or not np.isfinite(value).all():
        raise ValueError(f"{param} of {node.name} has values that are not finite numbers")


def _own_nodes(model: Model) -> dict[int, Model]:
    """The nodes of our layers by their place: all but those of somebody else's token vectors."""
    tok2vec = model.get_ref("tok2vec")
    others = [] if tok2vec.name == LEXEME_EMBED else list(tok2vec.walk())
    return {i: node for i, node in enumerate(model.walk()) if node not in others}
