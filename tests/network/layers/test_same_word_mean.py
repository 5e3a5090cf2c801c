import numpy as np
import pytest
from hypothesis import given

from spacy_window_ner.network.features import read_tokens
from spacy_window_ner.network.layers.same_word_mean import SameWordMean, repeated_words
from spacy_window_ner.network.layers.token_vectors import Batch
from spacy_window_ner.network.layers.window_affine import Windows, neighbor_rows
from tests import plain
from tests.helpers import assert_gradients, document_slices, examples, make_doc, word_lists
from tests.network.layers.test_window_affine import make_layer

WIDTH = 2


def batch_of(docs, seed=0):
    """A batch with the vectors of distinct words, and the vectors by token."""
    tokens = read_tokens(docs, ["NORM"])
    keys, _, places = tokens.distinct()
    vectors = np.random.RandomState(seed).normal(size=(1 + len(keys), WIDTH))
    vectors[0] = 0
    neighbors = neighbor_rows(1 + places, tokens.sentences, 2)
    batch = Batch(tokens, 2, Windows(vectors, neighbors))
    return batch, vectors[1 + places]


@given(words=word_lists())
@examples(60)
def test_forward(words):
    docs = [make_doc(w) for w in words]
    X, tokens = batch_of(docs)
    inner = make_layer(1)
    Z = SameWordMean(inner).predict(X).dense()
    for doc, of in zip(docs, document_slices(X.tokens.lengths), strict=True):
        Y = plain.window_affine(tokens[of], inner.get_param("W"), inner.get_param("b"))
        expected = plain.same_word_mean(Y, [token.norm for token in doc])
        np.testing.assert_allclose(Z[of], expected, atol=1e-12)


@pytest.mark.parametrize(
    "words",
    [
        [["a", "b", "a", "a"]],
        [["a", "b", "a"], [], ["b", "a"]],
        [["a", "b", "a"], ["a", "c", "a"]],
        [["a"]],
        [["x", "x"]],
    ],
)
def test_gradients(words):
    X, _ = batch_of([make_doc(w) for w in words])
    assert_gradients(SameWordMean(make_layer(1)), X)


def test_words_of_different_documents_are_different():
    X, _ = batch_of([make_doc(["a", "b", "A"]), make_doc(["a", "b", "b"]), make_doc([])])
    tokens, groups, counts = repeated_words(X.tokens)
    assert tokens.tolist() == [0, 2, 4, 5]
    assert groups[0] == groups[1] != groups[2] == groups[3]
    assert counts.tolist() == [2, 2]


def test_the_mean_is_its_own_transpose():
    """⟨M y, δ⟩ = ⟨y, M δ⟩: the bias collects M δ of all tokens with a word that is repeated."""
    X, _ = batch_of([make_doc(["a", "b", "a", "c", "b", "a"])])
    layer = SameWordMean(make_layer(1))
    term, backprop = layer(X, is_train=True)
    delta = np.random.RandomState(0).normal(size=term.dense().shape)
    layer.layers[0].set_grad("b", np.zeros(delta.shape[1]))
    backprop(delta)
    np.testing.assert_allclose(layer.layers[0].get_grad("b"), delta[[0, 1, 2, 4, 5]].sum(axis=0))


def test_in_training_the_mean_is_left_out_for_some_tokens():
    X, _ = batch_of([make_doc(["a", "b"] * 600)])
    layer = SameWordMean(make_layer(1), 0.3)
    layer.layers[0].set_param("b", np.zeros(3))
    whole = layer.predict(X).dense()
    layer.attrs["dropout_rate"] = 0.5
    np.random.seed(0)
    term, backprop = layer(X, is_train=True)
    Z = term.dense()
    left_out = ~Z.any(axis=1)
    assert left_out.mean() == pytest.approx(0.3, abs=0.05)
    np.testing.assert_allclose(Z[~left_out], whole[~left_out] / 0.7)
    delta = np.random.normal(size=Z.shape)
    assert (backprop(delta) * X.windows.vectors).sum() == pytest.approx((delta * Z).sum())
    assert (layer.predict(X).dense() == whole).all()
