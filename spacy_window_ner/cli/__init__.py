"""`python -m spacy window-ner …`, found by spaCy through the `spacy_cli` entry point.

Every spaCy command imports this module when it starts, so the commands here import what they need
only when they run.
"""

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from click import NoSuchOption
from spacy.cli._util import app as spacy_app
from spacy.cli._util import import_code, parse_config_overrides, string_to_list
from wasabi import msg

from .options import Code, Model, TextField

HELP = "Configure, check and demonstrate the window_ner entity recognizer."

app = typer.Typer(name="window-ner", help=HELP, no_args_is_help=True)
spacy_app.add_typer(app)


class Preset(str, Enum):
    """The presets of `init-config`."""

    efficiency = "efficiency"
    accuracy = "accuracy"
    shared_tok2vec = "shared_tok2vec"
    names = "names"
    textbook = "textbook"


@app.command("init-config")
def init_config_cli(
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
    from .init_config import write_config

    write_config(
        preset.value,
        output_file,
        lang=lang,
        vectors=vectors,
        pipeline=string_to_list(pipeline),
        force=force,
    )


@app.command("demo")
def demo_cli(
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT",
            help="Texts to process instead of the two sentences of the lecture notes",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="With --train: new or empty directory to save the pipeline to"
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", "-s", min=0, max=2**32 - 1, help="Seed of the training")
    ] = 0,
    train: Annotated[
        bool,
        typer.Option(
            "--train", help="Train on a small generated corpus, and print precision and recall"
        ),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="Only write generated data to try commands on: train.spacy, dev.spacy, "
            "test.spacy and texts.jsonl, to this folder",
        ),
    ] = None,
) -> None:
    """Print the entities of texts with their labels and probabilities, by the ready pipeline
    en_window_ner_sm. With --train, or where that is not installed, a small pipeline is trained on a
    generated corpus in its place.
    """
    from .demo import run_demo
    from .demo_data import write_data

    if data is not None:
        write_data(data, seed)
        return
    run_demo(texts or [], output, seed, train)


@app.command("calibrate")
def calibrate_cli(
    model: Model,
    data_path: Annotated[
        Path, typer.Argument(help="Location of binary evaluation data in .spacy format")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="New or empty directory to save the pipeline to")
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", "-n", help="Name of the component, if there are several window_ner"),
    ] = None,
    recall: Annotated[
        float | None,
        typer.Option("--recall", "-r", help="Recall of the entities to guarantee, such as 0.8"),
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option("--precision", "-p", help="Precision of the entities to guarantee"),
    ] = None,
    candidates_recall: Annotated[
        float | None,
        typer.Option("--candidates-recall", help="Recall of the candidates to guarantee"),
    ] = None,
    confidence: Annotated[
        float, typer.Option("--confidence", "-C", help="Confidence of the guarantees")
    ] = 0.9,
    code_path: Code = None,
) -> None:
    """Make the probabilities of a trained pipeline agree with annotated documents that it was not
    trained on, choose the threshold anew, and save the result. Prints how well they agree before
    and after. With a guarantee, the threshold is the one that keeps it.
    """
    from ..confidence.guarantees import parse
    from .calibrate import calibrate_pipeline

    import_code(code_path)
    levels = {"recall": recall, "precision": precision, "candidates_recall": candidates_recall}
    given = {kind: level for kind, level in levels.items() if level is not None}
    try:
        guarantees = parse(given, confidence)
    except ValueError as error:
        msg.fail("These guarantees cannot be given", str(error), exits=1)
    calibrate_pipeline(model, data_path, output, name=name, guarantees=guarantees)


@app.command("distil")
def distil_cli(
    teachers_and_texts: Annotated[
        list[str],
        typer.Argument(
            metavar="TEACHER... TEXTS",
            help="Names or paths of one or more pipelines, then the texts: .jsonl, .txt (a text on "
            "each line), .spacy, or a folder of these",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Folder for the pipeline and for what the teachers find; a run that was stopped "
            "goes on there",
        ),
    ],
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="Config of the window network; default: the preset efficiency"
        ),
    ] = None,
    gold: Annotated[
        Path | None,
        typer.Option("--gold", help="Annotated documents to train on besides, .spacy"),
    ] = None,
    dev: Annotated[
        Path | None,
        typer.Option(
            "--dev", help="Annotated documents to choose the best model by and to judge it, .spacy"
        ),
    ] = None,
    text_field: TextField = "text",
    n_process: Annotated[
        int, typer.Option("--n-process", "-n", help="Number of processes of the teachers")
    ] = 1,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", "-b", help="Batch size of the teachers")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", "-s", help="Seed of the training")] = 0,
) -> None:
    """Teach a window network what other pipelines find in texts without annotation. Several
    teachers vote; the probabilities of window_ners with the same labels are averaged and imitated.
    Prints how well it agrees with them on texts that were held out, and the speed and size of all.
    """
    from .distil import distil

    if len(teachers_and_texts) < 2:
        msg.fail("Give one or more teachers, and then the texts", exits=1)
    *teachers, texts = teachers_and_texts
    distil(
        teachers,
        Path(texts),
        output,
        config_path=config,
        gold=gold,
        dev=dev,
        text_field=text_field,
        n_process=n_process,
        batch_size=batch_size,
        seed=seed,
    )


@app.command(
    "check-gradients",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def check_gradients_cli(
    ctx: typer.Context,
    config_or_model: str = typer.Argument(
        ..., help="Path to a config, or path or name of a pipeline"
    ),
) -> None:
    """Print the network as a graph of nodes, each with its shapes and the largest relative error
    of its gradients against central differences. Exits with code 1 if an error is too large.
    Settings of a config can be overridden as in `spacy train`, for example --initialize.vectors
    en_core_web_md.
    """
    from .check_gradients import check_gradients_of

    if not check_gradients_of(config_or_model, _overrides(ctx)):
        raise typer.Exit(1)


@app.command(
    "debug-data",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def debug_data_cli(
    ctx: typer.Context,
    config_path: Annotated[Path, typer.Argument(help="Path to a config", exists=True)],
    code_path: Code = None,
    ignore_warnings: Annotated[
        bool,
        typer.Option(
            "--ignore-warnings", "-IW", help="Ignore warnings, only show stats and errors"
        ),
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-V", help="Print more examples")] = False,
    no_format: Annotated[
        bool, typer.Option("--no-format", "-NF", help="Don't pretty-print the results")
    ] = False,
) -> None:
    """Check training and development data: labels, missing or unusable annotation, words and
    vectors. Reports what `spacy debug data` reports for an `ner`, and more. Exits with code 1 if
    there are errors. Settings of the config can be overridden as in `spacy train`, for example
    --paths.train train.spacy.
    """
    from .debug_data import debug_data

    import_code(code_path)
    overrides = _overrides(ctx)
    if not debug_data(
        config_path,
        overrides,
        ignore_warnings=ignore_warnings,
        verbose=verbose,
        no_format=no_format,
    ):
        raise typer.Exit(1)


def _overrides(ctx: typer.Context) -> dict[str, Any]:
    try:
        return parse_config_overrides(ctx.args)
    except NoSuchOption as error:
        return msg.fail(
            f"{error.format_message()} Settings have the form --initialize.vectors.", exits=1
        )


from . import (  # noqa: E402
    bulk_commands,
    explain_commands,
    names_commands,
    pretrain_commands,
    report_commands,
    serve_commands,
)

for _commands in (
    report_commands,
    explain_commands,
    bulk_commands,
    names_commands,
    pretrain_commands,
    serve_commands,
):
    _commands.register(app)
