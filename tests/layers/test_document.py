import numpy as np
import pytest
from hypothesis import assume, given
from thinc.api import Model
from thinc.types import Ragged

from spacy_window_ner import check_gradients
from spacy_window_ner.layers.document import WithDocument, mean_of_places, same_words
from spacy_window_ner.layers.window import Window
from tests.helpers import examples, make_doc, word_lists

WIDTH = 3


def vectors_of(data):
    """A node whose only parameter is the token vectors, so that their gradient can be checked."""

    def forward(model, docs, is_train):
        lengths = np.asarray([len(doc) for doc in docs], dtype=np.int32)

        def backprop(d_Y):
            model.inc_grad("X", d_Y.data)
            return []

        return Ragged(model.get_param("X"), lengths), backprop

    return Model("given", forward, params={"X": data})


def plain_blocks(words_of_docs, X):
    """Means over the places of each word that stands repeatedly, token by token."""
    blocks, first = [], 0
    for words in words_of_docs:
        for word in words:
            places = [s for s, other in enumerate(words) if other == word]
            row = []
            for shift in (-1, 0, 1):
                near = [
                    X[first + s + shift] if 0 <= s + shift < len(words) else np.zeros(WIDTH)
                    for s in places
                ]
                row.append(np.mean(near, axis=0) if len(near) > 1 else np.zeros(WIDTH))
            blocks.append(np.concatenate(row))
        first += len(words)
    return np.asarray(blocks).reshape(-1, 3 * WIDTH)


@given(words=word_lists())
@examples(60)
def test_forward(words):
    assume(any(words))
    docs = [make_doc(w) for w in words]
    X = np.random.RandomState(0).normal(size=(sum(map(len, words)), WIDTH))
    Y = WithDocument(vectors_of(X), Window(1)).predict(docs)
    norms = [[token.norm_ for token in doc] for doc in docs]
    np.testing.assert_allclose(Y.data[:, 3 * WIDTH :], plain_blocks(norms, X), atol=1e-12)
    windows = Window(1).predict(Ragged(X, Y.lengths))
    assert Y.data[:, : 3 * WIDTH].tolist() == windows.data.tolist()


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
    docs = [make_doc(w) for w in words]
    X = np.random.RandomState(1).normal(size=(sum(map(len, words)), WIDTH))
    errors = check_gradients(WithDocument(vectors_of(X), Window(1)), docs)
    assert [error.array for error in errors] == ["X"]
    assert errors[0].error < 1e-6


def test_words_of_different_documents_are_different():
    words = same_words([make_doc(["a", "b", "A"]), make_doc(["a"]), make_doc([])])
    assert words[0] == words[2]
    assert len({words[0], words[1], words[3]}) == 3


def test_the_operator_is_symmetric():
    words = np.asarray([0, 1, 0, 2, 1, 0])
    M = mean_of_places(np.eye(len(words)), words)
    assert (M == M.T).all()
    np.testing.assert_allclose(M.sum(axis=1), [1, 1, 1, 0, 1, 1])


def test_in_training_the_blocks_are_left_out_for_some_words():
    docs = [make_doc(["a", "b"] * 300)]
    X = np.random.RandomState(0).normal(size=(600, WIDTH))
    layer = WithDocument(vectors_of(X), Window(0), 0.3)
    whole = layer(docs, is_train=True)[0].data[:, WIDTH:]
    layer.attrs["dropout_rate"] = 0.5
    np.random.seed(0)
    Y, backprop = layer(docs, is_train=True)
    assert (Y.data[:, :WIDTH] == X).all()
    blocks = Y.data[:, WIDTH:]
    left_out = ~blocks.any(axis=1)
    assert left_out.mean() == pytest.approx(0.3, abs=0.05)
    np.testing.assert_allclose(blocks[~left_out], whole[~left_out] / 0.7)
    # The blocks are linear in X, so y · ∂J/∂y = x · ∂J/∂x for what was drawn.
    d_Y = np.random.normal(size=Y.data.shape)
    backprop(Ragged(d_Y, Y.lengths))
    d_X = layer.layers[0].get_grad("X")
    assert (d_X * X).sum() == pytest.approx((d_Y * Y.data).sum())
    assert (layer.predict(docs).data[:, WIDTH:] == whole).all()
