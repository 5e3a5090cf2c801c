import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from thinc.types import Ragged

from spacy_window_ner.layers.window import Window, padded_positions
from tests.helpers import assert_gradients, document_slices, examples


@st.composite
def raggeds(draw):
    lengths = draw(st.lists(st.integers(0, 5), min_size=1, max_size=4))
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    data = rng.normal(size=(sum(lengths), draw(st.integers(1, 3))))
    return Ragged(data, np.asarray(lengths, dtype=np.int32))


@given(X=raggeds(), size=st.integers(0, 6))
@examples(80)
def test_forward(X, size):
    windows = Window(size).predict(X)
    width = X.data.shape[1]
    assert windows.data.shape == (len(X.data), (2 * size + 1) * width)
    assert windows.lengths.tolist() == X.lengths.tolist()
    for of in document_slices(X.lengths):
        for t in range(of.start, of.stop):
            neighbors = [
                X.data[t + j] if of.start <= t + j < of.stop else np.zeros(width)
                for j in range(-size, size + 1)
            ]
            assert windows.data[t].tolist() == np.concatenate(neighbors).tolist()


@pytest.mark.parametrize("size", [0, 1, 3])
@pytest.mark.parametrize("lengths", [[4], [2, 0, 3, 1], [0, 0]])
def test_gradients(size, lengths):
    rng = np.random.RandomState(0)
    X = Ragged(rng.normal(size=(sum(lengths), 2)), np.asarray(lengths, dtype=np.int32))
    assert_gradients(Window(size), X)


@given(X=raggeds(), size=st.integers(0, 6))
@examples(40)
def test_every_slice_of_the_gradient_goes_back_to_its_word(X, size):
    windows, backprop = Window(size)(X, is_train=True)
    d_windows = np.random.RandomState(0).normal(size=windows.data.shape)
    d_X = backprop(Ragged(d_windows, windows.lengths))
    width = X.data.shape[1]
    expected = np.zeros(X.data.shape)
    for of in document_slices(X.lengths):
        for t in range(of.start, of.stop):
            for block, neighbor in enumerate(range(t - size, t + size + 1)):
                if of.start <= neighbor < of.stop:
                    expected[neighbor] += d_windows[t, block * width : (block + 1) * width]
    np.testing.assert_allclose(d_X.data, expected, rtol=1e-12, atol=1e-12)
    assert d_X.lengths.tolist() == X.lengths.tolist()


def dropping(size, rate):
    layer = Window(size, rate)
    layer.attrs["dropout_rate"] = 0.5
    return layer


def test_in_training_some_neighbors_are_left_out_and_the_others_scaled_up():
    np.random.seed(0)
    X = Ragged(np.ones((600, 3)), np.asarray([600], dtype=np.int32))
    blocks = dropping(2, 0.3)(X, is_train=True)[0].data.reshape(600, 5, 3)
    assert (blocks[:, 2] == 1).all()  # the word itself
    assert (blocks == blocks[:, :, :1]).all()  # whole words
    inner = np.delete(blocks[2:-2], 2, axis=1)
    assert np.unique(inner) == pytest.approx([0, 1 / 0.7])
    assert (inner == 0).mean() == pytest.approx(0.3, abs=0.03)


def test_no_neighbor_is_left_out_in_prediction_or_without_dropout():
    X = Ragged(np.ones((30, 2)), np.asarray([30], dtype=np.int32))
    expected = Window(1).predict(X).data.tolist()
    assert dropping(1, 0.9).predict(X).data.tolist() == expected
    assert Window(1, 0.9)(X, is_train=True)[0].data.tolist() == expected


@given(X=raggeds(), size=st.integers(0, 4))
@examples(40)
def test_what_is_left_out_has_no_gradient(X, size):
    """The windows are linear in X, so y · ∂J/∂y = x · ∂J/∂x for what was drawn."""
    windows, backprop = dropping(size, 0.5)(X, is_train=True)
    d_windows = np.random.RandomState(0).normal(size=windows.data.shape)
    d_X = backprop(Ragged(d_windows, windows.lengths)).data
    assert (d_X * X.data).sum() == pytest.approx((d_windows * windows.data).sum(), abs=1e-9)


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_a_share_of_neighbors_out_of_its_range_is_an_error(rate):
    with pytest.raises(ValueError, match="context_dropout is a share, from 0 to below 1; got"):
        Window(1, rate)


@given(X=raggeds(), size=st.integers(1, 6), document=st.integers(0, 3))
@examples(40)
def test_a_document_does_not_see_the_others(X, size, document):
    slices = document_slices(X.lengths)
    of = slices[document % len(slices)]
    together = Window(size).predict(X).data[of]
    alone = Ragged(X.data[of], np.asarray([of.stop - of.start], dtype=np.int32))
    assert together.tolist() == Window(size).predict(alone).data.tolist()


@given(lengths=st.lists(st.integers(0, 4), max_size=4), size=st.integers(0, 3))
@examples(40)
def test_padded_positions(lengths, size):
    where, rows = padded_positions(np.asarray(lengths, dtype=int), size)
    layout = [None] * size
    for document, length in enumerate(lengths):
        layout += [document] * length + [None] * size
    assert rows == len(layout)
    assert where.tolist() == [row for row, document in enumerate(layout) if document is not None]


def test_types_are_kept():
    X = Ragged(np.ones((2, 3), dtype="f"), np.asarray([2], dtype=np.int32))
    windows, backprop = Window(1)(X, is_train=True)
    assert windows.data.dtype == np.float32
    assert backprop(windows).data.dtype == np.float32


def test_initialize_infers_the_width():
    layer = Window(2)
    layer.initialize(X=Ragged(np.zeros((3, 4), dtype="f"), np.asarray([3], dtype=np.int32)))
    assert layer.get_dim("nO") == 20


@pytest.mark.parametrize("size", [-1, -3, 1.5])
def test_a_size_that_is_no_number_of_neighbors_is_an_error(size):
    with pytest.raises(ValueError, match=rf"window_size is .* whole number from 0 up; got {size}"):
        Window(size)
