"""The commands `learn` and `convert`."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg


class ExportFormat(str, Enum):
    """The formats of annotated documents that are written."""

    spacy = "spacy"
    conll = "conll"
    prodigy = "prodigy"
    doccano = "doccano"
    label_studio = "label-studio"


def register(app: typer.Typer) -> None:
    """Add the commands to an app."""
    app.command("learn")(learn_cli)
    app.command("convert")(convert_cli)


def learn_cli(
    annotated: Annotated[
        list[Path],
        typer.Argument(
            help="Annotated documents, files or folders: .spacy, .conll, .jsonl (Prodigy, "
            "doccano), .json (Label Studio), .csv, .tsv"
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="New or empty directory for the pipeline")
    ],
    base: Annotated[
        str,
        typer.Option("--base", "-b", help="Name or path of the pipeline to begin from"),
    ] = "en_window_ner_sm",
    dev: Annotated[
        Path | None,
        typer.Option("--dev", help="Annotated documents to choose by, not to learn from"),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option("--label", help="A label to learn; default: all. Can be given several times"),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", "-s", help="Seed of the training")] = 0,
) -> None:
    """Learn from a handful of annotated documents, beginning from the network of a pipeline that
    has seen others, with other labels. How long to train and the threshold are chosen by
    cross-validation. Prints how good the result is, and what more documents are likely to add.
    """
    from .learn import learn_pipeline

    learn_pipeline(annotated, output, base=base, dev=dev, labels=labels or [], seed=seed)


def convert_cli(
    inputs_and_output: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT... OUTPUT",
            help="Annotated documents, files or folders: .spacy, .conll, .jsonl (Prodigy, "
            "doccano), .json (Label Studio), .csv, .tsv; then the file to write, or with --split "
            "the folder",
        ),
    ],
    form: Annotated[
        ExportFormat | None,
        typer.Option("--format", "-f", help="Format to write; default: that of the suffix"),
    ] = None,
    split: Annotated[
        float | None,
        typer.Option(
            "--split",
            help="Share of the documents, drawn at random, to write to dev; the others are train",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", "-s", help="Seed of the division")] = 0,
    lang: Annotated[
        str, typer.Option("--lang", "-l", help="Language, for texts without tokens")
    ] = "en",
) -> None:
    """Convert annotated documents between the formats of other tools: to .spacy, CoNLL, Prodigy,
    doccano or Label Studio.
    """
    from .convert import convert

    *inputs, output = inputs_and_output
    if not inputs:
        msg.fail("Give one or more inputs, and then the output", exits=1)
    convert(
        inputs,
        output,
        form=None if form is None else form.value,
        split=split,
        seed=seed,
        lang=lang,
    )
