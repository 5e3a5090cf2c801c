from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from thinc.api import HashEmbed, NumpyOps

from spacy_window_ner.network.features import UNKNOWN
from spacy_window_ner.network.layers.embedding import Embedding, set_known
from tests.helpers import WORDS, assert_gradients, examples, lexemes_of

words = st.lists(st.sampled_from(WORDS), max_size=8)


def embedding(nO=3, nV=7, column=0, seed=0, known=(), counts=None, rare_dropout=1.0):
    layer = Embedding(nO, nV, column=column, attr="NORM", seed=seed, rare_dropout=rare_dropout)
    layer.initialize()
    counts = [1] * len(known) if counts is None else counts
    set_known(layer, np.asarray(known, dtype=np.uint64), np.asarray(counts, dtype=np.int64))
    return layer


def rows_of(ids, seed, nV, known):
    """The four rows of each id: by Thinc's hash from row 1 up, or row 0 four times if unknown."""
    hashed = 1 + NumpyOps().hash(np.ascontiguousarray(ids), seed) % (nV - 1)
    pairs = zip(ids.tolist(), hashed.tolist(), strict=True)
    return [rows if id_ in known else [0] * 4 for id_, rows in pairs]


@st.composite
def cases(draw):
    """Lexemes, a column of them, and which ids of the column are known."""
    lexemes = lexemes_of(draw(words), ["NORM", "SHAPE"])
    column = draw(st.integers(0, 1))
    ids = sorted(set(lexemes.ids[:, column].tolist()))
    known = draw(st.lists(st.sampled_from([5, *ids]), min_size=1, unique=True))
    return lexemes, column, known


@given(case=cases(), seed=st.integers(0, 5), nV=st.sampled_from([2, 3, 500]))
@examples(60)
def test_forward_is_the_sum_of_four_rows(case, seed, nV):
    lexemes, column, known = case
    layer = embedding(nV=nV, column=column, seed=seed, known=known)
    E = layer.get_param("E")
    vectors = layer.predict(lexemes)
    assert vectors.shape == (len(lexemes), 3)
    for vector, rows in zip(vectors, rows_of(lexemes.ids[:, column], seed, nV, known), strict=True):
        np.testing.assert_allclose(vector, sum(E[row] for row in rows), rtol=1e-5, atol=1e-7)


