"""Gold annotation and what teachers find, put together (`models/scripts/agree.py`)."""

import pytest
import spacy
from spacy.tokens import Doc, Span

pytest.importorskip("faker", reason="the names of mentions.py are drawn from Faker")

from agree import agree, kinds_of_places

from spacy_window_ner.labels import annotated_labels

nlp = spacy.blank("en")
NAMES = ("PER", "LOC", "ORG")


def doc_of(text: str, *entities: tuple[int, int, str]) -> Doc:
    doc = nlp.make_doc(text)
    doc.set_ents([Span(doc, *entity) for entity in entities])
    return doc


def found(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


def missing(doc: Doc) -> list[str]:
    return [token.text for token in doc if not token.ent_iob]


def test_gold_names_and_numbers_of_teachers():
    text = "Dr. Ann Lee left Rome for the Acme Group on 3 May"
    gold = doc_of(text, (0, 3, "PER"), (4, 5, "LOC"), (7, 9, "ORG"))
    best = doc_of(text, (1, 3, "ORG"), (4, 5, "GPE"), (6, 9, "ORG"), (10, 12, "DATE"))
    other = doc_of(text, (10, 11, "CARDINAL"))
    doc = agree(gold, [best, other], NAMES, {})
    expected = [
        ("Ann Lee", "PERSON"),
        ("Rome", "GPE"),
        ("the Acme Group", "ORG"),
        ("3 May", "DATE"),
    ]
    assert found(doc) == expected
    assert missing(doc) == []
    assert "CARDINAL" in (annotated_labels(doc) or ())


def test_gold_events_and_works_stay_beside_those_of_teachers():
    text = "Help won at Woodstock before Easter"
    gold = doc_of(text, (0, 1, "WORK_OF_ART"), (3, 4, "EVENT"))
    doc = agree(gold, [doc_of(text, (0, 1, "ORG"), (5, 6, "EVENT"))] * 2, NAMES, {})
    assert found(doc) == [("Help", "WORK_OF_ART"), ("Woodstock", "EVENT"), ("Easter", "EVENT")]


def test_what_gold_says_is_nothing_stays_nothing():
    text = "Apple pie and 30 pies for Oslo"
    teacher = [(0, 1, "ORG"), (3, 4, "CARDINAL"), (6, 7, "PERSON")]
    doc = agree(doc_of(text), [doc_of(text, *teacher)] * 2, NAMES, {})
    assert found(doc) == [("30", "CARDINAL")]
    assert missing(doc) == []


def test_where_teachers_disagree_annotation_is_missing():
    text = "They read Moby Dick in Nantucket"
    teachers = [doc_of(text, (2, 4, "WORK_OF_ART"), (5, 6, "GPE")), doc_of(text, (5, 6, "GPE"))]
    doc = agree(doc_of(text), teachers, (), {})
    assert found(doc) == [("Nantucket", "GPE")]
    assert missing(doc) == ["Moby", "Dick"]


def test_places_are_of_the_kind_that_they_mostly_are():
    text = "The Alps and Paris"
    gold = [doc_of(text, (1, 2, "LOC"), (3, 4, "LOC")) for _ in range(2)]
    places = kinds_of_places(gold, [doc_of(text, (1, 2, "LOC")), doc_of(text, (1, 2, "LOC"))])
    assert places == {"Alps": "LOC"}
    doc = agree(gold[0], [doc_of(text), doc_of(text)], NAMES, places)
    assert found(doc) == [("Alps", "LOC"), ("Paris", "GPE")]


def test_mistakes_of_teachers_are_mended():
    text = "Pay $ 5 by 3/14/24 to Rome 90210"
    teacher = [(2, 3, "MONEY"), (4, 5, "CARDINAL"), (7, 8, "DATE")]
    doc = agree(doc_of(text), [doc_of(text, *teacher)] * 2, (), {})
    assert found(doc) == [("$ 5", "MONEY"), ("3/14/24", "DATE")]
