"""How many calls a short document costs, and in which room.

What a short document costs is mostly the number of calls: each takes about a microsecond, whatever
the length of its arrays. A room is a file of the package, or a library. What a room calls of NumPy,
or of Python's own library, counts for the room.

Python reports calls of its own functions, and of functions and methods that are written in C. It
does not report operators, indexing, and NumPy's ufuncs (`a + b`, `a[i]`, `np.add(a, b)`), nor what
spaCy's compiled code calls. Their time counts all the same.
"""

import gc
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

import spacy_window_ner

from .latency import sentences_of
from .pipelines import load_ours
from .turns import Plan

KINDS = ("python", "numpy", "other_c")
LIBRARIES = {"spaCy": Path(spacy.__file__).parent, "Thinc": Path(thinc.__file__).parent}
# A room, and a function in it.
Place = tuple[str, str]
_PACKAGE = Path(spacy_window_ner.__file__).parent
_NUMPY = Path(np.__file__).parent
# The pipeline is called from here, as spaCy does from `nlp`.
_OUTSIDE: Place = ("spaCy", "nlp")
# How often time is measured without counting, for each time with it.
_TURNS_ALONE = 5


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
        places that it calls, and without that of counting.
    """

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        """Start with no calls.

        clock (Callable[[], float]): What measures seconds.
        """
        self.calls: dict[Place, dict[str, int]] = defaultdict(lambda: dict.fromkeys(KINDS, 0))
        self.seconds: dict[Place, float] = defaultdict(float)
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
        if event == "call":
            place = place_of(frame.f_code) or self._open[-1]
            self._open.append(place)
            self.calls[place]["numpy" if _is_in_numpy(frame.f_code) else "python"] += 1
        elif event == "return":
            self._open.pop()
        elif event == "c_call" and arg is not sys.setprofile:
            self.calls[self._open[-1]]["numpy" if _is_of_numpy(arg) else "other_c"] += 1
        self._since = self._clock()


def measure_calls(plan: Plan, number: int) -> dict[str, Any]:
    """Count what a short document costs, warm: its words have been read before.

    plan (Plan): What to measure, and how often.
    number (int): The number of different documents.
    RETURNS (Dict[str, Any]): For one document on average: `seconds` without counting, the median of
        all turns; and for each of `rooms` and `functions` its calls by kind and its seconds, the
        most expensive first. Seconds are shares of those without counting.
    """
    nlp = load_ours(plan.model)
    sentences = sentences_of(plan, number)
    n = len(sentences)
    for text in sentences:
        _annotate(nlp, text.doc(nlp.vocab))
    alone, counted = [], []
    for _ in range(_TURNS_ALONE * plan.repeats):
        docs = [text.doc(nlp.vocab) for text in sentences]
        gc.collect()
        start = plan.clock()
        for doc in docs:
            _annotate(nlp, doc)
        alone.append((plan.clock() - start) / n)
    for _ in range(plan.repeats):
        counted.append(_count(nlp, [text.doc(nlp.vocab) for text in sentences]))
    seconds = float(np.median(alone))
    places = {
        place: {
            **{kind: counted[-1].calls[place][kind] / n for kind in KINDS},
            "seconds": float(np.median([turn.seconds[place] for turn in counted])),
        }
        for place in counted[-1].seconds
    }
    share = seconds / sum(values["seconds"] for values in places.values())
    for values in places.values():
        values["seconds"] *= share
    return {
        "documents": n,
        "seconds": seconds,
        "rooms": _in_order(_by_room(places)),
        "functions": _in_order({": ".join(place): values for place, values in places.items()}),
    }


def _annotate(nlp: Language, doc: Doc) -> None:
    for _, pipe in nlp.pipeline:
        doc = pipe(doc)


def _count(nlp: Language, docs: Sequence[Doc]) -> CallCounter:
    counter = CallCounter()
    gc.collect()
    for doc in docs:
        for _, pipe in nlp.pipeline:
            doc = counter.run(pipe, doc)
    return counter


def _by_room(places: Mapping[Place, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    rooms: dict[str, dict[str, float]] = {}
    for (room, _), values in places.items():
        total = rooms.setdefault(room, dict.fromkeys(values, 0.0))
        for name, value in values.items():
            total[name] += value
    return rooms


def _in_order(rows: Mapping[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return dict(sorted(rows.items(), key=lambda row: -row[1]["seconds"]))
