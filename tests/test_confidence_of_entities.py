"""Where people look: `ent._.score`, candidates, alternatives, and the probabilities of tags."""

import json
import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

from spacy_window_ner.extensions import score_of, scores_of
from spacy_window_ner.sequences.tags import tags_of_spans

from .pipelines import (
    OBJECTIVES,
    blank,
    copy_of,
    entities,
    make_examples,
    ner_of,
    shared,
    small_model,
    texts_of,
    trained,
)

PARIS = texts_of()[0]


def scores(doc: Doc) -> list[float | None]:
    return [ent._.score for ent in doc.ents]


# ent._.score


def test_every_entity_has_its_score(trained_nlp):
    docs = list(trained_nlp.pipe(texts_of()))
    for doc in docs:
        assert scores(doc) == doc.spans["window_ner"].attrs["scores"].tolist()
    assert sum(map(len, map(scores, docs))) > 5
    found = scores(docs[0])
    assert all(type(score) is float for score in found)
    assert json.loads(json.dumps(found)) == found


def test_other_spans_and_the_entities_of_other_components_have_none():
    nlp = copy_of(shared())
    ruler = nlp.add_pipe("entity_ruler", before="window_ner")
    ruler.add_patterns([{"label": "LOC", "pattern": "Paris"}])
    doc = nlp("Paris and Samuel Quinn left New York City.")
    by_text = {ent.text: ent._.score for ent in doc.ents}
    assert by_text["Paris"] is None
    assert by_text["New York City"] > 0.5
    assert doc[1:2]._.score is None
    assert doc.char_span(0, 5, "PER")._.score is None
    assert spacy.blank("en")("Nothing was predicted here.")[0:1]._.score is None


def test_the_same_words_with_another_label_have_none(trained_nlp):
    doc = trained_nlp(PARIS)
    ent = doc.ents[0]
    assert ent._.score is not None
    doc.ents = [Span(doc, ent.start, ent.end, label="OTHER")]
    assert doc.ents[0]._.score is None


def test_where_tokens_were_merged_entities_keep_their_scores():
    nlp = copy_of(shared())
    expected = scores(nlp(PARIS))
    nlp.add_pipe("merge_entities")
    doc = nlp(PARIS)
    assert doc.ents[0].end == 1
    assert scores(doc) == scores_of(doc) == expected


def test_other_keys_and_none():
    nlp = copy_of(shared(), spans_key="names")
    assert all(score > 0 for score in scores(nlp(PARIS)))
    nlp = copy_of(shared(), spans_key=None)
    assert set(scores(nlp(PARIS))) == {None}


def test_a_key_of_a_loaded_pipeline(tmp_path):
    copy_of(shared(), spans_key="of_a_file").to_disk(tmp_path)
    assert all(score > 0 for score in scores(spacy.load(tmp_path)(PARIS)))


def stored(doc: Doc) -> Doc:
    [doc] = DocBin(docs=[doc]).get_docs(doc.vocab)
    return doc


