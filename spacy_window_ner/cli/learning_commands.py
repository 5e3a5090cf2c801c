"""The command `convert`."""

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
    app.command("convert")(convert_cli)


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
