"""The order in which sums and maxima over tag sequences go through a batch, and its scores.

The documents of a batch go step by step together, longest first, so that step t is one
contiguous block of rows: the t-th tokens of all documents that have so many.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .tags import BEGIN, IN, LAST, TAGS_PER_LABEL, UNIT

# How many tokens are gone through at a time, for the sake of memory.
GROUP = 2**16


@dataclass(frozen=True)
class Steps:
    """The order in which the tokens of a batch are visited.

    tokens (ndarray): Shape (n_tokens,), the token at each place of the order.
    bounds (ndarray): Shape (n_steps + 1,); step t is the places bounds[t] to bounds[t + 1].
    documents (ndarray): Shape (n_docs,), the documents that have tokens, longest first. The
        i-th row of each step belongs to the i-th of them.
    sequences (ndarray): Shape (n_tokens,), the document at each place.
    """

    tokens: NDArray[np.int64]
    bounds: NDArray[np.int64]
    documents: NDArray[np.int64]
    sequences: NDArray[np.int64]

    @classmethod
    def of(cls, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> "Steps":
        """Order the tokens of sequences: documents, or stretches of text, which may overlap.

        starts (ndarray): Shape (n_sequences,), the first token of each.
        lengths (ndarray): Shape (n_sequences,), the number of tokens of each.
        RETURNS (Steps): The order, with sequences in the place of documents.
        """
        if len(lengths) == 1 and lengths[0]:  # one sentence should not take long
            bounds = np.arange(lengths[0] + 1)
            sequences = np.zeros(lengths[0], dtype=np.int64)
            return cls(starts + bounds[:-1], bounds, sequences[:1], sequences)
        documents = np.argsort(-lengths, kind="stable")
        documents = documents[: np.count_nonzero(lengths)]
        ordered = lengths[documents]
        n_steps = int(ordered[0]) if len(ordered) else 0
        # Step t has as many rows as there are documents longer than t.
        sizes = np.searchsorted(-ordered, -np.arange(n_steps), side="left")
        bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        step = np.repeat(np.arange(n_steps), sizes)
        row = np.arange(len(step)) - bounds[step]
        sequences = documents[row]
        return cls(starts[sequences] + step, bounds, documents, sequences)

    def last_places(self) -> NDArray[np.int64]:
        """The place of the last token of each sequence: (n_sequences,), in their order."""
        sizes = np.diff(self.bounds)
        steps_of = np.searchsorted(-sizes, -np.arange(len(self.documents)), side="left")
        return self.bounds[steps_of - 1] + np.arange(len(self.documents))

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Bounds (first, last + 1) of the places of each step, from first to last."""
        bounds = self.bounds.tolist()
        return pairwise(bounds)

    def __reversed__(self) -> Iterator[tuple[int, int]]:
        """The same from last to first."""
        bounds = self.bounds.tolist()
        return zip(bounds[-2::-1], bounds[:0:-1], strict=True)


def groups_of(lengths: NDArray[np.int64]) -> Iterator[slice]:
    """Split sequences, so that memory is bounded.

    lengths (ndarray): Shape (n_sequences,), the number of tokens of each.
    RETURNS (Iterator[slice]): Sequences of about `GROUP` tokens together, or one that is longer.
    """
    number = np.cumsum(lengths) // GROUP
    bounds = np.flatnonzero(np.diff(number)) + 1
    for first, last in pairwise([0, *bounds.tolist(), len(number)]):
        yield slice(first, last)


def document_edges(
    lengths: NDArray[np.integer],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the first and the last token of each document that has any.

    lengths (ndarray): Shape (n_docs,), the number of tokens of each document.
    RETURNS (Tuple[ndarray, ndarray]): Shape (n_docs with tokens,) each.
    """
    sizes: NDArray[np.int64] = np.asarray(lengths, dtype=np.int64)
    sizes = sizes[sizes > 0]
    ends = np.cumsum(sizes)
    return ends - sizes, ends - 1


def mask_scores(
    emissions: NDArray, allowed: NDArray[np.bool_] | None, *, first: int = 0
) -> NDArray:
    """Emissions, −∞ where a tag is not allowed.

    emissions (ndarray): Shape (n_tokens, n_tags).
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
    first (int): Which token of the batch is the first of these, for messages.
    RETURNS (ndarray): Shape (n_tokens, n_tags), the emissions themselves if every tag is allowed.
    RAISES (ValueError): If a score is not a finite number, or a token has no tag left.
    """
    if not np.isfinite(emissions).all():
        token = first + int(np.argmin(np.isfinite(emissions).all(axis=1)))
        raise ValueError(
            f"The network's scores are not finite numbers (first at token {token} of the batch): "
            f"training has diverged. Lower the learning rate, set grad_clip, or check the vectors."
        )
    if allowed is None:
        return emissions
    empty = ~allowed.any(axis=1)
    if empty.any():
        token = first + int(np.argmax(empty))
        raise ValueError(f"No tag is allowed for token {token} of the batch.")
    return np.where(allowed, emissions, np.asarray(-np.inf, dtype=emissions.dtype))


def split_tags(scores: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray, NDArray]:
    """Look at the columns of tags by their position in an entity.

    scores (ndarray): Shape (n, n_tags).
    RETURNS (Tuple[ndarray, …]): Views: O (n,), and B, I, L, U (n, n_labels) each.
    """
    of_label = [scores[:, 1 + p :: TAGS_PER_LABEL] for p in (BEGIN, IN, LAST, UNIT)]
    return scores[:, 0], of_label[0], of_label[1], of_label[2], of_label[3]


def require_finite(transitions: NDArray) -> None:
    """Refuse transition scores that are not numbers.

    transitions (ndarray): Shape (n_labels + 1, n_labels + 1).
    RAISES (ValueError): If one is not finite.
    """
    if not np.isfinite(transitions).all():
        raise ValueError(
            "The network's transition scores are not finite numbers: training has diverged. Lower "
            "the learning rate, or set grad_clip."
        )
