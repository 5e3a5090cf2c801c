"""The answers of the service: those of the pipeline, without changing it."""

import pytest
import spacy
from spacy.language import Language

from spacy_window_ner.inspect.explain import explain
from spacy_window_ner.serve.service import Service
from tests.pipelines import copy_of, ner_of, shared, texts_of

TEXTS = [*texts_of(), "", "  \n", "Paris Hilton left Oslo 🏨 with Samuel."]


def plain(spans, scores) -> list[dict]:
    return [
        {
            "text": span.text,
            "label": span.label_,
            "start": span.start_char,
            "end": span.end_char,
            "probability": score if score is None else pytest.approx(score, abs=1e-6),
        }
        for span, score in zip(spans, scores, strict=True)
    ]


def expected(nlp: Language, text: str) -> list[dict]:
    doc = nlp(text)
    return plain(doc.ents, [ent._.score for ent in doc.ents])


def test_entities_are_those_of_the_pipeline():
    found = Service(shared()).read(TEXTS)
    assert found == [{"entities": expected(shared(), text)} for text in TEXTS]
    assert sum(len(one["entities"]) for one in found) > 8


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.99, {"PER": 0.999, "LOC": 0.01}])
def test_a_threshold_is_that_of_one_question(threshold):
    nlp = copy_of(shared())
    config, service = nlp.config.to_str(), Service(nlp)
    found = service.read(TEXTS, threshold=threshold)
    assert found == [
        {"entities": expected(copy_of(shared(), threshold=threshold), text)} for text in TEXTS
    ]
    assert (ner_of(nlp).threshold, nlp.config.to_str()) == (None, config)
    assert service.read(TEXTS) == [{"entities": expected(nlp, text)} for text in TEXTS]


def test_candidates():
    nlp = copy_of(shared(), candidates_key="all", candidates_threshold=0.001)
    found = Service(shared()).read(TEXTS, candidates=0.001)
    docs = [nlp(text) for text in TEXTS]
    groups = [doc.spans["all"] for doc in docs if "all" in doc.spans]
    pairs = [(group, group.attrs["scores"].tolist()) for group in groups]
    assert [one["candidates"] for one in found if one["candidates"]] == [
        plain(*pair) for pair in pairs if len(pair[0])
    ]
    assert ner_of(shared()).cfg["candidates_key"] is None


def test_probabilities_are_given_where_the_pipeline_does_not_compute_them():
    [found] = Service(copy_of(shared(), spans_key=None)).read(TEXTS[:1])
    assert found["entities"] == expected(shared(), TEXTS[0])


def test_entities_of_other_components_have_no_probability():
    nlp = copy_of(shared())
    ruler = nlp.add_pipe("entity_ruler", before="window_ner")
    ruler.add_patterns([{"label": "HOTEL", "pattern": "Samuel"}])
    service = Service(nlp)
    [found] = service.read(["Samuel left Paris."])
    assert found["entities"][0] == {
        "text": "Samuel",
        "label": "HOTEL",
        "start": 0,
        "end": 6,
        "probability": None,
    }
    with pytest.raises(ValueError):
        service.explain("Samuel left Paris.", 0, 6, "PER")


def test_explanation():
    text = "🏨 Paris Hilton met Samuel."
    found = Service(shared()).explain(text, 2, 14, "PER")
    doc = shared()(text)
    [why] = explain(shared(), text, [(1, 3, "PER")])
    assert found["explanation"]["log_odds"] == pytest.approx(why.log_odds, abs=1e-4)
    assert [word["text"] for word in found["explanation"]["words"]] == [x.text for x in doc]
    assert found["explanation"]["is_complete"]
    pairs = [(one["label"], one["probability"]) for one in found["alternatives"]]
    others = ner_of(shared()).alternatives(doc[1:3])
    assert dict(pairs) == pytest.approx(dict(others), abs=1e-6)
    alone = Service(shared()).explain(text, 2, 14, "PER", alternatives_alone=True)
    assert alone == {"alternatives": found["alternatives"], "explanation": None}


@pytest.mark.parametrize(
    ("start", "end", "label"), [(1, 5, "PER"), (0, 0, "PER"), (5, 99, "PER"), (0, 5, "X")]
)
def test_a_span_that_cannot_be_explained(start, end, label):
    with pytest.raises(ValueError, match=r"word boundaries|no label 'X'"):
        Service(shared()).explain("Paris is big.", start, end, label)


@Language.component("fails_on_purpose")
def fails_on_purpose(doc):
    if doc.text == "fail":
        raise ValueError("on purpose")
    return doc


def test_after_a_failure_memory_is_given_back():
    nlp = copy_of(shared())
    nlp.add_pipe("fails_on_purpose")
    service = Service(nlp)
    with pytest.raises(RuntimeError, match="ValueError: on purpose"):
        service.read(["Unheardof words.", "fail"])
    with pytest.raises(ValueError, match="threshold has unknown labels 'X'"):
        service.read(["Paris"], threshold={"X": 0.5})
    assert not nlp.vocab.in_memory_zone
    assert service.read(TEXTS[:1])[0]["entities"] == expected(nlp, TEXTS[0])


def test_the_vocabulary_does_not_grow():
    nlp = copy_of(shared())
    service = Service(nlp)
    service.read(TEXTS)
    sizes = len(list(nlp.vocab)), len(nlp.vocab.strings)
    for n in range(15):
        service.read([f"Unheard{n} of{n} in Paris{n}."], candidates=0.01)
        service.explain(f"Paris Unheard{n}.", 0, 5, "LOC")
    assert (len(list(nlp.vocab)), len(nlp.vocab.strings)) == sizes


def test_settings_that_other_code_has_added():
    nlp = copy_of(shared())
    ner_of(nlp).cfg["of another package"] = 1
    [found] = Service(nlp).read(TEXTS[:1], threshold=0.5)
    assert found["entities"]


def test_what_cannot_be_served():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    with pytest.raises(ValueError, match="must be a window_ner"):
        Service(nlp, "sentencizer")
    nlp.add_pipe("window_ner")
    with pytest.raises(ValueError, match="E109"):
        Service(nlp)
