import sys
from pathlib import Path

import numpy as np
import pytest
import srsly
from typer.testing import CliRunner

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import calibration  # noqa: E402

from spacy_window_ner import __version__  # noqa: E402
from spacy_window_ner.confidence.guarantees import Guarantee  # noqa: E402
from tests.confidence.test_guarantees import words  # noqa: E402


@pytest.mark.parametrize("with_test", [True, False])
def test_figures_before_and_after(data, with_test):
    pytest.importorskip("matplotlib", reason="the figure needs matplotlib")
    if not with_test:
        (data / "places" / "test.conll").unlink()
    steps = ("--set", "training.max_steps=4", "--set", "training.eval_frequency=2")
    folders = ("--work", data.parent / "work", "--output", data.parent / "out")
    command = [data, "--corpus", "places", "--preset", "efficiency", "--seeds", 1]
    outcome = CliRunner().invoke(calibration.app, [str(x) for x in (*command, *steps, *folders)])
    assert outcome.exit_code == 0, outcome.output
    [result] = srsly.read_jsonl(data.parent / "out" / "results.jsonl")
    for when in ("before", "after"):
        assert set(calibration.FIGURES) <= set(result[when])
    assert set(result["guarantees"]) == set(calibration.GUARANTEES)
    figures = [f"{result[when]['log_loss']:.3f}" for when in ("before", "after")]
    row = [__version__, "efficiency", "places", "log loss", *figures]
    assert f"| {' | '.join(row)} |" in outcome.output
    assert (data.parent / "out" / "calibration.svg").exists()


def test_guarantees_hold_in_random_halves():
    tried = calibration.try_guarantee(words(200), Guarantee("recall", 0.8))
    assert tried["refused"] == 0
    assert tried["holds"] >= 0.9
    assert tried["r"] > 0.8
    assert tried["p"] < 1
    assert calibration.try_guarantee(words(4), Guarantee("recall", 0.9)) == {"refused": 1}


def test_the_precision_of_the_surest():
    from spacy_window_ner.confidence.judgment import Judgment

    p = np.asarray([0.9, 0.8, 0.7, 0.6, 0.1])
    correct = np.asarray([True, True, True, False, False])
    found = calibration.describe(Judgment(p, correct, p, correct, 3))
    assert found["p_of_surest"] == 0.75
