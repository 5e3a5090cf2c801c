"""The logger that draws the training curve."""

import builtins
import io
import re

import pytest
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import load_config

import spacy_window_ner.training.logger as plot_logger_module
from spacy_window_ner.training.logger import draw, plot_logger, point
from tests.pipelines import CONFIGS, blank, corpus, save_corpus

(EFFICIENCY,) = [path for path in CONFIGS if path.stem == "efficiency"]

INFO = {
    "epoch": 0,
    "score": 0.4,
    "other_scores": {"ents_f": 0.5, "ents_p": 0.6, "ents_r": 0.4},
    "losses": {"window_ner": 12.5},
}


def infos() -> list[dict]:
    return [
        {
            **INFO,
            "step": 100 * n,
            "losses": {"window_ner": 50 - n},
            "other_scores": {"ents_f": f, "ents_ece": f},
        }
        for n, f in enumerate([0.0, 0.5, 0.75, None])
    ]


def test_point():
    assert point({**INFO, "step": 7}, steps=5) == {
        "step": 7,
        "scores": {"F1": 50.0},
        "losses": {"window_ner": 2.5},
        "calibration": {},
    }
    without = point({**INFO, "step": 7, "other_scores": {"ents_f": None}}, steps=5)
    assert without["scores"] == {"score": 40.0}
    calibrated = point({**INFO, "step": 7, "other_scores": {"ents_ece": 0.25}}, steps=5)
    assert calibrated["calibration"] == {"ECE": 0.25}


@pytest.mark.extra
def test_the_curve_is_drawn_after_every_evaluation(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    nlp = blank()
    nlp.config["training"]["score_weights"] = {"ents_f": 1.0}
    path, out = tmp_path / "new" / "curve.svg", io.StringIO()
    log_step, finalize = plot_logger(path, output_file=tmp_path / "log.jsonl")(nlp, out, out)
    sizes = []
    for info in infos()[:3]:
        log_step(info)
        log_step(None)
        sizes.append(len(path.read_text()))
    finalize()
    assert sizes == sorted(set(sizes))
    assert "48.00   75.00" in out.getvalue()
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 3
    assert [one.name for one in path.parent.iterdir()] == ["curve.svg"]


@pytest.mark.extra
def test_what_is_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    draw([point(info, 100) for info in infos()], tmp_path / "curve.svg")
    svg = (tmp_path / "curve.svg").read_text()
    assert svg.startswith("<?xml")
    # Text is drawn as shapes, and written beside them as comments.
    for said in ("F1", "score", "window_ner", "step", "mean loss of a step", "ECE"):
        assert f"<!-- {said} -->" in svg
    assert not re.search(r"<dc:date>", svg)
    draw([{**point(info, 100), "calibration": {}} for info in infos()], tmp_path / "without.svg")
    assert "calibration error" not in (tmp_path / "without.svg").read_text()


@pytest.mark.extra
def test_training_draws_calibration(tmp_path):
    """The scores of an evaluation have it, and what is printed has no column more."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    data = save_corpus(tmp_path / "data.spacy", corpus(20))
    changes = {
        "paths.train": str(data),
        "paths.dev": str(data),
        "training.max_steps": 41,
        "training.eval_frequency": 20,
        "training.logger": {
            "@loggers": "spacy_window_ner.PlotLogger.v1",
            "path": str(tmp_path / "curve.svg"),
            "output_file": str(tmp_path / "log.jsonl"),
        },
    }
    nlp = init_nlp(load_config(EFFICIENCY, overrides=changes))
    out = io.StringIO()
    train(nlp, stdout=out, stderr=out)
    svg = (tmp_path / "curve.svg").read_text()
    assert "<!-- calibration error -->" in svg
    assert "ece" not in out.getvalue().lower()
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 3


def test_without_matplotlib_the_error_says_what_to_do(monkeypatch, tmp_path):
    real = builtins.__import__

    def missing(name, *args, **settings):
        if name.startswith("matplotlib"):
            raise ImportError(f"No module named {name!r}")
        return real(name, *args, **settings)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=r"pip install 'spacy-window-ner\[plot\]'"):
        plot_logger(tmp_path / "curve.svg")


@pytest.mark.extra
def test_losses_are_those_of_a_step(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    drawn = []
    monkeypatch.setattr(plot_logger_module, "draw", lambda logged, path: drawn.append([*logged]))
    log_step, _ = plot_logger(tmp_path / "curve.svg")(blank(), io.StringIO(), io.StringIO())
    # The losses are sums: of the first step, and of the 100 or 50 that followed.
    for step, loss in ((0, 3.0), (100, 200.0), (150, 50.0)):
        log_step({**INFO, "step": step, "losses": {"window_ner": loss}})
    assert [one["losses"]["window_ner"] for one in drawn[-1]] == [3.0, 2.0, 1.0]
