import gc
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


def counted(function):
    counter = calls.CallCounter()
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


def test_counting_ends_with_an_error():
    with pytest.raises(ZeroDivisionError):
        counted(lambda: 1 / 0)
    assert sys.getprofile() is None


def test_result_and_arguments_are_those_of_the_function():
    assert calls.CallCounter().run(divmod, 7, 2) == (3, 1)


@pytest.fixture
def no_garbage_collection():
    """Hypothesis is called whenever it begins and ends."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_garbage_collection")
def test_calls_of_a_pipeline(ours):
    words = tuple(f"word{i}" for i in range(20))
    text = Text(words, (True,) * 20)
    plan = turns.Plan(ours, "", [text], [text], repeats=2, threads=1)
    results = calls.measure_calls(plan, 5)
    rooms, functions = results["rooms"], results["functions"]
    assert results["documents"] == 2
    assert {"component", "annotations", "decoding/decode", "network/features"} < set(rooms)
    assert {room.split(": ")[0] for room in functions} == set(rooms)
    for rows in (rooms, functions):
        numbers = [sum(values.values()) for values in rows.values()]
        assert numbers == sorted(numbers, reverse=True)
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
