import numpy as np
import pytest
from hypothesis import given

from spacy_window_ner.network.features import read_lexemes
from spacy_window_ner.network.layers.same_word_mean import RepeatedWords, SameWordMean
from spacy_window_ner.network.layers.window_affine import Windows, neighbor_rows
from tests import plain
from tests.helpers import assert_gradients, document_slices, examples, make_doc, word_lists
from tests.network.layers.test_window_affine import make_layer

WIDTH = 2


def windows_of(docs, seed=0):
    rows = read_lexemes(docs, ["NORM"])
    vectors = np.random.RandomState(seed).normal(size=(1 + len(rows.keys), WIDTH))
    vectors[0] = 0
    neighbors = neighbor_rows(1 + rows.tokens, rows.sentences, 2)
    return Windows(vectors, neighbors, rows.norms, rows.lengths), vectors[1 + rows.tokens]


@given(words=word_lists())
@examples(60)
def test_forward(words):
    docs = [make_doc(w) for w in words]
    X, tokens = windows_of(docs)
    inner = make_layer(1)
    Z = SameWordMean(inner).predict(X)
    for doc, of in zip(docs, document_slices(X.lengths), strict=True):
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
    X, _ = windows_of([make_doc(w) for w in words])
    assert_gradients(SameWordMean(make_layer(1)), X)


def test_words_of_different_documents_are_different():
    X, _ = windows_of([make_doc(["a", "b", "A"]), make_doc(["a", "b", "b"]), make_doc([])])
    words = RepeatedWords.of(X.norms, X.lengths)
    assert words.tokens.tolist() == [0, 2, 4, 5]
    assert words.groups[0] == words.groups[1] != words.groups[2] == words.groups[3]
    assert words.counts.tolist() == [2, 2]


def test_the_mean_is_its_own_transpose():
    X, _ = windows_of([make_doc(["a", "b", "a", "c", "b", "a"])])
    words = RepeatedWords.of(X.norms, X.lengths)
    M = words.means([np.eye(5)])[words.groups]
    assert (M == M.T).all()
    np.testing.assert_allclose(M.sum(axis=1), 1)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_means_of_chunks_are_those_of_the_whole(size):
    X, _ = windows_of([make_doc(["a", "b", "a", "c", "b", "a"] * 3)])
    words = RepeatedWords.of(X.norms, X.lengths)
    Y = np.random.RandomState(0).normal(size=(len(words.tokens), 4))
    chunks = (Y[start : start + size] for start in range(0, len(Y), size))
    np.testing.assert_allclose(words.means(chunks), words.means([Y]), rtol=1e-12)


def test_in_training_the_mean_is_left_out_for_some_tokens():
    X, _ = windows_of([make_doc(["a", "b"] * 600)])
    layer = SameWordMean(make_layer(1), 0.3)
    layer.layers[0].set_param("b", np.zeros(3))
    whole = layer.predict(X)
    layer.attrs["dropout_rate"] = 0.5
    np.random.seed(0)
    Z, backprop = layer(X, is_train=True)
    left_out = ~Z.any(axis=1)
    assert left_out.mean() == pytest.approx(0.3, abs=0.05)
    np.testing.assert_allclose(Z[~left_out], whole[~left_out] / 0.7)
    delta = np.random.normal(size=Z.shape)
    assert (backprop(delta) * X.vectors).sum() == pytest.approx((delta * Z).sum())
    assert (layer.predict(X) == whole).all()