# Each gives a copy of a document of one sentence.
COPIES: dict[str, Callable[[Doc], Doc]] = {
    "DocBin": stored,
    "to_bytes": lambda doc: Doc(doc.vocab).from_bytes(doc.to_bytes()),
    "copy": lambda doc: doc.copy(),
    "as_doc": lambda doc: doc[:].as_doc(copy_user_data=True),
    "from_docs": lambda doc: Doc.from_docs([doc]),
    "to_json": lambda doc: Doc(doc.vocab).from_json(doc.to_json(underscore=["score"])),
}
LOSING: dict[str, Callable[[Doc], Doc]] = {
    "as_doc": lambda doc: doc[:].as_doc(),
    "from_docs": lambda doc: Doc.from_docs([doc], exclude=["user_data"]),
    "to_json": lambda doc: Doc(doc.vocab).from_json(doc.to_json()),
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_copies_have_the_scores(trained_nlp: Language, copy: Callable[[Doc], Doc]):
    doc = trained_nlp(PARIS)
    new = copy(doc)
    assert scores(new) == scores_of(new) == scores(doc)
    # They are those of the words and the label.
    new.ents = [Span(new, ent.start, ent.end, label="OTHER") for ent in new.ents]
    assert set(scores(new)) == set(scores_of(new)) == {None}


@pytest.mark.parametrize("copy", LOSING.values(), ids=LOSING)
def test_copies_that_spacy_makes_without_them_have_none(
    trained_nlp: Language, copy: Callable[[Doc], Doc]
):
    new = copy(trained_nlp(PARIS))
    assert entities(new) == entities(trained_nlp(PARIS))
    assert set(scores(new)) == set(scores_of(new)) == {None}


def test_scores_are_where_the_words_are_in_parts_and_joined_documents(trained_nlp: Language):
    docs = list(trained_nlp.pipe(texts_of()))
    expected = [score for doc in docs for score in scores(doc)]
    joined = Doc.from_docs(docs)
    assert scores(joined) == expected
    ends = np.cumsum([len(doc) for doc in docs]).tolist()
    parts = [joined[start:end].as_doc(copy_user_data=True) for start, end in pairwise([0, *ends])]
    assert [score for part in parts for score in scores(part)] == expected


# A second pass


def everything(doc: Doc) -> list[Any]:
    """Entities, and all spans with their scores."""
    groups = [doc.spans[key] for key in sorted(doc.spans)]
    found = [
        (group.name, [(s.start, s.end, s.label_) for s in group], group.attrs["scores"].tolist())
        for group in groups
    ]
    return [entities(doc), scores(doc), *found]


@pytest.mark.parametrize("way", ["DocBin", "copy", "to_bytes"])
@pytest.mark.parametrize("threshold", [None, 0.05])
def test_a_second_pass_changes_nothing(way: str, threshold: float | None):
    plain = trained(steps=6, threshold=threshold)
    nlp = copy_of(plain, candidates_key="all", candidates_threshold=1e-3)
    docs = list(nlp.pipe(texts_of()))
    expected = [everything(doc) for doc in docs]
    assert sum(len(doc.ents) for doc in docs) > 5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = list(nlp.pipe([COPIES[way](doc) for doc in docs]))
    for doc, before in zip(again, expected, strict=True):
        assert everything(doc) == approximately(before)


def approximately(value: Any) -> Any:
    """Numbers may differ by the batch that they were computed in."""
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-4)
    return type(value)(map(approximately, value)) if isinstance(value, list | tuple) else value


def test_a_second_pass_keeps_what_others_have_set_and_what_was_found_before(trained_nlp):
    doc = trained_nlp(PARIS)
    paris_hilton, samuel_quinn, paris = doc.ents
    first = dict(zip(doc.ents, scores(doc), strict=True))
    doc.set_ents(
        [Span(doc, paris_hilton.start, paris_hilton.end, "ORG"), samuel_quinn], default="outside"
    )
    nlp = copy_of(shared(), threshold={"PER": 1.0})  # it would not find Samuel Quinn
    assert ("Samuel Quinn", "PER") not in entities(nlp(PARIS))
    nlp(doc)
    assert entities(doc) == [("Paris Hilton", "ORG"), ("Samuel Quinn", "PER"), ("Paris", "LOC")]
    assert scores(doc)[:2] == [None, first[samuel_quinn]]
    assert scores(doc)[2] == pytest.approx(first[paris], rel=1e-2)
    assert list(doc.spans["window_ner"]) == [samuel_quinn, paris]


def test_two_components_with_one_key_keep_each_others_scores():
    nlp = copy_of(shared(), threshold={"LOC": 1.0, "DATE": 1.0})
    nlp.add_pipe("window_ner", name="other", source=copy_of(shared()))
    [first, second] = [dict(nlp.components)[name] for name in ("window_ner", "other")]
    assert first.cfg["spans_key"] == second.cfg["spans_key"]
    doc = nlp(PARIS)
    assert entities(doc) == entities(shared()(PARIS))
    assert None not in scores(doc)
    assert list(doc.spans["window_ner"]) == list(doc.ents)
    alone = copy_of(shared(), threshold={"LOC": 1.0, "DATE": 1.0})(PARIS)
    assert 0 < len(alone.ents) < len(doc.ents)


