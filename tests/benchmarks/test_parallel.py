import sys
from pathlib import Path

import pytest
import spacy

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import parallel


def test_each_way_is_measured_with_texts_and_without(monkeypatch):
    monkeypatch.setattr(parallel, "_METHODS", ())
    seen = []
    nlp = spacy.blank("en")
    make_doc = nlp.make_doc
    monkeypatch.setattr(nlp, "make_doc", lambda text: seen.append(str(text)) or make_doc(text))
    seconds = parallel.measure(nlp, ["one two", "three", "four"], 2)
    names = ["one process", "2 threads"]
    assert sorted(seconds) == sorted([*names, *(f"{name}, start" for name in names)])
    # Read once before, and by both ways in both turns.
    assert seen.count("three") == 5
    assert seen.count("word") == 8


def test_processes_are_started_in_the_ways_that_the_system_has(monkeypatch):
    monkeypatch.setattr(parallel.multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    assert list(parallel.ways(spacy.blank("en"))) == [
        "one process",
        "2 threads",
        "2 processes, spawn",
    ]


def test_a_missing_pipeline_is_an_error(tmp_path):
    with pytest.raises(SystemExit):
        parallel.app([str(tmp_path), str(tmp_path / "none")])
