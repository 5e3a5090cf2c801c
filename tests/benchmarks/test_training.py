import sys
from pathlib import Path

import pytest
import srsly
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import training  # noqa: E402


def run(*args):
    return CliRunner().invoke(training.app, [str(arg) for arg in args])


def test_both_systems_train_for_the_same_steps(tmp_path, people):
    changes = ("--set", "training.eval_frequency=2", "--steps", 2, "--repeats", 1)
    outcome = run(people, *changes, "--work", tmp_path / "work", "--output", tmp_path)
    assert outcome.exit_code == 0, outcome.output
    (path,) = tmp_path.glob("*.json")
    results = srsly.read_json(path)
    assert results["steps"] == 2
    assert {len(turns) for turns in results["systems"].values()} == {1}
    own, peer = (results["systems"][name][0]["seconds"] for name in ("window_ner", "ner"))
    assert training.ratios(results)["seconds"] == pytest.approx(own / peer)


def test_a_training_that_fails_is_reported(tmp_path, people):
    broken = ("--set", "training.optimizer.learn_rate.initial_rate=no")
    outcome = run(people, *broken, "--steps", 1, "--work", tmp_path / "work")
    assert outcome.exit_code == 1
    assert "Training failed" in outcome.output
