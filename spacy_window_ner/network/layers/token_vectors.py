"""Docs → the windows of their tokens, each distinct token vector once.

The vectors of a `LexemeEmbed` depend on the lexeme alone, so there is one row for each distinct
lexeme. Other token vectors depend on context: there is one row for each token.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..features import Tokens, read_tokens
from .lexeme_cache import Products
from .lexeme_embed import LEXEME_EMBED
from .to_numpy import NUMPY_OPS, ToNumpy
from .window_affine import Windows, neighbor_rows, windows_over

InT = list[Doc]

# How many tokens are predicted at a time: their rows stay in the processor's cache.
CHUNK = 1024
_NO_VECTORS = np.zeros((0, 0), dtype=np.float32)
_TO_NUMPY = ToNumpy()


@dataclass
class Batch:
    """The tokens of a batch of documents, and the windows of any part of them.

    In training there is one part, so that gradients can flow back to all vectors. In prediction,
    parts limit memory usage, and have cached products instead of vectors.

    tokens (Tokens): The tokens.
    reach (int): r, the largest distance of a neighbor in a window.
    windows (Optional[Windows]): The windows of all tokens; None in prediction.
    products (Products): Products of vectors, in prediction.
    """

    tokens: Tokens
    reach: int
    windows: Windows | None = None
    products: Products = field(init=False)

    def parts(self) -> Iterator[slice]:
        """The parts of the batch that go through the network, one after the other."""
        n = len(self.tokens.keys)
        size = CHUNK if self.windows is None else max(n, 1)
        return (slice(start, min(start + size, n)) for start in range(0, n, size))

    def at(self, part: slice) -> Windows:
        """RETURNS (Windows): The windows of consecutive tokens."""
        if self.windows is not None:
            return self.windows.at(part)
        near = slice(
            max(0, part.start - self.reach), min(part.stop + self.reach, len(self.tokens.keys))
        )
        rows, tables = self.products.at(near)
        neighbors = neighbor_rows(rows, self.tokens.sentences[near], self.reach)
        windows = Windows(_NO_VECTORS, neighbors, tables)
        return windows.at(slice(part.start - near.start, part.stop - near.start))


OutT = Batch


def TokenVectors(tok2vec: Model[InT, list[Floats2d]], reach: int) -> Model[InT, OutT]:
    """Build the layer.

    tok2vec (Model): From a list of Docs to one array (n_tokens of the document, width) for each.
    reach (int): r, the largest distance of a neighbor in a window.
    RETURNS (Model): List of Docs → Batch, no parameters of its own.
    """
    attrs = {"reach": reach}
    return Model("token_vectors", forward, init=init, layers=[tok2vec], attrs=attrs, ops=NUMPY_OPS)


def forward(
    model: Model[InT, OutT], docs: InT, is_train: bool
) -> tuple[Batch, Callable[[NDArray], InT]]:
    """Read the tokens, and in training compute the vectors of all of them.

    docs (List[Doc]): The documents.
    RETURNS: The batch, and the callback that takes ∂J/∂vectors (n_rows, width). It returns an
        empty list, since documents have no gradient.
    """
    tok2vec, reach = model.layers[0], model.attrs["reach"]
    if tok2vec.name == LEXEME_EMBED:
        embed, attrs = tok2vec.layers[0], tok2vec.attrs
        tokens = read_tokens(docs, attrs["attrs"], attrs["lexicon"])
        products = Products(tokens, lambda which: embed.predict(tokens.lexemes(which)), embed)
        if is_train:
            _, firsts, places = tokens.distinct()
            V, backprop_V = embed(tokens.lexemes(firsts), is_train)
    else:  # `nlp.replace_listeners` may put another layer here
        arrays, backprop_arrays = tok2vec(docs, is_train)
        V, backprop_numpy = _TO_NUMPY(arrays, is_train)
        places = np.arange(len(V))
        tokens = replace(read_tokens(docs, ()), keys=places.astype(np.uint64))
        products = Products(tokens, lambda which: V[which])

        def backprop_V(d_V: NDArray) -> InT:
            return backprop_arrays(backprop_numpy(d_V))

    batch = Batch(tokens, reach)
    if is_train:
        batch.windows = windows_over(V, tokens.sentences, reach, places)
    else:
        batch.products = products

    def backprop(d_vectors: NDArray) -> InT:
        backprop_V(d_vectors[1:])
        return []

    return batch, backprop


def sample_batch(model: Model[InT, OutT], docs: InT) -> Batch:
    """Make a batch of sample documents, from which layers infer their widths.

    model (Model): The layer, initialized.
    docs (List[Doc]): The documents.
    RETURNS (Batch): The batch, with windows as in training and a row for each token.
    """
    V, tokens = _TO_NUMPY.predict(model.layers[0].predict(docs)), read_tokens(docs, ())
    reach = model.attrs["reach"]
    return Batch(tokens, reach, windows_over(V, tokens.sentences, reach))


def init(model: Model[InT, OutT], X: InT | None = None, Y: Batch | None = None) -> None:
    """Initialize the token vectors with sample documents X."""
    model.layers[0].initialize(X=X)
