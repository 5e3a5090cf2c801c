"""p_t = Σ_{j=−2}^{1} W_j E[x_{t+j} x_{t+j+1}]: pairs of neighboring characters.

Where a script has no spaces, a token is a character, and words are runs of characters. The window
adds up what each character says by itself; a pair has a vector of its own, as bigrams among the
features of Chinese word segmenters (Xue 2003; Pei et al. 2014, section 3.3). p is a term of z.

The pairs are those of the training data that occur more than once, the most frequent first. Others
have no vector, nor have words of scripts with spaces. With the distinct pairs of a batch in V,

    P = V [W_{−2} … W_1]ᵀ      p_t = Σ_j P[row(t+j), j]
    ∂J/∂P[r, j] = Σ δ_t over the tokens with r in place j
    ∂J/∂W_j = ∂J/∂P_jᵀ V      ∂J/∂V = Σ_j ∂J/∂P_j W_j      with δ = ∂J/∂z
"""

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.strings import get_string_id
from spacy.tokens import Doc
from thinc.api import Model, glorot_uniform_init

from ..features import Tokens, read_tokens
from . import embedding
from .dropout import draw_mask
from .rows import Term, find_sorted
from .to_numpy import NUMPY_OPS
from .token_vectors import Batch
from .window_affine import (
    backprop_products,
    blocks_of,
    multiply,
    neighbor_rows,
    prepend_zero_row,
)

InT = Batch
OutT = Term

# The name of the layer in saved networks and in graphs.
CHARACTER_PAIRS = "character_pairs"
WIDTH = 16
# The pairs around a token begin two characters before it at the earliest, and at it at the latest
# one after it.
REACH = 2
N_BLOCKS = 2 * REACH
# How often a pair occurs in the training data at least.
LEAST = 2
# How the Unicode names of characters of scripts without spaces begin.
SCRIPTS = {"CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"}


def CharacterPairs(rows: int, nO: int, dropout: float = 0.3) -> Model[InT, OutT]:
    """Build the layer.

    rows (int): The number of pairs, at most.
    nO (int): Width of the term.
    dropout (float): The share of pairs to leave out in training, from 0 to below 1. Off where
        spaCy's `drop` is 0.
    RETURNS (Model): Batch → Term (n_tokens, nO), zero where no pair is, with the parameter
        W (nO, 64), and a layer of `PairVectors`. There are no pairs until training data is read.
    """
    return Model(
        CHARACTER_PAIRS,
        forward,
        init=init,
        layers=[PairVectors()],
        dims={"nO": nO, "nI": N_BLOCKS * WIDTH},
        params={"W": None},
        attrs={
            "max_pairs": rows,
            "characters": b"",
            "numbers": b"",
            "pairs": b"",
            "context_dropout": dropout,
            "dropout_rate": 0.0,
            "read_vocabulary": PairReader,
        },
        ops=NUMPY_OPS,
    )


def forward(
    model: Model[InT, OutT], batch: Batch, is_train: bool
) -> tuple[Term, Callable[[NDArray], NDArray]]:
    """Sum the products of the pairs around each token.

    batch (Batch): A batch of n_tokens tokens.
    RETURNS: The sums as a term of z, and the callback that takes the gradient of z
        (n_tokens, nO). It returns zeros, since pairs do not depend on the token vectors.
    """
    W = model.get_param("W")
    firsts, pairs = find_pairs(model, batch.tokens)
    rate = model.attrs["context_dropout"]
    if is_train and model.attrs["dropout_rate"] and rate:
        shown = draw_mask(firsts.shape, rate)
        firsts, pairs = firsts[shown], pairs[shown]
    rows, numbers = np.unique(pairs, return_inverse=True)
    vectors, backprop_vectors = model.layers[0](rows, is_train)
    V = prepend_zero_row(vectors)
    blocks = blocks_of(W, N_BLOCKS)
    P = multiply(V, blocks)
    tokens, neighbors = _around(firsts, 1 + numbers, batch.tokens.sentences)
    places = np.int32(N_BLOCKS) * neighbors + np.arange(N_BLOCKS, dtype=np.int32)

    def backprop(d_Z: NDArray) -> NDArray:
        d_blocks, d_V = backprop_products(d_Z[tokens], places, V, blocks)
        model.inc_grad("W", d_blocks.transpose(1, 0, 2).reshape(W.shape))
        backprop_vectors(d_V[1:])
        return np.zeros_like(batch.windows.vectors) if batch.windows else d_Z[:0]

    return Term(tokens, places, P.reshape(-1, len(W)), len(batch.tokens.keys)), backprop


