"""The learning rate of a loop that never calls `optimizer.step_schedules()`.

`spacy train` calls it after every update; loops in Python seldom do. A warmup begins at a rate of
0, so they would learn nothing, forever and without an error.
"""

from collections.abc import Iterator
from itertools import islice

from thinc.api import Optimizer

# An endless schedule may rise forever.
_LONGEST_WARMUP = 100_000


class _Watched(Iterator[float]):
    """A schedule that records whether it is stepped, and which updates come before that."""

    def __init__(self, schedule: Iterator[float]) -> None:
        self.schedule = schedule
        self.is_stepped = False
        self.updated: set[tuple[int, str]] = set()

    def __next__(self) -> float:
        self.is_stepped = True
        return next(self.schedule)


def skip_idle_warmup(sgd: Optimizer, param: tuple[int, str]) -> None:
    """If the schedule is never stepped, raise a learning rate of 0 to the end of the warmup.

    This is certain from the second update on, since a training loop that steps the schedule does so
    between two updates. For such loops, nothing changes.

    sgd (thinc.api.Optimizer): The optimizer, before it updates the parameter.
    param (Tuple[int, str]): The id of a node and the name of its parameter.
    """
    schedule = sgd.schedules.get("learn_rate")
    if schedule is None or sgd.learn_rate != 0:
        return
    if not isinstance(schedule, _Watched):
        schedule = sgd.schedules["learn_rate"] = _Watched(schedule)
    if param in schedule.updated and not schedule.is_stepped:
        for rate in islice(schedule.schedule, _LONGEST_WARMUP):
            if rate <= sgd.learn_rate:
                break
            sgd.learn_rate = rate
    schedule.updated.add(param)
