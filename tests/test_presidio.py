"""Presidio gets our probabilities. With the real package; skipped where it is not installed."""

import pytest

from .pipelines import copy_of, ner_of, shared, texts_of

pytest.importorskip("presidio_analyzer", reason="presidio-analyzer is not installed")

from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NerModelConfiguration, NlpEngineProvider

from spacy_window_ner.presidio import WindowNEREngine

pytestmark = pytest.mark.extra
PARIS = texts_of()[0]


def found(analyzer: AnalyzerEngine, text: str) -> dict[str, tuple[str, float]]:
    results = analyzer.analyze(text, language="en", entities=["PERSON", "LOCATION", "DATE_TIME"])
    return {text[r.start : r.end]: (r.entity_type, r.score) for r in results}


def expected(text: str) -> dict[str, tuple[str, float]]:
    names = {"PER": "PERSON", "LOC": "LOCATION", "DATE": "DATE_TIME"}
    return {ent.text: (names[ent.label_], ent._.score) for ent in shared()(text).ents}


def test_scores_are_probabilities():
    engine = WindowNEREngine.from_pipelines({"en": copy_of(shared())})
    analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])
    for text in texts_of()[:3]:
        assert found(analyzer, text) == expected(text)
    assert len(found(analyzer, PARIS)) == 3


def test_the_engine_of_a_configuration(tmp_path):
    copy_of(shared()).to_disk(tmp_path)
    provider = NlpEngineProvider(
        nlp_engines=(WindowNEREngine,),
        nlp_configuration={
            "nlp_engine_name": "window_ner",
            "models": [{"lang_code": "en", "model_name": str(tmp_path)}],
        },
    )
    engine = provider.create_engine()
    assert isinstance(engine, WindowNEREngine)
    analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])
    assert found(analyzer, PARIS) == expected(PARIS)
    batch = list(engine.process_batch([PARIS, PARIS], language="en"))
    assert batch[0][1].scores == batch[1][1].scores


def test_entities_without_probability_have_presidios_default():
    nlp = copy_of(shared())
    ruler = nlp.add_pipe("entity_ruler", before="window_ner")
    ruler.add_patterns([{"label": "PER", "pattern": "Paris Hilton"}])
    configuration = NerModelConfiguration(default_score=0.6)
    engine = WindowNEREngine.from_pipelines({"en": nlp}, configuration)
    analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])
    scores = {text: score for text, (_, score) in found(analyzer, PARIS).items()}
    assert scores["Paris Hilton"] == 0.6
    assert scores["Samuel Quinn"] > 0.9
    assert ner_of(nlp).threshold is None
