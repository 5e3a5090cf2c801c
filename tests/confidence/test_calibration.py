from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from spacy_window_ner.confidence.calibration import (
    Calibration,
    calibration_loss,
    fit,
    minimize,
)
from spacy_window_ner.labels import seen_labels
from spacy_window_ner.objectives import OBJECTIVES, get_objective
from spacy_window_ner.sequences.batching import Scores
from spacy_window_ner.sequences.tags import legal_tags
from spacy_window_ner.sequences.viterbi import best_tags
from tests.helpers import GRADIENT_BOUND, batches, examples, numeric_gradient, relative_error
from tests.pipelines import OBJECTIVES as NAMES
from tests.pipelines import copy_of, ner_of, shared, texts_of

MILD = (0.1, 1.0)


@pytest.mark.parametrize("name", OBJECTIVES)
@given(batch=batches(max_docs=3, max_tokens=4, scales=MILD, unseen=True))
@examples(30)
def test_gradient(name, batch):
    objective = get_objective(name)
    x = 0.3 * batch.rng.normal(size=1 + batch.n_labels)
    _, analytic = calibration_loss(x, *batch.loss_arguments, objective)
    numeric = numeric_gradient(lambda: calibration_loss(x, *batch.loss_arguments, objective)[0], x)
    assert relative_error(analytic, numeric) <= GRADIENT_BOUND


