"""The HTML page of explanations, rendered from `explain.html`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .explanation import Explanation, Word
from .page import colors_of, render
from .wording import instead, verdict

# The number of reasons listed for and against a span. The table of words has more.
MOST_REASONS = 8
# The number of words in the table of each explanation, those with the largest contributions. Words
# outside of the span and transitions are left out if their contribution would be shown as 0.
MOST_WORDS = 30
LEAST = 0.005
# The number of words shown around a span.
AROUND = 30


@dataclass(frozen=True)
class Piece:
    """A piece of the text.

    text (str): Its characters.
    number (Optional[int]): The number of its explanation, from 1; None if it has none.
    """

    text: str
    number: int | None = None


@dataclass(frozen=True)
class Cell:
    """A contribution to the log-odds.

    value (float): The contribution.
    shade (str): The CSS classes of its color: green for evidence for the span, orange against it.
    """

    value: float
    shade: str = ""


@dataclass(frozen=True)
class ShownWord:
    """A word of an excerpt.

    text (str): The word.
    is_inside (bool): Whether it is part of the span.
    total (Cell): Its total contribution.
    """

    text: str
    is_inside: bool
    total: Cell


@dataclass(frozen=True)
class SpanInContext:
    """A span with the words around it.

    is_cut (Tuple[bool, bool]): Whether there is more text before it, and after it.
    words (List[ShownWord]): The words.
    """

    is_cut: tuple[bool, bool]
    words: list[ShownWord]


@dataclass(frozen=True)
class TableRow:
    """A row of the table of words.

    name (str): The word, or a name for several words.
    where (str): Its position relative to the span.
    total (Cell): Its total contribution.
    elsewhere (Cell): Its contribution through other occurrences of a word.
    parts (List[Cell]): The contributions of its features, by column.
    """

    name: str
    where: str
    total: Cell
    elsewhere: Cell
    parts: list[Cell]


@dataclass(frozen=True)
class Table:
    """The contributions of words and transitions to one span.

    columns (List[str]): The names of the features of a word.
    lines (List[TableRow]): The words that contributed most, in the order of the text, followed by
        the sum of the rest and the sum of all.
    transitions (List[Tuple[str, float]]): The transitions that contributed most, followed by the
        sum of the rest.
    """

    columns: list[str]
    lines: list[TableRow]
    transitions: list[tuple[str, float]]


def explain_page(found: Sequence[Explanation], text: str, name: str) -> str:
    """Render the page of explanations.

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
    """RETURNS (List[Piece]): The text, split at the spans. If spans overlap, only the first one is
    marked.
    """
    spans = sorted((one.start_char, one.end_char, i) for i, one in enumerate(found, start=1))
    pieces, done = [], 0
    for start, end, number in spans:
        if start >= done:
            pieces += [Piece(text[done:start]), Piece(text[start:end], number)]
            done = end
    return [piece for piece in [*pieces, Piece(text[done:])] if piece.text]


def table_of(one: Explanation) -> Table:
    """RETURNS (Table): The contributions of words, their features, and transitions."""
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
        transitions.append((f"{len(one.transitions) - len(steps):,} other transitions", rest))
    return Table(columns, lines, transitions)


def _table_row(
    words: Sequence[Word], name: str, where: str, columns: Sequence[str], largest: float | None
) -> TableRow:
    """The sum of several words as a row; without colors if `largest` is None."""

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
    """RETURNS (str): The CSS classes of a contribution, by its share of the largest one."""
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
