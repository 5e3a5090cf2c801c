"""The commands `index` and `names`: a database of the names in many texts."""

from pathlib import Path
from typing import Annotated

import typer
from spacy.cli._util import import_code, string_to_list

from .options import Code, Pipeline, TextField

LIMIT = typer.Option("--limit", "-l", min=1, help="The largest number of rows")
LABEL = typer.Option("--label", help="Only names with this label")


def index_cli(
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
    from .names import index_texts

    import_code(code_path)
    index_texts(
        model,
        inputs,
        database,
        text_field=text_field,
        id_field=id_field,
        date_field=date_field,
        people=string_to_list(people),
        batch_size=batch_size,
    )


names = typer.Typer(name="names", no_args_is_help=True)


@names.callback()
def names_cli(
    ctx: typer.Context,
    database: Annotated[Path, typer.Argument(metavar="DATABASE", help="Database of `index`")],
) -> None:
    """Look into a database of names: find names, show one, ask a question, or save a graph."""
    ctx.obj = database


@names.command("find")
def find_cli(
    ctx: typer.Context,
    query: Annotated[str, typer.Argument(help="Words of the name, or how they begin")],
    limit: Annotated[int, LIMIT] = 20,
) -> None:
    """Find names by words of any of their forms."""
    from .names import find_names

    find_names(ctx.obj, query, limit)


@names.command("show")
def show_cli(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The name")],
    label: Annotated[str | None, LABEL] = None,
    sort: Annotated[
        str,
        typer.Option("--sort", "-s", help="Sort companions by log-likelihood, pmi or count"),
    ] = "log-likelihood",
    limit: Annotated[int, LIMIT] = 20,
) -> None:
    """Show a name: its labels and forms, the sentences that mention it, and the names in them."""
    from .names import show_name

    show_name(ctx.obj, name, label=label, sort=sort, limit=limit)


@names.command("ask")
def ask_cli(
    ctx: typer.Context,
    question: Annotated[str, typer.Argument(help='Such as "Who wrote Lord of the Flies?"')],
    label: Annotated[
        list[str] | None, typer.Option("--label", help="Label of the answer; can be repeated")
    ] = None,
    words: Annotated[
        Path | None,
        typer.Option(
            "--words",
            help='JSON file of question words with their labels, such as {"airline": ["carrier"]}',
        ),
    ] = None,
    limit: Annotated[int, LIMIT] = 5,
) -> None:
    """Answer a question by names, each with the sentences that it was found in. Who, where, when
    and words like company say which labels the answer may have.
    """
    from .names import ask_question

    ask_question(ctx.obj, question, labels=label or None, words_path=words, limit=limit)


@names.command("graph")
def graph_cli(
    ctx: typer.Context,
    output: Annotated[Path, typer.Argument(help="File to save, .graphml or .html")],
    top: Annotated[
        int, typer.Option("--top", min=1, help="The largest number of pairs, the strongest first")
    ] = 100,
    min_count: Annotated[
        int, typer.Option("--min-count", min=1, help="Smallest number of sentences with both names")
    ] = 2,
    label: Annotated[str | None, LABEL] = None,
) -> None:
    """Save a graph of the names that occur in the same sentences."""
    from .names import save_graph

    save_graph(ctx.obj, output, top=top, min_count=min_count, label=label)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("index")(index_cli)
    app.add_typer(names)
