from functools import cache

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc

from spacy_window_ner.decoding.decode import decode
from spacy_window_ner.inspect.explain import explain
from spacy_window_ner.inspect.network import DocumentNetwork
from spacy_window_ner.sequences.batching import Scores
from tests.helpers import GRADIENT_BOUND, numeric_gradient, relative_error
from tests.pipelines import (
    OBJECTIVES,
    SENTENCES,
    add_vectors,
    blank,
    copy_of,
    make_examples,
    ner_of,
    shared,
    small_cnn,
    small_model,
    texts_of,
    train,
    trained,
    weights,
)

TEXT = "Samuel Quinn met Samuel in Berlin on 3 April 1989. Paris left Berlin."


@cache
def with_everything():
    """Static vectors, clusters, further windows, a list of names, no layer that mixes parts."""
    nlp = spacy.blank("en")
    add_vectors(nlp, [word for text in texts_of() for word in text.split()])
    ruler = nlp.add_pipe("span_ruler", config={"spans_key": "lists"})
    parts = {"include_static_vectors": True, "vector_clusters": [4], "width": None}
    settings = small_model(gazetteer_key="lists", hidden_windows=[1, 2], tok2vec=parts)
    nlp.add_pipe("window_ner", config={"model": settings})
    examples = make_examples(nlp, SENTENCES)
    nlp.initialize(lambda: examples)
    ruler.add_patterns([{"label": "CITY", "pattern": "Berlin"}])
    for example in examples:
        ruler(example.predicted)
    train(nlp, examples, 40)
    return nlp


PIPELINES = {
    **{objective: lambda objective=objective: shared(objective) for objective in OBJECTIVES},
    "no document context": lambda: trained(model=small_model(document_context=False)),
    "hidden windows": lambda: trained(model=small_model(hidden_windows=[1])),
    "vectors of another kind": lambda: trained(
        model={**small_model(), "tok2vec": small_cnn(16, 200)}
    ),
    "tanh": lambda: trained(model=small_model(activation="tanh", objective="softmax")),
    "everything": with_everything,
}


@cache
def pipeline(kind):
    return PIPELINES[kind]()


@pytest.mark.parametrize("kind", PIPELINES)
def test_contributions_add_up(kind):
    nlp = pipeline(kind)
    doc = nlp(TEXT)
    found = explain(nlp, TEXT)
    assert len(found) == len(doc.ents) > 0
    for one, ent in zip(found, doc.ents, strict=True):
        assert (one.start, one.end, one.label, one.text) == (
            ent.start,
            ent.end,
            ent.label_,
            ent.text,
        )
        assert (one.start_char, one.end_char) == (ent.start_char, ent.end_char)
        assert one.is_entity
        assert one.probability == pytest.approx(ent._.score, abs=1e-4)
        total = sum(word.total for word in one.words) + sum(x.total for x in one.transitions)
        assert total == pytest.approx(one.log_odds - one.baseline, rel=0.01)
        assert one.is_complete
        for word in one.words:
            of_parts = sum(word.parts.values()) + word.elsewhere
            assert word.total == pytest.approx(of_parts, abs=1e-9)


@pytest.mark.parametrize("kind", PIPELINES)
def test_the_network_is_that_of_prediction(kind):
    nlp = pipeline(kind)
    doc = nlp(TEXT)
    doc[11].is_sent_start = True
    model = ner_of(nlp).model
    network = DocumentNetwork(model, doc)
    two = np.stack([network.vectors] * 2), np.stack([network.features] * 2)
    emissions, backprop = network.emissions(*two)
    scores = model.predict([doc])
    for copy in emissions:
        np.testing.assert_allclose(copy, scores.emissions, atol=1e-4)
    np.testing.assert_allclose(network.transitions, scores.transitions)
    R = np.random.RandomState(0).normal(size=emissions.shape)
    gradient = backprop(R)
    x = two[0][:, :2]
    numeric = numeric_gradient(lambda: float((R * network.emissions(*two)[0]).sum()), x, 1e-6)
    d = (gradient.window + gradient.context)[:, :2]
    assert relative_error(d, numeric) <= 100 * GRADIENT_BOUND


