"""z = W x + b of windows that are never built, in training: each lexeme is multiplied once a batch.

With W cut into blocks of columns W_j, one for each place of the window, W x_t = Σ_j W_j v_l(t+j),
where l(t) is the lexeme of token t and v its vector. A batch has fewer distinct lexemes than
tokens, so P_lj = W_j v_l is computed for each lexeme, and z is a sum of rows of P. The document's
blocks are means M of such rows over the places of the same word (see `document`); with Q the
product of their three blocks, (W_doc (M x))_t = (M Q)_t. Going back, M being symmetric,

    ∂J/∂P_lj = Σ δ_t over all t with l(t+j) = l, and alike with M δ for the document's blocks
    ∂J/∂W_j = Σ_l ∂J/∂P_lj v_lᵀ        ∂J/∂v_l = Σ_j W_jᵀ ∂J/∂P_lj        with δ = ∂J/∂z

The features of lists of names are multiplied as they are. The plain definition is the layers one
after another, which `by_layers` brings back: `lexemes`, `window`, `document` and `affine`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d, Ragged

from ..features import Tokens, read
from .document import BLOCKS, Repeated, mean_of_places
from .dropout import kept, scale_of_kept
from .embedding import add_rows, sum_rows
from .window import padded_positions


def sum_products(
    embed: Model[list[Doc], list[Floats2d]],
    hidden: Model[Floats2d, Floats2d],
    gazetteer: Model[list[Doc], Ragged] | None,
    docs: list[Doc],
    *,
    window_size: int,
    document_context: bool,
    context_dropout: float = 0.0,
) -> tuple[Ragged, Callable[[NDArray], None]]:
    """Compute Z = X Wᵀ + b for the windows X of documents.

    embed (Model): A layer of `WithLexemes`, which makes the token vectors.
    hidden (Model): The affine layer, with the parameters W (hidden, width of a window) and b.
    gazetteer (Optional[Model]): The layer whose features are the last block of a window, if any.
    docs (List[Doc]): The documents.
    window_size (int): k, the number of neighbours on each side of a word.
    document_context (bool): Whether the document's blocks are beside the window.
    context_dropout (float): The share of neighbours, and of the document's blocks, to leave out.
    RETURNS: Ragged Z (n_tokens, hidden), and the callback that takes δ = ∂J/∂Z (n_tokens, hidden)
        and adds to the gradients of all layers.
    """
    tokens = read(docs, embed.attrs["attrs"])
    V, backprop_V = embed.layers[0](tokens.lexemes(), True)
    W = hidden.get_param("W")
    n_blocks = 2 * window_size + 1 + BLOCKS * document_context
    border = n_blocks * V.shape[1]
    places = Places.of(tokens, window_size, document_context)
    scales = np.ones(n_blocks, dtype=W.dtype)
    if context_dropout:
        places = places.dropped(context_dropout, len(V) * n_blocks, document_context)
        scales[:] = scale_of_kept(context_dropout, W.dtype)
        scales[window_size] = 1
    scales = np.repeat(scales, len(W))[:, None]
    blocks = _cut(W[:, :border], n_blocks) * scales
    # Behind the last lexeme stands the word beyond the end of a document: zero.
    V = np.append(V, np.zeros((1, V.shape[1]), dtype=V.dtype), axis=0)
    Z = places.sum_rows((V @ blocks.T).reshape(-1, len(W)))
    Z += hidden.get_param("b")
    if gazetteer is not None:
        G, backprop_G = gazetteer(docs, True)
        Z += G.data @ W[:, border:].T

    def backprop(delta: NDArray) -> None:
        d_P = np.zeros((len(V) * n_blocks, len(W)), dtype=delta.dtype)
        places.add_gradient(d_P, delta)
        d_P = d_P.reshape(len(V), n_blocks * len(W))
        d_W = np.empty(W.shape, dtype=delta.dtype)
        d_W[:, :border] = _join((d_P.T @ V) * scales, n_blocks)
        if gazetteer is not None:
            d_W[:, border:] = delta.T @ G.data
            backprop_G(Ragged(delta @ W[:, border:], G.lengths))
        hidden.inc_grad("W", d_W)
        hidden.inc_grad("b", delta.sum(axis=0))
        backprop_V((d_P @ blocks)[:-1])

    return Ragged(Z, tokens.lengths), backprop


@dataclass(frozen=True)
class Places:
    """Which products make up z of each token. Product j of lexeme l is row l · n_blocks + j.

    windows (ndarray): Shape (n_tokens, 2k + 1) int32, the rows of the window's blocks.
    repeated (ndarray): Shape (n,) int64, the tokens whose word stands elsewhere in their document.
    around (ndarray): Shape (n, 3) int32, the rows of the document's blocks at these tokens.
    words (ndarray): Shape (n,) int64, the same number for the same word of a document.
    shown (ndarray): Shape (n,) bool, at which of the repeated tokens the document's blocks are not
        left out.
    """

    windows: NDArray[np.int32]
    repeated: NDArray[np.int64]
    around: NDArray[np.int32]
    words: NDArray[np.int64]
    shown: NDArray[np.bool_]

    @classmethod
    def of(cls, tokens: Tokens, window_size: int, document_context: bool) -> "Places":
        """Find the rows.

        tokens (Tokens): The tokens of a batch.
        window_size (int): k, the number of neighbours on each side of a word.
        document_context (bool): Whether the document's blocks follow those of the window.
        RETURNS (Places): The rows; no token counts as repeated without the document's blocks.
        """
        reach = max(window_size, BLOCKS // 2)
        where, n_padded = padded_positions(tokens.lengths, reach)
        lexemes = np.full(n_padded, len(tokens.rows), dtype=np.int32)
        lexemes[where] = tokens.tokens
        near = lexemes[where[:, None] + np.arange(-reach, reach + 1)]
        n_window = 2 * window_size + 1
        near *= n_window + BLOCKS * document_context
        skip = reach - window_size
        windows = near[:, skip : skip + n_window] + np.arange(n_window, dtype=np.int32)
        words = repeated = np.zeros(0, dtype=np.int64)
        if document_context:
            found = Repeated.of(tokens)
            words, repeated = found.groups, found.tokens
        skip = reach - BLOCKS // 2
        around = near[repeated, skip : skip + BLOCKS]
        around += np.arange(n_window, n_window + BLOCKS, dtype=np.int32)
        return cls(windows, repeated, around, words, np.ones(len(repeated), dtype=bool))

    def dropped(self, rate: float, beyond: int, document_context: bool) -> "Places":
        """Leave out as many neighbours, and as many of the document's blocks.

        rate (float): The share to leave out, as `window` and `document` do.
        beyond (int): The first row of the word beyond the end of a document.
        document_context (bool): Whether there are document's blocks.
        RETURNS (Places): The rows that are left, with the word beyond the end for the others.
        """
        n, size = self.windows.shape
        seen = kept((n, size), rate)
        seen[:, size // 2] = True  # the word itself is always there
        nothing = beyond + np.arange(size, dtype=np.int32)
        windows = np.where(seen, self.windows, nothing)
        shown = kept((n, 1), rate)[self.repeated, 0] if document_context else self.shown
        return replace(self, windows=windows, shown=shown)

    def sum_rows(self, P: NDArray) -> NDArray:
        """Sum the products of each token.

        P (ndarray): Shape (n_lexemes · n_blocks, hidden).
        RETURNS (ndarray): Shape (n_tokens, hidden).
        """
        Z = sum_rows(P, self.windows)
        if len(self.repeated):
            Q = sum_rows(P, self.around)
            Z[self.repeated[self.shown]] += mean_of_places(Q, self.words)[self.shown]
        return Z

    def add_gradient(self, d_P: NDArray, delta: NDArray) -> None:
        """Add the gradient of the sums to that of the products, in place.

        d_P (ndarray): Shape (n_lexemes · n_blocks, hidden).
        delta (ndarray): Shape (n_tokens, hidden).
        """
        for rows in self.windows.T:
            add_rows(d_P, rows, delta)
        if len(self.repeated):
            d_means = delta[self.repeated]
            d_means[~self.shown] = 0
            d_Q = mean_of_places(d_means, self.words)
            for rows in self.around.T:
                add_rows(d_P, rows, d_Q)


def _cut(W: NDArray, n_blocks: int) -> NDArray:
    """The blocks of columns, one below the other: (hidden, n_blocks · width) to (n_blocks · hidden,
    width).
    """
    cut = W.reshape(len(W), n_blocks, -1).transpose(1, 0, 2)
    return cut.reshape(n_blocks * len(W), -1)


def _join(blocks: NDArray, n_blocks: int) -> NDArray:
    """The same back: (n_blocks · hidden, width) to (hidden, n_blocks · width)."""
    joined = blocks.reshape(n_blocks, -1, blocks.shape[1]).transpose(1, 0, 2)
    return joined.reshape(joined.shape[0], -1)


@contextmanager
def by_layers(model: Model) -> Iterator[None]:
    """Let values and gradients pass through each layer by itself inside the block.

    model (Model): A network.
    """
    nodes = [node for node in model.walk() if node.has_ref("lexeme_embed")]
    before = [(node, node.get_ref("lexeme_embed")) for node in nodes]
    for node in nodes:
        node.set_ref("lexeme_embed", None)
    try:
        yield
    finally:
        for node, embed in before:
            node.set_ref("lexeme_embed", embed)
