"""Reads annotated texts from JSON and tables as records with character offsets."""

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

# The fields that may contain the entities of a JSON object. The first existing one is used.
FIELDS = ("spans", "entities", "label", "labels")
COLUMNS = ("text", "start", "end", "label")
# Prodigy's recipes with yes or no to one entity have this view; all else is not annotated there.
_ONE_ENTITY = "ner"


@dataclass(frozen=True)
class AnnotatedRecord:
    """An annotated text.

    position (int): Its line, or its number in the file, from 1.
    text (str): The text.
    spans (List[Tuple[int, int, str]]): Its entities, in the order of the text.
    words (Optional[List[str]]): Its tokens, if the file contains them.
    is_complete (bool): Whether tokens outside of the entities are annotated as well.
    """

    position: int
    text: str
    spans: list[Offsets]
    words: list[str] | None = None
    is_complete: bool = True


def read_annotated_records(path: Path) -> Iterator[AnnotatedRecord]:
    """Read annotated texts.

    path (Path): The file, with one of the suffixes in `READERS`.
    YIELDS (AnnotatedRecord): The annotated texts.
    RAISES (InputError): If one cannot be read.
    """
    for position, found in READERS[path.suffix.lower()](path):
        try:
            record = found()
        except ValueError as error:
            raise error_at(path, position, error) from error
        if record is not None:
            yield record


# The position of each text, and a function that reads it and returns None if it is not annotated.
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
            raise ValueError("the file does not contain a list of tasks")
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is not a JSON export of Label Studio: {error}. If it has one object on each "
            f"line, use the suffix .jsonl."
        ) from error
    for position, task in enumerate(tasks, start=1):
        if isinstance(task, dict) and "data" in task:
            yield position, partial(_task, position, task)
        else:
            yield position, partial(_record, position, task)


def _parsed(position: int, line: bytes) -> AnnotatedRecord | None:
    return _record(position, parse_json_line(decode_line(line), "text"))


def _record(position: int, fields: Any) -> AnnotatedRecord | None:
    """The record of a JSON object of Prodigy, doccano or this package; None if the annotator has
    skipped or rejected it.
    """
    fields = checked_text(fields, "text")
    if fields.get("answer", "accept") != "accept":
        return None
    name = next((name for name in FIELDS if fields.get(name) is not None), None)
    if name is None:
        known = ", ".join(FIELDS)
        raise ValueError(
            f"the text has no annotation: none of the fields {known} exists. Annotate it first"
        )
    words, text = None, fields["text"]
    if fields.get("tokens"):
        try:
            words = [text[token["start"] : token["end"]] for token in fields["tokens"]]
        except (KeyError, TypeError) as error:
            raise ValueError(
                "its tokens must have start and end. Correct or remove them"
            ) from error
    is_complete = fields.get("_view_id") != _ONE_ENTITY
    return AnnotatedRecord(position, text, _spans(text, fields[name]), words, is_complete)


def _task(position: int, task: Mapping[str, Any]) -> AnnotatedRecord | None:
    """The record of a task of Label Studio with its last annotation; None if it has none."""
    text = checked_text(task["data"], "text")["text"]
    done = [one for one in task.get("annotations") or [] if not one.get("was_cancelled")]
    if not done:
        return None
    values = [one["value"] for one in done[-1].get("result") or [] if one.get("type") == "labels"]
    return AnnotatedRecord(
        position, text, _spans(text, [by_characters(text, one) for one in values])
    )


def by_characters(text: str, value: dict[str, Any]) -> dict[str, Any]:
    """Correct the offsets of a region of Label Studio, since older versions count UTF-16 code
    units, two for most emoji.

    text (str): The text.
    value (Dict[str, Any]): The value of the region, with `start`, `end` and `text`.
    RETURNS (Dict[str, Any]): The value, with character offsets.
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
            raise ValueError(f"the column {', '.join(missing)} is missing. Add it to the header")
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
                    f"start and end of the entity on line {position} must be numbers, got "
                    f"{values[0]!r} and {values[1]!r}"
                ) from error
    unique = [list(span) for span in dict.fromkeys(map(tuple, spans))]
    return AnnotatedRecord(
        rows[0][0], checked_text({"text": text}, "text")["text"], _spans(text, unique)
    )


def _spans(text: str, given: Any) -> list[Offsets]:
    """The entities of a text, in order, without surrounding white space."""
    if not isinstance(given, list):
        raise ValueError(f"its entities must be a list, got {given!r:.50}")
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
        raise ValueError(
            f"{given!r:.80} is not a valid entity. Write [start, end, label]"
        ) from error
    if type(start) is not int or type(end) is not int or not isinstance(label, str) or not label:
        raise ValueError(f"{given!r:.80} is not a valid entity. It must have start, end and label")
    if not 0 <= start < end <= len(text):
        raise ValueError(
            f"the entity {given!r:.80} is empty, or outside of the text with {len(text)} characters"
        )
    inside = text[start:end]
    start, end = end - len(inside.lstrip()), start + len(inside.rstrip())
    if start >= end:
        raise ValueError(f"the entity {given!r:.80} is only white space. Remove it")
    return start, end, label


READERS: dict[str, Callable[[Path], _Found]] = {
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".json": _read_json,
    ".csv": _read_table,
    ".tsv": _read_table,
}
