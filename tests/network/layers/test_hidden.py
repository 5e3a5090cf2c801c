import warnings
from functools import cache

import numpy as np
import pytest
import spacy
from hypothesis import assume, given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import fix_random_seed
from thinc.api import Model, set_dropout_rate
from thinc.types import Ragged

from spacy_window_ner import check_gradients
from spacy_window_ner.network.layers import token_vectors
from spacy_window_ner.network.layers.lexeme_cache import LexemeCache
from tests import plain
from tests.helpers import WORDS, examples
from tests.pipelines import (
    add_vectors,
    blank,
    copy_of,
    make_examples,
    ner_of,
    shared,
    small_cnn,
    small_model,
    train,
)

KEY = "lists"
# Training takes a new word for one that it has met once, so these are words of `SENTENCES`.
KNOWN = ["Paris", "met", "Samuel", "in", "The", "hotel"]
documents = st.lists(st.lists(st.sampled_from(WORDS), max_size=12), min_size=1, max_size=5)

MODELS = {
    "default": {},
    "one word": {"window_size": 0},
    "one word alone": {"window_size": 0, "document_context": False},
    "no document": {"document_context": False, "activation": "tanh"},
    "no mixing": {"window_size": 1, "tok2vec": {"width": None}},
    "vectors": {"tok2vec": {"include_static_vectors": True}},
    "lists": {"gazetteer_key": KEY},
    "no memory": {"cache_megabytes": 0},
    "more windows": {"window_size": 1, "hidden_windows": [2, 1]},
}
NAMES = [*MODELS, "other token vectors"]


@cache
def pipeline(name: str) -> Language:
    """A pipeline that has trained for some steps, so that no parameter is zero."""
    fix_random_seed(0)
    if name in MODELS:
        nlp = blank(model=small_model(**MODELS[name]))
    else:
        nlp = spacy.blank("xx")
        cnn = {"@architectures": "spacy.HashEmbedCNN.v2", **small_cnn(16, 50)}
        model = {"@architectures": "spacy_window_ner.WindowClassifier.v2", "hidden_width": 24}
        nlp.add_pipe("window_ner", config={"model": {**model, "window_size": 2, "tok2vec": cnn}})
    if name == "vectors":
        add_vectors(nlp, WORDS[:5])
    sentences = make_examples(nlp)
    nlp.initialize(lambda: sentences)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # these sentences match no list
        train(nlp, sentences, 3)
    return nlp


def model_of(name: str) -> Model:
    return ner_of(pipeline(name)).model


