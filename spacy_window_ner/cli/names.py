"""`python -m spacy window-ner names`: look into a database of names."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import srsly
import typer
from wasabi import msg, wrap

from ..mentions import lookup, network, questions
from ..mentions.database import reading
from .inputs import explained
from .options import new_app
from .output import printable

app = new_app(no_args_is_help=True)

# So many sentences are printed for each answer.
_EVIDENCE = 3
Limit = Annotated[int, typer.Option("--limit", "-l", min=1, help="The largest number of rows")]
Label = Annotated[str | None, typer.Option("--label", help="Only names with this label")]


@app.callback()
def names(
    ctx: typer.Context,
    database: Annotated[Path, typer.Argument(metavar="DATABASE", help="Database of `index`")],
) -> None:
    """Look into a database of names: find names, show one, ask a question, or save a graph."""
    ctx.obj = database


@app.command("find")
def find_names(
    ctx: typer.Context,
    query: Annotated[str, typer.Argument(help="Words of the name, or how they begin")],
    limit: Limit = 20,
) -> None:
    """Find names by words of any of their forms."""
    with explained("No names were found"), reading(ctx.obj) as connection:
        found = lookup.find(connection, query, limit)
    if not found:
        msg.info(printable(f"There is no name with {query!r}."))
        return
    rows = [(one.name, one.label, one.mentions, ", ".join(one.forms[:5])) for one in found]
    _table(rows, ("Name", "Label", "Mentions", "Forms"), "llrl")


@app.command("show")
def show_name(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The name")],
    label: Label = None,
    sort: Annotated[
        str,
        typer.Option("--sort", "-s", help="Sort companions by log-likelihood, pmi or count"),
    ] = "log-likelihood",
    limit: Limit = 20,
) -> None:
    """Show a name: its labels and forms, the sentences that mention it, and the names in them."""
    with explained("The name cannot be shown"), reading(ctx.obj) as connection:
        shown = lookup.show(connection, name, label=label, sort=sort, limit=limit)
    msg.divider(printable(shown.name))
    _table(
        [
            (one.label, one.mentions, f"{one.share:.2f}", _p(one.probability))
            for one in shown.labels
        ],
        ("Label", "Mentions", "Share", "Probability"),
        "lrrr",
    )
    msg.text(printable("Forms: " + ", ".join(f"{text} ({n})" for text, n in shown.forms[:10])))
    msg.divider("Mentions")
    for row in shown.timeline:
        when = f"{row['date']} " if row["date"] else ""
        place = row["document"] or f"{Path(row['source']).name}:{row['position']}"
        msg.text(printable(f"{when}{place}  {row['label']} {_p(row['probability'])}"))
        print(wrap(printable(row["sentence"]), indent=4))
    msg.divider("Names in the same sentences")
    _table(
        [
            (one.name, one.label, one.sentences, f"{one.log_likelihood:.1f}", f"{one.pmi:.2f}")
            for one in shown.companions
        ],
        ("Name", "Label", "Sentences", "Log-likelihood", "PMI"),
        "llrrr",
    )


@app.command("ask")
def ask_question(
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
    limit: Limit = 5,
) -> None:
    """Answer a question by names, each with the sentences that it was found in. Who, where, when
    and words like company say which labels the answer may have.
    """
    with explained("The question cannot be answered"), reading(ctx.obj) as connection:
        answers = questions.ask(
            connection,
            question,
            labels=label or None,
            words=None if words is None else read_words(words),
            limit=limit,
        )
    if not answers:
        msg.info("No sentence with these words has such a name, or is beside one that has.")
    for number, answer in enumerate(answers, start=1):
        msg.text(printable(f"{number}. {answer.name} ({answer.label})  {answer.score:.3f}"))
        for one in answer.evidence[:_EVIDENCE]:
            place = f"{Path(one.source).name}:{one.position}"
            facts = f"[{place}, relevance {one.relevance:.2f}, probability {_p(one.probability)}]"
            print(wrap(printable(f"{one.sentence} {facts}"), indent=4))


@app.command("graph")
def save_graph(
    ctx: typer.Context,
    output: Annotated[Path, typer.Argument(help="File to save, .graphml or .html")],
    top: Annotated[
        int, typer.Option("--top", min=1, help="The largest number of pairs, the strongest first")
    ] = 100,
    min_count: Annotated[
        int, typer.Option("--min-count", min=1, help="Smallest number of sentences with both names")
    ] = 2,
    label: Label = None,
) -> None:
    """Save a graph of the names that occur in the same sentences."""
    with explained("The graph cannot be saved"), reading(ctx.obj) as connection:
        found = network.find_network(connection, top=top, min_count=min_count, label=label)
        network.save_network(found, output)
    msg.good(f"Saved {len(found.nodes)} names and {len(found.edges)} pairs: {output}")


def read_words(path: Path) -> dict[str, list[str]]:
    """Read question words with their labels.

    path (Path): A JSON file of an object with lists of labels.
    RETURNS (Dict[str, List[str]]): The words.
    RAISES (ValueError): If there is no such file, or it has another form.
    """
    try:
        words = srsly.read_json(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}.") from error
    is_right = isinstance(words, dict) and all(
        isinstance(labels, list) and all(isinstance(label, str) for label in labels)
        for labels in words.values()
    )
    if not is_right:
        raise ValueError(f'{path} is not of the form {{"airline": ["carrier"]}}.')
    return words


def _p(probability: float | None) -> str:
    return "–" if probability is None else f"{probability:.3f}"


def _table(rows: Sequence[Sequence[object]], header: Sequence[str], aligns: str) -> None:
    if not rows:
        msg.text("None.")
        return
    cells = [tuple(printable(str(cell)) for cell in row) for row in rows]
    msg.table(cells, header=header, divider=True, aligns=tuple(aligns))
