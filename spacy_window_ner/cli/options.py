"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[str, typer.Argument(help="Model name or path")]
AnnotatedData = Annotated[
    Path,
    typer.Argument(
        help="Annotated documents, a file or a folder: .spacy, .conll, .jsonl (Prodigy, doccano), "
        ".json (Label Studio), .csv, .tsv"
    ),
]
Pipeline = Annotated[str, typer.Argument(metavar="PIPELINE", help="Pipeline name or path")]
Name = Annotated[
    str | None,
    typer.Option("--name", help="Name of the component, if there are several window_ner"),
]
Code = Annotated[
    Path | None,
    typer.Option(
        "--code",
        "-c",
        help="Path to Python file with additional code (registered functions) to be imported",
    ),
]
TextField = Annotated[str, typer.Option("--text-field", help="Field of the texts in .jsonl")]
