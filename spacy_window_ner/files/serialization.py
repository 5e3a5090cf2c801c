"""Save components with checksums, and load them. If a file does not match the component or its
checksum, loading raises a clear error and changes nothing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import srsly
from spacy.vocab import Vocab
from thinc.api import Config, Model

from ..labels import new_labels
from ..network.layers.lexeme_embed import LEXEME_EMBED
from ..network.lexicon import Lexicon, carry, half_precision
from ..sequences.tags import n_tags
from .saving import CHECKSUM, checksum, checksums, read_file, replace_directory, write_files

# The dimensions that give the shape of each parameter. T has one row and one column more.
_DIMS = {
    "W": ("nO", "nI"),
    "b": ("nO",),
    "g": ("nO",),
    "E": ("nV", "nO"),
    "T": ("n_labels", "n_labels"),
}
# What a layer of `CharacterPairs` has learned.
_PAIRS = ("characters", "numbers", "pairs")
# The attrs of nodes that training changes; all others are settings, which come from a config.
_LEARNED = {"unseen_labels", "dropout_rate", "known", "counts", "clusters", "widths", *_PAIRS}
# Attributes that version 0.3 did not save.
_ADDED = {"widths"}
# The files of a component, apart from its vocabulary and the checksums.
_FILES = ("cfg", "model")


def saved_files(
    cfg: Mapping[str, Any], model: Model, tables: Lexicon, exclude: Collection[str]
) -> dict[str, bytes]:
    """The saved contents of a component, apart from the vocabulary.

    cfg (Mapping[str, Any]): Its labels and settings.
    model (Model): Its network.
    tables (Lexicon): The tables of words that are not part of the vocabulary.
    exclude (Collection[str]): Names of fields to leave out; without `lexicon`, the network is saved
        without the tables.
    RETURNS (Dict[str, bytes]): The contents by the name of the field.
    """
    files: dict[str, bytes] = {}
    if "cfg" not in exclude:
        files["cfg"] = srsly.json_dumps(dict(cfg), indent=2).encode()
    if "model" not in exclude:
        saved = model.to_dict()
        for params in saved["params"]:  # 16-bit floats where that loses nothing
            arrays = {name: x for name, x in params.items() if isinstance(x, np.ndarray)}
            params.update({name: half_precision(x) for name, x in arrays.items()})
        if "lexicon" not in exclude and (lexicon := tables.to_dict()):
            saved["lexicon"] = lexicon
        files["model"] = srsly.msgpack_dumps(saved)
    return files


def round_to_half_precision(model: Model) -> None:
    """Round the parameters of a network to 16-bit floats, which halves its size on disk.

    model (Model): The network. Parameters beyond the range of 16-bit floats are not changed.
    """
    for node in model.walk():
        for name in node.param_names:
            if node.has_param(name):
                value = node.get_param(name)
                with np.errstate(over="ignore"):
                    rounded = value.astype(np.float16).astype(value.dtype)
                if np.isfinite(rounded).all():
                    node.set_param(name, rounded)


def to_disk(
    path: str | Path,
    cfg: Mapping[str, Any],
    model: Model,
    tables: Lexicon,
    vocab: Vocab,
    exclude: Collection[str],
) -> None:
    """Save a component to a directory atomically; see `saved_files`."""
    path = Path(path)
    write_files(path, saved_files(cfg, model, tables, exclude))
    if "vocab" not in exclude:
        replace_directory(path / "vocab", lambda new: vocab.to_disk(new, exclude=exclude))


def to_bytes(
    cfg: Mapping[str, Any], model: Model, tables: Lexicon, vocab: Vocab, exclude: Collection[str]
) -> bytes:
    """Save a component to bytes; see `saved_files`."""
    files = saved_files(cfg, model, tables, exclude)
    fields = {**files, CHECKSUM: srsly.json_dumps(checksums(files)).encode()}
    if "vocab" not in exclude:
        fields["vocab"] = vocab.to_bytes(exclude=exclude)
    return srsly.msgpack_dumps(fields)


def read_saved(
    source: bytes | str | Path,
    vocab: Vocab,
    exclude: Collection[str],
    name: str,
    check: Callable[[dict[str, Any], bool], dict[str, Any]],
) -> tuple[dict[str, Any], bytes | None, bool | None]:
    """Read a saved component.

    source (Union[bytes, str, Path]): The result of `to_bytes`, or the directory of `to_disk`.
    vocab (Vocab): The vocabulary, which is loaded too.
    exclude (Collection[str]): Names of fields to leave out; without `checksum`, checksums are not
        verified.
    name (str): Name of the component, for messages.
    check (Callable): Checks the settings that are read, and returns the complete settings. Also
        takes whether unknown settings are allowed, as they are if they were saved.
    RETURNS (Tuple[Dict[str, Any], Optional[bytes], Optional[bool]]): Its labels and settings; its
        network, None if it is left out; and whether the network matches its checksum, None if it
        has no checksum.
    RAISES (ValueError): If the data is damaged, or labels or settings are not valid.
    """
    part = "component"
    try:
        read = _read_directory if isinstance(source, str | Path) else _read_bytes
        files, read_vocab = read(source, exclude)
        part = "cfg"
        data, is_intact = files.get("cfg", (b"{}", True))
        cfg = check(_read_settings(data), is_intact is True)
        if is_intact is False:
            raise ValueError(
                "its checksum differs: these are not the labels and settings that were saved"
            )
        part = "component"
        if "vocab" not in exclude:
            read_vocab(vocab)
    except Exception as error:
        raise ValueError(
            f"[{name}] The saved {part} is damaged or incomplete: {error}. Load all files that the "
            f"component saved, unchanged."
        ) from error
    return cfg, *files.get("model", (None, None))


# Contents and whether they are what was saved by the name of the file, and what loads the
# vocabulary.
_Read = tuple[dict[str, tuple[bytes, bool | None]], Callable[[Vocab], Any]]


def _read_directory(source: Any, exclude: Collection[str]) -> _Read:
    path = Path(source)
    has_sums = CHECKSUM not in exclude and (path / CHECKSUM).exists()
    sums = _checked_sums((path / CHECKSUM).read_bytes() if has_sums else b"{}")
    names = [name for name in _FILES if name not in exclude]
    files = {name: read_file(path, name, sums.get(name)) for name in names}
    return files, lambda vocab: vocab.from_disk(path / "vocab", exclude=exclude)


def _read_bytes(source: Any, exclude: Collection[str]) -> _Read:
    saved = srsly.msgpack_loads(source)
    # Without this, damage to the name of the checksums would leave everything unchecked.
    unknown = [name for name in saved if name not in (*_FILES, "vocab", CHECKSUM)]
    if unknown:
        raise ValueError(f"it has unknown fields {', '.join(map(repr, unknown))}")
    if not saved.keys() & {*_FILES, "vocab"} and not set(_FILES) <= set(exclude):
        raise ValueError("it contains neither settings nor a network")
    sums = _checked_sums(b"{}" if CHECKSUM in exclude else saved.get(CHECKSUM, b"{}"))
    missing = [name for name in sums if name not in saved and name not in exclude]
    if missing:
        raise ValueError(f"it is missing {', '.join(missing)}")
    files: dict[str, tuple[bytes, bool | None]] = {}
    for name in saved.keys() & set(_FILES).difference(exclude):
        is_intact = checksum(saved[name]) == sums[name] if name in sums else None
        files[name] = saved[name], is_intact
    if "vocab" not in saved:
        return files, lambda vocab: None
    return files, lambda vocab: vocab.from_bytes(saved["vocab"], exclude=exclude)


def _checked_sums(data: bytes) -> dict[str, str]:
    sums = srsly.json_loads(data)
    if not isinstance(sums, dict) or not sums.keys() <= set(_FILES):
        raise ValueError(f"its checksums are invalid: {sums!r}")
    return sums


def _read_settings(data: bytes) -> dict[str, Any]:
    settings = srsly.json_loads(data)
    if not isinstance(settings, dict):
        raise ValueError(f"it must be a table of settings, got {settings!r}")
    labels = settings.get("labels", [])
    if new_labels(labels, []) != labels:
        raise ValueError(f"its labels must be a list of distinct strings, got {labels!r}")
    return settings


def overridden_settings(path: str | Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Find the settings that override those in the config of a pipeline when it is loaded.

    path (Union[str, Path]): The directory of the component, inside the directory of a pipeline or
        not.
    settings (Mapping[str, Any]): The settings that the component was created with.
    RETURNS (Dict[str, Any]): The settings that differ from those in the pipeline's config file.
    """
    path = Path(path)
    config_path = path.parent / "config.cfg"
    if not config_path.exists():
        return {}
    config = Config().from_disk(config_path)
    saved = config.get("components", {}).get(path.name, {})
    return {
        name: value for name, value in settings.items() if name in saved and saved[name] != value
    }


