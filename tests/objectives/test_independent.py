import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spacy_window_ner.objectives.independent import add_incorrect, span_products
from tests.helpers import NO_SPANS, batches, entity_tags, examples


def plain_product(p, span):
    start, end, label = span
    tags = entity_tags(label, end - start)
    return np.prod([p[start + i, tag] for i, tag in enumerate(tags)])


@given(batch=batches(max_docs=3))
@examples(60)
def test_span_products(batch):
    p = batch.rng.uniform(0.1, 1, size=batch.scores.emissions.shape)
    spans = batch.spans_apart()
    expected = [plain_product(p, span) for span in spans.tolist()]
    np.testing.assert_allclose(span_products(np.log(p), spans), expected, rtol=1e-12)
    order = batch.rng.permutation(len(spans))
    np.testing.assert_allclose(
        span_products(np.log(p), spans[order]), np.asarray(expected)[order], rtol=1e-12
    )


def test_span_products_of_adjacent_spans_up_to_the_last_token():
    p = np.full((4, 5), 0.5)
    spans = np.asarray([[0, 2, 0], [2, 3, 0], [3, 4, 0]])
    assert span_products(np.log(p), spans) == pytest.approx([0.25, 0.5, 0.5])


def test_impossible_tags_beside_a_span_do_not_matter():
    p = np.zeros((3, 5))
    p[1, 4] = 0.5
    with np.errstate(divide="ignore"):
        assert span_products(np.log(p), np.asarray([[1, 2, 0]])) == pytest.approx([0.5])


def test_no_spans():
    assert span_products(np.zeros((3, 5)), NO_SPANS).shape == (0,)


@given(batch=batches(max_docs=3), number=st.integers(1, 4))
@examples(40)
def test_incorrect_spans(batch, number):
    spans = batch.some_spans(number)
    assume(len(spans))
    p = batch.rng.uniform(0.1, 0.9, size=batch.scores.emissions.shape)

    def d_log_p(rows, tags):
        """A made-up derivative: column c of every row gets c + 1 in the chosen column."""
        d = np.zeros_like(rows)
        d[np.arange(len(tags)), tags] = tags + 1
        return d

    expected, d_expected = 0.0, np.ones(p.shape)
    for start, end, label in spans.tolist():
        product = plain_product(p, (start, end, label))
        expected -= np.log(1 - product)
        for i, tag in enumerate(entity_tags(label, end - start)):
            d_expected[start + i, tag] += product / (1 - product) * (tag + 1)
    d_emissions = np.ones(p.shape)
    total = add_incorrect(np.log(p), d_log_p, spans, d_emissions)
    np.testing.assert_allclose(total, expected, rtol=1e-9)
    np.testing.assert_allclose(d_emissions, d_expected, rtol=1e-9)
