from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_window_ner.sequences import batching
from spacy_window_ner.sequences import chunked as chunks_module
from spacy_window_ner.sequences.batching import Scores
from spacy_window_ner.sequences.chunked import Chunks, sequence_sums
from spacy_window_ner.sequences.short import FEW_LABELS, SHORT
from spacy_window_ner.sequences.tags import BEGIN, IN, LAST, UNIT, n_tags
from spacy_window_ner.sequences.viterbi import best_tags
from tests.helpers import Batch, batches, examples, is_legal_step, long_batch, path_score

LARGE = 30.0
TOO_LARGE = (300.0, 1000.0)


def assert_equals_enumeration(batch: Batch, allowed: np.ndarray | None) -> None:
    sums = sequence_sums(batch.scores, allowed)
    plain = batch.enumerations(allowed)
    size = 1 + max(np.abs(x).max(initial=0) for x in batch.arguments[:2])
    np.testing.assert_allclose(
        sums.log_z, [one.log_z for one in plain], rtol=1e-11, atol=1e-12 * size
    )
    marginals = np.concatenate([one.marginals() for one in plain])
    np.testing.assert_allclose(sums.marginals, marginals, rtol=1e-8, atol=1e-10)
    transitions = sum(one.expected_transitions() for one in plain)
    np.testing.assert_allclose(sums.expected_transitions, transitions, rtol=1e-8, atol=1e-9)


@given(batch=batches(), masked=st.booleans())
@examples(80)
def test_sums_equal_enumeration(batch, masked):
    assert_equals_enumeration(batch, batch.allowed if masked else None)


@given(batch=batches(scales=(LARGE,)), masked=st.booleans())
@examples(80)
def test_sums_equal_enumeration_for_large_scores(batch, masked):
    assert_equals_enumeration(batch, batch.allowed if masked else None)


@given(batch=batches(), masked=st.booleans(), far=st.sampled_from([-100.0, 100.0]))
@examples(60)
def test_sums_equal_enumeration_where_all_transitions_are_large(batch, masked, far):
    batch.scores.transitions += far
    assert_equals_enumeration(batch, batch.allowed if masked else None)


@given(batch=batches(scales=TOO_LARGE), masked=st.booleans())
@examples(80)
def test_scores_beyond_the_range_of_floats_are_never_summed_wrongly(batch, masked):
    """Where e^score leaves float64, an error may say so; it must not blame the annotation."""
    try:
        assert_equals_enumeration(batch, batch.allowed if masked else None)
    except ValueError as error:
        assert "legal tag sequence" not in str(error)


