import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.attrs import ENT_IOB, ENT_TYPE
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_window_ner.annotations import (
    allow_only,
    copy_words,
    has_gold,
    preset_mask,
    read_gold,
    set_entities,
    survey,
)
from spacy_window_ner.decoding.decode import Entities
from spacy_window_ner.sequences.batching import Scores
from spacy_window_ner.sequences.tags import BEGIN, IN, LAST, MISSING, OUTSIDE, UNIT, n_tags
from spacy_window_ner.sequences.viterbi import best_tags
from tests.helpers import NLP, document_slices, entities_of, entity_tags, examples

KNOWN = ["A", "B"]
LABELS = {NLP.vocab.strings.add(label): number for number, label in enumerate(KNOWN)}
KEY = "wrong"
INSIDE = 1  # spaCy's ENT_IOB


@pytest.mark.parametrize("words", [[], ["A"], ["Ann", "’s", "\n", "car"]])
def test_copied_words(words):
    doc = Doc(NLP.vocab, words=words, spaces=[i % 2 == 0 for i in range(len(words))])
    doc.set_ents([Span(doc, 0, 1, label="A")] if words else [])
    copy = copy_words(doc, Vocab())
    assert [token.text_with_ws for token in copy] == [token.text_with_ws for token in doc]
    assert not copy.to_array("ENT_IOB").any()


# Random documents: words with whitespace behind them, cut into tokens at random


def tokenize(chunks, cuts):
    """A Doc of the text of (word, whitespace) chunks, words cut behind the letters in `cuts`."""
    words, spaces = [], []
    letter = 0
    for word, whitespace in chunks:
        start = 0
        for end in range(1, len(word) + 1):
            letter += 1
            if letter in cuts or end == len(word):
                words.append(word[start:end])
                spaces.append(False)
                start = end
        spaces[-1] = whitespace.startswith(" ")
        rest = whitespace[1:] if spaces[-1] else whitespace
        if rest:
            words.append(rest)
            spaces.append(False)
    return Doc(NLP.vocab, words=words, spaces=spaces)


@st.composite
def annotations(draw, doc):
    """Annotate the tokens of a document, one stretch after another."""
    groups = {"entities": [], "blocked": [], "missing": [], "outside": []}
    token = 0
    while token < len(doc):
        kind = draw(st.sampled_from(["entities", "outside", "missing", "blocked", "outside"]))
        end = min(token + draw(st.integers(1, 3)), len(doc))
        label = draw(st.sampled_from([*KNOWN, "C"])) if kind == "entities" else ""
        groups[kind].append(Span(doc, token, end, label=label))
        token = end
    doc.set_ents(**groups)
    return doc


chunk_lists = st.lists(
    st.tuples(
        st.text("abA.", min_size=1, max_size=4), st.sampled_from(["", " ", " ", "  ", "\n", " \n "])
    ),
    max_size=5,
)
cut_sets = st.sets(st.integers(1, 20), max_size=8)


@st.composite
def example_of(draw, same_tokens=False):
    chunks, cuts = draw(chunk_lists), draw(cut_sets)
    reference = draw(annotations(tokenize(chunks, cuts)))
    if draw(st.integers(0, 9)) == 0:
        reference = tokenize(chunks, cuts)  # not annotated at all
    predicted = tokenize(chunks, cuts if same_tokens else draw(cut_sets))
    return Example(predicted, reference)


def plain_tags(example):
    """The columns of the tags that spaCy aligns."""
    columns = []
    for name in example.get_aligned_ner():
        position, _, label = (name or "-").partition("-")
        if name is None:
            columns.append(MISSING)
        elif position == "O" or label not in KNOWN:
            columns.append(OUTSIDE)
        else:
            columns.append(1 + 4 * KNOWN.index(label) + "BILU".index(position))
    return columns


def example_from(words, tags):
    """An example of words and BILUO tags."""
    return Example.from_dict(Doc(NLP.vocab, words=words), {"entities": tags})


# Gold


