"""The order in which sums and maxima visit the tokens of a batch, and the scores they visit.

The sequences of a batch advance together, longest first, so that step t is one contiguous block of
rows: the t-th tokens of all sequences that have so many.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Lengths = NDArray[np.integer]

# About how many tokens are processed at a time, to bound memory.
GROUP = 2**16


@dataclass
class Scores:
    """The scores of a batch of documents, or their gradient.

    emissions (ndarray): Shape (n_tokens, n_tags), the score of each tag for each token.
    transitions (ndarray): Shape (n_labels + 1, n_labels + 1), scores from class to class.
    lengths (ndarray): Shape (n_docs,), the number of tokens of each document.
    """

    emissions: NDArray
    transitions: NDArray
    lengths: Lengths


class ScoresError(ValueError):
    """Invalid scores. The message is for training; see `prediction_error` for the message during
    prediction, where the cause is different.

    fact (str): The error, as the predicate of a sentence about a document or the network.
    document (Optional[int]): The index of the document in the batch; None for all of them.
    """

    def __init__(self, fact: str, document: int | None = None) -> None:
        self.fact, self.document = fact, document
        where = "The network" if document is None else f"Document {document} of the batch"
        super().__init__(
            f"{where} {fact}. Training has diverged. Lower the learning rate, set grad_clip in "
            f"[training.optimizer], or check the word vectors."
        )


@dataclass(frozen=True)
class BatchOrder:
    """The order in which the tokens of a batch are visited.

    tokens (ndarray): Shape (n_tokens,), the token at each place of the order.
    bounds (ndarray): Shape (n_steps + 1,); step t is the places bounds[t] to bounds[t + 1].
    longest_first (ndarray): Shape (n_nonempty,), the sequences that have tokens. Row i of each step
        belongs to the i-th of them.
    sequences (ndarray): Shape (n_tokens,), the sequence at each place.
    """

    tokens: Ints
    bounds: Ints
    longest_first: Ints
    sequences: Ints

    @classmethod
    def of(cls, starts: Ints, lengths: Ints) -> "BatchOrder":
        """Order the tokens of sequences: documents, or parts of them, which may overlap.

        starts (ndarray): Shape (n_sequences,), the first token of each.
        lengths (ndarray): Shape (n_sequences,), the number of tokens of each.
        RETURNS (BatchOrder): The order.
        """
        if len(lengths) == 1 and lengths[0]:  # a shortcut, for latency
            bounds = np.arange(lengths[0] + 1)
            sequences = np.zeros(lengths[0], dtype=np.int64)
            return cls(starts + bounds[:-1], bounds, sequences[:1], sequences)
        longest_first = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
        ordered = lengths[longest_first]
        n_steps = int(ordered[0]) if len(ordered) else 0
        # Step t has as many rows as there are sequences longer than t.
        sizes = np.searchsorted(-ordered, -np.arange(n_steps), side="left")
        bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        step = np.repeat(np.arange(n_steps), sizes)
        sequences = longest_first[np.arange(len(step)) - bounds[step]]
        return cls(starts[sequences] + step, bounds, longest_first, sequences)

    def previous(self) -> Ints:
        """Find what precedes each place.

        RETURNS (ndarray): Shape (n_tokens,), rows of an array (n_nonempty + n_tokens, …): first
            what precedes the sequences, longest first, and then what belongs to each place.
        """
        n = len(self.longest_first)
        sizes = np.diff(self.bounds)
        return np.arange(n, n + len(self.tokens)) - np.repeat(np.append(n, sizes)[:-1], sizes)

    def last_places(self) -> Ints:
        """The place of the last token of each sequence, longest first: (n_nonempty,)."""
        sizes = np.diff(self.bounds)
        rows = np.arange(len(self.longest_first))
        return self.bounds[np.searchsorted(-sizes, -rows, side="left") - 1] + rows


def groups_of(lengths: Ints) -> Iterator[slice]:
    """Split sequences into groups, to bound memory.

    lengths (ndarray): Shape (n_sequences,), the number of tokens of each.
    YIELDS (slice): Sequences of about `GROUP` tokens together, or a longer one.
    """
    groups = np.cumsum(lengths) // GROUP
    if not len(groups):
        return
    bounds = np.flatnonzero(groups[1:] != groups[:-1]) + 1
    for start, stop in pairwise([0, *bounds.tolist(), len(lengths)]):
        yield slice(start, stop)


def ranges(starts: Ints, lengths: Ints) -> Ints:
    """RETURNS (ndarray): Shape (Σ lengths,), the concatenated ranges that begin at each start and
    have the given lengths.
    """
    firsts = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum())) + np.repeat(starts - firsts, lengths)


def first_tokens(lengths: Lengths | Sequence[int]) -> Ints:
    """The first token of each document that has any: (n_docs,) → (n_nonempty,)."""
    if len(lengths) == 1:  # a shortcut, for latency
        return np.zeros(int(lengths[0] > 0), dtype=np.int64)
    sizes: Ints = np.asarray(lengths, dtype=np.int64)
    return (sizes.cumsum() - sizes)[sizes > 0]


def documents_with(tokens: Mask | NDArray[np.integer], lengths: Lengths) -> Mask:
    """Find the documents of some tokens.

    tokens (ndarray): The tokens' numbers (n,), or a mask (n_tokens,) bool.
    lengths (ndarray): Shape (n_docs,).
    RETURNS (ndarray): Shape (n_docs,) bool, whether any of the tokens is in the document.
    """
    document = np.repeat(np.arange(len(lengths)), lengths)
    return np.bincount(document[tokens], minlength=len(lengths)) > 0


def document_of(token: int, lengths: Lengths | Sequence[int]) -> int:
    """RETURNS (int): The number of the document that has a token of the batch."""
    return int(np.searchsorted(np.cumsum(lengths), token, side="right"))


def mask_scores(scores: Scores, allowed: Mask | None = None) -> NDArray:
    """Check that scores are numbers, and set the emissions of tags that are not allowed to −∞.

    scores (Scores): The scores of a batch of documents.
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
    RETURNS (ndarray): Shape (n_tokens, n_tags), the emissions themselves if every tag is allowed.
    RAISES (ScoresError): If a score is not a finite number.
    RAISES (ValueError): If a token has no tag left.
    """
    emissions, lengths = scores.emissions, scores.lengths
    if not np.isfinite(scores.transitions).all():
        raise ScoresError("has transition scores that are not finite numbers")
    if not np.isfinite(emissions).all():
        token = int(np.argmin(np.isfinite(emissions).all(axis=1)))
        raise ScoresError("has scores that are not finite numbers", document_of(token, lengths))
    if allowed is None:
        return emissions
    if not allowed.any(axis=1).all():
        token = int(np.argmin(allowed.any(axis=1)))
        raise ValueError(f"No tag is allowed for token {token} of the batch.")
    return np.where(allowed, emissions, np.asarray(-np.inf, dtype=emissions.dtype))
