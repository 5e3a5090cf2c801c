"""The border between other people's token vectors and our NumPy layers.

A `tok2vec` may run on other Thinc ops (CuPy, or PyTorch behind a listener). Here its vectors
become one flat NumPy array, and the gradients go back as arrays of the kind that came.
"""

from collections.abc import Callable

import numpy as np
from thinc.api import Model, NumpyOps, get_array_module, to_numpy
from thinc.types import Floats2d, Ragged

InT = list[Floats2d]
OutT = Ragged

NUMPY_OPS = NumpyOps()


def ToNumpy() -> Model[InT, OutT]:
    """Build the border layer.

    RETURNS (Model): List of (n_tokens of the document, width) arrays of any kind →
        Ragged with NumPy data (n_tokens, width) and lengths (n_docs,), no parameters.
    """
    return Model("to_numpy", forward, ops=NUMPY_OPS)


def forward(model: Model[InT, OutT], Xs: InT, is_train: bool) -> tuple[Ragged, Callable]:
    """Concatenate the documents' vectors as NumPy.

    Xs (List[array]): One array (n_tokens of the document, width) for each document.
    RETURNS: Ragged data (n_tokens, width), and the callback from its gradient to a list of
        arrays of the kind and order of `Xs`.
    """
    lengths = np.asarray([len(X) for X in Xs], dtype=np.int32)
    data = np.concatenate([to_numpy(X) for X in Xs])

    def backprop(d_Y: Ragged) -> InT:
        parts = np.split(d_Y.data, np.cumsum(lengths)[:-1])
        return [_like(part, X) for part, X in zip(parts, Xs, strict=True)]

    return Ragged(data, lengths), backprop


def _like(part: np.ndarray, X: Floats2d) -> Floats2d:
    xp = get_array_module(X)
    return part if xp is np else xp.asarray(part)
