import numpy as np
import pytest
from hypothesis import given

from spacy_window_ner.objectives import OBJECTIVES
from spacy_window_ner.sequences.batching import Scores
from tests.helpers import batches, examples, numeric_gradient, relative_error

MILD = (0.1, 1.0)


def teacher_of(scores):
    rng = np.random.RandomState(7)
    return Scores(
        rng.normal(size=scores.emissions.shape),
        rng.normal(size=scores.transitions.shape),
        scores.lengths,
    )


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
@given(batch=batches(scales=MILD))
@examples(25)
def test_gradients(objective, batch):
    scores = batch.scores
    teacher = teacher_of(scores)
    _, d_scores = objective.imitate(scores, teacher)

    def value():
        return objective.imitate(scores, teacher)[0]

    numeric = numeric_gradient(value, scores.emissions)
    assert relative_error(d_scores.emissions, numeric) < 1e-6
    if objective.learns_transitions:
        numeric = numeric_gradient(value, scores.transitions)
        assert relative_error(d_scores.transitions, numeric) < 1e-6


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
@given(batch=batches(scales=MILD))
@examples(25)
def test_the_divergence_is_zero_from_oneself_and_positive_from_others(objective, batch):
    scores = batch.scores
    divergence, d_scores = objective.imitate(scores, scores)
    assert abs(divergence) < 1e-8
    assert np.abs(d_scores.emissions).max(initial=0) < 1e-9
    assert objective.imitate(scores, teacher_of(scores))[0] >= -1e-8


@given(batch=batches(scales=MILD))
@examples(25)
def test_the_crf_divergence_is_that_over_whole_sequences(batch):
    scores = batch.scores
    teacher = teacher_of(scores)
    divergence = 0.0
    for mine, theirs in zip(
        batch.enumerations(),
        type(batch)(**{**batch.__dict__, "scores": teacher}).enumerations(),
        strict=True,
    ):
        log_p, log_q = mine.scores - mine.log_z, theirs.scores - theirs.log_z
        divergence += (np.exp(log_q) * (log_q - log_p)).sum()
    assert OBJECTIVES["crf"].imitate(scores, teacher)[0] == pytest.approx(divergence, abs=1e-8)
