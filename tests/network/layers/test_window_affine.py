import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_window_ner.network.layers.window_affine import (
    FEW,
    WindowAffine,
    Windows,
    neighbor_rows,
    sum_places,
)
from tests import plain
from tests.helpers import assert_gradients, document_slices, examples, gradient_errors


def make_windows(lengths, reach, width=2, n_rows=None, seed=0):
    """Windows of random rows, and the token vectors (n_tokens, width) that they stand for."""
    rng = np.random.RandomState(seed)
    n = sum(lengths)
    n_rows = n if n_rows is None else n_rows
    rows = rng.randint(1, 1 + n_rows, size=n) if n_rows else np.zeros(0, dtype=np.int64)
    vectors = rng.normal(size=(1 + n_rows, width))
    vectors[0] = 0
    return Windows(vectors, neighbor_rows(rows, numbers(lengths), reach)), vectors[rows]


def numbers(lengths):
    """The number of each token's sentence, from 1 up."""
    return np.repeat(np.arange(1, 1 + len(lengths)), lengths)


def make_layer(size, width=2, nO=3, context_dropout=0.0, seed=0):
    np.random.seed(seed)
    layer = WindowAffine(size, nO, (2 * size + 1) * width, context_dropout=context_dropout)
    layer.initialize()
    layer.set_param("W", layer.get_param("W").astype("d"))
    layer.set_param("b", np.random.normal(size=nO))
    return layer


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_few_and_many_windows_have_the_same_sums(dtype):
    rng = np.random.RandomState(0)
    table = rng.normal(size=(50, 6)).astype(dtype)
    places = rng.randint(0, 50, size=(2 * FEW, 7)).astype(np.int32)
    many = sum_places(table, places)
    few = [sum_places(table, places[:FEW]), sum_places(table, places[FEW:])]
    assert (many == np.concatenate(few)).all()
    np.testing.assert_allclose(many, table[places].sum(axis=1), rtol=1e-4, atol=1e-5)


lengths_of_docs = st.lists(st.integers(0, 6), min_size=1, max_size=4)


@given(
    lengths=lengths_of_docs,
    size=st.integers(0, 4),
    more=st.integers(0, 2),
    n_rows=st.integers(1, 5),
    seed=st.integers(0, 99),
)
@examples(100)
def test_forward(lengths, size, more, n_rows, seed):
    X, tokens = make_windows(lengths, size + more, n_rows=n_rows, seed=seed)
    layer = make_layer(size)
    Z = layer.predict(X)
    for of in document_slices(lengths):
        expected = plain.window_affine(tokens[of], layer.get_param("W"), layer.get_param("b"))
        np.testing.assert_allclose(Z[of], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [0, 1, 3])
@pytest.mark.parametrize("lengths", [[4], [2, 0, 3, 1], [0, 0]])
def test_gradients(size, lengths):
    X, _ = make_windows(lengths, max(size, 1), n_rows=3)
    assert_gradients(make_layer(size), X)


def test_gradients_with_context_left_out():
    X, _ = make_windows([5, 3], 2, n_rows=3)
    layer = make_layer(2, context_dropout=0.4)
    layer.attrs["dropout_rate"] = 0.5
    errors = gradient_errors(layer, X)
    assert max(errors.values()) <= 1e-6, errors


@given(lengths=lengths_of_docs, reach=st.integers(0, 4))
@examples(60)
def test_neighbor_rows(lengths, reach):
    rows = 1 + np.arange(sum(lengths))
    neighbors = neighbor_rows(rows, numbers(lengths), reach)
    assert neighbors.shape == (len(rows), 2 * reach + 1)
    for of in document_slices(lengths):
        for t in range(of.start, of.stop):
            expected = [
                rows[s] if of.start <= s < of.stop else 0 for s in range(t - reach, t + reach + 1)
            ]
            assert neighbors[t].tolist() == expected


def test_products_that_are_known_are_not_computed_again():
    X, _ = make_windows([6], 1)
    layer = make_layer(1)
    table = np.random.RandomState(1).normal(size=(len(X.vectors), 3 * 3))
    known = Windows(X.vectors, X.neighbors, table)
    Z = layer.predict(known)
    blocks = table.reshape(-1, 3, 3)
    expected = sum(blocks[X.neighbors[:, j], j] for j in range(3)) + layer.get_param("b")
    np.testing.assert_allclose(Z, expected)


def test_in_training_a_share_of_the_neighbors_is_left_out():
    n, rate = 3000, 0.3
    rows = np.ones(n, dtype=np.int64)
    vectors = np.asarray([[0.0], [1.0]])
    X = Windows(vectors, neighbor_rows(rows, numbers([n]), 2))
    layer = make_layer(2, width=1, nO=5, context_dropout=rate)
    layer.set_param("W", np.eye(5))  # each output is one place of the window
    layer.set_param("b", np.zeros(5))
    whole = layer.predict(X)
    layer.attrs["dropout_rate"] = 0.5
    np.random.seed(0)
    Z, backprop = layer(X, is_train=True)
    assert (Z[:, 2] == 1).all()  # the word itself is always there
    others = np.delete(Z, 2, axis=1)
    assert (others == 0).mean() == pytest.approx(rate, abs=0.02)
    assert set(np.unique(others)) == {0, 1 / (1 - rate)}
    assert others.mean() == pytest.approx(1, abs=0.02)
    # Z is linear in the vectors, so δ · Z = V · ∂J/∂V for what was drawn.
    delta = np.random.normal(size=Z.shape)
    d_vectors = backprop(delta)
    assert (d_vectors * vectors).sum() == pytest.approx((delta * Z).sum())
    assert (layer.predict(X) == whole).all()
    layer.attrs["dropout_rate"] = 0.0
    assert (layer(X, is_train=True)[0] == whole).all()


@pytest.mark.parametrize("size", [-1, 1.5])
def test_bad_size(size):
    with pytest.raises(ValueError, match="window_size is the number of neighbors"):
        WindowAffine(size, 3)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5])
def test_bad_dropout(rate):
    with pytest.raises(ValueError, match="context_dropout must be from 0 to below 1"):
        WindowAffine(1, 3, context_dropout=rate)
