import numpy as np
import pytest
import thinc.util
from hypothesis import given
from hypothesis import strategies as st

from spacy_window_ner.network.layers.to_numpy import ToNumpy
from tests.helpers import assert_gradients, examples


@st.composite
def documents(draw):
    lengths = draw(st.lists(st.integers(0, 4), min_size=1, max_size=4))
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    width = draw(st.integers(1, 3))
    return [rng.normal(size=(length, width)) for length in lengths]


@given(Xs=documents())
@examples(40)
def test_forward_and_backward(Xs):
    Y, backprop = ToNumpy()(Xs, is_train=True)
    assert Y.tolist() == [row.tolist() for X in Xs for row in X]
    d_Xs = backprop(Y)
    assert [d.tolist() for d in d_Xs] == [X.tolist() for X in Xs]
    assert [d.shape for d in d_Xs] == [X.shape for X in Xs]


def test_gradients():
    rng = np.random.RandomState(0)
    assert_gradients(ToNumpy(), [rng.normal(size=(n, 2)) for n in (3, 0, 1)])


class DeviceArray:
    """An array of another library, as CuPy's: NumPy functions do not take it."""

    __array__ = None

    def __init__(self, data):
        self.data = np.array(data)
        self.shape = self.data.shape

    def __len__(self):
        return len(self.data)

    def get(self):
        return self.data


class Device:
    """What Thinc uses of CuPy."""

    ndarray = DeviceArray
    asarray = DeviceArray


@pytest.fixture
def device(monkeypatch):
    monkeypatch.setattr(thinc.util, "has_cupy", True)
    monkeypatch.setattr(thinc.util, "cupy", Device, raising=False)


def test_arrays_of_another_kind_become_numpy_and_their_gradients_go_back_as_they_came(device):
    Xs = [np.asarray([[1.0, 2.0], [3.0, 4.0]]), np.zeros((0, 2)), np.asarray([[5.0, 6.0]])]
    Y, backprop = ToNumpy()([DeviceArray(X) for X in Xs], is_train=True)
    assert type(Y) is np.ndarray
    assert Y.tolist() == [[1, 2], [3, 4], [5, 6]]
    d_Xs = backprop(-Y)
    assert all(type(d) is DeviceArray for d in d_Xs)
    assert [d.get().tolist() for d in d_Xs] == [(-X).tolist() for X in Xs]
