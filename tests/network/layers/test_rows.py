import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spacy_window_ner.network.layers.rows import add_rows, find_sorted, sum_rows
from tests.helpers import examples


@given(data=st.data(), n=st.integers(0, 8))
@examples(60)
@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("ints", [np.int32, np.int64])
def test_add_rows(dtype, ints, data, n):
    rows = data.draw(arrays(ints, n, elements=st.integers(0, 3)))
    values = data.draw(arrays(dtype, (n, 4), elements=st.integers(-9, 9).map(float)))
    values = values[:, ::2]  # columns of a larger array
    table = np.full((4, 2), 0.5, dtype=dtype)
    expected = table.copy()
    for row, value in zip(rows, values, strict=True):
        expected[row] += value
    add_rows(table, rows, values)
    assert table.dtype == dtype
    assert table.tolist() == expected.tolist()


@given(data=st.data(), n=st.integers(0, 8), size=st.integers(1, 5))
@examples(60)
@pytest.mark.parametrize("dtype", ["f", "d"])
def test_sum_rows(dtype, data, n, size):
    rows = data.draw(arrays(np.int32, (n, size), elements=st.integers(0, 3)))
    table = np.arange(8, dtype=dtype).reshape(4, 2)
    sums = sum_rows(table, rows.T)
    assert (sums.dtype, sums.shape) == (dtype, (n, 2))
    assert sums.tolist() == [[sum(table[row, i] for row in one) for i in (0, 1)] for one in rows]


KEYS = st.sampled_from([0, 5, 2**53, 2**53 + 1, 2**63, 2**63 + 1, 2**64 - 2, 2**64 - 1])


@given(known=st.sets(KEYS), keys=st.lists(KEYS))
@examples(100)
def test_find_sorted(known, keys):
    """Keys of 64 bits that differ in the last bit only are different."""
    ordered = np.asarray(sorted(known), dtype=np.uint64)
    places, found = find_sorted(ordered, np.asarray(keys, dtype=np.uint64))
    assert found.tolist() == [key in known for key in keys]
    assert ordered[places[found]].tolist() == [key for key in keys if key in known]
