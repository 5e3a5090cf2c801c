"""z_t = W [x_{t−k}; …; x_t; …; x_{t+k}] + b: the window and the hidden layer's product in one.

With W cut into blocks of columns W_j, one for each place of the window, W x = Σ_j W_j x_{t+j}
(`docs/mathematics.md`, sections 2 and 6). A batch has fewer distinct token vectors than windows, so
each distinct vector is multiplied once, and z is a sum of rows of products:

    P = V [W_{−k} … W_k]ᵀ              z_t = Σ_j P[row(t+j), j] + b
    ∂J/∂P[r, j] = Σ δ_t over the windows with r in place j
    ∂J/∂W_j = ∂J/∂P_jᵀ V      ∂J/∂b = Σ_t δ_t      ∂J/∂V = Σ_j ∂J/∂P_j W_j      with δ = ∂J/∂z

Row 0, a zero vector, stands for the words beyond the edges of a sentence, or of a document whose
sentence starts are not set. In training, context dropout replaces random neighbors with it, so that
the network does not depend on all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model, glorot_uniform_init, zero_init
from thinc.types import Floats2d

from . import affine
from .dropout import draw_mask
from .rows import add_rows, sum_rows
from .to_numpy import NUMPY_OPS

# For so few windows, all their rows are taken at once: three calls, where `sum_rows` has three for
# each place. More rows would not stay in the processor's cache.
FEW = 100
# The name of the layer in saved networks and in graphs.
WINDOW_AFFINE = "window_affine"


@dataclass(frozen=True)
class Windows:
    """The windows of a batch, as rows of its distinct token vectors.

    vectors (ndarray): Shape (n_rows, width); row 0 is zero.
    neighbors (ndarray): Shape (n_tokens, 2r + 1) int32; entry (t, j) is the row of the token at
        distance j − r from t, 0 beyond the edges of its sentence.
    products (Optional[ndarray]): Shape (n_rows, n_blocks · nO), the products of the rows in the
        layer that reads the windows, where they are known already.
    """

    vectors: NDArray
    neighbors: NDArray[np.int32]
    products: NDArray | None = None

    def at(self, tokens: NDArray[np.int64] | slice) -> "Windows":
        """Select tokens.

        tokens (Union[ndarray, slice]): Shape (n,), which ones.
        RETURNS (Windows): Their neighbors (n, 2r + 1), everything else unchanged.
        """
        return Windows(self.vectors, self.neighbors[tokens], self.products)

    def within(self, size: int) -> NDArray[np.int32]:
        """RETURNS (ndarray): The rows of neighbors up to a distance k: (n_tokens, 2k + 1)."""
        reach = self.neighbors.shape[1] // 2
        return self.neighbors[:, reach - size : reach + size + 1]


InT = Windows | NDArray
OutT = Floats2d


def WindowAffine(
    size: int, nO: int | None = None, nI: int | None = None, *, context_dropout: float = 0.0
) -> Model[InT, OutT]:
    """Build the layer.

    size (int): k, the number of neighbors on each side; 0 is the word by itself.
    nO (Optional[int]): Width of the output.
    nI (Optional[int]): Width of the window; inferred from the sample if None.
    context_dropout (float): The share of neighbors to leave out in training, from 0 to below 1.
        Off where spaCy's `drop` is 0.
    RETURNS (Model): Windows (n_tokens) → (n_tokens, nO), with the parameters
        W (nO, nI) and b (nO,), nI being 2k + 1 times the width of a token vector.
    RAISES (ValueError): If a setting is outside its range.
    """
    if size != int(size) or size < 0:
        raise ValueError(
            f"window_size is the number of neighbors on each side of a word, and must be a whole "
            f"number of at least 0, got {size}."
        )
    if not 0 <= context_dropout < 1:
        raise ValueError(f"context_dropout must be from 0 to below 1, got {context_dropout}.")
    return Model(
        WINDOW_AFFINE,
        forward,
        init=init,
        dims={"nO": nO, "nI": nI},
        params={"W": None, "b": None},
        attrs={
            "window_size": int(size),
            "context_dropout": context_dropout,
            "dropout_rate": 0.0,
        },
        ops=NUMPY_OPS,
    )


def forward(
    model: Model[InT, OutT], X: Windows, is_train: bool
) -> tuple[NDArray, Callable[[NDArray], NDArray]]:
    """Multiply each distinct vector once, and add up the products of each window.

    X (Union[Windows, ndarray]): The windows of n_tokens tokens; or windows whose vectors are side
        by side already (n, nI), to be multiplied as they are.
    RETURNS: Z (n_tokens, nO), and the callback from δ = ∂J/∂Z (n_tokens, nO) to ∂J/∂V
        (n_rows, width), or to the gradient of the array.
    """
    if isinstance(X, np.ndarray):
        return affine.forward(model, X, is_train)
    k, nO = model.attrs["window_size"], model.get_dim("nO")
    neighbors, n_blocks = X.within(k), 2 * k + 1
    P, rate = X.products, model.attrs["context_dropout"]
    if P is None:
        blocks, scales = blocks_of(model.get_param("W"), n_blocks), None
        if is_train and model.attrs["dropout_rate"] and rate:
            shown = draw_mask(neighbors.shape, rate)
            shown[:, k] = True  # the word itself is never left out
            neighbors = np.where(shown, neighbors, 0)
            scales = np.ones((n_blocks, 1, 1), dtype=X.vectors.dtype)
            scales[np.arange(n_blocks) != k] = 1 / (1 - rate)
            blocks = blocks * scales
        P = multiply(X.vectors, blocks)
    places = neighbors * n_blocks + np.arange(n_blocks, dtype=np.int32)
    Z = sum_places(P.reshape(-1, nO), places)
    Z += model.get_param("b")

    def backprop(delta: NDArray) -> NDArray:
        d_blocks, d_vectors = backprop_products(delta, places, X.vectors, blocks)
        if scales is not None:
            d_blocks *= scales
        model.inc_grad("W", d_blocks.transpose(1, 0, 2).reshape(nO, -1))
        model.inc_grad("b", delta.sum(axis=0))
        return d_vectors

    return Z, backprop


def sum_places(table: NDArray, places: NDArray[np.int32]) -> NDArray:
    """Σ_j table[places[:, j]]: (n_rows, nO), (n, 2k + 1) → (n, nO)."""
    if len(places) > FEW:
        return sum_rows(table, list(np.ascontiguousarray(places.T, dtype=np.intp)))
    return table.take(places, axis=0).sum(axis=1)


def blocks_of(W: NDArray, n_blocks: int) -> NDArray:
    """Cut W into blocks, one for each place: (nO, nI) → (n_blocks, nO, nI / n_blocks)."""
    return W.reshape(len(W), n_blocks, -1).transpose(1, 0, 2)


def multiply(vectors: NDArray, blocks: NDArray, out: NDArray | None = None) -> NDArray:
    """P = V [W_{−k} … W_k]ᵀ.

    vectors (ndarray): Shape (n_rows, width).
    blocks (ndarray): Shape (n_blocks, nO, width), see `blocks_of`.
    out (Optional[ndarray]): Shape (n_rows, n_blocks · nO), where to write P.
    RETURNS (ndarray): P (n_rows, n_blocks · nO).
    """
    n, nO, _ = blocks.shape
    if out is None:
        out = np.empty((len(vectors), n * nO), dtype=np.result_type(vectors, blocks))
    by_block = out.reshape(len(out), n, nO).transpose(1, 0, 2)
    np.matmul(vectors, blocks.transpose(0, 2, 1), out=by_block)
    return out


def backprop_products(
    delta: NDArray, places: NDArray[np.int32], vectors: NDArray, blocks: NDArray
) -> tuple[NDArray, NDArray]:
    """The gradient of `sum_places` of `multiply`: ∂J/∂W_j = ∂J/∂P_jᵀ V, ∂J/∂V = Σ_j ∂J/∂P_j W_j.

    delta (ndarray): Shape (n, nO), the gradient of the sums.
    places (ndarray): Shape (n, n_blocks), which rows of P (n_rows · n_blocks, nO) were summed.
    vectors (ndarray): Shape (n_rows, width).
    blocks (ndarray): Shape (n_blocks, nO, width).
    RETURNS (Tuple[ndarray, ndarray]): The gradient of the blocks, and that of the vectors.
    """
    n_blocks, nO, _ = blocks.shape
    d_P = np.zeros((len(vectors) * n_blocks, nO), dtype=delta.dtype)
    for place in places.T:
        add_rows(d_P, place, delta)
    d_P = d_P.reshape(len(vectors), -1)
    d_blocks = (d_P.T @ vectors).reshape(blocks.shape)
    return d_blocks, d_P @ blocks.reshape(d_P.shape[1], -1)


def prepend_zero_row(vectors: NDArray) -> NDArray:
    """Put the zero row, the word beyond the edges, before vectors: (n, width) → (1 + n, width)."""
    return np.concatenate([np.zeros((1, vectors.shape[1]), dtype=vectors.dtype), vectors])


def neighbor_rows(
    rows: NDArray[np.int64], sentences: NDArray[np.int64], reach: int
) -> NDArray[np.int32]:
    """Find the rows of each token's neighbors.

    rows (ndarray): Shape (n_tokens,), the row of each token, from 1 up.
    sentences (ndarray): Shape (n_tokens,), the number of each token's sentence, ascending by one
        from sentence to sentence.
    reach (int): r, how far neighbors are looked for.
    RETURNS (ndarray): Shape (n_tokens, 2r + 1), 0 beyond the edges of sentences.
    """
    if not len(rows):
        return np.zeros((0, 2 * reach + 1), dtype=np.int32)
    where = np.arange(len(rows)) + reach * (1 + sentences - sentences[0])
    padded = np.zeros(where[-1] + reach + 1, dtype=np.int32)
    padded[where] = rows
    return padded[where[:, None] + np.arange(-reach, reach + 1)]


def windows_over(
    vectors: NDArray,
    sentences: NDArray[np.int64],
    reach: int,
    places: NDArray[np.int64] | None = None,
) -> Windows:
    """Make the windows of consecutive tokens.

    vectors (ndarray): Shape (n, width), the distinct vectors.
    sentences (ndarray): Shape (n_tokens,), the number of each token's sentence.
    reach (int): The largest k of the layers that read the windows.
    places (Optional[ndarray]): Shape (n_tokens,), which vector each token has; by default there is
        one for each token, in order.
    RETURNS (Windows): The windows.
    """
    rows = 1 + (np.arange(len(vectors)) if places is None else places)
    return Windows(prepend_zero_row(vectors), neighbor_rows(rows, sentences, reach))


def init(model: Model[InT, OutT], X: Windows | None = None, Y: NDArray | None = None) -> None:
    """Infer nI from a sample X, and draw W; b is zero."""
    if X is not None:
        model.set_dim("nI", (2 * model.attrs["window_size"] + 1) * X.vectors.shape[1])
    nO, nI = model.get_dim("nO"), model.get_dim("nI")
    model.set_param("W", glorot_uniform_init(model.ops, (nO, nI)))
    model.set_param("b", zero_init(model.ops, (nO,)))
