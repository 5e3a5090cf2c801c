"""x = E[c(v)]: an embedding of the cluster c that a word's vector v is in.

Words with similar vectors share a row of E, so what is learned of one holds for all of them, and
clusters of several sizes generalize to several degrees (Agerri and Rigau 2016, section 3.3). The
clusters are those of k-means (Lloyd 1982) on vectors of length one. They are computed when the
network is initialized, and saved with it. Row 0 is that of words without a vector.
"""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from spacy.vectors import Mode, Vectors
from thinc.api import Model
from thinc.types import Floats2d

from ..features import Lexemes
from .embedding import inc_rows
from .rows import add_rows
from .to_numpy import NUMPY_OPS

InT = Lexemes
OutT = Floats2d

# The centers are fitted to this many vectors: the first ones, which usually are of frequent words.
FITTED = 50_000
ITERATIONS = 10
# How many vectors are compared with all centers at a time.
CHUNK = 4096


def VectorClusters(n_clusters: int, nO: int) -> Model[InT, OutT]:
    """Build the layer.

    n_clusters (int): The number of clusters; fewer where the pipeline has fewer vectors.
    nO (int): Width of the output.
    RETURNS (Model): Lexemes (n) → (n, nO), with the parameter E (nV, nO), nV = 1 + n_clusters.
    """
    return Model(
        f"clusters_{n_clusters}",
        forward,
        init=init,
        dims={"nO": nO, "nV": 1 + n_clusters},
        params={"E": None},
        attrs={"clusters": b""},
        ops=NUMPY_OPS,
    )


def forward(
    model: Model[InT, OutT], lexemes: Lexemes, is_train: bool
) -> tuple[NDArray, Callable[[NDArray], NDArray]]:
    """Look the rows of the clusters up.

    lexemes (Lexemes): n distinct lexemes.
    RETURNS: The vectors (n, nO), and the callback that takes their gradient (n, nO). It returns an
        empty array, since words have no gradient.
    RAISES (ValueError): If the pipeline has not as many vectors as when clusters were computed.
    """
    clusters = np.frombuffer(model.attrs["clusters"], dtype="<u2")
    n_vectors = lexemes.vectors.shape[0]
    rows = np.zeros(len(lexemes), dtype=np.int64)
    if len(lexemes) and len(clusters):
        if n_vectors != len(clusters):
            raise ValueError(
                f"This model has clusters of {len(clusters)} word vectors, but the pipeline has "
                f"{n_vectors}. Load the pipeline with the vectors it was trained with."
            )
        found = lexemes.vector_rows >= 0
        rows[found] = clusters[lexemes.vector_rows[found]]
    E = model.get_param("E")

    def backprop(d_vectors: NDArray) -> NDArray:
        inc_rows(model, rows[:, None], d_vectors)
        return np.zeros(0, dtype=d_vectors.dtype)

    return E[rows], backprop


def init(model: Model[InT, OutT], X: Lexemes | None = None, Y: NDArray | None = None) -> None:
    """Compute the clusters of the vectors in the table of a sample X, and draw E.

    RAISES (ValueError): If the pipeline has no vectors.
    """
    if X is not None:
        clusters = cluster_vectors(X.vectors, model.get_dim("nV") - 1)
        model.attrs["clusters"] = clusters.astype("<u2").tobytes()
    shape = (model.get_dim("nV"), model.get_dim("nO"))
    model.set_param("E", np.random.uniform(-0.1, 0.1, shape).astype("f"))


def cluster_vectors(vectors: Vectors, n_clusters: int) -> NDArray[np.int64]:
    """Assign vectors to clusters.

    vectors (Vectors): The vectors.
    n_clusters (int): The number of clusters.
    RETURNS (ndarray): Shape (n_vectors,), the cluster of each, from 1 up. Empty, with a warning, if
        words do not have a row of their own, but floret vectors.
    RAISES (ValueError): If the pipeline has no vectors.
    """
    if not vectors.shape[0]:
        raise ValueError(
            "vector_clusters needs word vectors, but the pipeline has none. Set "
            "--initialize.vectors (or --paths.vectors) to a pipeline with word vectors, or set "
            "vector_clusters = []."
        )
    if vectors.mode == Mode.floret:
        warnings.warn(
            "vector_clusters has no effect here, because the pipeline has floret vectors, which "
            "are not a table of words. To avoid this warning, set vector_clusters = [].",
            stacklevel=2,
        )
        return np.zeros(0, dtype=np.int64)
    data = NUMPY_OPS.to_numpy(vectors.data).astype(np.float32)
    norms = np.linalg.norm(data, axis=1, keepdims=True)
    units = data / np.where(norms > 0, norms, 1)
    return 1 + cluster_units(units, n_clusters)


def cluster_units(units: NDArray[np.float32], n_clusters: int) -> NDArray[np.int64]:
    """Assign vectors of length one to clusters.

    units (ndarray): Shape (n, width), the vectors.
    n_clusters (int): The number of clusters; fewer where there are fewer vectors.
    RETURNS (ndarray): Shape (n,), the cluster of each, from 0 up.
    """
    return nearest(units, kmeans(units[:FITTED], n_clusters))


def kmeans(units: NDArray[np.float32], n_clusters: int) -> NDArray[np.float32]:
    """Find the centers of clusters; the same for the same vectors.

    units (ndarray): Shape (n, width), vectors of length one.
    n_clusters (int): The number of clusters.
    RETURNS (ndarray): Shape (min(n, n_clusters), width), the centers, of length one.
    """
    drawn = np.random.RandomState(0).permutation(len(units))[:n_clusters]
    centers = units[drawn]
    for _ in range(ITERATIONS):
        sums = np.zeros_like(centers)
        add_rows(sums, nearest(units, centers), units)
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        # A cluster that has become empty keeps its center.
        centers = np.where(norms > 0, sums / np.where(norms > 0, norms, 1), centers)
    return centers


def nearest(units: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.int64]:
    """The center with the smallest angle to each vector: (n, width), (n_centers, width) → (n,)."""
    parts = [units[start : start + CHUNK] for start in range(0, len(units), CHUNK)]
    return np.concatenate([(part @ centers.T).argmax(axis=1) for part in parts])
