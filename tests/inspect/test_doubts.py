"""Annotation that is probably wrong, in the report."""

from spacy.tokens import Doc
from spacy.training import Example

from spacy_window_ner.inspect.doubts import doubts_of
from spacy_window_ner.inspect.facts import facts_of
from spacy_window_ner.inspect.reading import read_with_pipeline
from spacy_window_ner.inspect.report_page import report_page
from spacy_window_ner.inspect.review import review
from tests.pipelines import make_examples, shared

from .test_page import Page, data_of

WRONG = [
    "[LOC Paris Hilton] met [PER Samuel Quinn] in Paris.",
    "[PER Samuel] left New [LOC York City] on [DATE 3 April 2001].",
    "[PER Nothing] happened there.",
]


def corpus() -> list[Example]:
    """Wrong annotation behind documents that are left out."""
    nlp = shared()
    unannotated = Example(nlp.make_doc("Paris"), nlp.make_doc("Paris"))
    return [Example(Doc(nlp.vocab), Doc(nlp.vocab)), unannotated, *make_examples(nlp, WRONG)]


def test_doubts_are_suspects_in_their_sentences():
    examples, nlp = corpus(), shared()
    suspects, reading = review(nlp, examples), read_with_pipeline(nlp, examples)
    found = doubts_of(suspects, examples, reading)
    doubted = [one for one in suspects if one.evidence > 0]
    assert 4 <= len(found) == len(doubted) < len(suspects)
    for doubt, one in zip(found, doubted, strict=True):
        text = examples[one.document].predicted.text
        excerpt = doubt.excerpt
        assert "".join(excerpt.words) in text
        assert reading.documents[excerpt.document].words[0].strip() in text
        for entity, offsets in (
            (excerpt.gold, one.annotated),
            (excerpt.predicted, one.instead),
        ):
            assert (entity is None) == (offsets is None)
            if entity is not None:
                words = "".join(excerpt.words[entity.start : entity.end]).strip()
                assert (words, entity.label) == (text[offsets[0] : offsets[1]], offsets[2])
        assert abs(doubt.probability - one.probability) < 1e-4
        assert doubt.evidence > 0
    kinds = {(one.excerpt.gold is None, one.excerpt.predicted is None) for one in found}
    assert kinds == {(False, False), (True, False), (False, True)}


def test_the_page_has_them():
    examples, nlp = corpus(), shared()
    reading = read_with_pipeline(nlp, examples)
    found = doubts_of(review(nlp, examples), examples, reading)
    page = Page(report_page(facts_of(reading), "a", "b", doubts=found))
    assert f"Annotation to check: {len(found)}" in page.text
    items = data_of(page, "listed")["lists"]["doubts"]
    for item, one in zip(items, found, strict=True):
        assert (item["p"], item["instead"]) == (one.probability, one.probability_instead)
        assert "kind" not in item
    assert {("gold" in item, "read" in item) for item in items} == {
        (True, True),
        (True, False),
        (False, True),
    }
    without = Page(report_page(facts_of(reading), "a", "b"))
    assert "Annotation to check" not in without.text
