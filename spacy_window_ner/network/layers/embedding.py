"""x = Σ_i E[row_i(id)]: a table of word vectors, looked up by hashing.

A known id is hashed to four rows whose sum is its vector (Svenstrup et al. 2017, "Hash
Embeddings" with equal weights, as in spaCy's HashEmbed): two ids that share one row still differ in
others. All ids that are not in the training data share row 0; hashing would give them the sum of
rows that belong to other words. To learn row 0, an id that occurs n times in the training data is
replaced by the unknown one with probability α / (α + n) at each step (Kiperwasser and Goldberg
2016, section 4.1). The gradient of a row is the sum of the gradients of all the places where it was
used. New words in further training become known as soon as a gradient reaches them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model
from thinc.types import Floats2d

from ..features import UNKNOWN, Lexemes
from .rows import add_rows, find_sorted, sum_rows
from .to_numpy import NUMPY_OPS

InT = Lexemes
OutT = Floats2d

UNKNOWN_ROW = 0
_FREQUENT = 1e9


def Embedding(
    nO: int, nV: int, *, column: int, attr: str, seed: int, rare_dropout: float
) -> Model[InT, OutT]:
    """Build one embedding table.

    nO (int): Width of the vectors.
    nV (int): Rows of the table, one of them for unknown ids.
    column (int): Which column of `Lexemes.ids` to look up.
    attr (str): Name of the attribute in that column, for the name of the layer.
    seed (int): Seed of the hash; tables with different seeds collide in different places.
    rare_dropout (float): α, from 0 up. The dropout of rare ids is off where spaCy's `drop` is 0.
    RETURNS (Model): Lexemes (n) → (n, nO), with the parameter E (nV, nO). All ids are known
        until `set_known` lists them.
    RAISES (ValueError): If a setting is outside its range.
    """
    if nV < 2:
        raise ValueError(f"A table needs at least 2 rows, one for unknown values, got {nV}.")
    if not rare_dropout >= 0:
        raise ValueError(f"rare_dropout must be at least 0, got {rare_dropout}.")
    return Model(
        f"embed_{attr}",
        forward,
        init=init,
        dims={"nO": nO, "nV": nV},
        params={"E": None},
        attrs={
            "column": column,
            "seed": seed,
            "known": b"",
            "counts": b"",
            "rare_dropout": rare_dropout,
            "dropout_rate": 0.0,
        },
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
    rows = 1 + (model.ops.hash(ids, model.attrs["seed"]) % np.uint32(len(E) - 1)).astype(np.int32)
    counts = occurrences(model, ids)
    new = (counts == 0) & (ids != UNKNOWN) & is_train
    counts[new] = 1
    rows[counts == 0] = UNKNOWN_ROW
    if is_train and model.attrs["dropout_rate"]:
        alpha = model.attrs["rare_dropout"]
        dropped = np.random.random_sample(len(ids)) * (alpha + counts) < alpha
        rows[dropped] = UNKNOWN_ROW
    vectors = sum_rows(E, list(np.ascontiguousarray(rows.T, dtype=np.intp)))

    def backprop(d_vectors: NDArray) -> NDArray:
        # Words of documents without annotation have no gradient.
        learned = new & d_vectors.any(axis=1)
        if learned.any():
            _add_known(model, np.unique(ids[learned]))
        inc_rows(model, rows, d_vectors)
        return np.zeros(0, dtype=d_vectors.dtype)

    return vectors, backprop


def set_known(
    model: Model[InT, OutT], ids: NDArray[np.uint64], counts: NDArray[np.integer]
) -> None:
    """Set the ids of the training data. Without any, every id counts as known and frequent.

    model (Model): The embedding layer.
    ids (ndarray): Shape (n_known,), distinct, in any order.
    counts (ndarray): Shape (n_known,), how often each occurs.
    """
    order = np.argsort(ids)
    # Bytes in one order of bytes, so that a saved model is the same on every machine.
    model.attrs["known"] = ids[order].astype("<u8").tobytes()
    model.attrs["counts"] = counts[order].astype("<u4").tobytes()


def _add_known(model: Model[InT, OutT], ids: NDArray[np.uint64]) -> None:
    """Make ids (n,) known, as met once: ascending, and not known so far."""
    known = np.frombuffer(model.attrs["known"], dtype="<u8")
    counts = np.frombuffer(model.attrs["counts"], dtype="<u4")
    places = np.searchsorted(known, ids)
    model.attrs["known"] = np.insert(known, places, ids).tobytes()
    model.attrs["counts"] = np.insert(counts, places, 1).tobytes()


def occurrences(model: Model[InT, OutT], ids: NDArray[np.uint64]) -> NDArray[np.float64]:
    """How often each id occurs in the training data, 0 for unknown ones: (n,) → (n,)."""
    known = np.frombuffer(model.attrs["known"], dtype="<u8")
    if len(known) == 0:
        return np.where(ids == UNKNOWN, 0.0, _FREQUENT)
    counts = np.frombuffer(model.attrs["counts"], dtype="<u4")
    places, is_known = find_sorted(known, ids)
    return np.where(is_known, counts[places], 0).astype(np.float64)


def inc_rows(model: Model, rows: NDArray[np.integer], d_vectors: NDArray) -> None:
    """Add the gradient of sums of rows to that of the table: each row of a sum gets it whole.

    model (Model): A layer with the parameter E (nV, nO).
    rows (ndarray): Shape (n, rows of a sum), which rows of E were summed.
    d_vectors (ndarray): Shape (n, nO), the gradient of the sums.
    """
    d_vectors = np.ascontiguousarray(d_vectors)
    # A batch uses few of the rows: to add a whole table of zeros takes longer than all of this.
    in_place = model.has_grad("E")
    d_E = model.get_grad("E") if in_place else np.zeros_like(model.get_param("E"))
    for of_sums in rows.T:
        add_rows(d_E, of_sums, d_vectors)
    if not in_place:
        model.inc_grad("E", d_E)


def init(model: Model, X: Any = None, Y: Any = None) -> None:
    """Draw the table: uniform in ±0.1, as Thinc's HashEmbed."""
    shape = (model.get_dim("nV"), model.get_dim("nO"))
    model.set_param("E", np.random.uniform(-0.1, 0.1, shape).astype("f"))
