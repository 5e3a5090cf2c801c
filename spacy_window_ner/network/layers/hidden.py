"""z = WindowAffine(k)(V) + SameWordMean(WindowAffine(1)(V)) + Gazetteer + CharacterPairs, the sum
of the hidden layer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model

from .gazetteer import GAZETTEER
from .lexeme_cache import LexemeCache, LexemeRows
from .rows import Term
from .to_numpy import NUMPY_OPS
from .token_vectors import Batch, sample_batch
from .window_affine import WINDOW_AFFINE, Windows


@dataclass
class Sums:
    """z of a batch of documents, computed for one part after the other.

    batch (Batch): The batch.
    window (Model): The layer of `WindowAffine` whose output the terms are added to.
    terms (List[Term]): The terms.
    is_train (bool): Whether gradients will be asked for.
    """

    batch: Batch
    window: Model[Windows, NDArray]
    terms: list[Term]
    is_train: bool
    backprop_window: Callable[[NDArray], NDArray] = field(init=False)

    def at(self, part: slice) -> NDArray:
        """RETURNS (ndarray): z of consecutive tokens (n_tokens of the part, nO)."""
        Z, backprop_window = self.window(self.batch.at(part), self.is_train)
        if self.is_train:  # in prediction it would keep tables of products alive
            self.backprop_window = backprop_window
        for term in self.terms:
            term.add_to(Z, part)
        return Z


InT = list[Doc]
OutT = Sums


def HiddenSum(
    vectors: Model[InT, Batch],
    window: Model[Windows, NDArray],
    context: Model[Batch, Term] | None = None,
    gazetteer: Model[InT, Term] | None = None,
    pairs: Model[Batch, Term] | None = None,
    *,
    cache_megabytes: int = 0,
) -> Model[InT, OutT]:
    """Build the sum.

    vectors (Model): A layer of `TokenVectors`.
    window (Model): A layer of `WindowAffine`.
    context (Optional[Model]): A layer of `SameWordMean`.
    gazetteer (Optional[Model]): A layer of `Gazetteer`.
    pairs (Optional[Model]): A layer of `CharacterPairs`.
    cache_megabytes (int): How much memory remembered products may take in prediction, from 0 up.
    RETURNS (Model): List of Docs → Sums (n_tokens, nO).
    RAISES (ValueError): If the memory is negative.
    """
    if cache_megabytes != int(cache_megabytes) or cache_megabytes < 0:
        raise ValueError(
            f"cache_megabytes must be a whole number of at least 0, got {cache_megabytes}."
        )
    return Model(
        "hidden_sum",
        forward,
        init=init,
        layers=[
            layer for layer in (vectors, window, context, gazetteer, pairs) if layer is not None
        ],
        attrs={"cache": LexemeCache(int(cache_megabytes) * 2**20)},
        ops=NUMPY_OPS,
    )


def forward(
    model: Model[InT, OutT], docs: InT, is_train: bool
) -> tuple[Sums, Callable[[NDArray], InT]]:
    """Compute the terms over whole documents. z itself comes by the part.

    docs (List[Doc]): The documents.
    RETURNS: The sums, and the callback that takes δ = ∂J/∂Z (n_tokens, nO) and passes it to each
        term. It returns an empty list, since documents have no gradient.
    """
    vectors, window, *others = model.layers
    cache: LexemeCache = model.attrs["cache"]
    batch, backprop_vectors = vectors(docs, is_train)
    if is_train:
        cache.release()
    elif isinstance(batch.source, LexemeRows):
        batch.source.window, batch.source.cache = window, cache
    inputs = [docs if layer.name == GAZETTEER else batch for layer in others]
    terms = [layer(X, is_train) for layer, X in zip(others, inputs, strict=True)]
    sums = Sums(batch, window, [term for term, _ in terms], is_train)

    def backprop(delta: NDArray) -> InT:
        d_vectors = sums.backprop_window(delta)
        for layer, (_, backprop_term) in zip(others, terms, strict=True):
            d_input = backprop_term(delta)
            if layer.name != GAZETTEER:
                d_vectors = d_vectors + d_input
        return backprop_vectors(d_vectors)

    return sums, backprop


def _window_layers(model: Model[InT, OutT]) -> list[Model[Windows, NDArray]]:
    """The layers of `WindowAffine` among the terms and within them."""
    nodes = (node for layer in model.layers[1:] for node in layer.walk())
    return [node for node in nodes if node.name == WINDOW_AFFINE]


def init(model: Model[InT, OutT], X: InT | None = None, Y: Sums | None = None) -> None:
    """Initialize all layers with sample documents X; the terms share the variance of one layer."""
    vectors, *terms = model.layers
    vectors.initialize(X=X)
    sample = sample_batch(vectors, X) if X else None
    inputs = {WINDOW_AFFINE: sample and sample.windows, "same_word_mean": sample}
    for layer in terms:
        layer.initialize(X=inputs.get(layer.name))
    windows = _window_layers(model)
    for layer in windows:
        layer.set_param("W", layer.get_param("W") / np.float32(len(windows) ** 0.5))
