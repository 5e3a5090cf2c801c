import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spacy_window_ner.objectives.independent import add_incorrect, incorrect_loss
from tests.helpers import GRADIENT_BOUND, batches, entity_tags, examples


def plain_product(p, span):
    start, end, label = span
    tags = entity_tags(label, end - start)
    return np.prod([p[start + i, tag] for i, tag in enumerate(tags)])


@given(batch=batches(max_docs=3), number=st.integers(1, 4))
@examples(40)
def test_incorrect_spans(batch, number):
    spans = batch.some_spans(number)
    assume(len(spans))
    p = batch.rng.uniform(0.1, 0.9, size=batch.scores.emissions.shape)

    def d_log_p(rows, tags):
        """A made-up derivative: column c of every row gets c + 1 in the chosen column."""
        d = np.zeros_like(rows)
        d[np.arange(len(tags)), tags] = tags + 1
        return d

    expected, d_expected = 0.0, np.ones(p.shape)
    for start, end, label in spans.tolist():
        product = plain_product(p, (start, end, label))
        expected -= np.log(1 - product)
        for i, tag in enumerate(entity_tags(label, end - start)):
            d_expected[start + i, tag] += product / (1 - product) * (tag + 1)
    d_emissions = np.ones(p.shape)
    total = add_incorrect(np.log(p), d_log_p, spans, d_emissions)
    np.testing.assert_allclose(total, expected, rtol=1e-9)
    np.testing.assert_allclose(d_emissions, d_expected, rtol=1e-9)


@given(p=st.floats(1e-12, 1 - 1e-6))
@examples(100)
def test_loss_and_derivative(p):
    log_p = math.log(p)
    loss, derivative = incorrect_loss(log_p)
    assert loss == pytest.approx(-math.log(1 - p), rel=1e-8)
    assert derivative == pytest.approx(p / (1 - p), rel=1e-8)


@pytest.mark.parametrize("log_p", [-5.0, -1.0, -0.1, -0.01])
def test_derivative_by_central_differences(log_p):
    step = 1e-6 * abs(log_p)
    above, below = incorrect_loss(log_p + step)[0], incorrect_loss(log_p - step)[0]
    expected = (above - below) / (2 * step)
    assert incorrect_loss(log_p)[1] == pytest.approx(expected, rel=GRADIENT_BOUND)


def test_an_impossible_span_costs_nothing():
    assert incorrect_loss(-np.inf) == (0.0, 0.0)


@pytest.mark.parametrize("log_p", [0.0, -1e-300, 1e-15])
def test_a_certain_span_has_a_large_but_finite_loss(log_p):
    loss, derivative = incorrect_loss(log_p)
    assert 20 < loss < np.inf
    assert 1e6 < derivative < np.inf
