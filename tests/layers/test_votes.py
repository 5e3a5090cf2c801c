import numpy as np
import pytest
from hypothesis import assume, given
from thinc.api import Model

from spacy_window_ner import check_gradients
from spacy_window_ner.layers.affine import Affine
from spacy_window_ner.layers.votes import score
from tests.helpers import examples, make_doc, word_lists

WIDTH, TAGS = 3, 5


def affine(seed: int) -> Model:
    layer = Affine(TAGS, WIDTH)
    rng = np.random.RandomState(seed)
    layer.set_param("W", rng.normal(size=(TAGS, WIDTH)))
    layer.set_param("b", rng.normal(size=TAGS))
    return layer


def plain_scores(scores, votes, H, norms_of_docs):
    """s = U h + c, and the mean of what every place of a repeated word votes, token by token."""
    U, c, V, d = (layer.get_param(name) for layer in (scores, votes) for name in ("W", "b"))
    rows, first = [], 0
    for norms in norms_of_docs:
        for t, norm in enumerate(norms):
            places = [s for s, other in enumerate(norms) if other == norm]
            row = U @ H[first + t] + c
            if len(places) > 1:
                row += np.mean([V @ H[first + s] + d for s in places], axis=0)
            rows.append(row)
        first += len(norms)
    return np.asarray(rows).reshape(-1, TAGS)


@pytest.mark.parametrize("is_train", [False, True])
@given(words=word_lists())
@examples(60)
def test_forward(is_train, words):
    docs = [make_doc(w) for w in words]
    H = np.random.RandomState(0).normal(size=(sum(map(len, words)), WIDTH))
    scores, votes = affine(1), affine(2)
    S, _ = score(scores, votes, H, docs, is_train)
    norms = [[token.norm_ for token in doc] for doc in docs]
    np.testing.assert_allclose(S, plain_scores(scores, votes, H, norms), atol=1e-12)


def test_without_votes_it_is_the_affine_layer():
    docs = [make_doc(["a", "b", "a"])]
    H = np.random.RandomState(0).normal(size=(3, WIDTH))
    S, backprop = score(affine(1), None, H, docs, True)
    assert S.tolist() == affine(1).predict(H).tolist()
    assert backprop(np.ones_like(S)).shape == H.shape


def as_node(words) -> Model:
    """A node around the two layers, whose gradients can be checked."""
    docs = [make_doc(w) for w in words]

    def forward(model, H, is_train):
        return score(*model.layers, H, docs, is_train)

    return Model("voting", forward, layers=[affine(1), affine(2)])


@given(words=word_lists())
@examples(15)
def test_gradients(words):
    assume(any(words))
    H = np.random.RandomState(0).normal(size=(sum(map(len, words)), WIDTH))
    errors = check_gradients(as_node(words), H)
    assert {(found.node, found.array) for found in errors} >= {("affine", "W"), ("affine", "b")}
    assert max(found.error for found in errors) < 1e-6


def test_what_a_place_votes_reaches_all_places_of_its_word():
    docs = [make_doc(["Rome", "is", "Rome"]), make_doc(["Rome"])]
    H = np.random.RandomState(0).normal(size=(4, WIDTH))
    before, _ = score(affine(1), affine(2), H, docs, False)
    H[0] += 1
    moved = score(affine(1), affine(2), H, docs, False)[0] - before
    W_U, W_V = affine(1).get_param("W"), affine(2).get_param("W")
    np.testing.assert_allclose(moved[0], W_U.sum(axis=1) + W_V.sum(axis=1) / 2)
    np.testing.assert_allclose(moved[2], W_V.sum(axis=1) / 2)
    assert not moved[[1, 3]].any()
