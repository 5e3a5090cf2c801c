"""`python -m spacy window-ner names`: search a database of names."""

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

# The number of sentences that are printed for each answer.
_EVIDENCE = 3
Limit = Annotated[int, typer.Option("--limit", "-l", min=1, help="Maximum number of results")]
Label = Annotated[str | None, typer.Option("--label", help="Only names with this label")]


@app.callback()
def names(
    ctx: typer.Context,
    database: Annotated[Path, typer.Argument(metavar="DATABASE", help="Database file of `index`")],
) -> None:
    """Search a database of names. Find names, show one, ask a question, or save a graph."""
    ctx.obj = database


@app.command("find")
def find_names(
    ctx: typer.Context,
    query: Annotated[str, typer.Argument(help="Words of the name, or the beginnings of words")],
    limit: Limit = 20,
) -> None:
    """Find names by the words of any of their forms."""
    with explained("Cannot search the database"), reading(ctx.obj) as connection:
        found = lookup.find(connection, query, limit)
    if not found:
        msg.info(printable(f"No name matches {query!r}."))
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
        typer.Option("--sort", "-s", help="Sort related names by log-likelihood, pmi or count"),
    ] = "log-likelihood",
    limit: Limit = 20,
) -> None:
    """Show the labels, forms and mentions of a name, and the names in the same sentences."""
    with explained("Cannot show the name"), reading(ctx.obj) as connection:
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
        list[str] | None, typer.Option("--label", help="Label of the answer. Can be repeated")
    ] = None,
    words: Annotated[
        Path | None,
        typer.Option(
            "--words",
            help='JSON file that maps question words to labels, such as {"airline": ["carrier"]}',
        ),
    ] = None,
    min_probability: Annotated[
        float,
        typer.Option(
            "--min-probability",
            min=0.0,
            max=1.0,
            help="Give no answer if no name is at least this probable; 0 shows what there is",
        ),
    ] = questions.MIN_PROBABILITY,
    limit: Limit = 5,
) -> None:
    """Answer a question with names. Each answer is shown with the sentences that support it.
    Question words such as who, where, when or "which company" determine the labels of the answer.
    """
    with explained("Cannot answer the question"), reading(ctx.obj) as connection:
        answers = questions.ask(
            connection,
            question,
            labels=label or None,
            words=None if words is None else read_words(words),
            limit=limit,
            min_probability=min_probability,
        )
    if not answers:
        msg.info(
            f"No answer found with a probability of {min_probability:g} or more. "
            "--min-probability 0 shows the names that fit best."
        )
    for number, answer in enumerate(answers, start=1):
        msg.text(printable(f"{number}. {answer.name} ({answer.label})  {answer.probability:.3f}"))
        for one in answer.evidence[:_EVIDENCE]:
            place = f"{Path(one.source).name}:{one.position}"
            facts = f"[{place}, relevance {one.relevance:.2f}, probability {_p(one.probability)}]"
            print(wrap(printable(f"{one.sentence} {facts}"), indent=4))


@app.command("graph")
def save_graph(
    ctx: typer.Context,
    output: Annotated[Path, typer.Argument(help="File to save the graph to (.graphml or .html)")],
    top: Annotated[
        int, typer.Option("--top", min=1, help="Maximum number of pairs, the strongest first")
    ] = 100,
    min_count: Annotated[
        int, typer.Option("--min-count", min=1, help="Minimum number of sentences with both names")
    ] = 2,
    label: Label = None,
    numbers: Annotated[
        bool, typer.Option("--numbers", help="Include dates, amounts and other numbers")
    ] = False,
) -> None:
    """Save a graph of the names that occur in the same sentences."""
    with explained("Cannot save the graph"), reading(ctx.obj) as connection:
        found = network.find_network(
            connection, top=top, min_count=min_count, label=label, numbers=numbers
        )
        network.save_network(found, output)
    msg.good(f"Saved {len(found.nodes)} names and {len(found.edges)} pairs: {output}")


def read_words(path: Path) -> dict[str, list[str]]:
    """Read question words with their labels.

    path (Path): A JSON file of an object with lists of labels.
    RETURNS (Dict[str, List[str]]): The words.
    RAISES (ValueError): If the file does not exist, or has another form.
    """
    try:
        words = srsly.read_json(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"Cannot read {path}: {error}.") from error
    is_right = isinstance(words, dict) and all(
        isinstance(labels, list) and all(isinstance(label, str) for label in labels)
        for labels in words.values()
    )
    if not is_right:
        raise ValueError(
            f"{path} must contain a JSON object that maps words to lists of labels, such as "
            f'{{"airline": ["carrier"]}}.'
        )
    return words


def _p(probability: float | None) -> str:
    return "–" if probability is None else f"{probability:.3f}"


def _table(rows: Sequence[Sequence[object]], header: Sequence[str], aligns: str) -> None:
    if not rows:
        msg.text("None.")
        return
    cells = [tuple(printable(str(cell)) for cell in row) for row in rows]
    msg.table(cells, header=header, divider=True, aligns=tuple(aligns))
