"""The tables of words that a network uses, apart from its parameters: word vectors, Brown clusters.

By default, these are the tables of the documents' vocabulary, as for spaCy's own components. A
component that was moved to a different pipeline carries its tables along, since the vocabulary of
that pipeline has different vectors, or none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.lookups import Lookups
from spacy.vectors import Vectors
from spacy.vocab import Vocab
from thinc.api import Model

# The table of Brown clusters in spaCy's lookups: word → path in the tree of clusters as a number
# whose lowest bit is the first branch.
CLUSTER_TABLE = "lexeme_cluster"

Clusters = Mapping[int, int]


@dataclass(frozen=True, eq=False)
class Lexicon:
    """The tables that a network carries.

    vectors (Optional[Vectors]): The word vectors; None for those of the vocabulary.
    clusters (Optional[Mapping[int, int]]): The path of each word by its hash; None for those of the
        vocabulary.
    """

    vectors: Vectors | None = None
    clusters: Clusters | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> "Lexicon":
        return self  # it never changes, and copies of a network share it

    def beyond(self, *vocabs: Vocab) -> "Lexicon":
        """RETURNS (Lexicon): The tables that are missing from at least one of the vocabularies."""
        vectors, clusters = self.vectors, self.clusters
        if vectors is not None and vocabs and all(vectors == v.vectors for v in vocabs):
            vectors = None
        if vocabs and all(clusters == v.lookups.get_table(CLUSTER_TABLE, None) for v in vocabs):
            clusters = None
        return Lexicon(vectors, clusters)

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): The tables as serializable data, with 16-bit vectors if this
        does not lose precision. Empty if there are no tables.
        """
        saved: dict[str, Any] = {}
        if self.vectors is not None:
            small = _copy(self.vectors, half_precision(self.vectors.data))
            saved["vectors"] = small.to_bytes(exclude=["strings"])
        if self.clusters is not None:
            saved["clusters"] = dict(self.clusters)
        return saved

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "Lexicon":
        """RETURNS (Lexicon): The tables, from the result of `to_dict`. RAISES (ValueError): If the
        data is damaged.
        """
        vectors, clusters = None, saved.get("clusters")
        if "vectors" in saved:
            vectors = Vectors().from_bytes(saved["vectors"])
            _make_whole(vectors)
            rows = np.fromiter(vectors.key2row.values(), dtype=np.int64)
            if vectors.data.ndim != 2 or not np.isfinite(vectors.data).all():
                raise ValueError("its word vectors must be a table of finite numbers")
            if rows.min(initial=0) < 0 or rows.max(initial=-1) >= len(vectors.data):
                raise ValueError("some of its word vectors are missing")
        if clusters is not None:  # raises an exception if they are not numbers
            for numbers in (clusters.keys(), clusters.values()):
                np.fromiter(numbers, dtype=np.uint64)
        return cls(vectors, clusters)


def half_precision(values: NDArray) -> NDArray:
    """RETURNS (ndarray): Numbers as 16-bit floats if this keeps their precision, else unchanged."""
    if values.dtype != np.float32:
        return values
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    return half if (half == values).all() else values


def _copy(vectors: Vectors, data: NDArray) -> Vectors:
    """Vectors with the same keys and settings and other data."""
    names = ("strings", "name", "mode", "minn", "maxn", "hash_count", "hash_seed", "bow", "eow")
    settings = {name: getattr(vectors, name) for name in (*names, "attr")}
    copy = Vectors(data=data, **settings)
    copy.key2row = dict(vectors.key2row)
    return copy


def _make_whole(vectors: Vectors) -> None:
    """Make vectors that were saved with 16 bits what other components expect."""
    if vectors.data.dtype == np.float16:
        vectors.data = np.ascontiguousarray(vectors.data, dtype=np.float32)


def carried(model: Model) -> Lexicon:
    """RETURNS (Lexicon): The tables that a network carries."""
    return next((node.attrs["lexicon"] for node in _readers(model)), Lexicon())


def carry(model: Model, lexicon: Lexicon) -> None:
    """Let a network carry these tables, and no others."""
    for node in _readers(model):
        node.attrs["lexicon"] = lexicon


def carry_along(model: Model, vocab: Vocab, other: Vocab, folder: Path | None) -> None:
    """Let a network carry the tables that it uses, except for those that another pipeline has too.

    model (Model): The network.
    vocab (Vocab): The vocabulary that it was trained or loaded with.
    other (Vocab): That of the other pipeline. Where they are the same, a config sources the
        component: spaCy has loaded the vectors of several pipelines into it, one after the other,
        and no lookups.
    folder (Optional[Path]): Where the vocabulary was loaded from.
    """
    lexicon, vectors, lookups = carried(model), vocab.vectors, vocab.lookups
    is_config = vocab is other
    if is_config and folder is not None:
        vectors, lookups = Vectors().from_disk(folder), Lookups().from_disk(folder)
        _make_whole(vectors)
    if lexicon.vectors is None and _reads_vectors(model) and len(vectors):
        lexicon = replace(lexicon, vectors=_copy(vectors, vectors.data))
    if lexicon.clusters is None and _reads_clusters(model):
        lexicon = replace(lexicon, clusters=lookups.get_table(CLUSTER_TABLE, None))
    carry(model, lexicon if is_config else lexicon.beyond(other))


def renew(model: Model, vocab: Vocab) -> None:
    """Let a network that is initialized read the tables of a vocabulary that has them, and only
    else those that it carries.
    """
    lexicon = carried(model)
    if len(vocab.vectors):
        lexicon = replace(lexicon, vectors=None)
    if CLUSTER_TABLE in vocab.lookups:
        lexicon = replace(lexicon, clusters=None)
    carry(model, lexicon)


def complete(model: Model, vocab: Vocab) -> None:
    """Complete the tables of a network and of its vocabulary, which were loaded."""
    _make_whole(vocab.vectors)
    carry(model, carried(model).beyond(vocab))


def _readers(model: Model) -> list[Model]:
    return [node for node in model.walk() if "lexicon" in node.attrs]


def _reads_vectors(model: Model) -> bool:
    return any(node.name == "static_vectors" or "clusters" in node.attrs for node in model.walk())


def _reads_clusters(model: Model) -> bool:
    attrs = [attr for node in _readers(model) for attr in node.attrs["attrs"]]
    return any(attr.startswith("CLUSTER") for attr in attrs)
