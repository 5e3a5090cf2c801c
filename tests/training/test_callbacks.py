import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy import registry
from spacy.language import Language
from spacy.tokens import DocBin

from spacy_window_ner.confidence.guarantees import NotCarriedError
from spacy_window_ner.decoding.thresholds import LOWEST, best_cut
from tests.helpers import examples
from tests.pipelines import (
    SENTENCES,
    copy_of,
    entities,
    make_examples,
    ner_of,
    save_corpus,
    shared,
    texts_of,
    trained,
    weights,
)


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


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    path = tmp_path / "dev.spacy"
    examples = make_examples(spacy.blank("xx"))
    DocBin(docs=[example.reference for example in examples]).to_disk(path)
    return path


def make(path: Path | None, **settings: Any) -> Callable[[Language], Language]:
    return registry.callbacks.get("spacy_window_ner.calibrate.v1")(path, **settings)


def test_it_calibrates_a_copy_and_prints_what_it_chose(dev, capsys):
    nlp = trained(steps=4)
    before, score = weights(nlp), nlp.evaluate(make_examples(nlp))["ents_f"]
    saved = make(dev)(nlp)
    assert saved is not nlp
    assert all((a == b).all() for a, b in zip(before, weights(nlp), strict=True))
    # U, c and T are calibrated, all others are only rounded.
    pairs = zip(before, weights(saved), strict=True)
    changed = [(a, b) for a, b in pairs if not np.allclose(a, b, rtol=5e-4, atol=1e-7)]
    assert len(changed) == 3
    assert all((b == b.astype(np.float16)).all() for b in weights(saved) if b.size > 1000)
    assert len(ner_of(saved).to_bytes()) < 0.6 * len(ner_of(nlp).to_bytes())
    threshold = ner_of(saved).threshold
    printed = " ".join(capsys.readouterr().out.split())
    assert re.search(rf"\[window_ner\] temperature \d\.\d\d, threshold {threshold}: F1 ", printed)
    assert saved.config["components"]["window_ner"]["threshold"] == threshold
    assert saved.evaluate(make_examples(saved))["ents_f"] >= score
    # The network that is trained has a threshold for its own probabilities.
    assert ner_of(nlp).threshold is not None
    assert nlp.config["components"]["window_ner"]["threshold"] == ner_of(nlp).threshold
    assert list(ner_of(saved).cfg) == list(ner_of(shared()).cfg)


def test_a_network_that_has_learned_nothing_is_not_calibrated(tmp_path, capsys):
    nlp, sentences = trained(steps=0), [*SENTENCES, *["Nothing happened there."] * 80]
    path = save_corpus(tmp_path / "dev.spacy", sentences)
    ner_of(nlp).model.attrs["unseen_labels"] = []
    last = ner_of(nlp).model.get_ref("scores")
    noise = np.random.default_rng(0).normal(scale=3, size=last.get_param("W").shape)
    last.set_param("W", noise.astype("f"))
    saved = make(path)(nlp)
    printed = " ".join(capsys.readouterr().out.split())
    assert "[window_ner] nothing to calibrate yet: F1 0." in printed
    assert "temperature" not in printed
    for before, after in zip(weights(nlp), weights(saved), strict=True):
        assert np.allclose(before, after, rtol=5e-4, atol=1e-7)  # only rounded


def test_what_is_reported_is_what_the_pipeline_scores(dev):
    nlp = trained(steps=8)
    nlp.meta["performance"] = {"ents_f": 0.123, "window_ner_loss": 7.0, "tag_acc": 0.5}
    saved = make(dev)(nlp)
    performance, scores = saved.meta["performance"], saved.evaluate(make_examples(saved))
    assert performance["ents_f"] > 0.123
    for name in ("ents_f", "ents_p", "ents_r", "ents_per_type"):
        assert performance[name] == scores[name]
    assert (performance["window_ner_loss"], performance["tag_acc"]) == (7.0, 0.5)
    assert nlp.meta["performance"]["ents_f"] == 0.123


def test_the_same_pipeline_is_not_calibrated_twice(dev, capsys):
    nlp, callback = trained(steps=4), make(dev)
    saved = callback(nlp)
    assert callback(nlp) is saved
    assert capsys.readouterr().out.count("temperature") == 1
    last = ner_of(nlp).model.get_ref("scores")
    last.set_param("b", last.get_param("b") + np.float32(0.1))
    assert callback(nlp) is not saved
    assert capsys.readouterr().out.count("temperature") == 1


def test_a_guarantee_is_given_or_a_warning(dev, capsys, monkeypatch):
    def promise(scored, guarantee):
        if guarantee.level > 0.8:
            raise NotCarriedError("Use more documents, or a lower level.")
        return 0.25

    monkeypatch.setattr("spacy_window_ner.confidence.tuning.find_threshold", promise)
    saved = make(dev, guarantee={"recall": 0.7, "candidates_recall": 0.95})(trained(steps=8))
    printed = " ".join(capsys.readouterr().out.split())
    assert ner_of(saved).threshold == 0.25
    assert "recall of 0.7 with confidence 0.9: threshold 0.25" in printed
    assert "a lower level" in printed
    assert ner_of(saved).cfg["candidates_key"] is None
    with pytest.raises(ValueError, match="Unknown guarantee 'speed'"):
        make(dev, guarantee={"speed": 0.9})


def test_a_path_and_a_window_ner_are_needed(dev):
    nlp = trained(steps=4)
    with pytest.raises(ValueError, match=r"paths\.dev"):
        make(None)(nlp)
    nlp.add_pipe("sentencizer")
    with pytest.raises(ValueError, match="must be a window_ner"):
        make(dev, name="sentencizer")(nlp)


@pytest.mark.parametrize("objective", ["softmax", "logistic"])
def test_other_objectives_get_a_threshold_too(dev, objective):
    saved = make(dev)(copy_of(shared(objective)))
    assert 0 < ner_of(saved).threshold < 1
    found = [entities(saved(text)) for text in texts_of()]
    assert found == [entities(shared(objective)(text)) for text in texts_of()]