def load_model(
    model: Model, data: bytes, labels: Sequence[str], name: str, *, is_intact: bool | None = None
) -> None:
    """Load a saved network. The network is unchanged if this raises an error.

    model (Model): The network to load into.
    data (bytes): The network as saved by `saved_files`, or the result of `Model.to_bytes`.
    labels (Sequence[str]): The labels that were saved with it.
    name (str): Name of the component, for messages.
    is_intact (Optional[bool]): Whether the data matches its checksum; None if it has none.
    RAISES (ValueError): If the data is damaged, or belongs to a different network.
    """
    try:
        if is_intact is False:
            raise ValueError("its checksum differs: this is not the network that was saved")
        saved = srsly.msgpack_loads(data)
        lexicon = Lexicon.from_dict(saved.pop("lexicon", {}))
        _validate(model, saved, len(labels))
        for params in saved["params"]:
            for param, x in params.items():
                if isinstance(x, np.ndarray) and x.dtype == np.float16:
                    params[param] = x.astype(np.float32)
        data = srsly.msgpack_dumps(saved)
        model.copy().from_bytes(data)
    except Exception as error:
        raise ValueError(
            f"[{name}] The saved model cannot be loaded: {error}. Either the file is damaged, or "
            f"it was saved with different settings in [components.{name}.model] (layers, widths, "
            f"rows, labels). Load it with the config that it was saved with, as spacy.load does. "
            f"Models saved by version 0.1 have to be trained again."
        ) from error
    model.from_bytes(data)
    carry(model, lexicon)


