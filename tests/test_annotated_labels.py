"""Corpora that do not annotate all labels, put together."""

import numpy as np
import pytest
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_window_ner.annotations import read_gold
from spacy_window_ner.confidence.scored_examples import score_examples
from spacy_window_ner.labels import annotated_labels, set_annotated_labels
from spacy_window_ner.training.corpus import create_corpus
from spacy_window_ner.training.scorer import ner_score

from .pipelines import SENTENCES, blank, entities, make_examples, ner_of, shared, texts_of, train

NO_DATES = ["LOC", "PER"]


def without_dates(nlp, sentences=SENTENCES):
    """Examples that lack the dates, and say so."""
    examples = make_examples(nlp, sentences)
    for example in examples:
        example.reference.ents = [e for e in example.reference.ents if e.label_ != "DATE"]
        set_annotated_labels(example.reference, NO_DATES)
    return examples


def test_outside_of_entities_other_labels_are_unknown(trained_nlp):
    [example] = without_dates(trained_nlp, [SENTENCES[2]])
    numbers = {
        trained_nlp.vocab.strings[label]: n for n, label in enumerate(["DATE", "LOC", "PER"])
    }
    gold = read_gold([example], numbers)
    allowed = gold.allowed(3)
    words = [token.text for token in example.predicted]
    assert allowed[words.index("Samuel")].sum() == 1
    april = allowed[words.index("April")]
    assert np.flatnonzero(april).tolist() == [0, 1, 2, 3, 4]  # O and the tags of DATE
    set_annotated_labels(example.reference, None)
    assert read_gold([example], numbers).allowed(3).sum(axis=1).tolist() == [1] * len(words)


def test_documents_of_another_vocabulary(trained_nlp):
    reference = Doc(Vocab(), ["In", "May"])
    reference.ents = []
    set_annotated_labels(reference, NO_DATES)
    example = Example(Doc(trained_nlp.vocab, ["In", "May"]), reference)
    numbers = {trained_nlp.vocab.strings.add("HOTEL"): 0, trained_nlp.vocab.strings["LOC"]: 1}
    assert read_gold([example], numbers).not_annotated == [[0]]


@pytest.mark.parametrize("say_so", [True, False])
def test_nothing_is_learned_about_labels_that_are_not_annotated(say_so):
    nlp = blank()
    complete, partial = make_examples(nlp, SENTENCES[1:3]), without_dates(nlp)
    if not say_so:
        for example in partial:
            set_annotated_labels(example.reference, None)
    examples = [*complete, *partial, *partial, *partial]
    nlp.initialize(lambda: examples)
    train(nlp, examples, 60)
    dates = [text for text in map(nlp, texts_of()) for ent in text.ents if ent.label_ == "DATE"]
    assert (len(dates) >= 2) is say_so
    assert entities(nlp(texts_of()[0])) == entities(shared()(texts_of()[0]))


def test_the_reader_says_what_the_corpus_has(tmp_path):
    nlp = blank("en")
    path = tmp_path / "part.spacy"
    DocBin(docs=[example.reference for example in make_examples(nlp)]).to_disk(path)
    for example in create_corpus(path, labels=NO_DATES, cut=0.5)(nlp):
        assert annotated_labels(example.reference) == set(NO_DATES)
    assert all(annotated_labels(ex.reference) is None for ex in create_corpus(path)(nlp))


def test_documents_say_it_through_cutting_and_augmentation(tmp_path):
    nlp = blank("en")
    nlp.add_pipe("sentencizer")
    docs = [example.reference for example in without_dates(nlp)]
    for doc in docs:
        nlp.get_pipe("sentencizer")(doc)
    path = tmp_path / "part.spacy"
    DocBin(docs=docs, store_user_data=True).to_disk(path)

    def twice(nlp, example):
        yield Example.from_dict(nlp.make_doc(example.text), example.to_dict())
        yield example

    examples = list(create_corpus(path, cut=1.0, augmenter=twice)(nlp))
    assert len(examples) == 2 * len(docs)
    assert {annotated_labels(example.reference) for example in examples} == {frozenset(NO_DATES)}


def test_predictions_of_other_labels_are_neither_right_nor_wrong(trained_nlp):
    complete = make_examples(trained_nlp)
    for example, doc in zip(complete, trained_nlp.pipe(texts_of()), strict=True):
        example.predicted.ents = [
            Span(example.predicted, e.start, e.end, e.label_) for e in doc.ents
        ]
    partial = without_dates(trained_nlp)
    for example, other in zip(partial, complete, strict=True):
        example.predicted.ents = other.predicted.ents
    assert ner_score(complete)["ents_f"] == ner_score(partial)["ents_f"] == 1.0
    assert "DATE" not in ner_score(partial)["ents_per_type"]
    for example in partial:
        set_annotated_labels(example.reference, None)
    assert ner_score(partial)["ents_p"] < 1


def test_calibration_leaves_them_out(trained_nlp):
    found = score_examples(trained_nlp, "window_ner", without_dates(trained_nlp)).entities(None)
    labels = ner_of(trained_nlp).label_data
    assert {labels[n] for n in found.labels} == set(NO_DATES)
    assert found.correct.all()
