import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy import registry
from spacy.tokens import DocBin

from spacy_window_ner.callbacks import set_best_threshold
from spacy_window_ner.thresholds import LOWEST, best_cut
from tests.helpers import examples
from tests.pipelines import copy_of, make_examples, ner_of, shared, trained


@given(
    spans=st.lists(st.tuples(st.sampled_from([0.06, 0.2, 0.5, 0.8, 0.97]), st.booleans())),
    missed=st.integers(0, 5),
)
@examples(100)
def test_best_cut_is_the_best_of_all_cuts(spans, missed):
    probabilities = np.asarray([p for p, _ in spans], dtype=float)
    right = np.asarray([r for _, r in spans], dtype=bool)
    n_gold = int(right.sum()) + missed
    threshold = best_cut(probabilities, right, n_gold)

    def f_of(cut):
        chosen = probabilities > cut
        total = chosen.sum() + n_gold
        return 2 * (chosen & right).sum() / total if total else 0.0

    if threshold is None:
        assert len(spans) == 0
        return
    assert LOWEST <= threshold <= 0.99
    best = max(f_of(cut) for cut in (LOWEST, *probabilities))
    assert best == 0 or f_of(threshold) == pytest.approx(best)


def test_it_sets_the_threshold_in_the_component_and_in_the_config(monkeypatch):
    monkeypatch.setattr("spacy_window_ner.thresholds.ENOUGH", 1)
    nlp = trained(steps=4)
    data = make_examples(nlp)
    before = nlp.evaluate(make_examples(nlp))["ents_f"]
    set_best_threshold(nlp, "window_ner", data)
    threshold = ner_of(nlp).cfg["threshold"]
    assert threshold.keys() == {"PER", "LOC", "DATE"}
    assert all(0 < value < 1 for value in threshold.values())
    assert nlp.config["components"]["window_ner"]["threshold"] == threshold
    assert nlp.evaluate(make_examples(nlp))["ents_f"] >= before
    assert list(nlp.get_pipe("window_ner").cfg) == list(ner_of(shared()).cfg)
    assert not any(example.predicted.ents for example in data)  # they can be evaluated afterwards


@pytest.mark.parametrize("enough", [1, 50])
def test_the_callback_reads_a_path_and_prints_what_it_chose(tmp_path, capsys, monkeypatch, enough):
    monkeypatch.setattr("spacy_window_ner.thresholds.ENOUGH", enough)
    nlp = trained(steps=4)
    path = tmp_path / "dev.spacy"
    DocBin(docs=[example.reference for example in make_examples(nlp)]).to_disk(path)
    make = registry.callbacks.get("spacy_window_ner.find_threshold.v1")
    assert make(path)(nlp) is nlp
    threshold = ner_of(nlp).cfg["threshold"]
    text = str(threshold)
    if enough == 1:
        text = ", ".join(f"{label} {value}" for label, value in threshold.items())
    assert f"[window_ner] threshold {text}: F1 " in " ".join(capsys.readouterr().out.split())
    with pytest.raises(ValueError, match=r"paths\.dev"):
        make(None)(nlp)


def test_what_is_reported_is_what_the_pipeline_scores(tmp_path):
    nlp = trained(steps=8)
    path = tmp_path / "dev.spacy"
    DocBin(docs=[example.reference for example in make_examples(nlp)]).to_disk(path)
    nlp.meta["performance"] = {"ents_f": 0.123, "window_ner_loss": 7.0, "tag_acc": 0.5}
    registry.callbacks.get("spacy_window_ner.find_threshold.v1")(path)(nlp)
    performance, scores = nlp.meta["performance"], nlp.evaluate(make_examples(nlp))
    assert performance["ents_f"] > 0.123
    for name in ("ents_f", "ents_p", "ents_r", "ents_per_type"):
        assert performance[name] == scores[name]
    assert (performance["window_ner_loss"], performance["tag_acc"]) == (7.0, 0.5)


def test_another_component_is_an_error():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    with pytest.raises(ValueError, match="window_ner"):
        set_best_threshold(nlp, "sentencizer", [])


def test_other_objectives_keep_the_best_reading():
    nlp = copy_of(shared("softmax"))
    set_best_threshold(nlp, "window_ner", make_examples(nlp))
    assert ner_of(nlp).cfg["threshold"] is None
