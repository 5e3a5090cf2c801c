"""`benchmarks/serve.py`, with few clients and for a moment."""

import random
import sys
from pathlib import Path

import pytest

pytest.importorskip("httpx", reason="httpx is not installed")
pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import serve  # noqa: E402

from tests.pipelines import corpus, save_corpus, shared  # noqa: E402

pytestmark = pytest.mark.extra


@pytest.fixture
def texts(tmp_path) -> Path:
    return save_corpus(tmp_path / "texts.spacy", corpus(20))


def test_texts_are_of_many_lengths(texts):
    made = serve.make_texts(texts, random.Random(0))
    lengths = sorted(len(text.split()) for text in made)
    assert len(made) == serve.N_TEXTS
    assert 20 <= lengths[0] < 30
    assert 1_500 < lengths[-1] <= 2_000


@pytest.mark.parametrize(
    ("change", "equal"),
    [
        ({}, True),
        ({"probability": 0.5000001}, True),
        ({"probability": 0.6}, False),
        ({"label": "ORG"}, False),
        ({"start": 1}, False),
    ],
)
def test_answers_are_compared(change, equal):
    one = {"text": "Oslo", "label": "LOC", "start": 0, "end": 4, "probability": 0.5}
    assert serve.same_entities([{**one, **change}], [one]) is equal
    assert not serve.same_entities([], [one])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_all_is_answered(texts, tmp_path, capfd):
    shared().to_disk(tmp_path / "model")
    serve.main(str(tmp_path / "model"), texts, clients=3, seconds=1.5)
    printed = capfd.readouterr().out
    assert "answered, right" in printed
    assert "p99, seconds" in printed
    assert "wrong" not in printed
    assert "status" not in printed
