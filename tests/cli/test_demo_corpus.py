import hashlib
import json
import random
import re
from collections import defaultdict

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_window_ner.cli.demo_corpus import GRAMMAR, LABELS, NAMES, Sentence, generate

SPLITS = ("train", "dev")
MONTHS = set(GRAMMAR["month_name"])
# Words of entities that tell the kind of a thing, and so may be in names of both splits.
KINDS = {
    *("Airport", "Arena", "Bridge", "Castle", "Gallery", "Hospital", "Hotel", "Lake", "Library"),
    *("Mount", "Museum", "Park", "Square", "Stadium", "Station", "Street", "Theatre", "Airlines"),
    *("Bank", "of", "Foundation", "Group", "Industries", "Motors", "Records", "Software"),
    *("United", "University", "&"),
}


@pytest.fixture(scope="module")
def corpus() -> dict[str, list[Sentence]]:
    return {split: generate(split) for split in SPLITS}


def _surfaces(sentences: list[Sentence]) -> set[str]:
    return {text[start:end] for text, entities in sentences for start, end, _ in entities}


def _words(text: str) -> set[str]:
    """The words of a text, without the punctuation and the clitics around them."""
    stripped = (re.sub(r"('s|-based)?[.,]*$", "", word) for word in text.split())
    return {word for word in stripped if word}


def _check_entities(sentence: Sentence) -> None:
    end_before = 0
    for start, end, label in sentence.entities:
        surface = sentence.text[start:end]
        assert end_before <= start < end <= len(sentence.text)
        assert surface == surface.strip()
        assert surface[0].isupper() or surface[0].isdigit()
        assert not surface.lower().startswith(("the ", "last "))
        assert label in {"PER", "LOC", "ORG", "DATE"}
        end_before = end


@pytest.mark.parametrize("split", SPLITS)
def test_corpus_is_large_enough_and_has_every_label(corpus, split):
    assert len(corpus[split]) >= 300
    counts = defaultdict(int)
    for sentence in corpus[split]:
        for _, _, label in sentence.entities:
            counts[label] += 1
    assert set(counts) == set(LABELS.values()) == {"PER", "LOC", "ORG", "DATE"}
    assert min(counts.values()) >= 50


@pytest.mark.parametrize("split", SPLITS)
def test_every_entity_is_well_formed(corpus, split):
    for sentence in corpus[split]:
        _check_entities(sentence)


@pytest.mark.parametrize("split", SPLITS)
def test_every_entity_aligns_with_the_tokens(corpus, split):
    nlp = spacy.blank("en")
    for text, entities in corpus[split]:
        doc = nlp.make_doc(text)
        for start, end, label in entities:
            assert doc.char_span(start, end, label) is not None, (text, text[start:end])


@pytest.mark.parametrize("split", SPLITS)
def test_sentences_differ_and_are_punctuated(corpus, split):
    texts = [sentence.text for sentence in corpus[split]]
    assert len(set(texts)) == len(texts)
    for text in texts:
        assert text[0] == text[0].upper()
        assert text.endswith(".")
        assert "{" not in text and "}" not in text
        assert "  " not in text and " ," not in text and " ." not in text


def test_no_entity_of_dev_occurs_in_train(corpus):
    surfaces = _surfaces(corpus["train"])
    assert surfaces
    assert not surfaces & _surfaces(corpus["dev"])


def test_no_name_part_of_dev_occurs_in_train(corpus):
    train = set().union(*(_words(text) for text, _ in corpus["train"]))
    parts = set().union(*(_words(surface) for surface in _surfaces(corpus["dev"])))
    assert parts & train <= KINDS | MONTHS
    # The exception is no more than it says: kinds are words of the grammar, not names.
    names = {
        word.rstrip(".") for lists in NAMES.values() for words in lists.values() for word in words
    }
    assert not names & (KINDS | MONTHS)


def test_no_sentence_is_in_both_splits(corpus):
    train, dev = ({sentence.text for sentence in corpus[split]} for split in SPLITS)
    assert len(train & {text for text, entities in corpus["dev"] if entities}) == 0
    assert len(train & dev) <= 0.02 * len(dev)


def test_nothing_named_in_the_notes_is_in_the_corpus(corpus):
    for split in SPLITS:
        words = set().union(*(_words(text) for text, _ in corpus[split]))
        assert not words & {"Paris", "Hilton", "Samuel", "Quinn", "1989"}


def test_many_names_are_those_of_persons_and_of_places(corpus):
    labels = defaultdict(set)
    for text, entities in corpus["train"]:
        for start, end, label in entities:
            for word in _words(text[start:end]):
                labels[word].add(label)
    assert sum({"PER", "LOC"} <= found for found in labels.values()) >= 50


@pytest.mark.parametrize("split", SPLITS)
def test_some_sentences_have_no_entity(corpus, split):
    without = [text for text, entities in corpus[split] if not entities]
    assert len(without) >= 0.03 * len(corpus[split])


def test_relative_dates_are_no_entities(corpus):
    relative = re.compile(r"last (night|week|year)|yesterday|this morning|earlier today", re.I)
    found = 0
    for split in SPLITS:
        for text, entities in corpus[split]:
            for match in relative.finditer(text):
                found += 1
                assert all(
                    end <= match.start() or match.end() <= start for start, end, _ in entities
                )
    assert found > 50


@pytest.mark.parametrize("split", SPLITS)
def test_the_grammar_uses_all_and_only_what_is_defined(split):
    ways = [way for ways in GRAMMAR.values() for way in ways]
    used = {symbol for way in ways for symbol in re.findall(r"\{(\w+)\}", way)}
    assert used | {"sentence"} == set(GRAMMAR) | set(NAMES[split])
    assert set(LABELS) <= set(GRAMMAR)


@pytest.mark.parametrize(("split", "digest"), [("train", "5a088c50bbf3"), ("dev", "da05044aa211")])
def test_the_corpus_is_always_the_same(corpus, split, digest):
    """Figures of the demo, such as those of the README, are figures of this corpus."""
    assert hashlib.sha256(json.dumps(corpus[split]).encode()).hexdigest().startswith(digest)


def test_same_arguments_give_the_same_sentences():
    assert generate("train", 50, seed=3) == generate("train", 50, seed=3)
    assert generate("train", 50, seed=3) != generate("train", 50, seed=4)
    assert generate("train", 50) == generate("train", 80)[:50]


def test_global_random_numbers_are_left_alone():
    random.seed(5)
    before = random.getstate()
    first = generate("dev", 20)
    assert random.getstate() == before
    random.seed(6)
    assert generate("dev", 20) == first


@settings(max_examples=25, deadline=None)
@given(st.integers(), st.sampled_from(SPLITS))
def test_any_seed_gives_well_formed_sentences(seed, split):
    sentences = generate(split, 20, seed)
    assert len(sentences) == 20
    for sentence in sentences:
        _check_entities(sentence)


def test_no_sentence_at_all():
    assert generate("train", 0) == []


def test_unknown_split_is_refused():
    with pytest.raises(ValueError, match=r"Unknown split 'test'\. Use one of 'train', 'dev'"):
        generate("test")


def test_negative_size_is_refused():
    with pytest.raises(ValueError, match="cannot be negative, got -1"):
        generate("train", -1)