def find_pairs(
    model: Model[InT, OutT], tokens: Tokens
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the pairs of a batch that have a vector.

    model (Model): The layer.
    tokens (Tokens): The tokens of the batch.
    RETURNS (Tuple[ndarray, ndarray]): The first token of each pair (n,), ascending, and the row of
        the pair in E (n,).
    """
    characters = np.frombuffer(model.attrs["characters"], dtype="<u8")
    numbers = np.frombuffer(model.attrs["numbers"], dtype="<i8")
    known = np.frombuffer(model.attrs["pairs"], dtype="<u8")
    found, is_known = find_sorted(characters, tokens.norms)
    firsts = _adjacent(is_known, tokens.sentences)
    if not len(firsts):
        return firsts, firsts
    pairs = numbers[found[firsts]] * len(numbers) + numbers[found[firsts + 1]]
    rows, is_known = find_sorted(known, pairs.astype(np.uint64))
    return firsts[is_known], rows[is_known]


def _adjacent(is_character: NDArray[np.bool_], sentences: NDArray[np.int64]) -> NDArray[np.int64]:
    """The tokens that are characters, as is the next one in their sentence: (n_pairs,)."""
    firsts = (is_character[:-1] & is_character[1:]).nonzero()[0]
    return firsts[sentences[firsts] == sentences[firsts + 1]]


def _around(
    firsts: NDArray[np.int64], rows: NDArray[np.int64], sentences: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The tokens near a pair (n,), ascending, and the rows of the pairs around each, 0 for none
    (n, 4), given the first token of each pair (n_pairs,), its row (n_pairs,), and the number of
    the sentence of each token (n_tokens,).
    """
    if not len(firsts):
        return firsts, np.zeros((0, N_BLOCKS), dtype=np.int32)
    row_of = np.zeros(len(sentences), dtype=np.int64)
    row_of[firsts] = rows
    neighbors = neighbor_rows(row_of, sentences, REACH)[:, :N_BLOCKS]
    tokens = neighbors.any(axis=1).nonzero()[0]
    return tokens, neighbors[tokens]


class PairReader:
    """Counts the pairs of characters in the training data."""

    def __init__(self, model: Model[InT, OutT]) -> None:
        """Begin to count.

        model (Model): The layer.
        """
        self._model = model
        # The text of each norm that is a character; empty for others.
        self._characters: dict[int, str] = {}
        self._counts: dict[tuple[int, int], int] = {}

    def add(self, docs: Sequence[Doc]) -> None:
        """Count the pairs of documents.

        docs (Sequence[Doc]): Some of the training documents.
        """
        tokens = read_tokens(docs, ())
        norms, places = np.unique(tokens.norms, return_inverse=True)
        is_character = np.asarray(
            [self._is_character(norm, tokens.vocab.strings[norm]) for norm in norms.tolist()], bool
        )[places]
        firsts = _adjacent(is_character, tokens.sentences)
        both = np.stack([tokens.norms[firsts], tokens.norms[firsts + 1]], axis=1)
        pairs, counts = np.unique(both, axis=0, return_counts=True)
        for (first, second), count in zip(pairs.tolist(), counts.tolist(), strict=True):
            self._counts[first, second] = self._counts.get((first, second), 0) + count

    def _is_character(self, norm: int, text: str) -> bool:
        if norm not in self._characters:
            script = unicodedata.name(text[:1], "").partition(" ")[0]
            self._characters[norm] = text if script in SCRIPTS else ""
        return bool(self._characters[norm])

    def finish(self) -> None:
        """Pass the pairs to the layer. A character is found in composed and decomposed form."""
        frequent = {pair: n for pair, n in self._counts.items() if n >= LEAST}
        most = sorted(frequent, key=lambda pair: (-frequent[pair], pair))
        most = most[: self._model.attrs["max_pairs"]]
        forms: dict[int, int] = {}
        for norm in sorted({norm for pair in most for norm in pair}):
            composed = get_string_id(unicodedata.normalize("NFC", self._characters[norm]))
            decomposed = get_string_id(unicodedata.normalize("NFD", self._characters[norm]))
            number = forms.setdefault(composed, len(forms))
            forms[norm] = forms[decomposed] = number
        characters = np.sort(np.asarray([*forms], dtype="<u8"))
        numbers = np.asarray([forms[norm] for norm in characters.tolist()], dtype="<i8")
        pairs = {forms[first] * len(forms) + forms[second] for first, second in most}
        attrs = self._model.attrs
        attrs["characters"], attrs["numbers"] = characters.tobytes(), numbers.tobytes()
        attrs["pairs"] = np.asarray(sorted(pairs), dtype="<u8").tobytes()


def init(model: Model[InT, OutT], X: Any = None, Y: Any = None) -> None:
    """Draw W, and a vector for each pair."""
    vectors = model.layers[0]
    vectors.set_dim("nV", len(model.attrs["pairs"]) // 8, force=True)
    vectors.initialize()
    shape = (model.get_dim("nO"), model.get_dim("nI"))
    model.set_param("W", glorot_uniform_init(model.ops, shape))


def PairVectors() -> Model[NDArray, NDArray]:
    """Build the table of the vectors of pairs.

    RETURNS (Model): Rows (n,) int64 → (n, 16), with the parameter E (n_pairs, 16).
    """
    return Model(
        "pair_vectors",
        forward_vectors,
        init=embedding.init,
        dims={"nO": WIDTH, "nV": None},
        params={"E": None},
        ops=NUMPY_OPS,
    )


def forward_vectors(
    model: Model[NDArray, NDArray], rows: NDArray[np.int64], is_train: bool
) -> tuple[NDArray, Callable[[NDArray], NDArray]]:
    """Look vectors up.

    rows (ndarray): Shape (n,).
    RETURNS: The vectors (n, 16), and the callback that takes their gradient (n, 16). It returns an
        empty array, since rows have no gradient.
    """

    def backprop(d_vectors: NDArray) -> NDArray:
        embedding.inc_rows(model, rows[:, None], d_vectors)
        return d_vectors[:0]

    return model.get_param("E")[rows], backprop
