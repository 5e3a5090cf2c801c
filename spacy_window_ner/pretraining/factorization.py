"""M ≈ U S Vᵀ: the best approximation of a matrix by one of low rank, by matrix products.

The randomized algorithm of Halko, Martinsson and Tropp (2011, algorithms 4.4 and 5.1): multiply a
few random vectors by MᵀM several times, so that they turn to the directions in which M is largest,
make them orthonormal, and decompose M restricted to these directions. The sparse matrix is
multiplied in blocks of dense rows, which is faster in NumPy than looking up single numbers.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .cooccurrence import SparseMatrix

# Directions beyond the rank, and products with MᵀM.
OVERSAMPLING, PRODUCTS = 16, 2
# Numbers of a block with its zeros: 16 MB.
BLOCK = 4_000_000


def factorize(M: SparseMatrix, rank: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Find the left factors of a matrix; the same for the same matrix.

    M (SparseMatrix): Shape (n_rows, n_columns), float32.
    rank (int): The number of factors, not more than there are rows or columns.
    RETURNS (Tuple[ndarray, ndarray]): U of shape (n_rows, rank) with orthonormal columns, and S
        of shape (rank,), descending. Where M is of a lower rank, the last ones are zero.
    """
    n_columns = M.shape[1]
    n_directions = min(rank + OVERSAMPLING, *M.shape)
    directions = np.random.RandomState(0).standard_normal((n_columns, n_directions)).astype("f")
    for _ in range(PRODUCTS):
        products = np.zeros_like(directions)
        for block in _blocks(M):
            products += block.T @ (block @ directions)
        directions, _ = np.linalg.qr(products)
    Y = np.concatenate([block @ directions for block in _blocks(M)])
    U, S, _ = np.linalg.svd(Y, full_matrices=False)
    return U[:, :rank], S[:rank].astype(np.float64)


def _blocks(M: SparseMatrix) -> Iterator[NDArray[np.float32]]:
    """Consecutive rows of a matrix with their zeros, (n_rows of the block, n_columns). The array of
    one block is used again for the next.
    """
    n_rows, n_columns = M.shape
    size = max(1, min(n_rows, BLOCK // n_columns))
    dense = np.zeros((size, n_columns), dtype=np.float32)
    for start in range(0, n_rows, size):
        part = slice(*np.searchsorted(M.rows, [start, start + size]))
        cells = M.rows[part] - start, M.columns[part]
        dense[cells] = M.values[part]
        yield dense[: n_rows - start]
        dense[cells] = 0
