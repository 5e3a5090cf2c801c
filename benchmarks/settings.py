"""The options that the benchmarks share, and the configs that are made from them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from data import GLOVE, InputError, find_vectors
from spacy import util
from thinc.api import Config, ConfigValidationError
from wasabi import msg

CONFIGS = Path(__file__).parent.parent / "configs"
# The settings of embedding layers, ours and spaCy's, that turn on static vectors.
STATIC_VECTORS = ("include_static_vectors", "pretrained_vectors")
DEFAULT_WORK = Path("build/benchmarks")

# Options of the command lines.
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SECTION.NAME=VALUE",
        help="A setting of the config of window_ner, for example training.max_steps=200. May be "
        "repeated.",
    ),
]
PeerChanges = Annotated[
    list[str] | None,
    typer.Option(
        "--peer-set",
        metavar="SECTION.NAME=VALUE",
        help="A setting of the peers' training configs. May be repeated.",
    ),
]
Seed = Annotated[int | None, typer.Option(help="Seed of all systems; default: that of the config.")]
Repeats = Annotated[int, typer.Option(min=1, help="Turns of each system when speed is measured.")]
Work = Annotated[
    Path,
    typer.Option(
        help="Folder for converted documents, word vectors (kept for later runs) and trained "
        "pipelines."
    ),
]
Output = Annotated[Path | None, typer.Option(help="Folder to write the results to, as JSON.")]


@dataclass(frozen=True)
class Settings:
    """The options that a user has chosen.

    config (Path): The training config of `window_ner`.
    peers (Sequence[str]): Names in `systems.PEERS`.
    vectors (Optional[str]): `glove`, a pipeline's folder or package; None for that of the config.
    lang (Optional[str]): The language; None for that of the config.
    seed (Optional[int]): The seed; None for that of the config.
    overrides (Mapping[str, Any]): Settings of the config by their dotted names.
    peer_overrides (Mapping[str, Any]): The same for the peers' configs.
    repeats (int): How often to measure the speed of prediction.
    test (bool): Whether to use the test part of the corpus.
    work (Path): Where converted documents, vectors and trained pipelines go.
    """

    config: Path
    peers: Sequence[str] = ()
    vectors: str | None = None
    lang: str | None = None
    seed: int | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    peer_overrides: Mapping[str, Any] = field(default_factory=dict)
    repeats: int = 5
    test: bool = True
    work: Path = DEFAULT_WORK


def settings_of(
    config: Path = CONFIGS,
    *,
    changes: Sequence[str] | None = None,
    peer_changes: Sequence[str] | None = None,
    **others: Any,
) -> Settings:
    """RETURNS (Settings): The options of a command. See `Settings`, and `parse_overrides` for the
    changes.
    """
    return Settings(
        config=config,
        overrides=parse_overrides(changes or ()),
        peer_overrides=parse_overrides(peer_changes or ()),
        **others,
    )


def run_name(corpus: Path, settings: Settings) -> str:
    """Name a run after its settings.

    corpus (Path): The folder of the corpus.
    settings (Settings): The settings.
    RETURNS (str): Corpus, config, and vectors, language and seed where they are given. Its folder
        and its results have this name.
    """
    parts = [corpus.resolve().name, settings.config.stem]
    if settings.vectors is not None:
        parts.append(Path(settings.vectors).name)
    if settings.lang is not None:
        parts.append(settings.lang)
    if settings.seed is not None:
        parts.append(f"seed{settings.seed}")
    return "-".join(parts)


def prepare_config(settings: Settings, folder: Path) -> Config:
    """Read the config of `window_ner` and apply the settings to it.

    settings (Settings): The settings.
    folder (Path): Where the converted corpus will be.
    RETURNS (Config): The config, ready for training.
    RAISES (InputError): If the config or an override cannot be used, or vectors are missing.
    """
    if not settings.config.is_file():
        raise InputError(f"There is no config {settings.config}.")
    try:
        config = util.load_config(settings.config)
    except ValueError as error:
        raise InputError(f"{settings.config} cannot be read: {error}") from error
    config = override(config, settings.overrides)
    if settings.lang is not None:
        config["nlp"]["lang"] = settings.lang
    lang = config["nlp"]["lang"]
    try:
        lang_class = util.get_lang_class(lang)
    except ImportError as error:
        raise InputError(f"spaCy has no language {lang!r}: {error}") from error
    config["nlp"].setdefault("tokenizer", lang_class.default_config["nlp"]["tokenizer"])
    seed = settings.seed
    if seed is None:
        seed = config.interpolate()["training"].get("seed", 0)
    vectors = settings.vectors or vectors_of(config)
    if vectors is not None:
        vectors = find_vectors(vectors, lang, settings.work / "vectors")
    return fill_in(config, folder, seed, vectors)


def fill_in(config: Config, folder: Path, seed: int | None, vectors: str | None) -> Config:
    """Give a config the corpus, the seed and the word vectors of a run.

    config (Config): A training config, modified in place.
    folder (Path): Where the converted corpus is.
    seed (Optional[int]): The seed.
    vectors (Optional[str]): The pipeline or package to load word vectors from. If there is one,
        all layers that can use static vectors do so, otherwise none.
    RETURNS (Config): The same config.
    RAISES (InputError): If a layer needs vectors and there are none, or no layer can use them.
    """
    for name in ("train", "dev"):
        config.setdefault("paths", {})[name] = str(folder / f"{name}.spacy")
    config.setdefault("system", {})["seed"] = config["training"]["seed"] = seed
    config.setdefault("initialize", {})["vectors"] = vectors
    layers = list(_layers_with_vectors(config.get("components", {})))
    if vectors is None and any(layer[key] for layer, key in layers):
        raise InputError(
            f"The config uses static vectors, but there are none. Give --vectors {GLOVE}, a "
            f"pipeline's folder or a package, or --set …{layers[0][1]}=false."
        )
    if vectors is not None and not layers:
        raise InputError(
            f"No layer of the config can use the vectors: none has the setting "
            f"{' or '.join(STATIC_VECTORS)}. Leave --vectors out, or use another config."
        )
    for layer, key in layers:
        layer[key] = vectors is not None
    return config


def _layers_with_vectors(section: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each section with a setting for static vectors, and the name of the setting."""
    for key, value in section.items():
        if key in STATIC_VECTORS:
            yield section, key
        elif isinstance(value, dict):
            yield from _layers_with_vectors(value)


