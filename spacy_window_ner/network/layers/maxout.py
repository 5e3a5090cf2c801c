"""h = max over p of z_p, the maxout of Goodfellow et al. 2013, section 2.

Only the largest of the pieces reaches the output, so ∂h/∂z_p is 1 for it and 0 for the others.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model
from thinc.types import Floats2d

from .to_numpy import NUMPY_OPS

InT = Floats2d
OutT = Floats2d


def Maxout(pieces: int) -> Model[InT, OutT]:
    """Build the maxout layer.

    pieces (int): How many inputs compete for each output. Piece p of output o is column
        p · width + o of the input, so that each piece is one block.
    RETURNS (Model): (n, pieces · width) → (n, width), no parameters.
    RAISES (ValueError): If there are fewer than two pieces.
    """
    if pieces != int(pieces) or pieces < 2:
        raise ValueError(f"maxout_pieces must be a whole number of at least 2, got {pieces}.")
    return Model("maxout", forward, attrs={"pieces": pieces}, ops=NUMPY_OPS)


def forward(
    model: Model[InT, OutT], Z: NDArray, is_train: bool
) -> tuple[NDArray, Callable[[NDArray], NDArray]]:
    """Compute H = max over pieces.

    Z (ndarray): Shape (n, pieces · width).
    RETURNS: H (n, width), and the callback from ∂J/∂H (n, width) to ∂J/∂Z.
    """
    pieces = model.attrs["pieces"]
    width = Z.shape[1] // pieces
    H = np.maximum(Z[:, :width], Z[:, width : 2 * width])
    for p in range(2, pieces):
        np.maximum(H, Z[:, p * width : (p + 1) * width], out=H)

    def backprop(d_H: NDArray) -> NDArray:
        d_Z = np.empty_like(Z)
        left = d_H  # what no piece has taken yet: ties go to the first
        for p in range(pieces - 1):
            block = slice(p * width, (p + 1) * width)
            np.multiply(left, Z[:, block] == H, out=d_Z[:, block])
            left = left - d_Z[:, block]
        d_Z[:, (pieces - 1) * width :] = left
        return d_Z

    return H, backprop
