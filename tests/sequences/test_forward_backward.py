"""The recursion against products of full matrices over the states, chain by chain."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_window_ner.sequences.forward_backward import (
    exponentials,
    forward_backward,
    grouped_tags,
    run_chains,
)
from spacy_window_ner.sequences.tags import BEGIN, IN, LAST, UNIT, n_tags
from tests.helpers import batches, examples


def state_matrix(row, e_T):
    """The factors (n_states, n_states) from the states before a token to those behind it.

    row (ndarray): Shape (n_tags,), exp(emission) in the order of the tags' columns.
    """
    classes = len(e_T)
    matrix = np.zeros((2 * classes - 1, 2 * classes - 1))
    matrix[:classes, 0] = e_T[:, 0] * row[0]
    for x in range(classes - 1):
        closed, inside, first = 1 + x, classes + x, 1 + 4 * x
        matrix[:classes, closed] = e_T[:, closed] * row[first + UNIT]
        matrix[:classes, inside] = e_T[:, closed] * row[first + BEGIN]
        matrix[inside, closed] = row[first + LAST]
        matrix[inside, inside] = row[first + IN]
    return matrix


def mirrored(row):
    """The same token read from right to left: B and L change places."""
    row = row.copy()
    row[1 + BEGIN :: 4], row[1 + LAST :: 4] = row[1 + LAST :: 4].copy(), row[1 + BEGIN :: 4].copy()
    return row


@st.composite
def chains(draw):
    """exp(emission) by column, exp(transition), chains that may overlap, and what they begin with.
    Forward and backward, a chain may have different tokens.
    """
    labels, lengths = draw(st.integers(0, 3)), draw(st.lists(st.integers(1, 5), max_size=4))
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    e, e_T = rng.uniform(0.1, 1, (12, n_tags(labels))), rng.uniform(0.1, 1, (labels + 1,) * 2)
    starts = rng.randint(0, 12 - 5, size=(2, len(lengths)))
    initial = rng.uniform(0.1, 1, (2, 2 * labels + 1, len(lengths)))
    return e, e_T, starts, np.asarray(lengths, dtype=np.int64), initial


@pytest.mark.parametrize("labels", [0, 1, 3])
def test_tags_are_grouped_by_position(labels):
    expected = [0] + [1 + 4 * x + p for p in (UNIT, BEGIN, LAST, IN) for x in range(labels)]
    assert grouped_tags(labels).tolist() == expected


@given(case=chains())
@examples(80)
def test_sums_are_products_of_matrices(case):
    e, e_T, starts, lengths, initial = case
    grouped = np.ascontiguousarray(e.T[grouped_tags(len(e_T) - 1)])
    sums = run_chains(grouped, e_T, starts, lengths, initial)
    for chain, length in enumerate(lengths.tolist()):
        for way, matrix in ((0, e_T), (1, e_T.T)):
            tokens = range(starts[way, chain], starts[way, chain] + length)
            state = initial[way, :, chain]
            for token in tokens if way == 0 else reversed(tokens):
                row = e[token] if way == 0 else mirrored(e[token])
                state = state @ state_matrix(row, matrix)
            np.testing.assert_allclose(sums.final()[way, :, chain], state / state.sum(), rtol=1e-10)


@given(case=chains())
@examples(60)
def test_sums_around_tokens(case):
    """Behind one chain stand the sums before its last token, taken a step further."""
    e, e_T, _, lengths, initial = case
    starts = np.stack([np.cumsum(lengths) - lengths] * 2)
    n = int(lengths.sum())
    e = np.resize(e, (n, e.shape[1]))
    grouped = np.ascontiguousarray(e.T[grouped_tags(len(e_T) - 1)])
    sums = run_chains(grouped, e_T, starts, lengths, initial)
    forward, backward, scale = sums.around_tokens(n)
    final = sums.final()
    for chain, length in enumerate(lengths.tolist()):
        start, stop = int(starts[0, chain]), int(starts[0, chain]) + length
        for token in range(start, stop):
            after = forward[:, token] @ state_matrix(e[token], e_T)
            following = forward[:, token + 1] if token + 1 < stop else final[0, :, chain]
            np.testing.assert_allclose(after / scale[token], following, rtol=1e-10)
            before = backward[:, token] @ state_matrix(mirrored(e[token]), e_T.T)
            preceding = backward[:, token - 1] if token > start else final[1, :, chain]
            np.testing.assert_allclose(before / before.sum(), preceding, rtol=1e-10)
        np.testing.assert_allclose(forward[:, start], initial[0, :, chain])
        np.testing.assert_allclose(backward[:, stop - 1], initial[1, :, chain])


@given(batch=batches())
@examples(60)
def test_the_algorithm_equals_enumeration(batch):
    emissions, transitions, lengths = batch.arguments
    sizes = np.asarray(lengths, dtype=np.int64)
    sums = forward_backward(emissions, transitions, sizes, np.dtype(np.float64))
    plain = batch.enumerations()
    marginals = np.concatenate([one.marginals() for one in plain])
    np.testing.assert_allclose(sums.marginals, marginals, rtol=1e-8, atol=1e-10)
    taken = sum(one.expected_transitions() for one in plain)
    np.testing.assert_allclose(sums.expected_transitions, taken, rtol=1e-8, atol=1e-9)
    log_z = [one.log_z for one in plain]
    np.testing.assert_allclose(sums.log_z, log_z, rtol=1e-10, atol=1e-10)


def test_exponentials_are_at_most_one():
    rng = np.random.RandomState(0)
    emissions, transitions = 1e3 + rng.normal(size=(7, 9)), 50 + rng.normal(size=(3, 3))
    e, e_T, log_divisor = exponentials(emissions, transitions, np.dtype(np.float64))
    assert e.max() <= 1
    assert e_T.max() == 1
    grouped = emissions.T[grouped_tags(2)]
    np.testing.assert_allclose(np.log(e[:5]) + log_divisor, grouped[:5] + transitions.max())
    np.testing.assert_allclose(np.log(e_T), transitions - transitions.max())
    # Inside of an entity there is no transition.
    np.testing.assert_allclose(np.log(e[5:]) + log_divisor, grouped[5:])
