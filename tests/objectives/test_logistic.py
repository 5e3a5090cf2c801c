import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spacy_window_ner.network.gradients import check_objective
from spacy_window_ner.objectives import get_objective, logistic
from spacy_window_ner.sequences.batching import Scores
from spacy_window_ner.sequences.spans import span_probabilities
from tests.helpers import (
    GRADIENT_BOUND,
    NO_SPANS,
    assert_loss_gradients,
    batches,
    entity_tags,
    examples,
)

MILD = (0.1, 1.0)


def sigma(s):
    return 1 / (1 + np.exp(-s))


def questions(batch):
    """The (token, tag, y) of all yes/no questions that the annotation answers.

    A token whose annotation allows everything answers none; a forbidden tag is a no, and the
    only allowed tag is a yes.
    """
    tags_in_use = np.flatnonzero(batch.legal)
    for token, allowed in enumerate(batch.allowed):
        choices = [tag for tag in tags_in_use if allowed[tag]]
        if len(choices) == len(tags_in_use):
            continue
        for tag in tags_in_use:
            if tag not in choices:
                yield token, tag, 0
            elif len(choices) == 1:
                yield token, tag, 1


@given(batch=batches(unseen=True))
@examples(80)
def test_loss_and_gradient_equal_their_definitions(batch):
    S = batch.scores.emissions
    expected, d_expected = 0.0, np.zeros(S.shape)
    for token, tag, y in questions(batch):
        p = sigma(S[token, tag])
        expected -= np.log(p if y else sigma(-S[token, tag]))
        d_expected[token, tag] = p - y
    loss, d_scores = logistic.loss(*batch.loss_arguments, NO_SPANS)
    assert isinstance(loss, float)
    np.testing.assert_allclose(loss, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(d_scores.emissions, d_expected, rtol=1e-9, atol=1e-12)
    assert d_scores.transitions.shape == batch.scores.transitions.shape
    assert (d_scores.transitions == 0).all()
    assert d_scores.lengths is batch.scores.lengths


@given(batch=batches(max_docs=3, scales=MILD, unseen=True), number=st.integers(0, 3))
@examples(40)
def test_gradients(batch, number):
    assert_loss_gradients(logistic.loss, batch, batch.some_spans(number))


def plain_product(S, span):
    start, end, label = span
    tags = entity_tags(label, end - start)
    return np.prod([sigma(S[start + i, tag]) for i, tag in enumerate(tags)])


@given(batch=batches(scales=MILD, unseen=True), number=st.integers(1, 4))
@examples(40)
def test_incorrect_spans_add_their_loss(batch, number):
    spans = batch.some_spans(number)
    assume(len(spans))
    extra = -sum(np.log(1 - plain_product(batch.scores.emissions, s)) for s in spans.tolist())
    without = logistic.loss(*batch.loss_arguments, NO_SPANS)[0]
    np.testing.assert_allclose(
        logistic.loss(*batch.loss_arguments, spans)[0], without + extra, rtol=1e-9
    )


def test_check_objective_agrees():
    rng = np.random.RandomState(0)
    scores = Scores(rng.normal(size=(6, 9)), np.zeros((3, 3)), np.asarray([2, 4], dtype=np.int32))
    allowed = np.ones((6, 9), dtype=bool)
    allowed[:4] = rng.random_sample((4, 9)) < 0.5
    allowed[:4, 0] = True
    incorrect = np.asarray([(4, 6, 1)])
    errors = check_objective(get_objective("logistic"), scores, allowed, incorrect=incorrect)
    assert [error.array for error in errors] == ["emissions"]
    assert errors[0].error <= GRADIENT_BOUND


@given(batch=batches(unseen=True))
@examples(40)
def test_missing_tokens_and_tags_out_of_use_have_a_gradient_of_exactly_zero(batch):
    missing = batch.rng.random_sample(len(batch.allowed)) < 0.5
    batch.allowed[missing] = True
    _, d_scores = logistic.loss(*batch.loss_arguments, NO_SPANS)
    assert (d_scores.emissions[missing] == 0).all()
    assert (d_scores.emissions[:, ~batch.legal] == 0).all()


def test_large_scores_do_not_overflow():
    scores = Scores(np.asarray([[1e4, 0, 0, 0, -1e4]]), np.zeros((2, 2)), np.asarray([1]))
    allowed = np.asarray([[False, False, False, False, True]])
    loss, d_scores = logistic.loss(scores, allowed, np.ones(5, dtype=bool), NO_SPANS)
    assert loss == pytest.approx(2e4 + 3 * np.log(2))
    assert d_scores.emissions.tolist() == [[1, 0.5, 0.5, 0.5, -1]]


def test_the_gradient_has_the_type_of_the_scores():
    scores = Scores(np.zeros((2, 5), dtype="f"), np.zeros((2, 2), dtype="f"), np.asarray([2]))
    _, d_scores = logistic.loss(
        scores, np.eye(5, dtype=bool)[[0, 1]], np.ones(5, dtype=bool), NO_SPANS
    )
    assert d_scores.emissions.dtype == np.float32


def is_allowed(allowed, span):
    start, end, label = span
    tags = entity_tags(label, end - start)
    return all(allowed[start + i, tag] for i, tag in enumerate(tags))


@given(batch=batches(), masked=st.booleans())
@examples(60)
def test_span_probabilities_are_products(batch, masked):
    spans = batch.spans_apart()
    allowed = batch.allowed if masked else np.ones_like(batch.allowed)
    expected = [
        plain_product(batch.scores.emissions, span) if is_allowed(allowed, span) else 0
        for span in spans.tolist()
    ]
    p = logistic.tag_probabilities(batch.scores, allowed if masked else None)
    found = span_probabilities(p, spans, is_chain=False)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-300)
