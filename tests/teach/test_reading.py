"""What the network reads around what is fixed, names, and spans that are widened to words."""

import pytest
import spacy

from spacy_window_ner.files.exports import tokens_of
from spacy_window_ner.teach import reading
from spacy_window_ner.teach.reading import Names, direction, read_text, snapped
from tests.pipelines import shared

TEXT = "Paris Hilton met Samuel Quinn in Paris."
TOKENS = tokens_of(spacy.blank("en").make_doc(TEXT))


def read(fixed=(), labels=("PER", "LOC", "DATE")):
    found = read_text(shared(), TEXT, fixed, labels)
    assert [(one["start"], one["end"]) for one in found["outside"]] == [
        one[:2] for one in fixed if one[2] is None
    ]
    return {(one["start"], one["end"]): one for one in found["entities"]}, found["unsure"]


def test_what_is_fixed():
    free, _ = read()
    assert {place: one["label"] for place, one in free.items()} == {
        (0, 12): "PER",
        (17, 29): "PER",
        (33, 38): "LOC",
    }
    assert all(0.9 < one["score"] <= 1 and "fixed" not in one for one in free.values())
    found, _ = read([(0, 5, "LOC"), (17, 29, None), (33, 38, "NEW")])
    assert found[0, 5] == {"start": 0, "end": 5, "label": "LOC", "score": 1.0, "fixed": True}
    assert found[33, 38]["label"] == "NEW"
    assert (0, 12) not in found
    assert (17, 29) not in found


def test_labels_that_are_not_asked_for():
    assert set(read(labels=["LOC"])[0]) == {(33, 38)}


def test_what_it_is_unsure_of(monkeypatch):
    assert read()[1] == []
    monkeypatch.setattr(reading, "SURE", 1.1)
    assert read()[1] == list(read()[0].values())
    monkeypatch.undo()
    # Without entities, the candidates are left.
    monkeypatch.setattr(reading, "LEAST_CANDIDATE", 0.5)
    monkeypatch.setattr(reading, "LEAST_ENTITY", 1.0)
    entities, unsure = read([(17, 29, None)], labels=["LOC"])
    assert entities == {}
    assert [(one["start"], one["label"]) for one in unsure] == [(33, "LOC")]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((0, 5, "LOC"), (0, 5, "LOC")),
        ((1, 3, "LOC"), (0, 5, "LOC")),
        ((3, 8, None), (0, 12, None)),
        ((5, 12, "PER"), (6, 12, "PER")),
        ((5, 13, "PER"), (6, 12, "PER")),
        ((37, 39, "LOC"), (33, 39, "LOC")),
    ],
)
def test_spans_are_widened_to_words(given, expected):
    assert snapped(TEXT, TOKENS, [given]) == [expected]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([(0, 0, "A")], "The span from character 0 to 0 is empty"),
        ([(5, 4, "A")], "is empty"),
        ([(-1, 4, "A")], "outside of the text with 39 characters"),
        ([(0, 40, "A")], "outside of the text with 39 characters"),
        ([(5, 6, "A")], "The span from character 5 to 6 does not contain a word"),
        ([(8, 9, "A"), (0, 7, None)], r"Characters 0 to 12 \(None\) and 6 to 12 \(A\) overlap"),
        ([(0, 5, "A"), (0, 5, "A")], "overlap"),
    ],
)
def test_wrong_spans(given, said):
    with pytest.raises(ValueError, match=said):
        snapped(TEXT, TOKENS, given)


def test_spaces_are_no_words():
    text = "a  b"
    tokens = tokens_of(spacy.blank("en").make_doc(text))
    assert len(tokens) == 3
    assert snapped(text, tokens, [(0, 3, "A"), (3, 4, "B")]) == [(0, 1, "A"), (3, 4, "B")]
    with pytest.raises(ValueError, match="does not contain a word"):
        snapped(text, tokens, [(2, 3, "A")])


@pytest.mark.parametrize(
    ("names", "fixed", "expected"),
    [
        ({}, (), []),
        ({"Paris": "LOC"}, (), [(0, 5, "LOC"), (33, 38, "LOC")]),
        ({"Paris": "LOC", "Paris Hilton": "PER"}, (), [(0, 12, "PER"), (33, 38, "LOC")]),
        ({"Paris": None}, [(30, 38, "X")], [(0, 5, None)]),
        ({"paris": "LOC", "Par": "X", "Quinn in Paris": "Y"}, (), [(24, 38, "Y")]),
    ],
)
def test_names(names, fixed, expected):
    nlp = shared()
    assert sorted(Names(nlp.vocab, names).find(nlp.make_doc(TEXT), fixed)) == expected


def test_patterns():
    nlp = shared()
    two = [{"IS_TITLE": True}, {"IS_TITLE": True}]
    place = [{"LOWER": "in"}, {"ORTH": "Paris"}]
    found = Names(nlp.vocab, {"Paris Hilton": "PER"}, [("X", two), ("Y", place)])
    # Names come before patterns.
    assert sorted(found.find(nlp.make_doc(TEXT))) == [
        (0, 12, "PER"),
        (17, 29, "X"),
        (30, 38, "Y"),
    ]
    assert found.find(nlp.make_doc(TEXT), [(0, 38, None)]) == []
    for wrong in ([{"POS": "NOUN"}], [{"COLOR": "red"}], ["Paris"]):
        with pytest.raises(ValueError):
            Names(nlp.vocab, {}, [("X", wrong)])


def test_direction():
    assert direction("123 (שלום) abc") == "rtl"
    assert direction("123 (abc) שלום") == "ltr"
    assert direction("مرحبا") == "rtl"
    assert direction("123") == "ltr"
