from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spacy_window_ner.sequences import spans as spans_module
from spacy_window_ner.sequences.batching import Scores
from spacy_window_ner.sequences.chunked import sequence_sums
from spacy_window_ner.sequences.spans import likely_spans, span_probabilities
from spacy_window_ner.sequences.tags import BEGIN, IN, LAST, n_tags
from tests.helpers import NO_SPANS, batches, examples

LARGE = 30.0


def as_dict(spans, probabilities):
    found = dict(zip(map(tuple, spans.tolist()), probabilities.tolist(), strict=True))
    assert len(found) == len(spans)
    return found


@given(batch=batches(scales=(0.1, 1.0, 10.0, LARGE)), masked=st.booleans())
@examples(100)
def test_probabilities_equal_enumeration(batch, masked):
    allowed = batch.allowed if masked else None
    found = span_probabilities(sequence_sums(batch.scores, allowed).marginals, batch.all_spans())
    expected = batch.probabilities_of_all_spans(allowed)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)
    assert ((found >= 0) & (found <= 1)).all()


@given(batch=batches(), masked=st.booleans(), threshold=st.sampled_from([0.0, 0.03, 0.3, 0.7]))
@examples(100)
def test_likely_spans_are_those_above_the_threshold(batch, masked, threshold):
    allowed = batch.allowed if masked else None
    marginals = sequence_sums(batch.scores, allowed).marginals
    spans, probabilities = likely_spans(marginals, threshold, batch.ends)
    assert spans.shape == (len(probabilities), 3)
    assert spans.dtype == np.int64
    every, plain = batch.all_spans().tolist(), batch.probabilities_of_all_spans(allowed)
    # Rounding decides about spans whose probability is the threshold.
    assume(not any(0 < abs(p - threshold) < 1e-9 for p in plain))
    expected = {tuple(s): p for s, p in zip(every, plain, strict=True) if p > threshold}
    assert as_dict(spans, probabilities) == pytest.approx(expected, rel=1e-8)


@given(
    batch=batches(),
    dtype=st.sampled_from(["float32", "float64"]),
    threshold=st.sampled_from([0.0, 0.03, 0.3, 0.7]),
    is_chain=st.booleans(),
)
@examples(100)
def test_spans_found_one_by_one_are_exactly_those_found_side_by_side(
    batch, dtype, threshold, is_chain
):
    marginals = sequence_sums(batch.scores, dtype=dtype).marginals
    found = []
    for few in (0, len(marginals) * marginals.shape[1]):
        with patch.object(spans_module, "FEW", few):
            found.append(likely_spans(marginals, threshold, batch.ends, is_chain=is_chain))
    (spans, p), (same_spans, same_p) = found
    np.testing.assert_array_equal(spans, same_spans)
    np.testing.assert_array_equal(p, same_p)
    assert (spans.dtype, p.dtype) == (same_spans.dtype, same_p.dtype)


@given(batch=batches(scales=(0.1, 10.0, LARGE), dtype="float32"), masked=st.booleans())
@examples(100)
def test_float32_sums_give_the_same_to_six_digits(batch, masked):
    """Sums in float32 go on in float64 where scores lie too far apart for them."""
    allowed = batch.allowed if masked else None
    exact = sequence_sums(batch.scores, allowed).marginals
    marginals = sequence_sums(batch.scores, allowed, dtype=np.float32).marginals
    spans = batch.all_spans()
    expected = span_probabilities(exact, spans)
    np.testing.assert_allclose(span_probabilities(marginals, spans), expected, rtol=1e-3, atol=1e-5)
    assume(not (np.abs(expected - 0.1) < 1e-4).any())  # rounding decides about these
    expected = as_dict(*likely_spans(exact, 0.1, batch.ends))
    assert as_dict(*likely_spans(marginals, 0.1, batch.ends)) == pytest.approx(expected, rel=1e-5)


def test_long_spans():
    """Both functions find the same in spans across chunks, and multiply the same factors."""
    rng = np.random.RandomState(0)
    n = 300
    emissions = rng.normal(size=(n, n_tags(2)))
    emissions[:, [1 + IN, 5 + IN]] += 3  # long entities
    arguments = emissions, rng.normal(size=(3, 3)), np.array([n - 2, 0, 2])
    sums = sequence_sums(Scores(*arguments), reach=8)
    spans, probabilities = likely_spans(sums.marginals, 1e-4, np.cumsum(arguments[2]))
    assert (np.diff(spans[:, :2]) > 25).sum() > 100
    np.testing.assert_allclose(span_probabilities(sums.marginals, spans), probabilities, rtol=1e-9)
    # log P = log Z of the sequences with the span − log Z of all
    for start, end, label in spans[:: len(spans) // 20].tolist():
        allowed = np.ones(emissions.shape, dtype=bool)
        allowed[start:end] = False
        first = 1 + 4 * label
        columns = [first + BEGIN, *[first + IN] * (end - start - 2), first + LAST]
        if end - start > 1:
            allowed[np.arange(start, end), columns] = True
            share = sequence_sums(Scores(*arguments), allowed).log_z.sum() - sums.log_z.sum()
            [p] = span_probabilities(sums.marginals, np.asarray([[start, end, label]]))
            assert p == pytest.approx(np.exp(share), rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_likelier_than_certain(seed):
    rng = np.random.RandomState(seed)
    emissions = rng.normal(size=(400, n_tags(1))).astype("float32")
    emissions[::2, 1 + BEGIN] += 9
    emissions[1::2, 1 + LAST] += 9
    arguments = emissions, rng.normal(size=(2, 2)), np.array([400])
    marginals = sequence_sums(Scores(*arguments), dtype=np.float32).marginals
    spans, probabilities = likely_spans(marginals, 0.9, [400])
    assert len(spans) > 50
    assert probabilities.max() <= 1
    assert span_probabilities(marginals, spans).max() <= 1
    assert len(likely_spans(marginals, 1.0, [400])[0]) == 0


@pytest.mark.parametrize("n_tokens", [0, 3])
def test_no_spans(n_tokens):
    marginals = np.zeros((n_tokens, 5))
    assert span_probabilities(marginals, NO_SPANS).shape == (0,)
    assert [found.shape for found in likely_spans(marginals, 0.5, [n_tokens])] == [(0, 3), (0,)]
    assert len(likely_spans(marginals, 0.0, [n_tokens])[0]) == 0


def test_the_probability_of_an_impossible_span_is_zero():
    marginals = np.zeros((3, 5))
    marginals[:, 0] = 1
    found = span_probabilities(marginals, np.asarray([[0, 1, 0], [0, 2, 0], [0, 3, 0]]))
    assert found.tolist() == [0, 0, 0]
