"""Calibration on text of kinds that were not in training (`models/scripts/leave_out.py`)."""

import leave_out
import numpy as np
import pytest
import spacy
import srsly
from spacy import util
from typer.testing import CliRunner

from spacy_window_ner.confidence.scored_examples import score_examples
from spacy_window_ner.confidence.tuning import best_threshold

from .pipelines import (
    CONFIGS,
    SENTENCES,
    copy_of,
    make_examples,
    ner_of,
    save_corpus,
    shared,
    small_model,
)

NAMES = ("LOC", "PER")
# In the third corpus, places and people are called each other: a network that has read the others
# is sure and wrong.
LINES = {
    "a": ("{} B-PER\nsaw O\n{} B-LOC\n", "Ann", "Bob", "Kim"),
    "b": ("Then O\n{} B-PER\nleft O\n{} B-LOC\n. O\n", "Bob", "Kim", "Ann"),
    "c": ("{} B-LOC\nsaw O\n{} B-PER\n", "Kim", "Ann", "Bob"),
}


def invoke(*arguments) -> None:
    result = CliRunner().invoke(leave_out.app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output


@pytest.fixture
def temperatures(tmp_path, monkeypatch):
    """What is written after each of three small corpora was left out once."""
    monkeypatch.setattr(leave_out, "CORPORA", dict.fromkeys(LINES, (NAMES, 2)))
    for name, (line, *people) in LINES.items():
        pairs = [(one, city) for one in people for city in ("Rome", "Oslo")]
        (tmp_path / name).mkdir()
        for part in ("train", "dev"):
            text = "\n".join(line.format(*pair) for pair in pairs)
            (tmp_path / name / f"{part}.conll").write_text(text, encoding="utf8")
    config = util.load_config(next(path for path in CONFIGS if path.stem == "efficiency"))
    config["components"]["window_ner"]["model"] = small_model()
    config.to_disk(tmp_path / "config.cfg")
    output = tmp_path / "output"
    invoke("fit", tmp_path / "config.cfg", tmp_path, output, "--steps", 12)
    return srsly.read_json(output / "temperature.json")


def test_each_corpus_is_left_out_once(temperatures, tmp_path):
    left_out = temperatures["left_out"]
    assert left_out.keys() == LINES.keys()
    mean = np.exp(np.mean(np.log(list(left_out.values()))))
    assert temperatures["temperature"] == pytest.approx(mean)
    assert left_out["c"] > 1
    meta = spacy.load(tmp_path / "output" / "a" / "model-last").meta
    assert meta["performance"]["ents_f"] > 0


def test_probabilities_of_another_pipeline_are_corrected_and_its_threshold_is_chosen_anew(tmp_path):
    before = copy_of(shared())
    before.to_disk(tmp_path / "model")
    srsly.write_json(tmp_path / "temperature.json", {"temperature": 2.0})
    dev = save_corpus(tmp_path / "dev.spacy", SENTENCES)
    invoke("apply", *(tmp_path / x for x in ("model", "temperature.json")), dev, tmp_path / "new")
    after = spacy.load(tmp_path / "new")
    old, new = (score_examples(nlp, "window_ner", make_examples(nlp)) for nlp in (before, after))
    np.testing.assert_allclose(new.scores.emissions, old.scores.emissions / 2, atol=1e-5)
    np.testing.assert_allclose(new.scores.transitions, old.scores.transitions / 2, atol=1e-5)
    assert ner_of(after).threshold == pytest.approx(best_threshold(new))
    assert after.meta["performance"]["ents_f"] == 1
