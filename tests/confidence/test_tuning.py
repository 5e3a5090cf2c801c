"""Development data, the choice of thresholds, calibrated pipelines, and what they are worth."""

from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example

from spacy_window_ner.confidence import tuning
from spacy_window_ner.confidence.guarantees import Guarantee
from spacy_window_ner.confidence.judgment import cross_fit, judge_calibration
from spacy_window_ner.confidence.scored_examples import score_examples
from spacy_window_ner.confidence.tuning import (
    CANDIDATES_KEY,
    best_threshold,
    calibrate,
    keep,
    with_copy_of,
)
from spacy_window_ner.sequences.tags import MISSING
from tests.pipelines import (
    OBJECTIVES,
    SENTENCES,
    blank,
    copy_of,
    corpus,
    entities,
    make_examples,
    ner_of,
    shared,
    small_model,
    texts_of,
    trained,
    weights,
)


@pytest.fixture(scope="module")
def overconfident():
    """A network that is sure of its mistakes on the development data."""
    return trained(corpus(20), steps=40)


DEV = [*SENTENCES, *corpus(40)[20:]]


def test_development_data(overconfident):
    examples = make_examples(overconfident, DEV)
    scored = score_examples(overconfident, "window_ner", examples)
    assert scored.n_documents == len(DEV)
    assert scored.scores.lengths.tolist() == [len(ex.predicted) for ex in examples]
    assert scored.n_gold.tolist() == [len(example.reference.ents) for example in examples]
    assert not any(example.predicted.ents for example in examples)
    found = scored.entities(None)
    docs = list(overconfident.pipe(texts_of(DEV)))
    assert len(found.spans) == sum(len(doc.ents) for doc in docs)
    gold = [{(e.start, e.end, e.label_) for e in ex.reference.ents} for ex in examples]
    right = [
        (ent.start, ent.end, ent.label_) in gold[i]
        for i, doc in enumerate(docs)
        for ent in doc.ents
    ]
    assert found.correct.tolist() == right
    assert found.documents.tolist() == [i for i, doc in enumerate(docs) for _ in doc.ents]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_some_documents_are_as_they_are_among_all(objective):
    nlp = shared(objective)
    scored = score_examples(nlp, "window_ner", make_examples(nlp, DEV))
    part = scored.subset(np.asarray([0, 2, 7]))
    alone = score_examples(nlp, "window_ner", make_examples(nlp, [DEV[0], DEV[2], DEV[7]]))
    assert part.tags.tolist() == alone.tags.tolist()
    assert part.n_gold.tolist() == alone.n_gold.tolist()
    found, expected = part.candidates(0.01), alone.candidates(0.01)
    assert found.spans.tolist() == expected.spans.tolist()
    np.testing.assert_allclose(found.probabilities, expected.probabilities, rtol=1e-4)


def test_spans_over_missing_annotation_are_neither_right_nor_wrong(trained_nlp):
    [example] = make_examples(trained_nlp, [SENTENCES[0]])
    words = [token.text for token in example.reference]
    doc = Doc(
        trained_nlp.vocab, words=words, spaces=[bool(t.whitespace_) for t in example.reference]
    )
    doc.set_ents([], missing=[doc[0:2]])
    scored = score_examples(trained_nlp, "window_ner", [Example(example.predicted, doc)])
    assert scored.tags[:2].tolist() == [MISSING] * 2
    found = scored.entities(None)
    assert found.spans[:, 0].min() >= 2
    assert not found.correct.any()


@pytest.mark.parametrize("texts", [[], ["Nothing is annotated here."]])
def test_data_without_annotation(trained_nlp, texts):
    examples = [Example(trained_nlp.make_doc(t), trained_nlp.make_doc(t)) for t in texts]
    with pytest.raises(ValueError, match="has annotated entities"):
        score_examples(trained_nlp, "window_ner", examples)


def test_components_before_are_run_and_those_behind_are_not():
    nlp = copy_of(shared())
    nlp.add_pipe("sentencizer", first=True)
    ruler = nlp.add_pipe("entity_ruler", before="window_ner")
    ruler.add_patterns([{"label": "LOC", "pattern": "Paris"}])
    behind = nlp.add_pipe("entity_ruler", name="behind")
    behind.add_patterns([{"label": "LOC", "pattern": "met"}])
    scored = score_examples(nlp, "window_ner", make_examples(nlp, SENTENCES[:1]))
    assert scored.presets is not None
    assert 0 in scored.entities(None).spans[:, 0]
    assert 2 not in scored.entities(None).spans[:, 0]


