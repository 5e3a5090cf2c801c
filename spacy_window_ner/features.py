"""Doc → arrays of lexical ids.

Text repeats itself: a batch of documents has far fewer distinct lexemes than tokens, and all that
`LexemeEmbed` computes depends on the lexeme alone. So features are read once for each distinct
lexeme, and a token is the number of its lexeme.
"""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import IDS, NORM, ORTH
from spacy.strings import get_string_id
from spacy.tokens import Doc
from spacy.vocab import Vocab

# The odd multiplier of a multiplicative hash, which folds a row of ids to one 64-bit key.
FOLD = np.uint64(0x9E3779B97F4A7C15)

# Attributes that spaCy does not have, read off the written form: affixes of n letters
# and the capitalization classes of Collobert et al. 2011, section 3.2 (here six).
STRING_ATTRS = (
    "PREFIX1",
    "PREFIX2",
    "PREFIX3",
    "PREFIX4",
    "SUFFIX1",
    "SUFFIX2",
    "SUFFIX3",
    "SUFFIX4",
    "CASE",
)

# The table of Brown clusters in spaCy's lookups: word → path in the tree of clusters as a number
# whose lowest bit is the first branch. `CLUSTER10` is the first 10 bits of the path.
CLUSTER_TABLE = "lexeme_cluster"
CLUSTER = "CLUSTER"
_CLUSTER = re.compile(CLUSTER + r"([1-9]|[1-4]\d|5[0-6])")

# The id of an unknown value.
UNKNOWN = 0


@dataclass(frozen=True)
class Lexemes:
    """What the token vectors of distinct lexemes are made of.

    ids (ndarray): Shape (n_lexemes, n_attrs) uint64, one column for each attribute.
    orths (ndarray): Shape (n_lexemes,) uint64, the ORTH of each lexeme.
    vector_keys (ndarray): Shape (n_lexemes,) uint64, the keys in the table of static vectors.
    vocab (Vocab): The vocabulary of the documents, for strings and static vectors.
    """

    ids: NDArray[np.uint64]
    orths: NDArray[np.uint64]
    vector_keys: NDArray[np.uint64]
    vocab: Vocab

    def __len__(self) -> int:
        return len(self.orths)


@dataclass(frozen=True)
class LexemeRows:
    """The distinct lexemes of a batch of documents, and which of them stands at each token.

    rows (ndarray): Shape (n_lexemes, n_columns) uint64: ORTH, NORM, those of `attrs` that spaCy
        has, and the key in the table of static vectors.
    keys (ndarray): Shape (n_lexemes,) uint64, one number for each row, ascending. The same in
        every batch.
    tokens (ndarray): Shape (n_tokens,) int64, the row of each token.
    lengths (ndarray): Shape (n_docs,) int32, the number of tokens of each document.
    attrs (Tuple[str]): The attributes.
    vocab (Vocab): The vocabulary of the documents.
    """

    rows: NDArray[np.uint64]
    keys: NDArray[np.uint64]
    tokens: NDArray[np.int64]
    lengths: NDArray[np.int32]
    attrs: tuple[str, ...]
    vocab: Vocab

    @property
    def norms(self) -> NDArray[np.uint64]:
        """The NORM of each token: (n_tokens,)."""
        return self.rows[self.tokens, 1]

    def lexemes(self, which: NDArray[np.int64] | slice = slice(None)) -> Lexemes:
        """Read the ids of lexemes.

        which (Union[ndarray, slice]): Shape (n,), the rows to read; all by default.
        RETURNS (Lexemes): Their ids.
        """
        rows = self.rows[which]
        orths, attrs = rows[:, 0], self.attrs
        ids = np.empty((len(rows), len(attrs)), dtype=np.uint64)
        strings = _string_ids(orths, self.vocab) if any(a in STRING_ATTRS for a in attrs) else None
        clusters = _clusters(orths, self.vocab) if any(cluster_bits(a) for a in attrs) else None
        spacy_column = 2
        for column, attr in enumerate(attrs):
            if strings is not None and attr in STRING_ATTRS:
                ids[:, column] = strings[:, STRING_ATTRS.index(attr)]
            elif clusters is not None and cluster_bits(attr):
                ids[:, column] = _cluster_ids(clusters, cluster_bits(attr))
            else:
                ids[:, column] = rows[:, spacy_column]
                spacy_column += 1
        return Lexemes(ids, orths, rows[:, -1], self.vocab)


def validate_attrs(attrs: Sequence[str]) -> None:
    """Check the names of attributes.

    attrs (Sequence[str]): Names of spaCy token attributes or of `STRING_ATTRS`, or CLUSTER and a
        number of bits.
    RAISES (ValueError): If one is unknown.
    """
    unknown = [attr for attr in attrs if not _is_ours(attr) and attr not in IDS]
    if unknown:
        raise ValueError(
            f"Unknown attributes {unknown} in LexemeEmbed. Use spaCy's token attributes such as "
            f"NORM, PREFIX, SUFFIX and SHAPE, or {', '.join(STRING_ATTRS)}, or CLUSTER1 to "
            f"CLUSTER56."
        )


