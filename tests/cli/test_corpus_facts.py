from collections import Counter

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vectors import Vectors
from spacy.vocab import Vocab

from spacy_window_ner.cli.corpus_facts import (
    CorpusFacts,
    names_with_several_labels,
    read_corpus,
    read_incorrect_spans,
    unknown_words,
    words_with_vectors,
)

from ..helpers import examples
from ..pipelines import add_vectors, make_examples

NLP = spacy.blank("en")


def read(*docs: Doc) -> CorpusFacts:
    """The facts of documents whose tokens are the pipeline's."""
    vocab = docs[0].vocab if docs else NLP.vocab
    unannotated = [Doc(vocab, words=[token.text for token in doc]) for doc in docs]
    pairs = zip(unannotated, docs, strict=True)
    return read_corpus([Example(predicted, reference) for predicted, reference in pairs], vocab)


def doc_of(words: list[str], ents: list[str], sent_starts: list[bool] | None = None) -> Doc:
    return Doc(NLP.vocab, words=words, ents=ents, sent_starts=sent_starts)


def written(facts: CorpusFacts, among: np.ndarray) -> set[str]:
    return {facts.lexemes.vocab.strings[orth] for orth in facts.lexemes.orths[among]}


# Entities and annotation

WORDS = ["Ann", "\n", ".", "met", "x"]
TAGS = ["O", "B-A", "I-A", "B-B", "I-B", ""]
DOCUMENTS = st.lists(
    st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(TAGS), st.booleans()), min_size=1),
    max_size=4,
)


@given(DOCUMENTS)
@examples(150)
def test_facts_are_those_of_the_definitions(documents: list[list[tuple[str, str, bool]]]):
    docs = []
    for rows in documents:
        words, tags, starts = map(list, zip(*rows, strict=True))
        for i, (before, tag) in enumerate(zip(["", *tags], tags, strict=False)):
            if tag.startswith("I") and before[2:] != tag[2:]:
                tags[i] = f"B{tag[1:]}"
        docs.append(doc_of(words, tags, [True, *starts[1:]]))
    facts = read(*docs)
    assert facts.n_docs == len(docs)
    assert facts.n_tokens == sum(map(len, docs))
    entities = [ent for doc in docs for ent in doc.ents]
    assert facts.names == Counter((ent.text, ent.label_) for ent in entities)
    assert facts.labels == Counter(ent.label_ for ent in entities)
    lengths = {label: [len(ent) for ent in entities if ent.label_ == label] for label in "AB"}
    assert facts.lengths == {label: found for label, found in lengths.items() if found}
    assert facts.docs_with == Counter(
        label for doc in docs for label in {ent.label_ for ent in doc.ents}
    )
    assert facts.misaligned == []
    assert facts.whitespace == [ent.text for ent in entities if ent[0].is_space or ent[-1].is_space]
    assert facts.punctuation == [ent.text for ent in entities if set(ent.text) <= {".", " "}]
    assert facts.punctuation_edge == [
        ent.text
        for ent in entities
        if "." in (ent[0].text, ent[-1].text) and not set(ent.text) <= {".", " "}
    ]
    assert facts.crossing == [
        ent.text for ent in entities if any(token.is_sent_start for token in ent[1:])
    ]
    annotated = [any(token.ent_iob_ for token in doc) for doc in docs]
    assert facts.n_unannotated == annotated.count(False)
    assert facts.n_missing == sum(
        not token.ent_iob_ and not (token.is_space and has_annotation)
        for doc, has_annotation in zip(docs, annotated, strict=True)
        for token in doc
    )
    assert facts.n_without_entity == sum(
        has_annotation and not doc.ents for doc, has_annotation in zip(docs, annotated, strict=True)
    )
    assert facts.n_misaligned_tokens == facts.n_blocked == 0


def test_blocked_tokens_are_counted():
    doc = doc_of(["a", "b", "c"], ["B-A", "O", "O"])
    doc.set_ents([], blocked=[doc[1:3]], default="unmodified")
    facts = read(doc)
    assert facts.n_blocked == 2
    assert facts.labels == {"A": 1}


def test_entities_that_do_not_align_are_separate():
    reference = doc_of(["New", "York-based", "Ann"], ["B-LOC", "I-LOC", "B-PER"])
    predicted = Doc(NLP.vocab, words=["New", "York", "-", "based", "Ann"])
    other = Doc(NLP.vocab, words=["New", "York-", "based Ann"])
    pairs = [Example(predicted, reference), Example(other, reference.copy())]
    facts = read_corpus(pairs, NLP.vocab)
    assert facts.misaligned == ["New York-based", "Ann"]
    assert facts.labels == {"LOC": 1, "PER": 1}
    assert facts.docs_with == {"LOC": 1, "PER": 1}
    assert facts.n_misaligned_tokens == 3 + 2
    assert facts.n_tokens == 8


