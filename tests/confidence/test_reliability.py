import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_window_ner.confidence.reliability import (
    bins_of,
    brier,
    diagram,
    ece,
    expected_ece,
    log_loss,
)
from tests.helpers import examples

NOTHING = np.zeros(0), np.zeros(0, dtype=bool)


def plain_ece(p, correct, n_bins):
    pairs = sorted(zip(p, correct, strict=True), key=lambda pair: pair[0])
    n_bins = min(n_bins, len(pairs))
    total = 0.0
    for i in range(n_bins):
        part = pairs[len(pairs) * i // n_bins : len(pairs) * (i + 1) // n_bins]
        total += abs(sum(p for p, _ in part) - sum(c for _, c in part))
    return total / len(pairs)


@given(
    pairs=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60),
    n_bins=st.integers(1, 20),
)
@examples(60)
def test_ece_equals_its_definition(pairs, n_bins):
    p = np.asarray([p for p, _ in pairs])
    correct = np.asarray([c for _, c in pairs])
    assert ece(p, correct, n_bins) == pytest.approx(plain_ece(p, correct, n_bins), abs=1e-12)
    bins = bins_of(p, correct, n_bins)
    assert bins.sizes.sum() == len(p)
    assert (bins.sizes > 0).all()
    assert bins.sizes.max() - bins.sizes.min() <= 1
    assert bins.sizes @ bins.right == pytest.approx(correct.sum())


@pytest.mark.extra
def test_scikit_learn_agrees():
    calibration = pytest.importorskip("sklearn.calibration", reason="scikit-learn is not installed")
    from sklearn import metrics

    rng = np.random.default_rng(0)
    p = rng.random(900)
    correct = rng.random(900) < p**2
    right, claimed = calibration.calibration_curve(correct, p, n_bins=15, strategy="quantile")
    bins = bins_of(p, correct)
    np.testing.assert_allclose(bins.claimed, claimed)
    np.testing.assert_allclose(bins.right, right)
    assert brier(p, correct) == pytest.approx(metrics.brier_score_loss(correct, p))
    assert log_loss(p, correct) == pytest.approx(metrics.log_loss(correct, p))


def test_true_probabilities_have_the_expected_ece():
    rng = np.random.default_rng(1)
    p = rng.random(600)
    found = [ece(p, rng.random(600) < p) for _ in range(50)]
    assert np.mean(found) == pytest.approx(expected_ece(p), rel=0.1)
    assert ece(p, rng.random(600) < p / 2) > 4 * expected_ece(p)


def test_no_spans():
    assert [ece(*NOTHING), brier(*NOTHING), log_loss(*NOTHING), expected_ece(NOTHING[0])] == [0] * 4
    assert diagram(*NOTHING).splitlines() == ["  prob. correct   spans"]


def test_certain_mistakes_have_a_finite_loss():
    assert 10 < log_loss(np.asarray([1.0, 0.0]), np.asarray([False, True])) < 20


def test_diagram():
    p = np.repeat([0.25, 0.75], 4)
    correct = np.asarray([1, 0, 0, 0, 1, 1, 0, 0], dtype=bool)
    assert diagram(p, correct, n_bins=2, width=8).splitlines()[1:] == [
        "   0.25    0.25       4  ██│······",
        "   0.75    0.50       4  ████··│··",
    ]