@given(batch=batches(scales=MILD))
@examples(30)
def test_the_loss_is_that_of_corrected_scores_and_a_prior(batch):
    x = batch.rng.normal(size=1 + batch.n_labels)
    crf = get_objective("crf")
    E, T = batch.scores.emissions * np.exp(x[0]), batch.scores.transitions * np.exp(x[0])
    for label in range(batch.n_labels):
        E[:, [1 + 4 * label, 4 + 4 * label]] += x[1 + label]
    scores = Scores(E, T, batch.scores.lengths)
    plain = crf.loss(scores, batch.allowed, batch.legal, np.zeros((0, 3), int))[0]
    found = calibration_loss(x, *batch.loss_arguments, crf)[0]
    assert found == pytest.approx(plain + (x**2).sum() / 2, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", ["crf", "softmax"])
def test_a_known_temperature_is_found(name):
    """Tags are drawn from the probabilities of scores; the network has three times these scores."""
    rng = np.random.default_rng(0)
    true = rng.normal(size=(20000, 5))
    scores = Scores(3 * true, np.zeros((2, 2)), np.ones(20000, dtype=int))
    if name == "crf":
        true[:, 1:4] = -np.inf  # of a document of one word, only O and U are legal
    drawn = (true - np.log(-np.log(rng.random(true.shape)))).argmax(axis=1)
    allowed = drawn[:, None] == np.arange(5)
    found = fit(scores, allowed, np.ones(5, dtype=bool), get_objective(name))
    assert found.temperature == pytest.approx(3, rel=0.05)
    assert found.bias == pytest.approx([0], abs=0.06)


def test_to_begin_with_some_of_the_documents_makes_no_difference(monkeypatch):
    rng = np.random.default_rng(1)
    emissions, lengths = rng.normal(scale=2, size=(20000, 9)), np.full(2000, 10)
    scores = Scores(emissions, rng.normal(size=(3, 3)), lengths)
    noise = rng.gumbel(size=emissions.shape)
    tags = best_tags(Scores(emissions / 2 + noise, scores.transitions / 2, lengths), None)
    arguments = scores, tags[:, None] == np.arange(9), np.ones(9, dtype=bool), OBJECTIVES["crf"]
    found = fit(*arguments)
    monkeypatch.setattr("spacy_window_ner.confidence.calibration._ENOUGH", np.inf)
    expected = fit(*arguments)
    assert found.temperature == pytest.approx(expected.temperature, rel=2e-3)
    assert found.bias == pytest.approx(expected.bias, abs=2e-3)
    assert expected.temperature > 1.2


def test_scores_that_say_nothing_are_not_searched_to_the_end():
    rng = np.random.default_rng(0)
    scores = Scores(rng.normal(size=(20000, 5)), np.zeros((2, 2)), np.ones(20000, dtype=int))
    allowed = rng.integers(5, size=20000)[:, None] == np.arange(5)
    sizes = []

    def loss(scores, *arguments):
        sizes.append(len(scores.emissions))
        return OBJECTIVES["softmax"].loss(scores, *arguments)

    objective = replace(OBJECTIVES["softmax"], loss=loss)
    found = fit(scores, allowed, np.ones(5, dtype=bool), objective)
    assert found.temperature > 10
    assert set(sizes) == {2500}


def test_a_label_that_is_found_too_often_gets_a_bias_below_zero():
    rng = np.random.default_rng(0)
    emissions = rng.normal(size=(4000, 9))
    right = emissions.copy()
    right[:, [1, 4]] -= 2
    right[:, 1:4] = right[:, 5:8] = -np.inf
    drawn = (right - np.log(-np.log(rng.random(right.shape)))).argmax(axis=1)
    scores = Scores(emissions, np.zeros((3, 3)), np.ones(4000, dtype=int))
    found = fit(scores, drawn[:, None] == np.arange(9), np.ones(9, dtype=bool), OBJECTIVES["crf"])
    assert found.bias == pytest.approx([-2, 0], abs=0.15)
    assert found.temperature == pytest.approx(1, abs=0.1)


def test_scores_that_cannot_lie_further_apart():
    """A network that is right everywhere, with scores as far apart as floats can hold."""
    emissions = np.zeros((300, 5))
    emissions[::2, 4] = 600
    emissions[1::2, 0] = 600
    scores = Scores(emissions, np.zeros((2, 2)), np.asarray([300]))
    found = fit(scores, emissions > 0, np.ones(5, dtype=bool), get_objective("crf"))
    assert found.temperature == pytest.approx(1, abs=0.01)
    scores.emissions[:] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        fit(scores, emissions > 0, np.ones(5, dtype=bool), get_objective("crf"))


def test_without_annotation_nothing_changes():
    scores = Scores(np.random.default_rng(0).normal(size=(6, 5)), np.zeros((2, 2)), np.asarray([6]))
    everything = np.ones((6, 5), dtype=bool)
    found = fit(scores, everything, everything[0], get_objective("crf"))
    assert (found.temperature, found.bias.tolist()) == (1, [0])


@given(batch=batches(scales=MILD))
@examples(30)
def test_a_temperature_alone_does_not_change_the_best_sequence(batch):
    corrected = Calibration(2.5, np.zeros(batch.n_labels)).apply(batch.scores)
    assert best_tags(corrected).tolist() == best_tags(batch.scores).tolist()


@pytest.mark.parametrize("objective", NAMES)
def test_a_folded_network_gives_the_corrected_scores(objective):
    nlp = copy_of(shared(objective))
    model = ner_of(nlp).model
    docs = [nlp.make_doc(text) for text in texts_of()]
    correction = Calibration(1.7, np.asarray([-0.5, 0.25, 0.0]))
    before = model.predict(docs)
    expected = correction.apply(before)
    correction.fold(model)
    found = model.predict(docs)
    np.testing.assert_allclose(found.emissions, expected.emissions, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.transitions, expected.transitions, rtol=1e-6)
    assert found.emissions.dtype == before.emissions.dtype
    assert legal_tags(seen_labels(model)).all()


def test_minimize_finds_the_minimum_of_rosenbrocks_function():
    def f(x):
        value = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        slope = 200 * (x[1] - x[0] ** 2)
        # Ten times the function: the search ends by how much the value can still fall.
        return 10 * value, 10 * np.asarray([-2 * (1 - x[0]) - 2 * x[0] * slope, slope])

    assert minimize(f, np.asarray([-1.2, 1.0]))[0] == pytest.approx([1, 1], abs=0.03)


def test_minimize_stops_where_the_value_does_not_fall():
    x, _ = minimize(lambda x: (float(np.abs(x).sum()), np.asarray([1.0])), np.zeros(1))
    assert x.tolist() == [0]
