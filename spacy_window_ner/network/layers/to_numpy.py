"""Converts token vectors of other libraries to NumPy, and gradients back.

A `tok2vec` may run on other Thinc ops (CuPy, or PyTorch with a listener). This layer converts its
vectors to one flat NumPy array, and the gradients back to arrays of the original type.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model, NumpyOps, get_array_module, to_numpy
from thinc.types import Floats2d

InT = list[Floats2d]
OutT = Floats2d

NUMPY_OPS = NumpyOps()


def ToNumpy() -> Model[InT, OutT]:
    """Build the border layer.

    RETURNS (Model): List of (n_tokens of the document, width) arrays of any kind → one NumPy array
        (n_tokens, width), no parameters.
    """
    return Model("to_numpy", forward, ops=NUMPY_OPS)


def forward(model: Model[InT, OutT], Xs: InT, is_train: bool) -> tuple[NDArray, Callable]:
    """Concatenate the documents' vectors as NumPy.

    Xs (List[array]): One array (n_tokens of the document, width) for each document.
    RETURNS: The vectors (n_tokens, width), and the callback from their gradient to a list of
        arrays of the kind and order of `Xs`.
    """
    borders = np.cumsum([len(X) for X in Xs])[:-1]

    def backprop(d_Y: NDArray) -> InT:
        return [_like(part, X) for part, X in zip(np.split(d_Y, borders), Xs, strict=True)]

    return np.concatenate([to_numpy(X) for X in Xs]), backprop


def _like(part: NDArray, X: Floats2d) -> Floats2d:
    xp = get_array_module(X)
    return part if xp is np else xp.asarray(part)
