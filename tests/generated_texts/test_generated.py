"""Texts of many kinds."""

from collections import Counter
from random import Random

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_window_ner.labels import annotated_labels

pytestmark = pytest.mark.extra


def described(docs):
    return [(doc.text, [(ent.text, ent.label_) for ent in doc.ents]) for doc in docs]


def test_the_same_seed_makes_the_same_texts(script):
    generate = script("generated").generate
    assert described(generate(30, 1)) == described(generate(30, 1))
    assert described(generate(30, 1)) != described(generate(30, 2))


def test_texts_have_all_labels_and_say_so(script):
    docs = script("generated").generate(1200, 0)
    labels = script("grammar").LABELS
    counts = Counter(ent.label_ for doc in docs for ent in doc.ents)
    assert set(counts) == set(labels)
    assert min(counts.values()) > 15
    assert all(annotated_labels(doc) == frozenset(labels) for doc in docs)
    assert all(ent.text == ent.text.strip() for doc in docs for ent in doc.ents)
    assert not any("{" in doc.text or "(n)" in doc.text for doc in docs)
    assert len({doc.text for doc in docs}) > 1080
    assert 0.02 < sum(doc.text.islower() for doc in docs) / len(docs) < 0.15


def test_every_kind_has_many_sentences_and_none_is_lost_to_the_tokenizer(script):
    generated = script("generated")
    grammar = generated.make_grammar()
    for kind in generated.KINDS:
        _, sums = grammar.rules[kind].args
        assert len(sums) >= 25, kind
        random = Random(0)
        docs = [generated.make_doc(generated.make_text(grammar, kind, random)) for _ in range(40)]
        assert None not in docs


def test_texts_without_entities_have_none(script):
    docs = script("generated").generate(200, 0, {"nothing": 1})
    assert not any(doc.ents for doc in docs)
    assert any("may " in doc.text.lower() for doc in docs)
    with pytest.raises(ValueError, match="No kinds of text: poems"):
        script("generated").generate(1, 0, {"poems": 1})


def test_period_of_an_abbreviation_ends_the_sentence(script):
    generated = script("generated")
    doc = generated.make_doc([("It weighs ", ""), ("5 g", "QUANTITY"), (".", "")])
    assert doc.ents[0].text in ("5 g", "5 g.")
    assert generated.make_doc([("Room", ""), ("12", "CARDINAL")]) is None
    assert not any(".." in doc.text for doc in generated.generate(500, 0, {"legal": 1}))


def test_command_saves_what_is_annotated(script, tmp_path):
    generated = script("generated")
    generated.main(tmp_path / "texts.spacy", 20, 0)
    docs = DocBin().from_disk(tmp_path / "texts.spacy").get_docs(spacy.blank("en").vocab)
    docs = list(docs)
    assert described(docs) == described(generated.generate(20, 0))
    assert annotated_labels(docs[0]) == frozenset(script("grammar").LABELS)
