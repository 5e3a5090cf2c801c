import copy
import pickle

import numpy as np
import pytest
import spacy
from hypothesis import assume, given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Adam, Model

from spacy_window_ner.features import read
from spacy_window_ner.layers import products
from spacy_window_ner.layers.document import mean_of_places, same_words
from spacy_window_ner.layers.products import Products
from tests.helpers import WORDS, examples
from tests.pipelines import (
    add_vectors,
    blank,
    copy_of,
    make_examples,
    ner_of,
    shared,
    small_model,
    texts_of,
    train,
    trained,
)

documents = st.lists(st.lists(st.sampled_from(WORDS), max_size=12), min_size=1, max_size=5)


def plain(model: Model, docs: list[Doc]) -> np.ndarray:
    """The scores by windows that are built, from the layers one after another."""
    classifier = model.layers[0]
    words, hidden, rest, scores, *votes = classifier.layers
    H = rest.predict(hidden.predict(words.predict(docs).data))
    Y = scores.predict(H)
    for layer in votes:
        Y += mean_of_places(layer.predict(H), same_words(docs))
    return Y


def assert_equals_plain(model: Model, docs: list[Doc]) -> None:
    emissions = model.predict(docs).emissions
    assert emissions.dtype == np.float32
    np.testing.assert_allclose(emissions, plain(model, docs), rtol=1e-4, atol=1e-5)


def pipelines() -> dict[str, Language]:
    vectors = blank(model=small_model(tok2vec={"include_static_vectors": True}))
    add_vectors(vectors, WORDS[:5])
    made = {
        "default": shared(),
        "one word": blank(model=small_model(window_size=0)),
        "no document": blank(model=small_model(document_context=False, activation="tanh")),
        "no votes": blank(model=small_model(document_votes=False)),
        "window alone": blank(model=small_model(document_context=False, document_votes=False)),
        "no mixing": blank(model=small_model(tok2vec={"width": None})),
        "vectors": vectors,
        "n-grams": blank(model=small_model(tok2vec={"ngrams": [2, 3], "ngram_rows": 90})),
        "no memory": blank(model=small_model(cache_megabytes=0)),
    }
    for name, nlp in made.items():
        if name != "default":
            sentences = make_examples(nlp)
            nlp.initialize(lambda sentences=sentences: sentences)
            train(nlp, sentences, 3)
    return made


PIPELINES = pipelines()


@pytest.mark.parametrize("name", PIPELINES)
@given(documents=documents)
@examples(25)
def test_products_give_the_scores_of_windows(name, documents):
    assume(any(documents))  # the component passes nothing on without tokens
    nlp = PIPELINES[name]
    assert_equals_plain(ner_of(nlp).model, [Doc(nlp.vocab, words=words) for words in documents])


def test_the_votes_of_the_default_network_are_worth_something():
    model = ner_of(shared()).model
    docs = [Doc(shared().vocab, words=["Paris", "met", "Paris", "Quinn"])]
    before = model.predict(docs).emissions
    silent = copy.deepcopy(model)
    votes = silent.get_ref("votes")
    votes.set_param("W", np.zeros_like(votes.get_param("W")))
    changed = np.abs(silent.predict(docs).emissions - before).max(axis=1) > 1e-4
    assert changed.tolist() == [True, False, True, False]


@pytest.mark.parametrize("max_rows", [0, 1, 3, 20])
@pytest.mark.parametrize("chunk", [1, 5, 64])
def test_any_memory_and_any_chunk_give_the_same(monkeypatch, max_rows, chunk):
    nlp = copy_of(shared())
    model = ner_of(nlp).model
    rng = np.random.RandomState(0)
    monkeypatch.setattr(products, "CHUNK", chunk)
    one_row = 4 * (16 + 5 * 48)
    model.layers[0].attrs["products"] = Products(max_rows * one_row)
    for _ in range(6):
        words = [rng.choice(WORDS, size=size).tolist() for size in (17, 0, 1, 30)]
        assert_equals_plain(model, [Doc(nlp.vocab, words=one) for one in words])
        known = model.layers[0].attrs["products"]
        assert known._n - 1 <= max_rows
        assert len(known._keys) == len(set(known._keys.tolist())) == known._n - 1
        assert known._keys.tolist() == sorted(known._keys.tolist())


def test_frequent_words_come_first_and_another_kind_of_text_begins_anew():
    nlp = copy_of(shared())
    model = ner_of(nlp).model
    cache = model.layers[0].attrs["products"] = Products(2 * 4 * (16 + 5 * 48))

    def known_after(text: str) -> list[bool]:
        doc = nlp.make_doc(text)
        model.predict([doc])
        tokens = read([doc], ner_of(nlp).tok2vec.attrs["attrs"])
        return (cache._find(tokens.keys)[tokens.tokens] > 0).tolist()

    assert known_after("met Paris Paris Samuel Samuel") == [False, True, True, True, True]
    assert known_after("Paris and Samuel in") == [True, False, True, False]  # half is known
    assert known_after("Paris and and in in of") == [False, True, True, True, True, False]


