"""Writes annotated record batches to result files."""

import csv
import json
from base64 import b64encode
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, time
from os import getpid
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from spacy.tokens import Doc, DocBin

from ..files.saving import replacing
from .plan import RECORD, Settings

# float32 has about seven decimal digits.
DIGITS = 6
# About how many bytes a row group of Parquet has before it is compressed.
ROW_GROUP = 64 * 2**20


class ResultWriter(Protocol):
    """Writes annotated record batches to a file."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Add a batch."""

    def add_doc(self, doc: Doc, identifier: str) -> None:
        """Add a document, inside its memory zone and before its batch."""

    def close(self) -> None:
        """Write the remaining data."""


def whole_file(path: Path) -> AbstractContextManager[Path]:
    """Write a result file under a temporary name, which readers skip and the next run removes, and
    rename it when it is complete.

    path (Path): The file.
    RETURNS (AbstractContextManager[Path]): See `saving.replacing`.
    """
    return replacing(path, path.with_name(f"_{path.name}.{getpid()}.tmp"))


def open_writer(path: Path, schema: pa.Schema, settings: Settings) -> ResultWriter:
    """Open a file for results.

    path (Path): The file.
    schema (Schema): The schema of the annotated batches.
    settings (Settings): The settings.
    RETURNS (ResultWriter): The writer. It has to be closed.
    """
    makers: dict[str, Callable[[Path, pa.Schema], ResultWriter]] = {
        "jsonl": JsonWriter,
        "csv": CsvWriter,
        "parquet": ParquetWriter,
        "spacy": SpacyWriter,
    }
    return makers[settings.format](path, schema)


class FileWriter:
    """Base class of writers of text files."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.file = path.open("w", encoding="utf8", newline="")
        self.names = schema.names

    def add_doc(self, doc: Doc, identifier: str) -> None:
        """Does nothing: documents are not saved in this format."""

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class JsonWriter(FileWriter):
    """JSON lines. Lines from such an input file are kept unchanged, with `entities` added."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Add a batch."""
        columns = {name: batch.column(name).to_pylist() for name in self.names[-2:]}
        if RECORD in self.names:
            lines = batch.column(RECORD).to_pylist()
        else:
            others = batch.select(self.names[:-2]).to_pylist()
            lines = [json.dumps(row, ensure_ascii=False, default=plain) for row in others]
        for line, entities, error in zip(lines, *columns.values(), strict=True):
            more: dict[str, Any] = {"entities": _rounded(entities)}
            if error is not None:
                more["error"] = error
            self.file.write(f"{line[:-1]}, {json.dumps(more, ensure_ascii=False)[1:]}\n")


class CsvWriter(FileWriter):
    """CSV with entities as JSON."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        super().__init__(path, schema)
        self.writer = csv.writer(self.file, lineterminator="\n")
        self.writer.writerow(self.names)

    def write(self, batch: pa.RecordBatch) -> None:
        """Add a batch."""
        for row in batch.to_pylist():
            row["entities"] = _rounded(row["entities"])
            self.writer.writerow([_cell(row[name]) for name in self.names])


class ParquetWriter:
    """Parquet. Batches are combined to larger row groups."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.writer = pq.ParquetWriter(path, schema, compression="zstd")
        self.batches: list[pa.RecordBatch] = []

    def write(self, batch: pa.RecordBatch) -> None:
        """Add a batch."""
        self.batches.append(batch)
        if sum(one.nbytes for one in self.batches) > ROW_GROUP:
            self._write()

    def add_doc(self, doc: Doc, identifier: str) -> None:
        """Does nothing: documents are not saved in this format."""

    def close(self) -> None:
        """Write the remaining batches, and close the file."""
        self._write()
        self.writer.close()

    def _write(self) -> None:
        if self.batches:
            self.writer.write_table(pa.Table.from_batches(self.batches))
        self.batches = []


class SpacyWriter:
    """spaCy's binary format, with complete documents. `doc.user_data["id"]` identifies their
    source.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.docs = DocBin(store_user_data=True)

    def write(self, batch: pa.RecordBatch) -> None:
        """Does nothing: rows are not saved in this format."""

    def add_doc(self, doc: Doc, identifier: str) -> None:
        """Add a document."""
        doc.user_data["id"] = identifier
        self.docs.add(doc)

    def close(self) -> None:
        """Write the file."""
        self.docs.to_disk(self.path)


def plain(value: Any) -> Any:
    """RETURNS (Any): A JSON-serializable value for one that JSON cannot express."""
    if isinstance(value, date | time):
        return value.isoformat()
    return b64encode(value).decode("ascii") if isinstance(value, bytes) else str(value)


def _rounded(entities: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    for entity in entities or ():
        if entity["probability"] is not None:
            entity["probability"] = round(entity["probability"], DIGITS)
    return entities


def _cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=plain)
    return plain(value) if isinstance(value, bytes | date | time) else value
