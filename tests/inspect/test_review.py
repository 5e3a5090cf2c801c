from functools import cache
from io import StringIO
from itertools import chain

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_window_ner.inspect.folds import cross_train, own_config, split_into_folds, train_on
from spacy_window_ner.inspect.review import review, review_by_folds, tasks_of
from spacy_window_ner.training.corpus import read_examples
from tests.helpers import Enumeration
from tests.pipelines import corpus, make_examples, ner_of, small_model, trained

RIGHT = corpus(20)


@cache
def pipeline():
    return trained(RIGHT, steps=30)


def documents(sentences):
    return [example.reference for example in make_examples(spacy.blank("xx"), sentences)]


DAMAGED = {
    "label": ("[LOC Ann Lee] saw [LOC Rome] number 0 .", (0, 7, "LOC"), (0, 7, "PER")),
    "boundary": ("[PER Ann] Lee saw [LOC Rome] number 0 .", (0, 3, "PER"), (0, 7, "PER")),
    "missed": ("Ann Lee saw [LOC Rome] number 0 .", None, (0, 7, "PER")),
    "spurious": ("[PER Ann Lee] [LOC saw] [LOC Rome] number 0 .", (8, 11, "LOC"), None),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damage_comes_first(kind):
    nlp = pipeline()
    sentence, annotated, instead = DAMAGED[kind]
    docs = documents([*RIGHT[1:6], "", sentence])
    docs[5] = Doc(docs[0].vocab)
    examples = read_examples(nlp, docs)
    first, *others = review(nlp, examples)
    assert (first.document, first.kind) == (6, kind)
    assert (first.annotated, first.instead) == (annotated, instead)
    p, q = np.maximum([first.probability, first.probability_instead], 1e-12)
    assert first.evidence == pytest.approx(np.log(q) - np.log(p))
    assert first.evidence > 0 > others[0].evidence
    n_gold = sum(len(doc.ents) for doc in docs)
    assert sum(one.annotated is not None for one in [first, *others]) == n_gold
    [task, *_] = tasks_of([first], examples)
    assert task.text == docs[6].text
    assert task.spans == [(e.start_char, e.end_char, e.label_) for e in docs[6].ents]
    assert task.score == first.evidence
    assert task.meta["kind"] == kind


def test_probabilities_by_enumeration():
    nlp = pipeline()
    [doc] = documents(["[PER Kim] saw Rome"])
    scores = ner_of(nlp).model.predict([doc])
    plain = Enumeration(scores.emissions, scores.transitions)
    per = ner_of(nlp).label_data.index("PER")
    first, *_ = [one for one in review(nlp, read_examples(nlp, [doc])) if one.annotated]
    assert first.probability == pytest.approx(plain.span_probability(0, 1, per), rel=1e-4)
    [missed] = [one for one in review(nlp, read_examples(nlp, [doc])) if not one.annotated]
    outside = plain.probabilities[(plain.paths[:, 2] == 0)].sum()
    assert missed.probability == pytest.approx(outside, rel=1e-3)


def test_words_without_annotation_are_left_out():
    nlp = pipeline()
    [doc] = documents(["Ann Lee saw [LOC Rome] number 0 ."])
    doc.set_ents(list(doc.ents), missing=[Span(doc, 0, 2)], default="unmodified")
    assert [one.annotated for one in review(nlp, read_examples(nlp, [doc]))] == [(12, 16, "LOC")]
    with pytest.raises(ValueError, match="has annotated entities"):
        review(nlp, read_examples(nlp, [Doc(nlp.vocab, words=["a"])]))


def test_parts():
    parts = split_into_folds(23, 5)
    assert sorted(chain(*parts)) == list(range(23))
    assert {len(part) for part in parts} == {4, 5}
    assert split_into_folds(23, 5) == parts != split_into_folds(23, 5, seed=1)
    with pytest.raises(ValueError, match="at least 2, got 1"):
        split_into_folds(9, 1)
    with pytest.raises(ValueError, match="3 documents are too few for 5"):
        split_into_folds(3, 5)


def small_config(steps=30):
    nlp = pipeline()
    config = own_config(nlp, "unused", "window_ner")
    config["training"]["max_steps"] = config["training"]["eval_frequency"] = steps
    config["components"]["window_ner"]["model"].update(small_model(hidden_width=16))
    config["training"]["optimizer"]["learn_rate"] = 0.02
    return config


def test_no_document_is_judged_by_a_network_that_learned_it():
    docs = documents(RIGHT)
    for i, doc in enumerate(docs):  # a label that only one document has
        doc.set_ents([Span(doc, ent.start, ent.end, f"{ent.label_}{i}") for ent in doc.ents])
    begun = []
    parts = list(cross_train(small_config(2), docs, 4, begins=begun.append))
    assert begun == [1, 2, 3, 4]
    assert sorted(i for _, held_out in parts for i in held_out) == list(range(len(docs)))
    for nlp, held_out in parts:
        own = {ent.label_ for i in held_out for ent in docs[i].ents}
        assert own.isdisjoint(ner_of(nlp).labels)


def test_review_by_folds(capsys):
    docs = documents([*RIGHT, DAMAGED["label"][0].replace("number 0", "number 77")])
    examples, found = review_by_folds(small_config(40), docs, 3)
    assert [example.reference for example in examples] == docs
    assert found[0].document == len(RIGHT)
    assert found[0].annotated == DAMAGED["label"][1]
    assert capsys.readouterr().out == ""


def test_the_progress_bar():
    class Terminal(StringIO):
        def isatty(self):
            return True

    terminal, docs = Terminal(), documents(RIGHT)
    train_on(small_config(2), docs[4:], docs[:4], stderr=terminal)
    assert "/2" in terminal.getvalue()


def test_the_config_of_a_pipeline_without_what_else_is_trained():
    nlp = trained(RIGHT[:4], steps=2, lang="en")
    nlp.add_pipe("span_ruler", before="window_ner")
    nlp.add_pipe("tagger", first=True)
    nlp.add_pipe("sentencizer", last=True)
    config = own_config(nlp, "path", "window_ner")
    assert config["nlp"]["pipeline"] == ["span_ruler", "window_ner"]
    assert config["components"]["span_ruler"] == {"source": "path"}
    assert config["components"]["window_ner"]["factory"] == "window_ner"
    assert not config.interpolate()["initialize"]["vectors"]
