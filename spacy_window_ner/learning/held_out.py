"""Predictions on held-out documents, and scores and thresholds derived from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language

from ..confidence.scored_examples import find_component
from ..decoding.thresholds import best_cut
from ..inspect.bootstrap import intervals, prf
from ..training.start_from import NAME

# The number of folds in cross-validation.
FOLDS = 3
# The prior of the threshold, and its weight in entities. It matters if there are few entities.
PRIOR_THRESHOLD, PRIOR_ENTITIES = 0.3, 100


@dataclass(frozen=True)
class HeldOut:
    """Predictions of networks on documents that they were not trained on.

    probabilities (ndarray): Shape (n_spans,), the probabilities of the predicted spans.
    correct (ndarray): Shape (n_spans,) bool, which of them are entities.
    documents (ndarray): Shape (n_spans,), the indices of their documents.
    labels (ndarray): Shape (n_spans,), the indices of their labels.
    n_gold (ndarray): Shape (n_docs, n_labels), the number of annotated entities.
    """

    probabilities: NDArray[np.float64]
    correct: NDArray[np.bool_]
    documents: NDArray[np.int64]
    labels: NDArray[np.int64]
    n_gold: NDArray[np.int64]

    @classmethod
    def together(cls, parts: Sequence["HeldOut"]) -> "HeldOut":
        """RETURNS (HeldOut): The predictions of all parts, concatenated."""
        firsts = np.cumsum([0, *(len(part.n_gold) for part in parts)]).tolist()
        return cls(
            np.concatenate([part.probabilities for part in parts]),
            np.concatenate([part.correct for part in parts]),
            np.concatenate([p.documents + n for p, n in zip(parts, firsts, strict=False)]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.n_gold for part in parts]),
        )

    def threshold(self) -> float:
        """Choose the threshold with the best F1, shrunk towards a prior.

        RETURNS (float): The threshold.
        """
        n = int(self.n_gold.sum())
        best = best_cut(self.probabilities, self.correct, n) if self.correct.any() else None
        if best is None:
            return PRIOR_THRESHOLD
        share = n / (n + PRIOR_ENTITIES)
        odds = share * _log_odds(best) + (1 - share) * _log_odds(PRIOR_THRESHOLD)
        return round(float(1 / (1 + np.exp(-odds))), 4)

    def counts(self, threshold: float) -> NDArray[np.int64]:
        """RETURNS (ndarray): Shape (n_docs, n_labels, 3), the correct, predicted and annotated
        entities of each label in each document.
        """
        counts = np.zeros((*self.n_gold.shape, 3), dtype=np.int64)
        counts[:, :, 2] = self.n_gold
        found = self.probabilities > threshold
        for column, chosen in enumerate((found & self.correct, found)):
            places = self.documents[chosen], self.labels[chosen]
            np.add.at(counts[:, :, column], places, 1)
        return counts

    def f_score(self) -> float:
        """RETURNS (float): F1 at the chosen threshold, from 0 to 1."""
        return float(prf(self.counts(self.threshold()).sum(axis=(0, 1)))[2])


def _log_odds(p: float) -> float:
    return float(np.log(p / (1 - p)))


@dataclass(frozen=True)
class Learned:
    """A trained pipeline and its estimated scores.

    nlp (Language): The pipeline, trained on all documents.
    steps (int): The number of steps.
    counts (ndarray): Shape (n_docs, n_labels, 3), the correct, predicted and annotated entities in
        held-out documents.
    f_whole (float): F1 of one of the networks for held-out documents.
    f_half (float): F1 of a network that was trained on half as many documents.
    n_docs (int): The number of training documents.
    is_crossed (bool): Whether the counts come from cross-validation, with networks trained on
        (FOLDS - 1) / FOLDS of the documents.
    """

    nlp: Language
    steps: int
    counts: NDArray[np.int64]
    f_whole: float
    f_half: float
    n_docs: int
    is_crossed: bool

    @property
    def labels(self) -> list[str]:
        """RETURNS (List[str]): The labels in the order of the counts."""
        return find_component(self.nlp, NAME).label_data

    def scores(self) -> list[tuple[str, NDArray[np.float64], NDArray[np.float64] | None]]:
        """RETURNS (List[Tuple[str, ndarray, Optional[ndarray]]]): For all labels together and for
        each label: precision, recall and F1 (3,), and the bounds of their confidence intervals
        (3, 2).
        """
        counts = np.concatenate([self.counts.sum(axis=1, keepdims=True), self.counts], axis=1)
        between = intervals(counts)
        values = prf(counts.sum(axis=0))
        names = ["all", *self.labels]
        return [
            (name, values[i], None if between is None else between[i])
            for i, name in enumerate(names)
        ]

    def gain(self, n_more: int) -> float:
        """Estimate the gain from more documents by a power law of the error (Cortes et al. 1994,
        "Learning curves: asymptotic values and rate of convergence", with asymptote 0), fitted to
        networks trained on half and on all documents of a fold.

        n_more (int): The number of additional documents.
        RETURNS (float): The gain in F1, from 0 to 1.
        """
        error = 1 - float(prf(self.counts.sum(axis=(0, 1)))[2])
        rate = max(np.log2(max(1 - self.f_half, 1e-9) / max(1 - self.f_whole, 1e-9)), 0.0)
        n_learned = self.n_docs * ((FOLDS - 1) / FOLDS if self.is_crossed else 1)
        now, then = (error * (n / n_learned) ** -rate for n in (self.n_docs, self.n_docs + n_more))
        return float(now - then)
