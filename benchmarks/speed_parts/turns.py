"""What is measured on what, and in which turns."""

import gc
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from .texts import Text


@dataclass(frozen=True)
class Plan:
    """What a user asks for.

    model (Path): A pipeline with `window_ner`.
    peer (str): A package or folder with `ner`.
    texts (Sequence[Text]): What is measured on.
    other (Sequence[Text]): Text of the same kind, to be read before.
    repeats (int): The number of turns.
    threads (int): The number of threads.
    """

    model: Path
    peer: str
    texts: Sequence[Text]
    other: Sequence[Text]
    repeats: int
    threads: int

    @property
    def clock(self) -> Callable[[], float]:
        """What measures seconds."""
        return process_time if self.threads == 1 else perf_counter


# Prepares what is measured and returns the number of its words, and what runs it.
Job = Callable[[], tuple[int, Callable[[], Any]]]


def take_turns(
    jobs: Mapping[str, Job], repeats: int, clock: Callable[[], Any]
) -> dict[str, list[Any]]:
    """Measure the speed of jobs in turns.

    jobs (Mapping[str, Callable]): By name, each a function whose time does not count, and that
        returns a number of words and a function whose time counts.
    repeats (int): The number of turns.
    clock (Callable[[], float]): What measures seconds, of one clock or, as an array, of several.
    RETURNS (Dict[str, List[float]]): Words per second in each turn, as the clock gives seconds.
    """
    speeds: dict[str, list[Any]] = {name: [] for name in jobs}
    for _ in range(repeats):
        for name, job in jobs.items():
            n_words, run = job()
            gc.collect()
            start = clock()
            run()
            speeds[name].append(n_words / (clock() - start))
    return speeds


def summarize(values: Sequence[float]) -> dict[str, float]:
    """Put measurements together.

    values (Sequence[float]): The measurements.
    RETURNS (Dict[str, float]): Their `median` and their quartiles, `low` and `high`.
    """
    low, middle, high = np.percentile(values, [25, 50, 75]).tolist()
    return {"median": middle, "low": low, "high": high}


def exhaust(items: Iterable[Any]) -> None:
    """Run through items and keep none.

    items (Iterable): The items.
    """
    deque(items, maxlen=0)
