import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spacy_window_ner.decoding.decode import probabilities_of
from spacy_window_ner.network.gradients import check_objective
from spacy_window_ner.objectives import crf, get_objective
from spacy_window_ner.sequences.batching import Scores
from spacy_window_ner.sequences.tags import BEGIN, LAST
from tests.helpers import (
    GRADIENT_BOUND,
    NO_SPANS,
    Enumeration,
    assert_loss_gradients,
    batches,
    examples,
)

MILD = (0.1, 1.0)


def plain_loss(batch):
    """Σ over documents of log Z(legal) − log Z(allowed and legal)."""
    in_use = np.broadcast_to(batch.legal, batch.allowed.shape)
    every = batch.enumerations(in_use)
    right = batch.enumerations(batch.allowed & in_use)
    return sum(a.log_z - b.log_z for a, b in zip(every, right, strict=True))


def plain_incorrect_loss(batch, spans):
    """Σ over spans of −log(1 − p)."""
    emissions, transitions, _ = batch.arguments
    total = 0.0
    for start, end, label in spans.tolist():
        [of] = [of for of in batch.documents() if of.start <= start < of.stop]
        in_use = np.broadcast_to(batch.legal, (of.stop - of.start, len(batch.legal)))
        plain = Enumeration(emissions[of], transitions, in_use)
        total -= np.log1p(-plain.span_probability(start - of.start, end - of.start, label))
    return total


@given(batch=batches(unseen=True))
@examples(100)
def test_loss_equals_its_definition(batch):
    loss, d_scores = crf.loss(*batch.loss_arguments, NO_SPANS)
    assert isinstance(loss, float)
    np.testing.assert_allclose(loss, plain_loss(batch), rtol=1e-9, atol=1e-9)
    assert loss >= -1e-9
    assert d_scores.emissions.shape == batch.scores.emissions.shape
    assert d_scores.transitions.shape == batch.scores.transitions.shape
    assert d_scores.lengths is batch.scores.lengths


@given(batch=batches(scales=MILD, unseen=True), number=st.integers(1, 4))
@examples(60)
def test_incorrect_spans_add_their_loss(batch, number):
    spans = batch.some_spans(number)
    assume(len(spans))
    incorrect = plain_incorrect_loss(batch, spans)
    assume(incorrect < 12)
    loss = crf.loss(*batch.loss_arguments, spans)[0]
    np.testing.assert_allclose(loss, plain_loss(batch) + incorrect, rtol=1e-8, atol=1e-9)


@given(batch=batches(max_docs=3, max_tokens=4, max_labels=2, scales=MILD, unseen=True))
@examples(30)
def test_gradients(batch):
    assert_loss_gradients(crf.loss, batch, NO_SPANS)


@given(batch=batches(max_docs=2, max_tokens=3, max_labels=2, scales=MILD), number=st.integers(1, 2))
@examples(12)
def test_gradients_with_incorrect_spans(batch, number):
    spans = batch.some_spans(number)
    assume(len(spans) and plain_incorrect_loss(batch, spans) < 6)
    assert_loss_gradients(crf.loss, batch, spans)


def test_check_objective_agrees():
    rng = np.random.RandomState(0)
    lengths = np.asarray([3, 0, 4, 2], dtype=np.int32)
    scores = Scores(rng.normal(size=(9, 9)), rng.normal(size=(3, 3)), lengths)
    allowed = np.ones((9, 9), dtype=bool)
    allowed[[0, 1, 5]] = False
    allowed[[0, 1, 5], [0, 4, 0]] = True
    errors = check_objective(
        get_objective("crf"), scores, allowed, incorrect=[(7, 9, 1), (3, 4, 0)]
    )
    assert [error.array for error in errors] == ["emissions", "transitions"]
    assert max(error.error for error in errors) <= GRADIENT_BOUND


