"""Networks that go on learning: where they begin, what they learn from, and how they are sent."""

import pytest

from spacy_window_ner.labels import seen_labels
from spacy_window_ner.learning.held_out import PRIOR_THRESHOLD
from spacy_window_ner.teach.networks import (
    NEW_LEARN_RATE,
    Learning,
    base_pipeline,
    first_network,
    pack,
    unpack,
)
from spacy_window_ner.teach.reading import annotated_doc
from spacy_window_ner.teach.store import Decision
from tests.pipelines import copy_of, entities, ner_of, predictions, shared, weights

TEXT = "Paris Hilton met Samuel Quinn in Paris."


def decided(text, *given, checked="all") -> Decision:
    return Decision(1, text, "", "accept", list(given), checked, "random")


def probability(nlp, start, end, label) -> float:
    doc = nlp.make_doc(TEXT)
    return dict(ner_of(nlp).alternatives(doc[start:end]))[label]


def test_what_the_base_finds_is_found_at_once():
    nlp = first_network(shared(), ["PER", "HERO"])
    ner = ner_of(nlp)
    assert ner.label_data == ["PER", "HERO"] and seen_labels(ner.model).tolist() == [True, False]
    assert ner.threshold == PRIOR_THRESHOLD
    assert ("Samuel Quinn", "PER") in entities(nlp(TEXT))


@pytest.mark.parametrize("labels", [[], ["PER"]])
def test_a_new_network_finds_nothing_yet(labels):
    nlp = first_network(base_pipeline(None, "xx"), labels)
    for text in (TEXT, "", " "):
        assert not nlp(text).ents


def test_a_new_network_learns():
    learning = Learning(base_pipeline(None, "xx"), [], 0, NEW_LEARN_RATE)
    assert learning._optimizer.learn_rate == NEW_LEARN_RATE
    doc = annotated_doc(learning.nlp, decided(TEXT, (17, 29, "HERO")))
    ner_of(learning.nlp).add_label("HERO")
    assert learning.learn([doc], 40)
    with learning.averaged() as nlp:
        assert entities(nlp(TEXT)) == [("Samuel Quinn", "HERO")]


@pytest.mark.parametrize("checked", ["given", "all"])
def test_nothing_is_learned_from_what_was_not_checked(checked):
    """Of a text in which only a place was checked, people stay what they were."""
    learning = Learning(shared(), ["PER", "LOC"], 0)
    doc = annotated_doc(learning.nlp, decided(TEXT, (33, 38, "LOC"), checked=checked))
    learning.learn([doc], 60)
    with learning.averaged() as nlp:
        assert probability(nlp, 6, 7, "LOC") > 0.9
        assert (probability(nlp, 3, 5, "PER") > 0.5) == (checked == "given")


def test_where_there_is_no_entity_is_learned():
    learning = Learning(shared(), ["PER", "LOC"], 0)
    before = probability(learning.nlp, 3, 5, "PER")
    doc = annotated_doc(learning.nlp, decided(TEXT, (17, 29, None), checked="given"))
    learning.learn([doc], 60)
    with learning.averaged() as nlp:
        assert probability(nlp, 3, 5, "PER") < 0.2 < before
        assert probability(nlp, 0, 2, "PER") > 0.5


@pytest.mark.parametrize("docs", [[], [""], [TEXT]])
def test_nothing_to_learn(docs):
    learning = Learning(shared(), ["PER"], 0)
    before = pack(learning.nlp)
    given = [annotated_doc(learning.nlp, decided(text, checked="given")) for text in docs]
    assert learning.learn(given, 5) and pack(learning.nlp) == before


def test_learning_is_interrupted_and_goes_on():
    learning, asked = Learning(shared(), ["PER"], 0), []

    def stopped() -> bool:
        asked.append(learning.steps)
        return len(asked) == 3

    docs = [annotated_doc(learning.nlp, decided(TEXT, (0, 12, "PER")))]
    assert not learning.learn(docs, 10, stopped)
    assert learning.steps == 3
    assert learning.learn(docs, 10) and learning.steps == 13


def test_a_network_is_sent():
    learning = Learning(shared(), ["PER"], 0)
    other = first_network(shared(), ["LOC", "PER"])
    ner_of(learning.nlp).add_label("HERO")
    ner_of(learning.nlp).threshold = 0.25
    learning.learn([annotated_doc(learning.nlp, decided(TEXT, (0, 5, "HERO")))], 20)
    with learning.averaged() as nlp:
        unpack(other, pack(nlp))
        assert predictions(other, [TEXT]) == predictions(nlp, [TEXT])
    assert ner_of(other).label_data == ["PER", "HERO"] and ner_of(other).threshold == 0.25


def test_a_network_of_another_base_changes_nothing():
    nlp = first_network(base_pipeline(None, "xx"), ["PER"])
    before = weights(nlp)
    for data in (pack(first_network(shared(), ["PER"])), b"", b"\x80"):
        with pytest.raises(ValueError, match="The saved network does not match"):
            unpack(nlp, data)
    assert all((x == y).all() for x, y in zip(before, weights(nlp), strict=True))


def test_the_base_needs_a_window_ner(tmp_path):
    nlp = copy_of(shared())
    nlp.remove_pipe("window_ner")
    nlp.to_disk(tmp_path)
    with pytest.raises(ValueError, match="no component named 'window_ner'"):
        base_pipeline(str(tmp_path), "xx")
