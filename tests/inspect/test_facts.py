"""The facts of a report."""

from functools import cache

import numpy as np
import pytest
import srsly
from hypothesis import given

from spacy_window_ner.confidence.reliability import ece, expected_ece
from spacy_window_ner.confidence.scored_examples import score_examples
from spacy_window_ner.decoding.thresholds import LOWEST
from spacy_window_ner.inspect.errors import CLASSES
from spacy_window_ner.inspect.facts import Scored, evaluate, facts_of
from spacy_window_ner.inspect.reading import Document, Entity, Reading
from tests.helpers import examples
from tests.pipelines import SENTENCES, make_examples, trained

from .cases import corpora

NEW = [
    "[PER Mary Quinn] of [LOC Upper Hilton] met nobody in [DATE May 1990].",
    "[ORG Samuel City Hotel] was closed in [LOC Paris].",
    "On [DATE 3 April] the hotel left [LOC Berlin Mitte].",
    "[LOC New York] met [PER Paris]. Nobody saw [PER Kim] there, April said.",
    "Nothing came to York.",
]
WRONG = [text.replace("[LOC Paris]", "[ORG Paris]") for text in SENTENCES]
JUDGED = [*SENTENCES, *NEW, *WRONG]


@cache
def unsure():
    """A pipeline that has not learned much, so that its probabilities are of all sizes."""
    return trained(steps=6)


@pytest.fixture(scope="module")
def facts():
    return evaluate(unsure(), make_examples(unsure(), JUDGED))


def test_its_probabilities_are_of_all_sizes(facts):
    said = [p for _, p, _ in facts.scored.spans]
    assert min(said) < 0.3
    assert max(said) > 0.7
    assert all(facts.errors.values())


def test_figures_are_those_of_the_pipeline(facts):
    corpus = make_examples(unsure(), JUDGED)
    scores = unsure().evaluate(corpus)
    for name in "prf":
        assert getattr(facts.total, name) == pytest.approx(scores[f"ents_{name}"])
    assert facts.n_documents == len(corpus)
    assert facts.n_words == sum(len(example.reference) for example in corpus)
    assert facts.by_seen is None
    assert sum(facts.errors.values()) == len(facts.excerpts)


def test_reliability_is_that_of_entities(facts):
    corpus = make_examples(unsure(), JUDGED)
    p, right = [], []
    for example in corpus:
        gold = {(e.start, e.end, e.label_) for e in example.reference.ents}
        for ent in unsure()(example.reference.text).ents:
            p.append(ent._.score)
            right.append((ent.start, ent.end, ent.label_) in gold)
    assert facts.reliability.n == len(p)
    assert facts.reliability.ece == pytest.approx(ece(np.asarray(p), np.asarray(right)), abs=1e-5)
    assert facts.reliability.ece_by_chance == pytest.approx(expected_ece(np.asarray(p)), abs=1e-4)
    assert sum(facts.reliability.bins["sizes"]) == len(p)


def test_scored_spans_are_those_of_development(facts):
    corpus = make_examples(unsure(), JUDGED)
    found = score_examples(unsure(), "window_ner", corpus).entities(LOWEST)
    spans = facts.scored.spans
    assert [p for _, p, _ in spans] == pytest.approx(
        sorted(found.probabilities, reverse=True), abs=1e-4
    )
    assert sum(correct for _, _, correct in spans) == found.correct.sum()
    assert sum(facts.scored.gold) == facts.total.gold


def test_curve_by_its_definition():
    scored = Scored(["LOC"], [4], [(0, 0.9, 1), (0, 0.6, 0), (0, 0.5, 1), (0, 0.06, 0)], None)
    for threshold, p, r, f in scored.curve():
        kept = [correct for _, said, correct in scored.spans if said > threshold]
        assert p == (sum(kept) / len(kept) if kept else 0)
        assert r == sum(kept) / 4
        assert f == 2 * sum(kept) / (len(kept) + 4)


@examples(40)
@given(corpora())
def test_every_error_is_in_its_excerpt(corpus):
    excerpts = facts_of(Reading(corpus)).excerpts
    wrong = sorted(
        (i, *key)
        for i, d in enumerate(corpus)
        for key in {e.key for e in d.gold} ^ {e.key for e in d.predicted}
    )
    shown = []
    for x in excerpts:
        assert x.kind in CLASSES
        for entity in (x.gold, x.predicted):
            if entity is not None:
                shown.append((x.document, *entity.key))
                where = slice(entity.start - x.start, entity.end - x.start)
                words = corpus[x.document].words[entity.start : entity.end]
                assert x.words[where] == words
        stop = x.start + len(x.words)
        gold = corpus[x.document].gold
        assert x.annotation == [e for e in gold if e.start < stop and e.end > x.start]
    assert sorted(shown) == wrong


def test_excerpts_are_sentences():
    words = [f"w{i} " for i in range(100)]
    names = [Entity(12, 13, "LOC"), Entity(19, 21, "PER"), Entity(60, 61, "ORG")]
    document = Document(words, [0, 10, 20, 30], names, [])
    first, second, third = facts_of(Reading([document])).excerpts
    # It ends with the name that goes on in the next one.
    assert (first.start, len(first.words), first.is_cut) == (10, 11, (False, False))
    assert (second.start, len(second.words), second.is_cut) == (10, 20, (False, False))
    assert (third.start, len(third.words), third.is_cut) == (30, 61, (False, True))
    unknown = facts_of(Reading([Document(words, [], names, [])])).excerpts
    assert [x.is_cut for x in unknown] == [(False, True), (False, True), (True, True)]


def test_excerpts_do_not_cut_annotated_entities():
    words = [f"w{i} " for i in range(100)]
    names = [Entity(5, 12, "LOC"), Entity(40, 41, "PER"), Entity(68, 75, "ORG")]
    found = facts_of(Reading([Document(words, [], names, [*names[:1], *names[2:]])])).excerpts
    [(start, n_words, annotation)] = [(x.start, len(x.words), x.annotation) for x in found]
    assert (start, n_words, annotation) == (5, 70, names)


def test_probability_of_a_missed_entity_is_that_of_its_reading():
    candidates = [Entity(0, 1, "LOC", 0.3), Entity(0, 1, "PER", 0.6), Entity(1, 2, "PER", 0.9)]
    document = Document(["Rome ", "x"], [], [Entity(0, 1, "LOC")], [], [], candidates)
    (missed,) = facts_of(Reading([document], True)).excerpts
    assert missed.probability == 0.3
    assert missed.alternatives == [("Rome", "PER", 0.6), ("Rome", "LOC", 0.3)]


def test_without_probabilities():
    facts = facts_of(Reading([Document(["Rome"], [], [Entity(0, 1, "LOC")], [])]))
    assert facts.reliability is None
    assert facts.scored is None
    assert facts.total.intervals is None
    assert facts.excerpts[0].probability is None


def test_they_are_plain_data(facts):
    assert srsly.json_loads(srsly.json_dumps(facts.to_dict()))["labels"][-1]["name"] == "all"