def vectors_of(config: Config) -> str | None:
    """Return the word vectors that a config loads.

    config (Config): A training config.
    RETURNS (Optional[str]): `[initialize] vectors`.
    """
    return config.interpolate().get("initialize", {}).get("vectors")


def override(config: Config, overrides: Mapping[str, Any]) -> Config:
    """Change settings of a config.

    config (Config): The config.
    overrides (Mapping[str, Any]): New values by dotted names.
    RETURNS (Config): A new config.
    RAISES (InputError): If a setting does not exist, or its value is invalid.
    """
    for name in overrides:
        _require_setting(config, name)
    try:
        return util.load_config_from_str(config.to_str(interpolate=False), dict(overrides))
    except ConfigValidationError as error:
        raise InputError(f"An override is invalid. {error}") from error


def _require_setting(config: Config, name: str) -> None:
    """Reject settings that the config does not have: training would ignore a wrong name."""
    section: Any = config
    *sections, setting = name.split(".")
    for key in sections:
        section = section.get(key) if isinstance(section, dict) else None
    if not isinstance(section, dict):
        raise InputError(f"The config has no section [{'.'.join(sections)}] to change {name} in.")
    if setting not in section:
        raise InputError(
            f"The config has no setting {name}. In [{'.'.join(sections)}] there is: "
            f"{', '.join(section)}."
        )


def parse_overrides(values: Sequence[str]) -> dict[str, Any]:
    """Read settings from the command line.

    values (Sequence[str]): Each `section.setting=value`; a value that is not JSON is a string.
    RETURNS (Dict[str, Any]): The values by dotted names.
    RAISES (InputError): If one does not have this form.
    """
    overrides: dict[str, Any] = {}
    for item in values:
        name, equals, value = item.partition("=")
        if not equals or "." not in name:
            raise InputError(f"{item!r} is not a setting: write section.setting=value.")
        try:
            overrides[name] = srsly.json_loads(value)
        except ValueError:
            overrides[name] = value
    return overrides


@contextmanager
def errors_in_short() -> Iterator[None]:
    """End a command with a message instead of a traceback if the user's input is invalid."""
    try:
        yield
    except (InputError, ConfigValidationError) as error:
        msg.fail(str(error))
        raise typer.Exit(1) from error
