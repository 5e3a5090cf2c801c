"""`python -m spacy window-ner init-config`: write a complete config for training."""

import re
from itertools import accumulate
from pathlib import Path
from typing import Annotated

import typer
from spacy.cli._util import COMMAND, show_validation_error, string_to_list
from spacy.util import CONFIG_SECTION_ORDER, registry
from thinc.api import Config
from wasabi import Printer

from ..network.lexicon import CLUSTER_TABLE
from ..training.presets import PRESETS_PATH, Preset, init_config
from ..training.start_from import NAME
from .inputs import explained
from .options import new_app

app = new_app()


@app.command("init-config")
def write_config(
    preset: Annotated[Preset, typer.Argument(help="Preset to generate the config from")],
    output_file: Annotated[
        Path,
        typer.Argument(
            help="File to save the config to or - for stdout (will only output config and no "
            "additional logging info)",
            allow_dash=True,
        ),
    ],
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang",
            "-l",
            help="Two-letter language code; default: the language of --base, or en",
        ),
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option("--vectors", "-v", help="Name or path of a pipeline with word vectors"),
    ] = None,
    pipeline: Annotated[
        str,
        typer.Option(
            "--pipeline",
            "-p",
            help="Comma-separated names of the components to include, in order, including "
            "window_ner",
        ),
    ] = "window_ner",
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            "-b",
            help="Name or path of a pipeline to start from. Its network, word vectors and clusters "
            "replace those of the preset; the preset only determines the training settings",
        ),
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(
            "--train",
            help="Training data (.spacy). The number of steps and the batch size are adapted to "
            "its size",
            exists=True,
        ),
    ] = None,
    dev: Annotated[
        Path | None, typer.Option("--dev", help="Development data (.spacy)", exists=True)
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", "-F", help="Force overwriting the output file")
    ] = False,
) -> None:
    """Generate a complete config file for training. The preset `efficiency` is small and fast,
    `accuracy` uses word vectors and Brown clusters, `shared_tok2vec` shares token vectors with
    other components, `names` uses lists of names as features, and `textbook` is the plain window
    classifier of the lecture notes. If you have few sentences, start from a trained pipeline
    (--base), even with different labels, and pass your training data (--train).
    """
    is_stdout = str(output_file) == "-"
    fail, msg = Printer().fail, Printer(no_print=is_stdout)
    if not is_stdout and output_file.exists() and not force:
        fail(
            "The provided output file already exists. To force overwriting the config file, set "
            "the --force or -F flag.",
            exits=1,
        )
    with explained("Cannot generate the config"), show_validation_error(hint_fill=False):
        config = init_config(
            preset.value,
            lang=lang,
            vectors=vectors,
            pipeline=string_to_list(pipeline),
            base=base,
            train=train,
            dev=dev,
        )
    text = f"{_description(preset.value, base)}\n{_to_str(config)}\n"
    if is_stdout:
        print(text, end="")
        return
    _print_settings(preset.value, base, config, msg)
    try:
        output_file.parent.mkdir(parents=True, exist_ok=True)
        output_file.write_text(text, encoding="utf8")
    except OSError as error:
        fail(f"Cannot write the config to {output_file}", str(error), exits=1)
    msg.good("Saved config", output_file)
    msg.text("You can now add your data and train your pipeline:")
    options = [f"--paths.{x} ./{x}.spacy" for x in ("train", "dev") if not config["paths"][x]]
    if _lacks_vectors(config):
        options.append("--paths.vectors VECTORS")
    print(" ".join([f"{COMMAND} train {output_file}", *options]))


def _description(preset: str, base: str | None) -> str:
    """The comment at the top of the config, which describes the network."""
    if base is not None:
        return f"# The network of {base}, with the training of the preset {preset}.\n"
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


def _print_settings(preset: str, base: str | None, config: Config, msg: Printer) -> None:
    """Print the choices, and a warning if something is missing."""
    lang, vectors = config["nlp"]["lang"], config["paths"]["vectors"]
    msg.info("Generated config specific for your use case")
    use_case = {
        "Preset": preset,
        "Language": lang,
        "Pipeline": ", ".join(config["nlp"]["pipeline"]),
        "Vectors": vectors,
        "Base": base,
        "Steps": config["training"]["max_steps"],
        "Words per step": config["training"]["batcher"]["size"],
    }
    for label, value in use_case.items():
        msg.text(f"- {label}: {value}")
    if _lacks_vectors(config):
        msg.warn(
            "This preset needs word vectors, but none are set",
            "Set --vectors here, or --paths.vectors when you train, to a pipeline with word "
            "vectors, for example en_core_web_md for English.",
        )
    elif vectors is not None and not _uses_vectors(config):
        msg.warn(
            f"This preset does not use word vectors: the vectors of {vectors} will be part of the "
            f"pipeline, but window_ner will ignore them",
            "Use the preset accuracy, or set include_static_vectors = true in the config.",
        )
    if config["initialize"]["lookups"] is not None and not _has_clusters(lang):
        msg.warn(
            f"No Brown clusters for '{lang}' are installed: the CLUSTER features will be empty",
            "For some languages, you can install them with `pip install spacy-lookups-data`.",
        )


def _uses_vectors(config: Config) -> bool:
    return config["components"][NAME]["model"]["tok2vec"].get("include_static_vectors", False)


def _lacks_vectors(config: Config) -> bool:
    """Whether the network uses word vectors, but none are set."""
    is_begun = config["initialize"]["after_init"] is not None
    return _uses_vectors(config) and not is_begun and config["paths"]["vectors"] is None


def _has_clusters(lang: str) -> bool:
    return lang in registry.lookups and CLUSTER_TABLE in registry.lookups.get(lang)
