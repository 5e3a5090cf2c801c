from unicodedata import normalize

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vectors import Vectors

from spacy_window_ner.network.features import UNKNOWN, read_tokens, validate_attrs
from spacy_window_ner.network.string_attrs import STRING_ATTRS
from tests.helpers import NLP, WORDS, examples, make_doc, word_lists

SPACY_ATTRS = ["NORM", "PREFIX", "SUFFIX", "SHAPE", "LOWER", "ORTH", "LENGTH", "IS_TITLE"]


def ids_by_token(rows):
    return rows.lexemes().ids


@given(
    documents=word_lists(),
    attrs=st.lists(st.sampled_from([*SPACY_ATTRS, *STRING_ATTRS]), max_size=5),
)
@examples(80)
def test_each_token_has_the_ids_of_its_lexeme(documents, attrs):
    docs = [make_doc(words) for words in documents]
    rows = read_tokens(docs, attrs)
    lexemes = rows.lexemes()
    tokens = [token for doc in docs for token in doc]
    assert rows.norms.tolist() == [token.norm for token in tokens]
    keys, firsts, places = rows.distinct()
    assert keys.tolist() == sorted(set(rows.keys.tolist()))
    assert rows.keys[firsts].tolist() == keys.tolist()
    assert keys[places].tolist() == rows.keys.tolist()
    assert rows.lengths.tolist() == [len(doc) for doc in docs]
    assert lexemes.vocab is NLP.vocab
    assert lexemes.ids.shape == (len(lexemes), len(attrs))
    assert lexemes.ids.dtype == np.uint64
    assert lexemes.orths.tolist() == [token.orth for token in tokens]
    assert lexemes.vector_keys.tolist() == [token.orth for token in tokens]
    for column, attr in enumerate(attrs):
        found = ids_by_token(rows)[:, column].tolist()
        if attr in STRING_ATTRS:
            expected = [NLP.vocab.strings.add(plain_string_attr(t.text, attr)) for t in tokens]
        else:
            expected = [int(value) for doc in docs for value in doc.to_array(attr)]
        assert found == expected, attr


def plain_string_attr(text, attr):
    if attr.startswith("PREFIX"):
        return "".join(list(text)[: int(attr[-1])])
    if attr.startswith("SUFFIX"):
        return "".join(list(text)[-int(attr[-1]) :])
    return CASES[text]


CASES = {
    "Paris": "title",
    "paris": "lower",
    "PARIS": "upper",
    "Hilton": "title",
    "wowed": "lower",
    "U-JOB": "upper",
    "3rd": "lower",
    "1989": "digit",
    "서울": "other",
    "a": "lower",
    ".": "other",
    "\n": "other",
    "McDonald": "Mixed",
    "iPhone": "mixed",
    "A": "upper",
    "B-2": "upper",
    "2b": "lower",
    "x2Y": "digit",
}


@pytest.mark.parametrize("text", CASES)
def test_capitalization_classes(text):
    lexemes = read_tokens([make_doc([text])], ["CASE"]).lexemes()
    assert NLP.vocab.strings.add(CASES[text]) == lexemes.ids[0, 0]


def test_all_words_of_the_tests_have_a_capitalization_class():
    assert set(WORDS) <= set(CASES)


@given(documents=word_lists(), data=st.data())
@examples(40)
def test_some_lexemes_are_those_of_all(documents, data):
    rows = read_tokens([make_doc(words) for words in documents], ["NORM", "CASE", "SUFFIX3"])
    which = (
        np.asarray(data.draw(st.lists(st.sampled_from(range(len(rows.keys))))) or [], int)
        if len(rows.keys)
        else np.zeros(0, int)
    )
    some, every = rows.lexemes(which), rows.lexemes()
    for name in ("ids", "orths", "vector_keys"):
        assert getattr(some, name).tolist() == getattr(every, name)[which].tolist()


@given(documents=word_lists())
@examples(40)
def test_lexemes_are_distinct(documents):
    tokens = read_tokens([make_doc(words) for words in documents], ["NORM", "CASE"])
    lexemes = tokens.lexemes(tokens.distinct()[1])
    distinct = {word for words in documents for word in words}
    assert len(lexemes) == len(distinct)
    assert len(set(lexemes.orths.tolist())) == len(distinct)


def test_the_same_word_with_different_ids_is_two_lexemes():
    doc = make_doc(["gonna", "gonna", "gonna"])
    doc[1].norm_ = "going"
    rows = read_tokens([doc], ["NORM"])
    assert len(rows.distinct()[0]) == 2
    assert ids_by_token(rows)[:, 0].tolist() == [token.norm for token in doc]


@given(texts=st.lists(st.text("aB1é서😀-\n ", min_size=1, max_size=6), max_size=8))
@examples(60)
def test_any_text(texts):
    doc = make_doc(texts)
    rows = read_tokens([doc], ["NORM", "PREFIX3", "SUFFIX2", "CASE"])
    assert rows.lexemes().orths.tolist() == [token.orth for token in doc]
    prefixes = [NLP.vocab.strings.add(text[:3]) for text in texts]
    assert ids_by_token(rows)[:, 1].tolist() == prefixes


