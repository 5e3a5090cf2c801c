"""`python -m spacy window-ner index`: write the names in texts into a database."""

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

# So many errors are printed; all are in the table `documents`.
_ERRORS = 10


@app.command("index")
def index_texts(
    model: Pipeline,
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...",
            help="Texts: .jsonl, .txt (a text on each line), .spacy; folders or globs of these",
        ),
    ],
    database: Annotated[
        Path,
        typer.Option(
            "--database",
            "-d",
            help="Database file. One that exists is added to; a run that was stopped goes on there",
        ),
    ],
    text_field: TextField = "text",
    id_field: Annotated[
        str | None,
        typer.Option("--id-field", help="Field of a name or number of each document in .jsonl"),
    ] = None,
    date_field: Annotated[
        str | None,
        typer.Option(
            "--date-field", help="Field of a date in .jsonl, such as 2001-04-03, to sort by"
        ),
    ] = None,
    people: Annotated[
        str,
        typer.Option(
            "--people",
            help="Comma-separated labels of people, whose titles and short names are recognized",
        ),
    ] = "PER,PERSON",
    batch_size: Annotated[
        int,
        typer.Option("--batch-size", "-b", min=1, help="Number of documents of a transaction"),
    ] = 256,
    code_path: Code = None,
) -> None:
    """Write the names that a pipeline finds in texts into a database, with the sentences that
    mention them. Mentions of one name are brought together: "Mr. Quinn's" and "Quinn" become
    "Samuel Quinn" where a document has exactly one. Documents that are there already are skipped.
    """
    import_code(code_path)
    nlp = load(model)
    fields = Fields(text_field, id_field, date_field)
    with explained("The texts cannot be indexed"), tqdm(unit="text") as bar:
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
        msg.warn(f"{len(progress.errors) - _ERRORS} further documents have errors")
    msg.good(
        f"Added {progress.added - len(progress.errors)} documents to {database}",
        f"{progress.unchanged} were there already, {progress.removed} were removed, "
        f"{len(progress.errors)} could not be read.",
    )
