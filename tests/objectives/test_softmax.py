import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spacy_window_ner.network.gradients import check_objective
from spacy_window_ner.objectives import get_objective, softmax
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


def plain_p(emissions, possible):
    """softmax over the possible tags of each token."""
    e = np.where(possible, np.exp(emissions), 0)
    return e / e.sum(axis=1, keepdims=True)


def plain_product(p, span):
    start, end, label = span
    return np.prod([p[start + i, tag] for i, tag in enumerate(entity_tags(label, end - start))])


@given(batch=batches(unseen=True))
@examples(80)
def test_loss_equals_its_definition(batch):
    p = plain_p(batch.scores.emissions, batch.legal)
    expected = -sum(
        np.log(row[allowed].sum()) for row, allowed in zip(p, batch.allowed, strict=True)
    )
    loss, d_scores = softmax.loss(*batch.loss_arguments, NO_SPANS)
    assert isinstance(loss, float)
    np.testing.assert_allclose(loss, expected, rtol=1e-9, atol=1e-9)
    assert d_scores.transitions.shape == batch.scores.transitions.shape
    assert (d_scores.transitions == 0).all()
    assert d_scores.lengths is batch.scores.lengths


@given(batch=batches(unseen=True))
@examples(60)
def test_gradient_is_p_minus_y(batch):
    """With y = p shared out over the allowed tags; one allowed tag has y = 1."""
    p = plain_p(batch.scores.emissions, batch.legal)
    y = plain_p(batch.scores.emissions, batch.legal & batch.allowed)
    _, d_scores = softmax.loss(*batch.loss_arguments, NO_SPANS)
    np.testing.assert_allclose(d_scores.emissions, p - y, rtol=1e-9, atol=1e-12)


@given(batch=batches(max_docs=3, scales=MILD, unseen=True), number=st.integers(0, 3))
@examples(40)
def test_gradients(batch, number):
    assert_loss_gradients(softmax.loss, batch, batch.some_spans(number))


@given(batch=batches(scales=MILD, unseen=True), number=st.integers(1, 4))
@examples(40)
def test_incorrect_spans_add_their_loss(batch, number):
    spans = batch.some_spans(number)
    assume(len(spans))
    p = plain_p(batch.scores.emissions, batch.legal)
    extra = -sum(np.log(1 - plain_product(p, span)) for span in spans.tolist())
    without = softmax.loss(*batch.loss_arguments, NO_SPANS)[0]
    np.testing.assert_allclose(
        softmax.loss(*batch.loss_arguments, spans)[0], without + extra, rtol=1e-9
    )


def test_check_objective_agrees():
    rng = np.random.RandomState(0)
    scores = Scores(rng.normal(size=(6, 9)), np.zeros((3, 3)), np.asarray([2, 4], dtype=np.int32))
    allowed = np.ones((6, 9), dtype=bool)
    allowed[:4] = rng.random_sample((4, 9)) < 0.5
    allowed[:4, 0] = True
    incorrect = np.asarray([(4, 6, 1)])
    errors = check_objective(get_objective("softmax"), scores, allowed, incorrect=incorrect)
    assert [error.array for error in errors] == ["emissions"]
    assert errors[0].error <= GRADIENT_BOUND


@given(batch=batches(unseen=True))
@examples(40)
def test_missing_tokens_and_tags_out_of_use_have_a_gradient_of_exactly_zero(batch):
    missing = batch.rng.random_sample(len(batch.allowed)) < 0.5
    batch.allowed[missing] = True
    _, d_scores = softmax.loss(*batch.loss_arguments, NO_SPANS)
    assert (d_scores.emissions[missing] == 0).all()
    assert (d_scores.emissions[:, ~batch.legal] == 0).all()


def test_large_scores_do_not_overflow():
    scores = Scores(np.asarray([[1e4, 0, 0, 0, -1e4]]), np.zeros((2, 2)), np.asarray([1]))
    allowed = np.asarray([[False, False, False, False, True]])
    loss, d_scores = softmax.loss(scores, allowed, np.ones(5, dtype=bool), NO_SPANS)
    assert loss == pytest.approx(2e4)
    assert d_scores.emissions.tolist() == [[1, 0, 0, 0, -1]]


def test_the_gradient_has_the_type_of_the_scores():
    scores = Scores(np.zeros((2, 5), dtype="f"), np.zeros((2, 2), dtype="f"), np.asarray([2]))
    _, d_scores = softmax.loss(
        scores, np.eye(5, dtype=bool)[[0, 1]], np.ones(5, dtype=bool), NO_SPANS
    )
    assert d_scores.emissions.dtype == np.float32


@given(batch=batches(), masked=st.booleans())
@examples(60)
def test_span_probabilities_are_products(batch, masked):
    allowed = batch.allowed if masked else None
    spans = batch.spans_apart()
    p = plain_p(batch.scores.emissions, True if allowed is None else allowed)
    expected = [plain_product(p, span) for span in spans.tolist()]
    found = span_probabilities(
        softmax.tag_probabilities(batch.scores, allowed), spans, is_chain=False
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-300)