def test_names_with_several_labels():
    docs = [
        doc_of(["Ann", "Bob", "Rome"], tags)
        for tags in (
            ["B-A", "B-B", "B-A"],
            ["B-A", "B-A", "B-B"],
            ["B-B", "O", "B-B"],
            ["B-B", "O", "B-B"],
        )
    ]
    assert names_with_several_labels(read(*docs[:1])) == []
    assert names_with_several_labels(read(*docs)) == [
        ("Ann", Counter(A=2, B=2)),
        ("Rome", Counter(B=3, A=1)),
        ("Bob", Counter(A=1, B=1)),
    ]


def test_labels_are_in_descending_order():
    facts = read(doc_of(list("abcde"), ["B-Z", "B-A", "B-M", "B-M", "B-M"]))
    assert list(facts.labels.items()) == [("M", 3), ("A", 1), ("Z", 1)]


@pytest.mark.parametrize("docs", [[], [Doc(NLP.vocab)]], ids=["no document", "empty document"])
def test_an_empty_corpus(docs: list[Doc]):
    facts = read(*docs)
    assert facts.n_docs == len(docs)
    assert facts.n_tokens == facts.n_missing == facts.n_unannotated == 0
    assert facts.labels == {}
    assert facts.most_common_words(3) == []
    assert facts.share(np.zeros(0, dtype=bool)) == 0
    assert len(unknown_words(facts, facts)) == 0
    assert [len(found) for found in words_with_vectors(facts, NLP.vocab.vectors)] == [0, 0]


# Words


def test_words_are_counted():
    facts = read(doc_of(["b", "a", "b", "B"], ["O"] * 4), doc_of(["b", "c", "a"], ["O"] * 3))
    assert facts.most_common_words(2) == ["b", "a"]
    assert set(facts.most_common_words(9)) == {"a", "b", "c", "B"}
    is_a = facts.lexemes.orths == NLP.vocab.strings["a"]
    assert facts.most_common_words(9, is_a) == ["a"]
    assert facts.share(is_a) == pytest.approx(2 / 7)
    assert facts.share(~is_a) == pytest.approx(5 / 7)


def test_unknown_words_are_those_whose_norm_is_not_in_training():
    training = read(doc_of(["The", "house"], ["O", "O"]))
    facts = read(doc_of(["the", "HOUSE", "mouse", "mouse", "is"], ["O"] * 5))
    unknown = unknown_words(facts, training)
    assert written(facts, unknown) == {"mouse", "is"}
    assert facts.share(unknown) == pytest.approx(3 / 5)
    assert not unknown_words(training, training).any()


def test_words_with_vectors_are_found_as_written_or_in_lower_case():
    nlp = spacy.blank("en")
    add_vectors(nlp, ["house", "House", "mouse"])
    words = ["House", "house", "HOUSE", "Mouse", "cat"]
    facts = read(Doc(nlp.vocab, words=words))
    as_written, lower = words_with_vectors(facts, nlp.vocab.vectors)
    assert written(facts, as_written) == {"House", "house"}
    assert written(facts, lower) == {"HOUSE", "Mouse"}


def test_words_with_vectors_of_another_attribute():
    vocab = Vocab()
    vocab.vectors = Vectors(strings=vocab.strings, data=np.ones((1, 2)), keys=["x"], attr="SHAPE")
    doc = Doc(vocab, words=["a", "Bb"])
    for lexeme, shape in ((doc[0].lex, "x"), (doc[1].lex, "Xx")):
        lexeme.shape_ = shape
    facts = read(doc)
    as_written, lower = words_with_vectors(facts, vocab.vectors)
    assert written(facts, as_written) == {"a"}
    assert not lower.any()


# Spans that are known to be wrong


def test_incorrect_spans():
    [right, without] = make_examples(NLP, ["[PER Ann] met [LOC Bob]", "Nothing here"])
    doc = right.reference
    doc.spans["wrong"] = [Span(doc, 0, 1, "PER"), Span(doc, 2, 3, "PER"), Span(doc, 0, 2, "ORG")]
    facts = read_incorrect_spans([right, without], "wrong")
    assert facts.labels == {"PER": 2, "ORG": 1}
    assert facts.contradictions == ["Ann"]
    assert facts.n_misaligned == 0
    merged = Example(Doc(NLP.vocab, words=["Ann met", "Bob"]), doc)
    assert read_incorrect_spans([merged], "wrong").n_misaligned == 1
    assert read_incorrect_spans([right], "other").labels == {}