@given(batch=batches(), masked=st.booleans())
@examples(80)
def test_the_sum_over_one_sequence_is_its_score(batch, masked):
    tags = best_tags(batch.scores, batch.allowed if masked else None)
    allowed = tags[:, None] == np.arange(batch.arguments[0].shape[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks_module, "_sum_chunks", None)  # sums over all sequences are not needed
        if len(tags):
            assert_equals_enumeration(batch, allowed)


@pytest.mark.parametrize(
    "tags", [(1, 0), (0, 1), (2, 3), (0, 3), (1, 7), (1, 4), (4, 3), (5, 6, 3), (3,), (1,)]
)
def test_one_sequence_that_is_not_legal_is_an_error(tags):
    allowed, T = np.eye(9, dtype=bool)[list(tags)], np.zeros((3, 3))
    with pytest.raises(ValueError, match="no legal tag sequence"):
        sequence_sums(Scores(np.zeros(allowed.shape), T, np.array([len(tags)])), allowed)
    after = np.concatenate([np.eye(9, dtype=bool)[[0]], allowed])
    with pytest.raises(ValueError, match="no legal tag sequence"):
        sequence_sums(Scores(np.zeros(after.shape), T, np.array([1, len(tags)])), after)


def test_an_entity_that_can_only_go_on_is_never_summed_wrongly():
    """Seen from the end, being inside is likelier by far more than floats can hold, but no entity
    can have begun.
    """
    n = 60
    emissions = np.zeros((n, 5))
    emissions[:, 1 + IN] = 20
    allowed = np.ones((n, 5), dtype=bool)
    allowed[:, 1 + BEGIN] = False
    with pytest.raises(ValueError, match="differ by more than float64"):
        sequence_sums(Scores(emissions, np.zeros((2, 2)), np.asarray([n])), allowed)


@given(batch=batches(dtype="float32"))
@examples(20)
def test_float32_scores_are_summed_in_float64(batch):
    assert_equals_enumeration(batch, None)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_emissions_are_not_changed(dtype):
    emissions = np.arange(10, dtype=dtype).reshape(2, 5)
    sums = sequence_sums(Scores(emissions, np.zeros((2, 2)), np.asarray([2])), dtype=dtype)
    assert emissions.ravel().tolist() == list(range(10))
    assert sums.marginals.dtype == dtype


def test_float32_is_left_where_scores_lie_too_far_apart():
    emissions = np.asarray([[0, 1, 0, 0, 300], [300, 0, 0, 0, 0]], dtype=np.float32)
    allowed = np.ones((2, 5), dtype=bool)
    allowed[0, [0, 4]] = allowed[1, 0] = False
    scores = Scores(emissions, np.zeros((2, 2), dtype="f"), np.asarray([2]))
    sums = sequence_sums(scores, allowed, dtype=np.float32)
    assert sums.marginals.tolist() == pytest.approx(sequence_sums(scores, allowed).marginals)


def test_one_document_without_tokens():
    empty = sequence_sums(Scores(np.zeros((0, 5)), np.zeros((2, 2)), np.asarray([0])))
    assert empty.log_z.tolist() == [0.0]
    assert empty.marginals.shape == (0, 5)
    assert (empty.expected_transitions == 0).all()


def test_no_documents():
    none = sequence_sums(Scores(np.zeros((0, 5)), np.zeros((2, 2)), np.zeros(0, dtype=np.int32)))
    assert none.log_z.shape == (0,)
    assert (none.expected_transitions == 0).all()


@given(batch=batches(max_docs=3))
@examples(40)
def test_documents_do_not_influence_each_other(batch):
    emissions, transitions, lengths = batch.arguments
    together = sequence_sums(Scores(emissions, transitions, lengths), batch.allowed)
    taken = np.zeros(transitions.shape)
    for document, of in enumerate(batch.documents()):
        length = lengths[document : document + 1]
        alone = sequence_sums(Scores(emissions[of], transitions, length), batch.allowed[of])
        np.testing.assert_allclose(alone.log_z[0], together.log_z[document], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(alone.marginals, together.marginals[of], rtol=1e-9, atol=1e-12)
        taken += alone.expected_transitions
    np.testing.assert_allclose(together.expected_transitions, taken, rtol=1e-9, atol=1e-12)


# Long documents


@pytest.mark.parametrize("scale", [0.01, 1.0, 6.0])
@pytest.mark.parametrize("reach", [1, 4, 16, 30])
def test_chunks_sum_to_the_same(monkeypatch, scale, reach):
    rng = np.random.RandomState(reach)
    *scores, allowed = long_batch(rng, 2, scale)
    for mask in (None, allowed):
        whole = sequence_sums(Scores(*scores), mask, reach=1000)
        with monkeypatch.context() as patch:
            patch.setattr(batching, "GROUP", 100)
            chunks = sequence_sums(Scores(*scores), mask, reach=reach)
        np.testing.assert_allclose(chunks.log_z, whole.log_z, rtol=1e-9)
        np.testing.assert_allclose(chunks.marginals, whole.marginals, rtol=1e-5, atol=1e-9)
        np.testing.assert_allclose(
            chunks.expected_transitions, whole.expected_transitions, rtol=1e-6, atol=1e-9
        )


@pytest.mark.parametrize("reach", [1, 5, 50, 1000])
def test_every_token_is_in_one_chunk_of_its_own_document(reach):
    lengths = np.array([0, 1, 100, 0, 251, 3])
    chunks = Chunks.of(lengths, reach)
    stops = chunks.starts + chunks.lengths
    assert chunks.starts.tolist() == [0, *stops[:-1]]
    assert stops[-1] == lengths.sum()
    edges = np.cumsum(lengths)
    assert chunks.begins.tolist() == np.isin(chunks.starts, edges - lengths).tolist()
    assert chunks.ends.tolist() == np.isin(stops, edges).tolist()
    assert chunks.begins.sum() == chunks.ends.sum() == 4
    assert chunks.borders().tolist() == stops[~chunks.ends].tolist()
    assert (chunks.lengths >= np.minimum(reach, lengths[lengths > 0].min())).all()
    assert (chunks.lengths[~(chunks.begins & chunks.ends)] >= reach).all()
    assert (len(chunks.starts) > 4) == (reach < 1000)


def test_chunks_that_do_not_agree_overlap_more(monkeypatch):
    """A label that goes on for certain is remembered from the start of the document."""
    n = 2 * SHORT
    emissions = np.full((n, n_tags(2)), -40.0)
    emissions[:, [1 + IN, 5 + IN]] = 0  # once inside, everything stays inside
    emissions[0, [1, 5]] = [0, 1]
    emissions[-1, [1 + LAST, 5 + LAST]] = 0
    arguments = emissions, np.zeros((3, 3)), np.array([n])
    whole = sequence_sums(Scores(*arguments), reach=n).marginals
    tried = []
    of = Chunks.of
    monkeypatch.setattr(Chunks, "of", lambda lengths, by: (tried.append(by), of(lengths, by))[1])
    chunks = sequence_sums(Scores(*arguments), reach=3).marginals
    np.testing.assert_allclose(chunks, whole, atol=1e-8)
    assert whole[30, 1 + IN] == pytest.approx(1 / (1 + np.e), rel=1e-6)
    assert tried[0] == 3
    assert len(tried) > 2


# Long documents and many labels against sums in log space


def log_sums(emissions, transitions):
    """log Z of one document, token by token in log space over the full set of tags."""
    columns = emissions.shape[1]
    pairs = np.full((columns, columns), -np.inf)
    for p, q in product(range(columns), repeat=2):
        if is_legal_step(p, q):
            enters = q == 0 or (q - 1) % 4 in (BEGIN, UNIT)
            pairs[p, q] = transitions[(p + 3) // 4, (q + 3) // 4] if enters else 0.0
    scores = np.full(columns, -np.inf)
    scores[0] = 0.0
    for row in emissions:
        scores = np.logaddexp.reduce(scores[:, None] + pairs, axis=0) + row
    can_end = [p == 0 or (p - 1) % 4 in (LAST, UNIT) for p in range(columns)]
    return np.logaddexp.reduce(scores[can_end])


@given(batch=batches(max_docs=1, max_tokens=4))
@examples(20)
def test_log_space_reference_equals_enumeration(batch):
    emissions, transitions, _ = batch.arguments
    expected = batch.enumerations()[0].log_z
    np.testing.assert_allclose(log_sums(emissions, transitions), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("mean", [-50.0, 0.0, 50.0])
def test_a_long_document_neither_underflows_nor_overflows(mean):
    rng = np.random.RandomState(0)
    n = 5000
    emissions, T = mean + rng.normal(size=(n, n_tags(2))), rng.normal(size=(3, 3))
    lengths = np.asarray([n])
    sums = sequence_sums(Scores(emissions, T, lengths))
    np.testing.assert_allclose(sums.log_z[0], log_sums(emissions, T), rtol=1e-12)
    np.testing.assert_allclose(sums.marginals.sum(axis=1), 1, rtol=1e-9)
    tags = best_tags(Scores(emissions, T, lengths)).tolist()
    assert sums.log_z[0] > path_score(emissions, T, tags)


def test_many_labels():
    rng = np.random.RandomState(0)
    n, labels = 6, 200
    emissions, T = rng.normal(size=(n, n_tags(labels))), rng.normal(size=(labels + 1, labels + 1))
    sums = sequence_sums(Scores(emissions, T, np.asarray([n])))
    np.testing.assert_allclose(sums.log_z[0], log_sums(emissions, T), rtol=1e-11)
    np.testing.assert_allclose(sums.marginals.sum(axis=1), 1, rtol=1e-9)
    # Each O, B and U is entered once, by one transition.
    entered = sums.marginals[:, 0].sum() + sums.marginals[:, 1 + BEGIN :: 4].sum()
    entered += sums.marginals[:, 1 + UNIT :: 4].sum()
    np.testing.assert_allclose(sums.expected_transitions.sum(), entered, rtol=1e-9)


@pytest.mark.parametrize(
    ("n", "labels", "lengths", "is_short"),
    [
        (SHORT, 2, [SHORT], True),
        (SHORT + 1, 2, [SHORT + 1], False),
        (4, 2, [2, 2], False),
        (4, FEW_LABELS, [4], True),
        (4, FEW_LABELS + 1, [4], False),
    ],
)
def test_one_short_document_with_few_labels_is_summed_from_tag_to_tag(
    monkeypatch, n, labels, lengths, is_short
):
    calls = []
    of_short = chunks_module.sums_of_short
    monkeypatch.setattr(chunks_module, "sums_of_short", lambda *x: calls.append(1) or of_short(*x))
    rng = np.random.RandomState(0)
    transitions = rng.normal(size=(labels + 1, labels + 1))
    sequence_sums(Scores(rng.normal(size=(n, n_tags(labels))), transitions, np.asarray(lengths)))
    assert bool(calls) == is_short
