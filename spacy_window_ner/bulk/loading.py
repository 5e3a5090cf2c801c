"""Loads pipelines, each at most once per process."""

from functools import cache
from pathlib import Path

from spacy import util
from spacy.language import Language


@cache
def load_once(pipeline: str, code: str | None = None) -> Language:
    """Load a pipeline, or return it if this process has loaded it before.

    pipeline (str): Its name or path.
    code (Optional[str]): A Python file with registered functions that it needs.
    RETURNS (Language): The pipeline.
    """
    if code is not None:
        util.import_file("python_code", Path(code))
    return util.load_model(pipeline)
