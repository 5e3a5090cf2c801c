"""The recursion from tag to tag against `forward_backward`, and against enumeration."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_window_ner.sequences.batching import mask_scores
from spacy_window_ner.sequences.forward_backward import forward_backward
from spacy_window_ner.sequences.short import SHORT, sums_of_short
from spacy_window_ner.sequences.tags import n_tags
from tests.helpers import batches, examples


@given(batch=batches(), masked=st.booleans())
@examples(80)
def test_sums_of_short_documents_equal_enumeration(batch, masked):
    allowed = batch.allowed if masked else None
    emissions, plain = mask_scores(batch.scores, allowed), batch.enumerations(allowed)
    for of, one in zip(batch.documents(), plain, strict=True):
        if not len(emissions[of]):
            continue
        sums = sums_of_short(emissions[of], batch.scores.transitions)
        np.testing.assert_allclose(sums.log_z, [one.log_z], rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(sums.marginals, one.marginals(), rtol=1e-8, atol=1e-10)
        taken = one.expected_transitions()
        np.testing.assert_allclose(sums.expected_transitions, taken, rtol=1e-8, atol=1e-9)


@given(
    labels=st.integers(0, 5), n=st.integers(1, SHORT), seed=st.integers(0, 999), large=st.booleans()
)
@examples(60)
def test_sums_of_short_documents_equal_those_of_batches(labels, n, seed, large):
    rng = np.random.RandomState(seed)
    emissions = rng.normal(size=(n, n_tags(labels)), scale=8 if large else 1)
    emissions[rng.uniform(size=emissions.shape) < 0.2] = -np.inf
    emissions[:, 0] = rng.normal(size=n)
    transitions = rng.normal(size=(labels + 1, labels + 1))
    lengths = np.asarray([n])
    sums = sums_of_short(emissions, transitions)
    of_batch = forward_backward(emissions, transitions, lengths, np.dtype(np.float64))
    np.testing.assert_allclose(sums.log_z, of_batch.log_z, rtol=1e-10)
    np.testing.assert_allclose(sums.marginals, of_batch.marginals, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(
        sums.expected_transitions, of_batch.expected_transitions, rtol=1e-8, atol=1e-10
    )


@pytest.mark.parametrize("score", [-30.0, -1.0])
def test_sums_that_leave_the_range_of_floats_are_none(score):
    emissions = np.full((SHORT, 5), -np.inf)
    emissions[:, 0] = 0
    sums = sums_of_short(emissions, np.asarray([[score, 0.0], [0.0, 0.0]]))
    assert (sums is None) == (score < -1)
