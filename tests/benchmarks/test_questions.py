"""Fitting the weights of `ask`."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import spacy
import typer
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import names
import questions


def candidates(n, seed=0):
    """Questions of which every other one has an answer, whose first fact is higher."""
    rng = np.random.default_rng(seed)
    several = []
    for i in range(n):
        facts = rng.uniform(0, 0.5, size=(3, 1, 6))
        facts[0, 0, 0] += 0.5 * (i % 2)
        right = np.array([bool(i % 2), False, False])
        several.append(
            questions.Candidates(str(i), bool(i % 2), list(facts), [np.ones(1)] * 3, right)
        )
    return several


def test_the_questions_to_fit_are_not_those_that_are_scored():
    fitted = {one.text for one in names.read_questions(questions.QUESTIONS)}
    scored = {one.text for one in names.read_questions(names.QUESTIONS)}
    assert len(fitted) > 100
    assert not fitted & scored


def test_the_fit_finds_the_fact_that_counts():
    several = candidates(60)
    weights = questions.fit(several)
    assert np.argmax(weights[1:]) == 0
    found = questions.cross_validate(several)
    assert sum(right for _, right in found) >= 27
    chosen = questions.choose_threshold(several, found)
    assert chosen["right and given"] >= 24 and chosen["none given"] >= 24


def test_the_fit_is_where_the_gradient_is_zero():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 3)), rng.integers(0, 2, size=50)
    weights = questions.logistic(x, y, l2=2.0)
    X = np.column_stack([np.ones(50), x])
    gradient = X.T @ (1 / (1 + np.exp(-X @ weights)) - y) + 2.0 * np.array([0, *weights[1:]])
    assert gradient == pytest.approx(np.zeros(4), abs=1e-6)


def test_the_command(data, tmp_path):
    app = typer.Typer()
    app.command()(questions.main)
    for part in ("train", "dev", "test"):
        text = "Ann O\nsaw O\nMt O\nBerg O\nin O\nOslo B-LOC\n"
        (data / "places" / f"{part}.conll").write_text(text, encoding="utf8")
    asked = tmp_path / "questions.txt"
    asked.write_text(
        "Where did Ann see Mt Berg?\tOslo\nWhere do zebras live?\t-\n"
        "Where did Bob see Mt Berg?\t-\n",
        encoding="utf8",
    )
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "LOC", "pattern": "Oslo"}])
    nlp.to_disk(tmp_path / "pipeline")
    arguments = [tmp_path / "pipeline", data, "--corpus", "places", "--questions", asked]
    outcome = CliRunner().invoke(app, list(map(str, arguments)))
    assert outcome.exit_code == 0, outcome.output
    results = json.loads(outcome.output)
    assert results["questions"] == 3 and len(results["WEIGHTS"]) == 6
