"""`python -m spacy window-ner report`."""

import re
from pathlib import Path

import pytest
import spacy
import srsly
from typer.testing import CliRunner

from spacy_window_ner.cli import app
from spacy_window_ner.cli.report import _titles
from tests.pipelines import corpus, make_examples, save_corpus, trained

DATA = [*corpus(12), *(text.replace("[PER Bob]", "[ORG Bob]") for text in corpus(8))]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "best"
    trained(corpus(6)).to_disk(path)
    return path


@pytest.fixture(scope="module")
def ruler(tmp_path_factory) -> Path:
    """A pipeline without probabilities, with labels of its own."""
    path = tmp_path_factory.mktemp("ruler") / "rules"
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns(
        [
            {"label": "GPE", "pattern": "Rome"},
            {"label": "PERSON", "pattern": "Bob"},
            {"label": "CARDINAL", "pattern": [{"IS_DIGIT": True}]},
        ]
    )
    nlp.to_disk(path)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return save_corpus(tmp_path_factory.mktemp("data") / "test.spacy", DATA)


def run(*args: object) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["report", *map(str, args)])
    return outcome.exit_code, " ".join(outcome.output.split())


def test_a_report(model, data, tmp_path):
    output, facts_path = tmp_path / "new" / "report.html", tmp_path / "facts.json"
    train = save_corpus(tmp_path / "train.spacy", corpus(2))
    code, printed = run(model, data, "-o", output, "--json", facts_path, "--train", train)
    assert code == 0, printed
    nlp = spacy.load(model)
    scores = nlp.evaluate(make_examples(nlp, DATA))
    found = srsly.read_json(facts_path)
    assert found["pipeline"] == str(model)
    total = found["facts"]["labels"][-1]
    assert total["f"] == pytest.approx(scores["ents_f"])
    figures = " ".join(f"{100 * total[name]:.1f}" for name in "prf")
    assert re.search(rf"all {re.escape(figures)} \S+–\S+ {total['predicted']} 40", printed)
    assert "20 documents" in printed
    # Of the numbers in the texts, those from 6 to 11 are not among the data that it has learned.
    seen = found["facts"]["known"]["seen"]
    assert 0.9 < seen < 1
    assert f"Of the words, {seen:.1%} were seen in training" in printed
    assert "right span, wrong label" in printed
    assert "seen with this label" in printed
    assert "ECE of" in printed
    assert f"Annotation that is probably wrong: {len(found['doubts'])} entities" in printed
    page = output.read_text("utf8")
    assert page.startswith("<!doctype html>")
    assert "model-best" not in page
    assert "seen with this label" in page
    assert f"Of the words, {seen:.1%} were seen in training." in page
    assert f"Annotation to check: {len(found['doubts'])}" in page
    # Nothing unfinished is left behind, and a report can be made anew.
    assert [path.name for path in output.parent.iterdir()] == ["report.html"]
    code, printed = run(model, data, "-o", output)
    assert code == 0, printed
    assert "seen with this label" not in output.read_text("utf8")


def test_a_pipeline_without_probabilities_against_another(model, ruler, data, tmp_path):
    output, facts_path = tmp_path / "report.html", tmp_path / "facts.json"
    code, printed = run(ruler, data, "-o", output, "-j", facts_path, "--against", model)
    assert code == 0, printed
    assert "CARDINAL, GPE, PERSON" in printed
    assert "--rename LABEL=NAME" in printed
    assert "ECE" not in printed
    names = ["-r", "PERSON=PER", "-r", "GPE=LOC", "-r", "CARDINAL="]
    code, printed = run(ruler, data, "-o", output, "-j", facts_path, "-a", model, *names)
    assert code == 0, printed
    assert "--rename" not in printed
    found = srsly.read_json(facts_path)
    assert found["facts"]["scored"] is None
    assert "doubts" not in found
    assert [row["name"] for row in found["facts"]["labels"]] == ["LOC", "ORG", "PER", "all"]
    comparison = found["against"]["comparison"]
    n_right = [comparison["both"], *(len(comparison[f"only_{x}"]) for x in ("first", "second"))]
    assert sum(n_right) + comparison["neither"] == 40
    assert n_right[0] + n_right[1] == found["facts"]["labels"][-1]["correct"]
    assert n_right[0] + n_right[2] == found["against"]["facts"]["labels"][-1]["correct"]
    assert f"both {n_right[0]}" in printed
    page = output.read_text("utf8")
    assert 'id="against"' in page
    assert 'id="scored"' not in page


def test_renamed_labels_and_annotation_to_check(model, data, tmp_path):
    output = tmp_path / "report.html"
    for name, is_shown in (("GPE=LOC", True), ("LOC=GPE", False)):
        code, printed = run(model, data, "-o", output, "--rename", name)
        assert code == 0, printed
        assert ("Annotation that is probably wrong" in printed) == is_shown
        assert ("Annotation to check" in output.read_text("utf8")) == is_shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rename", "PERSON"], "--rename must be LABEL=NAME, got 'PERSON'"),
        (["--rename", "=PER"], "--rename must be LABEL=NAME, got '=PER'"),
        (["--output", "x.html", "--json", "x.html"], "are the same file: x.html"),
        (["--train", "README.md"], "README.md has an unknown file type"),
        (["--train", "none.spacy"], "No files found at none.spacy"),
    ],
)
def test_wrong_arguments(model, data, arguments, message):
    code, printed = run(model, data, *arguments)
    assert code == 1
    assert message in printed


def test_wrong_files(model, data, tmp_path):
    code, printed = run(model, tmp_path / "none.spacy")
    assert code == 1
    assert "No files found at" in printed
    code, printed = run(model, data, "--output", tmp_path)
    assert code == 1
    assert "It is a folder" in printed
    (tmp_path / "file").write_text("x")
    code, printed = run(model, data, "--output", tmp_path / "file" / "report.html")
    assert code == 1
    assert "Cannot write to" in printed
    code, printed = run(model, tmp_path / "file")
    assert code == 1
    assert "has an unknown file type" in printed
    bad = tmp_path / "bad.spacy"
    bad.write_text("x")
    code, printed = run(model, bad)
    assert code == 1
    assert "Cannot read" in printed
    nothing = save_corpus(tmp_path / "nothing.spacy", [])
    code, printed = run(model, nothing)
    assert code == 1
    assert "has annotated entities" in printed


def test_titles_are_short_and_differ():
    assert _titles("en_core_web_sm", None)[0] == "en_core_web_sm"
    assert _titles("/a/b/out/model-best", None)[0] == "out/model-best"
    assert _titles("/a/b/out/model-best", "/a/c/out/model-best") == (
        "b/out/model-best",
        "c/out/model-best",
    )
    assert _titles("x/model-best", "x/model-best") == ("x/model-best", "x/model-best")
    assert _titles("/x", "x") == ("/x", "x")
