from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spacy_window_ner import lattice as lattice_module
from spacy_window_ner import steps
from spacy_window_ner.lattice import Lattice, Pieces, SinglePath, likely_spans
from spacy_window_ner.steps import Steps, mask_scores
from spacy_window_ner.tags import BEGIN, IN, LAST, UNIT, n_tags
from spacy_window_ner.viterbi import best_tags, surely_outside
from tests.helpers import (
    Batch,
    batches,
    document_slices,
    examples,
    legal_sequences,
    path_score,
)

LARGE = 30.0
TOO_LARGE = (300.0, 1000.0)


def is_legal(tags):
    """Whether BILUO allows the sequence, pair by pair of neighbors."""
    for before, tag in zip([0, *tags], [*tags, 0], strict=True):
        is_open = before > 0 and (before - 1) % 4 in (BEGIN, IN)
        goes_on = tag > 0 and (tag - 1) % 4 in (IN, LAST)
        if is_open != goes_on or (is_open and (before - 1) // 4 != (tag - 1) // 4):
            return False
    return True


@pytest.mark.parametrize(("n_tokens", "n_labels"), [(0, 1), (1, 0), (1, 3), (3, 2), (5, 1)])
def test_legal_sequences_of_the_reference(n_tokens, n_labels):
    every = product(range(n_tags(n_labels)), repeat=n_tokens)
    expected = [tags for tags in every if is_legal(tags)]
    assert sorted(legal_sequences(n_tokens, n_labels)) == expected


# The order of the steps


@given(lengths=st.lists(st.integers(0, 6), max_size=6))
@examples(80)
def test_steps_visit_the_tokens_of_a_step_together(lengths):
    sizes = np.asarray(lengths, dtype=np.int64)
    steps = Steps.of(np.cumsum(sizes) - sizes, sizes)
    assert sorted(steps.tokens.tolist()) == list(range(sum(lengths)))
    slices = document_slices(lengths)
    documents = steps.documents.tolist()
    assert sorted(documents) == [i for i, n in enumerate(lengths) if n]
    for t, (a, z) in enumerate(steps):
        longer = [document for document in documents if lengths[document] > t]
        assert documents[: z - a] == longer
        assert steps.tokens[a:z].tolist() == [slices[i].start + t for i in longer]
    assert len(list(steps)) == max(lengths, default=0)
    assert list(reversed(steps)) == list(steps)[::-1]


# The sums against enumeration


def assert_equals_enumeration(batch: Batch, allowed: np.ndarray | None) -> None:
    lattice = Lattice(*batch.arguments, allowed)
    plain = batch.enumerations(allowed)
    size = 1 + max(np.abs(x).max(initial=0) for x in batch.arguments[:2])
    np.testing.assert_allclose(
        lattice.log_z, [one.log_z for one in plain], rtol=1e-11, atol=1e-12 * size
    )
    marginals = np.concatenate([one.marginals() for one in plain])
    np.testing.assert_allclose(lattice.marginals(), marginals, rtol=1e-8, atol=1e-10)
    transitions = sum(one.expected_transitions() for one in plain)
    np.testing.assert_allclose(lattice.expected_transitions(), transitions, rtol=1e-8, atol=1e-9)
    spans = batch.all_spans()
    np.testing.assert_allclose(
        lattice.span_probabilities(spans), span_probabilities(batch, plain), rtol=1e-8, atol=1e-10
    )


# Long documents in pieces


def long_batch(rng, n_labels, scale):
    """Documents of very different lengths, with tags that are not allowed here and there."""
    lengths = rng.permutation([0, 1, 7, 40, 41, 90, 200])
    n, tags = int(lengths.sum()), n_tags(n_labels)
    emissions = scale * rng.normal(size=(n, tags))
    emissions[:, 0] += 1
    allowed = rng.uniform(size=(n, tags)) < 0.9
    allowed[:, 0] = True
    return emissions, rng.normal(size=(n_labels + 1, n_labels + 1)), lengths, allowed


@pytest.mark.parametrize("scale", [0.01, 1.0, 6.0])
@pytest.mark.parametrize("reach", [1, 4, 16, 30])
def test_pieces_sum_to_the_same(monkeypatch, scale, reach):
    rng = np.random.RandomState(reach)
    *scores, allowed = long_batch(rng, 2, scale)
    for mask in (None, allowed):
        whole = Lattice(*scores, mask)
        with monkeypatch.context() as patch:
            patch.setattr(steps, "GROUP", 100)
            pieces = Lattice(*scores, mask, reach=reach)
        np.testing.assert_allclose(pieces.log_z, whole.log_z, rtol=1e-9)
        np.testing.assert_allclose(pieces.marginals(), whole.marginals(), rtol=1e-5, atol=1e-9)
        np.testing.assert_allclose(
            pieces.expected_transitions(), whole.expected_transitions(), rtol=1e-6, atol=1e-9
        )
        spans, probabilities = whole.likely_spans(0.01)
        assert len(spans) > 5
        np.testing.assert_allclose(pieces.span_probabilities(spans), probabilities, rtol=1e-5)


def test_likely_spans_and_probabilities_are_the_same_part_by_part(monkeypatch):
    """Spans that begin in one part and end some parts further are found as well."""
    rng = np.random.RandomState(0)
    n = 300
    emissions = rng.normal(size=(n, n_tags(2)))
    emissions[:, [1 + IN, 5 + IN]] += 3  # long entities
    arguments = emissions, rng.normal(size=(3, 3)), np.array([n - 2, 0, 2])
    spans, probabilities = Lattice(*arguments).likely_spans(1e-4)
    assert (np.diff(spans[:, :2]) > 25).sum() > 100
    monkeypatch.setattr(steps, "GROUP", 10)
    monkeypatch.setattr(lattice_module, "REACH", 8)
    parted, sure = likely_spans(*arguments, None, 1e-4)
    expected = dict(zip(map(tuple, spans.tolist()), probabilities.tolist(), strict=True))
    found = dict(zip(map(tuple, parted.tolist()), sure.tolist(), strict=True))
    assert len(found) == len(parted)
    assert found == pytest.approx(expected, rel=1e-5)
    again = lattice_module.span_probabilities(*arguments, None, spans)
    np.testing.assert_allclose(again, probabilities, rtol=1e-5)


@pytest.mark.parametrize("reach", [1, 5, 50, 1000])
def test_every_token_is_in_one_piece_of_its_own_document(reach):
    lengths = np.array([0, 1, 100, 0, 251, 3])
    pieces = Pieces.of(lengths, reach)
    stops = pieces.starts + pieces.lengths
    assert pieces.starts.tolist() == [0, *stops[:-1]]
    assert stops[-1] == lengths.sum()
    edges = np.cumsum(lengths)
    assert pieces.begins.tolist() == np.isin(pieces.starts, edges - lengths).tolist()
    assert pieces.ends.tolist() == np.isin(stops, edges).tolist()
    assert pieces.begins.sum() == pieces.ends.sum() == 4
    assert pieces.borders().tolist() == stops[~pieces.ends].tolist()
    assert (pieces.lengths >= np.minimum(reach, lengths[lengths > 0].min())).all()
    assert (pieces.lengths[~(pieces.begins & pieces.ends)] >= reach).all()
    assert (len(pieces.starts) > 4) == (reach < 1000)


def test_pieces_that_do_not_fit_together_overlap_more(monkeypatch):
    """A label that goes on for certain is remembered from the start of the document."""
    n = 60
    emissions = np.full((n, n_tags(2)), -40.0)
    emissions[:, [1 + IN, 5 + IN]] = 0  # once inside, everything stays inside
    emissions[0, [1, 5]] = [0, 1]
    emissions[-1, [1 + LAST, 5 + LAST]] = 0
    arguments = emissions, np.zeros((3, 3)), np.array([n])
    whole = Lattice(*arguments).marginals()
    tried = []
    of = Pieces.of
    monkeypatch.setattr(Pieces, "of", lambda lengths, by: (tried.append(by), of(lengths, by))[1])
    pieces = Lattice(*arguments, reach=3).marginals()
    np.testing.assert_allclose(pieces, whole, atol=1e-8)
    assert whole[30, 1 + IN] == pytest.approx(1 / (1 + np.e), rel=1e-6)
    assert tried[0] == 3
    assert len(tried) > 2


def span_probabilities(batch, enumerations):
    """The probabilities of all spans of the batch, in the order of `all_spans`."""
    return [
        one.span_probability(start - of.start, end - of.start, label)
        for of, one in zip(batch.documents(), enumerations, strict=True)
        for start, end, label in batch.all_spans()
        if of.start <= start < of.stop
    ]


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


@given(batch=batches(dtype="float32"))
@examples(20)
def test_float32_scores_are_summed_in_float64(batch):
    assert_equals_enumeration(batch, None)


@given(batch=batches(), masked=st.booleans(), threshold=st.sampled_from([0.0, 0.03, 0.3, 0.7]))
@examples(100)
def test_likely_spans_are_those_above_the_threshold(batch, masked, threshold):
    allowed = batch.allowed if masked else None
    spans, probabilities = Lattice(*batch.arguments, allowed).likely_spans(threshold)
    assert spans.shape == (len(probabilities), 3)
    assert spans.dtype == np.int64
    every = batch.all_spans().tolist()
    plain = span_probabilities(batch, batch.enumerations(allowed))
    # Rounding decides about spans whose probability is the threshold.
    assume(not any(0 < abs(p - threshold) < 1e-9 for p in plain))
    expected = {tuple(s): p for s, p in zip(every, plain, strict=True) if p > threshold}
    found = dict(zip(map(tuple, spans.tolist()), probabilities.tolist(), strict=True))
    assert len(found) == len(spans)
    assert found == pytest.approx(expected, rel=1e-8)


@given(batch=batches(scales=(0.1, 10.0, LARGE), dtype="float32"), masked=st.booleans())
@examples(100)
def test_probabilities_for_prediction_are_the_same_to_six_digits(batch, masked):
    """Sums in float32 go on in float64 where scores lie too far apart for them."""
    allowed = batch.allowed if masked else None
    lattice = Lattice(*batch.arguments, allowed)
    spans = batch.all_spans()
    expected = lattice.span_probabilities(spans)
    found = lattice_module.span_probabilities(*batch.arguments, allowed, spans)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    assume(not (np.abs(expected - 0.1) < 1e-4).any())  # rounding decides about these
    likely, probabilities = likely_spans(*batch.arguments, allowed, 0.1)
    surely, exact = lattice.likely_spans(0.1)
    assert likely.tolist() == surely.tolist()
    np.testing.assert_allclose(probabilities, exact, rtol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_likelier_than_certain(seed):
    """Rounding takes some of these above 1 in float32."""
    rng = np.random.RandomState(seed)
    emissions = rng.normal(size=(400, n_tags(1))).astype("float32")
    emissions[::2, 1 + BEGIN] += 9
    emissions[1::2, 1 + LAST] += 9
    arguments = emissions, rng.normal(size=(2, 2)), np.array([400])
    assert likely_spans(*arguments, None, 0.9)[1].max() <= 1
    assert len(likely_spans(*arguments, None, 1.0)[0]) == 0


def test_one_document_without_tokens():
    empty = Lattice(np.zeros((0, 5)), np.zeros((2, 2)), np.asarray([0]))
    assert empty.log_z.tolist() == [0.0]
    assert empty.marginals().shape == (0, 5)
    assert (empty.expected_transitions() == 0).all()
    assert empty.span_probabilities(np.zeros((0, 3), dtype=int)).shape == (0,)
    assert [len(found) for found in empty.likely_spans(0.5)] == [0, 0]


def test_no_documents():
    none = Lattice(np.zeros((0, 5)), np.zeros((2, 2)), np.zeros(0, dtype=np.int32))
    assert none.log_z.shape == (0,)
    assert (none.expected_transitions() == 0).all()


@given(batch=batches(max_docs=3))
@examples(40)
def test_documents_do_not_influence_each_other(batch):
    emissions, transitions, lengths = batch.arguments
    together = Lattice(emissions, transitions, lengths, batch.allowed)
    best = best_tags(emissions, transitions, lengths, batch.allowed)
    marginals, transitions_taken = together.marginals(), np.zeros(transitions.shape)
    for document, of in enumerate(batch.documents()):
        own = (emissions[of], transitions, lengths[document : document + 1], batch.allowed[of])
        alone = Lattice(*own)
        np.testing.assert_allclose(alone.log_z[0], together.log_z[document], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(alone.marginals(), marginals[of], rtol=1e-9, atol=1e-12)
        transitions_taken += alone.expected_transitions()
        assert best_tags(*own).tolist() == best[of].tolist()
    np.testing.assert_allclose(
        together.expected_transitions(), transitions_taken, rtol=1e-9, atol=1e-12
    )


@given(batch=batches(scales=(1.0, LARGE)))
@examples(60)
def test_single_path_equals_the_lattice_on_one_allowed_tag_for_each_token(batch):
    n_tokens, columns = batch.allowed.shape
    gold = best_tags(*batch.arguments)
    one_hot = np.zeros((n_tokens, columns), dtype=bool)
    one_hot[np.arange(n_tokens), gold] = True
    lattice = Lattice(*batch.arguments, one_hot)
    single = SinglePath(*batch.arguments, gold)
    np.testing.assert_allclose(single.log_z, lattice.log_z, rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(single.marginals(), lattice.marginals(), atol=1e-9)
    np.testing.assert_allclose(
        single.expected_transitions(), lattice.expected_transitions(), atol=1e-9
    )


# The best sequence


def assert_best(batch: Batch, allowed: np.ndarray | None) -> None:
    emissions, transitions, lengths = batch.arguments
    best = best_tags(emissions, transitions, lengths, allowed)
    assert best.shape == (len(emissions),)
    for of, plain in zip(batch.documents(), batch.enumerations(allowed), strict=True):
        tags = best[of].tolist()
        assert tags in plain.paths.tolist()
        score = path_score(emissions[of], transitions, tags)
        np.testing.assert_allclose(score, plain.scores.max(), rtol=1e-12, atol=1e-12)


@given(batch=batches(scales=(1.0, 4.0)), masked=st.booleans(), towards=st.floats(0, 6))
@examples(150)
def test_words_that_are_surely_outside_are_o_in_the_best_sequence(batch, masked, towards):
    batch.scores.emissions[:, 0] += towards
    emissions, transitions, lengths = batch.arguments
    allowed = batch.allowed if masked else None
    scores = mask_scores(emissions, allowed)
    assume(scores.shape[1] > 1 and len(scores))
    outside = surely_outside(scores, transitions.astype(float), np.asarray(lengths, dtype=np.int64))
    best = [one.paths[one.scores.argmax()] for one in batch.enumerations(allowed)]
    assert (np.concatenate(best)[outside] == 0).all()


def test_plain_text_is_surely_outside_but_for_its_names():
    rng = np.random.RandomState(0)
    emissions = rng.normal(size=(400, n_tags(3)))
    emissions[:, 0] += 9
    emissions[100, 1 + UNIT], emissions[200, 5], emissions[201, 5 + LAST] = 20, 20, 20
    transitions = rng.normal(size=(4, 4))
    outside = surely_outside(emissions, transitions, np.array([150, 250]))
    assert np.count_nonzero(~outside) < 20
    assert not outside[[100, 200, 201]].any()
    tags = best_tags(emissions, transitions, np.array([150, 250]))
    assert np.flatnonzero(tags).tolist() == [100, 200, 201]


@given(batch=batches(scales=(1.0, LARGE, *TOO_LARGE)), masked=st.booleans())
@examples(80)
def test_best_tags_equal_enumeration(batch, masked):
    assert_best(batch, batch.allowed if masked else None)


@pytest.mark.parametrize("size", [1, 30, 100])
def test_best_tags_are_the_same_however_many_tokens_are_gone_through_at_a_time(monkeypatch, size):
    *scores, allowed = long_batch(np.random.RandomState(0), 2, 1.0)
    whole = best_tags(*scores, allowed)
    monkeypatch.setattr(steps, "GROUP", size)
    assert best_tags(*scores, allowed).tolist() == whole.tolist()
    assert np.count_nonzero(whole) > 20


@given(batch=batches(scales=(0.0,)))
@examples(20)
def test_best_tags_are_legal_where_all_scores_are_equal(batch):
    assert_best(batch, batch.allowed)


# Long documents, many labels


def log_sums(emissions, transitions):
    """log Z of one document, token by token in log space over the full set of tags."""
    columns = emissions.shape[1]
    pairs = np.full((columns, columns), -np.inf)
    for p, q in product(range(columns), repeat=2):
        if is_step(p, q):
            enters = q == 0 or (q - 1) % 4 in (BEGIN, UNIT)
            pairs[p, q] = transitions[closed_class(p), closed_class(q)] if enters else 0.0
    scores = np.full(columns, -np.inf)
    scores[0] = 0.0
    for row in emissions:
        scores = np.logaddexp.reduce(scores[:, None] + pairs, axis=0) + row
    can_end = [p == 0 or (p - 1) % 4 in (LAST, UNIT) for p in range(columns)]
    return np.logaddexp.reduce(scores[can_end])


def is_step(before, tag):
    is_open = before > 0 and (before - 1) % 4 in (BEGIN, IN)
    goes_on = tag > 0 and (tag - 1) % 4 in (IN, LAST)
    return is_open == goes_on and (not is_open or (before - 1) // 4 == (tag - 1) // 4)


def closed_class(tag):
    return 0 if tag == 0 else 1 + (tag - 1) // 4


@given(batch=batches(max_docs=1, max_tokens=4))
@examples(20)
def test_log_space_reference_equals_enumeration(batch):
    emissions, transitions, _ = batch.arguments
    expected = batch.enumerations()[0].log_z
    np.testing.assert_allclose(log_sums(emissions, transitions), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("mean", [-50.0, 0.0, 50.0])
def test_a_long_document_neither_underflows_nor_overflows(mean):
    rng = np.random.RandomState(0)
    n, labels = 5000, 2
    emissions, T = mean + rng.normal(size=(n, n_tags(labels))), rng.normal(size=(3, 3))
    lengths = np.asarray([n])
    lattice = Lattice(emissions, T, lengths)
    np.testing.assert_allclose(lattice.log_z[0], log_sums(emissions, T), rtol=1e-12)
    np.testing.assert_allclose(lattice.marginals().sum(axis=1), 1, rtol=1e-9)
    tags = best_tags(emissions, T, lengths)
    assert is_legal(tags.tolist())
    assert lattice.log_z[0] > path_score(emissions, T, tags.tolist())
    far_span = np.asarray([[n - 3, n, 1]])
    columns = 1 + 4 * 1 + np.asarray([BEGIN, IN, LAST])
    only_span = np.ones((n, n_tags(labels)), dtype=bool)
    only_span[n - 3 :] = False
    only_span[np.arange(n - 3, n), columns] = True
    share = Lattice(emissions, T, lengths, only_span).log_z - lattice.log_z
    np.testing.assert_allclose(lattice.span_probabilities(far_span), np.exp(share), rtol=1e-8)


def test_many_labels():
    rng = np.random.RandomState(0)
    n, labels = 6, 200
    emissions, T = rng.normal(size=(n, n_tags(labels))), rng.normal(size=(labels + 1, labels + 1))
    lengths = np.asarray([n])
    lattice = Lattice(emissions, T, lengths)
    np.testing.assert_allclose(lattice.log_z[0], log_sums(emissions, T), rtol=1e-11)
    marginals = lattice.marginals()
    np.testing.assert_allclose(marginals.sum(axis=1), 1, rtol=1e-9)
    # Each O, B and U is entered once, by one transition.
    entered = marginals[:, 0].sum() + marginals[:, 1 + BEGIN :: 4].sum()
    entered += marginals[:, 1 + UNIT :: 4].sum()
    np.testing.assert_allclose(lattice.expected_transitions().sum(), entered, rtol=1e-9)
    assert is_legal(best_tags(emissions, T, lengths).tolist())


# Bad input


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("function", [Lattice, best_tags])
def test_scores_that_are_not_finite_are_named(function, bad):
    emissions = np.zeros((5, 5))
    emissions[3, 1] = bad
    with pytest.raises(ValueError, match=r"not finite numbers \(first at token 3"):
        function(emissions, np.zeros((2, 2)), np.asarray([2, 3]))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("function", [Lattice, best_tags])
def test_transitions_that_are_not_finite_are_an_error(function, bad):
    transitions = np.zeros((2, 2))
    transitions[0, 1] = bad
    with pytest.raises(ValueError, match="not finite"):
        function(np.zeros((2, 5)), transitions, np.asarray([2]))


@pytest.mark.parametrize("function", [Lattice, best_tags])
def test_a_token_without_any_allowed_tag_is_named(function):
    allowed = np.ones((5, 5), dtype=bool)
    allowed[4] = False
    with pytest.raises(ValueError, match="No tag is allowed for token 4"):
        function(np.zeros((5, 5)), np.zeros((2, 2)), np.asarray([2, 3]), allowed)


@pytest.mark.parametrize(
    "columns",
    [
        [1 + BEGIN, 0],
        [0, 1 + LAST],
        [0, 1 + BEGIN],
        [1 + IN, 1 + LAST],
        [1 + BEGIN, 5 + LAST],
        [1 + UNIT, 1 + IN],
    ],
)
@pytest.mark.parametrize("function", [Lattice, best_tags])
def test_masks_that_contradict_each_other_are_an_error(function, columns):
    allowed = np.ones((5, 9), dtype=bool)
    allowed[3:] = False
    allowed[[3, 4], columns] = True
    with pytest.raises(ValueError, match=r"Document 2 .* has no legal tag sequence"):
        function(np.zeros((5, 9)), np.zeros((3, 3)), np.asarray([3, 0, 2]), allowed)


def test_mask_scores_leaves_the_emissions_alone():
    emissions = np.arange(6, dtype=np.float32).reshape(2, 3)
    allowed = np.asarray([[True, False, True], [False, False, True]])
    scores = mask_scores(emissions, allowed)
    assert scores.dtype == np.float32
    assert scores.tolist() == [[0, -np.inf, 2], [-np.inf, -np.inf, 5]]
    assert emissions.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert mask_scores(emissions, None).tolist() == emissions.tolist()
