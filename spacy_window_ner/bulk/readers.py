"""Reads shards as record batches. Rows without a readable text are reported and left out."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from ..files.texts import decode_line, parse_json_line, required
from .batches import ADDED
from .plan import DELIMITERS, RECORD, Segment, Settings, Shard

# A record batch has no more characters than this, unless one text has more.
MAX_CHARACTERS = 4 * 2**20
FilePlace = tuple[str, int]
# File, line or row in it, and what is wrong.
Report = Callable[[str, int, str], object]


@dataclass
class RowBatch:
    """A batch of rows.

    rows (RecordBatch): The rows.
    places (List[Tuple[str, int]]): The file of each row, and its line or row number in that file.
    size (int): The approximate number of bytes read for them.
    """

    rows: pa.RecordBatch
    places: list[FilePlace]
    size: int


@dataclass
class FileRow:
    """A row of a file of lines.

    line (int): Its line number, counted from the start of the segment.
    size (int): The number of bytes read for it.
    values (Optional[List[Optional[str]]]): The values of the columns; None if it is malformed.
    text (str): Its text, or an error message if it is malformed.
    """

    line: int
    size: int
    values: list[str | None] | None
    text: str


def read_shard(shard: Shard, settings: Settings, report: Report) -> Iterator[RowBatch]:
    """Read a shard.

    shard (Shard): The shard.
    settings (Settings): The settings.
    report (Callable): Called with file, line, and reason for each malformed row. Lines and rows are
        counted from 1.
    YIELDS (RowBatch): All other rows, in at least one batch, which may be empty.
    """
    if shard.segments[0].kind == "parquet":
        for segment in shard.segments:
            yield from _read_parquet(segment, settings, report)
        schema = pq.read_schema(shard.segments[0].path)
        yield RowBatch(_to_arrow([], schema), [], 0)
        return
    schema = pa.schema([(name, pa.string()) for name in columns_of(shard.segments[0], settings)])
    rows, places, size, n_characters = list[list[str | None]](), list[FilePlace](), 0, 0
    for segment in shard.segments:
        for row in _read_rows(segment, settings):
            size += row.size
            if row.values is None:
                report(segment.path, segment.line + row.line, row.text)
                continue
            rows.append(row.values)
            places.append((segment.path, segment.line + row.line))
            n_characters += len(row.text)
            if len(rows) >= settings.batch_size or n_characters >= MAX_CHARACTERS:
                yield RowBatch(_to_arrow(rows, schema), places, size)
                rows, places, size, n_characters = [], [], 0, 0
    yield RowBatch(_to_arrow(rows, schema), places, size)


def columns_of(segment: Segment, settings: Settings) -> list[str]:
    """RETURNS (List[str]): The columns of a file of lines, in the order of `FileRow.values`."""
    if segment.kind in DELIMITERS:
        return segment.columns
    if segment.kind == "jsonl":
        ids = [] if settings.id_field is None else [settings.id_field]
        return [*ids, settings.text_field, RECORD]
    return [settings.id_field or "id", settings.text_field]


def _to_arrow(rows: list[list[str | None]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(values, one.type) for values, one in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _read_rows(segment: Segment, settings: Settings) -> Iterator[FileRow]:
    if segment.kind in DELIMITERS:
        yield from _read_csv(segment, settings)
    elif segment.kind == "spacy":
        yield from _read_spacy(segment)
    elif segment.kind == "txt" and settings.whole_files:
        yield from _read_text(segment, 1, Path(segment.path).read_bytes())
    else:
        for number, line in _lines(segment):
            if not line.strip():
                yield from ()
            elif segment.kind == "jsonl":
                yield _read_json(number, line, settings)
            else:
                yield from _read_text(segment, number, line)


def _lines(segment: Segment) -> Iterator[tuple[int, bytes]]:
    """The lines that start in a segment, with their numbers."""
    with Path(segment.path).open("rb") as file:
        place = segment.start
        if place > 0:
            file.seek(place - 1)
            place += len(file.readline()) - 1
        number = 0
        while place < segment.stop and (line := file.readline()):
            number += 1
            yield number, line
            place += len(line)


def _read_json(number: int, line: bytes, settings: Settings) -> FileRow:
    try:
        raw = decode_line(line).strip()
        fields = parse_json_line(raw, settings.text_field)
        taken = [field.name for field in ADDED if field.name in fields]
        if taken:
            raise ValueError(f"the result would replace the fields {', '.join(taken)}. Rename them")
        ids = [] if settings.id_field is None else [_plain(required(fields, settings.id_field))]
    except ValueError as error:
        return FileRow(number, len(line), None, str(error))
    text = fields[settings.text_field]
    return FileRow(number, len(line), [*ids, text, raw], text)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read_text(segment: Segment, number: int, data: bytes) -> Iterator[FileRow]:
    try:
        text = decode_line(data)
    except ValueError as error:
        yield FileRow(number, len(data), None, str(error))
        return
    place = segment.line + number
    yield FileRow(number, len(data), [f"{segment.path}:{place}", text], text)


def _read_spacy(segment: Segment) -> Iterator[FileRow]:
    try:
        docs = DocBin().from_disk(segment.path)
        texts = [doc.text for doc in docs.get_docs(Vocab())]
    except Exception as error:  # zlib, msgpack and NumPy raise their own exceptions
        yield FileRow(1, segment.size, None, f"the file is not a valid .spacy file: {error}")
        return
    for number, text in enumerate(texts, start=1):
        yield FileRow(number, segment.size // len(texts), [f"{segment.path}:{number}", text], text)


def _read_csv(segment: Segment, settings: Settings) -> Iterator[FileRow]:
    csv.field_size_limit(2**31 - 1)
    n_read, broken = 0, ""

    def lines() -> Iterator[str]:
        nonlocal n_read, broken
        with Path(segment.path).open("rb") as file:
            file.seek(segment.start)
            while segment.start + n_read < segment.stop and (line := file.readline()):
                n_read += len(line)
                try:
                    yield line.decode("utf8")
                except UnicodeDecodeError as error:
                    broken = f"invalid UTF-8: {error}"
                    yield line.decode("utf8", errors="surrogateescape")

    text_column = segment.columns.index(settings.text_field)
    reader = csv.reader(lines(), delimiter=DELIMITERS[segment.kind], strict=True)
    done = 0
    while True:
        number = reader.line_num + 1
        broken, values = "", None
        try:
            values = next(reader)
            if values and len(values) != len(segment.columns):
                broken = broken or f"{len(values)} fields, expected {len(segment.columns)}"
        except csv.Error as error:
            broken = f"invalid CSV: {error}"
        except StopIteration:
            return
        size, done = n_read - done, n_read
        if broken:
            yield FileRow(number, size, None, broken)
        elif values:
            yield FileRow(number, size, list[str | None](values), values[text_column])


def _read_parquet(segment: Segment, settings: Settings, report: Report) -> Iterator[RowBatch]:
    done = 0
    try:
        with pq.ParquetFile(segment.path) as file:
            groups = list(range(segment.start, segment.stop))
            n_rows = sum(file.metadata.row_group(group).num_rows for group in groups)
            for batch in file.iter_batches(settings.batch_size, row_groups=groups):
                first = segment.line + done + 1
                done += len(batch)
                places = [(segment.path, first + i) for i in range(len(batch))]
                yield RowBatch(batch, places, segment.size * len(batch) // max(1, n_rows))
    except (OSError, pa.ArrowException) as error:
        reason = f"the row group that starts with this row cannot be read: {error}"
        report(segment.path, segment.line + done + 1, reason)