@given(batch=batches(max_labels=2, unseen=True), data=st.data())
@examples(40)
def test_a_document_without_annotation_has_a_gradient_of_exactly_zero(batch, data):
    document = data.draw(st.integers(0, len(batch.scores.lengths) - 1))
    of = list(batch.documents())[document]
    batch.allowed[of] = True
    loss, d_scores = crf.loss(*batch.loss_arguments, NO_SPANS)
    assert (d_scores.emissions[of] == 0).all()
    # The others' loss and gradient are those without it.
    keep = np.ones(len(batch.allowed), dtype=bool)
    keep[of] = False
    emissions, transitions, lengths = batch.arguments
    others = Scores(emissions[keep], transitions, np.delete(lengths, document))
    expected, d_others = crf.loss(others, batch.allowed[keep], batch.legal, NO_SPANS)
    np.testing.assert_allclose(loss, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(d_scores.emissions[keep], d_others.emissions, atol=1e-12)
    np.testing.assert_allclose(d_scores.transitions, d_others.transitions, atol=1e-12)


@given(batch=batches(max_labels=2, unseen=True))
@examples(20)
def test_without_any_annotation_all_is_exactly_zero(batch):
    batch.allowed[:] = True
    loss, d_scores = crf.loss(*batch.loss_arguments, NO_SPANS)
    assert loss == 0
    assert (d_scores.emissions == 0).all()
    assert (d_scores.transitions == 0).all()


@given(batch=batches(max_labels=3, unseen=True))
@examples(40)
def test_tags_that_are_not_in_use_have_a_gradient_of_exactly_zero(batch):
    assume(not batch.legal.all())
    _, d_scores = crf.loss(*batch.loss_arguments, NO_SPANS)
    assert (d_scores.emissions[:, ~batch.legal] == 0).all()
    classes = np.concatenate([[True], batch.legal[1::4]])
    assert (d_scores.transitions[~classes] == 0).all()
    assert (d_scores.transitions[:, ~classes] == 0).all()


def test_the_gradient_has_the_type_of_the_scores():
    scores = Scores(np.zeros((2, 5), dtype="f"), np.zeros((2, 2), dtype="f"), np.asarray([2]))
    allowed = np.eye(5, dtype=bool)[[0, 0]]
    _, d_scores = crf.loss(scores, allowed, np.ones(5, dtype=bool), np.asarray([[0, 1, 0]]))
    assert d_scores.emissions.dtype == np.float32


def test_annotation_that_contradicts_itself_is_an_error():
    scores = Scores(np.zeros((2, 5)), np.zeros((2, 2)), np.asarray([2]))
    allowed = np.ones((2, 5), dtype=bool)
    allowed[0] = np.eye(5, dtype=bool)[1]
    allowed[1] = np.eye(5, dtype=bool)[0]
    allowed[1, 4] = True
    with pytest.raises(ValueError, match="no legal tag sequence"):
        crf.loss(scores, allowed, np.ones(5, dtype=bool), NO_SPANS)


def test_scores_that_are_not_finite_are_an_error():
    scores = Scores(np.full((2, 5), np.nan), np.zeros((2, 2)), np.asarray([2]))
    allowed = np.eye(5, dtype=bool)[[0, 0]]
    with pytest.raises(ValueError, match="Training has diverged"):
        crf.loss(scores, allowed, np.ones(5, dtype=bool), NO_SPANS)


@given(batch=batches(max_tokens=4), masked=st.booleans(), number=st.integers(0, 5))
@examples(60)
def test_span_probabilities_equal_enumeration(batch, masked, number):
    spans = batch.some_spans(number)
    allowed = batch.allowed if masked else None
    found = probabilities_of(spans, batch.scores, get_objective("crf"), allowed)
    expected = []
    plain = batch.enumerations(allowed)
    for start, end, label in spans.tolist():
        [(of, one)] = [
            (of, one)
            for of, one in zip(batch.documents(), plain, strict=True)
            if of.start <= start < of.stop
        ]
        expected.append(one.span_probability(start - of.start, end - of.start, label))
    assert found.shape == (len(spans),)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)
    assert (found >= 0).all()
    assert (found <= 1).all()


@given(batch=batches(max_docs=1, max_tokens=4))
@examples(20)
def test_every_token_is_in_no_span_or_in_one(batch):
    """The spans over a token exclude each other: with P(O) their probabilities sum to 1."""
    spans = batch.all_spans()
    p = probabilities_of(spans, batch.scores, get_objective("crf"))
    [plain] = batch.enumerations()
    outside = plain.marginals()[:, 0]
    for token in range(len(batch.scores.emissions)):
        over = (spans[:, 0] <= token) & (token < spans[:, 1])
        assert p[over].sum() + outside[token] == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("n_tokens", [2, 5])
def test_a_span_that_the_network_is_sure_of_can_be_unlearned(n_tokens):
    """1 − p is far below what a number near one can tell."""
    emissions = np.zeros((n_tokens, 5))
    emissions[0, 1 + BEGIN] = emissions[1, 1 + LAST] = 60
    scores = Scores(emissions, np.zeros((2, 2)), np.asarray([n_tokens]))
    everything = np.ones((n_tokens, 5), dtype=bool)
    loss, d_scores = crf.loss(scores, everything, everything[0], np.asarray([[0, 2, 0]]))
    assert 50 < loss < 125
    assert d_scores.emissions[0, 1 + BEGIN] + d_scores.emissions[1, 1 + LAST] > 0.5
