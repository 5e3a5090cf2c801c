import sys
from pathlib import Path

import pytest
import spacy
from typer.testing import CliRunner

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import names  # noqa: E402

from spacy_window_ner.mentions.database import reading  # noqa: E402


def test_the_questions_can_be_read():
    questions = names.read_questions(names.QUESTIONS)
    assert len({question.text for question in questions}) == 80
    assert sum(not question.answers for question in questions) == 20
    assert questions[0].keys == {"windsor", "windsor vermont", "vermont"}


@pytest.mark.parametrize("line", ["No answer?", "No answer?\t", "One answer?\tOslo | "])
def test_a_wrong_line(tmp_path, line):
    (tmp_path / "questions.txt").write_text(f"# comment\n{line}\n", encoding="utf8")
    with pytest.raises(ValueError, match="Line 2 of"):
        names.read_questions(tmp_path / "questions.txt")


def test_shares():
    found = [[True], [False, True], [False] * 5 + [True], [], [False, True, True]]
    assert names.measure(found) == {"first": 1 / 5, "first_five": 3 / 5}


def pipeline(folder: Path) -> Path:
    """A pipeline that finds the places of the corpus."""
    nlp = spacy.blank("en")
    patterns = [{"label": "LOC", "pattern": place} for place in ("Oslo", "Rome", "Bonn")]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)
    nlp.to_disk(folder / "pipeline")
    return folder / "pipeline"


def test_names_and_baselines(data, tmp_path):
    corpus = data / "places"
    for part in ("train", "dev", "test"):
        text = f"Ann O\nsaw O\nMt O\nBerg O\nin O\nBonn B-LOC\non O\n{part} O\n"
        (corpus / f"{part}.conll").write_text(text, encoding="utf8")
    questions = [names.Question("Where did Ann see Mt Berg?", ("Bonn",))]
    questions.append(names.Question("Where do zebras live?", ()))
    results = dict(names.run(str(pipeline(tmp_path)), data, ["places"], questions, tmp_path))
    assert results["texts of places"] == results["documents"] == 3
    assert (results["mentions"], results["names"]) == (3, 1)
    assert results["without an answer"] == {"asked": 1, "none given": 1}
    assert results["not in the first five"] == []
    for way in names.WAYS:
        assert results[way] == {"first": 1.0, "first_five": 1.0}
    wrong = names.Question("Where did Ann see Mt Berg?", ("Rome",))
    with reading(tmp_path / "names.db") as connection:
        for judge in names.WAYS.values():
            assert not any(judge(connection, wrong))


def test_running_text_is_joined(data, tmp_path, monkeypatch):
    monkeypatch.setattr(names, "RUNNING", ("places",))
    assert names.write_texts(data / "places", tmp_path / "texts.jsonl") == 6


def test_the_command(data, tmp_path):
    import typer

    app = typer.Typer()
    app.command()(names.main)
    (tmp_path / "questions.txt").write_text("Where is it in?\tOslo\n", encoding="utf8")
    arguments = [pipeline(tmp_path), data, "--corpus", "places"]
    arguments += ["--questions", tmp_path / "questions.txt"]
    outcome = CliRunner().invoke(app, list(map(str, arguments)))
    assert outcome.exit_code == 0, outcome.output
    assert '"first_five"' in outcome.output