@pytest.fixture
def score_extension() -> Iterator[None]:
    """The extension as it was, afterwards."""
    yield
    Span.set_extension("score", getter=score_of, force=True)


@pytest.mark.usefixtures("score_extension")
def test_the_extension_of_another_package_is_left_alone():
    Span.set_extension("score", default=0.5, force=True)
    with pytest.warns(
        UserWarning, match=r"Span\._\.score is already an extension of another package"
    ):
        nlp = copy_of(shared())
    assert {ent._.score for ent in nlp(PARIS).ents} == {0.5}


# A component that sets everything before


def with_entities_before(labels: dict[str, str]) -> Language:
    nlp = copy_of(shared())
    ruler = nlp.add_pipe("entity_ruler", before="window_ner")
    ruler.add_patterns([{"label": label, "pattern": text} for text, label in labels.items()])
    return nlp


def test_it_says_once_that_nothing_is_left_to_find():
    nlp = with_entities_before({text: "ENT" for text, _ in entities(shared()(PARIS))})
    with pytest.warns(UserWarning, match=r"would predict overlap.*exclude=\[\"ner\"\]"):
        nlp(PARIS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp(PARIS)


@pytest.mark.parametrize("text", [PARIS, "Samuel went home."])
def test_it_does_not_where_something_is_left(text):
    nlp = with_entities_before({"Paris Hilton": "ENT", "home": "ENT"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp(text)


# Candidates


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("threshold", [None, 0.5])
def test_candidates_are_all_likely_spans(objective: str, threshold: float | None):
    plain = trained(steps=6, model=small_model(objective=objective), threshold=threshold)
    nlp = copy_of(plain, candidates_key="all", candidates_threshold=1e-3)
    found = 0
    for text in texts_of():
        doc = nlp(text)
        group = doc.spans["all"]
        p = dict(
            zip([(s.start, s.end, s.label_) for s in group], group.attrs["scores"], strict=True)
        )
        assert len(p) == len(group) == len(group.attrs["scores"])
        assert list(p) == sorted(p, key=lambda row: (row[0], row[1]))
        assert all(score > 1e-3 for score in p.values())
        for ent in doc.ents:
            assert p[ent.start, ent.end, ent.label_] == pytest.approx(ent._.score, rel=1e-5)
        assert entities(doc) == entities(plain(text))
        assert "all" not in plain(text).spans
        found += len(p) - len(doc.ents)
    assert found > 10  # most of them are no entities


def test_candidates_in_the_middle_of_preset_entities_are_left_out():
    nlp = copy_of(shared(), candidates_key="all", candidates_threshold=0.0)
    doc = nlp.make_doc(PARIS)
    doc.set_ents([Span(doc, 0, 2, label="ORG")])
    nlp(doc)
    assert min(span.start for span in doc.spans["all"]) >= 2
    assert all(p >= 1e-4 for p in doc.spans["all"].attrs["scores"])


def test_candidates_of_a_document_without_words():
    doc = copy_of(shared(), candidates_key="all")("")
    assert len(doc.spans.get("all", ())) == 0


# Tags and alternatives


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_tag_probabilities(objective: str):
    nlp = shared(objective)
    ner, doc = ner_of(nlp), nlp(PARIS)
    p = ner.tag_probabilities(doc)
    assert p.shape == (len(doc), len(ner.tag_names))
    assert p.dtype == np.float64
    assert ((p >= 0) & (p <= 1)).all()
    if objective != "logistic":
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert ner.tag_names[:5] == ("O", "B-DATE", "I-DATE", "L-DATE", "U-DATE")
    spans = [(ent.start, ent.end, ner.label_data.index(ent.label_)) for ent in doc.ents]
    tokens, tags, _ = tags_of_spans(np.asarray(spans))
    assert (p.argmax(axis=1)[tokens] == tags).all()
    assert ner.tag_probabilities(nlp.make_doc("")).shape == (0, len(ner.tag_names))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_alternatives(objective: str):
    nlp = shared(objective)
    ner, doc = ner_of(nlp), nlp(PARIS)
    for ent in doc.ents:
        found = ner.alternatives(ent)
        assert {label for label, _ in found} == {"PER", "LOC", "DATE", None}
        assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
        assert found[0] == (ent.label_, pytest.approx(ent._.score, rel=1e-5))
        assert json.loads(json.dumps(found)) == [list(pair) for pair in found]
    outside = ner.alternatives(doc[2:3])
    assert outside[0][0] is None
    assert sum(p for _, p in outside) <= 1 + 1e-6 or objective == "logistic"
    with pytest.raises(ValueError, match="An empty span has no alternatives"):
        ner.alternatives(doc[1:1])


def test_the_alternative_of_no_entity_is_that_of_all_words_together(trained_nlp):
    ner, doc = ner_of(trained_nlp), trained_nlp(PARIS)
    ent = doc.ents[0]
    [outside] = [p for label, p in ner.alternatives(ent) if label is None]
    assert outside <= ner.tag_probabilities(doc)[ent.start : ent.end, 0].min() + 1e-9
    everything = ner.alternatives(doc[0:1])
    assert dict(everything)[None] == pytest.approx(ner.tag_probabilities(doc)[0, 0], rel=1e-4)


def test_entities_of_other_components_are_certain():
    nlp = with_entities_before({"Samuel Quinn": "LOC"})
    ner, doc = ner_of(nlp), nlp(PARIS)
    [span] = [ent for ent in doc.ents if ent.text == "Samuel Quinn"]
    assert ner.alternatives(span)[0] == ("LOC", pytest.approx(1))
    assert dict(ner.alternatives(span))[None] == 0
    [other] = [ent for ent in doc.ents if ent.text == "Paris Hilton"]
    assert ner.alternatives(other)[0] == ("PER", pytest.approx(other._.score, rel=1e-4))
    assert entities(doc) == entities(nlp(PARIS))  # nothing was changed


@pytest.mark.parametrize("spans_key", ["window_ner", None])
def test_blocked_tokens_are_in_no_entity_and_predicted_ones_are_asked_anew(spans_key: str | None):
    nlp = copy_of(shared(), spans_key=spans_key)
    ner, doc = ner_of(nlp), nlp.make_doc(PARIS)
    doc.set_ents([], blocked=[doc[1:2]], default="missing")
    nlp(doc)
    blocked = doc[1:2]
    assert ner.alternatives(blocked) == [(None, 1.0), ("DATE", 0.0), ("LOC", 0.0), ("PER", 0.0)]
    assert ner.tag_probabilities(doc)[1, 0] == 1
    for ent in doc.ents:
        assert 0 < dict(ner.alternatives(ent))[ent.label_] < 1 + 1e-9
        assert dict(ner.alternatives(ent))[None] > 0


@pytest.mark.parametrize("ask", ["alternatives", "tag_probabilities"])
def test_an_untrained_component_has_no_alternatives(ask: str):
    nlp = blank()
    doc = nlp.make_doc(PARIS)
    argument: Any = doc[0:2] if ask == "alternatives" else doc
    with pytest.raises(ValueError, match="E109"):
        getattr(ner_of(nlp), ask)(argument)


def test_unseen_labels_are_no_alternatives():
    nlp = copy_of(shared())
    ner_of(nlp).add_label("NEW")
    doc = nlp(PARIS)
    assert "NEW" not in dict(ner_of(nlp).alternatives(doc.ents[0]))
    assert make_examples(nlp)
