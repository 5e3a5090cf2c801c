"""What a database of names answers: questions over annotated corpora, beside full-text search.

    python benchmarks/names.py en_window_ner_sm ../shared/data

The texts of the corpora are indexed with the pipeline, without their annotation. Sentences of
wikigold, which follow each other but are not divided into documents, are joined in tens. The
questions are those of `tests/data/questions.txt`, written over wikigold and crossner before the
first run. Two baselines use the same full-text search without names: the answer stands somewhere in
the sentence, so that a reader would find it there; and the first words with capital letters or
digits in the sentences that are not in the question, the way to guess a name without a recognizer.
"""

import json
import re
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import spacy
import srsly
import typer
from data import SPLITS, convert_corpus
from reading import to_documents
from spacy.tokens import Doc
from wasabi import msg

from spacy_window_ner.mentions.database import reading
from spacy_window_ner.mentions.grouping import name_key
from spacy_window_ner.mentions.indexing import index
from spacy_window_ner.mentions.question_words import content_words
from spacy_window_ner.mentions.questions import ask

QUESTIONS = Path(__file__).parents[1] / "tests" / "data" / "questions.txt"
CORPORA = ("wikigold", "crossner")
# Corpora of running text that do not say where documents begin.
RUNNING = ("wikigold",)
FIRST = 5
NO_ANSWER = "-"
_CAPITALIZED = re.compile(
    r"(?:[A-Z\d][\w.'-]*)(?: (?:of|de|von|the|and) (?=[A-Z])| [A-Z\d][\w.'-]*)*"
)