@given(batch=st.lists(example_of(same_tokens=True), max_size=3))
@examples(80)
def test_gold_of_the_same_tokens_is_what_spacy_aligns(batch):
    gold = read_gold(batch, LABELS)
    assert gold.tags.dtype == np.int32
    assert gold.tags.tolist() == [tag for example in batch for tag in plain_tags(example)]
    assert gold.misaligned == []
    assert gold.incorrect.shape == (0, 3)


@given(batch=st.lists(example_of(), max_size=3))
@examples(80)
def test_gold_of_other_tokens_is_what_spacy_aligns(batch):
    gold = read_gold(batch, LABELS)
    assert gold.tags.tolist() == [tag for example in batch for tag in plain_tags(example)]
    misaligned = [
        ent
        for example in batch
        for ent in example.reference.ents
        if not example.get_aligned_spans_y2x([ent])
    ]
    assert gold.misaligned == misaligned


def test_gold_of_a_plain_example():
    example = example_from(
        ["Paris", "Hilton", "saw", "New", "York", "City", "."],
        ["B-A", "L-A", "O", "B-B", "I-B", "L-B", "-"],
    )
    expected = [*entity_tags(0, 2), OUTSIDE, *entity_tags(1, 3), MISSING]
    assert read_gold([example], LABELS).tags.tolist() == expected


def test_entities_side_by_side_stay_two():
    example = example_from(["a", "b", "c"], ["U-A", "U-A", "U-B"])
    expected = [*entity_tags(0, 1), *entity_tags(0, 1), *entity_tags(1, 1)]
    assert read_gold([example], LABELS).tags.tolist() == expected


def test_no_entity_continues_in_the_next_document():
    batch = [example_from(["a", "b"], ["B-A", "L-A"]) for _ in range(2)]
    assert read_gold(batch, LABELS).tags.tolist() == [*entity_tags(0, 2), *entity_tags(0, 2)]
    # A document that begins with I, if somebody writes it so, is invalid in all of spaCy.
    iob = [[INSIDE, label] for label in batch[1].reference.to_array(ENT_TYPE)]
    batch[1].reference.from_array([ENT_IOB, ENT_TYPE], np.asarray(iob, dtype=np.uint64))
    with pytest.raises(ValueError, match="E093"):
        read_gold(batch, LABELS)


def test_a_document_without_annotation_is_missing_beside_others():
    blank = Example(Doc(NLP.vocab, words=["a", "  "]), Doc(NLP.vocab, words=["a", "  "]))
    known = example_from(["a", "  "], ["O", "-"])
    assert read_gold([blank, known], LABELS).tags.tolist() == [MISSING, MISSING, OUTSIDE, OUTSIDE]


def test_entities_of_unknown_labels_are_outside():
    example = example_from(["a", "b", "c", "d"], ["B-C", "L-C", "U-A", "-"])
    assert read_gold([example], LABELS).tags.tolist() == [0, 0, *entity_tags(0, 1), MISSING]


def test_misaligned_entities_are_missing_and_reported():
    predicted = Doc(NLP.vocab, words=["Paris", "sawhim"], spaces=[True, False])
    spaces = [False, True, False, False]
    reference = Doc(NLP.vocab, words=["Pa", "ris", "saw", "him"], spaces=spaces)
    reference.ents = [Span(reference, 0, 2, label="A"), Span(reference, 3, 4, label="B")]
    gold = read_gold([Example(predicted, reference)], LABELS)
    assert gold.tags.tolist() == [*entity_tags(0, 1), MISSING]
    assert [span.text for span in gold.misaligned] == ["him"]


def test_an_entity_is_not_misaligned_where_only_the_whitespace_differs():
    reference = Doc(NLP.vocab, words=["I", "  ", "saw", "Paris"])
    reference.ents = [Span(reference, 3, 4, label="A")]
    gold = read_gold([Example(Doc(NLP.vocab, words=["I", "saw", "Paris"]), reference)], LABELS)
    assert gold.tags.tolist() == [0, 0, *entity_tags(0, 1)]
    assert gold.misaligned == []


