"""`python -m spacy window-ner init-config`: write a complete config for training.

The presets in `spacy_window_ner/configs` contain only what differs from the defaults. Everything
else is filled in from the registered functions, as `spacy init fill-config` does.
"""

import re
from collections.abc import Sequence
from enum import Enum
from itertools import accumulate
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy import util
from spacy.cli._util import COMMAND, show_validation_error, string_to_list
from spacy.util import CONFIG_SECTION_ORDER, registry
from thinc.api import Config
from wasabi import Printer

from ..network.lexicon import CLUSTER_TABLE
from .options import new_app

app = new_app()


class Preset(str, Enum):
    """What a config is for."""

    efficiency = "efficiency"
    accuracy = "accuracy"
    shared_tok2vec = "shared_tok2vec"
    names = "names"
    textbook = "textbook"


PRESETS_PATH = Path(__file__).parents[1] / "configs"
PRESETS = [preset.value for preset in Preset]
_NAME = "window_ner"


def init_config(
    preset: str,
    *,
    lang: str = "en",
    vectors: str | None = None,
    pipeline: Sequence[str] | None = None,
) -> Config:
    """Generate a config for `spacy train` that leaves nothing to defaults.

    preset (str): One of `PRESETS`.
    lang (str): Code of the language.
    vectors (Optional[str]): Name or path of a pipeline with word vectors, for `paths.vectors`.
    pipeline (Optional[Sequence[str]]): Names of the components in order, with `window_ner` among
        them; only those of the preset if None. The others get their default settings; with
        `shared_tok2vec`, components that can listen to its `tok2vec` do so.
    RETURNS (Config): The config, with its variables in place.
    RAISES (ValueError): If there is no such preset, language or component, or the pipeline has no
        `window_ner` or a component twice.
    """
    if preset not in PRESETS:
        raise ValueError(f"Unknown preset {preset!r}: use one of {', '.join(PRESETS)}.")
    common, changes = (
        util.load_config(PRESETS_PATH / f"{name}.cfg", interpolate=False)
        for name in ("common", preset)
    )
    config = common.merge(changes)
    config["nlp"]["lang"] = lang
    config["paths"]["vectors"] = vectors
    try:
        if pipeline is not None:
            _set_pipeline(config, pipeline)
        return util.load_model_from_config(config, auto_fill=True).config
    except ImportError as error:
        raise ValueError(f"The language {lang!r} is not available: {error}") from error


def _set_pipeline(config: Config, pipeline: Sequence[str]) -> None:
    """Add components with their default settings to a preset."""
    if _NAME not in pipeline:
        raise ValueError(f"The pipeline has no {_NAME}: {', '.join(pipeline) or 'it is empty'}.")
    if len(set(pipeline)) < len(pipeline):
        raise ValueError(f"The pipeline has a component twice: {', '.join(pipeline)}.")
    nlp = spacy.blank(config["nlp"]["lang"])  # this registers the factories
    components = config["components"]
    listener = components[_NAME].get("model", {}).get("tok2vec", {})
    for name in pipeline:
        if name in components:
            continue
        if not nlp.has_factory(name):
            raise ValueError(
                f"There is no component {name!r}. Use the names of factories, such as 'tagger', "
                f"separated by commas."
            )
        components[name] = {"factory": name}
        defaults = nlp.get_factory_meta(name).default_config or {}
        if "tok2vec" in components and "tok2vec" in defaults.get("model", {}):
            components[name]["model"] = {"tok2vec": {**listener}}
    # The components of the preset that window_ner depends on stay in front.
    needed = [name for name in config["nlp"]["pipeline"] if name != _NAME]
    config["nlp"]["pipeline"] = [*needed, *(name for name in pipeline if name not in needed)]