def cluster_bits(attr: str) -> int:
    """How many bits of the path of a Brown cluster an attribute is.

    attr (str): The name of an attribute.
    RETURNS (int): 10 for `CLUSTER10`; 0 for an attribute that is no cluster.
    """
    match = _CLUSTER.fullmatch(attr)
    return int(match[1]) if match else 0


def _is_ours(attr: str) -> bool:
    return attr in STRING_ATTRS or cluster_bits(attr) > 0


def read_lexemes(docs: Sequence[Doc], attrs: Sequence[str]) -> LexemeRows:
    """Read which lexemes stand at the tokens of documents.

    docs (Sequence[Doc]): The documents; they share one vocabulary.
    attrs (Sequence[str]): The attributes by which lexemes differ.
    RETURNS (LexemeRows): The distinct lexemes, and which of them stands at each token.
    """
    vocab = docs[0].vocab if docs else Vocab()
    columns = [ORTH, NORM, *_spacy_ids(tuple(attrs)), vocab.vectors.attr]
    arrays = [doc.to_array(columns).reshape(len(doc), len(columns)) for doc in docs]
    arrays.append(np.zeros((0, len(columns)), dtype=np.uint64))  # so that no docs is no error
    table: NDArray[np.uint64] = np.concatenate(arrays)
    keys, tokens, order, starts = group(_fold(table))
    lengths = np.asarray([len(doc) for doc in docs], dtype=np.int32)
    return LexemeRows(table[order[starts]], keys, tokens, lengths, tuple(attrs), vocab)


def group(
    keys: NDArray[np.uint64],
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Find equal keys.

    keys (ndarray): Shape (n,).
    RETURNS (Tuple[ndarray, ...]): The distinct keys, ascending (n_groups,); the number of each
        key's group (n,); the places of all keys, group by group and ascending in each (n,); and
        where in that order each group starts (n_groups,).
    """
    order = keys.argsort(kind="stable")
    ordered = keys[order]
    begins = np.ones(len(keys), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    starts = np.flatnonzero(begins)
    groups = np.empty(len(keys), dtype=np.int64)
    groups[order] = np.cumsum(begins) - 1
    return ordered[starts], groups, order, starts


@lru_cache(maxsize=64)
def _spacy_ids(attrs: tuple[str, ...]) -> list[int]:
    """The ids of those attributes that spaCy has."""
    return [IDS[attr] for attr in attrs if not _is_ours(attr)]


def _fold(table: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Fold rows of 64-bit ids (n, n_columns) to one 64-bit key each (n,)."""
    keys = table[:, 0].copy()
    for column in table.T[1:]:
        keys = (keys ^ (keys >> np.uint64(29))) * FOLD + column
    return keys


def _string_ids(orths: NDArray[np.uint64], vocab: Vocab) -> NDArray[np.uint64]:
    """Ids of `STRING_ATTRS` for each lexeme: (n_lexemes,) → (n_lexemes, n_string_attrs)."""
    strings = vocab.strings
    rows = b"".join([_string_attrs(strings[orth]) for orth in orths.tolist()])
    return np.frombuffer(rows, dtype=np.uint64).reshape(len(orths), len(STRING_ATTRS))


def _clusters(orths: NDArray[np.uint64], vocab: Vocab) -> NDArray[np.int64]:
    """The path of each lexeme's Brown cluster, else of its lower-case form's; 0 for words
    without: (n_lexemes,) → (n_lexemes,).
    """
    table = vocab.lookups.get_table(CLUSTER_TABLE, {})
    if not len(table):
        warnings.warn(
            f"The attributes {CLUSTER}… have no effect here: the vocabulary has no table "
            f"{CLUSTER_TABLE!r}. Install spacy-lookups-data and set [initialize.lookups], or add "
            f"to nlp.vocab.lookups the table that the pipeline was trained with.",
            stacklevel=2,
        )
        return np.zeros(len(orths), dtype=np.int64)
    paths = [
        table.get(orth, 0) or table.get(vocab.strings[orth].lower(), 0) for orth in orths.tolist()
    ]
    return np.asarray(paths, dtype=np.int64)


def _cluster_ids(paths: NDArray[np.int64], bits: int) -> NDArray[np.uint64]:
    """Ids of the first bits of paths, none of them equal to `UNKNOWN` by chance."""
    ids = (paths & ((1 << bits) - 1)) + 1
    return np.where(paths == 0, UNKNOWN, ids).astype(np.uint64)


@lru_cache(maxsize=2**16)
def _string_attrs(text: str) -> bytes:
    """The ids of `STRING_ATTRS`, as consecutive 64-bit numbers."""
    prefixes = [text[:n] for n in (1, 2, 3, 4)]
    suffixes = [text[-n:] for n in (1, 2, 3, 4)]
    ids = [get_string_id(piece) for piece in (*prefixes, *suffixes, _case(text))]
    return np.asarray(ids, dtype=np.uint64).tobytes()


def _case(text: str) -> str:
    if text.isupper():
        return "upper"
    if text.islower():
        return "lower"
    if text[:1].isupper():
        return "title" if text[1:].islower() else "Mixed"
    if any(char.isdigit() for char in text):
        return "digit"
    return "mixed" if any(char.isupper() for char in text) else "other"
