from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import DocBin

from spacy_window_ner.confidence.calibration import Calibration
from spacy_window_ner.distillation import teachers
from spacy_window_ner.distillation.teachers import (
    annotate_texts,
    entities_of,
    key_of,
    read_texts,
    silver,
    split_by_shares,
    vote,
)
from tests.helpers import examples
from tests.pipelines import copy_of, ner_of, shared, texts_of

TEXTS = ["One.", "Two words.", "Three more words."]


def test_texts_of_all_formats(tmp_path: Path):
    nlp = spacy.blank("en")
    srsly.write_jsonl(tmp_path / "a.jsonl", [{"text": text} for text in TEXTS])
    (tmp_path / "b.txt").write_text("\n".join([*TEXTS, "", "Four."]), encoding="utf8")
    DocBin(docs=map(nlp.make_doc, ["Five.", "One."])).to_disk(tmp_path / "c.spacy")
    assert read_texts(tmp_path / "a.jsonl") == TEXTS
    assert read_texts(tmp_path / "b.txt") == [*TEXTS, "Four."]
    assert read_texts(tmp_path) == [*TEXTS, "Four.", "Five."]
    srsly.write_jsonl(tmp_path / "other.jsonl", [{"body": "Six."}])
    assert read_texts(tmp_path / "other.jsonl", "body") == ["Six."]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"text": "x"}\n{"body": "y"}', "a.jsonl, line 2: the field 'text' is missing"),
        ("a.txt", "\n \n", "No texts found in"),
        ("a.csv", "text\nx", "a.csv has an unknown file type"),
        (None, "", "No files found at"),
    ],
)
def test_wrong_texts(tmp_path: Path, name: str | None, content: str, message: str):
    if name is not None:
        (tmp_path / name).write_text(content, encoding="utf8")
    with pytest.raises(ValueError, match=message):
        read_texts(tmp_path / (name or "nothing"))


def test_a_teacher_is_asked_once(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(teachers, "PART", 2)
    nlp, asked, done = copy_of(shared()), [], []
    pipe = nlp.pipe
    monkeypatch.setattr(nlp, "pipe", lambda part, **kw: pipe(asked.extend(part) or part, **kw))
    texts = texts_of()
    docs = annotate_texts(nlp, texts[:3], tmp_path, done=done.append)
    assert (asked, done) == (texts[:3], [2, 1])
    assert list(map(entities_of, docs)) == [entities_of(shared()(text)) for text in texts[:3]]
    # A stopped run has left an unfinished part.
    (tmp_path / "unfinished.part").write_bytes(b"x")
    again = annotate_texts(nlp, texts, tmp_path)
    assert asked == [*texts[:3], *texts[2:]]  # the part with one text has two now
    assert [doc.text for doc in again] == texts
    assert list(map(entities_of, again)) == [entities_of(shared()(text)) for text in texts]


def test_other_teachers_have_other_folders():
    nlp = copy_of(shared())
    other = copy_of(shared(), threshold=0.3)
    assert key_of(nlp, "models/teacher").startswith("teacher-")
    assert key_of(nlp, "a") == key_of(nlp, "a") != key_of(other, "a")
    retrained = copy_of(shared())
    Calibration(2.0, np.zeros(3)).fold(ner_of(retrained).model)
    assert key_of(retrained, "a") != key_of(nlp, "a")


@st.composite
def answers(draw):
    """What some teachers find: for each, entities of a text that do not overlap."""
    found = []
    for _ in range(draw(st.integers(1, 5))):
        cuts = draw(st.lists(st.integers(0, 8), unique=True, max_size=6).map(sorted))
        pairs = zip(cuts[::2], cuts[1::2], strict=False)
        found.append(frozenset((a, b, draw(st.sampled_from("XY"))) for a, b in pairs))
    return found


@given(found=answers())
@examples(60)
def test_an_entity_needs_more_than_half_of_the_votes(found):
    chosen = vote(found)
    for entity in frozenset().union(*found):
        assert (entity in chosen) == (sum(entity in one for one in found) > len(found) / 2)
    ordered = sorted(chosen)
    assert all(a[1] <= b[0] for a, b in pairwise(ordered))


def test_entities_that_do_not_align_are_missing_annotation():
    nlp = spacy.blank("en")
    doc = silver(nlp, "Visit Romeland and Oslo", frozenset({(6, 10, "LOC"), (19, 23, "LOC")}))
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Oslo", "LOC")]
    assert [token.ent_iob_ for token in doc] == ["O", "", "O", "B"]


@pytest.mark.parametrize("n", [3, 10, 997])
def test_divide(n):
    parts = split_by_shares(n, (0.8, 0.1, 0.1))
    assert [part.start for part in parts] == [0, *(part.stop for part in parts[:-1])]
    assert all(part.stop > part.start for part in parts)
    assert abs(parts[-1].stop - n) <= 1
