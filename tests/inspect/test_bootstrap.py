"""The bootstrap over documents."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spacy_window_ner.inspect import bootstrap
from spacy_window_ner.inspect.bootstrap import intervals, paired, prf, resample
from tests.helpers import examples


@examples(30)
@given(arrays(np.int64, (4, 3), elements=st.integers(0, 50)))
def test_precision_recall_and_f1(counts):
    for (correct, predicted, gold), (p, r, f) in zip(counts, prf(counts), strict=True):
        assert p == (correct / predicted if predicted else correct)
        assert r == (correct / gold if gold else correct)
        if predicted and gold and correct:
            assert f == pytest.approx(2 * p * r / (p + r))


def counts_of(n_docs: int, seed: int = 0) -> np.ndarray:
    """Documents of which some are easy and some hard."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 9, n_docs)
    correct = rng.binomial(gold, rng.uniform(0.2, 1, n_docs))
    return np.stack([correct, gold, gold], axis=1)


def test_samples_are_of_whole_documents(monkeypatch):
    # Each document counts in a digit of its own, and so says how often it was drawn.
    counts = 100 ** np.arange(4)[:, None]
    drawn = resample(counts, n_samples=200)
    digits = (drawn // counts.T) % 100
    assert (digits.sum(axis=1) == 4).all()
    assert digits.mean(axis=0) == pytest.approx(np.ones(4), abs=0.25)
    assert digits.var(axis=0) == pytest.approx(np.full(4, 0.75), abs=0.3)
    # In parts, samples are as good.
    monkeypatch.setattr(bootstrap, "_CELLS", 10)
    digits = (resample(counts, n_samples=200) // counts.T) % 100
    assert digits.shape == (200, 4)
    assert (digits.sum(axis=1) == 4).all()


def test_intervals_hold_what_is_true_for_most_data():
    true, held = prf(counts_of(100_000, seed=1).sum(axis=0))[2], 0
    for seed in range(60):
        (low, high), n = intervals(counts_of(60, seed)[:, None])[0, 2], seed
        assert low < high
        held += low <= true <= high
    assert n == 59
    assert 50 <= held < 60  # of 95 %, 57 are expected


def test_intervals_of_documents_that_are_alike():
    found = intervals(np.tile([[[1, 2, 2]]], (5, 1, 1)))
    assert found.shape == (1, 3, 2)
    assert np.allclose(found, 0.5)
    assert intervals(np.ones((1, 1, 3), dtype=int)) is None


def test_paired_test():
    good = counts_of(80)
    same = paired(good, good)
    assert (same.difference, same.low, same.high, same.p) == (0, 0, 0, 1)
    worse = good.copy()
    worse[:, 0] //= 2
    found = paired(good, worse)
    assert found.difference == pytest.approx(prf(good.sum(axis=0))[2] - prf(worse.sum(axis=0))[2])
    assert 0 < found.low < found.difference < found.high
    assert found.p == pytest.approx(1 / 1001)
    back = paired(worse, good)
    assert (back.difference, back.low, back.high) == pytest.approx(
        (-found.difference, -found.high, -found.low)
    )
    assert paired(good[:1], worse[:1]) is None


def test_p_is_about_uniform_without_a_difference():
    ps = [paired(counts_of(50, 2 * i), counts_of(50, 2 * i + 1)).p for i in range(100)]
    assert 0.35 < np.mean(ps) < 0.65
    assert np.mean(np.asarray(ps) < 0.1) < 0.25
