"""The command `report`."""

from pathlib import Path
from typing import Annotated

import typer

from .options import AnnotatedData, Code, Model


def register(app: typer.Typer) -> None:
    """Add the command to an app."""
    app.command("report")(report_cli)


def report_cli(
    model: Model,
    data_path: AnnotatedData,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="HTML file to write the report to")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", "-a", help="Name or path of another pipeline to compare with"),
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(
            "--train", "-t", help="The training data, to tell names seen there from others"
        ),
    ] = None,
    json_path: Annotated[
        Path | None, typer.Option("--json", "-j", help="JSON file to write all facts to")
    ] = None,
    rename: Annotated[
        list[str] | None,
        typer.Option(
            "--rename",
            "-r",
            help="LABEL=NAME: read a label of the pipelines as another one. LABEL= leaves its "
            "entities out. Can be given several times",
        ),
    ] = None,
    code_path: Code = None,
) -> None:
    """Show how good a pipeline is and what it gets wrong, on annotated documents: in short here, in
    full as a page with --output. For any pipeline that sets doc.ents; what needs probabilities is
    left out where there are none.
    """
    from spacy.cli._util import import_code

    from .report import report

    import_code(code_path)
    report(
        model,
        data_path,
        output=output,
        against=against,
        train=train,
        json_path=json_path,
        rename=rename or [],
    )
