"""An annotator who follows the gold annotation, and what that costs on the page of `teach`.

The page is worked with as a practiced person would: one hand on the mouse selects words, the other
one presses the keys of labels and Enter. Each of these counts as one action: a click, a drag, a
key. Seconds are those of the keystroke-level model for practiced users (Card, Moran and Newell
1980, "The keystroke-level model for user performance time with interactive systems"). Reading the
text, which is the same however it is annotated, is not counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

# Seconds to press a key, to point at something with the mouse, to press or release its button, and
# to prepare for a decision.
KEY, POINT, BUTTON, MENTAL = 0.28, 1.1, 0.1, 1.35

# Start and end by characters, and the label; None for "no entity here".
Marked = tuple[int, int, str | None]
Entity = tuple[int, int, str]


class Shown(NamedTuple):
    """What the page shows of a text.

    entities (Set[Tuple[int, int, str]]): The entities.
    perhaps (Set[Tuple[int, int, str]]): The dotted spots, where one may be missing.
    """

    entities: set[Entity]
    perhaps: set[Entity]


Read = Callable[[list[Marked]], Shown]


@dataclass
class Tally:
    """What was done.

    keys (int): The keys that were pressed, but for those that accept a text.
    clicks (int): The clicks.
    drags (int): How often words were dragged over.
    accepted (int): The texts that were accepted, with a key for each.
    entities (int): The entities of these.
    seconds (float): How long it took.
    """

    keys: int = 0
    clicks: int = 0
    drags: int = 0
    accepted: int = 0
    entities: int = 0
    seconds: float = 0.0

    @property
    def corrections(self) -> int:
        """RETURNS (int): All actions but those that accept a text."""
        return self.keys + self.clicks + self.drags

    @property
    def actions(self) -> int:
        """RETURNS (int): All actions."""
        return self.corrections + self.accepted

    def press(self, n: int = 1) -> None:
        """Press keys."""
        self.keys += n
        self.seconds += n * KEY

    def click(self, *, twice: bool = False) -> None:
        """Click on something, or double-click."""
        self.clicks += 1
        self.seconds += POINT + 2 * BUTTON * (1 + twice)

    def drag(self) -> None:
        """Drag over words."""
        self.drags += 1
        self.seconds += 2 * (POINT + BUTTON)

    def accept(self, n_entities: int) -> None:
        """Accept a text."""
        self.accepted += 1
        self.entities += n_entities
        self.seconds += MENTAL + KEY


class Annotator:
    """Somebody who annotates, with the label that is armed on the page."""

    def __init__(self) -> None:
        self.tally, self.armed = Tally(), ""

    def annotate(
        self,
        tokens: Sequence[tuple[int, int]],
        gold: set[Entity],
        shown: Shown,
        read: Read | None = None,
    ) -> list[Marked]:
        """Correct what is shown, from the beginning of the text to its end, and accept it.

        tokens (Sequence[Tuple[int, int]]): Start and end of the tokens, by characters.
        gold (Set[Tuple[int, int, str]]): The entities that are right.
        shown (Shown): What is shown.
        read (Optional[Callable]): Reads the text again around what is fixed, after each correction;
            if None, only what is corrected changes.
        RETURNS (List[Tuple[int, int, Optional[str]]]): What was corrected.
        """
        fixed: list[Marked] = []
        while shown.entities != gold:
            entity = min(shown.entities ^ gold, key=lambda one: (one[0], one not in gold))
            self.tally.seconds += MENTAL
            mark = self._correct(entity, tokens, gold, shown)
            fixed = [one for one in fixed if not _overlap(one, mark)] + [mark]
            if read is not None:
                shown = read(fixed)
                continue
            entities, perhaps = ({one for one in some if not _overlap(one, mark)} for some in shown)
            if mark[2] is not None:
                entities.add((mark[0], mark[1], mark[2]))
            shown = Shown(entities, perhaps)
        self.tally.accept(len(gold))
        return fixed

    def _correct(
        self,
        entity: Entity,
        tokens: Sequence[tuple[int, int]],
        gold: set[Entity],
        shown: Shown,
    ) -> Marked:
        """Correct an entity that is missing or wrong."""
        missing = sorted(gold - shown.entities)
        right = next((one for one in missing if _overlap(one, entity)), None)
        if right is None:
            self.tally.click()  # no entity
            return entity[0], entity[1], None
        if right in shown.perhaps:
            self.tally.click()
            return right
        if any(one[:2] == right[:2] for some in shown for one in some):
            self.tally.click()
            self.tally.press()  # another label
        else:
            if right[2] != self.armed:
                self.tally.press()
            if sum(right[0] <= first < right[1] for first, _ in tokens) == 1:
                # Within an entity, a double click selects a word.
                self.tally.click(twice=any(_overlap(one, right) for some in shown for one in some))
            else:
                self.tally.drag()
        self.armed = right[2]
        return right


def _overlap(one: Marked | Entity, other: Marked | Entity) -> bool:
    return one[0] < other[1] and other[0] < one[1]
