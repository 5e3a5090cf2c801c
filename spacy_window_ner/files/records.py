"""Annotated texts in JSON and in tables → records of their entities by characters."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from .texts import InputError, checked_text, decode_line, error_at, parse_json_line

Offsets = tuple[int, int, str]

# The fields that the entities of a JSON object may be in, the first one that there is.
FIELDS = ("spans", "entities", "label", "labels")
COLUMNS = ("text", "start", "end", "label")
# Prodigy's recipes with yes or no to one entity have this view; all else is not annotated there.
_ONE_ENTITY = "ner"


@dataclass(frozen=True)
class AnnotatedRecord:
    """An annotated text.

    position (int): Its line, or its number in the file, from 1.
    text (str): The text.
    spans (List[Tuple[int, int, str]]): Its entities, in their order.
    words (Optional[List[str]]): Its tokens, if the file says what they are.
    is_complete (bool): Whether what is outside of the entities is annotated too.
    """

    position: int
    text: str
    spans: list[Offsets]
    words: list[str] | None = None
    is_complete: bool = True


def read_annotated_records(path: Path) -> Iterator[AnnotatedRecord]:
    """Read annotated texts.

    path (Path): The file, of one of the kinds in `READERS`.
    YIELDS (AnnotatedRecord): The texts that are annotated.
    RAISES (InputError): If one cannot be read.
    """
    for position, found in READERS[path.suffix.lower()](path):
        try:
            record = found()
        except ValueError as error:
            raise error_at(path, position, error) from error
        if record is not None:
            yield record


# The position of each text, and what reads it; None for one that is not annotated.
_Found = Iterator[tuple[int, Callable[[], AnnotatedRecord | None]]]


def _read_json_lines(path: Path) -> _Found:
    with path.open("rb") as file:
        for position, line in enumerate(file, start=1):
            if line.strip():
                yield position, partial(_parsed, position, line)


def _read_json(path: Path) -> _Found:
    try:
        tasks = json.loads(decode_line(path.read_bytes()))
        if not isinstance(tasks, list):
            raise ValueError("there is no list of tasks")
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is not what Label Studio exports as JSON: {error}. If it has one object on "
            f"each line, name it .jsonl."
        ) from error
    for position, task in enumerate(tasks, start=1):
        if isinstance(task, dict) and "data" in task:
            yield position, partial(_task, position, task)
        else:
            yield position, partial(_record, position, task)


def _parsed(position: int, line: bytes) -> AnnotatedRecord | None:
    return _record(position, parse_json_line(decode_line(line), "text"))


def _record(position: int, fields: Any) -> AnnotatedRecord | None:
    """What a JSON object of Prodigy, doccano or this package has; None if a person has skipped it,
    or has said that it is wrong.
    """
    fields = checked_text(fields, "text")
    if fields.get("answer", "accept") != "accept":
        return None
    name = next((name for name in FIELDS if fields.get(name) is not None), None)
    if name is None:
        known = ", ".join(FIELDS)
        raise ValueError(f"there is no annotation: none of the fields {known}. Annotate it first")
    words, text = None, fields["text"]
    if fields.get("tokens"):
        try:
            words = [text[token["start"] : token["end"]] for token in fields["tokens"]]
        except (KeyError, TypeError) as error:
            raise ValueError("its tokens need start and end: leave them out") from error
    is_complete = fields.get("_view_id") != _ONE_ENTITY
    return AnnotatedRecord(position, text, _spans(text, fields[name]), words, is_complete)


def _task(position: int, task: Mapping[str, Any]) -> AnnotatedRecord | None:
    """What a task of Label Studio has: its last annotation; None if nobody has annotated it."""
    text = checked_text(task["data"], "text")["text"]
    done = [one for one in task.get("annotations") or [] if not one.get("was_cancelled")]
    if not done:
        return None
    values = [one["value"] for one in done[-1].get("result") or [] if one.get("type") == "labels"]
    return AnnotatedRecord(
        position, text, _spans(text, [by_characters(text, one) for one in values])
    )


def by_characters(text: str, value: dict[str, Any]) -> dict[str, Any]:
    """Correct the offsets of a region of Label Studio: pages of older versions count UTF-16 units,
    two for most emoji.

    text (str): The text.
    value (Dict[str, Any]): The value of the region, with `start`, `end` and `text`.
    RETURNS (Dict[str, Any]): The value, with characters as offsets.
    """
    units = text.encode("utf-16-le")
    try:
        start, end = (
            len(units[: 2 * value[key]].decode("utf-16-le", "ignore")) for key in ("start", "end")
        )
        is_moved = text[value["start"] : value["end"]] != value["text"] == text[start:end]
    except (KeyError, TypeError):
        return value
    return {**value, "start": start, "end": end} if is_moved else value


def _read_table(path: Path) -> _Found:
    reader = csv.DictReader(
        _lines(path), delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True
    )
    try:
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"there is no column {', '.join(missing)}. Name the columns there")
        rows = [(reader.line_num, row) for row in reader]
    except (ValueError, csv.Error) as error:
        raise error_at(path, reader.line_num, error) from error
    for text, group in groupby(rows, key=lambda numbered: numbered[1]["text"]):
        of_text = list(group)
        yield of_text[0][0], partial(_of_rows, text, of_text)


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for line in file:
            yield decode_line(line) + "\n"


def _of_rows(text: str, rows: list[tuple[int, dict[str, str]]]) -> AnnotatedRecord:
    spans = []
    for position, row in rows:
        values = [row[name] or "" for name in COLUMNS[1:]]
        if any(values):
            try:
                spans.append([int(values[0]), int(values[1]), values[2]])
            except ValueError as error:
                raise ValueError(
                    f"start and end of the entity on line {position} are no numbers: "
                    f"{values[0]!r}, {values[1]!r}"
                ) from error
    unique = [list(span) for span in dict.fromkeys(map(tuple, spans))]
    return AnnotatedRecord(
        rows[0][0], checked_text({"text": text}, "text")["text"], _spans(text, unique)
    )


def _spans(text: str, given: Any) -> list[Offsets]:
    """The entities of a text, in their order, without white space around them."""
    if not isinstance(given, list):
        raise ValueError(f"its entities are no list, but {given!r:.50}")
    spans = sorted(_span(text, one) for one in given)
    for (start, end, label), (other, other_end, other_label) in pairwise(spans):
        if other < end:
            raise ValueError(
                f"{text[start:end]!r} ({label}) and {text[other:other_end]!r} ({other_label}) "
                f"overlap. Keep one of them"
            )
    return spans


def _span(text: str, given: Any) -> Offsets:
    try:
        if isinstance(given, dict):
            start, end = (given.get(key, given.get(f"{key}_offset")) for key in ("start", "end"))
            label = given.get("label", given.get("labels"))
            [label] = label if isinstance(label, list) else [label]
        else:
            start, end, label = given
    except (TypeError, ValueError) as error:
        raise ValueError(f"{given!r:.80} is no entity. Write [start, end, label]") from error
    if type(start) is not int or type(end) is not int or not isinstance(label, str) or not label:
        raise ValueError(f"{given!r:.80} is no entity: it needs start, end and label")
    if not 0 <= start < end <= len(text):
        raise ValueError(f"{given!r:.80} is empty, or outside of its {len(text)} characters")
    inside = text[start:end]
    start, end = end - len(inside.lstrip()), start + len(inside.rstrip())
    if start >= end:
        raise ValueError(f"{given!r:.80} has nothing but white space. Leave it out")
    return start, end, label


READERS: dict[str, Callable[[Path], _Found]] = {
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".json": _read_json,
    ".csv": _read_table,
    ".tsv": _read_table,
}
