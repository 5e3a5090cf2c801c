"""The probability that none of some words is in an entity, against a sum over all sequences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_window_ner.decoding import alternatives as module
from spacy_window_ner.decoding.alternatives import alternatives, probabilities_outside
from spacy_window_ner.objectives import OBJECTIVES, get_objective
from spacy_window_ner.sequences.batching import Scores, ranges
from tests.helpers import Enumeration, batches, examples


def test_ranges():
    found = ranges(np.asarray([4, 0, 9]), np.asarray([2, 0, 3]))
    assert found.tolist() == [4, 5, 9, 10, 11]
    assert ranges(np.zeros(0, dtype=int), np.zeros(0, dtype=int)).tolist() == []


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("one_by_one", [False, True])
@given(batch=batches(), masked=st.booleans())
@examples(40)
def test_no_token_is_in_an_entity(name, one_by_one, batch, masked):
    objective, allowed = get_objective(name), batch.allowed if masked else None
    if not objective.learns_transitions:
        batch.scores.transitions[:] = 0
    spans = np.unique(batch.all_spans()[:, :2], axis=0)
    with pytest.MonkeyPatch.context() as patch:
        if one_by_one:  # each span is a group of its own
            each = lambda lengths: (slice(i, i + 1) for i in range(len(lengths)))  # noqa: E731
            patch.setattr(module, "groups_of", each)
        found = probabilities_outside(spans, batch.scores, objective, allowed)
    assert found.shape == (len(spans),)
    emissions, transitions, _ = batch.arguments
    p = objective.tag_probabilities(batch.scores, allowed)
    for of in batch.documents():
        mask = None if allowed is None else allowed[of]
        document = Scores(
            emissions[of], transitions, np.asarray([of.stop - of.start], dtype=np.int32)
        )
        for (start, end), outside in zip(spans.tolist(), found.tolist(), strict=True):
            if not of.start <= start < of.stop:
                continue
            if objective.learns_transitions:
                plain = Enumeration(emissions[of], transitions, mask)
                is_outside = (plain.paths[:, start - of.start : end - of.start] == 0).all(axis=1)
                expected = plain.probabilities[is_outside].sum()
            else:
                expected = np.prod(p[start:end, 0].astype(float))
            assert outside == pytest.approx(expected, rel=1e-6, abs=1e-12)
            alone = alternatives(document, objective, mask, start - of.start, end - of.start)
            assert alone[1] == pytest.approx(expected, rel=1e-6, abs=1e-12)
