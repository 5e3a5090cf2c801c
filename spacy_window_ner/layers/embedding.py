"""x = Σ_i E[row_i(id)]: a table of word vectors, looked up by hashing.

An id is hashed to four rows whose sum is its vector (Svenstrup et al. 2017, "Hash Embeddings"
with equal weights, as in spaCy's HashEmbed): two ids that share one row still differ in others,
and an id that was never seen in training has a vector too. The gradient of a row is the sum of the
gradients of all the places where it was used.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model
from thinc.types import Floats2d

from ..features import Lexemes
from .to_numpy import NUMPY_OPS

InT = Lexemes
OutT = Floats2d


def Embedding(nO: int, nV: int, *, column: int, attr: str, seed: int) -> Model[InT, OutT]:
    """Build one embedding table.

    nO (int): Width of the vectors.
    nV (int): Rows of the table.
    column (int): Which column of `Lexemes.ids` to look up.
    attr (str): Name of the attribute in that column, for the name of the layer.
    seed (int): Seed of the hash; tables with different seeds collide in different places.
    RETURNS (Model): Lexemes (n) → (n, nO), with the parameter E (nV, nO).
    """
    return Model(
        f"embed_{attr}",
        forward,
        init=init,
        dims={"nO": nO, "nV": nV},
        params={"E": None},
        attrs={"column": column, "seed": seed},
        ops=NUMPY_OPS,
    )


def forward(
    model: Model[InT, OutT], lexemes: Lexemes, is_train: bool
) -> tuple[NDArray, Callable[[NDArray], NDArray]]:
    """Look vectors up.

    lexemes (Lexemes): n distinct lexemes with their ids.
    RETURNS: The vectors (n, nO), and the callback that takes their gradient (n, nO). It
        returns an empty array, since ids have no gradient.
    """
    E = model.get_param("E")
    ids = np.ascontiguousarray(lexemes.ids[:, model.attrs["column"]])
    rows = model.ops.hash(ids, model.attrs["seed"]).astype(np.int64) % E.shape[0]
    vectors = E[rows[:, 0]]
    for i in range(1, rows.shape[1]):
        vectors += E[rows[:, i]]

    def backprop(d_vectors: NDArray) -> NDArray:
        d_E = np.zeros(E.shape, dtype=d_vectors.dtype)
        add_rows(d_E, rows.T.ravel(), np.tile(d_vectors, (rows.shape[1], 1)))
        model.inc_grad("E", d_E)
        return np.zeros(0, dtype=d_vectors.dtype)

    return vectors, backprop


def add_rows(table: NDArray, rows: NDArray[np.integer], values: NDArray) -> None:
    """table[rows[i]] += values[i], in place, with rows that may repeat.

    table (ndarray): Shape (n_rows, width).
    rows (ndarray): Shape (n,).
    values (ndarray): Shape (n, width).
    """
    if len(rows) == 0:
        return
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    table[ordered[starts]] += np.add.reduceat(values[order], starts, axis=0)


def init(model: Model[InT, OutT], X: Lexemes | None = None, Y: NDArray | None = None) -> None:
    """Draw the table: uniform in ±0.1, as Thinc's HashEmbed."""
    shape = (model.get_dim("nV"), model.get_dim("nO"))
    model.set_param("E", np.random.uniform(-0.1, 0.1, shape).astype("f"))
