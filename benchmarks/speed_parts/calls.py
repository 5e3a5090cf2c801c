"""How many calls a short document costs, and in which room.

What a short document costs is mostly the number of calls: each takes about a microsecond, whatever
the length of its arrays. A room is a file of the package, or a library. What a room calls of NumPy,
or of Python's own library, counts for the room.

Python reports calls of its own functions, and of functions and methods that are written in C. It
does not report operators, indexing, and NumPy's ufuncs (`a + b`, `a[i]`, `np.add(a, b)`), nor what
spaCy's compiled code calls. Their time counts all the same. Counting makes short calls slower than
long ones; that is corrected, but the time of rooms with many short calls remains somewhat too long.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from time import perf_counter
from types import CodeType, FrameType
from typing import Any

import numpy as np
import spacy
import thinc
from spacy.language import Language
from spacy.tokens import Doc
from systems import SYSTEM

import spacy_window_ner

from .latency import sentences_of
from .pipelines import component_of, load_ours
from .turns import Plan

KINDS = ("python", "numpy", "other_c")
LIBRARIES = {"spaCy": Path(spacy.__file__).parent, "Thinc": Path(thinc.__file__).parent}
# A room, and a function in it.
Place = tuple[str, str]
_PACKAGE = Path(spacy_window_ner.__file__).parent
_NUMPY = Path(np.__file__).parent
# The pipeline is called from here, as spaCy does from `nlp`.
_OUTSIDE: Place = ("spaCy", "nlp")
# How often each document is measured in a turn of the command.
_TURNS = 5
# How often it is measured what counting costs.
_CALIBRATIONS = 200


@cache
def place_of(code: CodeType) -> Place | None:
    """Find where code is.

    code (CodeType): The code of a function.
    RETURNS (Optional[Tuple[str, str]]): The room, such as `layers/hidden`, and the function; None
        for code that its caller's room answers for.
    """
    file = Path(code.co_filename)
    name = getattr(code, "co_qualname", code.co_name)  # from Python 3.11 on
    if file.is_relative_to(_PACKAGE):
        return file.relative_to(_PACKAGE).with_suffix("").as_posix(), name
    for library, folder in LIBRARIES.items():
        # Compiled code has a relative path, if any.
        if file.is_relative_to(folder) or file.parts[:1] == (folder.name,):
            return library, name
    return None


@cache
def _is_in_numpy(code: CodeType) -> bool:
    return Path(code.co_filename).is_relative_to(_NUMPY)


def _is_of_numpy(function: Any) -> bool:
    """Whether a function written in C is NumPy's, or a method of its arrays."""
    owner = getattr(function, "__self__", None)
    module = getattr(function, "__module__", None) or ""
    return any(name.split(".")[0] == "numpy" for name in (module, type(owner).__module__))


