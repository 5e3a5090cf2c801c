"""Labels ↔ BILUO tags ↔ spans.

A token has one of 1 + 4n tags for n labels: `O`, and for each label X the four
tags `B-X`, `I-X`, `L-X`, `U-X` (begin, in, last, unit). The column of a tag is

    0                      for O
    1 + 4x + position      for label number x, position in BEGIN, IN, LAST, UNIT

so that a label added later gets columns after all the old ones.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .batching import ranges

OUTSIDE = 0
BEGIN, IN, LAST, UNIT = range(4)
TAGS_PER_LABEL = 4
MISSING = -1


def n_tags(n_labels: int) -> int:
    """Number of BILUO tags.

    n_labels (int): The number of labels.
    RETURNS (int): 1 + 4 · n_labels.
    """
    return 1 + TAGS_PER_LABEL * n_labels


def n_labels(n_tags: int) -> int:
    """Number of labels of a tag set: the inverse of `n_tags`.

    n_tags (int): The number of BILUO tags.
    RETURNS (int): The number of labels.
    RAISES (ValueError): If no number of labels gives that number of tags.
    """
    labels, remainder = divmod(n_tags - 1, TAGS_PER_LABEL)
    if remainder or labels < 0:
        raise ValueError(
            f"The number of tags must be 1 + {TAGS_PER_LABEL} · the number of labels, got "
            f"{n_tags}. Set nO = null, so that the component sets the number of tags."
        )
    return labels


def tag_names(labels: Sequence[str]) -> tuple[str, ...]:
    """The names of the BILUO tags in the order of their columns.

    labels (Sequence[str]): The labels in the order of their numbers.
    RETURNS (Tuple[str]): O, and four for each label.
    """
    return ("O", *(f"{position}-{label}" for label in labels for position in "BILU"))


def legal_tags(seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find the tags in use: O, and those of seen labels. (n_labels,) bool → (n_tags,) bool."""
    return np.append(True, np.repeat(seen, TAGS_PER_LABEL))


def tags_of_spans(
    spans: NDArray[np.integer],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Convert spans to BILUO tags, one span after another. They may overlap.

    spans (ndarray): Shape (n_spans, 3), rows (start, end, label number), end exclusive.
    RETURNS (Tuple[ndarray, ndarray, ndarray]): The tokens of each span and their tag columns
        (n,), n being the sum of the lengths; and where each span begins in these (n_spans,).
    """
    start, end, label = np.asarray(spans, dtype=np.int64).reshape(-1, 3).T
    lengths = end - start
    first = np.cumsum(lengths) - lengths
    tokens = ranges(start, lengths)
    position = np.full(len(tokens), IN)
    position[first + lengths - 1] = LAST
    position[first] = np.where(lengths == 1, UNIT, BEGIN)
    return tokens, 1 + TAGS_PER_LABEL * np.repeat(label, lengths) + position, first


def spans_to_tags(spans: NDArray[np.integer], n_tokens: int) -> NDArray[np.int32]:
    """Convert spans that do not overlap to the BILUO tags of all tokens.

    spans (ndarray): Shape (n_spans, 3), rows (start, end, label number), end exclusive.
    n_tokens (int): The number of tokens.
    RETURNS (ndarray): Shape (n_tokens,) int32, a tag column for each token.
    """
    tags = np.full(n_tokens, OUTSIDE, dtype=np.int32)
    tokens, columns, _ = tags_of_spans(spans)
    tags[tokens] = columns
    return tags


def tags_to_spans(tags: NDArray[np.integer]) -> NDArray[np.int64]:
    """Find the spans in legal BILUO sequences.

    tags (ndarray): Shape (n_tokens,), a tag column for each token of one or more documents.
    RETURNS (ndarray): Shape (n_spans, 3), rows (start, end, label number) in the order of the
        tokens, end exclusive.
    """
    tags = np.asarray(tags)
    entity = np.flatnonzero(tags > OUTSIDE)
    label, position = np.divmod(tags[entity] - 1, TAGS_PER_LABEL)
    starts = (position == BEGIN) | (position == UNIT)
    ends = (position == LAST) | (position == UNIT)
    return np.stack([entity[starts], entity[ends] + 1, label[starts]], axis=1).astype(np.int64)
