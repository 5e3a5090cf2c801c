"""Measures of association between two names, from the sentences that contain them."""

from math import log, log2


def pmi(both: int, one: int, other: int, total: int) -> float:
    """Pointwise mutual information in bits (Church and Hanks 1990).

    both (int): The number of sentences with both names.
    one (int): The number with the first name.
    other (int): The number with the second name.
    total (int): The number of all sentences.
    RETURNS (float): log₂ p(both) / (p(one) p(other)); above 0 if they occur together more often
        than by chance. Rare names have the highest values.
    """
    return log2(both * total / (one * other)) if both else float("-inf")


def log_likelihood(both: int, one: int, other: int, total: int) -> float:
    """The log-likelihood ratio G² of the two names being independent (Dunning 1993).

    both (int): The number of sentences with both names.
    one (int): The number with the first name.
    other (int): The number with the second name.
    total (int): The number of all sentences.
    RETURNS (float): 2 Σ observed ln(observed / expected) over sentences with both names, with only
        one of them and with neither; negative if they occur together less often than by chance.
    """
    observed = (both, one - both, other - both, total - one - other + both)
    rows, columns = (one, total - one), (other, total - other)
    expected = (
        rows[0] * columns[0] / total,
        rows[0] * columns[1] / total,
        rows[1] * columns[0] / total,
        rows[1] * columns[1] / total,
    )
    ratio = 2 * sum(o * log(o / e) for o, e in zip(observed, expected, strict=True) if o)
    # Rounding may leave a little below 0.
    return max(ratio, 0.0) if both >= expected[0] else -max(ratio, 0.0)
