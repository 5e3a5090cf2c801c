import sys
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from typer.testing import CliRunner

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
pytest.importorskip("pyarrow", reason="pyarrow is not installed")

import bulk  # noqa: E402
import bulk_engines  # noqa: E402
import bulk_faults  # noqa: E402

from spacy_window_ner.bulk.loading import load_once  # noqa: E402
from tests.pipelines import shared, texts_of  # noqa: E402

pytestmark = pytest.mark.extra


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """A pipeline, and texts."""
    shared().to_disk(tmp_path / "pipeline")
    nlp = spacy.blank("en")
    DocBin(docs=map(nlp.make_doc, texts_of())).to_disk(tmp_path / "texts.spacy")
    return [str(tmp_path / "pipeline"), str(tmp_path / "texts.spacy")]


def run(app, *arguments: object) -> str:
    outcome = CliRunner().invoke(app, list(map(str, arguments)))
    assert outcome.exit_code == 0, outcome.output
    return " ".join(outcome.output.split())


def test_speed(arguments):
    options = ["--n-short", 20, "--n-long", 2, "--length", 3, "--turns", 1]
    printed = run(bulk.app, "speed", *arguments, *options)
    assert "20 short clock" in printed and "2 long CPU" in printed
    assert "long" not in run(
        bulk.app, "speed", *arguments, *options[:2], "--n-long", 0, *options[4:]
    )


def test_workers(arguments):
    printed = run(
        bulk.app, "workers", *arguments, "--n-short", 10, "--n-long", 0, "--turns", 1, "--number", 1
    )
    assert "10 short" in printed and "1 worker" in printed
    load_once.cache_clear()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is measured on Linux")
def test_memory(arguments):
    printed = run(bulk.app, "memory", *arguments, "--n-words", 400, "--size", 10)
    assert "0 of 40 texts differ" in printed.replace("0 of 200", "0 of 40")
    assert "400 new words" in printed


def test_differences_are_counted():
    nlp = shared()
    (right,) = bulk.annotate_batches(nlp, bulk.new_words(texts_of()[:2], 20, 2))
    assert bulk.differences(nlp, right) == 0
    rows = right.to_pylist()
    rows[0]["entities"][0]["probability"] -= 0.01
    rows[1]["entities"] = []
    assert bulk.differences(nlp, bulk.pa.RecordBatch.from_pylist(rows, right.schema)) == 2


def test_malformed_rows(arguments):
    printed = run(bulk_faults.app, "malformed", *arguments, "--number", 120)
    assert "114 of 114 good rows are annotated" in printed
    assert "6 of 6 bad rows are reported" in printed and "0 other reports" in printed


def test_runs_that_are_not_killed(arguments):
    """Killing takes seconds each time; `tests/bulk` and `tests/mentions` do it."""
    printed = run(bulk_faults.app, "kills", *arguments, "--number", 20, "--n-kills", 0)
    assert "files are the same, byte for byte; 0 others" in printed
    printed = run(bulk_faults.app, "index-kills", *arguments, "--number", 20, "--n-kills", 0)
    assert "the same contents as without" in printed


def test_rows_that_differ():
    entity = {"start": 0, "end": 5, "label": "LOC", "text": "Paris", "probability": 0.5}
    row = {"n": 0, "text": "Paris", "entities": [entity], "error": None}
    near = {**row, "entities": [{**entity, "probability": 0.500001}]}
    others = [
        {**row, "entities": []},
        {**row, "entities": [{**entity, "probability": 0.6}]},
        {**row, "entities": [{**entity, "label": "PER"}]},
        {**row, "error": "no"},
        {**row, "n": 1},
    ]
    assert bulk_engines.n_different([row], [near]) == 0
    assert [bulk_engines.n_different([row], [other]) for other in others] == [1] * 5
    assert bulk_engines.n_different([row, row], [row]) == 1


def test_a_package_that_counts_loads(arguments, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    loads = bulk_engines.write_package(tmp_path, arguments[0])
    monkeypatch.syspath_prepend(tmp_path)
    assert spacy.load(bulk_engines.COUNTED).pipe_names == ["window_ner"]
    assert len(list(loads.iterdir())) == 1
