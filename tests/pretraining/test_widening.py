"""A trained network that gets vectors of a domain beside its own."""

import numpy as np
import pytest
import spacy

from spacy_window_ner.learning.learn import begin_from, config_from
from spacy_window_ner.pretraining import widening
from spacy_window_ner.pretraining.vectors import learn_vectors
from tests.pipelines import SENTENCES, blank, make_examples, ner_of, small_model, texts_of, train
from tests.pipelines import add_vectors as add_random_vectors

WITH_VECTORS = small_model(tok2vec={"include_static_vectors": True, "vector_clusters": [4]})


@pytest.fixture
def nlp():
    nlp = blank(model=WITH_VECTORS)
    add_random_vectors(nlp, [token.text for text in texts_of() for token in nlp.make_doc(text)])
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    train(nlp, examples, steps=10)
    return nlp


def probabilities(nlp, text: str) -> np.ndarray:
    return ner_of(nlp).tag_probabilities(nlp.make_doc(text))


def widened(nlp, *more: str):
    docs = map(nlp.make_doc, [*texts_of() * 3, *more])
    widening.add_vectors(nlp, learn_vectors(docs, width=3, min_count=2))
    return nlp


def test_a_network_computes_what_it_did(nlp, tmp_path):
    before = [probabilities(nlp, text) for text in texts_of()]
    widened(nlp)
    assert nlp.vocab.vectors.shape[1] == 8 + 3
    nlp.to_disk(tmp_path)
    for pipeline in (nlp, spacy.load(tmp_path)):
        for text, p in zip(texts_of(), before, strict=True):
            np.testing.assert_allclose(probabilities(pipeline, text), p, atol=1e-5)


def test_the_new_columns_are_learned(nlp):
    widened(nlp)
    examples = make_examples(nlp, SENTENCES)
    train(nlp, examples, steps=1)
    [(_, vectors, affine)] = widening._vector_layers(ner_of(nlp).model)
    assert vectors.attrs["widths"] == [8, 3] and vectors.get_dim("nO") == 11
    first = 12 + 4 + 8 + 4 + 8
    assert (affine.get_param("W")[:, first : first + 3] != 0).any()


def test_it_can_be_widened_again_and_begun_from(nlp):
    widened(widened(nlp))
    assert nlp.vocab.vectors.shape[1] == 8 + 3 + 3
    before = probabilities(nlp, texts_of()[0])
    begun = begin_from(config_from(nlp, "nowhere"), nlp, ner_of(nlp).label_data)
    assert probabilities(begun, texts_of()[0]).shape == before.shape


def test_a_word_without_a_vector_is_read_like_those_used_alike(nlp):
    text = texts_of()[0]
    word = nlp.make_doc(text)[0].text
    new = [text.replace(word, "Zzyx") for text in texts_of()] * 3
    widened(nlp, *new)
    place = nlp.vocab.vectors.key2row[nlp.vocab.strings["Zzyx"]]
    assert np.linalg.norm(nlp.vocab.vectors.data[place, :8]) == pytest.approx(1, rel=1e-5)


def test_damaged_widths_are_an_error(nlp):
    widened(nlp)
    [(_, vectors, _)] = widening._vector_layers(ner_of(nlp).model)
    vectors.attrs["widths"] = [8, 4]
    saved = ner_of(nlp).to_bytes()
    with pytest.raises(ValueError, match=r"has vectors of widths .* in 11 columns"):
        ner_of(nlp).from_bytes(saved)


def test_a_pipeline_without_vectors_gets_them():
    nlp = blank()
    widened(nlp)
    assert nlp.vocab.vectors.shape[1] == 3