@pytest.mark.parametrize("n_docs", [0, 1, 3])
def test_examples_without_tokens(n_docs):
    empty = [Example(Doc(NLP.vocab), Doc(NLP.vocab)) for _ in range(n_docs)]
    gold = read_gold(empty, LABELS, KEY)
    assert gold.tags.shape == (0,)
    assert gold.incorrect.shape == (0, 3)
    assert allow_only(gold.tags, 2).shape == (0, n_tags(2))


# What gold allows


@given(batch=st.lists(example_of(), max_size=3))
@examples(30)
def test_gold_allows_one_tag_or_all(batch):
    gold = read_gold(batch, LABELS)
    allowed = allow_only(gold.tags, len(KNOWN))
    assert allowed.shape == (len(gold.tags), n_tags(len(KNOWN)))
    for row, tag in zip(allowed, gold.tags.tolist(), strict=True):
        every = range(n_tags(len(KNOWN)))
        assert np.flatnonzero(row).tolist() == ([tag] if tag != MISSING else list(every))


@given(batch=st.lists(example_of(), min_size=1, max_size=3))
@examples(60)
def test_gold_always_leaves_a_legal_sequence(batch):
    allowed = allow_only(read_gold(batch, LABELS).tags, len(KNOWN))
    lengths = np.asarray([len(example.predicted) for example in batch])
    best_tags(Scores(np.zeros(allowed.shape), np.zeros((3, 3)), lengths), allowed)


def test_allow_only():
    tags = np.asarray([OUTSIDE, MISSING])
    assert allow_only(tags, 1).tolist() == [[True] + [False] * 4, [True] * 5]


def test_allow_only_without_labels():
    assert allow_only(np.asarray([MISSING, OUTSIDE]), 0).tolist() == [[True], [True]]


# Incorrect spans


@st.composite
def examples_with_wrong_spans(draw):
    example = draw(example_of())
    reference = example.reference
    spans = []
    for _ in range(draw(st.integers(0, 3)) if len(reference) else 0):
        start = draw(st.integers(0, len(reference) - 1))
        end = draw(st.integers(start + 1, len(reference)))
        spans.append(Span(reference, start, end, label=draw(st.sampled_from([*KNOWN, "C"]))))
    right = {(ent.start, ent.end, ent.label) for ent in reference.ents}
    spans = [span for span in spans if (span.start, span.end, span.label) not in right]
    reference.spans[KEY] = spans
    return example


def plain_wrong_spans(batch):
    """The wrong spans of known labels that begin and end with a predicted token."""
    rows, offset = [], 0
    for example in batch:
        tokens = example.predicted
        starts = {token.idx: token.i for token in tokens}
        ends = {token.idx + len(token): token.i + 1 for token in tokens}
        for span in example.reference.spans[KEY]:
            if span.label_ in KNOWN and span.start_char in starts and span.end_char in ends:
                start, end = starts[span.start_char], ends[span.end_char]
                rows.append([offset + start, offset + end, KNOWN.index(span.label_)])
        offset += len(tokens)
    return rows


@given(batch=st.lists(examples_with_wrong_spans(), max_size=3))
@examples(100)
def test_incorrect_spans(batch):
    gold = read_gold(batch, LABELS, KEY)
    assert gold.incorrect.dtype == np.int64
    assert gold.incorrect.tolist() == plain_wrong_spans(batch)
    assert read_gold(batch, LABELS).incorrect.shape == (0, 3)
    assert read_gold(batch, LABELS, "other key").incorrect.shape == (0, 3)


@pytest.mark.parametrize(
    "predicted", [["Paris", "Hilton", "wowed"], ["Paris", "Hil", "ton", "wowed"]]
)
def test_a_span_that_is_both_an_entity_and_incorrect_is_an_error(predicted):
    spaces = [word != "Hil" for word in predicted]
    reference = Doc(NLP.vocab, words=["Paris", "Hilton", "wowed"])
    reference.ents = [Span(reference, 0, 2, label="A")]
    example = Example(Doc(NLP.vocab, words=predicted, spaces=spaces), reference)
    reference.spans[KEY] = [Span(reference, 0, 1, label="A"), Span(reference, 0, 2, label="B")]
    assert read_gold([example], LABELS, KEY).incorrect[:, 2].tolist() == [0, 1]
    reference.spans[KEY] = [Span(reference, 0, 2, label="A")]
    with pytest.raises(ValueError, match="E868"):
        read_gold([example], LABELS, KEY)


