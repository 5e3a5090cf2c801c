"""`python -m spacy window-ner convert`."""

import json

import pytest
import spacy
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_window_ner.cli import app
from spacy_window_ner.cli.convert import ExportFormat
from spacy_window_ner.files.exports import SUFFIXES
from tests.pipelines import corpus, save_corpus


def run(*args: object) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["convert", *map(str, args)])
    return outcome.exit_code, " ".join(outcome.output.split())


def texts(path) -> list[str]:
    return [doc.text for doc in DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab)]


def test_formats_of_the_command():
    assert [form.value for form in ExportFormat] == list(SUFFIXES)


def test_through_all_formats_and_back(tmp_path):
    data = save_corpus(tmp_path / "data.spacy", corpus(5))
    before = data
    for number, form in enumerate(SUFFIXES):
        after = tmp_path / f"{number}{SUFFIXES[form]}"
        code, printed = run(before, after, "--format", form)
        assert code == 0, printed
        assert "5 documents with 10 entities" in printed
        before = after
    code, printed = run(before, tmp_path / "end.spacy")
    assert code == 0, printed
    assert [text.split() for text in texts(tmp_path / "end.spacy")] == [
        text.split() for text in texts(data)
    ]


def test_split(tmp_path):
    data = save_corpus(tmp_path / "data.spacy", corpus(10))
    parts = []
    for seed in (0, 0, 1):
        code, printed = run(data, data, tmp_path / "out", "--split", 0.2, "--seed", seed)
        assert code == 0, printed
        parts.append([texts(tmp_path / "out" / f"{name}.spacy") for name in ("train", "dev")])
    train, dev = parts[0]
    assert (len(train), len(dev)) == (16, 4)
    assert sorted(train + dev) == sorted(2 * texts(data))
    assert parts[0] == parts[1] != parts[2]


def test_what_is_missing_is_said(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("Ann B-PER\nleft -\n")
    code, printed = run(path, tmp_path / "a.jsonl")
    assert code == 0
    assert "1 tokens have missing annotation" in printed


def test_entities_that_do_not_align_are_counted(tmp_path):
    rows = [{"text": "Annabel left", "label": [[0, 3, f"L{i}"]]} for i in range(5)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    code, printed = run(tmp_path / "a.jsonl", tmp_path / "a.spacy")
    assert code == 0
    assert "5 entities start or end inside a token" in printed
    assert "a.jsonl, 1: 'Ann' (L0) in 'Annabel' " in printed
    assert "and 2 more" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.xml"], "must end in one of .spacy, .conll, .jsonl, .json. Or set --format"),
        (["out", "--split", "1"], "--split must be a number between 0 and 1"),
        (["out", "--split", "0.5"], "Cannot split 1 documents"),
        (["a.spacy", "--lang", "none"], "Cannot convert to"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, message):
    (tmp_path / "data.conll").write_text("Ann B-PER\n")
    name, *options = arguments
    code, printed = run(tmp_path / "data.conll", tmp_path / name, *options)
    assert code == 1
    assert message in printed
    code, printed = run(tmp_path / "data.conll")
    assert code == 1
    assert "An input or the output is missing" in printed
