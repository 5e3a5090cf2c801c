import importlib.util
import os
import sys
from pathlib import Path

import pytest
import srsly
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import speed  # noqa: E402
from settings import Settings  # noqa: E402
from speed_parts import everything, parts, processes  # noqa: E402
from speed_parts.throughput import measure_speed  # noqa: E402

CONFIG = ROOT / "configs" / "efficiency.cfg"
ONE_THREAD = dict.fromkeys(speed.THREAD_VARIABLES, "1")


def test_script_starts_anew_for_another_number_of_threads(monkeypatch):
    started = []
    monkeypatch.setattr(os, "execve", lambda *args: started.append(args))
    for name in speed.THREAD_VARIABLES:
        monkeypatch.setenv(name, "2")
    speed.ensure_threads(2)
    assert not started
    speed.ensure_threads(1)
    ((_, arguments, environment),) = started
    assert arguments == [sys.executable, *sys.argv]
    assert {name: environment[name] for name in speed.THREAD_VARIABLES} == ONE_THREAD


def run(*args):
    return CliRunner().invoke(speed.app, [str(arg) for arg in args], env=ONE_THREAD)


def test_everything_on_a_small_corpus(tmp_path, people, peer, monkeypatch):
    monkeypatch.setattr(processes, "in_new_process", lambda function, *args: function(*args))
    steps = ("--set", "training.eval_frequency=5", "--max-steps", 10)
    peer_steps = ("--peer-set", "training.max_steps=4", "--peer-set", "training.eval_frequency=2")
    size = ("--growth-words", 1000, "--growth-documents", 100, "--repeats", 1)
    folders = ["--work", tmp_path / "work", "--output", tmp_path]
    draws = importlib.util.find_spec("matplotlib") is not None  # an extra
    if draws:
        folders += ["--figure", tmp_path / "a.svg"]
    outcome = run(
        *(people, "--config", CONFIG, "--peer", peer, "--time-to-best"),
        *(*steps, *peer_steps, *size, *folders),
    )
    assert outcome.exit_code == 0, outcome.output
    if draws:
        assert (tmp_path / "a.svg").read_text(encoding="utf8").rstrip().endswith("</svg>")
    (path,) = tmp_path.glob("*.json")
    results = srsly.read_json(path)
    assert results["name"] == path.stem
    assert results["words"] == 80
    assert results["documents"] == 20
    assert {name for name in results["speed"] if "tokenizer" not in name} == {
        *("window_ner, cold", "window_ner, warm", "window_ner, again", "ner")
    }
    assert min(values["median"] for values in results["speed"].values()) > 0
    assert [row["documents"] for row in results["growth"]["lengths"]] == [10, 1]
    assert [row["documents"] for row in results["growth"]["counts"]] == [100]
    for system in ("window_ner", "ner"):
        assert results["training"][system]["median"] > 0
        latency = results["latency"][system]
        assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"]
        assert 0 < results["loading"][system]["disk_megabytes"] < 20
    assert [point["step"] for point in results["time_to_best"]["ner"]["curve"]] == [0, 2, 4]
    for times in results["parts"].values():
        assert set(times) == {*parts.PARTS, parts.REST, "floor"}
        assert times["floor"] > 0
    figures = {name: figure for name, figure, *_ in results["targets"]}
    assert figures["speed, warm, against ner"] == pytest.approx(
        results["speed"]["window_ner, warm"]["median"] / results["speed"]["ner"]["median"]
    )
    assert figures["speed, cold, against the tokenizer, cold"] == pytest.approx(
        results["speed"]["window_ner, cold"]["median"]
        / results["speed"]["tokenizer, cold"]["median"]
    )
    seconds = {name: values["seconds"] for name, values in results["loading"].items()}
    assert figures["loading, seconds more than a blank pipeline"] == pytest.approx(
        seconds["window_ner"] - seconds["blank"]
    )
    assert results["loading"]["blank"]["disk_megabytes"] == 0
    assert "one document of 1,000 words, memory above it, MB" in figures
    for name in figures:
        assert name in outcome.output


def test_calls_by_room(tmp_path, people, ours):
    outcome = run(
        *(people, "--config", CONFIG, "--model", ours, "--profile", "--repeats", 1),
        *("--work", tmp_path / "work", "--output", tmp_path),
    )
    assert outcome.exit_code == 0, outcome.output
    (path,) = tmp_path.glob("*-profile-1.json")
    results = srsly.read_json(path)
    assert "speed" not in results
    for room in results["calls"]["rooms"]:
        assert room in outcome.output


def test_a_linear_crf_beside(tmp_path, people, ours, peer):
    pytest.importorskip("sklearn_crfsuite", reason="the linear CRF is an optional peer")
    prepared = everything.prepare(
        people, Settings(CONFIG, repeats=1, work=tmp_path), model=ours, peer=str(peer)
    )
    crf = everything.train_crf(prepared.run).nlp
    speed = measure_speed(prepared.plan, 40, crf)
    assert speed["linear CRF"]["median"] > 0
    assert [ent.text for ent in crf("Ada saw Bonn .").ents] == ["Ada", "Bonn"]


def test_a_linear_crf_needs_a_package(tmp_path, people, peer, monkeypatch):
    monkeypatch.setattr(everything, "find_spec", lambda name: None)
    outcome = run(people, "--peer", peer, "--crf", "--work", tmp_path)
    assert outcome.exit_code == 1
    assert "pip install sklearn-crfsuite" in outcome.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--peer", "absent_package"), "The pipeline absent_package cannot be loaded"),
        (("--model", "absent_folder"), "The pipeline absent_folder cannot be loaded"),
        (("--set", "training.nope=1"), "no setting training.nope"),
        (("--profile", "--figure", "a.svg"), "leave --figure, --crf and --time-to-best out"),
        (("--profile", "--crf"), "leave --figure, --crf and --time-to-best out"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, people, peer, options, message):
    outcome = run(people, "--peer", peer, *options, "--work", tmp_path)
    assert outcome.exit_code == 1
    assert message in " ".join(outcome.output.split())
    assert "Traceback" not in outcome.output