def test_vector_keys_follow_the_attribute_of_the_vectors():
    nlp = spacy.blank("en")
    nlp.vocab.vectors = Vectors(strings=nlp.vocab.strings, shape=(1, 2), attr="LOWER")
    doc = Doc(nlp.vocab, words=["Paris", "x"])
    rows = read_tokens([doc], ["ORTH"])
    assert rows.lexemes().vector_keys.tolist() == [token.lower for token in doc]


def test_sentences_are_those_that_are_set():
    docs = [make_doc(["a"] * n) for n in (5, 0, 3, 2)]
    docs[0][2].is_sent_start = True
    docs[3][0].is_sent_start = docs[3][1].is_sent_start = True
    docs[2][1].is_sent_start = False
    rows = read_tokens(docs, ["NORM"])
    assert rows.sentences.tolist() == [1, 1, 2, 2, 2, 3, 3, 3, 4, 5]
    assert len(rows.distinct()[0]) == 1  # a sentence start does not make another lexeme


@pytest.mark.parametrize("docs", [[], [make_doc([])], [make_doc([]), make_doc([])]])
@pytest.mark.parametrize("attrs", [["NORM"], ["CASE"], []])
def test_documents_without_tokens(docs, attrs):
    rows = read_tokens(docs, attrs)
    assert len(rows.keys) == 0
    assert rows.lexemes().ids.shape == (0, len(attrs))
    assert [x.shape for x in rows.distinct()] == [(0,)] * 3
    assert rows.lengths.tolist() == [0] * len(docs)


def test_no_word_has_the_id_of_the_unknown_word():
    lexemes = read_tokens(
        [make_doc(WORDS)], ["NORM", "PREFIX", "SUFFIX", "SHAPE", *STRING_ATTRS]
    ).lexemes()
    assert not (lexemes.ids == UNKNOWN).any()


def test_known_attributes_are_valid():
    validate_attrs([*SPACY_ATTRS, *STRING_ATTRS])
    validate_attrs([])


@pytest.mark.parametrize("attr", ["norm", "PREFIX5", "WORD"])
def test_an_unknown_attribute_is_an_error(attr):
    with pytest.raises(ValueError, match=rf"Unknown attributes \['{attr}'\].*NORM, PREFIX"):
        validate_attrs(["NORM", attr])


SCRIPTS = {
    "Élysée": ("Xxxxx", "title"),
    "Москва": ("Xxxxx", "title"),
    "МВД": ("XXX", "upper"),
    "йод": ("xxx", "lower"),
    "Αθήνα": ("Xxxxx", "title"),
    "ΕΛΛΆΔΑ": ("XXXX", "upper"),
    "İstanbul": ("Xxxxx", "title"),
    "IŞIK": ("XXXX", "upper"),
    "ışık": ("xxxx", "lower"),
    "กรุงเทพ": ("xxุxxxx", "other"),
    "दिल्ली": ("xिx्xी", "other"),
    "서울": ("xx", "other"),
    "東京": ("xx", "other"),
    "ガーナ": ("xxx", "other"),
}


@pytest.mark.parametrize("word", SCRIPTS)
def test_shape_and_case_of_scripts(word):
    lexemes = read_tokens([make_doc([word])], ["SHAPE", "CASE"]).lexemes()
    assert tuple(NLP.vocab.strings[x] for x in lexemes.ids[0]) == SCRIPTS[word]


@pytest.mark.parametrize("word", SCRIPTS)
def test_decomposed_word_has_the_ids_of_the_composed_one(word):
    attrs = [*SPACY_ATTRS, *STRING_ATTRS]
    forms = [normalize(form, word) for form in ("NFC", "NFD")]
    tokens = read_tokens([make_doc(["x", *forms])], attrs)
    lexemes = tokens.lexemes()
    assert lexemes.ids[1].tolist() == lexemes.ids[2].tolist()
    assert lexemes.vector_keys[1] == lexemes.vector_keys[2] == lexemes.orths[1]
    # What was read before is as it was.
    assert tokens.lexemes(np.asarray([0, 1])).ids.tolist() == lexemes.ids[:2].tolist()
    assert ids_by_token(read_tokens([make_doc(forms[:1])], attrs)).tolist() == [
        lexemes.ids[1].tolist()
    ]


def test_decomposed_word_keeps_a_norm_of_its_own_and_what_its_token_has():
    doc = make_doc(["cafe\u0301", "café"])
    for token in doc:
        token.norm_ = "coffee"
        token.pos_ = "NOUN"
    lexemes = read_tokens([doc], ["NORM", "POS"]).lexemes()
    assert lexemes.ids[0].tolist() == lexemes.ids[1].tolist() == [doc[1].norm, doc[1].pos]
