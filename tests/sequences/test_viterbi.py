import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spacy_window_ner.sequences import batching
from spacy_window_ner.sequences.batching import Scores, mask_scores
from spacy_window_ner.sequences.tags import BEGIN, LAST, UNIT, n_tags
from spacy_window_ner.sequences.viterbi import (
    always_outside,
    best_tags,
)
from tests.helpers import Batch, batches, examples, is_legal, long_batch, path_score

LARGE = 30.0
TOO_LARGE = (300.0, 1000.0)


def assert_best(batch: Batch, allowed: np.ndarray | None) -> None:
    emissions, transitions, lengths = batch.arguments
    best = best_tags(Scores(emissions, transitions, lengths), allowed)
    assert best.shape == (len(emissions),)
    assert best.dtype == np.int32
    for of, plain in zip(batch.documents(), batch.enumerations(allowed), strict=True):
        tags = best[of].tolist()
        assert tags in plain.paths.tolist()
        score = path_score(emissions[of], transitions, tags)
        np.testing.assert_allclose(score, plain.scores.max(), rtol=1e-12, atol=1e-12)


@given(batch=batches(scales=(1.0, LARGE, *TOO_LARGE)), masked=st.booleans())
@examples(80)
def test_best_tags_equal_enumeration(batch, masked):
    assert_best(batch, batch.allowed if masked else None)


@given(batch=batches(scales=(0.0,)))
@examples(20)
def test_best_tags_are_legal_where_all_scores_are_equal(batch):
    assert_best(batch, batch.allowed)


@given(batch=batches(max_docs=3))
@examples(40)
def test_documents_do_not_influence_each_other(batch):
    emissions, transitions, lengths = batch.arguments
    best = best_tags(Scores(emissions, transitions, lengths), batch.allowed)
    for document, of in enumerate(batch.documents()):
        length = lengths[document : document + 1]
        alone = best_tags(Scores(emissions[of], transitions, length), batch.allowed[of])
        assert alone.tolist() == best[of].tolist()


@given(batch=batches(scales=(1.0, 4.0)), masked=st.booleans(), towards=st.floats(0, 6))
@examples(150)
def test_words_that_are_always_outside_are_o_in_the_best_sequence(batch, masked, towards):
    batch.scores.emissions[:, 0] += towards
    emissions, transitions, lengths = batch.arguments
    allowed = batch.allowed if masked else None
    scores = mask_scores(Scores(emissions, transitions, lengths), allowed)
    assume(scores.shape[1] > 1 and len(scores))
    outside = always_outside(scores, transitions.astype(float), np.asarray(lengths, dtype=np.int64))
    best = [one.paths[one.scores.argmax()] for one in batch.enumerations(allowed)]
    assert (np.concatenate(best)[outside] == 0).all()


def test_plain_text_is_always_outside_but_for_its_names():
    rng = np.random.RandomState(0)
    emissions = rng.normal(size=(400, n_tags(3)))
    emissions[:, 0] += 9
    emissions[100, 1 + UNIT], emissions[200, 5], emissions[201, 5 + LAST] = 20, 20, 20
    transitions = rng.normal(size=(4, 4))
    outside = always_outside(emissions, transitions, np.array([150, 250]))
    assert np.count_nonzero(~outside) < 20
    assert not outside[[100, 200, 201]].any()
    tags = best_tags(Scores(emissions, transitions, np.array([150, 250])))
    assert np.flatnonzero(tags).tolist() == [100, 200, 201]


@pytest.mark.parametrize("size", [1, 30, 100])
def test_best_tags_are_the_same_in_groups_of_any_size(monkeypatch, size):
    *scores, allowed = long_batch(np.random.RandomState(0), 2, 1.0)
    whole = best_tags(Scores(*scores), allowed)
    monkeypatch.setattr(batching, "GROUP", size)
    assert best_tags(Scores(*scores), allowed).tolist() == whole.tolist()
    assert np.count_nonzero(whole) > 20


def test_many_labels():
    rng = np.random.RandomState(0)
    emissions, T = rng.normal(size=(6, n_tags(200))), rng.normal(size=(201, 201))
    tags = best_tags(Scores(emissions, T, np.asarray([6]))).tolist()
    assert is_legal(tags)


@pytest.mark.parametrize("tags", [[1 + UNIT], [1 + BEGIN, 1 + LAST]])
def test_a_tag_that_is_the_only_one_allowed_is_chosen_against_strong_transitions(tags):
    """One word cannot be O; the other can, but not in a legal sequence."""
    allowed = np.ones((len(tags), 5), dtype=bool)
    allowed[-1] = np.arange(5) == tags[-1]
    transitions = np.array([[0.0, -50.0], [0.0, -50.0]])
    lengths = np.array([len(tags)])
    found = best_tags(Scores(np.zeros(allowed.shape), transitions, lengths), allowed)
    assert found.tolist() == tags
