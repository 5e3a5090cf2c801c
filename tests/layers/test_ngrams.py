import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.strings import get_string_id

from spacy_window_ner.layers.ngrams import CharNgrams, ngram_ids
from tests.helpers import WORDS, assert_gradients, examples, lexemes_of

words = st.lists(
    st.one_of(st.sampled_from(WORDS), st.text("aBé<", min_size=1, max_size=4)), max_size=8
)
sizes = st.lists(st.integers(1, 6), min_size=1, max_size=3, unique=True)


def ngrams(nO=3, nV=11, sizes=(3,)):
    layer = CharNgrams(nO, nV, sizes)
    layer.initialize()
    return layer


def plain_ngrams(text, sizes):
    """One n-gram after another, in any order."""
    marked = "<" + text.lower() + ">"
    found = []
    for size in sizes:
        for first in range(len(marked)):
            if first + size <= len(marked):
                found.append(marked[first : first + size])
    return found or [marked]


def test_the_ngrams_of_a_word():
    ids = [get_string_id(ngram) for ngram in ("<he", "hea", "ear", "art", "rt>")]
    assert ngram_ids("Heart", (3,)).tolist() == ids
    assert ngram_ids("a", (4, 5)).tolist() == [get_string_id("<a>")]


@given(words=words, sizes=sizes, nV=st.sampled_from([1, 2, 500]))
@examples(60)
def test_forward_is_the_sum_over_ngrams(words, sizes, nV):
    lexemes = lexemes_of(words, ["NORM"])
    layer = ngrams(nV=nV, sizes=sizes)
    E = layer.get_param("E")
    vectors = layer.predict(lexemes)
    assert vectors.shape == (len(lexemes), 3) and vectors.dtype == np.float32
    for vector, orth in zip(vectors, lexemes.orths.tolist(), strict=True):
        found = plain_ngrams(lexemes.vocab.strings[orth], sizes)
        expected = sum(E[get_string_id(ngram) % nV] for ngram in found) / np.sqrt(len(found))
        np.testing.assert_allclose(vector, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("nV", [2, 50])
@given(words=words)
@examples(15)
def test_gradients(nV, words):
    assert_gradients(ngrams(nV=nV, sizes=(2, 3)), lexemes_of(words, ["NORM"]))


def test_a_new_word_is_like_those_that_it_shares_pieces_with():
    layer = ngrams(nO=64, nV=5000, sizes=(3, 4))
    lexemes = lexemes_of(["cardiomyopathy", "cardiopathy", "xylophone"], ["NORM"])
    by_text = {lexemes.vocab.strings[o]: i for i, o in enumerate(lexemes.orths.tolist())}
    X = layer.predict(lexemes)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    known, new, other = (X[by_text[w]] for w in ("cardiomyopathy", "cardiopathy", "xylophone"))
    assert new @ known > 0.5 > abs(new @ other)


@pytest.mark.parametrize("sizes", [[], [0], [2.5], [3, -1]])
def test_sizes_that_are_none(sizes):
    with pytest.raises(ValueError, match="ngrams"):
        CharNgrams(3, 11, sizes)
