import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_window_ner.objectives.incorrect import incorrect_loss
from tests.helpers import GRADIENT_BOUND, examples


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
