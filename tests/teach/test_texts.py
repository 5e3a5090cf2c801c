"""Files of texts, annotated ones and lists of names → a project."""

import json
import os

import pytest
import spacy
import srsly

from spacy_window_ner.files.texts import InputError
from spacy_window_ner.teach.store import FILE, Store
from spacy_window_ner.teach.texts import MOST_CHARACTERS, add_inputs, pieces
from tests.pipelines import save_corpus
from tests.teach.projects import write_texts

NLP = spacy.blank("en")


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / FILE)
    yield store
    store.close()


def all_texts(store) -> list[str]:
    return [store.text(number) for number in range(1, store.n_texts + 1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n ", []),
        (" a b ", [(1, "a b")]),
        ("aaaa\n\nbbbb. c d", [(0, "aaaa"), (6, "bbbb. c d")]),
        ("aaa bbb. ccc ddd", [(0, "aaa bbb."), (9, "ccc ddd")]),
        ("aaa bbb ccc ddd", [(0, "aaa bbb"), (8, "ccc ddd")]),
        ("a" * 25, [(0, "a" * 10), (10, "a" * 10), (20, "a" * 5)]),
        ("日本語日本語。日本語日本", [(0, "日本語日本語。"), (7, "日本語日本")]),
        ("a\x00b " * 4, [(0, "a\x00b a\x00b"), (8, "a\x00b a\x00b")]),
    ],
)
def test_pieces(text, expected):
    assert list(pieces(text, 10)) == expected
    for start, piece in pieces(text, 10):
        assert text[start : start + len(piece)] == piece


def test_a_long_text_loses_nothing():
    text = "One sentence. Another paragraph\n\nwith words " * 25_000
    found = list(pieces(text))
    assert all(len(piece) <= MOST_CHARACTERS for _, piece in found)
    assert " ".join(piece for _, piece in found).split() == text.split()


def test_each_text_once(store, tmp_path):
    one = write_texts(tmp_path / "a.txt", ["x", "y", "x", "", "z"])
    two = tmp_path / "b.jsonl"
    two.write_text(json.dumps({"body": "y"}) + "\n" + json.dumps({"body": "new"}) + "\n")
    added = add_inputs(store, NLP, [one, two], text_field="body")
    assert all_texts(store) == ["x", "y", "z", "new"]
    assert (added.n_texts, added.n_again, added.errors) == (4, 2, [])


def test_files_are_read_again_only_when_they_change(store, tmp_path):
    path = write_texts(tmp_path / "a.txt", ["x", "y"])
    assert add_inputs(store, NLP, [path]).n_texts == 2
    added = add_inputs(store, NLP, [path])
    assert (added.n_texts, added.n_again) == (0, 0)
    write_texts(path, ["y", "z", "x"])
    os.utime(path, (1, 1))
    added = add_inputs(store, NLP, [path])
    assert (added.n_texts, added.n_again) == (1, 2)
    assert all_texts(store) == ["x", "y", "z"]


