"""Plain definitions that the tests hold the package against: slow, and short enough to read.

A batch is small enough here to list all legal tag sequences of each of its documents.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import Any

import numpy as np
import spacy
from hypothesis import settings
from hypothesis import strategies as st
from thinc.api import Model
from thinc.types import Ragged

from spacy_window_ner.network.features import read_tokens
from spacy_window_ner.network.gradients import check_gradients
from spacy_window_ner.network.layers.rows import Term
from spacy_window_ner.network.layers.token_vectors import Batch as LayerBatch
from spacy_window_ner.network.layers.window_affine import Windows
from spacy_window_ner.sequences.batching import Scores
from spacy_window_ner.sequences.tags import BEGIN, IN, LAST, OUTSIDE, UNIT, n_tags

GRADIENT_BOUND = 1e-6


def examples(number: int) -> settings:
    """Try this many random cases for every 100 of the hypothesis profile, see `conftest.py`."""
    return settings(max_examples=ceil(number * settings.default.max_examples / 100))


# Tags and sequences


def entity_tags(label: int, length: int) -> tuple[int, ...]:
    """The tag columns of one entity."""
    first = 1 + 4 * label
    if length == 1:
        return (first + UNIT,)
    return (first + BEGIN, *[first + IN] * (length - 2), first + LAST)


@cache
def legal_sequences(n_tokens: int, n_labels: int) -> list[tuple[int, ...]]:
    """All legal tag sequences: O or an entity first, and a legal sequence of the tokens left."""
    if n_tokens == 0:
        return [()]
    beginnings = [(OUTSIDE,)] + [
        entity_tags(label, length) for length in range(1, n_tokens + 1) for label in range(n_labels)
    ]
    return [
        (*beginning, *rest)
        for beginning in beginnings
        for rest in legal_sequences(n_tokens - len(beginning), n_labels)
    ]


def is_legal_step(before: int, tag: int) -> bool:
    """Whether BILUO allows one tag behind another."""
    is_open = before > 0 and (before - 1) % 4 in (BEGIN, IN)
    goes_on = tag > 0 and (tag - 1) % 4 in (IN, LAST)
    return is_open == goes_on and (not is_open or (before - 1) // 4 == (tag - 1) // 4)


def is_legal(tags: Sequence[int]) -> bool:
    """Whether BILUO allows the sequence, pair by pair of neighbors."""
    return all(map(is_legal_step, [OUTSIDE, *tags], [*tags, OUTSIDE]))


def entities_of(tags: Sequence[int]) -> list[tuple[int, int, int]]:
    """The (start, end, label) of the entities of a legal sequence, read from left to right."""
    spans, start = [], 0
    for token, tag in enumerate(tags):
        label, position = divmod(tag - 1, 4)
        if tag != OUTSIDE and position in (BEGIN, UNIT):
            start = token
        if tag != OUTSIDE and position in (LAST, UNIT):
            spans.append((start, token + 1, label))
    return spans


def steps_between_labels(tags: Sequence[int]) -> list[tuple[int, int]]:
    """The transitions (from class, to class) of a legal sequence: one into each O and each entity.

    Class 0 is O, class 1 + x an entity of label x. A document begins as after an O.
    """
    steps, before = [], 0
    for tag in tags:
        label, position = divmod(tag - 1, 4)
        if tag == OUTSIDE:
            steps.append((before, 0))
            before = 0
        elif position in (BEGIN, UNIT):
            steps.append((before, 1 + label))
            before = 1 + label
    return steps


def path_score(emissions: np.ndarray, transitions: np.ndarray, tags: Sequence[int]) -> float:
    """The score of one tag sequence of one document."""
    of_tags = sum(float(emissions[token, tag]) for token, tag in enumerate(tags))
    return of_tags + sum(float(transitions[step]) for step in steps_between_labels(tags))


@cache
def _paths(n_tokens: int, n_labels: int) -> tuple[np.ndarray, np.ndarray]:
    """All legal sequences (n_paths, n_tokens) and their transitions' counts (n_paths, C, C)."""
    sequences = legal_sequences(n_tokens, n_labels)
    counts = np.zeros((len(sequences), n_labels + 1, n_labels + 1))
    for path, tags in enumerate(sequences):
        for step in steps_between_labels(tags):
            counts[path][step] += 1
    return np.asarray(sequences, dtype=int).reshape(len(sequences), n_tokens), counts


