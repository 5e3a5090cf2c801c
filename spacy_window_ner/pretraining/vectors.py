"""Learns word vectors of a domain from raw text, alone or next to the vectors of a pipeline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from spacy.strings import get_string_id
from spacy.tokens import Doc
from spacy.vectors import Mode, Vectors

from ..network.layers.to_numpy import NUMPY_OPS
from ..network.layers.vector_clusters import nearest
from .cooccurrence import count_contexts
from .factorization import factorize
from .mutual_information import positive_mutual_information
from .words import Text, Words

# The places of the window, and how many words count as contexts at each.
PLACES = (-3, -2, -1, 1, 2, 3)
N_CONTEXTS = 4000
# The size of the vocabulary.
MAX_WORDS = 200_000
# Directions in which M is smaller than this share of its largest one are left out.
MIN_SHARE = 1e-3
# The number of words with a vector that words without one are compared with.
COMPARED = 20_000


@dataclass(frozen=True)
class LearnedVectors:
    """Word vectors learned from texts.

    text (Text): The text.
    table (ndarray): Shape (n_words, width) float32, unit vectors of its words.
    kept (float): The share of M that the vectors preserve: ‖S‖² / ‖M‖², from 0 to 1.
    """

    text: Text
    table: NDArray[np.float32]
    kept: float

    @property
    def keys(self) -> list[int]:
        """RETURNS (List[int]): The hashes of the words, n_words in the order of the vectors."""
        return [get_string_id(word) for word in self.text.words]


def learn_vectors(
    docs: Iterable[Doc], width: int = 64, min_count: int = 3, words: Words | None = None
) -> LearnedVectors:
    """Learn word vectors from documents: U of the mutual information U S Vᵀ of words and contexts.

    Without S all directions weigh the same; with S or √S those of frequent function words outweigh
    the others (Levy, Goldberg and Dagan 2015, section 3.3).

    docs (Iterable[Doc]): The documents; a stream that is read once.
    width (int): The width of the vectors. If there are fewer words, the last columns are zero.
    min_count (int): Minimum frequency of a word to get a vector.
    words (Optional[Words]): Words that were read before, to which the documents are added.
    RETURNS (LearnedVectors): The vectors.
    RAISES (ValueError): If no two neighboring words are frequent enough.
    """
    words = Words() if words is None else words
    for doc in docs:
        words.add(doc)
    text = words.number(min_count, MAX_WORDS)
    n_contexts = min(N_CONTEXTS, max(1, len(text.words)))
    counts = count_contexts(text.ids, len(text.words), PLACES, n_contexts)
    M = positive_mutual_information(counts)
    if not len(M.values):
        raise ValueError(
            f"There is too little text: in {text.n_tokens} words, only {len(text.words)} distinct "
            f"words occur at least {min_count} times. Use more texts, or a lower --min-count."
        )
    U, S = factorize(M, width)
    table = np.zeros((len(text.words), width), dtype=np.float32)
    table[:, : len(S)] = U * (S / S[0] > MIN_SHARE)  # beyond the rank of M, U is noise
    return LearnedVectors(
        text, units(table), float(S @ S / (M.values.astype(np.float64) ** 2).sum())
    )


def units(table: NDArray) -> NDArray[np.float32]:
    """RETURNS (ndarray): The rows of a table (n_rows, width), normalized; zero rows stay zero."""
    table = table.astype(np.float32)
    norms = np.linalg.norm(table, axis=1, keepdims=True)
    return table / np.where(norms > 0, norms, np.float32(1))


def make_vectors(learned: LearnedVectors) -> Vectors:
    """RETURNS (Vectors): The vectors of a pipeline. Rows are in the order of frequency."""
    return Vectors(data=learned.table, keys=learned.keys, name="window_ner_pretrained")


def extend_vectors(learned: LearnedVectors, others: Vectors) -> tuple[Vectors, NDArray[np.int64]]:
    """Concatenate the vectors of the domain with other vectors.

    learned (LearnedVectors): The vectors of the domain. Words without one get zeros.
    others (Vectors): The vectors of a pipeline. Words of the domain without one get a vector
        estimated from similar words: see `_guess`.
    RETURNS (Tuple[Vectors, ndarray]): The vectors, with the words of the domain first; and for each
        the row of the same word among the others, or of the most similar word; -1 if there is none
        (n_vectors,).
    RAISES (ValueError): If the others are floret vectors, which are not a table of words.
    """
    if others.mode == Mode.floret:
        raise ValueError(
            "The pipeline has floret vectors, which are not a table of words. Leave out --from or "
            "--vectors, or choose a pipeline with a table of vectors."
        )
    keys = learned.keys
    # A word of the domain is looked up among the others in the same way as by the network.
    found = _find(others, learned.text.words)
    known = set(keys)
    kept = {key: row for key, row in others.key2row.items() if key not in known}
    # Several words may share a row of the others.
    shared, places = np.unique(np.fromiter(kept.values(), np.int64), return_inverse=True)
    rows, width = np.concatenate([found, shared]), others.shape[1]
    table = np.zeros((len(rows), width + learned.table.shape[1]), dtype=np.float32)
    table[rows >= 0, :width] = NUMPY_OPS.to_numpy(others.data)[rows[rows >= 0]]
    table[: len(keys), width:] = learned.table
    missing = found < 0
    if missing.any() and not missing.all():
        guesses, alike = _guess(learned.table, table[: len(keys), :width], missing)
        table[np.flatnonzero(missing), :width] = guesses
        rows[np.flatnonzero(missing)] = found[alike]
    vectors = Vectors(data=table, keys=keys, name="window_ner_pretrained")
    for key, place in zip(kept, places.tolist(), strict=True):
        vectors.add(key, row=len(keys) + place)
    return vectors, rows


def _guess(
    X: NDArray[np.float32], Y: NDArray[np.float32], missing: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Estimate y = xA by ridge regression, A = (XᵀX + I)⁻¹ XᵀY over the words that have both.

    X (ndarray): Shape (n_words, width of x), unit vectors, the most frequent word first.
    Y (ndarray): Shape (n_words, width of y).
    missing (ndarray): Shape (n_words,) bool, the words without y.
    RETURNS (Tuple[ndarray, ndarray]): y of the n_missing words as unit vectors (n_missing, width of
        y); and the most similar word by x that has both (n_missing,).
    """
    known = np.flatnonzero(~missing)
    gram = X[known].T @ X[known] + np.eye(X.shape[1], dtype=X.dtype)
    A = np.linalg.solve(gram, X[known].T @ units(Y[known]))
    # Frequent words have the most reliable vectors.
    alike = known[nearest(X[missing], X[known[:COMPARED]])]
    return units(X[missing] @ A), alike


def _find(vectors: Vectors, words: Sequence[str]) -> NDArray[np.int64]:
    """The rows of words as written, else in lower case, else -1: (n_words,)."""
    rows = [vectors.find(keys=list(map(get_string_id, words)))]
    rows.append(vectors.find(keys=[get_string_id(word.lower()) for word in words]))
    written, lower = (np.asarray(found, dtype=np.int64) for found in rows)
    return np.where(written >= 0, written, lower)


def neighbors(learned: LearnedVectors, rows: Sequence[int], n: int) -> list[list[str]]:
    """Find the words with the most similar vectors.

    learned (LearnedVectors): The vectors.
    rows (Sequence[int]): The rows of the words.
    n (int): The number of neighbors of each word.
    RETURNS (List[List[str]]): For each word, the n words with the highest cosine similarity, the
        most similar first.
    """
    similarities = learned.table[rows] @ learned.table.T
    similarities[np.arange(len(rows)), rows] = -np.inf
    nearest = np.argsort(-similarities, axis=1, kind="stable")[:, :n]
    return [[learned.text.words[row] for row in found] for found in nearest.tolist()]
