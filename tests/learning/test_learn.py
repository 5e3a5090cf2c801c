"""Learning from few documents, from a network that has learned other labels."""

import numpy as np
import pytest
from spacy.tokens import Doc

from spacy_window_ner.learning import learn as learning
from spacy_window_ner.learning.held_out import PRIOR_THRESHOLD, HeldOut, Learned
from spacy_window_ner.learning.learn import (
    NETWORKS,
    begin_from,
    choose_base,
    config_from,
    learn,
    train_fully,
)
from spacy_window_ner.training.start_from import create_start_from, with_outputs
from tests.pipelines import blank, corpus, make_examples, ner_of, trained

NAMES = corpus(24)
RENAMED = [text.replace("[PER", "[HERO") for text in NAMES]


@pytest.fixture(scope="module")
def base():
    return trained(NAMES[:12], steps=30)


@pytest.fixture
def few_steps(monkeypatch):
    monkeypatch.setattr("spacy_window_ner.learning.learn.STEPS", (30, 40, 1000))


def documents(nlp, sentences) -> list[Doc]:
    return [example.reference for example in make_examples(nlp, sentences)]


def test_outputs_of_labels_that_the_network_has_stay(base):
    ner = ner_of(base)
    assert ner.label_data == ["LOC", "PER"]
    docs = [base.make_doc("Ann Lee left Rome")]
    before = ner.model.predict(docs)
    after = with_outputs(ner.model, ner.label_data, ["PER", "HERO", "LOC"]).predict(docs)
    by_label = after.emissions[:, 1:].reshape(4, 3, 4)
    old = before.emissions[:, 1:].reshape(4, 2, 4)
    np.testing.assert_allclose(by_label[:, 0], old[:, 1], rtol=1e-5)
    np.testing.assert_allclose(by_label[:, 2], old[:, 0], rtol=1e-5)
    assert not by_label[:, 1].any()
    np.testing.assert_allclose(after.emissions[:, 0], before.emissions[:, 0], rtol=1e-5)
    order = [0, 2, 1]
    kept = after.transitions[np.ix_([0, 1, 3], [0, 1, 3])]
    np.testing.assert_array_equal(kept, before.transitions[np.ix_(order, order)])
    assert not after.transitions[2].any() and not after.transitions[:, 2].any()


def test_the_base_stays_as_it_is(base):
    before = ner_of(base).to_bytes(exclude=["vocab"])
    nlp = train_fully(
        documents(base, RENAMED[:4]), config_from(base, "base"), base, ["HERO", "LOC"], 3
    )
    assert ner_of(nlp).label_data == ["HERO", "LOC"]
    assert ner_of(base).to_bytes(exclude=["vocab"]) == before
    assert ner_of(nlp).threshold == PRIOR_THRESHOLD


def test_what_is_learned_and_said_of_it(base, few_steps):
    n_steps = []
    found = learn(
        documents(base, RENAMED),
        config_from(base, "base"),
        base,
        ["HERO", "LOC"],
        progress=n_steps.append,
    )
    doc = found.nlp("Bob knows Oslo number 99 .")
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Bob", "HERO"), ("Oslo", "LOC")]
    assert found.counts.shape == (24, 2, 3)
    assert found.counts[:, :, 2].sum(axis=0).tolist() == [24, 24]
    (name, values, between), *labels = found.scores()
    assert name == "all" and values[2] > 0.9 and between is not None
    assert [label for label, _, _ in labels] == ["HERO", "LOC"]
    assert found.is_crossed and found.steps in (30, 40)
    assert sum(n_steps) == 3 * 40 + found.steps + NETWORKS * found.steps
    assert 0 <= found.gain(50) <= 1 - values[2] + 1e-9


def test_with_documents_to_choose_by(base, few_steps):
    docs, dev = documents(base, RENAMED[:6]), documents(base, RENAMED[6:9])
    found = learn(docs, config_from(base, "base"), base, ["HERO", "LOC"], dev=dev)
    assert not found.is_crossed and len(found.counts) == 3


def test_the_better_base_is_found(base, monkeypatch):
    monkeypatch.setattr(learning, "STEPS_TO_CHOOSE", 5)
    docs = documents(base, NAMES[:9])
    other = trained(["[ORG Bob] [ORG knows] [ORG Oslo] number 5 ."] * 4, steps=10)
    scores = choose_base(docs, {"other": other, "base": base}, ["PER", "LOC"])
    assert list(scores) == ["other", "base"]
    assert scores["base"] > scores["other"]


def test_too_few_documents(base):
    with pytest.raises(ValueError, match="are too few for 3 folds"):
        learn(documents(base, RENAMED[:3]), config_from(base, "base"), base, ["HERO"])


def held(probabilities, correct, n_gold) -> HeldOut:
    n = len(probabilities)
    zeros = np.zeros(n, dtype=np.int64)
    return HeldOut(
        np.asarray(probabilities), np.asarray(correct), zeros, zeros, np.asarray([[n_gold]])
    )


def test_few_entities_leave_the_threshold_near_the_prior():
    few = held([0.9, 0.8, 0.7, 0.2], [True, True, False, False], 2).threshold()
    many = held([0.9, 0.8] * 2000 + [0.7, 0.2] * 2000, [True] * 4000 + [False] * 4000, 4000)
    assert PRIOR_THRESHOLD < few < 0.35
    assert 0.7 < many.threshold() < 0.8
    assert held([0.9], [False], 3).threshold() == PRIOR_THRESHOLD


def test_the_gain_is_that_of_a_power_law(base):
    # The error of half of the documents is twice as large: it falls with their number.
    counts = np.asarray([[[80, 100, 100]]])
    found = Learned(base, 50, counts, 0.8, 0.6, 300, True)
    assert found.gain(100) == pytest.approx(0.2 * (200 / 300 - 200 / 400))
    assert Learned(base, 50, counts, 0.8, 0.9, 300, True).gain(100) == 0


def test_the_callback(base, tmp_path):
    base.to_disk(tmp_path)
    nlp = blank()
    nlp.initialize(lambda: make_examples(nlp, RENAMED))
    create_start_from(str(tmp_path))(nlp)
    assert ner_of(nlp).label_data == ["HERO", "LOC"]
    hidden, other = (ner_of(one).model.get_ref("hidden") for one in (nlp, base))
    for node, same in zip(hidden.walk(), other.walk(), strict=True):
        for name in node.param_names:
            np.testing.assert_array_equal(node.get_param(name), same.get_param(name))


def test_a_network_with_other_settings_cannot_begin(base):
    config = config_from(base, "base")
    config["components"]["window_ner"]["model"]["tok2vec"]["rows"][0] += 1
    with pytest.raises(ValueError, match=r"embed_NORM has nV = \d+, expected \d+"):
        begin_from(config, base, ["PER"])
    config["components"]["window_ner"]["model"]["document_context"] = False
    with pytest.raises(ValueError, match="the layers are different"):
        begin_from(config, base, ["PER"])