def test_what_cannot_be_read(store, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a"}\n{"text": "\\ud800"}\n{\n\xff\n{"text": "b\\u0000c"}\n')
    added = add_inputs(store, NLP, [path])
    assert all_texts(store) == ["a", "b\x00c"]
    assert len(added.errors) == 3
    assert added.errors[0].startswith(f"{path}, line 2: ")
    with pytest.raises(InputError, match="No files found"):
        add_inputs(store, NLP, [tmp_path / "missing"])
    (tmp_path / "c.spacy").write_bytes(b"damaged")
    with pytest.raises(InputError, match="is damaged"):
        add_inputs(store, NLP, [write_texts(tmp_path / "b.txt", ["new"]), tmp_path / "c.spacy"])
    assert store.n_texts == 2


def test_texts_that_came_annotated(store, tmp_path):
    corpus = save_corpus(tmp_path / "a.spacy", ["[PER Ann] left [LOC Rome].", "Nothing."])
    texts = write_texts(tmp_path / "b.txt", ["Nothing.", "New."])
    added = add_inputs(store, NLP, [texts], [corpus])
    assert (added.n_annotated, added.n_texts, added.n_again) == (2, 3, 1)
    assert store.labels == ["LOC", "PER"]
    first, second = store.decisions()
    assert first.entities == [(0, 3, "PER"), (9, 13, "LOC")]
    assert (first.checked, first.how, second.entities) == ("all", "given", [])
    assert store.undecided([1, 2, 3]) == [3]
    assert add_inputs(store, NLP, [texts], [corpus]).n_annotated == 0


def test_annotation_of_texts_that_are_there(store, tmp_path):
    texts = write_texts(tmp_path / "b.txt", ["Ann left Rome."])
    add_inputs(store, NLP, [texts])
    corpus = save_corpus(tmp_path / "a.spacy", ["[PER Ann] left [LOC Rome]."])
    added = add_inputs(store, NLP, [texts], [corpus])
    assert (added.n_annotated, added.n_texts) == (1, 0)
    assert store.decisions()[0].text_id == 1


def test_annotation_that_is_missing_stays_missing(store, tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("Ann\tB-PER\nleft\tO\nRome\t-\n")
    add_inputs(store, NLP, [], [path])
    [found] = store.decisions()
    assert (found.entities, found.checked) == ([(0, 3, "PER"), (4, 8, None)], "given")


def test_names(store, tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("\ufeffAnn Lee\tPER\n\n Rome \tLOC \nRome\tLOC\n", encoding="utf8")
    add_inputs(store, NLP, [], names=[path])
    assert store.names() == {"Ann Lee": "PER", "Rome": "LOC"}
    assert store.labels == ["PER", "LOC"]
    store.remove_name("Rome")
    add_inputs(store, NLP, [], names=[path])
    assert store.names() == {"Ann Lee": "PER"}


def test_names_without_labels(store, tmp_path):
    path = write_texts(tmp_path / "names.txt", ["Ann Lee", "Bob"])
    with pytest.raises(ValueError, match="'Ann Lee' has no label"):
        add_inputs(store, NLP, [], names=[path])
    store.add_labels(["PER"])
    add_inputs(store, NLP, [], names=[path])
    assert store.names() == {"Ann Lee": "PER", "Bob": "PER"}
    store.add_labels(["LOC"])
    for line, said in (("x\t\x07", "control characters"), ("y" * 600 + "\tPER", "1 to 500")):
        with pytest.raises(ValueError, match=said):
            add_inputs(store, NLP, [], names=[write_texts(tmp_path / "bad.txt", [line])])


def test_patterns(store, tmp_path):
    path = tmp_path / "patterns.jsonl"
    gene = [{"TEXT": {"REGEX": "^[A-Z]+[0-9]$"}}]
    lines = [{"label": "PER", "pattern": "Ann Lee"}, {"label": "GENE", "pattern": gene, "id": "x"}]
    srsly.write_jsonl(path, lines)
    add_inputs(store, NLP, [], names=[path])
    assert store.names() == {"Ann Lee": "PER"}
    assert store.setting("patterns") == [["GENE", gene]]
    assert "GENE" in store.labels


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"pattern": "Ann"}, "line 1: the field 'label' is missing"),
        (
            {"label": "PER"},
            "line 1: the field 'pattern' must be a string or a list of token patterns",
        ),
        ({"label": "PER", "pattern": []}, "must be a string"),
        ({"label": "PER", "pattern": [{"POS": "NOUN"}]}, "POS"),
        ({"label": "PER", "pattern": [{"COLOR": "red"}]}, "COLOR"),
        ({"label": "", "pattern": "Ann"}, "label"),
    ],
)
def test_wrong_patterns(store, tmp_path, line, said):
    srsly.write_jsonl(tmp_path / "patterns.jsonl", [line])
    with pytest.raises(ValueError, match=r"patterns\.jsonl") as failed:
        add_inputs(store, NLP, [], names=[tmp_path / "patterns.jsonl"])
    assert said in str(failed.value)
    assert store.names() == {}
    assert store.setting("patterns") is None
