"""Docs → the windows of their tokens, each distinct token vector once.

The vectors of a `LexemeEmbed` depend on the lexeme alone, so there is one row for each distinct
lexeme. Other token vectors depend on context: there is one row for each token.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..features import Tokens, read_tokens
from .lexeme_cache import LexemeRows
from .lexeme_embed import LEXEME_EMBED
from .to_numpy import NUMPY_OPS, ToNumpy
from .window_affine import Windows, neighbor_rows, windows_over

InT = list[Doc]

# How many tokens are predicted at a time: their rows stay in the processor's cache.
CHUNK = 1024
# For how many tokens lexemes are looked up at a time: as many as a batch of short documents has.
AHEAD = 32 * CHUNK
_TO_NUMPY = ToNumpy()


@dataclass
class Batch:
    """The tokens of a batch of documents, and the windows of any part of them.

    In training there is one part, so that gradients can flow back to all vectors. In prediction,
    parts limit memory usage.

    tokens (Tokens): The tokens.
    reach (int): r, the largest distance of a neighbor in a window.
    windows (Optional[Windows]): The windows of all tokens; None in prediction.
    source (Union[LexemeRows, ndarray]): In prediction the rows of lexemes; or the vectors of tokens
        (n_tokens, width), where they depend on context.
    """

    tokens: Tokens
    reach: int
    windows: Windows | None = None
    source: LexemeRows | NDArray = field(init=False)
    # In prediction the windows of the tokens from `_first` on that were looked up last.
    _first: int = 0
    _windows: Windows | None = None

    def parts(self) -> Iterator[slice]:
        """The parts of the batch that go through the network, one after the other."""
        n = len(self.tokens.keys)
        size = CHUNK if self.windows is None else max(n, 1)
        return (slice(start, min(start + size, n)) for start in range(0, n, size))

    def at(self, part: slice) -> Windows:
        """RETURNS (Windows): The windows of consecutive tokens."""
        if self.windows is not None:
            return self.windows.at(part)
        last, first = self._windows, self._first
        if last is None or part.start < first or part.stop > first + len(last.neighbors):
            last = self._windows = None  # a full cache can be freed
            last, first = self._read(part), part.start
            self._windows, self._first = last, first
        return last.at(slice(part.start - first, part.stop - first))

    def _read(self, part: slice) -> Windows:
        """Make the windows of consecutive tokens, and of those after them if these are lexemes."""
        n, reach, source = len(self.tokens.keys), self.reach, self.source
        ahead = part.start + AHEAD if isinstance(source, LexemeRows) else 0
        stop = max(part.stop, min(ahead, n))
        near = slice(max(0, part.start - reach), min(stop + reach, n))
        sentences = self.tokens.sentences[near]
        if isinstance(source, LexemeRows):
            rows, (vectors, products) = source.look_up(near)
            windows = Windows(vectors, neighbor_rows(rows, sentences, reach), products)
        else:
            windows = windows_over(source[near], sentences, reach)
        return windows.at(slice(part.start - near.start, stop - near.start))


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
        if not is_train:
            return _predicted(Batch(tokens, reach), LexemeRows(tokens, embed))
        _, firsts, places = tokens.distinct()
        V, backprop_V = embed(tokens.lexemes(firsts), is_train)
    else:  # `nlp.replace_listeners` may put another layer here
        arrays, backprop_arrays = tok2vec(docs, is_train)
        V, backprop_numpy = _TO_NUMPY(arrays, is_train)
        tokens, places = read_tokens(docs, ()), None
        if not is_train:
            return _predicted(Batch(tokens, reach), V)

        def backprop_V(d_V: NDArray) -> InT:
            return backprop_arrays(backprop_numpy(d_V))

    batch = Batch(tokens, reach, windows_over(V, tokens.sentences, reach, places))

    def backprop(d_vectors: NDArray) -> InT:
        backprop_V(d_vectors[1:])
        return []

    return batch, backprop


def _predicted(batch: Batch, source: LexemeRows | NDArray) -> tuple[Batch, Callable]:
    """A batch in prediction, and the callback of something that has no gradient."""
    batch.source = source
    return batch, lambda d_vectors: []


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
