"""Guarantees: thresholds with a guaranteed recall or precision on new documents.

A guarantee bounds a share of errors: at most a share α of the entities in new documents is missed,
or at most a share α of the predicted spans is wrong. A document i with n_i entities (or spans), e_i
of which are errors, has the margin αn_i − e_i, and the guarantee holds if the margins sum to 0 or
more. It is given if the mean margin of the calibration documents is so far above 0 that the mean
margin of the same number of new documents is unlikely to be below 0:

    mean ≥ t_{1−δ} · s · √(2 / n)

with their standard deviation s and a quantile of Student's t. The factor 2 accounts for the
variance of both means. As in conformal risk control (Angelopoulos et al. 2022), one document in
which everything is an error is added to the calibration documents; here it has the expected size of
the document of a randomly chosen entity. Thresholds are tried in a fixed order until the first one
that fails ("Learn then test", Angelopoulos et al. 2021), so no correction for multiple testing is
needed. A distribution-free bound (Hoeffding, betting) would need thousands of documents; this one
is asymptotic. `benchmarks/README.md` has tests on random halves of several corpora.
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
    """A guarantee.

    kind (str): `recall` or `precision` of the entities, or `candidates_recall`.
    level (float): The guaranteed minimum.
    confidence (float): The confidence level, 1 − δ.
    """

    kind: str
    level: float
    confidence: float = DEFAULT_CONFIDENCE

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"Unknown guarantee {self.kind!r}. Use one of {', '.join(KINDS)}.")
        for name, value in ((self.kind, self.level), ("confidence", self.confidence)):
            if not (isinstance(value, Real) and 0 < value < 1):
                raise ValueError(
                    f"The {name} of a guarantee must be between 0 and 1, got {value!r}."
                )

    def __str__(self) -> str:
        return (
            f"{self.kind.replace('_', ' ')} of {self.level:g} with confidence {self.confidence:g}"
        )

    @property
    def setting(self) -> str:
        """RETURNS (str): The setting of the component that the guarantee determines."""
        return "candidates_threshold" if self.kind == CANDIDATES_RECALL else "threshold"


class NotCarriedError(ValueError):
    """The calibration documents do not support a guarantee."""


def parse_guarantees(levels: Mapping[str, float] | None, confidence: float) -> list[Guarantee]:
    """Read guarantees from a config.

    levels (Optional[Mapping[str, float]]): The level of each kind, for example {"recall": 0.95}.
    confidence (float): The confidence level of all guarantees.
    RETURNS (List[Guarantee]): The guarantees.
    RAISES (ValueError): If a kind is unknown, a number is not between 0 and 1, or both recall and
        precision are given, which a single threshold cannot guarantee.
    """
    found = [Guarantee(kind, level, confidence) for kind, level in (levels or {}).items()]
    if {RECALL, PRECISION} <= {guarantee.kind for guarantee in found}:
        raise ValueError(
            "A single threshold cannot guarantee both recall and precision. Choose one of them. "
            "You can combine it with candidates_recall."
        )
    return found


def find_threshold(scored: ScoredExamples, guarantee: Guarantee) -> float:
    """Find the best threshold for which a guarantee holds: the highest one for recall, the lowest
    one for precision.

    scored (ScoredExamples): The calibration documents.
    guarantee (Guarantee): The guarantee.
    RETURNS (float): The threshold, or the threshold of the candidates.
    RAISES (NotCarriedError): If there is none. The message states the level that is possible.
    """
    found = spans_for(scored, guarantee)
    threshold = choose_threshold(found, scored.n_gold, guarantee)
    if threshold is not None:
        return threshold
    message = f"These {scored.n_documents} documents are not enough to guarantee a {guarantee}"
    for percent in range(int(guarantee.level * 100), 0, -1):
        lower = Guarantee(guarantee.kind, percent / 100, guarantee.confidence)
        if (
            lower.level < guarantee.level
            and choose_threshold(found, scored.n_gold, lower) is not None
        ):
            message += f", but enough for {lower.level:g}"
            break
    message += ". Use more documents, or a lower level."
    if guarantee.kind == RECALL:
        message += " For candidates, which may overlap, a higher recall is possible: use "
        message += "candidates_recall."
    raise NotCarriedError(message)


def spans_for(scored: ScoredExamples, guarantee: Guarantee) -> ScoredSpans:
    """RETURNS (ScoredSpans): The spans that a guarantee is about, at any threshold."""
    if guarantee.kind == CANDIDATES_RECALL:
        return scored.candidates(LEAST_LIKELY)
    return scored.entities(LEAST_LIKELY)


def choose_threshold(
    found: ScoredSpans, n_gold: NDArray[np.integer], guarantee: Guarantee
) -> float | None:
    """Choose a threshold for which a guarantee holds; see `find_threshold`.

    found (ScoredSpans): The spans found in the calibration documents; see `spans_for`.
    n_gold (ndarray): Shape (n_documents,), the number of entities of each document.
    guarantee (Guarantee): The guarantee.
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
    # Start where the guarantee is most likely to hold, and continue while it holds.
    if is_precision:
        start = int(np.argmax(certainty))
        failed = np.flatnonzero(~carries[: start + 1])
        last = int(failed[-1]) + 1 if len(failed) else 0
        return float(tried[last]) if last <= start else None
    failed = np.flatnonzero(~carries)
    last = (int(failed[0]) if len(failed) else len(tried)) - 1
    return float(tried[last]) if last >= 0 else None


def _counts(found: ScoredSpans, thresholds: Float64s, n_documents: int) -> NDArray[np.int64]:
    """The number of spans of each document above each threshold: (n_thresholds, n_documents).

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
    """Test whether documents support a guarantee at each threshold.

    sizes (ndarray): Shape (n_thresholds, n_documents), or (1, n_documents) for all of them: n_i.
    errors (ndarray): Shape (n_thresholds, n_documents), e_i.
    RETURNS (Tuple[ndarray, ndarray]): Whether they do, (n_thresholds,) bool, and the mean margin
        divided by its standard deviation (n_thresholds,).
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
    degrees (int): The degrees of freedom. With 5 or more, the error is below 1% up to p = 0.99.
    RETURNS (float): The quantile.
    """
    z = NormalDist().inv_cdf(p)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / degrees + second / degrees**2 + third / degrees**3