# Presets


@st.composite
def preset_docs(draw):
    doc = tokenize(draw(chunk_lists), draw(cut_sets))
    if draw(st.booleans()):
        doc = draw(annotations(doc))
    if draw(st.booleans()):
        for token in doc:
            token.is_sent_start = draw(st.sampled_from([None, False, True]))
    return doc


def plain_mask(doc):
    """The allowed tags of each token, from the rules one by one."""
    rows = []
    of_entity = {
        token: tag
        for ent in doc.ents
        for token, tag in zip(
            range(ent.start, ent.end), tags_in_entity(ent.label_, ent.end - ent.start), strict=True
        )
    }
    for token in doc:
        is_blocked = token.ent_iob_ == "B" and not token.ent_type_
        if token.i in of_entity or is_blocked:
            rows.append([tag == of_entity.get(token.i, OUTSIDE) for tag in range(n_tags(2))])
            continue
        forbidden = set()
        if token.is_space:
            forbidden |= {BEGIN, LAST, UNIT}
        if token.i > 0 and token.is_sent_start:
            forbidden |= {IN, LAST}
        if token.i + 1 < len(doc) and doc[token.i + 1].is_sent_start:
            forbidden |= {BEGIN, IN}
        rows.append([tag == OUTSIDE or (tag - 1) % 4 not in forbidden for tag in range(n_tags(2))])
    return rows


def tags_in_entity(label, length):
    return entity_tags(KNOWN.index(label), length) if label in KNOWN else [OUTSIDE] * length


@given(docs=st.lists(preset_docs(), min_size=1, max_size=3))
@examples(80)
def test_preset_mask_equals_the_rules(docs):
    expected = [row for doc in docs for row in plain_mask(doc)]
    found, has_presets = preset_mask(docs, LABELS, 2)
    # A document's own flag for blocked tokens is an entity's first token without a type.
    assert has_presets == any(token.ent_iob_ in ("B", "I") for doc in docs for token in doc)
    if found is None:
        assert all(all(row) for row in expected)
    else:
        assert found.shape == (len(expected), n_tags(2))
        assert found.tolist() == expected


@given(docs=st.lists(preset_docs(), min_size=1, max_size=3), used=st.sets(st.integers(0, 1)))
@examples(60)
def test_tags_of_labels_that_are_not_in_use_are_forbidden(docs, used):
    """Entities of these are outside, as those of labels that the network does not have."""
    labels = {hash_: number for hash_, number in LABELS.items() if number in used}
    found, has_presets = preset_mask(docs, labels, 2)
    every, _ = preset_mask(docs, LABELS, 2)
    assert has_presets == preset_mask(docs, LABELS, 2)[1]
    if found is None:
        assert every is None
        assert len(used) == 2
        return
    expected = np.ones(found.shape, dtype=bool) if every is None else every.copy()
    for number in {0, 1} - used:
        of_entity = (expected[:, 1 + 4 * number : 5 + 4 * number]).any(axis=1) & ~expected[:, 0]
        expected[of_entity, OUTSIDE] = True
        expected[:, 1 + 4 * number : 5 + 4 * number] = False
    np.testing.assert_array_equal(found, expected)


def decode_beside_presets(docs, rng):
    """Rows (document, start, end, label number) of the entities that random scores have under the
    mask, and whether there are presets.
    """
    lengths = np.asarray([len(doc) for doc in docs])
    emissions = rng.normal(size=(lengths.sum(), n_tags(2)))
    mask, has_presets = preset_mask(docs, LABELS, 2)
    tags = best_tags(Scores(emissions, rng.normal(size=(3, 3)), lengths), mask)
    rows = [
        (d, *entity)
        for d, of in enumerate(document_slices(lengths))
        for entity in entities_of(tags[of].tolist())
    ]
    return rows, has_presets


