"""Guarantees: thresholds that keep a promise on new documents, with a stated confidence.

A promise is about a share of errors: of the entities of new documents, at most α are missed; of
the spans found there, at most α are wrong. Document i with n_i of these, e_i of which are errors,
leaves a margin αn_i − e_i, and the promise holds where the margins sum to 0 or more. It is made if
the mean margin of the calibration documents is so far above 0 that it hardly gets below 0 in as
many new documents by chance:

    mean ≥ t_{1−δ} · s · √(2 / n)

with their standard deviation s and the quantile of Student's t: both means vary. As in conformal
risk control (Angelopoulos et al. 2022), one more document is added to the calibration documents, in
which everything is an error; here it has the size of the document that a randomly chosen entity is
in. Thresholds are tried in a fixed order until the first one that fails ("Learn then test",
Angelopoulos et al. 2021), so that trying many of them costs no confidence. A bound for documents of
any kind (Hoeffding, betting) would need some thousands of them; this one is asymptotic. Tests on
random halves of several corpora are in `benchmarks/README.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ..decoding.decode import LEAST_LIKELY
from .scored_examples import ScoredExamples, ScoredSpans

Float64s = NDArray[np.float64]

RECALL, PRECISION, CANDIDATES_RECALL = KINDS = ("recall", "precision", "candidates_recall")
DEFAULT_CONFIDENCE = 0.9
# How many thresholds are tried.
_TRIED = 400


@dataclass(frozen=True)
class Guarantee:
    """A promise.

    kind (str): `recall` or `precision` of the entities, or `candidates_recall`.
    level (float): Their lowest value that keeps the promise.
    confidence (float): 1 − δ.
    """

    kind: str
    level: float
    confidence: float = DEFAULT_CONFIDENCE

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"There is no guarantee of {self.kind!r}; use {', '.join(KINDS)}.")
        for name, value in ((self.kind, self.level), ("confidence", self.confidence)):
            if not (isinstance(value, Real) and 0 < value < 1):
                raise ValueError(f"A guarantee needs a {name} between 0 and 1; got {value!r}.")

    def __str__(self) -> str:
        return (
            f"{self.kind.replace('_', ' ')} of {self.level:g} with confidence {self.confidence:g}"
        )

    @property
    def setting(self) -> str:
        """RETURNS (str): The setting of the component that keeps the promise."""
        return "candidates_threshold" if self.kind == CANDIDATES_RECALL else "threshold"


class NotCarriedError(ValueError):
    """The calibration documents cannot carry a guarantee."""


def parse_guarantees(levels: Mapping[str, float] | None, confidence: float) -> list[Guarantee]:
    """Read guarantees from a config.

    levels (Optional[Mapping[str, float]]): The level of each kind, for example {"recall": 0.95}.
    confidence (float): The confidence of all.
    RETURNS (List[Guarantee]): The guarantees.
    RAISES (ValueError): If a kind is unknown, a number is not between 0 and 1, or both recall and
        precision are given, which cannot be kept by one threshold.
    """
    found = [Guarantee(kind, level, confidence) for kind, level in (levels or {}).items()]
    if {RECALL, PRECISION} <= {guarantee.kind for guarantee in found}:
        raise ValueError(
            "One threshold cannot guarantee recall and precision at once. Choose one of them; "
            "candidates_recall can be given besides."
        )
    return found


def find_threshold(scored: ScoredExamples, guarantee: Guarantee) -> float:
    """Find the threshold that keeps a promise at the least cost: the highest for recall, the lowest
    for precision.

    scored (ScoredExamples): The calibration documents.
    guarantee (Guarantee): The promise.
    RETURNS (float): The threshold, or the threshold of the candidates.
    RAISES (NotCarriedError): If there is none. The message has the level that could be promised.
    """
    found = spans_for(scored, guarantee)
    threshold = choose_threshold(found, scored.n_gold, guarantee)
    if threshold is not None:
        return threshold
    message = f"These {scored.n_documents} documents cannot guarantee a {guarantee}"
    for percent in range(int(guarantee.level * 100), 0, -1):
        lower = Guarantee(guarantee.kind, percent / 100, guarantee.confidence)
        if (
            lower.level < guarantee.level
            and choose_threshold(found, scored.n_gold, lower) is not None
        ):
            message += f", but {lower.level:g}"
            break
    message += ". Use more documents, or promise less."
    if guarantee.kind == RECALL:
        message += " The candidates, which may overlap, can have more: candidates_recall."
    raise NotCarriedError(message)


def spans_for(scored: ScoredExamples, guarantee: Guarantee) -> ScoredSpans:
    """RETURNS (ScoredSpans): The spans that a promise is about, with any threshold."""
    if guarantee.kind == CANDIDATES_RECALL:
        return scored.candidates(LEAST_LIKELY)
    return scored.entities(LEAST_LIKELY)


def choose_threshold(
    found: ScoredSpans, n_gold: NDArray[np.integer], guarantee: Guarantee
) -> float | None:
    """Choose the threshold that keeps a promise; see `find_threshold`.

    found (ScoredSpans): What is found in the calibration documents; see `spans_for`.
    n_gold (ndarray): Shape (n_documents,), the number of entities of each document.
    guarantee (Guarantee): The promise.
    RETURNS (Optional[float]): The threshold; None if there is none.
    """
    right = found.probabilities[found.correct]
    if len(right) == 0:
        return None
    tried = np.unique(np.quantile(right, np.linspace(0, 1, _TRIED)))
    # Spans have to be above the threshold.
    tried = np.maximum(np.append(LEAST_LIKELY, np.nextafter(tried, 0)), LEAST_LIKELY)
    n_correct = _counts(found.where(found.correct), tried, len(n_gold))
    is_precision = guarantee.kind == PRECISION
    sizes = _counts(found, tried, len(n_gold)) if is_precision else n_gold[None, :]
    carries, certainty = _carries(sizes, sizes - n_correct, guarantee)
    # Begin where the promise is easiest to keep, and go on while it is kept.
    if is_precision:
        start = int(np.argmax(certainty))
        failed = np.flatnonzero(~carries[: start + 1])
        last = int(failed[-1]) + 1 if len(failed) else 0
        return float(tried[last]) if last <= start else None
    failed = np.flatnonzero(~carries)
    last = (int(failed[0]) if len(failed) else len(tried)) - 1
    return float(tried[last]) if last >= 0 else None


def _counts(found: ScoredSpans, thresholds: Float64s, n_documents: int) -> NDArray[np.int64]:
    """How many spans of each document are above each threshold: (n_thresholds, n_documents).

    thresholds (ndarray): Shape (n_thresholds,), ascending.
    """
    below = np.searchsorted(thresholds, found.probabilities)  # thresholds below each span
    shape = len(thresholds) + 1, n_documents
    flat = np.bincount(below * n_documents + found.documents, minlength=shape[0] * shape[1])
    counts = flat.reshape(shape)[::-1].cumsum(axis=0)[::-1]
    return counts[1:]


def _carries(
    sizes: NDArray[np.integer], errors: NDArray[np.integer], guarantee: Guarantee
) -> tuple[NDArray[np.bool_], Float64s]:
    """Whether documents carry a promise with each threshold, and how clearly.

    sizes (ndarray): Shape (n_thresholds, n_documents), or (1, n_documents) for all of them: n_i.
    errors (ndarray): Shape (n_thresholds, n_documents), e_i.
    RETURNS (Tuple[ndarray, ndarray]): (n_thresholds,) bool, and the mean margin by its standard
        deviation (n_thresholds,).
    """
    alpha = 1 - guarantee.level
    typical = np.square(sizes).sum(axis=1) / np.maximum(sizes.sum(axis=1), 1)
    margins = alpha * sizes - errors
    of_one_more = np.broadcast_to(-guarantee.level * typical[:, None], (len(margins), 1))
    margins = np.concatenate([margins, of_one_more], axis=1)
    n = margins.shape[1]
    mean, deviation = margins.mean(axis=1), margins.std(axis=1, ddof=1)
    quantile = student_quantile(guarantee.confidence, n - 1)
    carries = (mean >= quantile * deviation * np.sqrt(2 / n)) & (sizes.sum(axis=1) > 0)
    return carries, mean / np.maximum(deviation, 1e-12)


def student_quantile(p: float, degrees: int) -> float:
    """A quantile of Student's t, by the expansion 26.7.5 of Abramowitz and Stegun (1964).

    p (float): Between 0 and 1.
    degrees (int): The degrees of freedom. With 5 or more, the error is below 1 % up to p = 0.99.
    RETURNS (float): The quantile.
    """
    z = NormalDist().inv_cdf(p)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / degrees + second / degrees**2 + third / degrees**3
