"""Doc → arrays of lexical ids.

Text repeats itself: a batch of documents has far fewer distinct lexemes than tokens, and all that
`LexemeEmbed` computes depends on the lexeme alone. So features are read once for each distinct
lexeme, and a token is the row of its lexeme.
"""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from unicodedata import is_normalized, normalize

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import ID, IDS, LENGTH, LOWER, NORM, ORTH, PREFIX, SENT_START, SHAPE, SUFFIX
from spacy.strings import get_string_id
from spacy.tokens import Doc
from spacy.vectors import Vectors
from spacy.vocab import Vocab

from ..sequences.batching import first_tokens
from .lexicon import CLUSTER_TABLE, Clusters, Lexicon
from .string_attrs import STRING_ATTRS, string_ids

# The odd multiplier of a multiplicative hash, which folds a row of ids to one 64-bit key.
FOLD = np.uint64(0x9E3779B97F4A7C15)

# `CLUSTER10` is the first 10 bits of a word's path in the tree of Brown clusters.
_CLUSTER = re.compile(r"CLUSTER([1-9]|[1-4]\d|5[0-6])")

# The attributes of spaCy that are read off the written form of a word; flags are those below ID.
_WRITTEN = frozenset((*range(ID), ORTH, LOWER, SHAPE, PREFIX, SUFFIX, LENGTH))

# The id of an unknown value.
UNKNOWN = 0
# Carries nothing.
_OF_VOCABULARY = Lexicon()


@dataclass(frozen=True)
class Lexemes:
    """What the token vectors of distinct lexemes are made of.

    ids (ndarray): Shape (n_lexemes, n_attrs) uint64, one column for each attribute.
    orths (ndarray): Shape (n_lexemes,) uint64, the ORTH of each lexeme.
    vector_keys (ndarray): Shape (n_lexemes,) uint64, the keys in the table of static vectors.
    vocab (Vocab): The vocabulary of the documents.
    vectors (Vectors): The table of static vectors.
    """

    ids: NDArray[np.uint64]
    orths: NDArray[np.uint64]
    vector_keys: NDArray[np.uint64]
    vocab: Vocab
    vectors: Vectors
    # What was found once. A `cached_property` has a lock before Python 3.12, shared by all objects,
    # and a process that is forked while another thread holds it would wait forever.
    _found: dict[str, NDArray[np.int64]] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.orths)

    @property
    def vector_rows(self) -> NDArray[np.int64]:
        """The row of each lexeme's vector in the table: (n_lexemes,), −1 for none. A word without
        a vector is looked up in lower case.
        """
        if "vector_rows" not in self._found:
            rows = np.asarray(self.vectors.find(keys=self.vector_keys), dtype=np.int64)
            missing = np.flatnonzero(rows < 0)
            if len(missing):
                lower = [self.vocab[orth].lower for orth in self.orths[missing].tolist()]
                rows[missing] = self.vectors.find(keys=lower)
            self._found["vector_rows"] = rows
        return self._found["vector_rows"]


