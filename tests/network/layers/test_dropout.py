import numpy as np
import pytest

from spacy_window_ner.network.layers.dropout import Dropout
from tests.helpers import assert_gradients, gradient_errors


def dropout(rate):
    layer = Dropout()
    layer.attrs["dropout_rate"] = rate
    return layer


def test_it_is_off_in_prediction_and_at_rate_zero():
    X = np.random.RandomState(0).normal(size=(5, 4))
    assert dropout(0.5).predict(X).tolist() == X.tolist()
    Y, backprop = dropout(0.0)(X, is_train=True)
    assert Y.tolist() == X.tolist()
    assert backprop(X).tolist() == X.tolist()
    assert dropout(0.0).attrs == Dropout().attrs


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_in_training_a_fraction_is_zero_and_the_rest_is_scaled_up(rate):
    np.random.seed(0)
    X = np.ones((400, 100))
    Y, backprop = dropout(rate)(X, is_train=True)
    assert np.unique(Y) == pytest.approx([0, 1 / (1 - rate)])
    assert (Y == 0).mean() == pytest.approx(rate, abs=0.01)
    assert Y.mean() == pytest.approx(1, abs=0.05)
    # ∂J/∂X = ∂J/∂Y ∘ m, and Y is m here.
    d_Y = np.random.normal(size=Y.shape)
    np.testing.assert_allclose(backprop(d_Y), d_Y * Y)


def test_two_passes_drop_different_values():
    np.random.seed(0)
    X, layer = np.ones((20, 20)), dropout(0.5)
    first, second = layer(X, is_train=True)[0], layer(X, is_train=True)[0]
    assert (first != second).any()


@pytest.mark.parametrize("rate", [0.0, 0.4])
def test_gradients(rate):
    X = np.random.RandomState(0).normal(size=(5, 4))
    assert max(gradient_errors(dropout(rate), X).values()) <= 1e-6
    assert_gradients(dropout(0.0), X)


def test_rate_one_drops_everything():
    X = np.ones((3, 4))
    Y, backprop = dropout(1.0)(X, is_train=True)
    assert (Y == 0).all()
    assert (backprop(X) == 0).all()


def test_types_are_kept():
    X = np.ones((3, 4), dtype="f")
    Y, backprop = dropout(0.5)(X, is_train=True)
    assert Y.dtype == backprop(X).dtype == np.float32