def test_parts_are_named():
    found = explain(with_everything(), TEXT)
    names = ["NORM", "PREFIX", "SUFFIX", "SHAPE", "static_vectors", "clusters_4", "gazetteer"]
    assert list(found[0].words[0].parts) == names
    in_list = {word.text for x in found for word in x.words if word.parts["gazetteer"]}
    assert in_list == {"Berlin"}


def test_other_places_of_a_word():
    found = explain(shared(), "Samuel left Paris. Samuel met Paris Hilton.")
    assert any(word.elsewhere for one in found for word in one.words)
    without = pipeline("no document context")
    found = explain(without, "Samuel left Paris. Samuel met Paris Hilton.")
    assert not any(word.elsewhere for one in found for word in one.words)


def test_a_span_that_is_no_entity(trained_nlp):
    text = "Nothing happened in Paris."
    doc = trained_nlp(text)
    [one] = explain(trained_nlp, text, [(1, 2, "PER")])
    assert not one.is_entity
    assert one.text == "happened"
    assert one.log_odds < 0
    alternatives = dict(ner_of(trained_nlp).alternatives(doc[1:2]))
    assert one.probability == pytest.approx(alternatives["PER"], abs=1e-5)


def test_words_that_decide(trained_nlp):
    """What is said of a word is what the network says when its parts are zero."""
    texts = [*texts_of(), "Hilton met Samuel. Paris Quinn and York were closed on April 2001."]
    ner, n_decisive = ner_of(trained_nlp), 0
    for text in texts:
        network = DocumentNetwork(ner.model, trained_nlp.make_doc(text))
        n = len(network)
        for one in explain(trained_nlp, text):
            changing = [without.token for without in one.decisive]
            row = [one.start, one.end, ner.label_data.index(one.label)]
            for token in range(n):
                vectors = network.vectors.copy()
                vectors[token] = 0
                emissions, _ = network.emissions(vectors[None], network.features[None])
                scores = Scores(emissions[0], network.transitions, np.asarray([n]))
                rows = decode(scores, ner.objective).spans.tolist()
                assert (row not in rows) == (token in changing)
            n_decisive += len(changing)
    assert n_decisive


def test_the_threshold_decides(trained_nlp):
    nlp = copy_of(trained_nlp, threshold=0.9999999)
    assert explain(nlp, TEXT) == []
    assert len(explain(trained_nlp, TEXT)) > 0


def test_entities_of_other_components_are_not_explained(trained_nlp):
    nlp = copy_of(trained_nlp)
    ruler = nlp.add_pipe("entity_ruler", before="window_ner")
    ruler.add_patterns([{"label": "PER", "pattern": "Paris"}])
    found = explain(nlp, "Samuel left Paris.")
    assert [one.text for one in found] == ["Samuel"]
    with pytest.raises(ValueError, match="the network does not decide"):
        explain(nlp, "Samuel left Paris.", [(2, 3, "PER")])


@pytest.mark.parametrize(
    ("span", "message"),
    [
        ((0, 1, "ORG"), "no label 'ORG'. Its labels are: DATE, LOC, PER"),
        ((0, 0, "PER"), "is empty"),
        ((2, 9, "PER"), "outside of the text with 3 tokens"),
    ],
)
def test_spans_that_cannot_be_explained(trained_nlp, span, message):
    with pytest.raises(ValueError, match=message):
        explain(trained_nlp, "Samuel left Paris", [span])


def test_nothing_to_explain(trained_nlp):
    assert explain(trained_nlp, "") == []
    assert explain(trained_nlp, "nothing") == []
    with pytest.raises(ValueError, match="initialize"):
        explain(blank(), "Paris")


def test_the_pipeline_and_the_document_stay_as_they_were(trained_copy):
    model = ner_of(trained_copy).model
    doc, before = Doc(trained_copy.vocab, words=TEXT.split()), weights(trained_copy)
    for node in model.walk():
        for name in node.param_names:
            node.set_grad(name, np.zeros_like(node.get_param(name)))
    explain(trained_copy, doc)
    assert not doc.ents
    for one, other in zip(weights(trained_copy), before, strict=True):
        np.testing.assert_array_equal(one, other)
    for node in model.walk():
        for name in node.param_names:
            assert not node.get_grad(name).any()
