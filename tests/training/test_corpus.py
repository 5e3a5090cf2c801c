import random
from itertools import pairwise
from pathlib import Path

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.tokens.doc import DOCBIN_ALL_ATTRS
from spacy.training import Corpus

from spacy_window_ner.training.corpus import (
    SentenceCorpus,
    create_corpus,
    divide,
    set_sentence_starts,
)
from tests.helpers import examples

NLP = spacy.blank("en")


def save(path: Path, n_docs: int = 40, *, sentences: bool = True) -> Path:
    """Documents of one to six sentences "Name i saw Bonn .", with entities."""
    docs = []
    for i in range(n_docs):
        words = ["Ada", str(i), "saw", "Bonn", "."] * (1 + i % 6)
        doc = Doc(NLP.vocab, words=words)
        if sentences:
            for token in doc:
                token.is_sent_start = token.i % 5 == 0
        doc.set_ents([Span(doc, t, t + 1, label="LOC") for t in range(3, len(doc), 5)])
        docs.append(doc)
    DocBin(docs=docs, attrs=["ENT_IOB", "ENT_TYPE", "SENT_START", "SPACY"]).to_disk(path)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return save(tmp_path / "data.spacy")


def read(path: Path, **settings: float) -> list:
    random.seed(0)
    return list(create_corpus(path, **settings)(NLP))


def starts_of(doc: Doc) -> list[int]:
    return [token.i for token in doc if token.i and token.sent_start == 1]


def test_by_default_it_is_spacys_reader(data):
    ours, theirs = read(data), list(Corpus(data)(NLP))
    assert [eg.to_dict() for eg in ours] == [eg.to_dict() for eg in theirs]
    assert not any(eg.predicted.has_annotation("SENT_START") for eg in ours)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_share_of_the_predicted_documents_get_the_sentence_starts(data, share):
    examples = [eg for _ in range(5) for eg in read(data, sentence_starts=share)]
    long = [eg for eg in examples if len(eg.reference) > 5]
    given = [eg for eg in long if starts_of(eg.predicted)]
    assert len(given) / len(long) == pytest.approx(share, abs=0.15)
    for eg in given:
        assert starts_of(eg.predicted) == starts_of(eg.reference)


def test_sentence_starts_are_those_of_the_pipelines_own_tokens(data):
    path = data.parent / "other.spacy"
    words, spaces = ["Ada", "sleeps.", "Bonn", "too."], [True, True, True, False]
    doc = Doc(NLP.vocab, words=words, spaces=spaces, sent_starts=[1, 0, 1, 0])
    doc.set_ents([Span(doc, 2, 3, label="LOC")])
    DocBin(docs=[doc], attrs=["ENT_IOB", "ENT_TYPE", "SENT_START", "SPACY"]).to_disk(path)
    [example] = read(path, sentence_starts=1.0)
    assert [token.text for token in example.predicted] == ["Ada", "sleeps", ".", "Bonn", "too", "."]
    assert starts_of(example.predicted) == [3]


@given(
    words=st.lists(st.sampled_from(["New", "York", "'s", " ", "\n", "Ω"]), min_size=1, max_size=6),
    data=st.data(),
)
@examples(100)
def test_documents_are_copied_as_spacy_copies_them(words, data):
    flags = st.lists(st.booleans(), min_size=len(words), max_size=len(words))
    starts = st.lists(st.sampled_from([1, 0, -1, None]), min_size=len(words), max_size=len(words))
    reference = Doc(NLP.vocab, words=words, spaces=data.draw(flags), sent_starts=data.draw(starts))
    reference.has_unknown_spaces = True
    reader = create_corpus("x")
    copied = reader._make_example(NLP, reference, False)
    expected = Corpus._make_example(reader, NLP, reference, False)
    set_sentence_starts(copied)
    aligned = expected.get_aligned_sent_starts()
    for token, starts in zip(expected.predicted, aligned, strict=True):
        token.is_sent_start = starts
    attrs = ["ORTH", "SPACY", "SENT_START", "ENT_IOB"]
    found, right = (one.predicted.to_array(attrs) for one in (copied, expected))
    assert found.tolist() == right.tolist()
    assert copied.predicted.text == expected.predicted.text
    assert copied.reference is reference


