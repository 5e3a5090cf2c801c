"""`python -m spacy window-ner index` and `… names`."""

import re

import pytest
import srsly
from typer.testing import CliRunner

from spacy_window_ner.cli import app
from spacy_window_ner.cli.output import printable
from tests.mentions.texts import TEXTS, ruler, write_texts


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A pipeline and texts, indexed."""
    path = tmp_path_factory.mktemp("names")
    ruler().to_disk(path / "pipeline")
    write_texts(path / "texts.jsonl", TEXTS)
    printed = run("index", path / "pipeline", path / "texts.jsonl", "--database", path / "names.db")
    assert "Added 6 documents" in printed
    return path


def run(*args: object, code: int = 0) -> str:
    """What a command prints, in one line and without colors."""
    outcome = CliRunner().invoke(app, [str(arg) for arg in args])
    assert outcome.exit_code == code, (outcome.output, outcome.exception)
    return " ".join(re.sub(r"\x1b\[[\d;]*m", "", outcome.output).split())


def test_index_again(folder):
    args = ("index", folder / "pipeline", folder / "texts.jsonl", "-d", folder / "names.db")
    printed = run(*args)
    assert "Added 0 documents" in printed and "6 were unchanged" in printed
    assert "people was" in run(*args, "--people", "HUMAN", code=1)
    assert "Cannot load the pipeline nowhere" in run("index", "nowhere", *args[2:], code=1)


def test_index_says_what_could_not_be_read(folder, tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text("{\n" * 12 + '{"text": "Oslo."}\n', encoding="utf8")
    printed = run("index", folder / "pipeline", path, "--database", tmp_path / "names.db")
    assert "texts.jsonl:1: invalid JSON" in printed
    assert "2 more documents have errors" in printed
    assert "Added 1 documents" in printed and "12 could not be read" in printed


def test_find(folder):
    printed = run("names", folder / "names.db", "find", "sam")
    assert "Samuel Quinn PER 4 Samuel Quinn, Quinn, SAMUEL QUINN" in printed
    assert "No name matches 'nobody'" in run("names", folder / "names.db", "find", "nobody")


def test_show(folder):
    printed = run("names", folder / "names.db", "show", "samuel quinn", "--sort", "count")
    assert "PER 4 1.00 –" in printed
    assert "texts.jsonl:1 PER – Quinn moved to Paris in 1989." in printed
    assert re.search(r"Anna Berg PER 2 \d", printed)
    assert "There are: Anna Berg" in run("names", folder / "names.db", "show", "Berg", code=1)


def test_ask(folder, tmp_path):
    printed = run("names", folder / "names.db", "ask", "Where was Samuel Quinn born?")
    assert "1. Oslo (LOC)" in printed
    assert "Samuel Quinn was born in Oslo. [texts.jsonl:1, relevance" in printed
    question = ("names", folder / "names.db", "ask", "Which office was closed?")
    assert "not clear what kind of name" in run(*question, code=1)
    assert "1. Lima (LOC)" in run(*question, "--label", "LOC")
    srsly.write_json(tmp_path / "words.json", {"office": ["loc"]})
    assert "1. Lima (LOC)" in run(*question, "--words", tmp_path / "words.json")
    srsly.write_json(tmp_path / "words.json", {"office": "loc"})
    assert "must contain a JSON object" in run(
        *question, "--words", tmp_path / "words.json", code=1
    )
    assert "none.json" in run(*question, "--words", tmp_path / "none.json", code=1)
    nothing = run("names", folder / "names.db", "ask", "Where do zebras live?")
    assert "No answer found with a probability of 0.18 or more" in nothing
    low = ("names", folder / "names.db", "ask", "Where was Anna Berg arrested?")
    assert "No answer found" in run(*low)
    assert "1. " in run(*low, "--min-probability", 0)


@pytest.mark.parametrize("name", ["graph.html", "graph.graphml"])
def test_graph(folder, tmp_path, name):
    printed = run("names", folder / "names.db", "graph", tmp_path / name, "--min-count", 1)
    assert "Saved" in printed and "pairs" in printed
    assert "Samuel Quinn" in (tmp_path / name).read_text(encoding="utf8")
    wrong = ("names", folder / "names.db", "graph", tmp_path / "graph.png")
    assert "must end in .graphml" in run(*wrong, code=1)


def test_there_is_no_database(tmp_path):
    printed = run("names", tmp_path / "none.db", "find", "Oslo", code=1)
    assert "does not exist" in printed


def test_terminals_are_not_controlled():
    assert printable("\x1b[31mRed\x07\u202eevil\n  next") == "?[31mRed??evil next"
