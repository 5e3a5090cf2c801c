"""Explanations in words."""

import pytest
import spacy

from spacy_window_ner.inspect.explain import explain
from spacy_window_ner.inspect.explanation import Explanation, Reason, Transition, Word
from spacy_window_ner.inspect.wording import (
    LEAST_SHARE,
    instead,
    part_in_words,
    place_in_words,
    reasons_of,
    signs,
    step_in_words,
    verdict,
)
from spacy_window_ner.network.string_attrs import STRING_ATTRS
from tests.pipelines import shared

from .test_explain import TEXT, with_everything


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("NORM", "the word itself"),
        ("SHAPE", "written form Xxxxx"),
        ("PREFIX", "beginning H-"),
        ("SUFFIX", "ending -ton"),
        ("PREFIX2", "beginning Hi-"),
        ("SUFFIX4", "ending -lton"),
        ("CASE", "capital letters"),
        ("CLUSTER4", "similar words"),
        ("clusters_500", "similar words"),
        ("static_vectors", "meaning (word vectors)"),
        ("gazetteer", "list of names"),
        ("character_pairs", "pairs of characters"),
        ("IS_TITLE", "IS_TITLE"),
    ],
)
def test_parts(part, said):
    [token] = spacy.blank("en")("Hilton")
    assert part_in_words(part, token) == said


def test_an_affix_that_is_the_whole_word():
    [token] = spacy.blank("en")("in")
    assert part_in_words("SUFFIX4", token) == "the word itself"
    assert part_in_words("PREFIX2", token) == "the word itself"
    assert part_in_words("PREFIX1", token) == "beginning i-"


@pytest.mark.parametrize("part", STRING_ATTRS)
def test_every_attribute_of_strings_has_words(part):
    [token] = spacy.blank("en")("Hilton")
    assert part_in_words(part, token) != part


def test_places_and_steps():
    assert place_in_words(-1) == "the word before"
    assert place_in_words(2) == "two words after"
    assert place_in_words(-12) == "12 words before"
    assert step_in_words("O", "PER") == "PER after a word outside of entities"
    assert step_in_words("PER", "O") == "a word outside of entities after PER"
    assert step_in_words("PER", "LOC") == "LOC after PER"
    assert step_in_words("O", "O") == "a word outside of entities after another"


def example() -> Explanation:
    """Hilton, in "to Hilton saw Oslo Hilton to": "saw" counts by windows, "Oslo" does not."""
    texts = ["to", "Hilton", "saw", "Oslo", "Hilton", "to"]
    parts = [{"SUFFIX3": 0.0, "CLUSTER4": 0.0, "clusters_9": 0.0} for _ in texts]
    parts[0]["CLUSTER4"], parts[2]["SUFFIX3"] = 1.0, -0.5
    parts[1] = {"SUFFIX3": -2.0, "CLUSTER4": 1.5, "clusters_9": 1.5}
    elsewhere = [0.5, 0.25, 0.0, -1.0, 0.125, 1e-9]
    words = [
        Word(i, text, sum(parts[i].values()) + elsewhere[i], parts[i], elsewhere[i])
        for i, text in enumerate(texts)
    ]
    steps = [Transition("O", "PER", 0.75), Transition("PER", "O", 0.01)]
    return Explanation("Hilton", "PER", 1, 2, 3, 9, True, 0.9, 2.2, 0, words, steps, 0.0, 64)


def test_reasons():
    doc = spacy.blank("en")("to Hilton saw Oslo Hilton to")
    assert reasons_of(example(), doc) == [
        Reason("Hilton: similar words", 3.0),
        Reason("Hilton: ending -ton", -2.0),
        Reason("the word before: to", 1.5),
        Reason("elsewhere in the text: Oslo", -1.0),
        Reason("PER after a word outside of entities", 0.75),
        Reason("the word after: saw", -0.5),
        # Both places of the name.
        Reason("elsewhere in the text: Hilton", 0.375),
    ]


def test_a_name_that_is_nowhere_else():
    one = example()
    doc = spacy.blank("en")("to Hilton saw Oslo Berlin to")
    said = {reason.text for reason in reasons_of(one, doc)}
    assert "Hilton: as a neighbor" in said


@pytest.mark.parametrize("nlp", [shared, with_everything])
def test_reasons_are_the_contributions(nlp):
    found = explain(nlp(), TEXT)
    for one in found:
        sizes = [abs(reason.total) for reason in one.reasons]
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[-1] >= LEAST_SHARE * sizes[0]
        assert len({reason.text for reason in one.reasons}) == len(sizes)
        both = [one.speaking(against=against) for against in (False, True)]
        assert sum(map(len, both)) == len(sizes)
        assert all(reason.total < 0 for reason in both[1])
    assert found


def test_reasons_add_up(monkeypatch):
    monkeypatch.setattr("spacy_window_ner.inspect.wording.LEAST_SHARE", 1e-12)
    for one in explain(shared(), TEXT):
        total = sum(word.total for word in one.words) + sum(x.total for x in one.transitions)
        assert sum(reason.total for reason in one.reasons) == pytest.approx(total, abs=1e-6)


def test_small_words():
    assert verdict(example()) == "An entity, probability 0.9000"
    assert instead([]) == "no entity"
    assert instead([("a b", "X"), ("c", "Y")]) == "a b (X), c (Y)"
    assert [signs(x, 3.0) for x in (3, 2, 0.5, -0.5, -2.5)] == ["+++", "++", "+", "−", "−−−"]