class CallCounter:
    """Counts calls and seconds, by place.

    calls (Dict[Tuple[str, str], Dict[str, int]]): For each place the number of calls of each of
        `KINDS`: calls of Python functions, of NumPy, in Python or in C, and of other functions in
        C. A call of a function in C counts for the place that calls it.
    seconds (Dict[Tuple[str, str], float]): For each place the time in it, without that in the
        places that it calls, and without most of that of counting.
    events (Dict[Tuple[str, str], int]): How often each place was interrupted to count.
    """

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        """Start with no calls.

        clock (Callable[[], float]): What measures seconds.
        """
        self.calls: dict[Place, dict[str, int]] = defaultdict(lambda: dict.fromkeys(KINDS, 0))
        self.seconds: dict[Place, float] = defaultdict(float)
        self.events: dict[Place, int] = defaultdict(int)
        self._clock = clock
        self._open: list[Place] = [_OUTSIDE]
        self._since = 0.0

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function, and count.

        function (Callable): The function.
        args (Any): Its arguments.
        RETURNS (Any): What it returns.
        """
        self._open = [_OUTSIDE]
        self._since = self._clock()
        sys.setprofile(self._notice)
        try:
            return function(*args)
        finally:
            sys.setprofile(None)

    def _notice(self, frame: FrameType, event: str, arg: Any) -> None:
        """Do what `sys.setprofile` calls for."""
        self.seconds[self._open[-1]] += self._clock() - self._since
        self.events[self._open[-1]] += 1
        if event == "call":
            place = place_of(frame.f_code) or self._open[-1]
            self._open.append(place)
            self.calls[place]["numpy" if _is_in_numpy(frame.f_code) else "python"] += 1
        elif event == "return":
            self._open.pop()
        elif event == "c_call" and arg is not sys.setprofile:
            self.calls[self._open[-1]]["numpy" if _is_of_numpy(arg) else "other_c"] += 1
        self._since = self._clock()

    def add(self, turns: Sequence["CallCounter"]) -> None:
        """Add what was counted for a document.

        turns (Sequence[CallCounter]): The same, counted repeatedly. The least seconds count.
        """
        for place, calls in turns[-1].calls.items():
            for kind, number in calls.items():
                self.calls[place][kind] += number
        for place, number in turns[-1].events.items():
            self.events[place] += number
            self.seconds[place] += min(turn.seconds[place] for turn in turns)

    def seconds_without_counting(self, total: float, cost: float) -> dict[Place, float]:
        """Take off what it costs to interrupt a place, and share the time without counting out in
        proportion to what is left: counting also makes all else slower.

        total (float): The seconds of all places without counting.
        cost (float): The seconds that an interruption costs.
        RETURNS (Dict[Tuple[str, str], float]): The seconds of each place, `total` together.
        """
        left = {
            place: max(0.0, seconds - cost * self.events[place])
            for place, seconds in self.seconds.items()
        }
        scale = total / sum(left.values())
        return {place: scale * seconds for place, seconds in left.items()}


def cost_of_interruption(
    function: Callable[[], Any], clock: Callable[[], float] = perf_counter
) -> float:
    """Find out what counting adds to a place at each event.

    function (Callable): Something that consists of short calls.
    clock (Callable[[], float]): What measures seconds.
    RETURNS (float): Seconds.
    """
    alone, counted, n_events = [], [], 1
    for _ in range(_CALIBRATIONS):
        start = clock()
        function()
        alone.append(clock() - start)
        counter = CallCounter(clock)
        counter.run(function)
        counted.append(sum(counter.seconds.values()))
        n_events = sum(counter.events.values())
    return max(0.0, (min(counted) - min(alone)) / n_events)


def measure_calls(plan: Plan, number: int) -> dict[str, Any]:
    """Count what a short document costs, warm: its words have been read before.

    plan (Plan): What to measure, and how often.
    number (int): The number of different documents.
    RETURNS (Dict[str, Any]): For one document on average: `seconds` without counting; and for each
        of `rooms` and `functions` its calls by kind and its seconds, the most expensive first. The
        time of a document is the least of all turns, since whatever else the machine does adds.
    """
    nlp = load_ours(plan.model)
    sentences = sentences_of(plan, number)
    for text in sentences:
        _annotate(nlp, text.doc(nlp.vocab), _call)
    alone, total = 0.0, CallCounter()
    for text in sentences:
        alone += min(_seconds(nlp, text.doc(nlp.vocab)) for _ in range(_TURNS * plan.repeats))
        turns = [CallCounter() for _ in range(_TURNS * plan.repeats)]
        for counter in turns:
            _annotate(nlp, text.doc(nlp.vocab), counter.run)
        total.add(turns)
    network = nlp.get_pipe(component_of(nlp, SYSTEM)).model
    cost = cost_of_interruption(lambda: [node.param_names for node in network.walk()])
    seconds = total.seconds_without_counting(alone, cost)
    n = len(sentences)
    places = {
        place: {
            **{kind: calls / n for kind, calls in total.calls[place].items()},
            "seconds": seconds[place] / n,
        }
        for place in seconds
    }
    return {
        "documents": n,
        "seconds": alone / n,
        "rooms": _in_order(_by_room(places)),
        "functions": _in_order({": ".join(place): values for place, values in places.items()}),
    }


def _annotate(nlp: Language, doc: Doc, call: Callable[..., Doc]) -> None:
    for _, pipe in nlp.pipeline:
        doc = call(pipe, doc)


def _call(pipe: Callable[[Doc], Doc], doc: Doc) -> Doc:
    return pipe(doc)


def _seconds(nlp: Language, doc: Doc) -> float:
    start = perf_counter()
    _annotate(nlp, doc, _call)
    return perf_counter() - start


def _by_room(places: Mapping[Place, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    rooms: dict[str, dict[str, float]] = {}
    for (room, _), values in places.items():
        total = rooms.setdefault(room, dict.fromkeys(values, 0.0))
        for name, value in values.items():
            total[name] += value
    return rooms


def _in_order(rows: Mapping[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return dict(sorted(rows.items(), key=lambda row: -row[1]["seconds"]))
