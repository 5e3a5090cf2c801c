"""x = Σ_g E[row(g)] / √n over the n character n-grams g of a word: what its pieces say of it.

`<heart>` has the 3-grams `<he`, `hea`, `ear`, `art`, `rt>` (Bojanowski et al. 2017, "Enriching Word
Vectors with Subword Information", section 3.2), so that a word that the training data did not have
is known by its parts, wherever in it they stand. Letters are in lower case: SHAPE and CASE tell of
the others. Each n-gram is hashed to one row. A sum of n independent vectors is about √n times as
long as each of them; divided by that, long words weigh as much as short ones.

The gradient of a row is the sum of ∂J/∂x / √n over the places where it was used.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from spacy.strings import get_string_id
from thinc.api import Model
from thinc.types import Floats2d

from ..features import Lexemes
from .embedding import add_rows, init
from .to_numpy import NUMPY_OPS

InT = Lexemes
OutT = Floats2d


def CharNgrams(nO: int, nV: int, sizes: Sequence[int]) -> Model[InT, OutT]:
    """Build the layer of character n-grams.

    nO (int): Width of the vectors.
    nV (int): Rows of the table.
    sizes (Sequence[int]): How many characters an n-gram has, for example 3, 4 and 5. The marks of
        the beginning and the end of the word count as characters.
    RETURNS (Model): Lexemes (n) → (n, nO), with the parameter E (nV, nO).
    RAISES (ValueError): If there are no sizes, or one is not a whole number from 1 up.
    """
    if not sizes or any(size != int(size) or size < 1 for size in sizes):
        raise ValueError(
            f"ngrams are the numbers of characters of n-grams, whole numbers from 1 up, for "
            f"example [3,4,5]; got {list(sizes)}."
        )
    return Model(
        "char_ngrams",
        forward,
        init=init,
        dims={"nO": nO, "nV": nV},
        params={"E": None},
        attrs={"sizes": [int(size) for size in sizes]},
        ops=NUMPY_OPS,
    )


def forward(
    model: Model[InT, OutT], lexemes: Lexemes, is_train: bool
) -> tuple[NDArray, Callable[[NDArray], NDArray]]:
    """Sum the vectors of the n-grams of each lexeme.

    lexemes (Lexemes): n distinct lexemes.
    RETURNS: The vectors (n, nO), and the callback that takes their gradient (n, nO). It returns an
        empty array, since n-grams have no gradient.
    """
    E = model.get_param("E")
    sizes, strings = tuple(model.attrs["sizes"]), lexemes.vocab.strings
    ngrams = [ngram_ids(strings[orth], sizes) for orth in lexemes.orths.tolist()]
    lengths = np.asarray([len(ids) for ids in ngrams], dtype=np.int32)
    ids = np.concatenate([*ngrams, np.zeros(0, dtype=np.uint64)])
    rows = (ids % np.uint64(len(E))).astype(np.int64)
    scale = (1 / np.sqrt(lengths)).astype(E.dtype)[:, None]
    vectors = NUMPY_OPS.reduce_sum(np.take(E, rows, axis=0), lengths) * scale

    def backprop(d_vectors: NDArray) -> NDArray:
        d_E = np.zeros(E.shape, dtype=d_vectors.dtype)
        add_rows(d_E, rows, np.repeat(d_vectors * scale, lengths, axis=0))
        model.inc_grad("E", d_E)
        return np.zeros(0, dtype=d_vectors.dtype)

    return vectors, backprop


@lru_cache(maxsize=2**16)
def ngram_ids(text: str, sizes: tuple[int, ...]) -> NDArray[np.uint64]:
    """Hash the n-grams of a word.

    text (str): The word as it is written.
    sizes (Tuple[int]): How many characters an n-gram has.
    RETURNS (ndarray): Shape (n_ngrams,), one for each n-gram, repeated ones too; of a word that is
        shorter than all sizes, the word itself.
    """
    marked = f"<{text.lower()}>"
    found = [marked[i : i + n] for n in sizes for i in range(len(marked) - n + 1)]
    ids = np.asarray([get_string_id(ngram) for ngram in found or [marked]], dtype=np.uint64)
    ids.setflags(write=False)  # the same array is given out again
    return ids
