"""Explanations as plain data."""

from dataclasses import asdict, dataclass, field
from typing import Any

# Tolerance for the sum of the contributions, as a share of the difference they must add up to.
TOLERANCE = 0.01


@dataclass(frozen=True)
class Word:
    """The contribution of one word to the log-odds of a span.

    token (int): Its index in the document.
    text (str): The word.
    total (float): Its total contribution.
    parts (Dict[str, float]): The contribution of each of its features, through the windows that
        contain it.
    elsewhere (float): Its contribution through the mean over all occurrences of a word in the
        document, as that word or as its neighbor.
    """

    token: int
    text: str
    total: float
    parts: dict[str, float]
    elsewhere: float


@dataclass(frozen=True)
class Transition:
    """The contribution of the transition `before` → `after`, each a label or `O`."""

    before: str
    after: str
    total: float


@dataclass(frozen=True)
class Reason:
    """Evidence for or against a span.

    text (str): A description in words, see `wording`.
    total (float): Its contribution to the log-odds; negative for evidence against the span.
    """

    text: str
    total: float


@dataclass(frozen=True)
class Without:
    """The prediction with one word masked.

    token (int): The index of the word.
    text (str): The word.
    log_odds (float): The log-odds of the span without the word.
    instead (List[Tuple[str, str]]): Text and label of the entities predicted at the span instead.
    """

    token: int
    text: str
    log_odds: float
    instead: list[tuple[str, str]]


@dataclass(frozen=True)
class Explanation:
    """An explanation of why a span is or is not an entity.

    text (str): The text of the span.
    label (str): The label.
    start (int): The first token.
    end (int): The end, exclusive.
    start_char (int): The start character offset.
    end_char (int): The end character offset, exclusive.
    is_entity (bool): Whether the span is predicted as an entity with this label.
    probability (float): The probability of that, p.
    log_odds (float): log p − log(1 − p).
    baseline (float): The log-odds with all words masked.
    words (List[Word]): The contributions of all words of the document.
    transitions (List[Transition]): The contributions of transitions, the largest first.
    error (float): The difference of the sum of the contributions from log_odds − baseline.
    steps (int): The number of steps of the integral.
    decisive (List[Without]): The words whose removal changes the decision.
    reasons (List[Reason]): The contributions described in words, the largest first. Small ones are
        left out.
    """

    text: str
    label: str
    start: int
    end: int
    start_char: int
    end_char: int
    is_entity: bool
    probability: float
    log_odds: float
    baseline: float
    words: list[Word]
    transitions: list[Transition]
    error: float
    steps: int
    decisive: list[Without] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """RETURNS (bool): Whether the contributions add up to the difference, within 1%."""
        difference = self.log_odds - self.baseline
        return abs(self.error) <= max(TOLERANCE * abs(difference), 1e-6)

    @property
    def check(self) -> str:
        """RETURNS (str): How well the contributions add up, in words."""
        difference = self.log_odds - self.baseline
        return (
            f"Contributions add up to {difference + self.error:+.3f}; the difference to the "
            f"baseline is {difference:+.3f} ({self.steps} steps)"
        )

    def largest_words(self) -> list[Word]:
        """RETURNS (List[Word]): The words, by the size of their contribution."""
        return sorted(self.words, key=lambda word: -abs(word.total))

    def speaking(self, *, against: bool) -> list[Reason]:
        """RETURNS (List[Reason]): The evidence for the span, or against it, the largest first."""
        return [reason for reason in self.reasons if (reason.total < 0) == against]

    def where(self, word: Word) -> str:
        """RETURNS (str): "in" for a word of the span, otherwise its distance from the span in
        words, negative before it.
        """
        if self.start <= word.token < self.end:
            return "in"
        edge = self.start if word.token < self.start else self.end - 1
        return f"{word.token - edge:+d}"

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): The explanation as JSON-serializable data."""
        return {**asdict(self), "is_complete": self.is_complete}