class Enumeration:
    """Sums over all legal sequences of one document, by listing them.

    paths (ndarray): Shape (n_paths, n_tokens), the allowed legal sequences.
    scores (ndarray): Shape (n_paths,).
    log_z (float): log Σ exp(score).
    """

    def __init__(
        self, emissions: np.ndarray, transitions: np.ndarray, allowed: np.ndarray | None = None
    ) -> None:
        self.n_tokens, self.n_tags = emissions.shape
        paths, counts = _paths(self.n_tokens, (self.n_tags - 1) // 4)
        tokens = np.arange(self.n_tokens)
        if allowed is not None:
            possible = allowed[tokens, paths].all(axis=1)
            paths, counts = paths[possible], counts[possible]
        self.paths, self.counts = paths, counts
        emissions, transitions = emissions.astype(float), transitions.astype(float)
        self.scores = emissions[tokens, paths].sum(axis=1) + (counts * transitions).sum((1, 2))
        self.log_z = float(np.logaddexp.reduce(self.scores))
        self.probabilities = np.exp(self.scores - self.log_z)

    def marginals(self) -> np.ndarray:
        """The probability of each tag at each token, (n_tokens, n_tags)."""
        is_tag = self.paths[:, :, None] == np.arange(self.n_tags)
        return np.einsum("p,ptc->tc", self.probabilities, is_tag)

    def expected_transitions(self) -> np.ndarray:
        """How often each transition is taken on average, (n_labels + 1, n_labels + 1)."""
        return np.einsum("p,pij->ij", self.probabilities, self.counts)

    def span_probability(self, start: int, end: int, label: int) -> float:
        """The share of the sequences in which the span is an entity."""
        has_span = (self.paths[:, start:end] == entity_tags(label, end - start)).all(axis=1)
        return float(self.probabilities[has_span].sum())


# Batches


@dataclass
class Batch:
    """A random batch of documents."""

    scores: Scores
    allowed: np.ndarray
    legal: np.ndarray
    n_labels: int
    rng: np.random.RandomState

    @property
    def arguments(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Emissions, transitions and lengths."""
        return self.scores.emissions, self.scores.transitions, self.scores.lengths

    @property
    def ends(self) -> np.ndarray:
        """The end of each document, exclusive."""
        return np.cumsum(self.scores.lengths)

    def documents(self) -> Iterator[slice]:
        """The tokens of each document."""
        yield from document_slices(self.scores.lengths)

    def enumerations(self, allowed: np.ndarray | None = None) -> list[Enumeration]:
        """Each document by itself."""
        emissions, transitions, _ = self.arguments
        return [
            Enumeration(emissions[of], transitions, None if allowed is None else allowed[of])
            for of in self.documents()
        ]

    def all_spans(self) -> np.ndarray:
        """All spans of the labels in use that lie within a document, (n_spans, 3)."""
        rows = [
            (start, end, label)
            for of in self.documents()
            for start in range(of.start, of.stop)
            for end in range(start + 1, of.stop + 1)
            for label in range(self.n_labels)
            if self.legal[1 + 4 * label]
        ]
        return np.asarray(rows, dtype=np.int64).reshape(-1, 3)

    def probabilities_of_all_spans(self, allowed: np.ndarray | None = None) -> list[float]:
        """The probabilities of `all_spans`, by enumeration."""
        plain = zip(self.documents(), self.enumerations(allowed), strict=True)
        return [
            one.span_probability(start - of.start, end - of.start, label)
            for of, one in plain
            for start, end, label in self.all_spans().tolist()
            if of.start <= start < of.stop
        ]

    def some_spans(self, number: int) -> np.ndarray:
        """Some of these at random, which may overlap, or be the same, in any order."""
        spans = self.all_spans()
        return spans[self.rng.randint(len(spans), size=number)] if len(spans) else spans

    def spans_apart(self) -> np.ndarray:
        """The entities of a random legal sequence: spans that do not overlap, (n_spans, 3)."""
        rows = []
        for of in self.documents():
            sequences = legal_sequences(of.stop - of.start, self.n_labels)
            tags = sequences[self.rng.randint(len(sequences))]
            rows += [(of.start + i, of.start + j, label) for i, j, label in entities_of(tags)]
        return np.asarray(rows, dtype=np.int64).reshape(-1, 3)

    @property
    def loss_arguments(self) -> tuple[Scores, np.ndarray, np.ndarray]:
        """What an objective's loss takes, but for the incorrect spans."""
        return self.scores, self.allowed, self.legal


def document_slices(lengths: Sequence[int]) -> list[slice]:
    """The tokens of each document of a flat batch."""
    ends = np.cumsum(lengths).tolist()
    return [slice(end - int(n), end) for end, n in zip(ends, lengths, strict=True)]


def long_batch(
    rng: np.random.RandomState, n_labels: int, scale: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Emissions, transitions, lengths and allowed tags of documents of very different lengths."""
    lengths = rng.permutation([0, 1, 7, 40, 41, 90, 200])
    shape = int(lengths.sum()), n_tags(n_labels)
    emissions = scale * rng.normal(size=shape)
    emissions[:, 0] += 1
    allowed = rng.uniform(size=shape) < 0.9
    allowed[:, 0] = True
    return emissions, rng.normal(size=(n_labels + 1, n_labels + 1)), lengths, allowed


@st.composite
def batches(
    draw: Callable,
    *,
    max_docs: int = 4,
    max_tokens: int = 5,
    max_labels: int = 3,
    scales: Sequence[float] = (0.1, 1.0, 10.0),
    unseen: bool = False,
    dtype: str = "float64",
) -> Batch:
    """Batches whose mask leaves each document at least one legal sequence.

    The mask of a token allows everything, one tag, or some tags. With `unseen`, tags of some labels
    may not be in use; the mask's sequence does without them.
    """
    n_labels = draw(st.integers(0, max_labels))
    lengths = draw(st.lists(st.integers(0, max_tokens), min_size=1, max_size=max_docs))
    scale = draw(st.sampled_from(list(scales)))
    known = draw(st.sampled_from([0.0, 0.3, 0.7, 1.0]))
    in_use = [x for x in range(n_labels) if not unseen or draw(st.booleans())]
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    shape = (sum(lengths), n_tags(n_labels))
    emissions = (scale * rng.normal(size=shape)).astype(dtype)
    transitions = (scale * rng.normal(size=(n_labels + 1, n_labels + 1))).astype(dtype)
    legal = np.zeros(shape[1], dtype=bool)
    legal[[OUTSIDE, *(1 + 4 * x + p for x in in_use for p in range(4))]] = True
    path = np.zeros(shape[0], dtype=int)
    for of, length in zip(document_slices(lengths), lengths, strict=True):
        sequences = [s for s in legal_sequences(length, n_labels) if legal[list(s)].all()]
        path[of] = sequences[rng.randint(len(sequences))]
    some = rng.random_sample(shape) < rng.choice([0.0, 0.4], size=(shape[0], 1))
    allowed = some | (rng.random_sample((shape[0], 1)) >= known)
    allowed[np.arange(shape[0]), path] = True
    scores = Scores(emissions, transitions, np.asarray(lengths, dtype=np.int32))
    return Batch(scores, allowed, legal, n_labels, rng)


NO_SPANS = np.zeros((0, 3), dtype=np.int64)

# Gradients


def numeric_gradient(value: Callable[[], float], x: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Central differences of value() by each entry of x, which is changed in place and put back."""
    gradient = np.zeros(x.shape)
    for entry in np.ndindex(x.shape):
        before = x[entry]
        x[entry] = before + step
        above = value()
        x[entry] = before - step
        gradient[entry] = (above - value()) / (2 * step)
        x[entry] = before
    return gradient


def relative_error(analytic: np.ndarray, numeric: np.ndarray) -> float:
    """The largest difference, relative to the entry, to 1 % of the largest entry or to 0.001.

    Below that, the rounding of J, which is of the order of 1 to 100, decides the differences.
    """
    assert analytic.shape == numeric.shape
    if analytic.size == 0:
        return 0.0
    size = np.maximum(np.abs(analytic), np.abs(numeric))
    size = np.maximum(size, max(0.01 * size.max(), 0.001))
    return float((np.abs(analytic - numeric) / size).max())


def gradient_errors(layer: Model, X: Any, seed: int = 0) -> dict[str, float]:
    """The relative errors of a layer's gradients, for J = Σ R ∘ output with random weights R.

    Parameters become float64. The global generator is seeded before each pass, so that dropout
    draws the same mask. Inputs that are not arrays, such as Lexemes, have no gradient.
    """
    rng = np.random.RandomState(seed)

    def run() -> tuple[Any, Callable]:
        np.random.seed(seed)
        return layer(X, is_train=True)

    for node in layer.walk():
        for name in node.param_names:
            node.set_param(name, node.get_param(name).astype(np.float64))
            node.set_grad(name, np.zeros_like(node.get_param(name)))
    Y, backprop = run()
    weights = [rng.normal(size=y.shape) for y in _arrays(Y)]
    d_X = backprop(_with_arrays(Y, weights))

    def value() -> float:
        return sum(float((R * y).sum()) for R, y in zip(weights, _arrays(run()[0]), strict=True))

    errors = {
        f"{node.name}.{name}": relative_error(
            node.get_grad(name), numeric_gradient(value, node.get_param(name))
        )
        for node in layer.walk()
        for name in node.param_names
    }
    for i, x in enumerate(_arrays(X)):
        errors[f"input {i}"] = relative_error(_arrays(d_X)[i], numeric_gradient(value, x))
    return errors


def assert_loss_gradients(loss: Callable, batch: Batch, incorrect: np.ndarray) -> None:
    """The gradients of an objective by emissions and transitions are right."""
    arguments = (*batch.loss_arguments, incorrect)
    _, d_scores = loss(*arguments)

    def value() -> float:
        return loss(*arguments)[0]

    for name in ("emissions", "transitions"):
        numeric = numeric_gradient(value, getattr(batch.scores, name))
        error = relative_error(getattr(d_scores, name), numeric)
        assert error <= GRADIENT_BOUND, (name, error)


def assert_gradients(layer: Model, X: Any) -> None:
    """All gradients of a layer are right, by the differences above and by `check_gradients`."""
    errors = gradient_errors(layer, X)
    assert errors, "nothing to check"
    assert max(errors.values()) <= GRADIENT_BOUND, errors
    reported = check_gradients(layer, X)
    assert len(reported) == len(errors)
    assert max(entry.error for entry in reported) <= GRADIENT_BOUND, reported


def _arrays(X: Any) -> list[np.ndarray]:
    if isinstance(X, Ragged):
        return [X.data]
    if isinstance(X, Windows):
        return [X.vectors]
    if isinstance(X, LayerBatch):
        return _arrays(X.windows)
    if isinstance(X, Term):
        return [X.dense()]
    if isinstance(X, list):
        return [x for x in X if isinstance(x, np.ndarray)]
    return [X] if isinstance(X, np.ndarray) else []


def _with_arrays(Y: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(Y, Ragged):
        return Ragged(arrays[0], Y.lengths)
    return arrays if isinstance(Y, list) else arrays[0]


# Documents

WORDS = [
    "Paris",
    "paris",
    "PARIS",
    "Hilton",
    "wowed",
    "U-JOB",
    "3rd",
    "1989",
    "서울",
    "a",
    ".",
    "\n",
]
NLP = spacy.blank("en")


def make_doc(words: Sequence[str]) -> spacy.tokens.Doc:
    """A document of an English pipeline without components."""
    return spacy.tokens.Doc(NLP.vocab, words=list(words))


def word_lists(max_docs: int = 4, max_tokens: int = 8) -> st.SearchStrategy[list[list[str]]]:
    """The words of some documents, with repetitions; a document may be empty."""
    document = st.lists(st.sampled_from(WORDS), max_size=max_tokens)
    return st.lists(document, min_size=1, max_size=max_docs)


def lexemes_of(words: Sequence[str], attrs: Sequence[str]) -> Any:
    """The distinct lexemes of one document."""
    tokens = read_tokens([make_doc(words)], attrs)
    return tokens.lexemes(tokens.distinct()[1])
