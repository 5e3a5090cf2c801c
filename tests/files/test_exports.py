"""Files for other tools are read again as they were written."""

import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_window_ner.files.exports import SUFFIXES, format_of, write_annotated
from spacy_window_ner.files.formats import read_annotated
from tests.helpers import examples

NLP = spacy.blank("xx")
WORDS = st.text(st.sampled_from("aZé😀1ß名#"), min_size=1, max_size=4)
LABELS = st.sampled_from(["PER", "a b", "B-X", "名", "O"])


@st.composite
def documents(draw, can_be_missing: bool) -> Doc:
    words = draw(st.lists(WORDS, min_size=1, max_size=8))
    doc = Doc(NLP.vocab, words=words, spaces=[True] * (len(words) - 1) + [False])
    cuts = sorted(draw(st.sets(st.integers(0, len(words)))))
    spans, missing = [], []
    for start, end in pairwise(cuts):
        kind = draw(st.sampled_from(["entity", "outside", "missing"]))
        if kind == "entity":
            spans.append(
                doc.char_span(doc[start].idx, doc[end - 1].idx + len(doc[end - 1]), draw(LABELS))
            )
        elif kind == "missing" and can_be_missing:
            missing.append(doc[start:end])
    doc.set_ents(spans, missing=missing)
    return doc


def annotation(doc: Doc) -> tuple:
    ents = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
    return doc.text.rstrip(), ents, "" in [token.ent_iob_ for token in doc]


@pytest.mark.parametrize("form", SUFFIXES)
def test_round_trip(form):
    @examples(30)
    @given(docs=st.lists(documents(form in ("spacy", "conll")), min_size=1, max_size=4))
    def check(docs):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"a{SUFFIXES[form]}"
            write_annotated(path, docs, form)
            found = list(read_annotated([path], NLP))
        assert [annotation(doc) for doc in found] == [annotation(doc) for doc in docs]

    check()


def test_white_space_and_sentences(tmp_path):
    doc = Doc(
        NLP.vocab,
        words=["Ann", "\n", "Lee", "left", "."],
        spaces=[True, False, True, False, False],
        sent_starts=[1, 0, 0, 1, 0],
    )
    doc.set_ents([doc.char_span(0, 8, "PER")])
    other = NLP("")
    write_annotated(tmp_path / "a.conll", [doc, other, doc], "conll")
    found = list(read_annotated([tmp_path / "a.conll"], NLP))
    assert [[len(sentence) for sentence in one.sents] for one in found] == [[2, 2], [2, 2]]
    assert [ent.text for ent in found[0].ents] == ["Ann Lee"]
    write_annotated(tmp_path / "a.jsonl", [doc, other], "prodigy")
    first, second = read_annotated([tmp_path / "a.jsonl"], NLP)
    assert [token.text for token in first] == [token.text for token in doc]
    assert annotation(first) == annotation(doc)
    assert second.text == ""


def test_what_label_studio_imports(tmp_path):
    doc = NLP("Ann left")
    doc.set_ents([doc.char_span(0, 3, "PER")])
    write_annotated(tmp_path / "a.json", [doc], "label-studio")
    [task] = srsly.read_json(tmp_path / "a.json")
    [region] = task["annotations"][0]["result"]
    assert region["value"] == {"start": 0, "end": 3, "text": "Ann", "labels": ["PER"]}
    assert (region["from_name"], region["to_name"], region["type"]) == ("label", "text", "labels")


def test_formats_by_suffix():
    assert format_of(Path("a.jsonl")) == "prodigy"
    with pytest.raises(ValueError, match=r"must end in one of \.spacy, \.conll"):
        format_of(Path("a.xml"))
