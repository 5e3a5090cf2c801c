import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spacy_window_ner.network.layers.layer_norm import LayerNorm
from tests import plain
from tests.helpers import assert_gradients, examples

rows = st.tuples(st.integers(0, 4), st.integers(2, 5)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-5, 5))
)


def layer_of(width: int, seed: int = 0):
    layer, rng = LayerNorm(width), np.random.RandomState(seed)
    layer.initialize()
    for name in ("g", "b"):
        layer.set_param(name, rng.normal(size=width))
    return layer


@given(X=rows)
@examples(80)
def test_forward(X):
    layer = layer_of(X.shape[1])
    expected = plain.layer_norm(X, layer.get_param("g"), layer.get_param("b"))
    np.testing.assert_allclose(layer.predict(X), expected, atol=1e-9)


def test_it_begins_with_mean_0_and_variance_1():
    X = np.random.RandomState(0).normal(3, 2, size=(5, 64)).astype("f")
    layer = LayerNorm(64)
    layer.initialize()
    Y = layer.predict(X)
    assert Y.dtype == np.float32
    np.testing.assert_allclose(Y.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(Y.var(axis=1), 1, atol=1e-4)


def test_rows_without_variance_are_finite():
    assert np.isfinite(layer_of(3).predict(np.full((2, 3), 7.0))).all()


@pytest.mark.parametrize("width", [3, 6])
def test_gradients(width):
    assert_gradients(layer_of(width), np.random.RandomState(1).normal(size=(4, width)))
