import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spacy_window_ner.network.layers.maxout import Maxout
from tests.helpers import assert_gradients, examples


@st.composite
def cases(draw):
    n, width, pieces = draw(st.integers(0, 4)), draw(st.integers(1, 3)), draw(st.integers(2, 4))
    values = st.one_of(st.integers(-2, 2).map(float), st.floats(-5, 5))  # ties are frequent
    return pieces, width, draw(arrays(np.float64, (n, pieces * width), elements=values))


@given(case=cases())
@examples(80)
def test_forward(case):
    pieces, width, Z = case
    H = Maxout(pieces).predict(Z)
    assert H.shape == (len(Z), width)
    for i, o in np.ndindex(H.shape):
        assert H[i, o] == max(Z[i, p * width + o] for p in range(pieces))


@given(case=cases())
@examples(80)
def test_only_the_first_of_the_largest_pieces_gets_the_gradient(case):
    pieces, width, Z = case
    H, backprop = Maxout(pieces)(Z, is_train=True)
    d_H = np.arange(1.0, H.size + 1).reshape(H.shape)
    d_Z = backprop(d_H)
    expected = np.zeros(Z.shape)
    for i, o in np.ndindex(H.shape):
        competing = [Z[i, p * width + o] for p in range(pieces)]
        expected[i, competing.index(max(competing)) * width + o] = d_H[i, o]
    assert d_Z.tolist() == expected.tolist()


@pytest.mark.parametrize("pieces", [2, 3, 5])
def test_gradients(pieces):
    Z = np.random.RandomState(pieces).normal(size=(4, 3 * pieces))
    largest = np.sort(Z.reshape(4, pieces, 3), axis=1)
    assert (largest[:, -1] - largest[:, -2]).min() > 1e-3  # no kink nearby
    assert_gradients(Maxout(pieces), Z)


@pytest.mark.parametrize("pieces", [1, 0, -2])
def test_fewer_than_two_pieces_are_an_error(pieces):
    with pytest.raises(ValueError, match=f"at least 2, got {pieces}"):
        Maxout(pieces)
