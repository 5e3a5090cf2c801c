"""Arguments and options that several commands share."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from click import NoSuchOption
from spacy.cli._util import parse_config_overrides
from wasabi import msg


class TaskFormat(str, Enum):
    """The formats of tasks of annotation."""

    prodigy = "prodigy"
    label_studio = "label-studio"


Model = Annotated[str, typer.Argument(help="Pipeline name or path")]
ANNOTATED_KINDS = ".spacy, .conll, .jsonl (Prodigy, doccano), .json (Label Studio), .csv, .tsv"
AnnotatedData = Annotated[
    Path, typer.Argument(help=f"Annotated documents (file or folder): {ANNOTATED_KINDS}")
]
Pipeline = Annotated[str, typer.Argument(metavar="PIPELINE", help="Pipeline name or path")]
Name = Annotated[
    str | None,
    typer.Option("--name", help="Component name, if the pipeline has several window_ner"),
]
Code = Annotated[
    Path | None,
    typer.Option(
        "--code",
        "-c",
        help="Path to Python file with additional code (registered functions) to be imported",
    ),
]
TextField = Annotated[str, typer.Option("--text-field", help="Field of .jsonl with the text")]
TasksIn = Annotated[
    TaskFormat,
    typer.Option(
        "--format", "-f", help="Format of the tasks: JSONL for Prodigy, JSON for Label Studio"
    ),
]
Base = Annotated[
    str | None,
    typer.Option(
        "--base",
        "-b",
        help="Name or path of the pipeline to start from; default: the installed one for the "
        "language, or a new network",
    ),
]

# The context settings of commands that have `overrides`.
WITH_OVERRIDES = {"allow_extra_args": True, "ignore_unknown_options": True}


def new_app(**settings: Any) -> typer.Typer:
    """RETURNS (Typer): An app for a command, with help in the style of spaCy's commands."""
    return typer.Typer(rich_markup_mode=None, add_completion=False, **settings)


def overrides(ctx: typer.Context) -> dict[str, Any]:
    """Read config settings that are given as options, as `spacy train` does.

    ctx (Context): The context of the command.
    RETURNS (Dict[str, Any]): The values by dotted name.
    RAISES (SystemExit): If an option has another form.
    """
    try:
        return parse_config_overrides(ctx.args)
    except NoSuchOption as error:
        return msg.fail(
            f"{error.format_message()} Write config settings as --section.name, for example "
            f"--initialize.vectors.",
            exits=1,
        )
