"""Loads pipelines, each of them once in a process."""

from functools import cache
from pathlib import Path

from spacy import util
from spacy.language import Language


@cache
def load_once(pipeline: str, code: str | None = None) -> Language:
    """Load a pipeline, or give the one that this process has loaded before.

    pipeline (str): Its name or path.
    code (Optional[str]): A Python file with registered functions that it needs.
    RETURNS (Language): The pipeline.
    """
    if code is not None:
        util.import_file("python_code", Path(code))
    return util.load_model(pipeline)
