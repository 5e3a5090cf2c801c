"""The HTML page of a report, rendered from `report.html`."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..decoding.thresholds import HIGHEST, LOWEST
from .comparison import Comparison
from .doubts import Doubt
from .errors import CLASSES
from .facts import Excerpt, Facts
from .page import render
from .reading import Entity

# The area of a diagram in its own units: left, top, width, height.
AREA = 34, 8, 276, 200


@dataclass
class Passage:
    """A passage of a document that one excerpt shows, or several overlapping excerpts.

    document (int): The index of the document.
    start (int): The first word.
    words (List[str]): The words, each with the space after it.
    annotation (Set[Tuple[int, int, str]]): Start, end and label of the annotated entities. Words
        are counted from the start of the document.
    """

    document: int
    start: int
    words: list[str]
    annotation: set[tuple[int, int, str]]

    def add(self, excerpt: Excerpt) -> bool:
        """Add an excerpt that does not start before the passage, if it overlaps the passage.

        RETURNS (bool): Whether it was added.
        """
        end = self.start + len(self.words)
        if excerpt.document != self.document or excerpt.start >= end:
            return False
        self.words += excerpt.words[end - excerpt.start :]
        self.annotation |= {entity.key for entity in excerpt.annotation}
        return True

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): Words and annotation, counted from its first word."""
        spans = [[s - self.start, e - self.start, label] for s, e, label in sorted(self.annotation)]
        return {"words": self.words, "annotation": spans}


@dataclass(frozen=True)
class Against:
    """Another pipeline that was evaluated on the same data.

    name (str): Its name.
    facts (Facts): Its results.
    comparison (Comparison): The comparison of the first pipeline with this one.
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
    """Render the page of a report.

    facts (Facts): The results.
    name (str): The name of the pipeline.
    data (str): The name of the data.
    against (Optional[Against]): Another pipeline to compare with.
    doubts (Optional[Sequence[Doubt]]): Annotation that is probably wrong, the most doubtful first;
        None to leave out the section.
    RETURNS (str): The page.
    """
    labels = facts.confusion["labels"]
    return render(
        "report.html",
        "report.js",
        facts=facts,
        name=name,
        data=data,
        against=against,
        doubts=doubts,
        classes=CLASSES,
        labels=labels,
        heat=[_heat(row) for row in facts.confusion["counts"]],
        listed=_listed(facts, data, against, doubts),
        place=diagram_point,
        area=AREA,
        threshold=_threshold(facts),
        reliability=_reliability(facts),
    )


def _listed(
    facts: Facts, data: str, against: Against | None, doubts: Sequence[Doubt] | None
) -> dict[str, Any]:
    """The data of the lists in the page: the passages, and what to show in them."""
    excerpts = {"errors": facts.excerpts, "doubts": [doubt.excerpt for doubt in doubts or ()]}
    if against is not None:
        excerpts["alone-a"] = against.comparison.only_first
        excerpts["alone-b"] = against.comparison.only_second
    passages = passages_of([one for of_list in excerpts.values() for one in of_list])
    places = [(passage.document, passage.start) for passage in passages]

    def shown(one: Excerpt) -> dict[str, Any]:
        number = bisect_right(places, (one.document, one.start)) - 1
        start = one.start - passages[number].start
        found = {
            "at": [number, start, start + len(one.words)],
            "cut": one.is_cut if any(one.is_cut) else None,
            "kind": one.kind,
            "gold": _moved(one.gold, passages[number].start),
            "read": _moved(one.predicted, passages[number].start),
            "p": one.probability,
            "others": one.alternatives or None,
        }
        return {name: value for name, value in found.items() if value is not None}

    lists = {name: [shown(one) for one in of_list] for name, of_list in excerpts.items()}
    for item, doubt in zip(lists["doubts"], doubts or (), strict=True):
        item |= {"p": doubt.probability, "instead": doubt.probability_instead}
        for name in ("kind", "others"):
            item.pop(name, None)
    return {
        "labels": facts.confusion["labels"],
        "classes": CLASSES,
        "file": ticked_name(data),
        "passages": [passage.to_dict() for passage in passages],
        "lists": lists,
    }


def passages_of(excerpts: Iterable[Excerpt]) -> list[Passage]:
    """RETURNS (List[Passage]): The passages of the excerpts, in the order of the documents, without
    overlaps.
    """
    passages: list[Passage] = []
    for one in sorted(excerpts, key=lambda one: (one.document, one.start)):
        if not passages or not passages[-1].add(one):
            spans = {entity.key for entity in one.annotation}
            passages.append(Passage(one.document, one.start, list(one.words), spans))
    return passages


def _moved(entity: Entity | None, start: int) -> tuple[int, int, str] | None:
    if entity is None:
        return None
    return entity.start - start, entity.end - start, entity.label


def ticked_name(data: str) -> str:
    """RETURNS (str): The file name for selected texts, from the name of the data."""
    stem = re.sub(r"[^\w.-]+", "_", Path(data).stem).lstrip("-.")
    return f"{stem or 'data'}-ticked.jsonl"


def diagram_point(x: float, y: float) -> tuple[float, float]:
    """RETURNS (Tuple[float, float]): A point of a diagram, whose axes go from 0 to 1."""
    left, top, width, height = AREA
    return round(left + x * width, 1), round(top + (1 - y) * height, 1)


def _polyline(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in (diagram_point(*point) for point in points))


def _heat(row: Sequence[int]) -> list[int]:
    """RETURNS (List[int]): The shade of each cell of a row, 0 to 5, by its share of the row."""
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
