from pathlib import Path

import pytest

# Adds the commands to spaCy's, so that each test file can run by itself.
import spacy_window_ner.cli  # noqa: F401
from tests.pipelines import shared


@pytest.fixture(scope="package")
def model(tmp_path_factory) -> Path:
    """A trained pipeline on disk, which tests do not change. Some files have one of their own."""
    path = tmp_path_factory.mktemp("model")
    shared().to_disk(path)
    return path
