import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spacy_window_ner.layers.rows import add_rows, sum_rows
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
