"""Files of texts: which are found, and what is read from them."""

from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_window_ner.files.texts import BOM, InputError, find_files, read_lines


def test_lines_that_can_be_read_and_lines_that_cannot(tmp_path: Path):
    path, nlp = tmp_path / "texts.JSONL", spacy.blank("xx")
    lines = [
        BOM + b'{"body": "Paris", "n": 1}\r',
        b"",
        b'{"body": null}',
        b'{"body": "\\ud800"}',
        b'{"body": "Rome \xff"}',
        b"[" * 100_000,
        '{"body": "Zoë"}'.encode(),
    ]
    path.write_bytes(b"\n".join(lines))
    found = list(read_lines(path, "body", nlp.vocab))
    assert [one.position for one in found] == [1, 3, 4, 5, 6, 7]
    assert [one.text for one in found if one.error is None] == ["Paris", "Zoë"]
    assert found[0].fields == {"body": "Paris", "n": 1}
    reasons = ["'body' is null", "surrogates not allowed", "invalid UTF-8", "recursion"]
    for one, reason in zip(found[1:5], reasons, strict=True):
        assert reason in str(one.error) and one.text == ""


def test_texts_and_documents(tmp_path: Path):
    nlp = spacy.blank("xx")
    (tmp_path / "a.txt").write_bytes(BOM + b"Paris\r\n \nRome\xff\nOslo")
    found = list(read_lines(tmp_path / "a.txt", "text", nlp.vocab))
    assert [(one.position, one.text) for one in found] == [(1, "Paris"), (3, ""), (4, "Oslo")]
    DocBin(docs=[nlp("Paris"), nlp("")]).to_disk(tmp_path / "b.spacy")
    found = list(read_lines(tmp_path / "b.spacy", "text", nlp.vocab))
    assert [(one.position, one.text) for one in found] == [(1, "Paris"), (2, "")]
    assert len(found[0].content) == 1
    (tmp_path / "c.spacy").write_bytes(b"x")
    with pytest.raises(InputError, match=r"c\.spacy is damaged"):
        list(read_lines(tmp_path / "c.spacy", "text", nlp.vocab))


def test_files_of_folders_and_globs(tmp_path: Path):
    for name in ("b.txt", "a.jsonl", "_c.txt", ".d.txt", "image.png", "more/e.ndjson"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    names = ["a.jsonl", "b.txt", "e.ndjson"]
    assert [path.name for path in find_files([tmp_path])] == names
    assert [path.name for path in find_files([tmp_path], [".txt"])] == ["b.txt"]
    assert [path.name for path in find_files([tmp_path], without=tmp_path / "more")] == names[:2]
    assert find_files([tmp_path / "b.txt", tmp_path / "*.txt"], [".txt"])[0].name == "b.txt"
    for inputs, message in {
        "nowhere": "No files found at nowhere",
        str(tmp_path / "image.png"): "has an unknown file type",
    }.items():
        with pytest.raises(InputError, match=message):
            find_files([inputs])
    with pytest.raises(InputError, match="Pass files"):
        find_files([])