def _validate(model: Model, saved: dict[str, Any], n_labels: int) -> None:
    """Compare a network with a saved one. Thinc does not do this: it accepts any names, references
    and settings, and keeps its own if some are missing.
    """
    own, tok2vec = model.to_dict(), model.get_ref("tok2vec")
    others = [] if tok2vec.name == LEXEME_EMBED else list(tok2vec.walk())
    is_set = set()
    for i, node in enumerate(model.walk()):
        if node not in others:
            parts = [{part: state[part][i] for part in own} for state in (own, saved)]
            _validate_node(node, *parts)
            is_set |= {value is not None for value in saved["params"][i].values()}
    if len(is_set) > 1:
        raise ValueError("some of its parameters are missing")
    dims = {ref: saved["nodes"][i]["dims"] for ref, i in saved["nodes"][0]["refs"].items()}
    tags, classes = dims["scores"]["nO"], dims["transitions"]["n_labels"]
    if tags not in (None, n_tags(n_labels)):
        raise ValueError(f"its network has {tags} tags, which does not match its {n_labels} labels")
    if classes not in (None, n_labels):
        raise ValueError(f"it has transition scores for {classes} labels, expected {n_labels}")
    unseen = srsly.msgpack_loads(saved["attrs"][0]["unseen_labels"])
    if not set(unseen) <= set(range(n_labels)):
        raise ValueError(f"its unseen labels {unseen} are not valid for {n_labels} labels")


def _validate_node(node: Model, own: dict[str, Any], saved: dict[str, Any]) -> None:
    """Compare a layer with a saved one: `nodes`, `attrs` and `params` of `Model.to_dict`."""
    if _outline(saved) != _outline(own):
        raise ValueError(f"it has a layer {_outline(saved)} instead of {_outline(own)}")
    dims = saved["nodes"]["dims"]
    if not all(size is None or type(size) is int for size in dims.values()):
        raise ValueError(f"the dimensions of {node.name} must be numbers, got {dims}")
    for attr in node.attrs:  # those that are functions are not saved
        pair = saved["attrs"].get(attr), own["attrs"].get(attr)
        if pair[0] is None and attr in _ADDED:
            continue
        if pair[0] != pair[1] and (None in pair or attr not in _LEARNED):
            value, other = (part and srsly.msgpack_loads(part) for part in pair)
            raise ValueError(f"{node.name} has {attr} = {value!r}, expected {other!r}")
    if "known" in node.attrs:
        known, counts = (len(srsly.msgpack_loads(saved["attrs"][a])) for a in ("known", "counts"))
        if known != 2 * counts or known % 8:
            raise ValueError(f"the known values of {node.name} and their counts do not match")
    if "pairs" in node.attrs:
        _validate_pairs(node.name, *(srsly.msgpack_loads(saved["attrs"][x]) for x in _PAIRS))
    if saved["attrs"].get("widths") and dims["nO"] is not None:
        widths = srsly.msgpack_loads(saved["attrs"]["widths"])
        if widths and sum(widths) != dims["nO"]:
            raise ValueError(f"{node.name} has vectors of widths {widths} in {dims['nO']} columns")
    if "clusters" in node.attrs:
        clusters = np.frombuffer(srsly.msgpack_loads(saved["attrs"]["clusters"]), dtype="<u2")
        if clusters.max(initial=0) >= dims["nV"]:
            raise ValueError(
                f"{node.name} has cluster {clusters.max()}, but only {dims['nV'] - 1} clusters"
            )
    for param, value in saved["params"].items():
        if value is None:
            continue
        shape = tuple(dims[dim] + (dim == "n_labels") for dim in _DIMS[param])
        if np.shape(value) != shape:
            raise ValueError(
                f"{node.name} has {param} of shape {np.shape(value)}, expected {shape}"
            )
        is_float = isinstance(value, np.ndarray) and value.dtype.kind == "f"
        if not is_float or not np.isfinite(value).all():
            raise ValueError(f"{param} of {node.name} has values that are not finite numbers")


def _validate_pairs(name: str, characters: bytes, numbers: bytes, pairs: bytes) -> None:
    """Compare the arrays of `CharacterPairs`."""
    if len(characters) % 8 or len(characters) != len(numbers) or len(pairs) % 8:
        raise ValueError(f"the characters of {name}, their numbers and their pairs do not match")


def _outline(layer: dict[str, Any]) -> tuple[str, dict, list[str], list[str]]:
    node = layer["nodes"]
    return node["name"], node["refs"], sorted(node["dims"]), sorted(layer["params"])