@given(docs=st.lists(preset_docs(), min_size=1, max_size=3), seed=st.integers(0, 2**32 - 1))
@examples(100)
def test_what_is_decoded_under_the_mask_keeps_the_presets(docs, seed):
    rows, _ = decode_beside_presets(docs, np.random.RandomState(seed))
    for d, doc in enumerate(docs):
        found = [doc[start:end] for of, start, end, _ in rows if of == d]
        presets = {(ent.start, ent.end) for ent in doc.ents if ent.label_ in KNOWN}
        assert presets <= {(span.start, span.end) for span in found}
        for span in found:
            if (span.start, span.end) in presets:
                continue
            assert all(token.ent_type_ == "" and token.ent_iob_ != "B" for token in span)
            assert not span[0].is_space
            assert not span[-1].is_space
            assert not any(token.is_sent_start for token in span[1:])


@pytest.mark.parametrize("words", [[], ["Paris", "Hilton"]])
def test_documents_without_anything_set_have_no_mask(words):
    assert preset_mask([Doc(NLP.vocab, words=words)], LABELS, 2) == (None, False)
    assert preset_mask([], LABELS, 2) == (None, False)


def test_tokens_set_outside_by_an_earlier_component_are_free():
    doc = Doc(NLP.vocab, words=["Paris", "Hilton", "wowed"])
    doc.set_ents([Span(doc, 2, 3, label="A")])
    mask, has_presets = preset_mask([doc], LABELS, 2)
    assert has_presets
    assert mask[:2].all()
    assert np.flatnonzero(mask[2]).tolist() == [1 + UNIT]


def test_the_first_token_of_a_document_may_begin_anything():
    docs = [Doc(NLP.vocab, words=["a", "b"], sent_starts=[True, False]) for _ in range(2)]
    assert preset_mask(docs, LABELS, 2) == (None, False)


def test_labels_of_gold_are_those_of_entities_and_of_incorrect_spans():
    labels = LABELS | {NLP.vocab.strings.add(label): 2 + i for i, label in enumerate("CDE")}
    words = ["a", "b", "c", "d"]
    first = example_from(words, ["O", "-", "B-C", "L-C"])
    second = example_from(words, ["O", "O", "U-A", "O"])
    second.reference.spans[KEY] = [Span(second.reference, 0, 2, label="E")]
    assert read_gold([first, second], labels, KEY).labels == {2, 0, 4}
    assert read_gold([first, second], labels).labels == {2, 0}
    assert read_gold([first, second], LABELS, KEY).labels == {0}
    assert read_gold([example_from(words, ["O", "-", "O", "O"])], labels).labels == set()


# What initialization reads


class Reader:
    def __init__(self):
        self.texts = []
        self.is_finished = False

    def add(self, docs):
        self.texts += [doc.text for doc in docs]

    def finish(self):
        self.is_finished = True


def test_survey_reads_all_examples_once():
    known = [example_from([f"w{i}", "x"], ["U-A", "-"]) for i in range(300)]
    unknown = Example(Doc(NLP.vocab, words=["u"]), Doc(NLP.vocab, words=["u"]))
    empty = Example(Doc(NLP.vocab), Doc(NLP.vocab))
    last = example_from(["y"], ["U-Z"])
    other_tokens = Doc(NLP.vocab, words=["p", "q"], spaces=[False, False])
    other_tokens.ents = [Span(other_tokens, 0, 1, label="B")]
    misaligned = Example(Doc(NLP.vocab, words=["pq"], spaces=[False]), other_tokens)
    reader = Reader()
    data = iter([empty, unknown, *known, misaligned, last])
    labels, spans, sample = survey(data, [reader], None, "names")
    assert labels == {"A", "B", "Z"}
    assert [span.text for span in spans] == ["p"]
    assert sample == [unknown.predicted, *(eg.predicted for eg in known[:9])]
    # Documents without tokens or annotation are not learned.
    assert reader.texts == [eg.predicted.text for eg in (*known, misaligned, last)]
    assert reader.is_finished


