import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spacy_window_ner.objectives import OBJECTIVES, crf, get_objective, logistic, softmax
from spacy_window_ner.sequences.batching import Scores
from tests.helpers import GRADIENT_BOUND, batches, examples, numeric_gradient, relative_error


@pytest.mark.parametrize(
    ("name", "module", "learns"),
    [("crf", crf, True), ("softmax", softmax, False), ("logistic", logistic, False)],
)
def test_objectives_are_found_by_name(name, module, learns):
    objective = get_objective(name)
    assert objective.name == name
    assert objective.learns_transitions is learns
    assert objective.loss is module.loss
    assert objective.tag_probabilities is module.tag_probabilities


def test_there_are_three_objectives():
    assert set(OBJECTIVES) == {"crf", "softmax", "logistic"}


@pytest.mark.parametrize("name", ["CRF", "", "hinge"])
def test_an_unknown_objective_is_an_error_that_lists_the_known_ones(name):
    with pytest.raises(ValueError, match=rf"Unknown objective '{name}'.*crf, softmax, logistic"):
        get_objective(name)


@pytest.mark.parametrize("name", ["softmax", "logistic"])
@given(batch=batches(max_docs=2, scales=(0.1, 1.0)), tag=st.integers(0, 4))
@examples(40)
def test_log_odds_of_a_tag(name, batch, tag):
    assume(batch.n_labels)  # one tag by itself is certain
    objective, S = get_objective(name), batch.scores.emissions.astype(np.float64)
    allowed = np.ones(S.shape, dtype=bool)
    tags = np.full(len(S), tag % S.shape[1])

    def pair(emissions):
        return objective.tag_log_odds(emissions, allowed, tags)[:2]

    scores = Scores(S, batch.scores.transitions, batch.scores.lengths)
    p = objective.tag_probabilities(scores, None)[np.arange(len(S)), tags]
    np.testing.assert_allclose(pair(S), (np.log(p), np.log1p(-p)), rtol=1e-6, atol=1e-9)
    for i, gradient in enumerate(objective.tag_log_odds(S, allowed, tags)[2:]):
        numeric = numeric_gradient(lambda i=i: pair(S)[i].sum(), S)
        assert relative_error(gradient, numeric) <= GRADIENT_BOUND


def test_tokens_of_a_chain_are_not_independent():
    assert get_objective("crf").tag_log_odds is None
    assert get_objective("crf").token_entropies is None
