import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spacy_window_ner.decoding.decode import LEAST_LIKELY, Entities, decode, probabilities_of
from spacy_window_ner.objectives import OBJECTIVES, get_objective
from spacy_window_ner.sequences.batching import Scores
from tests.helpers import (
    Enumeration,
    batches,
    document_slices,
    entities_of,
    examples,
    legal_sequences,
)


@st.composite
def entities(draw):
    lengths = draw(st.lists(st.integers(0, 4), max_size=4))
    sequences = [draw(st.sampled_from(legal_sequences(length, 2))) for length in lengths]
    plain = [entities_of(sequence) for sequence in sequences]
    rows = [
        (of.start + start, of.start + end, label)
        for of, spans in zip(document_slices(lengths), plain, strict=True)
        for start, end, label in spans
    ]
    probabilities = np.linspace(0.1, 0.9, len(rows)) if draw(st.booleans()) else None
    spans = np.asarray(rows, dtype=np.int64).reshape(-1, 3)
    return Entities(spans, probabilities, np.asarray(lengths, dtype=np.int32)), plain


@given(case=entities())
@examples(100)
def test_by_document(case):
    found, plain = case
    before = found.spans.copy()
    parts = list(found.by_document())
    assert [[tuple(row) for row in spans] for spans, _ in parts] == plain
    if found.probabilities is None:
        assert all(probabilities is None for _, probabilities in parts)
    else:
        together = [p for _, probabilities in parts for p in probabilities.tolist()]
        assert together == found.probabilities.astype(np.float32).tolist()
        assert [len(p) for _, p in parts] == [len(spans) for spans in plain]
    assert found.spans.tolist() == before.tolist()


@pytest.mark.parametrize("name", OBJECTIVES)
@given(batch=batches(unseen=True), masked=st.booleans())
@examples(60)
def test_decode_finds_the_best_legal_sequence_under_the_mask(name, batch, masked):
    allowed = batch.allowed & batch.legal if masked else None
    objective = get_objective(name)
    if not objective.learns_transitions:
        batch.scores.transitions[:] = 0
    found = decode(batch.scores, objective, allowed)
    assert found.lengths is batch.scores.lengths
    assert found.probabilities.shape == (len(found.spans),)
    expected = probabilities_of(found.spans, batch.scores, objective, allowed)
    assert found.probabilities.tolist() == expected.tolist()
    assert ((found.probabilities >= 0) & (found.probabilities <= 1)).all()
    if masked:
        assert batch.legal[1 + 4 * found.spans[:, 2]].all()
    emissions, transitions, _ = batch.arguments
    for of, (spans, _) in zip(batch.documents(), found.by_document(), strict=True):
        plain = Enumeration(emissions[of], transitions, None if allowed is None else allowed[of])
        best = plain.paths[plain.scores.argmax()]
        assert [tuple(row) for row in spans] == entities_of(best)


def likeliest_first(spans, probabilities, threshold):
    """Take the spans above the threshold one by one, unless an earlier one has their tokens."""
    taken = []
    for p, (start, end, label) in sorted(
        zip(probabilities, spans, strict=True), key=lambda pair: (-pair[0], pair[1])
    ):
        if p > threshold and all(end <= other[0] or other[1] <= start for other, _ in taken):
            taken.append(((start, end, label), p))
    return sorted(taken)


@given(batch=batches(), masked=st.booleans(), threshold=st.sampled_from([0.0, 0.02, 0.2, 0.5, 0.8]))
@examples(80)
def test_with_a_threshold_the_likeliest_spans_are_the_entities(batch, masked, threshold):
    allowed = batch.allowed if masked else None
    crf = get_objective("crf")
    found = decode(batch.scores, crf, allowed, threshold=threshold)
    threshold = max(threshold, LEAST_LIKELY)
    spans = batch.all_spans()
    p = probabilities_of(spans, batch.scores, crf, allowed)
    gaps = np.diff(np.sort([*p[p > 1e-6], threshold]))
    assume((gaps > 1e-9).all())  # else rounding decides
    expected = likeliest_first(spans.tolist(), p.tolist(), threshold)
    assert [tuple(row) for row in found.spans.tolist()] == [span for span, _ in expected]
    assert found.probabilities == pytest.approx([p for _, p in expected], rel=1e-8)
    assert [len(part) for part, _ in found.by_document()] == [
        sum(of.start <= start < of.stop for (start, _, _), _ in expected)
        for of in batch.documents()
    ]


def test_probabilities_are_left_out_on_demand():
    scores = Scores(np.zeros((3, 5)), np.zeros((2, 2)), np.asarray([3]))
    assert decode(scores, get_objective("crf"), probabilities=False).probabilities is None


@pytest.mark.parametrize("name", OBJECTIVES)
def test_forced_entities_are_found_with_their_probability(name):
    scores = Scores(np.zeros((4, 5)), np.zeros((2, 2)), np.asarray([1, 3]))
    scores.emissions[:, 0] = 5  # O, if it were free
    allowed = np.ones((4, 5), dtype=bool)
    allowed[1:3] = False
    allowed[[1, 2], [1, 3]] = True
    found = decode(scores, get_objective(name), allowed)
    assert found.spans.tolist() == [[1, 3, 0]]
    expected = {"crf": 1, "softmax": 1, "logistic": 0.25}
    assert found.probabilities == pytest.approx([expected[name]])


@pytest.mark.parametrize("lengths", [[], [0], [0, 0], [2, 0, 1]])
@pytest.mark.parametrize("n_labels", [0, 1])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_without_tokens_or_labels_there_are_no_entities(name, n_labels, lengths):
    n_tokens, columns = sum(lengths), 1 + 4 * n_labels
    emissions = np.zeros((n_tokens, columns), dtype="f")
    emissions[:, 0] = 1
    transitions = np.zeros((n_labels + 1, n_labels + 1), dtype="f")
    scores = Scores(emissions, transitions, np.asarray(lengths, dtype=np.int32))
    found = decode(scores, get_objective(name))
    assert found.spans.shape == (0, 3)
    assert found.probabilities.shape == (0,)
    assert len(list(found.by_document())) == len(lengths)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_scores_that_are_not_finite_are_an_error(name):
    scores = Scores(np.full((2, 5), np.nan), np.zeros((2, 2)), np.asarray([2]))
    with pytest.raises(ValueError, match="not finite"):
        decode(scores, get_objective(name))


def test_a_mask_without_a_legal_sequence_is_an_error():
    scores = Scores(np.zeros((2, 5)), np.zeros((2, 2)), np.asarray([2]))
    with pytest.raises(ValueError, match="no legal tag sequence"):
        decode(scores, get_objective("softmax"), np.eye(5, dtype=bool)[[1, 0]])
