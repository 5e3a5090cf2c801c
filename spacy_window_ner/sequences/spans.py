"""Probabilities of spans.

Tag sequences form a Markov chain: given that an entity is open, whether it ends at the next token
does not depend on where it began. So the probability that tokens s to t are an entity of label x
is, with the marginals m of the tags of x,

    m_U(s) if s = t, else m_B(s) · Π_{s < u < t} m_I(u) / open(u) · m_L(t) / open(t)

where open = m_I + m_L, and 0 where that is 0. Where tokens are independent of each other, as they
are for `softmax` and `logistic`, it is the product of the probabilities of the tags: open = 1.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .batching import Floats, Ints, Lengths
from .tags import BEGIN, IN, LAST, TAGS_PER_LABEL, UNIT, tags_of_spans

# Up to this number of spans of one token and beginnings of spans, a loop in Python takes less time
# than arrays do: half of it for a document of 20 words.
FEW = 32
# Tokens and labels, (n,) each.
Places = tuple[Ints, ...]


def span_probabilities(
    marginals: Floats, spans: NDArray[np.integer], *, is_chain: bool = True
) -> NDArray[np.float64]:
    """Compute the probability that each span is an entity.

    marginals (ndarray): Shape (n_tokens, n_tags), the probability of each tag at each token.
    spans (ndarray): Shape (n_spans, 3), rows (start, end, label number), tokens counted through the
        batch, end exclusive. They may overlap.
    is_chain (bool): Whether the tags are a Markov chain; otherwise tokens are independent.
    RETURNS (ndarray): Shape (n_spans,).
    """
    tokens, tags, first = tags_of_spans(spans)
    factors = marginals[tokens, tags].astype(np.float64)
    if is_chain:
        of_label = tags - (tags - 1) % TAGS_PER_LABEL
        is_open = marginals[tokens, of_label + IN] + marginals[tokens, of_label + LAST]
        is_open[first] = 1
        np.divide(factors, is_open, out=factors, where=is_open > 0)
    return np.multiply.reduceat(factors, first)


def likely_spans(
    marginals: Floats,
    threshold: float | NDArray[np.float64],
    ends: Lengths,
    *,
    is_chain: bool = True,
) -> tuple[Ints, NDArray[np.float64]]:
    """Find all spans whose probability is above a threshold. They may overlap.

    marginals (ndarray): Shape (n_tokens, n_tags), the probability of each tag at each token.
    threshold (Union[float, ndarray]): From 0 to 1; one for all labels or one for each (n_labels,).
    ends (ndarray): Shape (n_docs,), the end of each document, exclusive.
    is_chain (bool): Whether the tags are a Markov chain; otherwise tokens are independent.
    RETURNS (Tuple[ndarray, ndarray]): Spans (n_spans, 3), rows (start, end, label number) in the
        order of the text, tokens counted through the batch, and their probabilities (n_spans,).
    """
    m = [marginals[:, 1 + p :: TAGS_PER_LABEL] for p in range(TAGS_PER_LABEL)]
    least = np.empty(m[UNIT].shape[1], dtype=marginals.dtype)
    least[:] = threshold
    single, first = (m[UNIT] > least).nonzero(), (m[BEGIN] > least).nonzero()
    find = _one_by_one if len(single[0]) + len(first[0]) <= FEW else _side_by_side
    return find(m, single, first, least, ends, is_chain)


def _one_by_one(
    m: Sequence[Floats], single: Places, first: Places, least: Floats, ends: Lengths, is_chain: bool
) -> tuple[Ints, NDArray[np.float64]]:
    """The same as `_side_by_side`, in Python's numbers."""
    _, m_I, m_L, m_U = m
    found = [(i, i + 1, label, float(m_U[i, label])) for i, label in _pairs(single)]
    of_labels, last, is_open = least.tolist(), set(np.asarray(ends).tolist()), m_I + m_L
    for start, label in _pairs(first):
        p, end, low = float(m[BEGIN][start, label]), start + 1, of_labels[label]
        while p > low and end not in last:
            if is_chain:
                p /= max(float(is_open[end, label]), p)  # p is not larger, except for rounding
            p_ends, p = p * float(m_L[end, label]), p * float(m_I[end, label])
            end += 1
            if p_ends > low:
                found.append((start, end, label, p_ends))
    found.sort()
    spans = np.asarray([span[:3] for span in found], dtype=np.int64).reshape(-1, 3)
    return spans, np.asarray([span[3] for span in found], dtype=np.float64)


def _pairs(places: Places) -> Iterator[tuple[int, int]]:
    return zip(places[0].tolist(), places[1].tolist(), strict=True)


def _side_by_side(
    m: Sequence[Floats], single: Places, first: Places, least: Floats, ends: Lengths, is_chain: bool
) -> tuple[Ints, NDArray[np.float64]]:
    """Lengthen spans from where they begin.

    m (Sequence[ndarray]): Shape (n_tokens, n_labels) each, the marginals of B, I, L and U.
    single (Tuple[ndarray, ndarray]): The tokens and labels of likely spans of one token (n,).
    first (Tuple[ndarray, ndarray]): Those of likely beginnings (n,).
    least (ndarray): Shape (n_labels,), the threshold of each label.
    ends (ndarray): Shape (n_docs,), the end of each document, exclusive.
    is_chain (bool): Whether the tags are a Markov chain.
    RETURNS (Tuple[ndarray, ndarray]): See `likely_spans`.
    """
    m_B, m_I, m_L, m_U = m
    start, label = single
    found = [(start, start + 1, label, m_U[start, label])]
    goes_on = np.ones(len(m_B) + 1, dtype=bool)
    goes_on[ends] = False
    start, label = (places[goes_on[first[0] + 1]] for places in first)
    p, end = m_B[start, label].astype(np.float64), start + 1
    while len(p):
        stays, leaves = m_I[end, label], m_L[end, label]
        if is_chain:
            p /= np.maximum(stays + leaves, p)  # p is not larger, except for rounding
        p_ends, p, end = p * leaves, p * stays, end + 1
        likely, longer = p_ends > least[label], (p > least[label]) & goes_on[end]
        found.append((start[likely], end[likely], label[likely], p_ends[likely]))
        start, end, label, p = start[longer], end[longer], label[longer], p[longer]
    start, end, label, p = map(np.concatenate, zip(*found, strict=True))
    order = np.lexsort((label, end, start))
    spans = np.empty((len(order), 3), dtype=np.int64)
    spans[:, 0], spans[:, 1], spans[:, 2] = start[order], end[order], label[order]
    return spans, p[order].astype(np.float64)
