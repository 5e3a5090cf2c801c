"""Annotates a single shard, as run by each engine."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from spacy.language import Language
from spacy.tokens import Doc

from ..files.texts import InputError
from ..isolation import forget
from .batches import RowError, annotate_batches, annotated_schema
from .loading import load_once
from .plan import Settings, Shard
from .readers import FilePlace, RowBatch, read_shard
from .writers import ResultWriter, open_writer, whole_file

ERRORS = "_errors"


class Counts(NamedTuple):
    """The amount of processed data: bytes of input, texts, words, and rows with errors."""

    size: int
    texts: int
    words: int
    errors: int

    def plus(self, other: "Counts") -> "Counts":
        """RETURNS (Counts): The sum of both."""
        return Counts(*map(sum, zip(self, other, strict=True)))


NOTHING = Counts(0, 0, 0, 0)
Progress = Callable[[Counts], object]


@dataclass(frozen=True)
class BulkTask:
    """The settings that all shards of a run share.

    pipeline (str): The name or path of the pipeline.
    output (str): The folder of the results.
    settings (Settings): The settings.
    strict (bool): Whether to stop at the first row with an error.
    code (Optional[str]): A Python file with registered functions that the pipeline needs.
    """

    pipeline: str
    output: str
    settings: Settings
    strict: bool = False
    code: str | None = None

    def part(self, number: int) -> Path:
        """RETURNS (Path): The file with the results of a shard."""
        return Path(self.output) / f"part-{number:05d}.{self.settings.format}"

    def errors(self, number: int) -> Path:
        """RETURNS (Path): The file with the errors of a shard, if it has any."""
        return Path(self.output) / ERRORS / f"part-{number:05d}.jsonl"


def annotate_shard(
    task: BulkTask, shard: Shard, progress: Progress = lambda counts: None
) -> Counts:
    """Annotate a shard, and write its result file. The file is written atomically, and its contents
    do not depend on previous shards or on the worker.

    task (BulkTask): The task.
    shard (Shard): The shard.
    progress (Callable): Called with the counts since the last call.
    RETURNS (Counts): The total counts.
    RAISES (InputError): If the task is strict and there is an error, with its file and line.
    """
    nlp = load_once(task.pipeline, task.code)
    forget(nlp)
    run = _Run(task, shard, nlp, progress)
    with whole_file(task.part(shard.number)) as path:
        run.write(path)
        errors = task.errors(shard.number)
        if run.errors:
            errors.parent.mkdir(exist_ok=True)
            with whole_file(errors) as unfinished:
                unfinished.write_text("".join(run.errors), encoding="utf8")
    return run.total


def try_shard(task: BulkTask, shard: Shard) -> Counts | str:
    """Annotate a shard in an engine that does not preserve the type of exceptions.

    task (BulkTask): The task.
    shard (Shard): The shard.
    RETURNS (Union[Counts, str]): The total counts, or the message of an `InputError`.
    """
    try:
        return annotate_shard(task, shard)
    except InputError as error:
        return str(error)


def counts_of(result: Counts | str) -> Counts:
    """RETURNS (Counts): The result of `try_shard`. RAISES (InputError): If it is a message."""
    if isinstance(result, str):
        raise InputError(result)
    return result


class _Run:
    """The annotation of one shard."""

    def __init__(self, task: BulkTask, shard: Shard, nlp: Language, progress: Progress) -> None:
        self.task, self.shard, self.nlp, self.progress = task, shard, nlp, progress
        self.errors: list[str] = []
        self.total = NOTHING
        self.n_words = self.n_reported = 0

    def write(self, path: Path) -> None:
        """Annotate all batches, and write them to a file."""
        writer: ResultWriter | None = None
        settings = self.task.settings
        for batch in read_shard(self.shard, settings, self.report):
            if writer is None:
                schema = annotated_schema(batch.rows.schema, settings.text_field)
                writer = open_writer(path, schema, settings)
            self.annotate(batch, writer)
        assert writer is not None  # there is a batch always
        writer.close()
        self._count(0, 0)

    def annotate(self, batch: RowBatch, writer: ResultWriter) -> None:
        """Annotate a batch, and write it."""
        names = self._names_of(batch)

        def on_doc(row: int, doc: Doc) -> None:
            self.n_words += len(doc)
            writer.add_doc(doc, names[row])

        text = self.task.settings.text_field
        try:
            (annotated,) = annotate_batches(
                self.nlp, [batch.rows], text=text, strict=self.task.strict, on_doc=on_doc
            )
        except RowError as error:
            path, line = batch.places[error.row]
            raise InputError(f"{path}, line {line}: {error.reason}") from error
        if annotated.column("error").null_count < len(annotated):
            for row, reason in enumerate(annotated.column("error").to_pylist()):
                if reason is not None:
                    self.report(*batch.places[row], reason)
        writer.write(annotated)
        self._count(batch.size, len(annotated))

    def report(self, path: str, line: int, reason: str) -> None:
        """Record an error."""
        if self.task.strict:
            raise InputError(f"{path}, line {line}: {reason}")
        error = {"file": path, "line": line, "error": reason}
        self.errors.append(json.dumps(error, ensure_ascii=False) + "\n")

    def _names_of(self, batch: RowBatch) -> list[str]:
        """The identifiers of documents."""
        column = self.task.settings.id_field or "id"
        if column in batch.rows.schema.names:
            return list(map(str, batch.rows.column(column).to_pylist()))
        return list(map(_place_name, batch.places))

    def _count(self, size: int, n_texts: int) -> None:
        n_errors = len(self.errors) - self.n_reported
        counts = Counts(size, n_texts, self.n_words, n_errors)
        self.n_words, self.n_reported = 0, len(self.errors)
        self.total = self.total.plus(counts)
        self.progress(counts)


def _place_name(place: FilePlace) -> str:
    return f"{place[0]}:{place[1]}"
