"""The forward–backward algorithm over a batch of chains (Rabiner 1989, sections III and V.A).

After each token, a sequence is in one of 2n + 1 states for n labels: class 0 (the token was `O`),
class 1 + x (an entity of label x has just ended, by `L-X` or `U-X`), or inside an entity of label x
(by `B-X` or `I-X`). The step from token to token is

    enter[q] = Σ_p closed[p] · exp T[p, q]
    closed[0] = enter[0] · e_O
    closed[X] = enter[X] · e_U + inside[X] · e_L
    inside[X] = enter[X] · e_B + inside[X] · e_I            with e = exp(emission)

which costs (n + 1)² instead of the (4n + 1)² of a matrix over tags. The marginals of the tags are
products of the sums before a token, its own factor and the sums after it, and log Z is the log of
all the factors by which the sums were rescaled (`docs/mathematics.md`, section 7).

Read backward, a sequence is of the same kind: B and L change places, and so do the ends of a
transition. So one loop takes all chains forward from their first tokens and, at the same time,
backward from their last ones. The sums are rescaled at every token. The axis of tokens is the last
one of all arrays here, because NumPy is fast along long axes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .batching import BatchOrder, Floats, Ints
from .tags import BEGIN, IN, LAST, TAGS_PER_LABEL, UNIT

# Below this share of a step's largest factor, others may have been lost to rounding to zero.
SMALLEST = {np.dtype(np.float64): 1e-150, np.dtype(np.float32): 1e-18}


@dataclass
class SequenceSums:
    """What the sums over the legal tag sequences of documents give.

    log_z (ndarray): Shape (n_docs,) float64, log of the sum over all legal sequences of
        exp(score of the sequence); 0 for a document without tokens.
    marginals (ndarray): Shape (n_tokens, n_tags), the probability of each tag at each token.
    count (Callable): See `expected_transitions`, which a prediction does not need.
    """

    log_z: NDArray[np.float64]
    marginals: Floats
    count: Callable[[], Floats]

    @property
    def expected_transitions(self) -> Floats:
        """RETURNS (ndarray): Shape (n_labels + 1, n_labels + 1), how often each transition is taken
        on average, over the whole batch.
        """
        return self.count()


def forward_backward(
    scores: NDArray, transitions: NDArray, lengths: Ints, dtype: np.dtype
) -> SequenceSums:
    """Sum over the legal tag sequences of each document, all documents side by side.

    scores (ndarray): Shape (n_tokens, n_tags), −∞ for tags that are not allowed.
    transitions (ndarray): Shape (n_labels + 1, n_labels + 1).
    lengths (ndarray): Shape (n_docs,).
    dtype (dtype): The type of the sums, float64 or float32.
    RETURNS (SequenceSums): The sums.
    RAISES (FloatingPointError): If scores lie further apart than the floats can hold.
    """
    e, e_T, log_divisor = exponentials(scores, transitions, dtype)
    sizes = lengths[lengths > 0]
    starts = sizes.cumsum() - sizes
    initial = np.zeros((2, 2 * len(e_T) - 1, len(sizes)), dtype)
    initial[0, 0] = 1  # O precedes a document, and nothing follows it
    chains = run_chains(e, e_T, np.asarray([starts, starts]), sizes, initial)
    marginals, growth, taken = token_sums(chains, e, e_T, starts + sizes - 1)
    of_tags = np.empty_like(marginals)
    of_tags[grouped_tags(len(e_T) - 1)] = marginals
    document = np.arange(len(lengths)).repeat(lengths)
    log_z = np.bincount(document, np.log(growth) + log_divisor, minlength=len(lengths))
    return SequenceSums(log_z.astype(np.float64), of_tags.T, lambda: taken.astype(np.float64))


@lru_cache(maxsize=16)
def grouped_tags(n_labels: int) -> NDArray[np.int64]:
    """Order tags by their position in an entity.

    n_labels (int): The number of labels.
    RETURNS (ndarray): Shape (n_tags,), the columns of O, U-…, B-…, L-…, I-….
    """
    positions = np.asarray([UNIT, BEGIN, LAST, IN])[:, None]
    return np.append(0, 1 + positions + TAGS_PER_LABEL * np.arange(n_labels))


def positions_of(values: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """RETURNS (Tuple[ndarray, …]): Views of the rows of O and U-…, of B-…, L-… and I-…, of an array
    whose rows are tags as in `grouped_tags`.
    """
    n = len(values) // TAGS_PER_LABEL
    B, L, I = (values[1 + i * n : 1 + (i + 1) * n] for i in (1, 2, 3))
    return values[: 1 + n], B, L, I


@dataclass(frozen=True)
class ChainSums:
    """The sums at all places of the order in which a batch of chains is visited.

    order (BatchOrder): The order.
    tokens (ndarray): Shape (2, n_places), the token at each place, forward and backward.
    states (ndarray): Shape (2, n_states, n_chains + n_places), the sums that the chains begin with,
        then those after each place, adding up to 1.
    scale (ndarray): Shape (n_places,), the factor by which the forward sums grow at each place.
    """

    order: BatchOrder
    tokens: Ints
    states: Floats
    scale: Floats

    def final(self) -> Floats:
        """The forward sums after the last token of each chain, and the backward sums before its
        first: (2, n_states, n_chains).
        """
        n_chains = len(self.order.longest_first)
        final = np.empty_like(self.states[:, :, :n_chains])
        last = n_chains + self.order.last_places()
        final[:, :, self.order.longest_first] = self.states[:, :, last]
        return final

    def around_tokens(self, n_tokens: int) -> tuple[Floats, Floats, Floats]:
        """Order the sums by token. Columns outside every chain are arbitrary.

        n_tokens (int): The number of tokens.
        RETURNS (Tuple[ndarray, ndarray, ndarray]): The forward sums before each token and the
            backward sums after it (n_states, n_tokens), and the scales (n_tokens,).
        """
        index = np.zeros((2, n_tokens), dtype=np.int64)
        index[0, self.tokens[0]] = index[1, self.tokens[1]] = self.order.previous()
        scale = np.ones(n_tokens, self.scale.dtype)
        scale[self.tokens[0]] = self.scale
        return self.states[0][:, index[0]], self.states[1][:, index[1]], scale


def exponentials(
    scores: NDArray, transitions: NDArray, dtype: np.dtype[np.floating]
) -> tuple[Floats, Floats, NDArray[np.float64]]:
    """Compute the factors of the sums, scaled to be 1 or less.

    scores (ndarray): Shape (n_tokens, n_tags), −∞ for tags that are not allowed.
    transitions (ndarray): Shape (n_labels + 1, n_labels + 1).
    dtype (dtype): The type of the sums.
    RETURNS (Tuple[ndarray, ndarray, ndarray]): exp(emission) (n_tags, n_tokens), tags as in
        `grouped_tags`; exp(transition) (n_labels + 1, n_labels + 1); and the log of what the
        factors of each token were divided by (n_tokens,).
    """
    classes, top = len(transitions), float(transitions.max())
    e_T = np.exp(transitions.astype(np.float64) - top).astype(dtype)
    e = scores.T[grouped_tags(classes - 1)].astype(dtype, copy=False)
    largest = e.max(axis=0)
    e -= largest
    np.exp(e, out=e)
    # One factor exp(−top) for each token: where no transition is taken, it is here.
    e[2 * classes - 1 :] *= np.exp(-top)
    return e, e_T, largest.astype(np.float64) + top


def run_chains(e: Floats, e_T: Floats, starts: Ints, lengths: Ints, initial: Floats) -> ChainSums:
    """Run forward and backward through chains of tokens.

    e (ndarray): Shape (n_tags, n_tokens), exp(emission), tags as in `grouped_tags`.
    e_T (ndarray): Shape (n_labels + 1, n_labels + 1), exp(transition).
    starts (ndarray): Shape (2, n_chains), the first token of each chain forward, and backward.
    lengths (ndarray): Shape (n_chains,), the number of tokens of each, 1 or more.
    initial (ndarray): Shape (2, n_states, n_chains), the sums before the first token of each chain,
        and those after its last, which are zeros at the end of a document.
    RETURNS (ChainSums): The sums.
    """
    order = BatchOrder.of(starts[0], lengths)
    backward = (starts.sum(axis=0) + lengths - 1)[order.sequences] - order.tokens
    tokens = np.asarray([order.tokens, backward])
    factors = np.empty((2, len(e), len(backward)), e.dtype)
    O_U, B, L, I = positions_of(e)
    np.take(e, tokens[0], axis=1, out=factors[0], mode="clip")
    np.take(np.concatenate([O_U, L, B, I]), tokens[1], axis=1, out=factors[1], mode="clip")
    states, scale = _recursion(order, factors, e_T, initial[:, :, order.longest_first])
    return ChainSums(order, tokens, states, scale[0, 0])


def _recursion(
    order: BatchOrder, factors: Floats, e_T: Floats, initial: Floats
) -> tuple[Floats, Floats]:
    """Go through all steps, forward and backward side by side.

    factors (ndarray): Shape (2, n_tags, n_places), exp(emission) of O, U, B, L, I, and for the way
        back of O, U, L, B, I.
    initial (ndarray): Shape (2, n_states, n_chains), chains in the order of the rows of a step.
    RETURNS (Tuple[ndarray, ndarray]): The initial states and those after each place
        (2, n_states, n_chains + n_places), and by how much they had grown (2, 1, n_places).
    """
    (_, n_states, n_chains), n_places = initial.shape, factors.shape[2]
    classes = len(e_T)
    entering = factors[:, :n_states]
    staying = factors[:, n_states:].reshape(2, 2, classes - 1, n_places)
    into = np.asarray([e_T.T, e_T])
    into = np.concatenate([into, into[:, 1:]], axis=1)
    states = np.empty((2, n_states, n_chains + n_places), e_T.dtype)
    states[..., :n_chains] = initial
    closed, inside = states[:, :classes], states[:, None, classes:]
    scale = np.empty((2, 1, n_places), e_T.dtype)
    low = size = 0
    for start, stop in pairwise(order.bounds.tolist()):
        if size != stop - start:
            size = stop - start
            now = np.empty((2, n_states, size), e_T.dtype)
            stayed = np.empty((2, 2, classes - 1, size), e_T.dtype)
            L_I, U_B = stayed.reshape(2, n_states - 1, size), now[:, 1:]  # views
        np.matmul(into, closed[..., low : low + size], out=now)
        if not start:
            now[1][:, ~initial[1].any(axis=0)] = 1  # no transition follows a document
        np.multiply(now, entering[..., start:stop], out=now)
        np.multiply(inside[..., low : low + size], staying[..., start:stop], out=stayed)
        np.add(U_B, L_I, out=U_B)
        grown = scale[..., start:stop]
        np.add.reduce(now, axis=1, keepdims=True, out=grown)
        low = n_chains + start
        np.divide(now, grown, out=states[..., low : low + size])
    return states, scale


def token_sums(
    chains: ChainSums, e: Floats, e_T: Floats, last: Ints, own: slice = slice(None)
) -> tuple[Floats, Floats, Floats]:
    """Compute what the sums of chains say of each token.

    chains (ChainSums): The chains.
    e (ndarray): Shape (n_tags, n_tokens), exp(emission), tags as in `grouped_tags`.
    e_T (ndarray): Shape (n_labels + 1, n_labels + 1), exp(transition).
    last (ndarray): Shape (n_docs,), those of them that end a document.
    own (slice): The tokens to return, if the chains' arrays contain more.
    RETURNS (Tuple[ndarray, ndarray, ndarray]): The marginals (n_tags, n_tokens), the factors whose
        product over a document is its Z (n_tokens,), and the expected number of transitions
        (n_labels + 1, n_labels + 1).
    RAISES (FloatingPointError): If scores lie further apart than the floats can hold.
    """
    forward, backward, scale = (x[..., own] for x in chains.around_tokens(e.shape[1]))
    classes = len(e_T)
    closed, inside = forward[:classes], forward[classes:]
    enter, leave, stay = e_T.T @ closed, e_T @ backward[:classes], backward[classes:]
    leave[:, last] = 1  # no transition follows a document
    marginals = e[:, own].copy()
    O_U, B, L, I = positions_of(marginals)
    O_U *= leave
    B *= stay
    L *= inside * leave[1:]
    I *= inside * stay
    entered = O_U.copy()
    entered[1:] += B
    O_U *= enter
    B *= enter[1:]
    total = marginals.sum(axis=0)
    marginals /= total
    entered /= total
    if not (np.minimum(scale, total / scale) > SMALLEST[e.dtype]).all():
        raise FloatingPointError
    scale[last] = total[last]
    return marginals, scale, e_T * (closed @ entered.T)
