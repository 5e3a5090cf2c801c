"""What a pipeline reads, in words of the annotation: as spaCy's scorer counts."""

from itertools import pairwise

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_window_ner.inspect.errors import pair_all
from spacy_window_ner.inspect.groups import by_label
from spacy_window_ner.inspect.reading import Document, Entity, names_of, read_with_pipeline
from spacy_window_ner.labels import set_annotated_labels
from tests.helpers import examples
from tests.pipelines import SENTENCES, copy_of, make_examples, ner_of, shared

from .cases import entities


@Language.component("tests_planned_entities")
def set_planned_entities(doc: Doc) -> Doc:
    """Set the entities that the document's `user_data` asks for."""
    doc.set_ents([Span(doc, *planned) for planned in doc.user_data.get("planned", [])])
    return doc


PLANNED = spacy.blank("xx")
PLANNED.add_pipe("tests_planned_entities")


@st.composite
def cut(draw, text: str) -> list[str]:
    """A text in tokens, of any division."""
    inner = draw(st.sets(st.integers(1, len(text) - 1)))
    edges = [0, *sorted(inner), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


@st.composite
def planned_examples(draw) -> Example:
    """A text of which annotation and pipeline have different tokens, some without annotation."""
    text = "abcdefghij"[: draw(st.integers(2, 10))]
    words = draw(cut(text))
    others = draw(st.one_of(st.just(words), cut(text)))
    reference, predicted = (
        Doc(PLANNED.vocab, words=tokens, spaces=[False] * len(tokens)) for tokens in (words, others)
    )
    gold, planned = draw(entities(len(words))), draw(entities(len(others)))
    if words == others:
        # Most entities are right, so that a wrong one more or less makes a difference.
        apart = [e for e in planned if all(e.end <= g.start or g.end <= e.start for g in gold)]
        planned = [*gold, *apart]
    predicted.user_data["planned"] = [(e.start, e.end, e.label) for e in planned]
    spans = [Span(reference, e.start, e.end, e.label) for e in gold]
    free = [token.i for token in reference if not any(s.start <= token.i < s.end for s in spans)]
    missing = [Span(reference, i, i + 1) for i in free if draw(st.integers(0, 3)) == 0]
    reference.set_ents(spans, missing=missing, default="outside")
    return Example(predicted, reference)


@examples(100)
@given(st.lists(planned_examples(), min_size=1, max_size=3))
def test_counts_are_those_of_the_scorer(corpus):
    corpus = [example for example in corpus if example.reference.has_annotation("ENT_IOB")]
    if not corpus:
        return
    found = by_label(read_with_pipeline(PLANNED, corpus).documents)
    docs = PLANNED.pipe(example.predicted.copy() for example in corpus)
    scores = get_ner_prf(
        [Example(doc, example.reference) for doc, example in zip(docs, corpus, strict=True)]
    )
    figures = {row.name: {"p": row.p, "r": row.r, "f": row.f} for row in found}
    total = figures.pop("all")
    # The scorer lists labels without an entity that can be judged.
    per_type = scores["ents_per_type"] or {}
    assert figures == {label: pytest.approx(per_type[label]) for label in figures}
    for name, value in total.items():
        assert value == pytest.approx(scores[f"ents_{name}"] or 0.0)


def small(words: str, *planned, gold=()) -> Example:
    reference = Doc(PLANNED.vocab, words=words.split())
    reference.set_ents([Span(reference, *one) for one in gold], default="outside")
    predicted = Doc(PLANNED.vocab, words=words.split())
    predicted.user_data["planned"] = list(planned)
    return Example(predicted, reference)


def test_labels_are_renamed_and_left_out():
    example = small("Ann saw Rome today", (0, 1, "PERSON"), (2, 3, "GPE"), (3, 4, "DATE"))
    (document,) = read_with_pipeline(PLANNED, [example], {"PERSON": "PER", "DATE": None}).documents
    assert [e.key for e in document.predicted] == [(0, 1, "PER"), (2, 3, "GPE")]


def test_labels_that_are_not_annotated_are_not_judged():
    example = small("Ann saw Rome", (0, 1, "PER"), (2, 3, "LOC"), gold=[(0, 1, "PER")])
    set_annotated_labels(example.reference, ["PER"])
    (document,) = read_with_pipeline(PLANNED, [example]).documents
    assert [e.key for e in document.predicted] == [(0, 1, "PER")]


def test_words_without_annotation_are_not_judged():
    example = small("Ann saw Rome", (0, 1, "PER"), (1, 3, "LOC"))
    rome = Span(example.reference, 2, 3)
    example.reference.set_ents([], missing=[rome], default="outside")
    (document,) = read_with_pipeline(PLANNED, [example]).documents
    assert [e.key for e in document.predicted] == [(0, 1, "PER")]


def test_two_entities_on_the_same_word_are_one_right_and_one_wrong():
    reference = Doc(PLANNED.vocab, words=["NewYork"])
    reference.set_ents([Span(reference, 0, 1, "LOC")])
    predicted = Doc(PLANNED.vocab, words=["New", "York"], spaces=[False, True])
    predicted.user_data["planned"] = [(0, 1, "LOC"), (1, 2, "LOC")]
    documents = read_with_pipeline(PLANNED, [Example(predicted, reference)]).documents
    assert documents[0].judge(documents[0].predicted) == [True, False]
    total = by_label(documents)[-1]
    assert (total.correct, total.predicted, total.gold) == (1, 2, 1)
    assert [pair.kind for pair in pair_all(documents)] == ["correct", "spurious"]


def test_documents_without_annotation_are_left_out():
    example = small("Ann", gold=[(0, 1, "PER")])
    nothing = Example(PLANNED.make_doc("Rome"), PLANNED.make_doc("Rome"))
    empty = Example(PLANNED.make_doc(""), PLANNED.make_doc(""))
    assert len(read_with_pipeline(PLANNED, [nothing, example, empty]).documents) == 1
    with pytest.raises(ValueError, match="has annotated entities"):
        read_with_pipeline(PLANNED, [nothing, empty])


def test_sentences():
    example = small("Ann left . Bob stayed .")
    assert read_with_pipeline(PLANNED, [example]).documents[0].sentences == []
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    assert read_with_pipeline(nlp, [example]).documents[0].sentences == [0, 3]
    for token in example.reference:
        token.is_sent_start = token.i in (0, 1)
    assert read_with_pipeline(nlp, [example]).documents[0].sentences == [0, 1]


def test_examples_are_not_changed_and_probabilities_are_the_components():
    nlp = copy_of(shared(), candidates_key="candidates", candidates_threshold=0.01)
    corpus = make_examples(nlp)
    reading = read_with_pipeline(nlp, corpus)
    assert reading.has_scores
    assert not any(example.predicted.ents for example in corpus)
    for document, example in zip(reading.documents, corpus, strict=True):
        doc = nlp(example.reference.text)
        assert "".join(document.words) == doc.text
        predicted = [
            (e.start, e.end, e.label_, pytest.approx(e._.score, abs=1e-6)) for e in doc.ents
        ]
        assert [(*e.key, e.probability) for e in document.predicted] == predicted
        group = doc.spans["candidates"]
        assert [e.key for e in document.candidates] == [(s.start, s.end, s.label_) for s in group]
        said = [e.probability for e in document.candidates]
        assert np.allclose(said, group.attrs["scores"], atol=1e-6)


def test_scored_spans_are_entities_with_the_lowest_threshold():
    nlp = copy_of(shared(), threshold=0.05)
    reading = read_with_pipeline(nlp, make_examples(nlp))
    assert reading.threshold == 0.05
    for document in reading.documents:
        assert [e.key for e in document.scored] == [e.key for e in document.predicted]


def test_tokens_that_are_joined_behind_the_network():
    nlp = copy_of(shared())
    corpus = make_examples(nlp)
    expected = read_with_pipeline(nlp, corpus).documents
    nlp.add_pipe("merge_entities")
    found = read_with_pipeline(nlp, corpus).documents
    assert [[e.key for e in d.predicted] for d in found] == [
        [e.key for e in d.predicted] for d in expected
    ]
    assert [d.candidates for d in found] == [d.candidates for d in expected]
    # A document in which nothing was joined keeps its probabilities.
    for document in found:
        is_joined = any(e.end - e.start > 1 for e in document.predicted)
        assert all((e.probability is None) == is_joined for e in document.predicted)


def test_threshold_of_several_labels_is_none():
    nlp = copy_of(shared())
    ner_of(nlp).threshold = {"PER": 0.4}
    assert read_with_pipeline(nlp, make_examples(nlp, SENTENCES[:1])).threshold is None


@examples(40)
@given(st.data())
def test_candidates_over_a_span(data):
    spans = st.tuples(st.integers(0, 20), st.integers(1, 8)).map(lambda s: (s[0], s[0] + s[1]))
    candidates = [Entity(*span, "X", 0.5) for span in sorted(data.draw(st.lists(spans)))]
    document = Document(["x "] * 30, [], [], [], [], candidates)
    start, end = data.draw(spans)
    expected = [e for e in candidates if set(range(e.start, e.end)) & set(range(start, end))]
    assert document.candidates_over(start, end) == expected


def test_names():
    docs = [example.reference for example in make_examples(shared())]
    names = names_of(docs)
    assert names["Paris"] == {"LOC"}
    assert names["Paris Hilton"] == {"PER"}
