import numpy as np
import pytest
from hypothesis import given

from spacy_window_ner.inspect.uncertainty import entropies
from spacy_window_ner.objectives import get_objective
from tests.helpers import batches, examples


@given(batch=batches(max_docs=3))
@examples(100)
def test_of_sequences_by_enumeration(batch):
    found = entropies(batch.scores, get_objective("crf"), batch.allowed)
    for value, plain in zip(found, batch.enumerations(batch.allowed), strict=True):
        p = plain.probabilities[plain.probabilities > 0]
        assert value == pytest.approx(-(p * np.log(p)).sum(), rel=1e-6, abs=1e-5)
    assert (found >= 0).all()
    everything = entropies(batch.scores, get_objective("crf"))
    assert len(everything) == len(batch.scores.lengths)


@given(batch=batches(max_docs=3, scales=(0.1, 1.0)))
@examples(40)
def test_of_independent_tokens(batch):
    for name in ("softmax", "logistic"):
        objective = get_objective(name)
        found = entropies(batch.scores, objective)
        p = objective.tag_probabilities(batch.scores, None).astype(float)
        terms = -p * np.log(p)
        if name == "logistic":
            terms -= (1 - p) * np.log1p(-p)
        plain = [terms[of].sum() for of in batch.documents()]
        np.testing.assert_allclose(found, plain, rtol=1e-6, atol=1e-9)