def test_a_share_of_the_documents_is_cut_between_sentences(data):
    whole = [eg.reference for eg in read(data)]
    cut = [eg.reference for eg in read(data, cut=1.0)]
    assert len(cut) > len(whole)
    assert [t.text for doc in cut for t in doc] == [t.text for doc in whole for t in doc]
    assert [ent.label_ for doc in cut for ent in doc.ents] == ["LOC"] * (sum(map(len, whole)) // 5)
    assert all(len(doc) % 5 == 0 for doc in cut)
    assert {len(doc) // 5 for doc in cut} >= {1, 2, 3}
    other = [eg.reference for eg in SentenceCorpus(data, cut=1.0)(NLP)]  # drawn anew
    assert [len(doc) for doc in other] != [len(doc) for doc in cut]


VALUES = {
    "tags": ["NN", ""],
    "pos": ["NOUN", ""],
    "lemmas": ["x", ""],
    "morphs": ["Number=Sing", ""],
    "sent_starts": [1, -1, 0],
}
# All words of one entity, blocked, without annotation, outside.
KINDS = ["LOC", "PER", "blocked", "missing", "outside"]


@given(
    runs=st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 3)), min_size=1, max_size=6),
    filled=st.sets(st.sampled_from(sorted(VALUES))),
    data=st.data(),
)
@examples(100)
def test_documents_are_divided_as_spacy_divides_them(runs, filled, data):
    n = sum(length for _, length in runs)
    given = {
        name: data.draw(st.lists(st.sampled_from(VALUES[name]), min_size=n, max_size=n))
        for name in sorted(filled)
    }
    spaces = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    doc = Doc(NLP.vocab, words=[f"w{i}" for i in range(n)], spaces=spaces, **given)
    spans = {kind: [] for kind in KINDS}
    start = 0
    for kind, length in runs:
        spans[kind].append(Span(doc, start, start + length, kind, kb_id="Q1"))
        start += length
    entities = spans.pop("LOC") + spans.pop("PER")
    doc.set_ents(entities, **spans)
    cuts = sorted({0, n, *data.draw(st.sets(st.integers(0, n)))})
    expected = [doc[start:stop].as_doc() for start, stop in pairwise(cuts)]
    for found, right in zip(divide(doc, cuts), expected, strict=True):
        assert found.text == right.text
        attrs = [*DOCBIN_ALL_ATTRS, "SPACY"]
        assert found.to_array(attrs).tolist() == right.to_array(attrs).tolist()
        assert [(ent.start, ent.end, ent.label_) for ent in found.ents] == [
            (ent.start, ent.end, ent.label_) for ent in right.ents
        ]
        for attr in ("SENT_START", "TAG", "ENT_IOB", "DEP", "MORPH"):
            assert found.has_annotation(attr) == right.has_annotation(attr)


def test_what_is_not_of_tokens_is_read_as_spacy_reads_it(tmp_path):
    docs = [Doc(NLP.vocab, words=["Ada", "sleeps"]) for _ in range(3)]
    docs[1].user_data["x"] = 1
    docs[2].spans["sc"] = [Span(docs[2], 0, 1, "PER")]
    docs[2].cats["news"] = 1.0
    path = tmp_path / "data.spacy"
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    ours, theirs = ([eg.reference for eg in r(path)(NLP)] for r in (create_corpus, Corpus))
    assert [doc.to_bytes() for doc in ours] == [doc.to_bytes() for doc in theirs]
    assert ours[1].user_data == {"x": 1}


def test_documents_without_sentence_starts_stay_as_they_are(tmp_path):
    path = save(tmp_path / "data.spacy", sentences=False)
    examples = read(path, cut=1.0, sentence_starts=1.0)
    assert [len(eg.reference) for eg in examples] == [5 * (1 + i % 6) for i in range(40)]
    assert not any(eg.predicted.has_annotation("SENT_START") for eg in examples)


def test_spacys_settings_still_work(data):
    assert len(read(data, limit=3)) == 3
    assert {len(eg.reference) for eg in read(data, max_length=6)} == {5}
    assert {len(eg.predicted) for eg in read(data, gold_preproc=True)} == {5}


@pytest.mark.parametrize("name", ["sentence_starts", "cut"])
@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_outside_its_range(data, name, share):
    with pytest.raises(
        ValueError, match=f"{name} must be a share of documents from 0 to 1, got {share}"
    ):
        create_corpus(data, **{name: share})


def test_no_path():
    with pytest.raises(ValueError, match="E913"):
        create_corpus(None)


@pytest.mark.parametrize("cut", [0.0, 1.0])
def test_words_with_unknown_spaces_keep_their_tokens(tmp_path, cut):
    words = ["can't", "U.S.A.-based", "it's", "end."]
    doc = Doc(NLP.vocab, words=words, sent_starts=[True, False, True, False])
    doc.set_ents([Span(doc, 1, 2, label="LOC")])
    path = tmp_path / "data.spacy"
    DocBin(docs=[doc]).to_disk(path)
    examples = read(path, cut=cut)
    assert [token.text for eg in examples for token in eg.predicted] == words
    assert any(eg.reference.ents for eg in examples)


def test_to_read_whole_documents_leaves_the_random_numbers_of_training_as_they_are(data):
    random.seed(0)
    state = random.getstate()
    assert list(SentenceCorpus(data)(NLP))
    assert random.getstate() == state
