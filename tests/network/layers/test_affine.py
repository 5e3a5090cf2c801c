import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spacy_window_ner.network.layers.affine import Affine, resize_affine
from tests.helpers import assert_gradients, examples

VALUES = st.floats(-10, 10)


def affine(W, b):
    layer = Affine(nO=W.shape[0], nI=W.shape[1])
    layer.set_param("W", W)
    layer.set_param("b", b)
    return layer


@st.composite
def cases(draw):
    n, nI, nO = draw(st.integers(0, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    shapes = [(n, nI), (nO, nI), (nO,)]
    return [draw(arrays(np.float64, shape, elements=VALUES)) for shape in shapes]


@given(case=cases())
@examples(60)
def test_forward(case):
    X, W, b = case
    Z = affine(W, b).predict(X)
    assert Z.shape == (len(X), len(W))
    for i, o in np.ndindex(Z.shape):
        expected = b[o] + sum(W[o, j] * X[i, j] for j in range(W.shape[1]))
        assert Z[i, o] == pytest.approx(expected, rel=1e-12, abs=1e-10)


@pytest.mark.parametrize(("n", "nI", "nO"), [(5, 3, 4), (1, 1, 1), (2, 7, 1)])
def test_gradients(n, nI, nO):
    rng = np.random.RandomState(0)
    assert_gradients(
        affine(rng.normal(size=(nO, nI)), rng.normal(size=nO)), rng.normal(size=(n, nI))
    )


def test_gradients_of_two_passes_add_up():
    rng = np.random.RandomState(0)
    layer = affine(rng.normal(size=(2, 3)), rng.normal(size=2))
    X, delta = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    for _ in range(2):
        _, backprop = layer(X, is_train=True)
        backprop(delta)
    np.testing.assert_allclose(layer.get_grad("W"), 2 * delta.T @ X)
    np.testing.assert_allclose(layer.get_grad("b"), 2 * delta.sum(axis=0))


def test_initialize_infers_widths_and_draws_weights():
    layer = Affine()
    layer.initialize(X=np.zeros((2, 3), dtype="f"), Y=np.zeros((2, 5), dtype="f"))
    W, b = layer.get_param("W"), layer.get_param("b")
    assert (layer.get_dim("nO"), layer.get_dim("nI")) == (5, 3)
    assert W.shape == (5, 3)
    assert W.dtype == b.dtype == np.float32
    bound = np.sqrt(6 / (5 + 3))  # Glorot and Bengio 2010
    assert (np.abs(W) <= bound).all()
    assert len(np.unique(W)) > 1
    assert b.tolist() == [0] * 5


def test_a_sample_of_another_width_is_an_error():
    with pytest.raises(ValueError, match="nI"):
        Affine(nO=2, nI=4).initialize(X=np.zeros((2, 3), dtype="f"))


def test_a_grown_layer_has_zero_outputs_behind_the_old_ones():
    rng = np.random.RandomState(0)
    layer = affine(rng.normal(size=(2, 3)).astype("f"), rng.normal(size=2).astype("f"))
    X = rng.normal(size=(4, 3)).astype("f")
    before = layer.predict(X)
    larger = resize_affine(layer, 5)
    after = larger.predict(X)
    assert (larger.get_dim("nO"), larger.get_dim("nI")) == (5, 3)
    assert larger.get_param("W").dtype == larger.get_param("b").dtype == np.float32
    np.testing.assert_allclose(after[:, :2], before, rtol=1e-6)
    assert (after[:, 2:] == 0).all()
    assert layer.predict(X).tolist() == before.tolist()
    assert larger.id != layer.id
    assert_gradients(larger, X.astype("d"))
