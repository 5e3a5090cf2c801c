import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from thinc.api import Model

from spacy_window_ner.network.layers.token_vectors import TokenVectors
from tests.helpers import examples, make_doc, word_lists
from tests.network.layers.test_lexeme_embed import clear, gradients, layer_over_lexemes


def given_vectors(width=2):
    """Token vectors that differ from place to place, as those of a listener."""

    def forward(model, docs, is_train):
        X = model.get_param("X")
        borders = np.cumsum([len(doc) for doc in docs])[:-1]

        def backprop(d_Xs):
            d_X = np.zeros_like(X)
            d_tokens = np.concatenate(d_Xs)
            d_X[: len(d_tokens)] = d_tokens
            model.inc_grad("X", d_X)
            return []

        return np.split(X[: sum(map(len, docs))], borders), backprop

    X = np.random.RandomState(0).normal(size=(40, width))
    return Model("given", forward, params={"X": X})


@pytest.mark.parametrize("make", [layer_over_lexemes, given_vectors])
@given(words=word_lists(), reach=st.integers(0, 3))
@examples(30)
def test_windows_are_made_of_the_token_vectors(make, words, reach):
    docs = [make_doc(w) for w in words]
    tok2vec = make()
    batch, _ = TokenVectors(tok2vec, reach)(docs, True)
    X = batch.windows
    assert not X.vectors[0].any()
    assert batch.tokens.lengths.tolist() == [len(doc) for doc in docs]
    assert batch.tokens.norms.tolist() == [token.norm for doc in docs for token in doc]
    tokens = np.concatenate(tok2vec.predict(docs))
    np.testing.assert_allclose(X.vectors[X.neighbors[:, reach]], tokens)
    assert X.neighbors.shape == (len(tokens), 2 * reach + 1)


@pytest.mark.parametrize("make", [layer_over_lexemes, given_vectors])
def test_gradients_are_those_of_the_token_vectors(make):
    docs = [make_doc(["Paris", "a", "Paris"]), make_doc([]), make_doc(["a", "."])]
    tok2vec = make()
    batch, backprop = TokenVectors(tok2vec, 1)(docs, is_train=True)
    X = batch.windows
    d_vectors = np.random.RandomState(1).normal(size=X.vectors.shape)
    clear(tok2vec)
    assert backprop(d_vectors) == []
    found = gradients(tok2vec)
    # The same through the list of arrays: a row's gradient goes to one of its tokens.
    clear(tok2vec)
    Ys, backprop = tok2vec(docs, is_train=True)
    rows = X.neighbors[:, 1]
    first = np.unique(rows, return_index=True)[1]
    d_tokens = np.zeros((len(rows), X.vectors.shape[1]))
    d_tokens[first] = d_vectors[rows[first]]
    backprop(np.split(d_tokens, np.cumsum([len(Y) for Y in Ys])[:-1]))
    for a, b in zip(found, gradients(tok2vec), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)
    assert any(a.any() for a in found)
