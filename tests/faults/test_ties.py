"""Entities are the same alone, in any batch, and after any history, but where two readings of a
text are equally likely to all but the last digits.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from spacy.language import Language
from spacy.tokens import Doc

from spacy_window_ner.sequences.batching import Scores
from spacy_window_ner.sequences.path import path_sums
from spacy_window_ner.sequences.tags import spans_to_tags

from ..pipelines import OBJECTIVES, copy_of, ner_of, shared
from .amounts import amount

# How close two readings have to be for the batch to decide between them.
CLOSE = 1e-4
Spans = list[list[int]]

WORDS = """
Samuel Paris Hilton Quinn New York City April 3 1989 2001 Berlin hotel in the of on
met left was closed . , Nobody nothing came to
""".split()  # noqa: SIM905


def random_docs(nlp: Language, n: int, seed: int = 0) -> list[Doc]:
    """Documents of words that the pipeline knows and of new ones, in any order."""
    rng = np.random.RandomState(seed)
    docs = []
    for _ in range(n):
        words = rng.choice(
            [*WORDS, *(f"New{i}" for i in rng.randint(10**6, size=5))], rng.randint(1, 30)
        )
        docs.append(Doc(nlp.vocab, words=words.tolist()))
    return docs


def found(nlp: Language, docs: Sequence[Doc]) -> list[Spans]:
    """The spans of each document."""
    return [spans for spans, _ in ner_of(nlp).predict(docs).by_document()]


def assert_as_likely(nlp: Language, doc: Doc, one: Spans, other: Spans) -> None:
    """Two readings of a document are equal, or as likely as each other."""
    if one == other:
        return
    ner = ner_of(nlp)
    scores = ner.model.predict([doc])
    if ner.threshold is None:
        arrays = scores.emissions, scores.transitions, scores.lengths.astype(np.int64)
        tags = [spans_to_tags(np.asarray(spans).reshape(-1, 3), len(doc)) for spans in (one, other)]
        sums = [path_sums(Scores(*arrays), path) for path in tags]
        log_z = [total[0][0] for total in sums if total is not None]
        assert abs(log_z[0] - log_z[1]) < CLOSE, doc.text
        return
    differ = [span for span in one + other if (span in one) != (span in other)]
    p = {tuple(span): probability_of(nlp, doc, span) for span in differ}
    for span in differ:
        rivals = [
            p[tuple(rival)]
            for rival in differ
            if rival != span and rival[0] < span[1] and span[0] < rival[1]
        ]
        distances = [abs(p[tuple(span)] - x) for x in (ner.threshold, *rivals)]
        assert min(distances) < CLOSE, doc.text


def probability_of(nlp: Language, doc: Doc, span: list[int]) -> float:
    ner = ner_of(nlp)
    label = ner.label_data[span[2]]
    return dict(ner.alternatives(doc[span[0] : span[1]]))[label]


def assert_same_everywhere(nlp: Language, docs: Sequence[Doc], seed: int = 0) -> None:
    """The same alone with an empty cache and with any, and in random batches, but for ties."""
    rng = np.random.RandomState(seed)
    cache = ner_of(nlp).model.get_ref("hidden").attrs["cache"]
    alone = []
    for doc in docs:
        cache.release()
        alone += found(nlp, [doc])
    for _ in range(3):
        order, start = rng.permutation(len(docs)), 0
        if rng.randint(2):
            cache.release()
        while start < len(docs):
            batch = order[start : start + rng.choice([1, 2, 3, 10, 100])]
            start += len(batch)
            for i, spans in zip(batch, found(nlp, [docs[i] for i in batch]), strict=True):
                assert_as_likely(nlp, docs[i], spans, alone[i])


def with_threshold_at_a_span(nlp: Language, docs: Sequence[Doc], rng: Any) -> None:
    """Make the threshold the probability of one of the candidates, to the last digit."""
    ner = ner_of(nlp)
    ner.cfg["candidates_threshold"] = 0.01
    p = ner.predict(docs).candidates.probabilities
    ner.cfg["threshold"] = float(rng.choice(p[(p > 0.01) & (p < 0.999)]))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_random_documents(objective: str):
    nlp = shared(objective)
    assert_same_everywhere(nlp, random_docs(nlp, amount(100, 20_000)))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_threshold_that_is_the_probability_of_a_span(objective: str):
    nlp = copy_of(shared(objective), threshold=0.5, candidates_key="all", candidates_threshold=0.01)
    rng = np.random.RandomState(0)
    for seed in range(amount(8, 200)):
        docs = random_docs(nlp, 12, seed)
        with_threshold_at_a_span(nlp, docs, rng)
        assert_same_everywhere(nlp, docs, seed)


def with_ties(nlp: Language) -> Language:
    """Two labels with the same weights: each entity could have either of them, and each other tag
    of the two is as likely too.
    """
    ner = ner_of(nlp)
    scores = ner.model.get_ref("scores")
    W, b = scores.get_param("W").copy(), scores.get_param("b").copy()
    first, second = slice(1, 5), slice(5, 9)
    W[second], b[second] = W[first], b[first]
    scores.set_param("W", W)
    scores.set_param("b", b)
    transitions = ner.model.get_ref("transitions")
    if transitions.has_param("T"):
        T = transitions.get_param("T").copy()
        T[2], T[:, 2] = T[1], T[:, 1]
        T[2, 2] = T[1, 1]
        transitions.set_param("T", T)
    return nlp


@pytest.mark.parametrize("threshold", [None, 0.1, 0.3])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_labels_that_are_equally_likely(objective: str, threshold: float | None):
    nlp = with_ties(copy_of(shared(objective), threshold=threshold))
    docs = random_docs(nlp, amount(30, 2000))
    assert_same_everywhere(nlp, docs)
    assert sum(map(len, found(nlp, docs))) > len(docs) / 4


def near_tie(nlp: Language, doc: Doc) -> Language:
    """A pipeline in which O is so likely that the last entity of a document almost goes."""
    scores = ner_of(nlp).model.get_ref("scores")
    b = scores.get_param("b").copy()
    low, high = np.float32(0), np.float32(20)
    for _ in range(40):
        middle = (low + high) / np.float32(2)
        scores.set_param("b", b + middle * (np.arange(len(b)) == 0).astype("f"))
        low, high = (middle, high) if len(ner_of(nlp).predict([doc]).spans) else (low, middle)
    return nlp


def test_a_best_sequence_that_is_hardly_better():
    for seed in range(amount(6, 100)):
        nlp = copy_of(shared())
        docs = random_docs(nlp, 12, seed)
        assert_same_everywhere(near_tie(nlp, docs[0]), docs, seed)


@pytest.mark.parametrize("threshold", [None, 0.5])
def test_the_tests_can_fail(threshold: float | None):
    """Without an entity that is plainly there, a reading is not as likely."""
    nlp = copy_of(shared(), threshold=threshold)
    doc = nlp.make_doc("Samuel left Paris")
    [spans] = found(nlp, [doc])
    assert_as_likely(nlp, doc, spans, list(spans))
    with pytest.raises(AssertionError):
        assert_as_likely(nlp, doc, spans, spans[1:])
