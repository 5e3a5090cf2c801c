from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_window_ner.sequences import batching
from spacy_window_ner.sequences.batching import (
    BatchOrder,
    Scores,
    documents_with,
    groups_of,
    mask_scores,
)
from spacy_window_ner.sequences.chunked import sequence_sums
from spacy_window_ner.sequences.tags import BEGIN, IN, LAST, UNIT
from spacy_window_ner.sequences.viterbi import best_tags
from tests.helpers import document_slices, examples

LENGTHS = st.lists(st.integers(0, 6), max_size=6)
both = pytest.mark.parametrize("function", [sequence_sums, best_tags])


def order_of(lengths):
    sizes = np.asarray(lengths, dtype=np.int64)
    return BatchOrder.of(np.cumsum(sizes) - sizes, sizes)


@given(lengths=LENGTHS)
@examples(80)
def test_the_tokens_of_a_step_are_visited_together(lengths):
    order = order_of(lengths)
    assert sorted(order.tokens.tolist()) == list(range(sum(lengths)))
    slices = document_slices(lengths)
    documents = order.longest_first.tolist()
    assert sorted(documents) == [i for i, n in enumerate(lengths) if n]
    for t, (start, stop) in enumerate(pairwise(order.bounds.tolist())):
        longer = [document for document in documents if lengths[document] > t]
        assert order.sequences[start:stop].tolist() == documents[: stop - start] == longer
        assert order.tokens[start:stop].tolist() == [slices[i].start + t for i in longer]
    assert len(order.bounds) - 1 == max(lengths, default=0)


@given(lengths=LENGTHS)
@examples(80)
def test_previous_and_last_places(lengths):
    order = order_of(lengths)
    documents, slices = order.longest_first.tolist(), document_slices(lengths)
    assert order.tokens[order.last_places()].tolist() == [slices[i].stop - 1 for i in documents]
    # What precedes a token is its document where it is the first, or else the token before.
    rows = [*(("document", i) for i in documents), *order.tokens.tolist()]
    firsts = {slices[i].start: ("document", i) for i in documents}
    expected = [firsts.get(token, token - 1) for token in order.tokens.tolist()]
    assert [rows[row] for row in order.previous()] == expected


@given(lengths=LENGTHS, size=st.integers(1, 9))
@examples(60)
def test_groups_are_of_bounded_size_and_in_order(lengths, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batching, "GROUP", size)
        groups = [lengths[group] for group in groups_of(np.asarray(lengths, dtype=np.int64))]
    assert list(chain.from_iterable(groups)) == lengths
    assert all(groups)
    assert all(sum(group) <= size + max(group) for group in groups)
    together = [sum(a) + sum(b) for a, b in pairwise(groups)]
    assert all(number >= size for number in together)


@given(lengths=LENGTHS, data=st.data())
@examples(60)
def test_documents_with_a_marked_token(lengths, data):
    n = sum(lengths)
    marked = np.asarray(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=bool)
    expected = [bool(marked[of].any()) for of in document_slices(lengths)]
    for tokens in (marked, np.flatnonzero(marked)):
        found = documents_with(tokens, np.asarray(lengths, dtype=np.int32))
        assert found.tolist() == expected


def test_mask_scores_leaves_the_emissions_alone():
    emissions = np.arange(6, dtype=np.float32).reshape(2, 3)
    allowed = np.asarray([[True, False, True], [False, False, True]])
    transitions, lengths = np.zeros((2, 2), dtype=np.float32), np.asarray([2])
    scores = mask_scores(Scores(emissions, transitions, lengths), allowed)
    assert scores.dtype == np.float32
    assert scores.tolist() == [[0, -np.inf, 2], [-np.inf, -np.inf, 5]]
    assert emissions.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert mask_scores(Scores(emissions, transitions, lengths), None).tolist() == emissions.tolist()


# Bad input


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@both
def test_scores_that_are_not_finite_are_named(function, bad):
    emissions = np.zeros((5, 5))
    emissions[3, 1] = bad
    with pytest.raises(ValueError, match=r"Document 1 .*not finite numbers"):
        function(Scores(emissions, np.zeros((2, 2)), np.asarray([2, 3])))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@both
def test_transitions_that_are_not_finite_are_an_error(function, bad):
    transitions = np.zeros((2, 2))
    transitions[0, 1] = bad
    with pytest.raises(ValueError, match="not finite"):
        function(Scores(np.zeros((2, 5)), transitions, np.asarray([2])))


@both
def test_a_token_without_any_allowed_tag_is_named(function):
    allowed = np.ones((5, 5), dtype=bool)
    allowed[4] = False
    with pytest.raises(ValueError, match="No tag is allowed for token 4"):
        function(Scores(np.zeros((5, 5)), np.zeros((2, 2)), np.asarray([2, 3])), allowed)


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
@both
def test_masks_that_contradict_each_other_are_an_error(function, columns):
    allowed = np.ones((5, 9), dtype=bool)
    allowed[3:] = False
    allowed[[3, 4], columns] = True
    with pytest.raises(ValueError, match=r"Document 2 .* has no legal tag sequence"):
        function(Scores(np.zeros((5, 9)), np.zeros((3, 3)), np.asarray([3, 0, 2])), allowed)
