import sys
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc

import spacy_window_ner

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from speed_parts import calls, pipelines, turns  # noqa: E402
from speed_parts.texts import Text  # noqa: E402

PACKAGE = Path(spacy_window_ner.__file__).parent


def in_file(path, source, **names):
    """Run source as if it were in a file, and return the function `f` that it defines."""
    exec(compile(source, str(path), "exec"), names)
    return names["f"]


def counted(function, clock=None):
    counter = calls.CallCounter() if clock is None else calls.CallCounter(clock)
    counter.run(function)
    return counter


def test_calls_by_kind_count_for_the_room_that_makes_them():
    numbers = np.arange(4)
    inner = in_file(
        PACKAGE / "layers" / "inner.py",
        "def f():\n    len(numbers)\n    numbers.argsort()\n    numbers.tolist()\n",
        numbers=numbers,
    )
    outer = in_file(
        PACKAGE / "outer.py",
        "def f():\n    inner()\n    inner()\n    str.upper('a')\n",
        inner=inner,
    )
    counter = counted(outer)
    assert dict(counter.calls) == {
        ("outer", "f"): {"python": 1, "numpy": 0, "other_c": 1},
        ("layers/inner", "f"): {"python": 2, "numpy": 4, "other_c": 2},
    }


def test_calls_of_numpy_in_python_and_of_other_libraries():
    helper = in_file(Path(sys.prefix) / "helper.py", "def f():\n    len('a')\n")
    room = in_file(
        PACKAGE / "room.py", "def f():\n    np.atleast_1d(1)\n    helper()\n", np=np, helper=helper
    )
    library = in_file(Path(spacy.__file__).parent / "util.py", "def f():\n    room()\n", room=room)
    found = dict(counted(library).calls)
    assert found.pop(("spaCy", "f"))["python"] == 1
    of_room = found.pop(("room", "f"))
    assert not found
    assert of_room["numpy"] >= 1
    assert of_room["python"] == 2  # its own, and the helper that it answers for


def test_time_is_that_of_the_place_that_runs_without_that_of_counting(clock):
    # The clock ticks once between two events: in `outer` before the call and before the return, in
    # `inner` before `len`, within it, and before the return.
    inner = in_file(PACKAGE / "inner.py", "def f():\n    len('')\n")
    outer = in_file(PACKAGE / "outer.py", "def f():\n    inner()\n", inner=inner)
    seconds = dict(counted(outer, clock).seconds)
    before_and_behind = seconds.pop(("spaCy", "nlp"))
    assert before_and_behind >= 1
    assert seconds == {("outer", "f"): 2, ("inner", "f"): 3}


def test_what_counting_costs_is_taken_off():
    # Each event costs 2 seconds, which leaves 20 - 4 · 2 and 3 - 2; half of that without counting.
    one, other = ("one", "f"), ("other", "f")
    turns = [calls.CallCounter(), calls.CallCounter()]
    for counter, seconds in zip(turns, (20, 21), strict=True):
        counter.seconds.update({one: seconds, other: 3})
        counter.events.update({one: 4, other: 1})
        counter.calls[one]["numpy"] = 7
    total = calls.CallCounter()
    total.add(turns)
    assert total.calls[one]["numpy"] == 7
    assert total.seconds_without_counting(6.5, 2) == pytest.approx({one: 6, other: 0.5})
    total.add(turns)
    assert total.calls[one]["numpy"] == 14
    assert total.seconds_without_counting(26, 2) == pytest.approx({one: 24, other: 2})


def test_cost_of_an_interruption(clock):
    # A tick passes without counting; with it, one before each event: a call, the beginning and the
    # end of `len`, a return, and the end of counting.
    function = in_file(PACKAGE / "room.py", "def f():\n    len('')\n")
    events = sum(counted(function, clock).events.values())
    assert events == 5
    assert calls.cost_of_interruption(function, clock) == pytest.approx((events - 1) / events)


def test_counting_ends_with_an_error():
    with pytest.raises(ZeroDivisionError):
        counted(lambda: 1 / 0)
    assert sys.getprofile() is None


def test_result_and_arguments_are_those_of_the_function():
    assert calls.CallCounter().run(divmod, 7, 2) == (3, 1)


def test_calls_of_a_pipeline(ours):
    words = tuple(f"word{i}" for i in range(20))
    text = Text(words, (True,) * 20)
    plan = turns.Plan(ours, "", [text], [text], repeats=2, threads=1)
    results = calls.measure_calls(plan, 5)
    rooms, functions = results["rooms"], results["functions"]
    assert results["documents"] == 2
    assert {"component", "annotations", "decoding", "features", "layers/hidden"} < set(rooms)
    assert {room.split(": ")[0] for room in functions} == set(rooms)
    for rows in (rooms, functions):
        seconds = [values["seconds"] for values in rows.values()]
        assert sum(seconds) == pytest.approx(results["seconds"])
        assert seconds == sorted(seconds, reverse=True)
    for kind in calls.KINDS:
        of_functions = sum(values[kind] for values in functions.values())
        assert sum(values[kind] for values in rooms.values()) == pytest.approx(of_functions)
    # The same events, plainly counted.
    nlp, events = pipelines.load_ours(ours), []
    pipe = nlp.get_pipe("window_ner")
    pipe(text.doc(nlp.vocab))
    doc: Doc = text.doc(nlp.vocab)
    sys.setprofile(lambda frame, event, arg: events.append((event, arg)))
    pipe(doc)
    sys.setprofile(None)
    n = sum(event in ("call", "c_call") and arg is not sys.setprofile for event, arg in events)
    assert sum(values[kind] for values in rooms.values() for kind in calls.KINDS) == n
