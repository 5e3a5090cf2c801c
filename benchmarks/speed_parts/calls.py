"""How many calls a short document costs, and in which room.

What a short document costs is mostly the number of calls: each takes about a microsecond, whatever
the length of its arrays. A room is a file of the package, or a library. What a room calls of NumPy,
or of Python's own library, counts for the room.

Python reports calls of its own functions, and of functions and methods that are written in C. It
does not report operators, indexing, and NumPy's ufuncs (`a + b`, `a[i]`, `np.add(a, b)`), nor what
spaCy's compiled code calls. Where the time goes is in `parts`.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np
import spacy
import thinc
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
    """Counts calls, by place.

    calls (Dict[Tuple[str, str], Dict[str, int]]): For each place the number of calls of each of
        `KINDS`: calls of Python functions, of NumPy, in Python or in C, and of other functions in
        C. A call of a function in C counts for the place that calls it.
    """

    def __init__(self) -> None:
        """Start with no calls."""
        self.calls: dict[Place, dict[str, int]] = defaultdict(lambda: dict.fromkeys(KINDS, 0))
        self._open: list[Place] = [_OUTSIDE]

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function, and count.

        function (Callable): The function.
        args (Any): Its arguments.
        RETURNS (Any): What it returns.
        """
        self._open = [_OUTSIDE]
        sys.setprofile(self._notice)
        try:
            return function(*args)
        finally:
            sys.setprofile(None)

    def _notice(self, frame: FrameType, event: str, arg: Any) -> None:
        """Do what `sys.setprofile` calls for."""
        if event == "call":
            place = place_of(frame.f_code) or self._open[-1]
            self._open.append(place)
            self.calls[place]["numpy" if _is_in_numpy(frame.f_code) else "python"] += 1
        elif event == "return":
            self._open.pop()
        elif event == "c_call" and arg is not sys.setprofile:
            self.calls[self._open[-1]]["numpy" if _is_of_numpy(arg) else "other_c"] += 1


def measure_calls(plan: Plan, number: int) -> dict[str, Any]:
    """Count what a short document calls, warm: its words have been read before.

    plan (Plan): What to measure.
    number (int): The number of different documents.
    RETURNS (Dict[str, Any]): For one document on average the calls by kind of each of `rooms` and
        `functions`, the most first.
    """
    nlp, counter = load_ours(plan.model), CallCounter()
    sentences = sentences_of(plan, number)
    for call in (_call, counter.run):
        for text in sentences:
            doc = text.doc(nlp.vocab)
            for _, pipe in nlp.pipeline:
                doc = call(pipe, doc)
    functions: dict[str, dict[str, float]] = {}
    rooms: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(KINDS, 0.0))
    for (room, name), calls in counter.calls.items():
        functions[f"{room}: {name}"] = {kind: calls[kind] / len(sentences) for kind in KINDS}
        for kind in KINDS:
            rooms[room][kind] += calls[kind] / len(sentences)
    return {
        "documents": len(sentences),
        "rooms": _in_order(rooms),
        "functions": _in_order(functions),
    }


def _call(pipe: Callable[[Doc], Doc], doc: Doc) -> Doc:
    return pipe(doc)


def _in_order(rows: Mapping[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return dict(sorted(rows.items(), key=lambda row: -sum(row[1].values())))
