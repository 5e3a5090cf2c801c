"""What an explanation consists of, as plain data."""

from dataclasses import asdict, dataclass, field
from typing import Any

# How far the sum of the contributions may be from what they add up to, as a share of that.
TOLERANCE = 0.01


@dataclass(frozen=True)
class Word:
    """What one word contributed to the log-odds of a span.

    token (int): Its number in the document.
    text (str): The word.
    total (float): All of its contributions.
    parts (Dict[str, float]): That of each of its parts, by way of the windows that it is in.
    elsewhere (float): What it contributed as the neighbor of a word of a window, or as that word,
        by way of the mean over the document's places of the same word.
    """

    token: int
    text: str
    total: float
    parts: dict[str, float]
    elsewhere: float


@dataclass(frozen=True)
class Transition:
    """What a transition score contributed: that of a step `before` → `after`, labels or `O`."""

    before: str
    after: str
    total: float


@dataclass(frozen=True)
class Reason:
    """Something that speaks for a span, or against it.

    text (str): What it is, in words, see `wording`.
    total (float): What it contributed to the log-odds; negative if it speaks against the span.
    """

    text: str
    total: float


@dataclass(frozen=True)
class Without:
    """What is read when nothing is known of one word.

    token (int): The number of the word.
    text (str): The word.
    log_odds (float): The log-odds of the span without it.
    instead (List[Tuple[str, str]]): Text and label of the entities that are read at the span then.
    """

    token: int
    text: str
    log_odds: float
    instead: list[tuple[str, str]]


@dataclass(frozen=True)
class Explanation:
    """Why a span is an entity, or is none.

    text (str): The text of the span.
    label (str): The label.
    start (int): Its first token.
    end (int): Its end, exclusive.
    start_char (int): Its first character.
    end_char (int): Its end by characters, exclusive.
    is_entity (bool): Whether it is read as an entity of this label.
    probability (float): The probability of that.
    log_odds (float): log p − log(1 − p).
    baseline (float): The same where nothing is known of any word.
    words (List[Word]): The contributions of all words of the document.
    transitions (List[Transition]): Those of transitions, the largest first.
    error (float): How far the sum of the contributions is from log_odds − baseline.
    steps (int): The number of steps of the integral.
    decisive (List[Without]): The words without which the decision would be another one.
    reasons (List[Reason]): The contributions in words, the largest first; those that are small
        beside it are left out.
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
        """RETURNS (bool): Whether the contributions add up, within 1 % of the difference."""
        difference = self.log_odds - self.baseline
        return abs(self.error) <= max(TOLERANCE * abs(difference), 1e-6)

    @property
    def check(self) -> str:
        """RETURNS (str): How well the contributions add up, in words."""
        difference = self.log_odds - self.baseline
        return (
            f"Contributions add up to {difference + self.error:+.3f}, the difference is "
            f"{difference:+.3f} ({self.steps} steps)"
        )

    def largest_words(self) -> list[Word]:
        """RETURNS (List[Word]): The words, those that contributed most first."""
        return sorted(self.words, key=lambda word: -abs(word.total))

    def speaking(self, *, against: bool) -> list[Reason]:
        """RETURNS (List[Reason]): The reasons for the span, or against it, the largest first."""
        return [reason for reason in self.reasons if (reason.total < 0) == against]

    def where(self, word: Word) -> str:
        """RETURNS (str): "in" for a word of the span, otherwise how far it is from it in words,
        those before it negative.
        """
        if self.start <= word.token < self.end:
            return "in"
        edge = self.start if word.token < self.start else self.end - 1
        return f"{word.token - edge:+d}"

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): The same as dictionaries and lists, as JSON has them."""
        return {**asdict(self), "is_complete": self.is_complete}
