"""The scorer: spaCy's scores, and the calibration of predicted entities."""

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, SpanGroup
from spacy.training import Example

from spacy_window_ner.extensions import add_score_extension
from spacy_window_ner.inspect.facts import facts_of
from spacy_window_ner.inspect.reading import read_with_pipeline
from spacy_window_ner.labels import set_annotated_labels
from spacy_window_ner.training.scorer import ner_score
from tests.helpers import examples
from tests.inspect.test_facts import JUDGED, unsure
from tests.inspect.test_reading import planned_examples
from tests.pipelines import blank, make_examples

KEY = "tests of the scorer"


@Language.component("tests_planned_scores")
def set_planned_scores(doc: Doc) -> Doc:
    """Give every second entity some probability."""
    ents = [ent for ent in doc.ents if ent.start % 2 == 0]
    scores = np.asarray([(3 * ent.start + 5 * ent.end) % 11 / 10 for ent in ents], dtype="f")
    doc.spans[KEY] = SpanGroup(doc, spans=ents, attrs={"scores": scores})
    return doc


@pytest.fixture(scope="module")
def planned():
    add_score_extension(KEY)
    nlp = spacy.blank("xx")
    nlp.add_pipe("tests_planned_entities")
    nlp.add_pipe("tests_planned_scores")
    return nlp


@examples(100)
@given(st.lists(planned_examples(), min_size=1, max_size=4), st.booleans())
def test_it_agrees_with_spacy_and_with_the_report(planned, corpus, is_partial):
    corpus = [example for example in corpus if example.reference.has_annotation("ENT_IOB")]
    if not corpus:
        return
    if is_partial:
        set_annotated_labels(corpus[0].reference, {ent.label_ for ent in corpus[0].reference.ents})
    expected = facts_of(read_with_pipeline(planned, corpus)).reliability
    docs = planned.pipe(example.predicted.copy() for example in corpus)
    pairs = [Example(doc, ex.reference) for doc, ex in zip(docs, corpus, strict=True)]
    scores = ner_score(pairs)
    if expected is None:
        assert scores["ents_ece"] is None
    else:
        assert scores["ents_ece"] == pytest.approx(expected.ece)
    if not is_partial:
        assert {name: x for name, x in scores.items() if name != "ents_ece"} == get_ner_prf(pairs)


def test_calibration_is_among_the_scores_of_a_pipeline():
    corpus = make_examples(unsure(), JUDGED)
    found = unsure().evaluate(corpus)["ents_ece"]
    assert found == pytest.approx(facts_of(read_with_pipeline(unsure(), corpus)).reliability.ece)
    assert 0.01 < found < 1


def test_there_is_none_without_probabilities():
    nlp = blank(spans_key=None)
    corpus = make_examples(nlp)
    nlp.initialize(lambda: corpus)
    assert nlp.evaluate(corpus)["ents_ece"] is None
