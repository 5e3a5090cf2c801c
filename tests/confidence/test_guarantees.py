from dataclasses import replace
from math import sqrt
from statistics import mean, stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_window_ner.confidence import guarantees
from spacy_window_ner.confidence.guarantees import (
    Guarantee,
    NotCarriedError,
    find_threshold,
    parse_guarantees,
    student_quantile,
)
from spacy_window_ner.confidence.scored_examples import ScoredExamples
from spacy_window_ner.objectives import get_objective
from spacy_window_ner.sequences.batching import Scores
from tests.helpers import examples


def words(n_docs: int, seed: int = 0, n_words: int = 8) -> ScoredExamples:
    """Documents of words that are an entity or not, with their true probabilities."""
    rng = np.random.default_rng(seed)
    p = rng.beta(0.4, 0.8, size=n_docs * n_words)
    entity = rng.random(len(p)) < p
    emissions = np.full((len(p), 5), -50.0)
    emissions[:, 0], emissions[:, 4] = 0, np.log(p / (1 - p))
    return ScoredExamples(
        scores=Scores(emissions, np.zeros((2, 2)), np.full(n_docs, n_words)),
        objective=get_objective("crf"),
        legal=np.ones(5, dtype=bool),
        tags=np.where(entity, 4, 0).astype(np.int32),
        allowed=np.where(entity, 4, 0)[:, None] == np.arange(5),
        annotated=np.ones((n_docs, 1), dtype=bool),
        presets=None,
        n_gold=entity.reshape(n_docs, n_words).sum(axis=1),
    )


def rates(scored: ScoredExamples, threshold: float) -> tuple[float, float]:
    found = scored.entities(threshold)
    n_correct = found.correct.sum()
    return n_correct / scored.n_gold.sum(), n_correct / max(len(found.correct), 1)


@pytest.mark.parametrize(("kind", "level"), [("recall", 0.9), ("precision", 0.7)])
def test_the_promise_is_kept_on_new_documents(kind, level):
    kept = []
    for seed in range(60):
        threshold = find_threshold(words(60, seed), Guarantee(kind, level))
        recall, precision = rates(words(60, 1000 + seed), threshold)
        kept.append((recall if kind == "recall" else precision) >= level)
    assert np.mean(kept) >= 0.9


@pytest.mark.parametrize("kind", ["recall", "precision"])
def test_a_higher_level_and_more_confidence_cost_more(kind):
    scored = words(200)
    levels = [find_threshold(scored, Guarantee(kind, level)) for level in (0.6, 0.75, 0.85)]
    sure = [
        find_threshold(scored, Guarantee(kind, 0.75, confidence)) for confidence in (0.6, 0.9, 0.99)
    ]
    for found in (levels, sure):
        assert found == sorted(found, reverse=kind == "recall")
        assert len(set(found)) == 3


def test_candidates_carry_what_entities_cannot():
    """One word is one of two labels, and the less likely one is right half of the time."""
    n = 400
    emissions = np.zeros((n, 9))
    emissions[:, [1, 2, 3, 5, 6, 7]] = -50
    emissions[:, 4], emissions[:, 8] = 3.1, 3.0
    labels = np.arange(n) % 2
    scored = ScoredExamples(
        scores=Scores(emissions, np.zeros((3, 3)), np.ones(n, dtype=int)),
        objective=get_objective("crf"),
        legal=np.ones(9, dtype=bool),
        tags=(4 + 4 * labels).astype(np.int32),
        allowed=(4 + 4 * labels)[:, None] == np.arange(9),
        annotated=np.ones((n, 2), dtype=bool),
        presets=None,
        n_gold=np.ones(n, dtype=int),
    )
    with pytest.raises(
        NotCarriedError, match=r"400 documents are not.*but enough for 0\.4\d.*candidates_rec"
    ):
        find_threshold(scored, Guarantee("recall", 0.9))
    threshold = find_threshold(scored, Guarantee("candidates_recall", 0.9))
    assert scored.candidates(threshold).correct.sum() == n


@pytest.mark.parametrize("kind", guarantees.KINDS)
def test_few_documents_carry_nothing(kind):
    with pytest.raises(NotCarriedError, match="These 2 documents are not enough"):
        find_threshold(words(2), Guarantee(kind, 0.95))


@pytest.mark.parametrize("kind", guarantees.KINDS)
def test_without_entities_nothing_is_carried(kind):
    scored = words(20)
    nothing = replace(
        scored,
        tags=np.zeros_like(scored.tags),
        n_gold=np.zeros_like(scored.n_gold),
    )
    with pytest.raises(NotCarriedError, match="Use more documents, or a lower level"):
        find_threshold(nothing, Guarantee(kind, 0.5))


@given(
    sizes=st.lists(st.integers(0, 6), min_size=2, max_size=12),
    level=st.sampled_from([0.3, 0.6, 0.9]),
    seed=st.integers(0, 99),
)
@examples(60)
def test_the_condition_equals_its_definition(sizes, level, seed):
    errors = [int(e) for e in np.random.default_rng(seed).integers(0, np.asarray(sizes) + 1)]
    total = max(sum(sizes), 1)
    margins = [(1 - level) * n - e for n, e in zip(sizes, errors, strict=True)]
    margins.append(-level * sum(n * n for n in sizes) / total)
    bound = student_quantile(0.8, len(sizes)) * stdev(margins) * sqrt(2 / len(margins))
    carries, _ = guarantees._carries(
        np.asarray([sizes]), np.asarray([errors]), Guarantee("recall", level, 0.8)
    )
    expected = mean(margins) >= bound and sum(sizes) > 0
    if abs(mean(margins) - bound) > 1e-9:
        assert carries.tolist() == [expected]


def test_counts_above_thresholds():
    scored = words(5)
    found = scored.entities(0.05)
    thresholds = np.asarray([0.1, 0.3, 0.8])
    counts = guarantees._counts(found, thresholds, 5)
    for row, threshold in zip(counts, thresholds, strict=True):
        above = found.probabilities > threshold
        assert row.tolist() == [(above & (found.documents == i)).sum() for i in range(5)]


@pytest.mark.parametrize(
    ("p", "degrees", "expected"),  # Abramowitz and Stegun 1964, table 26.10
    [(0.9, 5, 1.476), (0.95, 10, 1.812), (0.9, 30, 1.310), (0.99, 20, 2.528), (0.995, 60, 2.660)],
)
def test_quantiles_of_students_t(p, degrees, expected):
    assert student_quantile(p, degrees) == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize(
    ("levels", "confidence", "message"),
    [
        ({"accuracy": 0.9}, 0.9, "Unknown guarantee 'accuracy'. Use one of recall, precision"),
        ({"recall": 1.0}, 0.9, "The recall of a guarantee must be between 0 and 1, got 1.0"),
        ({"recall": "much"}, 0.9, "The recall of a guarantee must be between 0 and 1, got 'much'"),
        ({"precision": 0.5}, 0.0, "The confidence of a guarantee must be between 0 and 1"),
        ({"precision": 0.5, "recall": 0.5}, 0.9, "cannot guarantee both recall and precision"),
    ],
)
def test_invalid_guarantees(levels, confidence, message):
    with pytest.raises(ValueError, match=message):
        parse_guarantees(levels, confidence)


def test_guarantees_of_a_config():
    found = parse_guarantees({"recall": 0.8, "candidates_recall": 0.95}, 0.9)
    assert [one.setting for one in found] == ["threshold", "candidates_threshold"]
    assert parse_guarantees(None, 0.9) == []
    assert str(found[1]) == "candidates recall of 0.95 with confidence 0.9"
