"""x = v / |v|: the pipeline's own word vectors, constant and of length one.

The length of a word vector mostly reflects the frequency of the word, so vectors are normalized. A
word without a vector is looked up in lower case; without either, its vector is zero. The layer has
no parameters: the next layer's W projects its output, and ∂J/∂v is not needed.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from spacy.vectors import Mode
from thinc.api import Model
from thinc.types import Floats2d

from ..features import Lexemes
from .to_numpy import NUMPY_OPS

InT = Lexemes
OutT = Floats2d


def StaticVectors() -> Model[InT, OutT]:
    """Build the layer of static vectors.

    RETURNS (Model): Lexemes (n) → (n, nO), nO being the width of the pipeline's vectors. Where
        these are vectors of several kinds side by side, `attrs["widths"]` are the widths of the
        kinds, and each has length one.
    """
    attrs: dict[str, list[int]] = {"widths": []}
    return Model(
        "static_vectors", forward, init=init, dims={"nO": None}, attrs=attrs, ops=NUMPY_OPS
    )


def forward(
    model: Model[InT, OutT], lexemes: Lexemes, is_train: bool
) -> tuple[NDArray, Callable[[NDArray], NDArray]]:
    """Look vectors up and normalize them.

    lexemes (Lexemes): n distinct lexemes.
    RETURNS: Vectors of length 1 or 0, shape (n, nO), and a callback that returns an empty array.
    RAISES (ValueError): If the vectors are not of the width that the model was made for.
    """
    vectors = lexemes.vectors
    width = model.get_dim("nO")
    if len(lexemes) and vectors.shape[1] != width:
        raise ValueError(
            f"This model was trained with static vectors of width {width}, but the pipeline's "
            f"vectors have shape {vectors.shape}. Load the pipeline with the vectors it was "
            f"trained with ([initialize] vectors, or nlp.vocab.vectors)."
        )
    V = np.zeros((len(lexemes), width), dtype="f")
    if vectors.mode == Mode.floret and len(lexemes):
        words = [lexemes.vocab.strings[key] for key in lexemes.vector_keys.tolist()]
        V = NUMPY_OPS.to_numpy(vectors.get_batch(words))
    elif len(lexemes):
        rows = lexemes.vector_rows
        V[rows >= 0] = NUMPY_OPS.to_numpy(vectors.data)[rows[rows >= 0]]
    for part in np.split(V, np.cumsum(model.attrs["widths"])[:-1], axis=1):
        norm = np.sqrt(np.einsum("ij,ij->i", part, part))
        part /= np.where(norm > 0, norm, 1)[:, None]
    return V, lambda d_V: np.zeros(0, dtype=d_V.dtype)


def init(model: Model[InT, OutT], X: Lexemes | None = None, Y: NDArray | None = None) -> None:
    """Read the width from the table of a sample X.

    RAISES (ValueError): If the pipeline has no vectors.
    """
    if X is None:
        return
    width = X.vectors.shape[1]
    if not width or not X.vectors.shape[0]:
        raise ValueError(
            "include_static_vectors is true, but the pipeline has no word vectors. Set "
            "--initialize.vectors (or --paths.vectors) to a pipeline with word vectors, for "
            "example en_core_web_md or the result of `python -m spacy init vectors`, or set "
            "include_static_vectors = false."
        )
    model.set_dim("nO", width)
