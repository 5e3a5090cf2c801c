"""How good a network is said to be."""

import numpy as np
import pytest

from spacy_window_ner.inspect.bootstrap import prf
from spacy_window_ner.learning.held_out import HeldOut
from spacy_window_ner.teach.estimate import doubts, estimate, f_interval, gain
from spacy_window_ner.teach.reading import annotated_doc
from spacy_window_ner.teach.store import Decision
from tests.pipelines import SENTENCES, make_examples, shared


def population(n=4000):
    """Counts of texts, most without entities, and some with many."""
    rng = np.random.default_rng(0)
    gold = rng.poisson(rng.choice([0.0, 0.5, 3.0], size=n))
    correct = rng.binomial(gold, 0.6)
    return np.stack([correct, correct + rng.poisson(0.2, size=n), gold], axis=1)


@pytest.mark.parametrize("n", [10, 40, 160])
def test_intervals_hold_f1_as_often_as_they_say(n):
    counts, rng = population(), np.random.default_rng(1)
    whole = prf(counts.sum(axis=0))[2]
    found = [f_interval(counts[rng.choice(len(counts), n)]) for _ in range(300)]
    held = np.mean([low <= whole <= high for low, high in found])
    assert held >= 0.94
    assert np.mean([high - low for low, high in found]) < 3 / np.sqrt(n)


@pytest.mark.parametrize("counts", [[], [[0, 0, 0]], [[1, 1, 1], [0, 0, 0]]])
def test_little_says_nothing(counts):
    assert f_interval(np.asarray(counts, dtype=int).reshape(-1, 3)) == (0.0, 1.0)


def held(*texts: tuple[int, int, int]) -> HeldOut:
    """Texts with numbers of correct, wrong and annotated entities of one label."""
    found = [(i, c) for i, (right, wrong, _) in enumerate(texts) for c in [1] * right + [0] * wrong]
    documents, correct = np.asarray(found).reshape(-1, 2).T
    return HeldOut(
        np.full(len(found), 0.9),
        correct.astype(bool),
        documents,
        np.zeros(len(found), dtype=int),
        np.asarray([[gold] for _, _, gold in texts]),
    )


def test_only_random_texts_count():
    texts = [(2, 0, 2), (0, 2, 3), (1, 1, 2), (0, 0, 0)]
    found = estimate(held(*texts), ["A"], np.asarray([True, False, True, True]), 40)
    assert found["f1"]["value"] == pytest.approx(2 * 3 / (4 + 4))
    assert found["f1"]["low"] < found["f1"]["value"] < found["f1"]["high"]
    assert found["labels"]["A"] == {**found["f1"], "annotated": 4}
    assert (found["random"], found["decided"]) == (3, 40)
    assert 0 < found["threshold"] < 0.9 and not found["enough"]


@pytest.mark.parametrize("text, f", [((5, 0, 5), 1.0), ((0, 5, 5), 0.0)])
def test_the_interval_holds_what_was_found(text, f):
    found = estimate(held(*[text] * 20), ["A"], np.ones(20, dtype=bool), 20)["f1"]
    assert found["value"] == f and found["low"] <= f <= found["high"]


def test_without_random_texts_nothing_is_known():
    found = estimate(held((1, 0, 1)), ["A"], np.asarray([False]), 5)
    assert found["f1"] is None and found["gain"] is None and not found["enough"]
    assert found["labels"] == {"A": {"value": None, "low": None, "high": None, "annotated": 0}}


def test_the_gain_follows_the_curve():
    steep = [(n, 1 - n**-0.8) for n in range(20, 201, 10)]
    flat = [(n, 0.7) for n in range(20, 201, 10)]
    assert gain(flat) < gain(flat[:1]) < gain(flat[:1], more=100)
    assert gain(steep) == pytest.approx(200**-0.8 - 250**-0.8, rel=0.3)
    assert gain([(200, 1.0)]) == 0


def test_it_is_enough_where_the_next_texts_bring_little():
    curve = [{"decided": n, "f1": {"value": 0.9}} for n in range(20, 400, 10)]
    texts = held(*[(9, 1, 10)] * 30)
    assert estimate(texts, ["A"], np.ones(30, dtype=bool), 400, curve)["enough"]
    assert not estimate(texts, ["A"], np.ones(30, dtype=bool), 20)["enough"]


def test_doubts_are_about_what_contradicts():
    nlp = shared()
    docs = [example.reference for example in make_examples(nlp, SENTENCES)]
    wrong = Decision(0, docs[0].text, "", "accept", [(0, 5, "LOC")], "all", "random")
    docs[0] = annotated_doc(nlp, wrong)
    found = doubts(nlp, docs, [10, 11, 12, 13, 14])
    assert {one["id"] for one in found} == {10}
    first = next(one for one in found if one["annotated"] is not None)
    assert first["annotated"] == {"start": 0, "end": 5, "label": "LOC"}
    assert first["instead"] == {"start": 0, "end": 12, "label": "PER"}
    assert first["text"] == docs[0].text and first["kind"] == "boundary"
    assert doubts(nlp, docs[:0], []) == []