def test_what_is_known_is_not_computed_again():
    nlp = copy_of(shared())
    model = ner_of(nlp).model
    embed = model.get_ref("tok2vec").layers[0]
    computed = []
    forward = embed._func
    embed._func = lambda node, X, is_train: (computed.append(len(X)), forward(node, X, is_train))[1]
    nlp("Paris met Samuel")
    assert computed == [3]
    nlp("Samuel met Paris and Berlin")
    assert computed == [3, 2]
    nlp("Paris Paris")
    assert computed == [3, 2]


def changed_by_update(nlp: Language) -> None:
    train(nlp, make_examples(nlp), 1)


def changed_by_loading(nlp: Language) -> None:
    other = trained(steps=5)
    ner_of(nlp).from_bytes(ner_of(other).to_bytes())


def changed_in_place(nlp: Language) -> None:
    ner_of(nlp).tok2vec.layers[0].layers[0].layers[0].get_param("E")[:] += 0.1


def changed_in_one_weight(nlp: Language) -> None:
    ner_of(nlp).model.layers[0].layers[1].get_param("W")[3, 7] += 1e-4


def changed_by_swapping_rows(nlp: Language) -> None:
    for node in ner_of(nlp).tok2vec.walk():
        if node.has_param("E"):
            E = node.get_param("E")
            E[1:] = E[:0:-1].copy()


def changed_by_known_words(nlp: Language) -> None:
    for node in ner_of(nlp).tok2vec.walk():
        if "known" in node.attrs:
            node.attrs["known"] = node.attrs["known"][:-8]
            node.attrs["counts"] = node.attrs["counts"][:-4]


CHANGES = [
    changed_by_update,
    changed_by_loading,
    changed_in_place,
    changed_in_one_weight,
    changed_by_swapping_rows,
    changed_by_known_words,
]


@pytest.mark.parametrize("change", CHANGES)
def test_products_are_forgotten_when_a_weight_changes(change):
    nlp = copy_of(shared())
    model = ner_of(nlp).model
    docs = [nlp.make_doc(text) for text in texts_of()]
    before = model.predict(docs).emissions
    change(nlp)
    after = model.predict(docs).emissions
    assert (before != after).any()
    np.testing.assert_allclose(after, plain(model, docs), rtol=1e-4, atol=1e-5)


def test_products_are_forgotten_within_use_params_and_afterwards():
    nlp = copy_of(shared())
    docs = [nlp.make_doc(text) for text in texts_of()]
    model = ner_of(nlp).model
    sgd = Adam(0.02, use_averages=True)
    train(nlp, make_examples(nlp), 5, sgd=sgd)
    assert_equals_plain(model, docs)
    with nlp.use_params(sgd.averages):
        assert_equals_plain(model, docs)
    assert_equals_plain(model, docs)


def test_products_are_forgotten_with_other_static_vectors():
    nlp = PIPELINES["vectors"]
    model = ner_of(nlp).model
    docs = [Doc(nlp.vocab, words=WORDS)]
    before = model.predict(docs).emissions
    add_vectors(nlp, WORDS[3:])
    assert (model.predict(docs).emissions != before).any()
    assert_equals_plain(model, docs)


def test_copies_and_files_know_nothing():
    nlp = copy_of(shared())
    ner = ner_of(nlp)
    nlp(texts_of()[0])
    cache = ner.model.layers[0].attrs["products"]
    assert cache._n > 5
    for other in (copy.deepcopy(ner.model), ner.model.copy()):
        assert other.layers[0].attrs["products"] is not cache
        assert not other.layers[0].attrs["products"]._weights
        assert other.layers[0].attrs["products"].max_bytes == cache.max_bytes
    assert pickle.loads(pickle.dumps(cache)).max_bytes == cache.max_bytes
    size = len(ner.model.to_bytes())
    for text in ("Some other words", "and more of them here"):
        nlp(text)
    assert len(ner.model.to_bytes()) == size


def test_other_token_vectors_go_through_the_layers():
    nlp = spacy.blank("xx")
    nlp.add_pipe("tok2vec")
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96}
    model = {"@architectures": "spacy_window_ner.WindowClassifier.v1", "tok2vec": listener}
    nlp.add_pipe("window_ner", config={"model": model})
    classifier = ner_of(nlp).model.layers[0]
    assert not classifier.has_ref("lexeme_embed")
    assert ner_of(shared()).model.layers[0].get_ref("lexeme_embed") is ner_of(shared()).tok2vec


def test_a_prediction_has_no_gradient():
    nlp = shared()
    Y, backprop = ner_of(nlp).model.layers[0]([nlp.make_doc("Paris")], is_train=False)
    with pytest.raises(ValueError, match="begin_update"):
        backprop(Y)


@pytest.mark.parametrize("megabytes", [-1, -64])
def test_memory_that_is_none(megabytes):
    with pytest.raises(ValueError, match="cache_megabytes must be a whole number from 0 up"):
        blank(model=small_model(cache_megabytes=megabytes))