def test_survey_without_examples_is_an_error_and_teaches_nothing():
    reader = Reader()
    with pytest.raises(ValueError, match=r"E923.*'names'"):
        survey([], [reader], None, "names")
    assert not reader.is_finished


def test_an_example_with_incorrect_spans_alone_has_something_to_learn():
    reference = Doc(NLP.vocab, words=["a", "b"])
    example = Example(Doc(NLP.vocab, words=["a", "b"]), reference)
    assert not has_gold(example)
    reference.spans[KEY] = []
    assert not has_gold(example, KEY)
    reference.spans[KEY] = [Span(reference, 0, 1, label="A")]
    assert has_gold(example, KEY)
    assert not has_gold(example)
    assert has_gold(example_from(["a"], ["O"]))
    assert not has_gold(example_from([], []))


# Writing


def entities_in(docs, rows, has_presets, rng):
    """Entities of a batch by rows (document, start, end, label number)."""
    lengths = np.asarray([len(doc) for doc in docs])
    starts = np.cumsum(lengths) - lengths
    spans = [(starts[d] + start, starts[d] + end, label) for d, start, end, label in rows]
    probabilities = rng.uniform(size=len(rows))
    spans = np.asarray(spans, dtype=np.int64).reshape(-1, 3)
    return Entities(spans, probabilities, lengths, has_presets)


@given(docs=st.lists(preset_docs(), min_size=1, max_size=3), seed=st.integers(0, 2**32 - 1))
@examples(80)
def test_set_entities_adds_to_what_is_there(docs, seed):
    """What is decoded under the mask is written, and nothing that was there is changed."""
    rng = np.random.RandomState(seed)
    rows, has_presets = decode_beside_presets(docs, rng)
    before = [[(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in docs]
    blocked = [[t.i for t in doc if t.ent_iob_ == "B" and not t.ent_type_] for doc in docs]
    entities = entities_in(docs, rows, has_presets, rng)
    set_entities(docs, entities, KNOWN, KEY)
    for d, doc in enumerate(docs):
        new = [
            ((start, end, KNOWN[label]), np.float32(p))
            for (of, start, end, label), p in zip(rows, entities.probabilities, strict=True)
            if of == d and (start, end, KNOWN[label]) not in before[d]
        ]
        found = [(ent.start, ent.end, ent.label_) for ent in doc.ents]
        assert sorted(found) == sorted([*before[d], *(span for span, _ in new)])
        assert [t.i for t in doc if t.ent_iob_ == "B" and not t.ent_type_] == blocked[d]
        assert all(token.ent_iob_ for token in doc)
        group = doc.spans[KEY]
        assert [(s.start, s.end, s.label_) for s in group] == [span for span, _ in new]
        assert group.attrs["scores"].tolist() == [p for _, p in new]


def test_set_entities_without_a_key_or_probabilities_writes_no_group():
    doc = Doc(NLP.vocab, words=["a", "b"])
    entities = entities_in([doc], [(0, 0, 1, 1)], False, np.random.RandomState(0))
    set_entities([doc], entities, KNOWN, None)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("a", "B")]
    entities.probabilities = None
    set_entities([doc], entities, KNOWN, KEY)
    assert len(doc.spans) == 0


def test_the_fields_of_entities_that_are_there_are_kept():
    doc = Doc(NLP.vocab, words=["a", "b", "c", "d"])
    present = Span(doc, 1, 3, label="C", kb_id="Q1", span_id="id1")
    doc.set_ents([present], default="missing")
    entities = entities_in([doc], [(0, 0, 1, 0)], True, np.random.RandomState(0))
    set_entities([doc], entities, KNOWN, KEY)
    assert [token.ent_iob_ for token in doc] == ["B", "B", "I", "O"]
    assert [(e.text, e.label_, e.kb_id_, e.id_) for e in doc.ents] == [
        ("a", "A", "", ""),
        ("b c", "C", "Q1", "id1"),
    ]
