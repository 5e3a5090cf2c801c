"""The share of words in texts that a network knows: by vector, by cluster, or from training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from spacy.vectors import Mode
from thinc.api import Model

from .features import Lexemes, cluster_paths, read_tokens
from .layers.embedding import occurrences
from .layers.lexeme_embed import LEXEME_EMBED

# The attributes whose values are whole words.
_WORDS = ("NORM", "LOWER", "ORTH")
# How the names of layers begin that use word vectors.
_USERS_OF_VECTORS = ("static_vectors", "clusters_")


@dataclass(frozen=True)
class KnownWords:
    """Shares of the tokens of texts, from 0 to 1; None for what a network does not use.

    vector (Optional[float]): Those that have a word vector. With floret vectors, all have one.
    lower (Optional[float]): Those that have one in lower case only.
    cluster (Optional[float]): Those that have a Brown cluster.
    seen (Optional[float]): Those that are among the words of the training data, as the network
        reads them: with the attribute NORM, capital letters make no difference.
    """

    vector: float | None = None
    lower: float | None = None
    cluster: float | None = None
    seen: float | None = None

    def __str__(self) -> str:
        said = []
        if self.vector is not None:
            lower = f" ({self.lower:.1%} only in lower case)" if self.lower else ""
            said.append(f"{self.vector:.1%} have a word vector{lower}")
        if self.cluster is not None:
            said.append(f"{self.cluster:.1%} have a Brown cluster")
        if self.seen is not None:
            said.append(f"{self.seen:.1%} were seen in training")
        return ", ".join(said)


def known_words(model: Model, docs: Sequence[Doc]) -> KnownWords | None:
    """Count the words known to a network.

    model (Model): The network, initialized.
    docs (Sequence[Doc]): The texts; they share one vocabulary.
    RETURNS (Optional[KnownWords]): Their shares; None if there are no tokens, or if the network
        does not look up words, because it uses token vectors of another component.
    """
    embed = next((node for node in model.walk() if node.name == LEXEME_EMBED), None)
    if embed is None or not any(len(doc) for doc in docs):
        return None
    attrs: list[str] = embed.attrs["attrs"]
    tokens = read_tokens(docs, attrs, embed.attrs["lexicon"])
    _, firsts, places = tokens.distinct()
    lexemes = tokens.lexemes(firsts)

    def share(found: NDArray[np.bool_] | None) -> float | None:
        return None if found is None else float(found[places].mean())

    with_vector, in_lower, with_cluster = None, None, None
    if uses_vectors(model):
        with_vector, in_lower = _with_vectors(lexemes)
    if any(attr.startswith("CLUSTER") for attr in attrs):
        with_cluster = cluster_paths(lexemes.orths, lexemes.vocab, tokens.clusters) > 0
    found = with_vector, in_lower, with_cluster, _seen(embed, lexemes)
    return None if all(of is None for of in found) else KnownWords(*map(share, found))


def uses_vectors(model: Model) -> bool:
    """RETURNS (bool): Whether a network uses word vectors, or clusters of them."""
    return any(node.name.startswith(_USERS_OF_VECTORS) for node in model.walk())


def _with_vectors(lexemes: Lexemes) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which lexemes have a vector, and which in lower case only: (n_lexemes,) each."""
    if lexemes.vectors.mode == Mode.floret:
        return np.ones(len(lexemes), dtype=bool), np.zeros(len(lexemes), dtype=bool)
    found = lexemes.vector_rows >= 0
    as_written = np.asarray(lexemes.vectors.find(keys=lexemes.vector_keys)) >= 0
    return found, found & ~as_written


def _seen(embed: Model, lexemes: Lexemes) -> NDArray[np.bool_] | None:
    """Which lexemes are in the training data (n_lexemes,); None if this is unknown."""
    tables = [node for node in embed.walk() if node.attrs.get("known")]
    columns = [(table, table.attrs["column"]) for table in tables]
    found = [
        occurrences(table, np.ascontiguousarray(lexemes.ids[:, column])) > 0
        for table, column in columns
        if embed.attrs["attrs"][column] in _WORDS
    ]
    return np.any(found, axis=0) if found else None
