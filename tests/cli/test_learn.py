"""`python -m spacy window-ner learn`."""

import pytest
import spacy
from spacy.cli.train import train as spacy_train
from typer.testing import CliRunner

from spacy_window_ner.cli import app
from spacy_window_ner.learning import learn as learning
from tests.pipelines import corpus, ner_of, save_corpus, trained

RENAMED = [text.replace("[PER", "[HERO") for text in corpus(20)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("learn")
    trained(corpus(12), steps=30).to_disk(path / "base")
    save_corpus(path / "annotated.spacy", RENAMED)
    return path


def run(*args: object) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["learn", *map(str, args)])
    return outcome.exit_code, " ".join(outcome.output.split())


def found(nlp) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in nlp("Bob knows Oslo number 99 .").ents]


def test_a_pipeline_and_the_config_that_makes_it(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "STEPS", (20, 30))
    output = tmp_path / "out"
    code, printed = run(folder / "annotated.spacy", "-o", output, "--base", folder / "base")
    assert code == 0, printed
    assert "by cross-validation, " in printed
    assert "50 more documents are likely to add about" in printed
    nlp = spacy.load(output / "model")
    assert found(nlp) == [("Bob", "HERO"), ("Oslo", "LOC")]
    monkeypatch.chdir(tmp_path)
    spacy_train(output / "config.cfg", tmp_path / "again")
    again = spacy.load(tmp_path / "again" / "model-last")
    assert found(again) == found(nlp)
    assert ner_of(again).threshold == ner_of(nlp).threshold


def test_chosen_labels(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "STEPS", (20,))
    args = [folder / "annotated.spacy", "-o", tmp_path, "--base", folder / "base"]
    code, printed = run(*args, "--label", "HERO", "--dev", folder / "annotated.spacy")
    assert code == 0, printed
    assert "on the dev documents" in printed
    assert ner_of(spacy.load(tmp_path / "model")).label_data == ["HERO"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--label", "GOD"], "The annotation has HERO, LOC."),
        (["--base", "nowhere"], "nowhere cannot be loaded"),
        (["--dev", "none.conll"], "There are no files to read at none.conll"),
    ],
)
def test_wrong_arguments(folder, tmp_path, arguments, message):
    base = [] if "--base" in arguments else ["--base", folder / "base"]
    code, printed = run(folder / "annotated.spacy", "-o", tmp_path / "out", *base, *arguments)
    assert code == 1
    assert message in printed