@dataclass(frozen=True)
class Question:
    """A question.

    text (str): The question.
    answers (Tuple[str]): What counts as a right answer; empty if the texts have none.
    """

    text: str
    answers: tuple[str, ...]

    @property
    def keys(self) -> set[str]:
        """The answers without case, punctuation and the like."""
        return {name_key(answer, person=True) for answer in self.answers}


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """YIELDS (Tuple[int, str]): The lines of a file that are neither empty nor comments (#), and
    their numbers, from 1 up.
    """
    for number, line in enumerate(path.read_text(encoding="utf8").splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            yield number, line


def read_questions(path: Path) -> list[Question]:
    """Read questions.

    path (Path): On each line a question, a tab, and right answers with ` | ` between them, or - if
        there is none; lines that begin with # are comments.
    RETURNS (List[Question]): The questions.
    RAISES (ValueError): If a line has another form.
    """
    questions = []
    for number, line in lines_of(path):
        text, tab, answers = line.partition("\t")
        if not tab or not all(answer.strip() for answer in answers.split("|")):
            raise ValueError(f"Line {number} of {path} is no question, tab, and answers.")
        right = () if answers == NO_ANSWER else tuple(one.strip() for one in answers.split("|"))
        questions.append(Question(text, right))
    return questions


def read_corpus(folder: Path, splits: Collection[str] = SPLITS) -> dict[str, list[Doc]]:
    """Read the documents of a corpus with their entities.

    folder (Path): The corpus.
    splits (Collection[str]): The parts of it.
    RETURNS (Dict[str, List[Doc]]): The documents by part. Running text is joined.
    """
    with tempfile.TemporaryDirectory() as converted:
        found = convert_corpus(folder, Path(converted), spacy.blank("en"))
        docs = {name: found[name].annotated() for name in found if name in splits}
    if folder.name in RUNNING:
        docs = {name: to_documents(several) for name, several in docs.items()}
    return docs


def write_texts(folder: Path, output: Path) -> int:
    """Write the texts of a corpus as JSON lines.

    folder (Path): The corpus.
    output (Path): The file.
    RETURNS (int): The number of texts.
    """
    rows = [
        {"text": doc.text, "id": f"{name}-{i}"}
        for name, docs in read_corpus(folder).items()
        for i, doc in enumerate(docs)
    ]
    srsly.write_jsonl(output, rows)
    return len(rows)


def measure(found: Sequence[Sequence[bool]]) -> dict[str, float]:
    """The shares of questions whose first result is right, and one of the first five."""
    n = len(found)
    return {
        "first": sum(any(results[:1]) for results in found) / n,
        "first_five": sum(any(results[:FIRST]) for results in found) / n,
    }


def by_names(connection: Any, question: Question) -> list[bool]:
    """Whether each answer of the database is right."""
    answers = ask(connection, question.text, limit=FIRST)
    return [name_key(answer.name, person=True) in question.keys for answer in answers]


def by_sentences(connection: Any, question: Question) -> list[bool]:
    """Whether each sentence of a full-text search has an answer."""
    patterns = [re.compile(rf"\b{re.escape(a)}(?!\w)", re.IGNORECASE) for a in question.answers]
    sentences = search(connection, question.text)
    return [any(pattern.search(text) for pattern in patterns) for text in sentences]


def by_capitals(connection: Any, question: Question) -> list[bool]:
    """Whether each sequence of words with capital letters in these sentences is an answer."""
    asked = set(name_key(question.text).split())
    keys: dict[str, None] = {}
    for text in search(connection, question.text):
        for match in _CAPITALIZED.finditer(text):
            key = name_key(match[0], person=True)
            if not set(key.split()) <= asked:
                keys[key] = None
    return [key in question.keys for key in list(keys)[:FIRST]]


def search(connection: Any, question: str) -> list[str]:
    """The best sentences by BM25, without what the database knows of names."""
    query = " OR ".join(f'"{word}"' for word in content_words(question, "en"))
    rows = connection.execute(
        "SELECT text FROM sentences_fts WHERE sentences_fts MATCH ? "
        "ORDER BY bm25(sentences_fts), rowid LIMIT ?",
        (f"text : ({query})", FIRST),
    )
    return [row[0] for row in rows]


WAYS: dict[str, Callable[[Any, Question], list[bool]]] = {
    "names of the database": by_names,
    "full-text search, answer somewhere in the sentence": by_sentences,
    "full-text search, words with capital letters": by_capitals,
}


def run(
    model: str, data: Path, corpora: Sequence[str], questions: list[Question], folder: Path
) -> Iterator[tuple[str, Any]]:
    """Index corpora and ask. YIELDS (Tuple[str, Any]): Names and values of results."""
    texts = []
    for corpus in corpora:
        texts.append(folder / f"{corpus}.jsonl")
        yield f"texts of {corpus}", write_texts(data / corpus, texts[-1])
    database = folder / "names.db"
    nlp = spacy.load(model)
    start = perf_counter()
    index(nlp, texts, database)
    yield "seconds to index", round(perf_counter() - start, 1)
    yield "megabytes", round(database.stat().st_size / 1e6, 1)
    answerable = [question for question in questions if question.answers]
    with reading(database) as connection:
        for table in ("documents", "sentences", "mentions", "names"):
            yield table, connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
        start = perf_counter()
        for way, judge in WAYS.items():
            found = [judge(connection, question) for question in answerable]
            yield way, measure(found)
            if judge is by_names:
                yield (
                    "milliseconds a question",
                    round(1000 * (perf_counter() - start) / len(answerable), 1),
                )
                none = [not by_names(connection, one) for one in questions if not one.answers]
                yield "without an answer", {"asked": len(none), "none given": sum(none)}
                yield (
                    "not in the first five",
                    [
                        question.text
                        for question, results in zip(answerable, found, strict=True)
                        if not any(results)
                    ],
                )


# The arguments of `questions.py` too.
Model = Annotated[str, typer.Argument(help="Pipeline name or path")]
Data = Annotated[Path, typer.Argument(help="Folder of the corpora", exists=True)]
Corpora = Annotated[list[str] | None, typer.Option(help="Corpora to index; can be repeated")]
Questions = Annotated[Path, typer.Option(help="The questions", exists=True)]


def main(
    model: Model, data: Data, corpus: Corpora = None, questions: Questions = QUESTIONS
) -> None:
    """Index corpora with a pipeline, ask questions, and print the results as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        asked = read_questions(questions)
        results = dict(run(model, data, corpus or CORPORA, asked, Path(folder)))
    msg.divider(f"{len(asked)} questions")
    print(json.dumps(results, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    typer.run(main)
