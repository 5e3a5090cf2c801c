import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spacy_window_ner.network.layers.activation import ACTIVATIONS, Activation
from tests.helpers import assert_gradients, examples

PLAIN = {
    "tanh": math.tanh,
    "hard_tanh": lambda z: -1 if z < -1 else 1 if z > 1 else z,
    "logistic": lambda z: 1 / (1 + math.exp(-z)),
    "relu": lambda z: z if z > 0 else 0,
}


def test_all_activations_have_a_definition_here():
    assert set(ACTIVATIONS) == set(PLAIN)


@pytest.mark.parametrize("name", PLAIN)
@given(Z=arrays(np.float64, st.tuples(*[st.integers(0, 4)] * 2), elements=st.floats(-30, 30)))
@examples(40)
def test_forward(name, Z):
    H = Activation(name).predict(Z)
    assert H.shape == Z.shape
    for entry in np.ndindex(Z.shape):
        assert H[entry] == pytest.approx(PLAIN[name](float(Z[entry])), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_gradients(name, scale):
    Z = scale * np.random.RandomState(0).normal(size=(6, 5))
    near_a_kink = np.minimum(np.abs(Z), np.abs(np.abs(Z) - 1)) < 1e-3
    assert not near_a_kink.any()
    assert_gradients(Activation(name), Z)


@pytest.mark.parametrize("name", PLAIN)
def test_far_values_neither_overflow_nor_have_a_gradient_that_is_not_finite(name):
    Z = np.asarray([[-1e4, 1e4]], dtype="f")
    with np.errstate(over="raise", invalid="raise"):
        H, backprop = Activation(name)(Z, is_train=True)
        d_Z = backprop(np.ones_like(Z))
    expected = {"tanh": [-1, 1], "hard_tanh": [-1, 1], "logistic": [0, 1], "relu": [0, 1e4]}
    assert H.tolist() == [expected[name]]
    assert d_Z.tolist() == [[0, 1 if name == "relu" else 0]]


@pytest.mark.parametrize("name", PLAIN)
def test_types_are_kept(name):
    Z = np.random.RandomState(0).normal(size=(2, 3)).astype("f")
    H, backprop = Activation(name)(Z, is_train=True)
    assert H.dtype == np.float32
    assert backprop(np.ones_like(H)).dtype == np.float32


@pytest.mark.parametrize("name", ["Tanh", "gelu", ""])
def test_an_unknown_activation_is_an_error_that_lists_the_known_ones(name):
    with pytest.raises(ValueError, match=rf"Unknown activation '{name}'.*tanh.*maxout"):
        Activation(name)
