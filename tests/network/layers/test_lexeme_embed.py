from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from thinc.api import chain

from spacy_window_ner.network.features import read_tokens
from spacy_window_ner.network.layers.affine import Affine
from spacy_window_ner.network.layers.concatenate import Concatenate
from spacy_window_ner.network.layers.embedding import Embedding
from spacy_window_ner.network.layers.lexeme_embed import VocabularyReader, WithLexemes
from tests.helpers import assert_gradients, examples, make_doc, word_lists

ATTRS = ["NORM", "SHAPE"]


def layer_over_lexemes():
    np.random.seed(0)
    parts = [
        Embedding(3, 6, column=i, attr=attr, seed=i, rare_dropout=1.0)
        for i, attr in enumerate(ATTRS)
    ]
    layer = WithLexemes(chain(Concatenate(parts), Affine(nO=2)), ATTRS)
    layer.initialize(X=[make_doc(["Paris", "wowed", "."])])
    for node in layer.walk():
        for name in node.param_names:
            node.set_param(name, node.get_param(name).astype("d"))
    return layer


def clear(layer):
    for node in layer.walk():
        for name in node.param_names:
            node.set_grad(name, np.zeros_like(node.get_param(name)))


def gradients(layer):
    return [node.get_grad(name).copy() for node in layer.walk() for name in node.param_names]


@given(documents=word_lists())
@examples(40)
def test_it_equals_the_inner_layer_on_each_token_by_itself(documents):
    layer = layer_over_lexemes()
    docs = [make_doc(words) for words in documents]
    clear(layer)
    outputs, backprop = layer(docs, is_train=True)
    assert [Y.shape for Y in outputs] == [(len(doc), 2) for doc in docs]
    d_outputs = [np.random.RandomState(i).normal(size=Y.shape) for i, Y in enumerate(outputs)]
    assert backprop(d_outputs) == []
    together = gradients(layer)
    clear(layer)
    inner = layer.layers[0]
    for doc, Y, d_Y in zip(docs, outputs, d_outputs, strict=True):
        for token, y, d_y in zip(doc, Y, d_Y, strict=True):
            alone = read_tokens([make_doc([token.text])], ATTRS).lexemes()
            y_alone, backprop_alone = inner(alone, is_train=True)
            np.testing.assert_allclose(y, y_alone[0], rtol=1e-12)
            backprop_alone(d_y[None])
    for found, expected in zip(together, gradients(layer), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_gradients():
    docs = [make_doc(["Paris", "Hilton", "wowed", "Paris"]), make_doc([]), make_doc(["Paris"])]
    assert_gradients(layer_over_lexemes(), docs)


@pytest.mark.parametrize("docs", [[], [make_doc([])], [make_doc([]), make_doc([])]])
def test_documents_without_tokens(docs):
    layer = layer_over_lexemes()
    outputs, backprop = layer(docs, is_train=True)
    assert [Y.shape for Y in outputs] == [(0, 2)] * len(docs)
    backprop(outputs)


def test_initialize_infers_the_width():
    assert layer_over_lexemes().get_dim("nO") == 2


def table_of(layer, attr):
    [table] = [node for node in layer.walk() if node.name == f"embed_{attr}"]
    known = np.frombuffer(table.attrs["known"], dtype="<u8").tolist()
    counts = np.frombuffer(table.attrs["counts"], dtype="<u4").tolist()
    assert known == sorted(known)
    return dict(zip(known, counts, strict=True))


def read_vocabulary(layer, batches):
    reader = VocabularyReader(layer)
    for docs in batches:
        reader.add(docs)
    reader.finish()


@given(documents=word_lists(), batch_size=st.integers(1, 4))
@examples(40)
def test_the_tables_know_the_values_of_the_training_data_and_their_counts(documents, batch_size):
    layer = layer_over_lexemes()
    docs = [make_doc(words) for words in documents]
    batches = [docs[i : i + batch_size] for i in range(0, len(docs), batch_size)]
    assert layer.attrs["read_vocabulary"] is VocabularyReader
    read_vocabulary(layer, batches)
    for attr in ATTRS:
        values = [int(value) for doc in docs for value in doc.to_array(attr)]
        assert table_of(layer, attr) == Counter(values)


def test_values_that_are_not_known_share_one_vector():
    layer = layer_over_lexemes()
    read_vocabulary(layer, [[make_doc(["Paris", "Berlin"])], [make_doc(["Paris"])]])
    [vectors] = layer.predict([make_doc(["Paris", "London", "Madrid", "lower"])])
    # London and Madrid differ in NORM, which is unknown, and agree in SHAPE, which is known.
    assert vectors[1].tolist() == vectors[2].tolist()
    assert vectors[0].tolist() != vectors[1].tolist()
    assert vectors[3].tolist() != vectors[1].tolist()


def test_the_unknown_value_itself_is_never_known():
    np.random.seed(0)
    table = Embedding(3, 6, column=0, attr="LEMMA", seed=0, rare_dropout=1.0)
    layer = WithLexemes(table, ["LEMMA"])
    layer.initialize()
    doc = make_doc(["Paris", "wowed"])  # without lemmas, whose ids are then 0
    read_vocabulary(layer, [[doc]])
    assert table_of(layer, "LEMMA") == {}
    [vectors] = layer.predict([doc])
    np.testing.assert_allclose(vectors, [4 * table.get_param("E")[0]] * 2, rtol=1e-6)
