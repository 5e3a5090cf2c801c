"""Bulk annotation of texts with their entities and probabilities, on one machine or a cluster.

`annotate_batches` is the function that processes texts; everything else provides its input and
saves its output. It works with any spaCy pipeline.

    pip install 'spacy-window-ner[bulk]'
"""

try:
    import pyarrow  # noqa: F401
except ImportError as error:
    raise ImportError(
        "spacy_window_ner.bulk needs pyarrow. Install it with: pip install 'spacy-window-ner[bulk]'"
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