@app.command("init-config")
def write_config(
    preset: Annotated[Preset, typer.Argument(help="What the config is for")],
    output_file: Annotated[
        Path,
        typer.Argument(
            help="File to save the config to or - for stdout (will only output config and no "
            "additional logging info)",
            allow_dash=True,
        ),
    ],
    lang: Annotated[
        str, typer.Option("--lang", "-l", help="Two-letter code of the language to use")
    ] = "en",
    vectors: Annotated[
        str | None,
        typer.Option("--vectors", "-v", help="Name or path of a pipeline with word vectors"),
    ] = None,
    pipeline: Annotated[
        str,
        typer.Option(
            "--pipeline",
            "-p",
            help="Comma-separated names of components to include, in order, with window_ner among "
            "them",
        ),
    ] = "window_ner",
    force: Annotated[
        bool, typer.Option("--force", "-F", help="Force overwriting the output file")
    ] = False,
) -> None:
    """Generate a config file for training, complete with all settings. `efficiency` is small and
    fast, `accuracy` uses word vectors and Brown clusters, `shared_tok2vec` shares token vectors
    with other components, `names` has lists of names as features, and `textbook` is the network of
    the lecture notes.
    """
    is_stdout = str(output_file) == "-"
    fail, msg = Printer().fail, Printer(no_print=is_stdout)
    if not is_stdout and output_file.exists() and not force:
        fail(
            "The provided output file already exists. To force overwriting the config file, set "
            "the --force or -F flag.",
            exits=1,
        )
    try:
        with show_validation_error(hint_fill=False):
            names = string_to_list(pipeline)
            config = init_config(preset.value, lang=lang, vectors=vectors, pipeline=names)
    except ValueError as error:
        fail("The config cannot be generated", str(error), exits=1)
    text = f"{_description(preset.value)}\n{_to_str(config)}\n"
    if is_stdout:
        print(text, end="")
        return
    _print_settings(preset.value, config, msg)
    try:
        output_file.parent.mkdir(parents=True, exist_ok=True)
        output_file.write_text(text, encoding="utf8")
    except OSError as error:
        fail(f"Cannot write the config to {output_file}", str(error), exits=1)
    msg.good("Saved config", output_file)
    msg.text("You can now add your data and train your pipeline:")
    options = ["--paths.train ./train.spacy", "--paths.dev ./dev.spacy"]
    if _uses_vectors(config) and vectors is None:
        options.append("--paths.vectors VECTORS")
    print(f"{COMMAND} train {output_file} {' '.join(options)}")


def _description(preset: str) -> str:
    """The comment at the head of a preset, which the config starts with."""
    lines = (PRESETS_PATH / f"{preset}.cfg").read_text(encoding="utf8").splitlines(keepends=True)
    return "".join(line for line in lines if line.startswith("#"))


def _to_str(config: Config) -> str:
    """The config with each section followed by its subsections, and `@` names first."""
    sections = re.split(r"\n+(?=\[)", config.to_str(interpolate=False).strip())
    order: dict[str, int] = {name: rank for rank, name in enumerate(CONFIG_SECTION_ORDER)}
    by_place: dict[tuple[int, ...], str] = {}
    for section in sections:
        header, *lines = section.splitlines()
        parents = accumulate(header.strip("[]").split("."), "{}.{}".format)
        place = tuple(order.setdefault(parent, len(order)) for parent in parents)
        lines.sort(key=lambda line: not line.startswith("@"))
        by_place[place] = "\n".join([header, *lines])
    return "\n\n".join(by_place[place] for place in sorted(by_place))


def _print_settings(preset: str, config: Config, msg: Printer) -> None:
    """Print the choices, and a warning for what a choice lacks."""
    lang, vectors = config["nlp"]["lang"], config["paths"]["vectors"]
    msg.info("Generated config specific for your use case")
    use_case = {
        "Preset": preset,
        "Language": lang,
        "Pipeline": ", ".join(config["nlp"]["pipeline"]),
        "Vectors": vectors,
    }
    for label, value in use_case.items():
        msg.text(f"- {label}: {value}")
    if _uses_vectors(config) and vectors is None:
        msg.warn(
            "This preset needs word vectors, and you have chosen none",
            "Set --vectors here or --paths.vectors in training to a pipeline that has them, for "
            "example en_core_web_md for English.",
        )
    elif vectors is not None and not _uses_vectors(config):
        msg.warn(
            f"The network of this preset does not use word vectors: {vectors} will be in the "
            f"pipeline, but window_ner will ignore it",
            "Use the preset accuracy, or set include_static_vectors = true in the config.",
        )
    if config["initialize"]["lookups"] is not None and not _has_clusters(lang):
        msg.warn(
            f"No Brown clusters for '{lang}' are installed: the CLUSTER attributes will be empty",
            "For some languages, `pip install spacy-lookups-data` provides them.",
        )


def _uses_vectors(config: Config) -> bool:
    return config["components"][_NAME]["model"]["tok2vec"].get("include_static_vectors", False)


def _has_clusters(lang: str) -> bool:
    return lang in registry.lookups and CLUSTER_TABLE in registry.lookups.get(lang)
