"""A fingerprint of a pipeline, to check that saved results belong to it."""

import hashlib
from collections.abc import Iterator

import numpy as np
import srsly
from spacy.language import Language
from thinc.api import Model

from ..network.layers.to_numpy import NUMPY_OPS
from ..network.lexicon import carried


def fingerprint(nlp: Language) -> str:
    """Compute a fingerprint of everything that determines the predictions of a pipeline.

    nlp (Language): The pipeline.
    RETURNS (str): A hash of its config, its tokenizer, its components with their parameters, and
        its tables of words. It does not change by saving, loading or processing texts.
    """
    digest = hashlib.sha256()
    for part in _parts(nlp):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _parts(nlp: Language) -> Iterator[bytes | memoryview]:
    """Everything except the strings, since their number grows with processed texts."""
    vectors = nlp.vocab.vectors
    yield nlp.config.to_str(interpolate=False).encode()
    yield nlp.tokenizer.to_bytes(exclude=["vocab"])  # type: ignore[union-attr]
    yield nlp.vocab.lookups.to_bytes()
    yield vectors.to_bytes(exclude=["strings", "vectors"])
    # Not by `to_bytes`, which copies what may be gigabytes.
    yield np.ascontiguousarray(NUMPY_OPS.to_numpy(vectors.data)).data
    for _, pipe in nlp.components:
        if hasattr(pipe, "to_bytes"):
            yield pipe.to_bytes(exclude=["vocab", "lexicon"])
        model = getattr(pipe, "model", None)
        if isinstance(model, Model):
            yield srsly.msgpack_dumps(carried(model).beyond(nlp.vocab).to_dict())
