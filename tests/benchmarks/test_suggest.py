import sys
from pathlib import Path

import pytest
import srsly
from typer.testing import CliRunner

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import suggest  # noqa: E402
from results import Cell  # noqa: E402

from spacy_window_ner import __version__  # noqa: E402


def run(people: Path, folder: Path, *arguments: object) -> tuple[int, str]:
    steps = [
        f"training.{name}=4"
        for name in ("max_steps", "eval_frequency", "optimizer.learn_rate.total_steps")
    ]
    command = [
        people.parent,
        *("--corpus", people.name, "--seed", 0, "--rounds", 2, "--size", 10),
        *(x for step in steps for x in ("--set", step)),
        *("--work", folder / "work", "--output", folder / "out", *arguments),
    ]
    outcome = CliRunner().invoke(suggest.app, [str(x) for x in command])
    return outcome.exit_code, outcome.output


def test_annotation_is_simulated(people, tmp_path):
    pytest.importorskip("matplotlib", reason="the figure needs matplotlib")
    code, printed = run(people, tmp_path)
    assert code == 0, printed
    rows = list(srsly.read_jsonl(tmp_path / "out" / "results.jsonl"))
    assert [row["variant"] for row in rows] == ["random", "suggest"]
    assert {row["version"] for row in rows} == {__version__}
    for row in rows:
        assert [point["sentences"] for point in row["curve"]] == [10, 20]
        # Every sentence has four words.
        assert [point["words"] for point in row["curve"]] == [40, 80]
        assert all(0 <= point[key] <= 1 for point in row["curve"] for key in "prf")
    assert rows[0]["curve"][0] == rows[1]["curve"][0]  # both begin with the same sentences
    f = [f"{100 * row['curve'][1]['f']:.1f}" for row in rows]
    assert f"| {people.name} | 1 | 20 | {f[0]} | {f[1]} |" in printed
    assert (tmp_path / "out" / "suggest.svg").exists()
    # What has a line is not run again.
    run(people, tmp_path)
    assert len(list(srsly.read_jsonl(tmp_path / "out" / "results.jsonl"))) == 2


def test_too_few_sentences(people, tmp_path):
    code, printed = run(people, tmp_path, "--rounds", 7)
    assert code == 1
    assert "has 60 sentences to train on" in " ".join(printed.split())


def test_seeds_count_that_have_both_strategies():
    def cell(corpus, seed, variant):
        return Cell("suggest", corpus, "efficiency", "window_ner", seed, 100, variant, __version__)

    cells = [("a", 1, "suggest"), ("a", 0, "random"), ("a", 1, "random"), ("b", 0, "random")]
    results = {cell(*one): {"curve": [{"of": one}]} for one in cells}
    expected = {name: [[{"of": ("a", 1, name)}]] for name in suggest.STRATEGIES}
    assert suggest.curves_of(results) == {"a": expected}


def test_how_much_is_needed():
    amounts, scores = [100, 200, 300], [0.2, 0.6, 0.5]
    assert suggest.needed(amounts, scores, 0.1) == 100
    assert suggest.needed(amounts, scores, 0.2) == 100
    assert suggest.needed(amounts, scores, 0.4) == pytest.approx(150)
    assert suggest.needed(amounts, scores, 0.6) == 200
    assert suggest.needed(amounts, scores, 0.7) is None


def test_what_is_compared():
    def curve(*scores):
        return [{"sentences": 10 * n, "words": 50 * n, "f": f} for n, f in enumerate(scores, 1)]

    drawn = [curve(0.1, 0.2, 0.5), curve(0.3, 0.4, 0.5)]
    rows = suggest.compare({"random": drawn, "suggest": [curve(0.2, 0.5, 0.5)]})
    assert [row["sentences"] for row in rows] == [10, 20, 30]
    assert [row["f"]["random"] for row in rows] == pytest.approx([0.2, 0.3, 0.5])
    assert [row["sentences_needed"] for row in rows] == pytest.approx([10, 40 / 3, 20])
    assert [row["words_needed"] for row in rows] == pytest.approx([50, 200 / 3, 100])
