"""The page of explanations: `explain.html` over the facts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .explanation import Explanation, Word
from .page import colors_of, render
from .wording import instead, verdict

# So many reasons for a span, and against it, are listed; the table of words has more.
MOST_REASONS = 8
# Of each explanation, so many words are in the table, those that contributed most, and none but
# those of the span whose contribution would be shown as 0; and none such of the transitions.
MOST_WORDS = 30
LEAST = 0.005
# So many words around a span are shown.
AROUND = 30


@dataclass(frozen=True)
class Piece:
    """Some of the text.

    text (str): What is written there.
    number (Optional[int]): The explanation that is about it, from 1 up; None if none is.
    """

    text: str
    number: int | None = None


@dataclass(frozen=True)
class Cell:
    """A contribution to the log-odds.

    value (float): The contribution.
    shade (str): The classes of its color: green speaks for the span, orange against it.
    """

    value: float
    shade: str = ""


@dataclass(frozen=True)
class ShownWord:
    """A word of an excerpt.

    text (str): The word.
    is_inside (bool): Whether the span has it.
    total (Cell): All that it contributed.
    """

    text: str
    is_inside: bool
    total: Cell


@dataclass(frozen=True)
class SpanInContext:
    """A span with the words around it.

    is_cut (Tuple[bool, bool]): Whether the text goes on before it and behind it.
    words (List[ShownWord]): The words.
    """

    is_cut: tuple[bool, bool]
    words: list[ShownWord]


@dataclass(frozen=True)
class TableRow:
    """A line of the table of words.

    name (str): The word, or what several words are called.
    where (str): Where it is, seen from the span.
    total (Cell): All that it contributed.
    elsewhere (Cell): What it contributed by way of other places of a word.
    parts (List[Cell]): What its parts contributed, by column.
    """

    name: str
    where: str
    total: Cell
    elsewhere: Cell
    parts: list[Cell]


@dataclass(frozen=True)
class Table:
    """What words and transitions contributed to one span.

    columns (List[str]): The parts of a word.
    lines (List[TableRow]): The words that contributed most, in the order of the text, the others
        together, and the sum of all.
    transitions (List[Tuple[str, float]]): The same of transitions, without the sum.
    """

    columns: list[str]
    lines: list[TableRow]
    transitions: list[tuple[str, float]]


def explain_page(found: Sequence[Explanation], text: str, name: str) -> str:
    """Make the page of explanations.

    found (Sequence[Explanation]): The explanations, of spans of one text.
    text (str): The text.
    name (str): The name of the pipeline.
    RETURNS (str): The page.
    """
    return render(
        "explain.html",
        name=name,
        least=LEAST,
        verdict=verdict,
        instead=instead,
        pieces=pieces_of(text, found),
        colors=colors_of(sorted({one.label for one in found})),
        explanations=found,
        reasons=[_reasons(one) for one in found],
        tables=[table_of(one) for one in found],
        excerpts=[_span_in_context(one) for one in found],
    )


def pieces_of(text: str, found: Sequence[Explanation]) -> list[Piece]:
    """RETURNS (List[Piece]): The text, divided at the spans. Of several that overlap, the first one
    is marked.
    """
    spans = sorted((one.start_char, one.end_char, i) for i, one in enumerate(found, start=1))
    pieces, done = [], 0
    for start, end, number in spans:
        if start >= done:
            pieces += [Piece(text[done:start]), Piece(text[start:end], number)]
            done = end
    return [piece for piece in [*pieces, Piece(text[done:])] if piece.text]


def table_of(one: Explanation) -> Table:
    """RETURNS (Table): What words, their parts, and transitions contributed."""
    columns = list(one.words[0].parts)
    most = {
        word.token
        for word in one.largest_words()[:MOST_WORDS]
        if abs(word.total) >= LEAST or one.where(word) == "in"
    }
    shown = [word for word in one.words if word.token in most]
    others = [word for word in one.words if word.token not in most]
    largest = max(abs(word.total) for word in one.words)
    lines = [_table_row([word], word.text, one.where(word), columns, largest) for word in shown]
    if others:
        lines.append(_table_row(others, f"{len(others):,} other words", "", columns, largest))
    lines.append(_table_row(one.words, "all words", "", columns, None))
    steps = [step for step in one.transitions if abs(step.total) >= LEAST]
    transitions = [(f"{step.before} → {step.after}", step.total) for step in steps]
    if len(steps) < len(one.transitions):
        rest = sum(step.total for step in one.transitions[len(steps) :])
        transitions.append((f"{len(one.transitions) - len(steps):,} others", rest))
    return Table(columns, lines, transitions)


def _table_row(
    words: Sequence[Word], name: str, where: str, columns: Sequence[str], largest: float | None
) -> TableRow:
    """The line of some words together; without colors if `largest` is None."""

    def cell(values: Iterable[float]) -> Cell:
        total = sum(values)
        return Cell(total, "" if largest is None else shade(total, largest))

    return TableRow(
        name,
        where,
        cell(word.total for word in words),
        cell(word.elsewhere for word in words),
        [cell(word.parts[column] for word in words) for column in columns],
    )


def shade(value: float, largest: float) -> str:
    """RETURNS (str): The classes of the color of a contribution, by its share of the largest."""
    heat = min(5, round(5 * abs(value) / max(largest, 1e-9)))
    if not heat:
        return ""
    return f"right heat{heat}" if value > 0 else f"heat{heat}"


def _reasons(one: Explanation) -> list[list[tuple[str, Cell]]]:
    """The largest reasons for a span, and those against it."""
    largest = max((abs(reason.total) for reason in one.reasons), default=0.0)
    return [
        [
            (reason.text, Cell(reason.total, shade(reason.total, largest)))
            for reason in one.speaking(against=against)[:MOST_REASONS]
        ]
        for against in (False, True)
    ]


def _span_in_context(one: Explanation) -> SpanInContext:
    start, stop = max(one.start - AROUND, 0), min(one.end + AROUND, len(one.words))
    largest = max(abs(word.total) for word in one.words)
    words = [
        ShownWord(word.text, one.where(word) == "in", Cell(word.total, shade(word.total, largest)))
        for word in one.words[start:stop]
    ]
    return SpanInContext((start > 0, stop < len(one.words)), words)
