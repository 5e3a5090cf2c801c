"""Replace a fraction of the words by one unknown word, so that its vector and the word's context
are learned too.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from thinc.api import Model

from ..features import Lexemes
from .to_numpy import NUMPY_OPS

InT = Lexemes
OutT = Lexemes

UNKNOWN = 0


def WordDropout(rate: float, columns: Sequence[int]) -> Model[InT, OutT]:
    """Build the word dropout layer. It is off where spaCy's `drop` is 0.

    rate (float): The fraction of lexemes to replace, from 0 up to but not including 1.
    columns (Sequence[int]): The columns of `Lexemes.ids` that tell the word.
    RETURNS (Model): Lexemes (n) → Lexemes (n), no parameters.
    RAISES (ValueError): If the rate is outside its range.
    """
    if not 0 <= rate < 1:
        raise ValueError(f"word_dropout is a fraction from 0 up to but not 1, got {rate}.")
    attrs = {"rate": rate, "columns": list(columns), "dropout_rate": 0.0}
    return Model("word_dropout", forward, attrs=attrs, ops=NUMPY_OPS)


def forward(model: Model[InT, OutT], lexemes: Lexemes, is_train: bool) -> tuple[Lexemes, Callable]:
    """Replace words in training; pass everything in prediction.

    lexemes (Lexemes): n distinct lexemes.
    RETURNS: The lexemes with the ids of some replaced, and the identity as callback.
    """
    rate, columns = model.attrs["rate"], model.attrs["columns"]
    if not is_train or not rate or not columns or not model.attrs["dropout_rate"]:
        return lexemes, lambda d: d
    dropped = np.flatnonzero(np.random.random_sample(len(lexemes)) < rate)
    ids = lexemes.ids.copy()
    ids[np.ix_(dropped, columns)] = UNKNOWN
    return replace(lexemes, ids=ids), lambda d: d
