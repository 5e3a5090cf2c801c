"""`python -m spacy window-ner calibrate`."""

import re
from pathlib import Path

import pytest
import spacy
from typer.testing import CliRunner

from spacy_window_ner.cli import app
from tests.pipelines import copy_of, corpus, make_examples, ner_of, save_corpus, trained

DEV = corpus(60)[20:]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model")
    trained(corpus(20)).to_disk(path)
    return path


@pytest.fixture(scope="module")
def dev(tmp_path_factory) -> Path:
    wrong = [text.replace("[PER Ann Lee]", "[ORG Ann Lee]", 1) for text in DEV[:8]]
    return save_corpus(tmp_path_factory.mktemp("dev") / "dev.spacy", [*DEV, *wrong])


def run(*args: object) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["calibrate", *map(str, args)])
    return outcome.exit_code, " ".join(outcome.output.split())


def test_it_saves_a_calibrated_pipeline_and_prints_what_that_is_worth(model, dev, tmp_path):
    output = tmp_path / "new" / "out"
    code, printed = run(model, dev, "--output", output)
    assert code == 0, printed
    assert "48 documents, 96 entities" in printed
    for name in ("ECE of the entities", "Brier score", "Log loss", "F1"):
        assert re.search(rf"{name} \d\.\d{{4}} \d\.\d{{4}}", printed)
    assert printed.count("prob. correct spans") == 2
    assert re.search(r"temperature \d+\.\d\d, threshold 0\.\d+: F1 \d+\.\d\d on", printed)
    nlp = spacy.load(output)
    examples = make_examples(nlp, DEV)
    assert nlp.meta["performance"]["ents_f"] == pytest.approx(
        nlp.evaluate(examples)["ents_f"], abs=0.1
    )
    assert ner_of(nlp).threshold == nlp.config["components"]["window_ner"]["threshold"]
    before = spacy.load(model)
    text = make_examples(nlp, DEV)[0].text
    for new, old in zip(nlp(text).ents, before(text).ents, strict=True):
        assert new._.score < old._.score


def test_a_guarantee(model, dev, tmp_path):
    code, printed = run(model, dev, "--output", tmp_path / "out", "--candidates-recall", "0.5")
    assert code == 0, printed
    assert "candidates recall of 0.5 with confidence 0.9: candidates_threshold 0." in printed
    assert "On these documents: precision" in printed
    ner = ner_of(spacy.load(tmp_path / "out"))
    assert ner.cfg["candidates_key"] == "window_ner_candidates"


def test_a_guarantee_that_the_data_cannot_carry(model, dev, tmp_path):
    code, printed = run(model, dev, "--output", tmp_path / "out", "--recall", "0.999")
    assert code == 1
    assert "This guarantee cannot be given: recall of 0.999 with confidence 0.9" in printed
    assert "These 48 documents are not enough to guarantee" in printed
    assert not list((tmp_path / "out").iterdir())


def test_several_components(dev, tmp_path):
    nlp = trained(corpus(20), steps=8)
    nlp.add_pipe("window_ner", name="other", source=copy_of(nlp))
    nlp.to_disk(tmp_path / "model")
    code, printed = run(tmp_path / "model", dev, "--output", tmp_path / "out")
    assert code == 1
    assert "Choose one with --name. The pipeline has: window_ner, other." in printed
    code, printed = run(tmp_path / "model", dev, "--output", tmp_path / "out", "--name", "other")
    assert code == 0, printed
    assert "[other] temperature" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--name", "ner"], "no window_ner component named 'ner'"),
        (["--recall", "2"], "The recall of a guarantee must be between 0 and 1, got 2.0"),
        (["--recall", "0.9", "--precision", "0.9"], "both recall and precision"),
    ],
)
def test_wrong_arguments(model, dev, tmp_path, arguments, message):
    code, printed = run(model, dev, "--output", tmp_path / "out", *arguments)
    assert code == 1
    assert message in printed


def test_wrong_files(model, dev, tmp_path):
    code, printed = run(model, tmp_path / "none.spacy", "--output", tmp_path / "out")
    assert code == 1
    assert "No files found at" in printed
    code, printed = run(model, dev, "--output", model)
    assert code == 1
    assert "The output directory is not empty" in printed
    one = save_corpus(tmp_path / "one.spacy", DEV[:1])
    code, printed = run(model, one, "--output", tmp_path / "out")
    assert code == 1
    assert "at least two documents" in printed
    nothing = save_corpus(tmp_path / "nothing.spacy", [])
    code, printed = run(model, nothing, "--output", tmp_path / "out")
    assert code == 1
    assert "has annotated entities" in printed
