from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_window_ner.sequences.tags import (
    n_labels,
    n_tags,
    spans_to_tags,
    tags_to_spans,
)
from tests.helpers import NO_SPANS, entities_of, examples, is_legal, legal_sequences


@st.composite
def sequences(draw, max_labels=3):
    """A legal sequence, of one or several documents one behind another."""
    labels = draw(st.integers(0, max_labels))
    lengths = draw(st.lists(st.integers(0, 4), max_size=3))
    parts = [draw(st.sampled_from(legal_sequences(length, labels))) for length in lengths]
    return [tag for part in parts for tag in part]


@given(number=st.integers(0, 2000))
@examples(50)
def test_number_of_tags_and_labels(number):
    assert n_tags(number) == 1 + 4 * number
    assert n_labels(n_tags(number)) == number


@pytest.mark.parametrize("number", [0, -3, 2, 3, 4, 6, 128])
def test_a_number_of_tags_that_no_label_set_gives_is_an_error(number):
    with pytest.raises(ValueError, match=f"got {number}\\. Set nO = null"):
        n_labels(number)


@pytest.mark.parametrize(("n_tokens", "n_labels"), [(0, 1), (1, 0), (1, 3), (3, 2), (5, 1)])
def test_legal_sequences_of_the_reference(n_tokens, n_labels):
    every = product(range(n_tags(n_labels)), repeat=n_tokens)
    expected = [tags for tags in every if is_legal(tags)]
    assert sorted(legal_sequences(n_tokens, n_labels)) == expected


@given(tags=sequences())
@examples(100)
def test_spans_of_tags_and_tags_of_spans(tags):
    spans = tags_to_spans(np.asarray(tags, dtype=np.int32))
    assert spans.shape == (len(spans), 3)
    assert spans.dtype == np.int64
    assert [tuple(row) for row in spans.tolist()] == entities_of(tags)
    back = spans_to_tags(spans, len(tags))
    assert back.dtype == np.int32
    assert back.tolist() == tags


@given(tags=sequences(), data=st.data())
@examples(50)
def test_spans_may_come_in_any_order(tags, data):
    spans = data.draw(st.permutations(entities_of(tags)))
    rows = np.asarray(spans, dtype=np.int64).reshape(-1, 3)
    assert spans_to_tags(rows, len(tags)).tolist() == tags


@pytest.mark.parametrize("n_tokens", [0, 3])
def test_no_spans(n_tokens):
    tags = spans_to_tags(NO_SPANS, n_tokens)
    assert tags.tolist() == [0] * n_tokens
    assert tags_to_spans(tags).shape == (0, 3)
