"""`python -m spacy window-ner index` and `… names`: print what `mentions` finds."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import srsly
from spacy import util
from tqdm import tqdm
from wasabi import msg, wrap

from ..mentions import lookup, network, questions
from ..mentions.database import reading
from ..mentions.indexing import IndexingProgress, index
from ..mentions.reading import Fields

# So many errors are printed; all are in the table `documents`.
_ERRORS = 10
# So many sentences are printed for each answer.
_EVIDENCE = 3


def index_texts(
    model: str,
    inputs: Sequence[Path],
    database: Path,
    *,
    text_field: str = "text",
    id_field: str | None = None,
    date_field: str | None = None,
    people: Sequence[str] = ("PER", "PERSON"),
    batch_size: int = 256,
) -> IndexingProgress:
    """Add the names of texts to a database, and print what was done.

    model (str): Name or path of the pipeline.
    inputs (Sequence[Path]): The texts; see `mentions.reading`.
    database (Path): The database.
    text_field (str): The field of the texts in JSON lines.
    id_field (Optional[str]): The field of a name or number of each document.
    date_field (Optional[str]): The field of its date.
    people (Sequence[str]): The labels of people.
    batch_size (int): The number of documents of a transaction.
    RETURNS (IndexingProgress): What was done.
    RAISES (SystemExit): With a message, if something is wrong with the input.
    """
    with _explained(f"{model} cannot be loaded"):
        nlp = util.load_model(model)
    fields = Fields(text_field, id_field, date_field)
    with _explained("The texts cannot be indexed"), tqdm(unit="text") as bar:
        progress = index(
            nlp,
            inputs,
            database,
            fields=fields,
            people=people,
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
    return progress


def find_names(database: Path, query: str, limit: int = 20) -> None:
    """Print the names that have some words.

    database (Path): The database.
    query (str): The words, or how they begin.
    limit (int): The largest number of names.
    RAISES (SystemExit): With a message, if something is wrong with the input.
    """
    with _explained("No names were found"), reading(database) as connection:
        found = lookup.find(connection, query, limit)
    if not found:
        msg.info(printable(f"There is no name with {query!r}."))
        return
    rows = [(one.name, one.label, one.mentions, ", ".join(one.forms[:5])) for one in found]
    _table(rows, ("Name", "Label", "Mentions", "Forms"), "llrl")


def show_name(
    database: Path,
    name: str,
    *,
    label: str | None = None,
    sort: str = "log-likelihood",
    limit: int = 20,
) -> None:
    """Print what is known of a name.

    database (Path): The database.
    name (str): The name.
    label (Optional[str]): Its label.
    sort (str): What the names that occur with it are sorted by.
    limit (int): The largest number of mentions, and of names.
    RAISES (SystemExit): With a message, if something is wrong with the input.
    """
    with _explained("The name cannot be shown"), reading(database) as connection:
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


def ask_question(
    database: Path,
    question: str,
    *,
    labels: Sequence[str] | None = None,
    words_path: Path | None = None,
    limit: int = 5,
) -> None:
    """Print the names that may answer a question, with their evidence.

    database (Path): The database.
    question (str): The question.
    labels (Optional[Sequence[str]]): The labels of the answer.
    words_path (Optional[Path]): A JSON file of question words with their labels.
    limit (int): The largest number of answers.
    RAISES (SystemExit): With a message, if something is wrong with the input.
    """
    with _explained("The question cannot be answered"), reading(database) as connection:
        words = None if words_path is None else read_words(words_path)
        answers = questions.ask(connection, question, labels=labels, words=words, limit=limit)
    if not answers:
        msg.info("No sentence with these words has such a name, or is beside one that has.")
    for number, answer in enumerate(answers, start=1):
        msg.text(printable(f"{number}. {answer.name} ({answer.label})  {answer.score:.3f}"))
        for one in answer.evidence[:_EVIDENCE]:
            place = f"{Path(one.source).name}:{one.position}"
            facts = f"[{place}, relevance {one.relevance:.2f}, probability {_p(one.probability)}]"
            print(wrap(printable(f"{one.sentence} {facts}"), indent=4))


def save_graph(
    database: Path, output: Path, *, top: int = 100, min_count: int = 2, label: str | None = None
) -> None:
    """Save the graph of names that occur together.

    database (Path): The database.
    output (Path): The file, `.graphml` or `.html`.
    top (int): The largest number of pairs.
    min_count (int): The smallest number of sentences with both names.
    label (Optional[str]): The label of the names.
    RAISES (SystemExit): With a message, if something is wrong with the input.
    """
    with _explained("The graph cannot be saved"), reading(database) as connection:
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


def printable(text: str) -> str:
    """A text for the terminal, in which control characters of a document do nothing.

    text (str): The text.
    RETURNS (str): It in one line; control and format characters are replaced by a question mark.
    """
    return "".join(
        "?" if unicodedata.category(char) in ("Cc", "Cf", "Cs") else char
        for char in re.sub(r"\s+", " ", text)
    )


def _p(probability: float | None) -> str:
    return "–" if probability is None else f"{probability:.3f}"


def _table(rows: Sequence[Sequence[object]], header: Sequence[str], aligns: str) -> None:
    if not rows:
        msg.text("None.")
        return
    cells = [tuple(printable(str(cell)) for cell in row) for row in rows]
    msg.table(cells, header=header, divider=True, aligns=tuple(aligns))


@contextmanager
def _explained(title: str) -> Iterator[None]:
    """Print an error of the input, and exit."""
    try:
        yield
    except (ValueError, OSError) as error:
        msg.fail(title, printable(str(error)), exits=1)
