"""The engine for one machine: this process, or several processes that get shards one by one."""

import os
import signal
from collections.abc import Iterator, Sequence
from multiprocessing import get_context, parent_process
from multiprocessing.queues import Queue
from queue import Empty
from threading import Thread
from typing import Any

from ..files.texts import InputError
from .plan import Shard
from .shards import BulkTask, Counts, Progress, annotate_shard


class WorkerError(RuntimeError):
    """A worker process has failed or ended before its work was done."""


def run(task: BulkTask, shards: Sequence[Shard], workers: int, progress: Progress) -> None:
    """Annotate shards.

    task (BulkTask): The task.
    shards (Sequence[Shard]): The shards to annotate.
    workers (int): The number of processes. With 1, the work is done in this process.
    progress (Callable): Called with the counts since the last call.
    RAISES (InputError): If the task is strict and there is an error.
    RAISES (WorkerError): If a worker fails.
    """
    if workers == 1 or len(shards) < 2:
        for shard in shards:
            annotate_shard(task, shard, progress)
    else:
        for counts in _run_in_processes(task, shards, min(workers, len(shards))):
            progress(counts)


def _run_in_processes(task: BulkTask, shards: Sequence[Shard], workers: int) -> Iterator[Counts]:
    context = get_context("spawn")
    to_do, done = context.Queue(), context.Queue()
    for item in (*shards, *[None] * workers):
        to_do.put(item)
    processes = [
        context.Process(target=_work, args=(task, to_do, done), daemon=True) for _ in range(workers)
    ]
    for process in processes:
        process.start()
    at_work = workers
    try:
        while at_work:
            kind, content = _next(done, processes)
            if kind == "counts":
                yield content
            elif kind == "end":
                at_work -= 1
            else:
                raise (InputError if kind == "input" else WorkerError)(content)
    finally:
        to_do.cancel_join_thread()
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _next(done: "Queue[Any]", processes: Sequence[Any]) -> tuple[str, Any]:
    while True:
        try:
            return done.get(timeout=1)
        except Empty:
            codes = [one.exitcode for one in processes if one.exitcode not in (None, 0)]
        if codes:
            reason = (
                "It was killed, possibly because it ran out of memory. Use fewer --workers or a "
                "smaller --batch-size."
                if codes[0] < 0
                else "See the output above for the error."
            )
            raise WorkerError(f"A worker process has ended with exit code {codes[0]}. {reason}")


def _work(task: BulkTask, to_do: "Queue[Shard | None]", done: "Queue[tuple[str, Any]]") -> None:
    """Annotate shards until there are none left."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what happens then
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        while (shard := to_do.get()) is not None:
            annotate_shard(task, shard, lambda counts: done.put(("counts", counts)))
    except InputError as error:
        done.put(("input", str(error)))
    except Exception as error:
        done.put(("error", f"{type(error).__name__}: {error}"))
    else:
        done.put(("end", None))


def _end_with_parent() -> None:
    """End this process when its parent ends, even if the parent is killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
