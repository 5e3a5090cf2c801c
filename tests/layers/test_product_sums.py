import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import fix_random_seed
from thinc.api import Model, set_dropout_rate
from thinc.types import Ragged

from spacy_window_ner import check_gradients
from spacy_window_ner.features import read
from spacy_window_ner.layers.product_sums import Places, by_layers
from tests.helpers import WORDS, examples, make_doc
from tests.pipelines import add_vectors, blank, make_examples, ner_of, small_model, train

KEY = "lists"
documents = st.lists(st.lists(st.sampled_from(WORDS), max_size=12), min_size=1, max_size=5)


def pipelines() -> dict[str, Language]:
    fix_random_seed(0)
    vectors = blank(model=small_model(tok2vec={"include_static_vectors": True}))
    add_vectors(vectors, WORDS[:5])
    made = {
        "default": blank(),
        "one word": blank(model=small_model(window_size=0)),
        "one word alone": blank(model=small_model(window_size=0, document_context=False)),
        "no document": blank(model=small_model(document_context=False, activation="tanh")),
        "no mixing": blank(model=small_model(window_size=1, tok2vec={"width": None})),
        "vectors": vectors,
        "lists": blank(model=small_model(gazetteer_key=KEY)),
    }
    for nlp in made.values():
        sentences = make_examples(nlp)
        nlp.initialize(lambda sentences=sentences: sentences)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # these sentences match no list
            train(nlp, sentences, 3)
    return made


PIPELINES = pipelines()


def classifier_of(name: str) -> Model:
    return ner_of(PIPELINES[name]).model.layers[0]


def docs_of(name: str, batch: list[list[str]]) -> list[Doc]:
    docs = [Doc(PIPELINES[name].vocab, words=words) for words in batch]
    for doc in docs:
        pairs = [(0, "x"), (len(doc) // 2, "y")] if len(doc) else []
        doc.spans[KEY] = [Span(doc, start, len(doc), label=label) for start, label in pairs]
    return docs


def one_pass(model: Model, docs: list[Doc]) -> list[np.ndarray]:
    """The output, and the gradients of all parameters for one gradient of the output."""
    for node in model.walk():
        for param in node.param_names:
            node.set_grad(param, np.zeros_like(node.get_param(param)))
    np.random.seed(1)
    Y, backprop = model(docs, is_train=True)
    d_Y = np.random.RandomState(2).normal(size=Y.data.shape).astype(Y.data.dtype)
    assert backprop(Ragged(d_Y, Y.lengths)) == []
    grads = [node.get_grad(param) for node in model.walk() for param in node.param_names]
    assert all(grad.dtype == np.float32 for grad in grads)
    return [Y.data, Y.lengths, *(grad.copy() for grad in grads)]


@pytest.mark.parametrize("name", PIPELINES)
@pytest.mark.parametrize("drop", [0.0, 0.4])
@given(batch=documents)
@examples(25)
def test_scores_and_gradients_are_those_of_the_layers(name, drop, batch):
    assume(any(batch))  # the component passes nothing on without tokens
    model, docs = classifier_of(name), docs_of(name, batch)
    set_dropout_rate(model, drop)
    found = one_pass(model, docs)
    with by_layers(model):
        expected = one_pass(model, docs)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * max(1, np.abs(b).max(initial=0)))


def test_every_parameter_learns():
    model = classifier_of("lists")
    set_dropout_rate(model, 0.0)
    _, _, *grads = one_pass(model, docs_of("lists", [WORDS, WORDS[:2] * 3]))
    assert all(grad.any() for grad in grads)


@pytest.mark.parametrize("name", PIPELINES)
def test_gradients(name):
    batch = [["Paris", "met", "Paris", "Hilton", "Paris"], [], ["met"], ["a", "b", "a"]]
    errors = check_gradients(classifier_of(name), docs_of(name, batch), max_entries=30)
    assert max(entry.error for entry in errors) <= 1e-6, errors


def test_layers_run_by_themselves_inside_the_block_only():
    model = classifier_of("default")
    window = next(node for node in model.walk() if node.name == "window")
    calls = []
    forward = window._func
    window._func = lambda *args, **kwargs: (calls.append(1), forward(*args, **kwargs))[1]
    try:
        model([make_doc(["a"])], is_train=True)
        assert not calls
        with pytest.raises(RuntimeError, match="inside"), by_layers(model):
            model([make_doc(["a"])], is_train=True)
            raise RuntimeError("inside")
        assert len(calls) == 1
        model([make_doc(["a"])], is_train=True)
        assert len(calls) == 1
    finally:
        window._func = forward


@given(batch=documents, k=st.integers(0, 3), context=st.booleans())
@examples(60)
def test_places(batch, k, context):
    docs = [make_doc(words) for words in batch]
    tokens = read(docs, ["NORM"])
    places = Places.of(tokens, k, context)
    n_blocks, beyond = 2 * k + 1 + 3 * context, len(tokens.rows)
    windows, repeated, around, first = [], [], [], 0
    for doc in docs:
        lexemes = tokens.tokens[first : first + len(doc)].tolist()

        def row(token, block, lexemes=lexemes):
            inside = 0 <= token < len(lexemes)
            return (lexemes[token] if inside else beyond) * n_blocks + block

        norms = [token.norm for token in doc]
        for t in range(len(doc)):
            windows.append([row(t + j - k, j) for j in range(2 * k + 1)])
            if context and norms.count(norms[t]) > 1:
                repeated.append(first + t)
                around.append([row(t + i, 2 * k + 2 + i) for i in (-1, 0, 1)])
        first += len(doc)
    assert places.windows.tolist() == windows
    assert places.repeated.tolist() == repeated
    assert places.around.tolist() == around
