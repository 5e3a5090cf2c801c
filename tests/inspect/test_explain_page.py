"""The page of explanations: what it says, and that nothing in it can run."""

import re

import pytest

from spacy_window_ner.inspect.explain import explain
from spacy_window_ner.inspect.explain_page import (
    LEAST,
    MOST_REASONS,
    Piece,
    explain_page,
    pieces_of,
    shade,
    table_of,
)
from spacy_window_ner.inspect.explanation import (
    Explanation,
    Reason,
    Transition,
    Without,
    Word,
)
from tests.pipelines import shared

from .hostile import HOSTILE
from .test_page import Page, assert_nothing_hostile_runs

TEXT = "Paris Hilton met Samuel Quinn in Paris."


def hostile_page() -> str:
    """A page of explanations in which every text is hostile."""
    found, text = [], ""
    for number, hostile in enumerate(HOSTILE):
        other = HOSTILE[number - 1]
        words = [
            Word(i, hostile, 1.0, {other: 0.5, hostile: 0.5 + i}, 0.25 * i - 0.1) for i in range(3)
        ]
        found.append(
            Explanation(
                text=hostile,
                label=other,
                start=1,
                end=2,
                start_char=len(text),
                end_char=len(text) + len(hostile),
                is_entity=bool(number % 2),
                probability=0.75,
                log_odds=1.0,
                baseline=-2.0,
                words=words,
                transitions=[Transition(hostile, other, 1.0), Transition(other, hostile, 0.0)],
                error=0.5 * (number % 3),
                steps=64,
                decisive=[Without(0, hostile, -1.0, [(hostile, other)])],
                reasons=[Reason(hostile, 1.0), Reason(other, -0.5)],
            )
        )
        text += f"{hostile} {other} "
    return explain_page(found, text, HOSTILE[5])


def test_nothing_hostile_runs():
    page = Page(hostile_page())
    assert_nothing_hostile_runs(page)
    assert page.of("script") == []
    (policy,) = [x["content"] for x in page.of("meta") if "http-equiv" in x]
    assert "script-src 'none'" in policy
    assert "unsafe" not in policy
    for text in HOSTILE:
        assert page.text.count(" ".join(text.split())) > 5


@pytest.fixture(scope="module")
def found():
    return explain(shared(), TEXT)


def test_it_says_what_the_explanations_say(found):
    page = Page(explain_page(found, TEXT, "my pipeline"))
    assert len(found) == 3
    for number, one in enumerate(found, start=1):
        assert {"id": f"why-{number}"} in page.of("section")
        color = sorted({other.label for other in found}).index(one.label)
        link = {"class": f"entity label{color}", "href": f"#why-{number}"}
        assert link in page.of("a")
        assert len(page.of("details")) == len(found)
        assert f"{one.text} {one.label} An entity, probability {one.probability:.4f}" in page.text
        assert f"{one.check}: within 1%." in page.text
        for against in (False, True):
            shown = one.speaking(against=against)[:MOST_REASONS]
            side = "against" if against else "for"
            said = " ".join(reason.text for reason in shown) or "none"
            assert f"Evidence {side} {said} " in page.text
        for word in one.words:
            if abs(word.total) >= LEAST:
                row = rf"{re.escape(word.text)} ?{re.escape(one.where(word))} ?"
                assert re.search(row + re.escape(f"{word.total:+.2f}"), page.text)
    n_without = sum(not one.decisive for one in found)
    assert (
        page.text.count("Removing any single word does not change the decision.") == n_without > 0
    )


def test_what_is_not_an_entity():
    (one,) = explain(shared(), TEXT, [(2, 3, "PER")])
    page = Page(explain_page([one], TEXT, "a"))
    assert "met PER Not an entity, probability 0.0" in page.text
    assert one.decisive
    for without in one.decisive:
        instead = ", ".join(f"{text} ({label})" for text, label in without.instead)
        assert f"Without “{without.text}”: {instead or 'no entity'}" in page.text
    assert "Removing any single word" not in page.text
    empty = Page(explain_page([], "nothing there", "a"))
    assert "nothing there" in empty.text
    assert "No entities found." in empty.text


def test_tables_add_up(found, monkeypatch):
    monkeypatch.setattr("spacy_window_ner.inspect.explain_page.MOST_WORDS", 2)
    for one in found:
        table = table_of(one)
        *lines, whole = table.lines
        assert len([line for line in lines if line.where]) <= 2
        assert sum(line.total.value for line in lines) == pytest.approx(whole.total.value)
        parts = [sum(cell.value for cell in line.parts) + line.elsewhere.value for line in lines]
        assert parts == pytest.approx([line.total.value for line in lines])
        of_steps = sum(total for _, total in table.transitions)
        difference = one.log_odds - one.baseline + one.error
        assert whole.total.value + of_steps == pytest.approx(difference)


def test_places(found):
    (one,) = [one for one in found if one.text == "Samuel Quinn"]
    expected = ["-3", "-2", "-1", "in", "in", "+1", "+2", "+3"]
    assert [one.where(word) for word in one.words] == expected


def test_colors():
    assert shade(1.0, 1.0) == "right heat5"
    assert shade(-0.4, 1.0) == "heat2"
    assert shade(0.05, 1.0) == ""
    assert shade(0.0, 0.0) == ""


def test_spans_that_overlap_are_marked_once():
    text = TEXT
    spans = [(2, 3, "PER"), (0, 2, "PER"), (1, 4, "LOC"), (6, 7, "LOC")]
    pieces = pieces_of(text, explain(shared(), text, spans))
    assert pieces == [
        Piece("Paris Hilton", 2),
        Piece(" "),
        Piece("met", 1),
        Piece(" Samuel Quinn in "),
        Piece("Paris", 4),
        Piece("."),
    ]