@dataclass(frozen=True)
class Tokens:
    """The tokens of a batch of documents.

    table (ndarray): Shape (n_tokens, n_columns) uint64: ORTH, NORM, those of `attrs` that spaCy
        has, and the key in the table of static vectors, each attribute once.
    keys (ndarray): Shape (n_tokens,) uint64, one number for each lexeme, the same in every batch.
    norms (ndarray): Shape (n_tokens,) uint64, the NORM of each token.
    lengths (ndarray): Shape (n_docs,) int32, the number of tokens of each document.
    sentences (ndarray): Shape (n_tokens,) int64, the number of each token's sentence, from 1 up; a
        document whose sentence starts are not set is one sentence.
    columns (Tuple[int]): spaCy's numbers of the attributes in `table`.
    attrs (Tuple[str]): The attributes by which lexemes differ.
    vocab (Vocab): The vocabulary of the documents.
    vectors (Vectors): The table of static vectors.
    clusters (Mapping[int, int]): The Brown cluster of each word by its hash; may be empty.
    """

    table: NDArray[np.uint64]
    keys: NDArray[np.uint64]
    norms: NDArray[np.uint64]
    lengths: NDArray[np.int32]
    sentences: NDArray[np.int64]
    columns: tuple[int, ...]
    attrs: tuple[str, ...]
    vocab: Vocab
    vectors: Vectors
    clusters: Clusters

    def distinct(
        self, part: slice = slice(None)
    ) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
        """Find the distinct lexemes of consecutive tokens.

        part (slice): The tokens; all by default.
        RETURNS (Tuple[ndarray, ndarray, ndarray]): The keys of the lexemes (n_lexemes,), ascending;
            a token of each (n_lexemes,); and the number of each token's lexeme among them (n,).
        """
        keys, firsts, places = np.unique(self.keys[part], return_index=True, return_inverse=True)
        return keys, firsts + (part.start or 0), places

    def lexemes(self, which: NDArray[np.int64] | slice = slice(None)) -> Lexemes:
        """Read the ids of the lexemes of tokens. A word is read in its composed form (NFC), so that
        it makes no difference how its letters and their marks are encoded.

        which (Union[ndarray, slice]): Shape (n,), the tokens; all by default.
        RETURNS (Lexemes): Their ids.
        """
        rows, vocab = self.table[which], self.vocab
        texts = [vocab.strings[orth] for orth in rows[:, 0].tolist()]
        others = [i for i, x in enumerate(texts) if not (x.isascii() or is_normalized("NFC", x))]
        if others:
            rows = rows.copy()
            rows[others] = self._composed(rows[others])
            texts = [vocab.strings[orth] for orth in rows[:, 0].tolist()]
        orths, of_spacy = rows[:, 0], dict(zip(self.columns, rows.T, strict=True))
        own = self._cluster_ids(orths)
        if any(attr in STRING_ATTRS for attr in self.attrs):
            own.update(string_ids(texts, self.attrs))
        ids = np.empty((len(rows), len(self.attrs)), dtype=np.uint64)
        for column, attr in enumerate(self.attrs):
            ids[:, column] = own[attr] if attr in own else of_spacy[IDS[attr]]
        return Lexemes(ids, orths, of_spacy[self.vectors.attr], vocab, self.vectors)

    def _composed(self, rows: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Rows of the table (n, n_columns) with the composed forms of their words."""
        strings = self.vocab.strings
        words = [normalize("NFC", strings[orth]) for orth in rows[:, 0].tolist()]
        written = Doc(self.vocab, words=words).to_array(list(self.columns))
        columns = [i for i, attr in enumerate(self.columns) if attr in _WRITTEN]
        rows[:, columns] = written.reshape(rows.shape)[:, columns]
        norm = self.columns.index(NORM)
        norms = [strings.add(normalize("NFC", strings[norm])) for norm in rows[:, norm].tolist()]
        rows[:, norm] = norms
        return rows

    def _cluster_ids(self, orths: NDArray[np.uint64]) -> dict[str, NDArray[np.uint64]]:
        """The ids of lexemes (n,) for those of the attributes that are bits of Brown clusters."""
        matches = [match for attr in self.attrs if (match := _CLUSTER.fullmatch(attr))]
        bits = {match[0]: int(match[1]) for match in matches}
        if not bits:
            return {}
        if not len(self.clusters):
            warnings.warn(
                f"The attributes CLUSTER… have no effect here, because the vocabulary has no table "
                f"{CLUSTER_TABLE!r}. Install spacy-lookups-data and set [initialize.lookups], or "
                f"add the table that the pipeline was trained with to nlp.vocab.lookups.",
                stacklevel=2,
            )
        paths = cluster_paths(orths, self.vocab, self.clusters)
        # One more than the bits, so that no path has the id of an unknown one.
        ids = {attr: 1 + (paths & ((1 << n) - 1)) for attr, n in bits.items()}
        return {attr: np.where(paths, x, UNKNOWN).astype(np.uint64) for attr, x in ids.items()}


def validate_attrs(attrs: Sequence[str]) -> None:
    """Check the names of attributes.

    attrs (Sequence[str]): Names of spaCy token attributes or of `STRING_ATTRS`, or CLUSTER and a
        number of bits.
    RAISES (ValueError): If one is unknown.
    """
    ours = [attr for attr in attrs if attr in STRING_ATTRS or _CLUSTER.fullmatch(attr)]
    unknown = [attr for attr in attrs if attr not in IDS and attr not in ours]
    if unknown:
        raise ValueError(
            f"Unknown attributes {unknown} in LexemeEmbed. Use spaCy's token attributes such as "
            f"NORM, PREFIX, SUFFIX and SHAPE, or {', '.join(STRING_ATTRS)}, or CLUSTER1 to "
            f"CLUSTER56."
        )


def read_tokens(
    docs: Sequence[Doc], attrs: Sequence[str], lexicon: Lexicon = _OF_VOCABULARY
) -> Tokens:
    """Read the tokens of documents.

    docs (Sequence[Doc]): The documents; they share one vocabulary.
    attrs (Sequence[str]): The attributes by which lexemes differ.
    lexicon (Lexicon): Tables of words that override those of the vocabulary.
    RETURNS (Tokens): The tokens.
    """
    vocab = docs[0].vocab if docs else Vocab()
    vectors = vocab.vectors if lexicon.vectors is None else lexicon.vectors
    clusters = lexicon.clusters
    if clusters is None:
        clusters = vocab.lookups.get_table(CLUSTER_TABLE, {})
    columns, multipliers = _columns(tuple(attrs), vectors.attr)
    table = token_attrs(docs, [*columns, SENT_START])
    lengths = np.asarray([len(doc) for doc in docs], dtype=np.int32)
    starts, table = table[:, -1] == 1, table[:, :-1]
    starts[first_tokens(lengths)] = True
    read = table, table @ multipliers, table[:, 1], lengths, starts.cumsum()
    return Tokens(*read, columns, tuple(attrs), vocab, vectors, clusters)


@lru_cache(maxsize=64)
def _columns(attrs: tuple[str, ...], vectors_attr: int) -> tuple[tuple[int, ...], NDArray]:
    """The columns of `Tokens.table`, and a multiplier for each (n_columns,). Columns are hashes of
    64 bits, or small numbers; a sum of their products is a hash of the row.
    """
    of_spacy = [IDS[attr] for attr in attrs if attr in IDS]
    columns = tuple(dict.fromkeys([ORTH, NORM, *of_spacy, vectors_attr]))
    return columns, FOLD ** np.arange(len(columns), dtype=np.uint64)


def token_attrs(docs: Sequence[Doc], attrs: Sequence[int | str]) -> NDArray[np.uint64]:
    """Read attributes of the tokens of documents.

    docs (Sequence[Doc]): The documents.
    attrs (Sequence[Union[int, str]]): spaCy's attributes.
    RETURNS (ndarray): Shape (n_tokens, n_attrs).
    """
    names = list(attrs)
    arrays: list[NDArray] = [doc.to_array(names).reshape(-1, len(names)) for doc in docs]
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate([np.zeros((0, len(names)), dtype=np.uint64), *arrays])


def cluster_paths(orths: NDArray[np.uint64], vocab: Vocab, clusters: Clusters) -> NDArray[np.int64]:
    """Look Brown clusters up. A word has the cluster of its written form, else of its lower-case
    form.

    orths (ndarray): Shape (n,), the ids of the written forms of words.
    vocab (Vocab): The vocabulary that has the forms.
    clusters (Mapping[int, int]): The path of each word by its hash.
    RETURNS (ndarray): Shape (n,), the paths, 0 for none.
    """
    found = [
        clusters.get(orth, 0) or clusters.get(get_string_id(vocab.strings[orth].lower()), 0)
        for orth in orths.tolist()
    ]
    return np.asarray(found, dtype=np.int64)
