"""`python -m spacy window-ner index`: build a database of the names in texts."""

from pathlib import Path
from typing import Annotated

import typer
from spacy.cli._util import import_code, string_to_list
from tqdm import tqdm
from wasabi import msg

from ..mentions.indexing import index
from ..mentions.reading import Fields
from .inputs import explained, load
from .options import Code, Pipeline, TextField, new_app
from .output import printable

app = new_app()

# The number of errors that are printed. The table `documents` contains all of them.
_ERRORS = 10


@app.command("index")
def index_texts(
    model: Pipeline,
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...",
            help="Texts: .jsonl, .txt (one text per line), .spacy; or folders or globs of these",
        ),
    ],
    database: Annotated[
        Path,
        typer.Option(
            "--database",
            "-d",
            help="Database file. Texts are added to an existing database, and an interrupted run "
            "resumes there",
        ),
    ],
    text_field: TextField = "text",
    id_field: Annotated[
        str | None,
        typer.Option("--id-field", help="Field of .jsonl that contains an identifier"),
    ] = None,
    date_field: Annotated[
        str | None,
        typer.Option(
            "--date-field", help="Field of .jsonl that contains a date, such as 2001-04-03"
        ),
    ] = None,
    people: Annotated[
        str,
        typer.Option(
            "--people",
            help="Comma-separated labels of people, for which titles and short names are merged",
        ),
    ] = "PER,PERSON",
    batch_size: Annotated[
        int,
        typer.Option("--batch-size", "-b", min=1, help="Number of documents per transaction"),
    ] = 256,
    code_path: Code = None,
) -> None:
    """Build a database of the names in texts. It contains the names that a pipeline finds, and the
    sentences that mention them. Different forms of a name are merged: "Mr. Quinn's" and "Quinn"
    become "Samuel Quinn" if the document has exactly one full name that fits. Documents that are
    already in the database are skipped.
    """
    import_code(code_path)
    nlp = load(model)
    fields = Fields(text_field, id_field, date_field)
    with explained("Cannot index the texts"), tqdm(unit="text") as bar:
        progress = index(
            nlp,
            inputs,
            database,
            fields=fields,
            people=string_to_list(people),
            batch_size=batch_size,
            done=bar.update,
        )
    for path, position, error in progress.errors[:_ERRORS]:
        msg.warn(printable(f"{path}:{position}: {error}"))
    if len(progress.errors) > _ERRORS:
        msg.warn(f"{len(progress.errors) - _ERRORS} more documents have errors")
    msg.good(
        f"Added {progress.added - len(progress.errors)} documents to {database}",
        f"{progress.unchanged} were unchanged, {progress.removed} were removed, "
        f"{len(progress.errors)} could not be read.",
    )
