"""`forward_backward` for documents of any length.

The steps of a chain wait for each other, and many short chains go faster side by side than one
long. So long documents are cut into chunks. A chain forgets its beginning, mostly within a few
tokens; so the sums that a chunk begins with are estimated from `reach` tokens before it, beginning
with all states alike. If the neighboring chunk ends with other sums than that, the reach has to be
longer, at last whole documents.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .batching import (
    GROUP,
    Floats,
    Ints,
    Mask,
    Scores,
    ScoresError,
    document_of,
    groups_of,
    mask_scores,
)
from .forward_backward import (
    SMALLEST,
    ChainSums,
    SequenceSums,
    exponentials,
    forward_backward,
    grouped_tags,
    run_chains,
    token_sums,
)
from .path import path_sums
from .short import FEW_LABELS, SHORT, sums_of_short
from .viterbi import best_tags

# How many tokens around a border between chunks are used at first.
REACH = 16
# A step takes about as long as processing this number of tokens.
TOKENS_PER_STEP = 50
# How well an estimate has to agree with what the neighboring chunk ends with, for each number.
_TOLERANCE = {np.dtype(np.float64): 1e-8, np.dtype(np.float32): 1e-5}


@dataclass(frozen=True)
class Chunks:
    """Documents, long ones cut.

    starts (ndarray): Shape (n_chunks,), the first token of each chunk.
    lengths (ndarray): Shape (n_chunks,), the number of tokens of each, 1 or more.
    begins (ndarray): Shape (n_chunks,) bool, whether its document begins with it.
    ends (ndarray): Shape (n_chunks,) bool, whether its document ends with it.
    """

    starts: Ints
    lengths: Ints
    begins: Mask
    ends: Mask

    @classmethod
    def of(cls, lengths: Ints, reach: int) -> "Chunks":
        """Cut documents evenly.

        lengths (ndarray): Shape (n_docs,), the number of tokens of each document.
        reach (int): How many tokens around a border are used.
        RETURNS (Chunks): The chunks, in the order of the text.
        """
        size = _chunk_size(int(lengths.sum()), reach)
        n_chunks = np.maximum(lengths // size, lengths > 0)
        document = np.repeat(np.arange(len(lengths)), n_chunks)
        number = np.arange(len(document)) - (np.cumsum(n_chunks) - n_chunks)[document]
        length, cuts, firsts = lengths[document], n_chunks[document], np.cumsum(lengths) - lengths
        start, stop = length * number // cuts, length * (number + 1) // cuts
        return cls(firsts[document] + start, stop - start, start == 0, stop == length)

    def groups(self) -> Iterator["Chunks"]:
        """Split them into groups of about `GROUP` tokens together, to bound memory."""
        for part in groups_of(self.lengths):
            yield Chunks(self.starts[part], self.lengths[part], self.begins[part], self.ends[part])

    def borders(self) -> Ints:
        """The first tokens after the cuts, ascending, at the edges of the group too: (n,)."""
        if self.begins.all() and self.ends.all():
            return np.zeros(0, dtype=np.int64)
        return np.union1d(self.starts[~self.begins], (self.starts + self.lengths)[~self.ends])


def _chunk_size(n: int, reach: int) -> int:
    """The least length of a chunk. Steps take size · TOKENS_PER_STEP, borders n · reach / size,
    together least where they are equal.
    """
    return max(reach, math.isqrt(reach * min(n, GROUP) // TOKENS_PER_STEP))


def sequence_sums(
    scores: Scores,
    allowed: Mask | None = None,
    *,
    dtype: DTypeLike = np.float64,
    reach: int = REACH,
) -> SequenceSums:
    """Sum over the legal tag sequences of each document.

    scores (Scores): The scores of a batch of documents.
    allowed (Optional[ndarray]): Shape (n_tokens, n_tags) bool; None allows every tag.
    dtype (DTypeLike): The type of the sums, float64 or float32. If scores leave the range of
        float32, float64 is used.
    reach (int): How many tokens around a border between chunks to use at first.
    RETURNS (SequenceSums): The sums.
    RAISES (ValueError): If scores are not finite, or a document has no legal sequence.
    """
    emissions, transitions = mask_scores(scores, allowed), scores.transitions
    lengths: Ints = np.asarray(scores.lengths, dtype=np.int64)
    if allowed is not None and np.count_nonzero(allowed) == len(allowed) > 0:
        path = path_sums(scores, allowed.nonzero()[1])
        if path is not None:  # a tenth of the time of sums over all sequences
            return SequenceSums(path[0], allowed.astype(dtype), lambda: path[1])
    with np.errstate(all="ignore"):  # sums that leave the range of floats are found afterwards
        if len(lengths) == 1 and 0 < lengths[0] <= SHORT and len(transitions) <= 1 + FEW_LABELS:
            one = sums_of_short(emissions, transitions, dtype)
            if one is not None:
                return one
        is_short = lengths.max(initial=0) < 2 * _chunk_size(len(emissions), reach)
        for float_type in dict.fromkeys([np.dtype(dtype), np.dtype(np.float64)]):
            try:
                arrays = emissions, transitions, lengths
                if is_short and len(emissions) <= GROUP:
                    return forward_backward(*arrays, float_type)
                while (sums := _sum_chunks(*arrays, float_type, reach)) is None:
                    reach *= 2
                return sums
            except FloatingPointError:
                continue
    best_tags(scores, allowed)  # raises if there is no path
    token = int(np.abs(scores.emissions).max(axis=1).argmax())
    raise ScoresError(
        "has scores that differ by more than float64 can represent (about 700)",
        document_of(token, lengths),
    )


def _sum_chunks(
    scores: NDArray, transitions: NDArray, lengths: Ints, dtype: np.dtype, reach: int
) -> SequenceSums | None:
    """Sum over all chunks, some at a time to bound memory; None if neighbors do not agree.

    RAISES (FloatingPointError): If scores lie further apart than the floats can hold.
    """
    document = np.repeat(np.arange(len(lengths)), lengths)
    columns = grouped_tags(len(transitions) - 1)
    # Marginals are stored tag by tag, as they are computed.
    marginals = np.empty(scores.shape[::-1], dtype)
    log_z, expected_transitions = np.zeros(len(lengths)), np.zeros(transitions.shape)
    for chunks in Chunks.of(lengths, reach).groups():
        start, stop = int(chunks.starts[0]), int(chunks.starts[-1] + chunks.lengths[-1])
        first = max(start - reach, 0)
        e, e_T, log_divisor = exponentials(scores[first : stop + reach], transitions, dtype)
        chains = _run_group(e, e_T, chunks, first, reach)
        if chains is None:
            return None
        last = (chunks.starts + chunks.lengths - 1 - start)[chunks.ends]
        own = slice(start - first, stop - first)
        m, growth, taken = token_sums(chains, e, e_T, last, own)
        marginals[columns, start:stop] = m
        expected_transitions += taken
        growth = np.log(growth) + log_divisor[own]
        log_z += np.bincount(document[start:stop], growth, minlength=len(lengths))
    return SequenceSums(log_z, marginals.T, lambda: expected_transitions)


def _run_group(e: Floats, e_T: Floats, chunks: Chunks, first: int, reach: int) -> ChainSums | None:
    """Run forward and backward through the chunks of one group; None if they do not agree.

    e (ndarray): Shape (n_tags, n), exp(emission) of token `first` and those after it.
    RETURNS (Optional[ChainSums]): The sums.
    """
    borders = chunks.borders() - first
    starts = np.stack([chunks.starts - first] * 2)
    initial = np.zeros((2, 2 * len(e_T) - 1, len(chunks.starts)), e_T.dtype)
    initial[0, 0] = 1  # as in `forward_backward`
    if not len(borders):
        return run_chains(e, e_T, starts, chunks.lengths, initial)
    estimated = _estimate_boundaries(e, e_T, borders, reach)
    before, after = ~chunks.begins, ~chunks.ends
    left, right = slice(before.sum()), slice(len(borders) - after.sum(), None)
    initial[0][:, before] = estimated[0][:, left]
    initial[1][:, after] = estimated[1][:, right]
    sums = run_chains(e, e_T, starts, chunks.lengths, initial)
    forward, backward = sums.final()
    agree = _agree(forward[:, after], estimated[0][:, right])
    agree = agree and _agree(backward[:, before], estimated[1][:, left])
    return sums if agree else None


def _estimate_boundaries(e: Floats, e_T: Floats, borders: Ints, reach: int) -> Floats:
    """Estimate the sums at borders from the tokens before them, and from those after.

    RETURNS (ndarray): Shape (2, n_states, n_borders), forward and backward.
    """
    starts, lengths = np.stack([borders - reach, borders]), np.full(len(borders), reach)
    alike = np.ones((2, 2 * len(e_T) - 1, len(borders)), e_T.dtype)
    return run_chains(e, e_T, starts, lengths, alike).final()


def _agree(sums: Floats, estimated: Floats) -> bool:
    """Whether sums (n_states, n) are as estimated; False if any is not a number."""
    allowance = _TOLERANCE[sums.dtype] * sums + SMALLEST[sums.dtype]
    return bool((np.abs(sums - estimated) <= allowance).all())
