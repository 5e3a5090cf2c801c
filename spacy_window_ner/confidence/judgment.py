"""Evaluation of calibration on documents that it was not fitted to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..decoding.thresholds import LOWEST
from .reliability import brier, ece, expected_ece, log_loss
from .scored_examples import ScoredExamples
from .tuning import best_threshold


@dataclass(frozen=True)
class Judgment:
    """The probabilities of a network on annotated documents.

    entities (ndarray): Shape (n_entities,), the probabilities of the predicted entities.
    entities_correct (ndarray): Shape (n_entities,) bool, which of them are entities.
    spans (ndarray): Shape (n_spans,), the probabilities of all spans above `LOWEST`, before or
        after calibration.
    spans_correct (ndarray): Shape (n_spans,) bool, which of them are entities.
    n_gold (int): The number of annotated entities.
    """

    entities: NDArray[np.float64]
    entities_correct: NDArray[np.bool_]
    spans: NDArray[np.float64]
    spans_correct: NDArray[np.bool_]
    n_gold: int

    @classmethod
    def together(cls, parts: Sequence["Judgment"]) -> "Judgment":
        """RETURNS (Judgment): The combined judgment of the documents of several parts."""
        return cls(
            np.concatenate([part.entities for part in parts]),
            np.concatenate([part.entities_correct for part in parts]),
            np.concatenate([part.spans for part in parts]),
            np.concatenate([part.spans_correct for part in parts]),
            sum(part.n_gold for part in parts),
        )

    @property
    def figures(self) -> dict[str, float]:
        """RETURNS (Dict[str, float]): The ECE of the entities, and its expectation by chance if the
        probabilities were perfectly calibrated; Brier score and log loss of the spans; F1 of the
        entities.
        """
        n_correct, n_predicted = int(self.entities_correct.sum()), len(self.entities)
        return {
            "ece": ece(self.entities, self.entities_correct),
            "ece_by_chance": expected_ece(self.entities),
            "brier": brier(self.spans, self.spans_correct),
            "log_loss": log_loss(self.spans, self.spans_correct),
            "f": 2 * n_correct / max(n_predicted + self.n_gold, 1),
        }


def judge_calibration(
    before: ScoredExamples,
    after: ScoredExamples,
    thresholds: tuple[float | None, float | None],
) -> tuple[Judgment, Judgment]:
    """Evaluate a network before and after calibration on the same documents.

    before (ScoredExamples): The scores before calibration.
    after (ScoredExamples): The scores after calibration.
    thresholds (Tuple[Optional[float], Optional[float]]): The threshold of each.
    RETURNS (Tuple[Judgment, Judgment]): The judgments.
    """
    both = [scored.candidates(0.0) for scored in (before, after)]
    rows = np.concatenate([found.spans for found in both])
    unique, of_row = np.unique(rows, axis=0, return_inverse=True)
    where = np.split(of_row.reshape(-1), [len(both[0].spans)])
    probabilities, correct = np.zeros((2, len(unique))), np.zeros(len(unique), dtype=bool)
    for p, index, found in zip(probabilities, where, both, strict=True):
        p[index] = found.probabilities
        correct[index] = found.correct
    likely = probabilities.max(axis=0) > LOWEST
    judgments = []
    for i, scored in enumerate((before, after)):
        entities = scored.entities(thresholds[i])
        spans = probabilities[i, likely], correct[likely]
        n_gold = int(scored.n_gold.sum())
        judgments.append(Judgment(entities.probabilities, entities.correct, *spans, n_gold))
    return judgments[0], judgments[1]


def cross_fit(
    scored: ScoredExamples, *, n_folds: int = 5, seed: int = 0
) -> tuple[Judgment, Judgment]:
    """Evaluate calibration by cross-fitting: each fold is evaluated with a calibration fitted to
    the other folds. The thresholds before and after are also those with the best F1 on the other
    folds.

    scored (ScoredExamples): The scores of the component on the development data.
    n_folds (int): The number of random folds.
    seed (int): Random seed of the folds.
    RETURNS (Tuple[Judgment, Judgment]): The results before and after calibration.
    RAISES (ValueError): If there are fewer than two documents.
    """
    n = scored.n_documents
    if n < 2:
        raise ValueError(
            "Calibration is evaluated on documents that it was not fitted to, so the data must "
            "have at least two documents."
        )
    order = np.random.default_rng(seed).permutation(n)
    judgments = []
    for fold in np.array_split(order, min(n_folds, n)):
        others = scored.subset(np.setdiff1d(order, fold))
        held_out = scored.subset(fold)
        calibration = others.fit()
        fitted = others, others.corrected(calibration)
        thresholds = best_threshold(fitted[0]), best_threshold(fitted[1])
        judgments.append(judge_calibration(held_out, held_out.corrected(calibration), thresholds))
    before, after = zip(*judgments, strict=True)
    return Judgment.together(before), Judgment.together(after)