def docs_of(name: str, batch: list[list[str]]) -> list[Doc]:
    """Documents with matches of lists; every third one has sentence starts."""
    docs = [Doc(pipeline(name).vocab, words=words) for words in batch]
    for doc in docs[::3]:
        for token in doc:
            token.is_sent_start = token.i % 4 == 0
    for doc in docs:
        pairs = [(0, "x"), (len(doc) // 2, "y")] if len(doc) else []
        doc.spans[KEY] = [Span(doc, start, len(doc), label=label) for start, label in pairs]
    return docs


def assert_plain(model: Model, docs: list[Doc]) -> None:
    emissions = model.predict(docs).emissions
    assert emissions.dtype == np.float32
    np.testing.assert_allclose(emissions, plain.emissions(model, docs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@given(batch=documents)
@examples(25)
def test_prediction_gives_the_plain_scores(name, batch):
    assume(any(batch))  # the component passes nothing on without tokens
    assert_plain(model_of(name), docs_of(name, batch))


@pytest.mark.parametrize("name", NAMES)
@given(batch=st.lists(st.lists(st.sampled_from(KNOWN), max_size=12), min_size=1, max_size=5))
@examples(15)
def test_training_gives_the_plain_sums(name, batch):
    assume(any(batch))
    layer, docs = model_of(name).get_ref("hidden"), docs_of(name, batch)
    set_dropout_rate(layer, 0.0)
    sums, backprop = layer(docs, is_train=True)
    Z = sums.at(slice(0, sum(map(len, docs))))
    np.testing.assert_allclose(Z, plain.hidden_sum(layer, docs), rtol=1e-4, atol=1e-5)
    assert backprop(np.ones_like(Z)) == []


@pytest.mark.parametrize("name", list(MODELS))
def test_gradients(name):
    batch = [["Paris", "met", "Paris", "Hilton", "Paris"], [], ["met"], ["a", "b", "a"]]
    layer = model_of(name).layers[0]
    errors = check_gradients(layer, docs_of(name, batch), max_entries=8)
    assert max(entry.error for entry in errors) <= 1e-6, errors


def test_every_parameter_learns():
    model = model_of("lists").layers[0]
    set_dropout_rate(model, 0.0)
    docs = docs_of("lists", [WORDS, WORDS[:2] * 3])
    for node in model.walk():
        for param in node.param_names:
            node.set_grad(param, np.zeros_like(node.get_param(param)))
    Y, backprop = model(docs, is_train=True)
    backprop(Ragged(np.random.RandomState(0).normal(size=Y.data.shape).astype("f"), Y.lengths))
    grads = [node.get_grad(param) for node in model.walk() for param in node.param_names]
    assert all(grad.any() for grad in grads)
    assert all(grad.dtype == np.float32 for grad in grads)


@pytest.mark.parametrize("max_rows", [0, 1, 3, 20])
@pytest.mark.parametrize("chunk", [1, 5, 64])
def test_any_memory_and_any_chunk_give_the_same(monkeypatch, max_rows, chunk):
    nlp = copy_of(shared())
    model = ner_of(nlp).model
    rng = np.random.RandomState(0)
    monkeypatch.setattr(token_vectors, "CHUNK", chunk)
    monkeypatch.setattr(token_vectors, "AHEAD", 2 * chunk)
    one_row = 4 * (16 + 5 * 48)  # a vector, and a window of five into pieces of 2 · 24
    model.get_ref("hidden").attrs["cache"] = LexemeCache(max_rows * one_row)
    for _ in range(6):
        words = [rng.choice(WORDS, size=size).tolist() for size in (17, 0, 1, 30)]
        assert_plain(model, [Doc(nlp.vocab, words=one) for one in words])


@pytest.mark.parametrize("chunk", [1, 2, 3, 7])
def test_windows_over_the_hidden_layer_do_not_end_with_the_chunk(monkeypatch, chunk):
    monkeypatch.setattr(token_vectors, "CHUNK", chunk)
    monkeypatch.setattr(token_vectors, "AHEAD", 2 * chunk)
    rng = np.random.RandomState(chunk)
    batch = [rng.choice(WORDS, size=size).tolist() for size in (9, 0, 1, 20)]
    assert_plain(model_of("more windows"), docs_of("more windows", batch))


def test_a_prediction_has_no_gradient():
    nlp = shared()
    Y, backprop = ner_of(nlp).model.layers[0]([nlp.make_doc("Paris")], is_train=False)
    with pytest.raises(ValueError, match="begin_update"):
        backprop(Y)


@pytest.mark.parametrize("document_context", [True, False])
def test_the_terms_share_the_variance_of_one_layer(document_context):
    fix_random_seed(0)
    nlp = blank(model=small_model(hidden_width=60, document_context=document_context))
    sentences = make_examples(nlp)
    nlp.initialize(lambda: sentences)
    layers = [node for node in ner_of(nlp).model.walk() if node.name == "window_affine"]
    for layer in layers:
        W = layer.get_param("W")
        glorot = 2 / sum(W.shape)
        assert W.dtype == np.float32
        assert W.var() == pytest.approx(glorot / (1 + document_context), rel=0.1)


@pytest.mark.parametrize("megabytes", [-1, -64])
def test_memory_that_is_none(megabytes):
    with pytest.raises(ValueError, match="cache_megabytes must be a whole number of at least 0"):
        blank(model=small_model(cache_megabytes=megabytes))