@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=8), seed=st.integers(0, 3))
@examples(20)
def test_behind_row_zero_it_is_the_hash_embedding_of_thinc(words, seed):
    lexemes = lexemes_of(words, ["NORM"])
    ours, theirs = embedding(nV=51, seed=seed), HashEmbed(3, 50, seed=seed)
    theirs.initialize()
    theirs.set_param("E", ours.get_param("E")[1:])
    expected = theirs.predict(np.ascontiguousarray(lexemes.ids[:, 0]))
    np.testing.assert_allclose(ours.predict(lexemes), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("known", [(), (1, 2, 3)])
def test_the_unknown_word_is_never_known(known):
    lexemes = lexemes_of(["Paris"], ["NORM"])
    unknown = replace(lexemes, ids=np.full((1, 1), UNKNOWN, dtype=np.uint64))
    layer = embedding(known=known)
    expected = 4 * layer.get_param("E")[0]
    np.testing.assert_allclose(layer.predict(unknown)[0], expected, rtol=1e-6)


MANY = lexemes_of([f"word{i}" for i in range(3000)], ["ORTH"])


def fraction_dropped(layer, is_train=True):
    """How many of many lexemes get the vector of the unknown word, after the gradient agrees."""
    np.random.seed(0)
    vectors, backprop = layer(MANY, is_train)
    unknown = layer.get_param("E")[0]
    dropped = np.isclose(vectors, 4 * unknown, rtol=1e-5).all(axis=1)
    backprop(np.ones_like(vectors))
    assert layer.get_grad("E")[0] == pytest.approx(4 * dropped.sum())
    return dropped.mean()


@pytest.mark.parametrize(("alpha", "count"), [(1.0, 1), (1.0, 9), (0.25, 1), (30.0, 10)])
def test_in_training_a_word_that_occurs_n_times_is_dropped_with_probability(alpha, count):
    known = MANY.ids[:, 0]
    layer = embedding(nV=5000, known=known, counts=[count] * len(known), rare_dropout=alpha)
    layer.attrs["dropout_rate"] = 0.3
    assert fraction_dropped(layer) == pytest.approx(alpha / (alpha + count), abs=0.03)


@pytest.mark.parametrize(
    ("alpha", "rate", "is_train"), [(1.0, 0.3, False), (1.0, 0.0, True), (0.0, 0.3, True)]
)
def test_no_word_is_dropped_in_prediction_or_where_a_rate_is_zero(alpha, rate, is_train):
    layer = embedding(nV=5000, known=MANY.ids[:, 0], rare_dropout=alpha)
    layer.attrs["dropout_rate"] = rate
    assert fraction_dropped(layer, is_train) == 0


def test_before_known_words_are_set_all_are_known_and_none_is_dropped():
    layer = embedding(nV=5000)
    layer.attrs["dropout_rate"] = 0.3
    assert fraction_dropped(layer) == 0


def test_the_words_that_are_dropped_are_drawn_again_in_each_pass():
    layer = embedding(nV=5000, known=MANY.ids[:, 0])
    layer.attrs["dropout_rate"] = 0.3
    np.random.seed(0)
    assert (layer(MANY, is_train=True)[0] != layer(MANY, is_train=True)[0]).any()


@given(case=cases(), data=st.data())
@examples(40)
def test_a_word_is_known_once_a_gradient_has_reached_it(case, data):
    lexemes, column, known = case
    layer = embedding(nV=500, column=column, known=known, counts=[7] * len(known))
    ids = lexemes.ids[:, column]
    reached = np.array([data.draw(st.booleans()) for _ in ids], dtype=bool)
    before = layer.predict(lexemes)
    vectors, backprop = layer(lexemes, is_train=True)
    assert (layer.predict(lexemes) == before).all()
    backprop(np.where(reached[:, None], np.ones_like(vectors), 0))
    now = set(known) | set(ids[reached].tolist())
    for vector, rows in zip(layer.predict(lexemes), rows_of(ids, 0, 500, now), strict=True):
        expected = layer.get_param("E")[rows].sum(axis=0)
        np.testing.assert_allclose(vector, expected, rtol=1e-5, atol=1e-7)
    assert np.frombuffer(layer.attrs["known"], dtype="<u8").tolist() == sorted(now)
    counts = dict.fromkeys(now, 1) | dict.fromkeys(known, 7)
    in_order = [counts[id_] for id_ in sorted(now)]
    assert np.frombuffer(layer.attrs["counts"], dtype="<u4").tolist() == in_order


def test_prediction_makes_no_word_known():
    lexemes = lexemes_of(["Paris", "Hilton"], ["NORM"])
    layer = embedding(known=[5])
    vectors, backprop = layer(lexemes, is_train=False)
    backprop(np.ones_like(vectors))
    assert len(layer.attrs["known"]) == 8


def test_equal_ids_have_equal_vectors():
    lexemes = lexemes_of(["Paris", "PARIS", "paris", "wowed"], ["LOWER"])
    vectors = embedding(nV=100).predict(lexemes)
    for i, j in np.ndindex(len(lexemes), len(lexemes)):
        assert (vectors[i] == vectors[j]).all() == (lexemes.ids[i, 0] == lexemes.ids[j, 0])


@pytest.mark.parametrize("nV", [2, 100])
def test_gradients(nV):
    """With two rows all known words share one; with LOWER some lexemes have equal ids."""
    lexemes = lexemes_of(["Paris", "PARIS", "paris", "wowed", "Hilton"], ["LOWER"])
    assert_gradients(embedding(nV=nV, known=lexemes.ids[:3, 0]), lexemes)


@given(case=cases(), data=st.data())
@examples(40)
def test_gradient_of_a_row_is_the_sum_over_its_uses(case, data):
    lexemes, column, known = case
    is_train = data.draw(st.booleans())
    layer = embedding(nV=4, column=column, known=known)
    vectors, backprop = layer(lexemes, is_train)
    d_vectors = np.random.RandomState(0).normal(size=vectors.shape).astype("f")
    assert backprop(d_vectors).size == 0
    expected = np.zeros((4, 3))
    ids = lexemes.ids[:, column]
    # In training every word is on its way to be known.
    in_use = set(ids.tolist()) - {UNKNOWN} if is_train else known
    for d, rows in zip(d_vectors, rows_of(ids, 0, 4, in_use), strict=True):
        for row in rows:
            expected[row] += d
    np.testing.assert_allclose(layer.get_grad("E"), expected, rtol=1e-5, atol=1e-6)


def test_initialize_draws_a_small_table():
    np.random.seed(0)
    layer = embedding(nO=8, nV=300)
    E = layer.get_param("E")
    assert E.shape == (300, 8)
    assert E.dtype == np.float32
    assert np.abs(E).max() <= 0.1
    assert np.abs(E).mean() == pytest.approx(0.05, abs=0.005)
    assert layer.name == "embed_NORM"


@pytest.mark.parametrize("nV", [1, 0, -5])
def test_a_table_without_a_row_for_known_words_is_an_error(nV):
    with pytest.raises(ValueError, match=f"at least 2 rows.*got {nV}"):
        embedding(nV=nV)


def test_a_negative_rate_is_an_error():
    with pytest.raises(ValueError, match=r"rare_dropout must be at least 0, got -0\.5"):
        embedding(rare_dropout=-0.5)
