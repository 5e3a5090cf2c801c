"""Load saved components so that a wrong file gets a clear error and changes nothing."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import srsly
from thinc.api import Model

from .layers.lexeme_embed import LEXEME_EMBED
from .sequences.tags import n_tags

# The dimensions that give the shape of each parameter. T has one row and one column more.
_DIMS = {"W": ("nO", "nI"), "b": ("nO",), "E": ("nV", "nO"), "T": ("n_labels", "n_labels")}
# What training writes into a node's attrs; all others are settings, which come from a config.
_LEARNED = {"unseen_labels", "dropout_rate", "known", "counts"}
# Layers that networks saved by version 0.1 have, and no later ones.
FIRST_EDITION = {"window", "with_document", "classifier"}


def first_edition_error() -> ValueError:
    """RETURNS (ValueError): The error for pipelines that were saved by version 0.1."""
    return ValueError(
        "This pipeline was saved by version 0.1 of spacy-window-ner. Its settings and parameters "
        "have changed since then, so it cannot be loaded. Train it again with the same data: "
        "python -m spacy train"
    )


def read_saved(
    load: Callable,
    source: Any,
    load_vocab: Callable,
    read: Callable,
    exclude: Iterable[str],
    name: str,
) -> dict[str, Any]:
    """Read what a component saved.

    load (Callable): `spacy.util.from_bytes` or `spacy.util.from_disk`.
    source (Union[bytes, Path]): What to load from.
    load_vocab (Callable): The vocabulary's `from_bytes` or `from_disk`.
    read (Callable): From a field of the source to its content.
    exclude (Iterable[str]): Names of fields to leave out.
    name (str): Name of the component, for messages.
    RETURNS (Dict[str, Any]): The settings under "cfg", and the network's bytes, or None, under
        "model".
    RAISES (ValueError): If the data is damaged, or has no distinct labels.
    """
    saved: dict[str, Any] = {"cfg": "{}", "model": None}
    fields = {
        "cfg": lambda field: saved.update(cfg=read(field)),
        "vocab": lambda field: load_vocab(field, exclude=exclude),
        "model": lambda field: saved.update(model=read(field)),
    }
    part = "component"
    try:
        load(source, fields, exclude)
        part = "cfg"
        saved["cfg"] = srsly.json_loads(saved["cfg"])
        labels = saved["cfg"].get("labels", [])
        strings = isinstance(labels, list) and all(isinstance(label, str) for label in labels)
        if not strings or len(set(labels)) < len(labels):
            raise ValueError(f"its labels are {labels!r}, not a list of distinct strings")
    except Exception as error:
        raise ValueError(
            f"[{name}] The saved {part} is damaged or incomplete: {error}. Load all of what the "
            f"component saved."
        ) from error
    return saved


def load_model(model: Model, data: bytes, labels: Sequence[str], name: str) -> None:
    """Load a saved network, or raise and leave the network as it was.

    model (Model): The network to load into.
    data (bytes): What `Model.to_bytes` gave.
    labels (Sequence[str]): The labels that were saved with it.
    name (str): Name of the component, for messages.
    RAISES (ValueError): If the data is damaged, or is of another kind of network, of another shape
        or of version 0.1.
    """
    trial, ours, layers = model.copy(), model.to_dict(), set()
    try:
        theirs = srsly.msgpack_loads(data)
        layers = {str(node["name"]) for node in theirs["nodes"]}
        for i, node in _own_nodes(model).items():
            both = ({part: saved[part][i] for part in ours} for saved in (ours, theirs))
            _validate_node(node, *both)
        trial.from_bytes(data)
        _validate_values(trial, len(labels))
    except Exception as error:
        if FIRST_EDITION & layers - {node.name for node in model.walk()}:
            raise first_edition_error() from error
        raise ValueError(
            f"[{name}] The saved model cannot be loaded: {error}. Either the file is damaged, or "
            f"it was saved with other settings in [components.{name}.model] (layers, widths, rows, "
            f"labels) than this pipeline has. Load it with the config it was saved with: "
            f"spacy.load reads the one beside it."
        ) from error
    model.from_bytes(data)


def _own_nodes(model: Model) -> dict[int, Model]:
    """The nodes of our layers by their place: all but those of other token vectors."""
    tok2vec = model.get_ref("tok2vec")
    others = [] if tok2vec.name == LEXEME_EMBED else list(tok2vec.walk())
    return {i: node for i, node in enumerate(model.walk()) if node not in others}


def _validate_node(node: Model, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Compare a node with what is saved of it. Thinc accepts any names, references and settings,
    and keeps its own where some are missing.
    """
    layer, saved = node.name, theirs["nodes"]
    if saved["name"] != layer:
        raise ValueError(f"it has a layer {saved['name']!r} in the place of {layer!r}")
    if saved["refs"] != ours["nodes"]["refs"]:
        raise ValueError(f"the references of {layer} are not {ours['nodes']['refs']}")
    if set(saved["dims"]) != set(ours["nodes"]["dims"]) or not all(
        size is None or type(size) is int for size in saved["dims"].values()
    ):
        raise ValueError(f"the dimensions of {layer} are not numbers")
    for attr in node.attrs:  # those that are functions are not saved
        pair = ours["attrs"].get(attr), theirs["attrs"].get(attr)
        if pair[0] != pair[1] and (None in pair or attr not in _LEARNED):
            value, other = (part if part is None else srsly.msgpack_loads(part) for part in pair)
            raise ValueError(f"{layer} has {attr} = {other!r}, not {value!r}")
    if set(theirs["params"]) != set(ours["params"]):
        raise ValueError(f"{layer} has the parameters {sorted(theirs['params'])}")
    for param, value in theirs["params"].items():
        if value is not None and not isinstance(value, np.ndarray):
            raise ValueError(f"{param} of {layer} is not an array")


def _validate_values(model: Model, n_labels: int) -> None:
    """Check the parameters and what else was learned, in a network that was loaded on trial."""
    tags = model.get_ref("scores").maybe_get_dim("nO")
    if tags is not None and tags != n_tags(n_labels):
        raise ValueError(f"its network has {tags} tags, but its {n_labels} labels need others")
    transitions = model.get_ref("transitions").maybe_get_dim("n_labels")
    if transitions is not None and transitions != n_labels:
        raise ValueError(f"it has transition scores for {transitions} labels, not {n_labels}")
    unseen = model.attrs["unseen_labels"]
    if not set(unseen) <= set(range(n_labels)):
        raise ValueError(f"it has unseen labels {unseen} of {n_labels} labels")
    own = list(_own_nodes(model).values())
    if len({node.has_param(param) for node in own for param in node.param_names}) > 1:
        raise ValueError("some of its parameters are missing")
    for node in own:
        known, counts = node.attrs.get("known", b""), node.attrs.get("counts", b"")
        if len(known) != 2 * len(counts) or len(known) % 8:
            raise ValueError(f"the known values of {node.name} and their counts do not match")
        for param in node.param_names:
            if node.has_param(param):
                _validate_param(node, param)


def _validate_param(node: Model, param: str) -> None:
    value = np.asarray(node.get_param(param))
    shape = tuple(node.get_dim(dim) + (dim == "n_labels") for dim in _DIMS[param])
    if value.shape != shape:
        raise ValueError(f"{node.name} has {param} of shape {value.shape}, not {shape}")
    if value.dtype.kind != "f" or not np.isfinite(value).all():
        raise ValueError(f"{param} of {node.name} has values that are not finite numbers")
