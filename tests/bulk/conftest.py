"""A pipeline on disk, and texts, that the tests of bulk annotation share."""

from pathlib import Path

import pytest

from tests.pipelines import shared, texts_of


@pytest.fixture(autouse=True)
def few_texts_outside_of_memory_zones(monkeypatch):
    """The texts of these tests are read inside and outside."""
    monkeypatch.setattr("spacy_window_ner.bulk.batches.WARM_UP", 1000)


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory) -> Path:
    """A folder with a pipeline that has learned `SENTENCES`."""
    path = tmp_path_factory.mktemp("bulk") / "pipeline"
    shared().to_disk(path)
    return path


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """Some texts with words that are new in each of them."""
    known = texts_of()
    return [f"{known[i % len(known)]} Then Quinn{i} left Z{i}ville." for i in range(60)]
