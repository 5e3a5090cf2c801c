"""Splits input files into shards."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..files import texts
from ..files.texts import BOM, InputError
from .batches import annotated_schema

KINDS = {**texts.KINDS, ".csv": "csv", ".tsv": "tsv", ".parquet": "parquet"}
DELIMITERS = {"csv": ",", "tsv": "\t"}
FORMATS = ("jsonl", "csv", "parquet", "spacy")
# The raw line of a record of JSON lines.
RECORD = "_record"


@dataclass(frozen=True)
class Settings:
    """The settings that determine the results, apart from the pipeline and the inputs.

    text_field (str): The field or column that contains the texts.
    id_field (Optional[str]): The field or column that contains identifiers.
    format (str): The format of the results, one of `FORMATS`.
    batch_size (int): The number of texts in a record batch.
    whole_files (bool): Whether a .txt file is a single text, instead of one text per line.
    shard_size (int): Approximate number of bytes of input per result file.
    """

    text_field: str = "text"
    id_field: str | None = None
    format: str = "jsonl"
    batch_size: int = 1000
    whole_files: bool = False
    shard_size: int = 8 * 2**20


@dataclass(frozen=True)
class Segment:
    """A segment of a file.

    path (str): The file.
    kind (str): Its kind, one of the values of `KINDS`.
    start (int): The first byte or row group.
    stop (int): The end byte or row group, exclusive.
    size (int): Its approximate size in bytes.
    line (int): The number of lines that start before it, or the number of rows before it in a
        Parquet file.
    columns (List[str]): The columns of a CSV file.
    """

    path: str
    kind: str
    start: int
    stop: int
    size: int
    line: int = 0
    columns: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Shard:
    """The input of one result file.

    number (int): The number of the result file.
    segments (List[Segment]): Segments of files with the same columns.
    """

    number: int
    segments: list[Segment]

    @property
    def size(self) -> int:
        """The approximate number of bytes to read."""
        return sum(segment.size for segment in self.segments)

    def to_json(self) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): The shard as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Shard":
        """RETURNS (Shard): The shard, from the result of `to_json`."""
        return cls(data["number"], [Segment(**segment) for segment in data["segments"]])


def plan(files: Sequence[Path], settings: Settings) -> list[Shard]:
    """Split files into shards of about `shard_size` bytes. Small files are combined.

    files (Sequence[Path]): The files.
    settings (Settings): The settings.
    RETURNS (List[Shard]): The shards, in the order of the files.
    RAISES (InputError): If a file does not have the columns named in the settings.
    """
    groups: list[tuple[Any, list[Segment]]] = []
    for path in files:
        kind = KINDS[path.suffix.lower()]
        try:
            found = list(_segments(path, kind, settings))
        except (OSError, pa.ArrowInvalid, csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"Cannot read {path}: {error}") from error
        for key, segment in found:
            last = groups[-1] if groups else (None, [])
            size = sum(one.size for one in last[1]) + segment.size
            if last[0] == key and size <= settings.shard_size:
                last[1].append(segment)
            else:
                groups.append((key, [segment]))
    return [Shard(number, segments) for number, (_, segments) in enumerate(groups)]


def _segments(path: Path, kind: str, settings: Settings) -> Iterator[tuple[Any, Segment]]:
    """The segments of a file. Segments with equal keys have the same columns."""
    size = path.stat().st_size
    if kind in DELIMITERS:
        yield from _of_csv(path, kind, settings)
    elif kind == "parquet":
        yield from _of_parquet(path, settings)
    elif kind == "spacy" or (kind == "txt" and settings.whole_files):
        yield kind, Segment(str(path), kind, 0, size, size)
    else:
        yield from _of_lines(path, kind, settings)


def _of_lines(path: Path, kind: str, settings: Settings) -> Iterator[tuple[Any, Segment]]:
    """Split at any byte: a line belongs to the segment in which it starts."""
    size, start, n_lines = path.stat().st_size, 0, 0
    with path.open("rb") as file:
        while True:
            stop = min(start + settings.shard_size, size)
            yield kind, Segment(str(path), kind, start, stop, stop - start, n_lines)
            if stop == size:
                return
            # Lines that start before the next segment: the first one, and one after each newline.
            n_lines += start == 0
            left = stop - 1 - max(start - 1, 0)
            while left and (block := file.read(min(left, 2**20))):
                n_lines += block.count(b"\n")
                left -= len(block)
            start = stop


def _of_parquet(path: Path, settings: Settings) -> Iterator[tuple[Any, Segment]]:
    with pq.ParquetFile(path) as file:
        schema, metadata = file.schema_arrow, file.metadata
        check_columns(path, schema, settings)
        n_rows, key = 0, ("parquet", schema.to_string())
        for group in range(metadata.num_row_groups):
            of_group = metadata.row_group(group)
            size = of_group.total_byte_size
            yield key, Segment(str(path), "parquet", group, group + 1, size, n_rows)
            n_rows += of_group.num_rows
        if not metadata.num_row_groups:  # the result has columns and no rows too
            yield key, Segment(str(path), "parquet", 0, 0, 0)


def _of_csv(path: Path, kind: str, settings: Settings) -> Iterator[tuple[Any, Segment]]:
    """Split between records. A quoted field may contain line breaks, so this needs a CSV reader."""
    csv.field_size_limit(2**31 - 1)
    size, done = path.stat().st_size, 0

    def lines() -> Iterator[str]:
        nonlocal done
        with path.open("rb") as file:
            for line in file:
                text = line.removeprefix(BOM) if done == 0 else line
                done += len(line)
                yield text.decode("utf8", errors="surrogateescape")

    reader = csv.reader(lines(), delimiter=DELIMITERS[kind], strict=True)
    columns = next(reader, None)
    if columns is None:
        raise InputError(f"{path} is empty. The first line must contain the column names.")
    check_columns(path, pa.schema([(name, pa.string()) for name in columns]), settings)
    start, line = done, reader.line_num
    while size - start > settings.shard_size:
        try:
            while done - start < settings.shard_size and next(reader, None) is not None:
                pass
        except csv.Error:  # reported by the reader of the segment
            continue
        yield columns, Segment(str(path), kind, start, done, done - start, line, columns)
        start, line = done, reader.line_num
    yield columns, Segment(str(path), kind, start, size, size - start, line, columns)


def check_columns(path: Path, schema: pa.Schema, settings: Settings) -> None:
    """Check that a file has the columns named in the settings.

    path (Path): The file, for messages.
    schema (Schema): Its columns.
    settings (Settings): The settings.
    RAISES (InputError): If one is missing.
    """
    try:
        annotated_schema(schema, settings.text_field)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
    name = settings.id_field
    if name is not None and name not in schema.names:
        columns = ", ".join(schema.names)
        raise InputError(f"{path}: The column {name!r} does not exist. Columns: {columns}.")
