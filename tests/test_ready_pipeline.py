"""The ready English pipeline, where it is installed: pip install ./models/en_window_ner_sm."""

from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from spacy_window_ner.cli.demo import READY, TEXTS

from .pipelines import entities, marked_entities, read_marked

EVERYDAY = Path(__file__).parent / "data" / "everyday.txt"
# How many of the 50 sentences may have a mistake.
MISTAKES = 15


def everyday() -> list[str]:
    """Everyday sentences with their names in brackets."""
    lines = EVERYDAY.read_text(encoding="utf8").splitlines()
    return [line for line in lines if not line.startswith("#")]


@pytest.fixture(scope="module")
def nlp() -> Language:
    if not spacy.util.is_package(READY):
        pytest.skip(f"{READY} is not installed")
    return spacy.load(READY)


def test_there_are_fifty_sentences():
    assert len(everyday()) == 50
    texts = [read_marked(line)[0] for line in everyday()]
    assert sum(text == text.lower() or text[-1].isalnum() for text in texts) == 25


@pytest.mark.extra
def test_everyday_sentences(nlp: Language):
    wrong = [
        line for line in everyday() if entities(nlp(read_marked(line)[0])) != marked_entities(line)
    ]
    assert len(wrong) <= MISTAKES, wrong


@pytest.mark.extra
def test_the_sentences_of_the_lecture_notes(nlp: Language):
    assert [entities(nlp(text)) for text in TEXTS] == [
        [("Paris Hilton", "PER")],
        [
            ("Samuel Quinn", "PER"),
            ("Hilton Hotel", "LOC"),
            ("Paris", "LOC"),
            ("April 1989", "DATE"),
        ],
    ]


@pytest.mark.extra
def test_meta(nlp: Language):
    meta = nlp.meta
    for field in ("description", "license", "sources", "author", "url", "performance"):
        assert meta[field], field
    assert meta["license"] == "CC BY-SA 4.0"
    assert any(one.startswith("spacy-window-ner>=") for one in meta["requirements"])
    assert all(0 < ent._.score <= 1 for ent in nlp(TEXTS[1]).ents)
