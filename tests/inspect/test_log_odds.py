from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spacy_window_ner.inspect.log_odds import is_open, span_log_odds
from spacy_window_ner.objectives import get_objective
from spacy_window_ner.sequences.batching import Scores
from tests.helpers import (
    GRADIENT_BOUND,
    Enumeration,
    batches,
    entity_tags,
    examples,
    numeric_gradient,
    relative_error,
)
from tests.pipelines import OBJECTIVES

MILD_BATCHES = batches(dtype=np.float64, scales=(0.1, 1.0, 3.0), max_docs=2, unseen=True)


def cases(batch, number):
    """Some spans of a batch, each with the scores and the mask of its document."""
    allowed = batch.allowed & batch.legal
    for start, end, label in batch.some_spans(number).tolist():
        [of] = [of for of in batch.documents() if of.start <= start < of.stop]
        lengths = np.asarray([of.stop - of.start], dtype=np.int32)
        scores = Scores(batch.scores.emissions[of].copy(), batch.scores.transitions, lengths)
        span = np.asarray([start - of.start, end - of.start, label])
        yield scores, allowed[of], span


def plain_log_odds(scores, objective, allowed, span):
    """By a list of all sequences, or of all combinations of right and wrong tags."""
    start, end, label = span
    tags = entity_tags(label, end - start)
    if objective == "crf":
        plain = Enumeration(scores.emissions, scores.transitions, allowed)
        has_span = (plain.paths[:, start:end] == tags).all(axis=1)
        with_span, without = plain.scores[has_span], plain.scores[~has_span]
        return float(np.logaddexp.reduce(with_span) - np.logaddexp.reduce(without))
    p = get_objective(objective).tag_probabilities(scores, allowed)[range(start, end), tags].prod()
    return float(np.log(p) - np.log1p(-p))


def has_both(scores, allowed, span):
    """Whether some allowed sequences have the span, and others do not."""
    plain = Enumeration(scores.emissions, scores.transitions, allowed)
    tags = entity_tags(span[2], span[1] - span[0])
    has_span = (plain.paths[:, span[0] : span[1]] == tags).all(axis=1)
    return has_span.any() and not has_span.all()


@pytest.mark.parametrize("objective", OBJECTIVES)
@given(batch=MILD_BATCHES, number=st.integers(1, 4))
@examples(30)
def test_value_and_gradient(objective, batch, number):
    chosen = [case for case in cases(batch, number) if is_open(*case[1:]) and has_both(*case)]
    assume(chosen)
    for scores, allowed, span in chosen:
        plain = plain_log_odds(scores, objective, allowed, span)
        assume(objective == "crf" or abs(plain) < 20)  # p = 1 by rounding
        one = get_objective(objective)
        value, gradient = span_log_odds(scores, one, allowed, span)
        assert value == pytest.approx(plain, rel=1e-6, abs=1e-6)
        value_of = partial(log_odds, scores, one, allowed, span)
        numeric = numeric_gradient(value_of, scores.emissions)
        assert relative_error(gradient.emissions, numeric) <= 10 * GRADIENT_BOUND
        numeric = numeric_gradient(value_of, scores.transitions)
        assert relative_error(gradient.transitions, numeric) <= 10 * GRADIENT_BOUND


def log_odds(*arguments):
    return span_log_odds(*arguments)[0]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_span_that_is_almost_certain(objective):
    scores = Scores(np.zeros((3, 5)), np.zeros((2, 2)), np.asarray([3], dtype=np.int32))
    scores.emissions[[0, 1], [1, 3]] = 200.0
    allowed = np.ones((3, 5), dtype=bool)
    value, gradient = span_log_odds(scores, get_objective(objective), allowed, np.array([0, 2, 0]))
    assert 195 < value < 401
    assert np.abs(gradient.emissions).max() == pytest.approx(1, abs=0.6)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_what_the_document_does_not_leave_open(objective):
    scores = Scores(np.zeros((2, 5)), np.zeros((2, 2)), np.asarray([2], dtype=np.int32))
    set_before, outside = np.zeros((2, 2, 5), dtype=bool)
    set_before[[0, 1], [1, 3]] = True
    outside[:, 0] = True
    for allowed in (set_before, outside):
        with pytest.raises(ValueError, match="the network does not decide"):
            span_log_odds(scores, get_objective(objective), allowed, np.array([0, 2, 0]))
