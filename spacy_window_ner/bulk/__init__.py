"""Bulk annotation: texts in, names with their probabilities out, from a folder to a cluster.

`annotate_batches` is the one function that reads texts; everything else brings texts to it and
takes its rows away. It works with any spaCy pipeline.

    pip install 'spacy-window-ner[bulk]'
"""

try:
    import pyarrow  # noqa: F401
except ImportError as error:
    raise ImportError(
        "spacy_window_ner.bulk needs pyarrow: pip install 'spacy-window-ner[bulk]'"
    ) from error

from ..files.texts import InputError
from .batches import ENTITIES, RowError, annotate_batches, annotated_schema
from .files import annotate_files

__all__ = [
    "ENTITIES",
    "InputError",
    "RowError",
    "annotate_batches",
    "annotate_files",
    "annotated_schema",
]
