"""Adds vectors of new words, and more columns for each word, to a trained network.

The outputs of the network do not change, since the weights of the new columns are zero. Their
gradient is not zero: ∂J/∂W = δ xᵀ with the new vectors in x.
"""

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from thinc.api import Model

from ..component import WindowNER
from ..network.layers.affine import Affine
from ..network.lexicon import carried
from .vectors import LearnedVectors, extend_vectors, make_vectors


def add_vectors(nlp: Language, learned: LearnedVectors) -> None:
    """Add the vectors of a domain to a pipeline, next to its own vectors. The predictions of its
    `window_ner` components do not change, except for words that had no vector.

    nlp (Language): The pipeline. A network that carries its own vectors keeps them.
    learned (LearnedVectors): The vectors of the domain.
    RAISES (ValueError): If the pipeline has floret vectors.
    """
    if not nlp.vocab.vectors.shape[0]:
        nlp.vocab.vectors = make_vectors(learned)
    else:
        vectors, rows = extend_vectors(learned, nlp.vocab.vectors)
        nlp.vocab.vectors = vectors
        for _, pipe in networks_of(nlp):
            if pipe.model.get_ref("scores").has_param("W"):  # otherwise, widths are inferred later
                widen(pipe.model, learned.table.shape[1], rows)
    for word in learned.text.words:
        nlp.vocab.strings.add(word)


def networks_of(nlp: Language) -> list[tuple[str, WindowNER]]:
    """RETURNS (List[Tuple[str, WindowNER]]): The components that use the vectors of the pipeline,
    with their names.
    """
    return [
        (name, pipe)
        for name, pipe in nlp.pipeline
        if isinstance(pipe, WindowNER) and carried(pipe.model).vectors is None
    ]


def widen(model: Model, added: int, rows: NDArray[np.int64]) -> None:
    """Adapt a network to a larger table of word vectors, in place.

    model (Model): A network of `window_classifier`, initialized.
    added (int): The number of columns that were added after the old ones.
    rows (ndarray): Shape (n_vectors,), the old row whose cluster each row of the table has, or -1.
    """
    for node in model.walk():
        if node.attrs.get("clusters"):
            clusters = np.frombuffer(node.attrs["clusters"], dtype="<u2")
            moved = np.where(rows >= 0, clusters[np.maximum(rows, 0)], 0)
            node.attrs["clusters"] = moved.astype("<u2").tobytes()
    for concatenate, vectors, affine in _vector_layers(model):
        before = vectors.get_dim("nO")
        first = 0
        for part in concatenate.layers:
            first += part.get_dim("nO")
            if part is vectors:
                break
        vectors.attrs["widths"] = [*(vectors.attrs["widths"] or [before]), added]
        vectors.set_dim("nO", before + added, force=True)
        concatenate.set_dim("nO", concatenate.get_dim("nO") + added, force=True)
        W = affine.get_param("W")
        W = np.insert(W, [first] * added, 0, axis=1)
        wider = Affine(*W.shape)
        wider.set_param("W", W)
        wider.set_param("b", affine.get_param("b"))
        model.replace_node(affine, wider)
    model.get_ref("hidden").attrs["cache"].release()


def _vector_layers(model: Model) -> list[tuple[Model, Model, Model]]:
    """The layers that concatenate vectors, including static ones, and the layer that mixes them."""
    chains = [node for node in model.walk() if node.name == "lexeme_vectors"]
    return [
        (chain.layers[0], part, chain.layers[2])
        for chain in chains
        if len(chain.layers) > 2
        for part in chain.layers[0].layers
        if part.name == "static_vectors"
    ]
