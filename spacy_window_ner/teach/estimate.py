"""Estimates of the F1 of the network on unannotated texts, and of the gain from more annotation.

Each randomly drawn text is processed by a network that was not trained on it. F1 = 2c / (p + g),
with c correct, p predicted and g annotated entities, is a ratio of sums over texts. Its variance is
approximated by linearization, Σ_i (2c_i − F(p_i + g_i))² / (p + g)² (Cochran 1977, "Sampling
techniques", section 6.3). The confidence interval is symmetric in log F / (1 − F), with a quantile
of Student's t for the number of texts that have entities. With few texts, this interval contains
the true F1 more often than that of the bootstrap, which cannot draw errors that have not occurred
yet: with 15 texts of anem in 98% of samples, compared with 81%. One correct and one wrong entity
are added, as Agresti and Coull (1998) do for a proportion.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from ..confidence.guarantees import student_quantile
from ..inspect.bootstrap import prf
from ..inspect.review import Suspect, review
from ..learning.held_out import FOLDS, HeldOut
from ..training.corpus import read_examples

JsonObject = dict[str, Any]

LEVEL = 0.95
# The share of the variance of independent entities that is added, since the networks and the
# threshold depend on chance too.
_ADDED = 0.5
# The error falls with n^−r. These are the prior of r, and its weight in points of the curve at
# twice the number of texts. It matters if the curve has few points.
PRIOR_RATE, PRIOR_POINTS = 0.3, 4
# The number of additional texts, and the gain in F1 below which they are not worth the effort.
MORE, LITTLE = 50, 0.01
# Doubts are shown if the alternative is e^1 times as likely as the annotation; and their number.
EVIDENCE, MOST_DOUBTS = 1.0, 50
_UNKNOWN = dict.fromkeys(("value", "low", "high"))


def f_interval(counts: NDArray[np.integer]) -> tuple[float, float]:
    """Compute the confidence interval of F1.

    counts (ndarray): Shape (n_texts, 3), the correct, predicted and annotated entities of texts
        that were drawn at random.
    RETURNS (Tuple[float, float]): Lower and upper bound, from 0 to 1.
    """
    sizes = counts[:, 1] + counts[:, 2]
    n = int((sizes > 0).sum())
    if n < 2:
        return 0.0, 1.0
    total = sizes.sum() + 2
    f = float((2 * counts[:, 0].sum() + 1) / total)
    residuals = 2 * counts[:, 0] - f * sizes
    variance = (residuals**2).sum() * n / (n - 1) / total**2 + _ADDED * f * (1 - f) / total
    odds, half = np.log(f / (1 - f)), student_quantile((1 + LEVEL) / 2, n - 1)
    half *= np.sqrt(variance) / (f * (1 - f))
    low, high = (1 / (1 + np.exp(-np.asarray([odds - half, odds + half])))).tolist()
    return low, high


def estimate(
    held: HeldOut,
    labels: Sequence[str],
    random: NDArray[np.bool_],
    decided: int,
    curve: Sequence[JsonObject] = (),
) -> JsonObject:
    """Estimate the F1 of the network.

    held (HeldOut): Predictions of networks for texts that they were not trained on.
    labels (Sequence[str]): The labels in the order of their indices.
    random (ndarray): Shape (n_texts,) bool, which of the texts were drawn at random.
    decided (int): The number of annotated texts.
    curve (Sequence[Dict[str, Any]]): Earlier estimates.
    RETURNS (Dict[str, Any]): F1 of all labels (`f1`) and of each label (`labels`), as `value`,
        `low` and `high`; the number of `random` texts, the `threshold` that was used, the `gain` in
        F1 from the next `MORE` texts, and whether to stop (`enough`). Unknown values are None.
    """
    threshold = held.threshold()
    counts = held.counts(threshold)[random]
    found: JsonObject = {"decided": decided, "random": len(counts), "threshold": threshold}
    found["f1"] = _scored(counts.sum(axis=1))
    found["labels"] = {
        label: {**(_scored(of_label) or _UNKNOWN), "annotated": int(of_label[:, 2].sum())}
        for label, of_label in zip(labels, np.moveaxis(counts, 1, 0), strict=True)
    }
    points = [(one["decided"], one["f1"]["value"]) for one in (*curve, found) if one["f1"]]
    found["gain"] = gain(points) if points else None
    found["enough"] = found["gain"] is not None and decided >= MORE and found["gain"] < LITTLE
    return found


def _scored(counts: NDArray[np.integer]) -> dict[str, float] | None:
    """F1 from counts (n_texts, 3) with its interval; None without entities."""
    if not counts[:, 1:].any():
        return None
    low, high = f_interval(counts)
    # Networks trained on a share of the texts are worse than the network trained on all.
    high = 1 - (1 - high) * ((FOLDS - 1) / FOLDS) ** PRIOR_RATE
    value = float(prf(counts.sum(axis=0))[2])
    # The added entities draw the interval away from values near 0 and 1.
    return {"value": value, "low": min(low, value), "high": max(high, value)}


def gain(points: Sequence[tuple[int, float]], more: int = MORE) -> float:
    """Estimate the gain from more texts by a power law of the error, as in `Learned.gain`.

    points (Sequence[Tuple[int, float]]): Number of texts and F1, in order, at least one.
    more (int): The number of additional texts.
    RETURNS (float): The gain in F1, from 0 to 1.
    """
    n = np.asarray([max(number, 1) for number, _ in points], dtype=np.float64)
    x, y = np.log2(n), np.log2([max(1 - f, 1e-3) for _, f in points])
    weights = n / n.max()  # later points are more certain
    x, y = x - np.average(x, weights=weights), y - np.average(y, weights=weights)
    slope = PRIOR_POINTS * PRIOR_RATE - (weights * x * y).sum()
    rate = min(max(slope / (PRIOR_POINTS + (weights * x * x).sum()), 0.0), 1.0)
    return float((1 - points[-1][1]) * (1 - (n[-1] / (n[-1] + more)) ** rate))


def doubts(
    nlp: Language, docs: Sequence[Doc], numbers: Sequence[int], most: int = MOST_DOUBTS
) -> list[JsonObject]:
    """Find annotation that is probably wrong.

    nlp (Language): A pipeline that was not trained on the documents.
    docs (Sequence[Doc]): Annotated documents.
    numbers (Sequence[int]): The number of the text of each document.
    most (int): Maximum number of results.
    RETURNS (List[Dict[str, Any]]): Each with `id`, `text`, `kind`, the `annotated` entity, the more
        likely one (`instead`), and the `evidence`, the most doubtful first; see `review`.
    """
    chosen = [i for i, doc in enumerate(docs) if len(doc) and doc.has_annotation("ENT_IOB")]
    if not chosen:
        return []
    suspects = review(nlp, read_examples(nlp, [docs[i] for i in chosen]))
    return [
        _plain(one, numbers[chosen[one.document]], docs[chosen[one.document]].text)
        for one in suspects[:most]
        if one.evidence >= EVIDENCE
    ]


def _plain(one: Suspect, number: int, text: str) -> JsonObject:
    spans = {
        name: None if span is None else dict(zip(("start", "end", "label"), span, strict=True))
        for name, span in (("annotated", one.annotated), ("instead", one.instead))
    }
    return {"id": number, "text": text, "kind": one.kind, **spans, "evidence": one.evidence}
