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
        facts = rng.uniform(0, 0.5, size=(3, 1, 7))
        facts[0, 0, 0] += 0.5 * (i % 2)
        right = np.array([bool(i % 2), False, False])
        several.append(questions.Candidates(str(i), bool(i % 2), list(facts), right))
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
    chosen = questions.choose_threshold(several, [found])
    assert chosen["right and given"] >= 24 and chosen["none given"] >= 24


def test_the_gradient_of_the_loss():
    rng = np.random.default_rng(0)
    x, y, groups = rng.normal(size=(40, 3)), rng.random(40) < 0.2, np.sort(rng.integers(0, 8, 40))
    weights, direction = rng.normal(size=(2, 4))
    _, gradient = questions.multinomial_loss(weights, x, y, groups, 0.7)
    up, down = (
        questions.multinomial_loss(weights + step * direction, x, y, groups, 0.7)[0]
        for step in (1e-6, -1e-6)
    )
    assert gradient @ direction == pytest.approx((up - down) / 2e-6, rel=1e-6)


def test_names_and_no_answer_share_the_probability():
    p, log_total = questions.choose(np.log([1.0, 2.0, 3.0]), np.array([0, 0, 1]))
    assert p == pytest.approx([1 / 4, 2 / 4, 3 / 4])
    assert log_total == pytest.approx(np.log(4) + np.log(4))


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
    assert results["questions"] == 3 and len(results["WEIGHTS"]) == 7
