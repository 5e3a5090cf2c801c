"""The page of a report: `report.html` over the facts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ..decoding.thresholds import HIGHEST, LOWEST
from .comparison import Comparison
from .doubts import Doubt
from .errors import CLASSES
from .facts import Excerpt, Facts
from .page import render

# The page stays small enough to send by mail.
MOST_ERRORS = 300
MOST_ALONE = 100
MOST_DOUBTS = 100
# The area of a diagram in its own units: left, top, width, height.
AREA = 34, 8, 276, 200


@dataclass(frozen=True)
class Part:
    """Some words of an excerpt: "gold", "read", "both", or "" for neither.

    text (str): The words.
    mark (str): Which it is.
    """

    text: str
    mark: str


@dataclass(frozen=True)
class Against:
    """Another pipeline on the same data.

    name (str): Its name.
    facts (Facts): Its facts.
    comparison (Comparison): The comparison of the first pipeline with it.
    """

    name: str
    facts: Facts
    comparison: Comparison


def report_page(
    facts: Facts,
    name: str,
    data: str,
    against: Against | None = None,
    doubts: Sequence[Doubt] | None = None,
) -> str:
    """Make the page of a report.

    facts (Facts): The facts.
    name (str): The name of the pipeline.
    data (str): The name of the data.
    against (Optional[Against]): Another pipeline, to show beside it.
    doubts (Optional[Sequence[Doubt]]): Annotation that is probably wrong, the most doubtful first;
        None if it was not looked for.
    RETURNS (str): The page.
    """
    labels = facts.confusion["labels"]
    listed = _listed(facts.excerpts)
    return render(
        "report.html",
        "report.js",
        facts=facts,
        name=name,
        data=data,
        against=against,
        doubts=doubts,
        most_doubts=MOST_DOUBTS,
        classes=CLASSES,
        numbers={label: number for number, label in enumerate(labels)},
        heat=[_heat(row) for row in facts.confusion["counts"]],
        listed=listed,
        n_left_out=len(facts.excerpts) - len(listed),
        most_errors=MOST_ERRORS,
        most_alone=MOST_ALONE,
        parts=parts_of,
        span_text=span_text,
        place=diagram_point,
        area=AREA,
        threshold=_threshold(facts),
        reliability=_reliability(facts),
    )


def _listed(excerpts: Sequence[Excerpt]) -> list[Excerpt]:
    """Choose the errors to list: of each class the ones that the pipeline is most sure of."""

    def surprise(i: int) -> float:
        p = excerpts[i].probability or 0.0
        return -p if excerpts[i].kind == "missed" else p

    chosen: list[int] = []
    for kind in CLASSES:
        of_kind = [i for i, excerpt in enumerate(excerpts) if excerpt.kind == kind]
        chosen += sorted(of_kind, key=surprise, reverse=True)[:MOST_ERRORS]
    return [excerpts[i] for i in sorted(chosen)]


def parts_of(excerpt: Excerpt) -> list[Part]:
    """RETURNS (List[Part]): The words of an excerpt, those with the same mark together."""

    def mark(i: int) -> str:
        word = excerpt.start + i
        gold, read = (
            entity is not None and entity.start <= word < entity.end
            for entity in (excerpt.gold, excerpt.predicted)
        )
        if gold and read:
            return "both"
        return "gold" if gold else "read" if read else ""

    groups = [(kind, list(of_kind)) for kind, of_kind in groupby(range(len(excerpt.words)), mark)]
    found = []
    for number, (kind, of_kind) in enumerate(groups):
        text = "".join(excerpt.words[i] for i in of_kind)
        # The space behind a name is not part of it.
        ends = number + 1 == len(groups) or not groups[number + 1][0]
        inner = text.rstrip() if kind and ends else text
        found += [Part(inner, kind), Part(text[len(inner) :], "")]
    return [part for part in found if part.text]


def span_text(excerpt: Excerpt, entity: Any) -> str:
    """RETURNS (str): The words of an entity of an excerpt."""
    words = excerpt.words[entity.start - excerpt.start : entity.end - excerpt.start]
    return " ".join("".join(words).split())


def diagram_point(x: float, y: float) -> tuple[float, float]:
    """RETURNS (Tuple[float, float]): A point of a diagram, whose axes go from 0 to 1."""
    left, top, width, height = AREA
    return round(left + x * width, 1), round(top + (1 - y) * height, 1)


def _polyline(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in (diagram_point(*point) for point in points))


def _heat(row: Sequence[int]) -> list[int]:
    """RETURNS (List[int]): How dark each cell of a row is, from 0 to 5: by its share of the row."""
    total = max(sum(row), 1)
    return [min(5, -(-5 * n // total)) for n in row]


def _threshold(facts: Facts) -> dict[str, Any] | None:
    if facts.scored is None:
        return None
    curve = facts.scored.curve()
    lines = {
        name: _polyline((point[0], point[column]) for point in curve)
        for column, name in enumerate(("precision", "recall", "F1"), start=1)
    }
    start = facts.scored.threshold
    start = 0.5 if start is None else min(max(start, LOWEST), HIGHEST)
    return {"lines": lines, "start": round(start, 2), "lowest": LOWEST, "highest": HIGHEST}


def _reliability(facts: Facts) -> list[tuple[float, ...]] | None:
    if facts.reliability is None:
        return None
    bins = facts.reliability.bins
    return list(zip(bins["claimed"], bins["right"], bins["sizes"], strict=True))
