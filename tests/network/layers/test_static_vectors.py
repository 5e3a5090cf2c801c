import math

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vectors import Vectors

from spacy_window_ner.network.features import read_tokens
from spacy_window_ner.network.layers.static_vectors import StaticVectors
from tests.helpers import examples

TABLE = {"paris": [3.0, 4.0], "Hilton": [0.0, 2.0], "hilton": [5.0, 0.0], "zero": [0.0, 0.0]}


@pytest.fixture(scope="module")
def nlp():
    nlp = spacy.blank("en")
    nlp.vocab.vectors = Vectors(
        strings=nlp.vocab.strings,
        data=np.asarray(list(TABLE.values()), dtype="f"),
        keys=list(TABLE),
    )
    return nlp


@pytest.fixture(scope="module")
def floret():
    nlp = spacy.blank("en")
    data = np.random.RandomState(0).normal(size=(20, 3)).astype("f")
    nlp.vocab.vectors = Vectors(
        mode="floret",
        strings=nlp.vocab.strings,
        data=data,
        hash_count=2,
        minn=2,
        maxn=3,
        hash_seed=2166136261,
        bow="<",
        eow=">",
    )
    return nlp


def lexemes_in(nlp, words):
    tokens = read_tokens([Doc(nlp.vocab, words=words)], ["NORM"])
    return tokens.lexemes(tokens.distinct()[1])


def layer_for(nlp):
    layer = StaticVectors()
    layer.initialize(X=lexemes_in(nlp, ["sample"]))
    return layer


def normalized(vector):
    length = math.sqrt(sum(x * x for x in vector))
    return [x / length if length else 0.0 for x in vector]


def vectors_by_word(nlp, words):
    lexemes = lexemes_in(nlp, words)
    V = layer_for(nlp).predict(lexemes)
    assert V.shape == (len(set(words)), nlp.vocab.vectors.shape[1])
    assert V.dtype == np.float32
    return dict(zip((nlp.vocab.strings[orth] for orth in lexemes.orths.tolist()), V, strict=True))


CASES = ["paris", "Paris", "PARIS", "Hilton", "hilton", "HILTON", "zero", "Zero", "xyz", "Xyz"]


@given(words=st.lists(st.sampled_from(CASES), min_size=1, max_size=6))
@examples(40)
def test_vectors_of_length_one_with_the_lower_case_as_fallback(nlp, words):
    for word, vector in vectors_by_word(nlp, words).items():
        plain = TABLE.get(word, TABLE.get(word.lower(), [0.0, 0.0]))
        assert vector == pytest.approx(normalized(plain), rel=1e-6), word


def test_a_word_as_it_is_written_goes_before_its_lower_case(nlp):
    found = vectors_by_word(nlp, ["Hilton", "HILTON"])
    assert found["Hilton"].tolist() == [0, 1]
    assert found["HILTON"].tolist() == [1, 0]


def test_the_table_is_left_alone(nlp):
    vectors_by_word(nlp, CASES)
    assert nlp.vocab.vectors.data.tolist() == list(TABLE.values())


@given(words=st.lists(st.sampled_from(CASES), min_size=1, max_size=6))
@examples(20)
def test_floret_vectors(floret, words):
    for word, vector in vectors_by_word(floret, words).items():
        plain = floret.vocab.get_vector(word).tolist()
        assert any(plain)
        assert vector == pytest.approx(normalized(plain), rel=1e-5), word


def test_vectors_by_another_attribute():
    nlp = spacy.blank("en")
    nlp.vocab.vectors = Vectors(
        strings=nlp.vocab.strings,
        data=np.asarray([[2.0, 0.0]], dtype="f"),
        keys=["paris"],
        attr="LOWER",
    )
    assert vectors_by_word(nlp, ["PARIS"])["PARIS"].tolist() == [1, 0]


@pytest.mark.parametrize("vectors", ["nlp", "floret"])
def test_no_lexemes(vectors, request):
    nlp = request.getfixturevalue(vectors)
    V, backprop = layer_for(nlp)(lexemes_in(nlp, []), is_train=True)
    assert V.shape == (0, nlp.vocab.vectors.shape[1])
    assert backprop(V).size == 0


def test_it_has_no_parameters_and_an_empty_gradient(nlp):
    layer = layer_for(nlp)
    assert layer.param_names == ()
    V, backprop = layer(lexemes_in(nlp, CASES), is_train=True)
    assert backprop(V).size == 0


def test_a_pipeline_without_vectors_is_an_error_at_initialization():
    with pytest.raises(ValueError, match=r"include_static_vectors is true, but .* no word vectors"):
        layer_for(spacy.blank("en"))


@pytest.mark.parametrize("width", [None, 3])
def test_vectors_of_another_width_are_an_error_in_prediction(nlp, width):
    other = spacy.blank("en")
    if width:
        other.vocab.vectors = Vectors(
            strings=other.vocab.strings, data=np.ones((1, width), dtype="f"), keys=["a"]
        )
    with pytest.raises(ValueError, match="trained with static vectors of width 2"):
        layer_for(nlp).predict(lexemes_in(other, ["a"]))
