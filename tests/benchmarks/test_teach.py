import json
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from annotator import BUTTON, KEY, MENTAL, POINT, Annotator, Shown  # noqa: E402
from results import Cell  # noqa: E402
from teach import FIXED, HAND, TEACH, by_hand, per_entity, report  # noqa: E402

# "Ann Lee met Bob in Rome"
TOKENS = [(0, 3), (4, 7), (8, 11), (12, 15), (16, 18), (19, 23)]
GOLD = {(0, 7, "PER"), (12, 15, "PER"), (19, 23, "LOC")}


def annotate(shown, read=None, perhaps=()):
    person = Annotator()
    fixed = person.annotate(TOKENS, GOLD, Shown(set(shown), set(perhaps)), read)
    return fixed, person.tally


def test_what_is_right_is_accepted():
    fixed, tally = annotate(GOLD)
    assert fixed == []
    assert (tally.corrections, tally.actions, tally.entities) == (0, 1, 3)
    assert tally.seconds == pytest.approx(MENTAL + KEY)


def test_by_hand():
    fixed, tally = annotate([])
    assert fixed == sorted(GOLD)
    # The label of people is chosen once, that of places too; one name has two words.
    assert (tally.keys, tally.clicks, tally.drags, tally.accepted) == (2, 2, 1, 1)
    drag, click = 2 * (POINT + BUTTON), POINT + 2 * BUTTON
    assert tally.seconds == pytest.approx(drag + 2 * click + 3 * KEY + 4 * MENTAL)


@pytest.mark.parametrize(
    ("wrong", "right", "keys", "clicks", "drags"),
    [
        ((8, 11, "PER"), (8, 11, None), 0, 1, 0),  # no entity
        ((12, 15, "LOC"), (12, 15, "PER"), 1, 1, 0),  # another label
        ((4, 11, "PER"), (0, 7, "PER"), 1, 0, 1),  # other words
    ],
)
def test_mistakes(wrong, right, keys, clicks, drags):
    shown = {one for one in GOLD if one[1] <= wrong[0] or wrong[1] <= one[0]} | {wrong}
    fixed, tally = annotate(shown)
    assert fixed == [right]
    assert (tally.keys, tally.clicks, tally.drags) == (keys, clicks, drags)


def test_dotted_spots():
    fixed, tally = annotate(GOLD - {(0, 7, "PER")}, perhaps=[(0, 7, "PER")])
    assert fixed == [(0, 7, "PER")]
    assert (tally.keys, tally.clicks, tally.drags) == (0, 1, 0)
    # Another label, and another word within a spot.
    assert annotate(GOLD - {(0, 7, "PER")}, perhaps=[(0, 7, "LOC")])[1].keys == 1
    tally = annotate(GOLD - {(12, 15, "PER")}, perhaps=[(8, 15, "PER")])[1]
    assert tally.seconds == pytest.approx(POINT + 4 * BUTTON + 2 * KEY + 2 * MENTAL)


def test_what_is_read_again_counts():
    asked = []

    def read(fixed):
        asked.append(list(fixed))
        return Shown(GOLD, set())

    fixed, tally = annotate([], read)
    assert asked == [fixed] == [[(0, 7, "PER")]]
    assert (tally.keys, tally.drags, tally.clicks) == (1, 1, 0)


def test_table(tmp_path):
    gold = {"Ann Lee met Bob in Rome": (TOKENS, GOLD)}
    texts = [*gold] * 50
    hand, fixed = by_hand(texts, gold), by_hand(texts, gold, [Shown(GOLD, set())] * 50)
    assert per_entity(fixed, accepting=False) == 0
    assert per_entity(fixed, accepting=True) == pytest.approx(1 / 3)
    # Both labels are armed in turn.
    assert per_entity(hand, accepting=False) == pytest.approx(5 / 3)
    cell = Cell("teach", "people", "base", "window_ner", 0, variant="50")
    estimate = {"f1": {"value": 0.8, "low": 0.7, "high": 0.9}}
    row = {HAND: hand, FIXED: fixed, TEACH: fixed, "status": estimate, "others": 0.75}
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps({**asdict(cell), **row}) + "\n")
    report(path, [cell])
    table = (tmp_path / "teach.md").read_text()
    assert "| 1–50 | 2.00 (100 %) | 0.33 (17 %) | 0.33 (17 %) | 1.67 (100 %)" in table
    assert "| 80.0 (70.0–90.0) | 75.0 | yes |" in table
