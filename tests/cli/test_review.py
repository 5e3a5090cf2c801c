"""`python -m spacy window-ner review`."""

import shutil
from pathlib import Path

import pytest
import srsly
from typer.testing import CliRunner

from spacy_window_ner.cli import app
from tests.pipelines import corpus, save_corpus, trained

RIGHT = corpus(20)
WRONG = "[LOC Ann Lee] saw [LOC Rome] number 77 ."


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model")
    trained(RIGHT, steps=30).to_disk(path)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return save_corpus(tmp_path_factory.mktemp("data") / "data.spacy", [*RIGHT, WRONG])


def run(*args: object) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["review", *map(str, args)])
    return outcome.exit_code, " ".join(outcome.output.split())


def test_with_the_pipeline_itself(model, data, tmp_path):
    output = tmp_path / "suspects.jsonl"
    code, printed = run(model, data, "--output", output)
    assert code == 0, printed
    assert "label Ann Lee (LOC) Ann Lee (PER) 0.0" in printed
    assert "Annotation that is probably wrong: label 1." in printed
    assert "use --folds" in printed
    rows = list(srsly.read_jsonl(output))
    assert len(rows) == 42
    assert rows[0]["meta"]["document"] == 20
    assert [row["meta"]["score"] for row in rows] == sorted(
        (row["meta"]["score"] for row in rows), reverse=True
    )


def test_with_folds(model, data, tmp_path):
    output = tmp_path / "suspects.json"
    settings = ["--training.max_steps", 40, "--training.eval_frequency", 40]
    settings += ["--training.optimizer.learn_rate", 0.02]
    code, printed = run(model, data, "-o", output, "--folds", 3, "-f", "label-studio", *settings)
    assert code == 0, printed
    assert "Fold 3 of 3" in printed
    assert "use --folds" not in printed
    assert srsly.read_json(output)[0]["data"]["document"] == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--folds", 1], "at least 2, got 1"),
        (["--folds", 99], "21 documents are too few for 99 folds"),
        (["--name", "ner"], "no window_ner component named 'ner'"),
        (["--trainings", "1"], "No such option '--trainings'"),
        (["--training.max_steps", "1"], "can only be used with --folds"),
        (["--folds", 3, "--training.max_steps", "no"], "Cannot review"),
    ],
)
def test_wrong_arguments(model, data, tmp_path, arguments, message):
    code, printed = run(model, data, "--output", tmp_path / "out", *arguments)
    assert code == 1
    assert message in printed
    assert not (tmp_path / "out").exists()


def test_a_folder(model, data, tmp_path):
    for name in ("a", "b"):
        shutil.copy(data, tmp_path / f"{name}.spacy")
    output = tmp_path / "new" / "out.jsonl"
    code, printed = run(model, tmp_path, "--output", output)
    assert code == 0, printed
    run(model, data, "--output", tmp_path / "one.jsonl")
    n = [len(list(srsly.read_jsonl(path))) for path in (output, tmp_path / "one.jsonl")]
    assert n[0] == 2 * n[1] > 0
    code, printed = run(model, tmp_path, "--output", tmp_path)
    assert code == 1
    assert "Cannot write to" in printed


def test_wrong_files(model, data, tmp_path):
    code, printed = run(model, tmp_path / "none.spacy", "--output", tmp_path / "out")
    assert code == 1
    assert "No files found at" in printed
    broken = tmp_path / "broken.spacy"
    broken.write_bytes(b"no documents")
    code, printed = run(model, broken, "--output", tmp_path / "out")
    assert code == 1
    assert "broken.spacy is damaged, or not in spaCy's format" in printed
    config = tmp_path / "config.cfg"
    config.write_text('[nlp]\nlang = "en"\n')
    code, printed = run(model, data, "-o", tmp_path / "out", "--folds", 3, "--config", config)
    assert code == 1
    assert "has no component named 'window_ner'" in printed