def test_the_best_threshold_is_that_of_the_pipeline(overconfident):
    nlp = copy_of(overconfident)
    scored = score_examples(nlp, "window_ner", make_examples(nlp, DEV))
    before = nlp.evaluate(make_examples(nlp, DEV))["ents_f"]
    ner_of(nlp).threshold = best_threshold(scored)
    assert nlp.evaluate(make_examples(nlp, DEV))["ents_f"] >= before


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_calibration_changes_probabilities_and_stays_exact(objective):
    nlp = trained(corpus(20), model=small_model(objective=objective))
    examples = make_examples(nlp, DEV)
    before = score_examples(nlp, "window_ner", examples)
    temperature, claimed = calibrate(nlp, "window_ner", before)
    assert temperature != 1
    now = score_examples(nlp, "window_ner", examples)
    np.testing.assert_allclose(now.scores.emissions, claimed.scores.emissions, rtol=1e-3, atol=1e-4)
    again, _ = calibrate(nlp, "window_ner", now)
    assert again == pytest.approx(1, abs=0.1)
    judged = [one.figures for one in judge_calibration(before, now, (None, None))]
    assert judged[1]["log_loss"] < judged[0]["log_loss"]
    assert judged[1]["brier"] < judged[0]["brier"]


def test_cross_fitting_judges_each_document_once(overconfident):
    scored = score_examples(overconfident, "window_ner", make_examples(overconfident, DEV))
    before, after = cross_fit(scored)
    assert before.n_gold == after.n_gold == scored.n_gold.sum()
    assert before.spans_correct.tolist() == after.spans_correct.tolist()
    assert (np.maximum(before.spans, after.spans) > tuning.LOWEST).all()
    likely = scored.candidates(tuning.LOWEST)
    assert np.count_nonzero(before.spans > tuning.LOWEST) == len(likely.spans)
    assert after.figures["log_loss"] < before.figures["log_loss"]
    assert set(before.figures) == {"ece", "ece_by_chance", "brier", "log_loss", "f"}


def test_one_document_cannot_be_judged(overconfident):
    scored = score_examples(overconfident, "window_ner", make_examples(overconfident, DEV[:1]))
    with pytest.raises(ValueError, match="at least two documents"):
        cross_fit(scored)


def test_a_copied_pipeline_is_like_the_other_and_apart_from_it(tmp_path: Path):
    nlp = copy_of(shared())
    nlp.add_pipe("sentencizer", first=True)
    nlp.meta["performance"] = {"ents_f": 0.5}
    before = weights(nlp)
    other = with_copy_of(nlp, "window_ner")
    assert other.get_pipe("sentencizer") is nlp.get_pipe("sentencizer")
    assert ner_of(other) is not ner_of(nlp)
    ner_of(other).threshold = 0.9
    other.meta["performance"]["ents_f"] = 0.7
    scored = score_examples(other, "window_ner", make_examples(other))
    calibrate(other, "window_ner", scored)
    assert ner_of(nlp).threshold is None
    assert nlp.config["components"]["window_ner"]["threshold"] is None
    assert nlp.meta["performance"] == {"ents_f": 0.5}
    assert all((a == b).all() for a, b in zip(before, weights(nlp), strict=True))
    other.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert ner_of(loaded).threshold == ner_of(other).threshold is not None
    for text in texts_of():
        assert entities(loaded(text)) == entities(other(text))


def test_training_goes_on_after_a_copy_was_calibrated():
    nlp = trained(steps=4)
    other = with_copy_of(nlp, "window_ner")
    calibrate(other, "window_ner", score_examples(other, "window_ner", make_examples(other)))
    before = weights(other)
    nlp.update(make_examples(nlp), sgd=nlp.resume_training())
    assert all((a == b).all() for a, b in zip(before, weights(other), strict=True))


def test_a_guarantee_of_candidates_makes_the_component_predict_them(monkeypatch):
    monkeypatch.setattr(tuning, "find_threshold", lambda scored, guarantee: 0.123)
    nlp = copy_of(shared())
    scored = score_examples(nlp, "window_ner", make_examples(nlp))
    keep(ner_of(nlp), scored, Guarantee("candidates_recall", 0.9))
    config = nlp.config["components"]["window_ner"]
    assert config["candidates_key"] == ner_of(nlp).cfg["candidates_key"] == CANDIDATES_KEY
    assert config["candidates_threshold"] == 0.123
    assert CANDIDATES_KEY in nlp(texts_of()[0]).spans
    keep(ner_of(nlp), scored, Guarantee("precision", 0.9))
    assert ner_of(nlp).threshold == 0.123


def test_another_component_is_an_error():
    nlp = blank()
    nlp.add_pipe("sentencizer")
    with pytest.raises(ValueError, match="The component 'sentencizer' must be a window_ner"):
        score_examples(nlp, "sentencizer", [])
