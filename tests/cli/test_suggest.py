"""`python -m spacy window-ner suggest`."""

import srsly
from typer.testing import CliRunner

from spacy_window_ner.cli import app
from tests.pipelines import shared, texts_of


def run(*args: object) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["suggest", *map(str, args)])
    return outcome.exit_code, " ".join(outcome.output.split())


def test_it_saves_tasks(tmp_path):
    shared().to_disk(tmp_path / "model")
    texts = tmp_path / "texts.jsonl"
    srsly.write_jsonl(texts, [{"body": text} for text in texts_of()])
    output = tmp_path / "next.jsonl"
    code, printed = run(
        tmp_path / "model", texts, "-n", 2, "--output", output, "--text-field", "body"
    )
    assert code == 0, printed
    assert "Saved 2 of 5 texts" in printed
    assert len(list(srsly.read_jsonl(output))) == 2
    code, printed = run(
        tmp_path / "model", texts, "-o", output, "--text-field", "body", "-f", "label-studio"
    )
    assert code == 0, printed
    assert len(srsly.read_json(output)) == 5
    code, printed = run(tmp_path / "model", texts, "--output", output)
    assert code == 1
    assert "the field 'text' is missing" in printed
