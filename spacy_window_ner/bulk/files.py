"""Annotates files with any engine: the implementation of `python -m spacy window-ner annotate`."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from tqdm import tqdm

from ..files.texts import InputError, find_files
from . import local
from .batches import ADDED
from .loading import load_once
from .manifest import begin, describe_run
from .plan import FORMATS, KINDS, RECORD, Settings, Shard
from .shards import NOTHING, BulkTask, Counts, Progress
from .writers import whole_file

ERRORS_FILE = "_errors.jsonl"
# Runs shards of a task with a number of workers, and reports what is read.
Engine = Callable[[BulkTask, Sequence[Shard], int, Progress], None]


@dataclass(frozen=True)
class Outcome:
    """A summary of a run.

    counts (Counts): The amount of data processed by this run.
    seconds (float): The duration of the run, including loading.
    parts (int): The total number of result files.
    parts_before (int): The number of result files written by earlier runs.
    errors (int): The number of rows with errors in all result files.
    """

    counts: Counts
    seconds: float
    parts: int
    parts_before: int
    errors: int


def annotate_files(
    pipeline: str,
    inputs: Iterable[str | Path],
    output: Path,
    settings: Settings | None = None,
    *,
    workers: int = 1,
    strict: bool = False,
    code: Path | None = None,
    engine: Engine = local.run,
    show_progress: bool = False,
) -> Outcome:
    """Annotate the texts of files. To resume an interrupted run, call this again with the same
    arguments; `workers`, `strict` and `engine` may differ.

    pipeline (str): The name or path of a pipeline.
    inputs (Iterable[Union[str, Path]]): Files, folders and globs.
    output (Path): A folder for the results: result files, `_manifest.json`, and if there are rows
        with errors, `_errors.jsonl` with the file, line and reason of each.
    settings (Optional[Settings]): The settings that determine the results; see `Settings` for the
        defaults.
    workers (int): The number of processes, or of concurrent tasks of the engine.
    strict (bool): Whether to stop at the first row with an error.
    code (Optional[Path]): A Python file with registered functions that the pipeline needs.
    engine (Callable): Runs the shards.
    show_progress (bool): Whether to print a progress bar to stderr.
    RETURNS (Outcome): A summary.
    RAISES (InputError): If arguments or inputs are invalid.
    """
    settings = settings or Settings()
    _check(settings, workers)
    files = find_files(inputs, KINDS, output)
    if Path(pipeline).exists():
        pipeline = str(Path(pipeline).resolve())
    start = perf_counter()
    code_path = None if code is None else str(code.resolve())
    try:
        nlp = load_once(pipeline, code_path)
    except (OSError, ImportError, ValueError) as error:
        raise InputError(f"Cannot load the pipeline {pipeline}: {error}") from error
    shards = begin(output, describe_run(nlp, pipeline, files, settings), files, settings)
    task = BulkTask(pipeline, str(output.resolve()), settings, strict, code_path)
    for left_over in output.rglob("_*.tmp"):
        with suppress(FileNotFoundError):
            left_over.unlink()
    to_do = [shard for shard in shards if not task.part(shard.number).exists()]
    counts = NOTHING
    size, size_left = (sum(shard.size for shard in some) for some in (shards, to_do))
    with _Bar(size, size - size_left, show_progress) as bar:

        def progress(more: Counts) -> None:
            nonlocal counts
            counts = counts.plus(more)
            bar.show(counts)

        if to_do:
            engine(task, to_do, workers, progress)
    errors = _join_errors(task, shards)
    seconds = perf_counter() - start
    return Outcome(counts, seconds, len(shards), len(shards) - len(to_do), errors)


class _Bar:
    """A progress bar in bytes that also shows the number of words per second."""

    def __init__(self, size: int, done: int, show: bool) -> None:
        self.start, self.done = perf_counter(), done
        self.bar = tqdm(
            total=size,
            initial=done,
            disable=not show,
            unit="B",
            unit_scale=True,
            desc="Annotating",
            bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}",
        )

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.close()

    def show(self, counts: Counts) -> None:
        """Update the progress bar."""
        speed = counts.words / (perf_counter() - self.start)
        errors = f", {counts.errors:,} errors" if counts.errors else ""
        self.bar.set_postfix_str(f"{counts.words:,} words, {speed:,.0f}/s{errors}", refresh=False)
        self.bar.update(min(self.done + counts.size, self.bar.total or 0) - self.bar.n)


def _check(settings: Settings, workers: int) -> None:
    if settings.format not in FORMATS:
        raise InputError(f"Unknown format {settings.format!r}. Use one of {', '.join(FORMATS)}.")
    for name in ("batch_size", "shard_size"):
        if getattr(settings, name) < 1:
            raise InputError(f"{name} must be at least 1, got {getattr(settings, name)}.")
    if workers < 1:
        raise InputError(f"The number of workers must be at least 1, got {workers}.")
    names = [settings.text_field, settings.id_field or "id", RECORD, *(one.name for one in ADDED)]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InputError(
            f"The result would contain the columns {', '.join(sorted(twice))} twice. Choose other "
            f"fields for texts and identifiers."
        )


def _join_errors(task: BulkTask, shards: Sequence[Shard]) -> int:
    """Write the errors of all result files to one file. RETURNS (int): Their number."""
    parts = [path for shard in shards if (path := task.errors(shard.number)).exists()]
    path, n_errors = Path(task.output) / ERRORS_FILE, 0
    if not parts:
        return 0
    with whole_file(path) as unfinished, unfinished.open("wb") as file:
        for part in parts:
            content = part.read_bytes()
            n_errors += content.count(b"\n")
            file.write(content)
    return n_errors
