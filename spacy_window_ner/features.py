"""Doc → arrays of lexical ids.

Text repeats itself: a batch of documents has far fewer distinct lexemes than tokens,
and all that `LexemeEmbed` computes depends on the lexeme alone. So features are read
once for each distinct lexeme, and each token only says which lexeme stands there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import IDS, ORTH
from spacy.strings import get_string_id
from spacy.tokens import Doc
from spacy.vocab import Vocab

# Odd multipliers of a multiplicative hash: they fold one row of ids to one 64-bit key.
_FOLD = np.uint64(0x9E3779B97F4A7C15)

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


# The id that stands for a word that nothing is known of.
UNKNOWN = 0


@dataclass(frozen=True)
class Lexemes:
    """The distinct lexemes of a batch of documents, and where they stand.

    ids (ndarray): Shape (n_lexemes, n_attrs) uint64, one column for each attribute.
    orths (ndarray): Shape (n_lexemes,) uint64, the ORTH of each lexeme.
    vector_keys (ndarray): Shape (n_lexemes,) uint64, the keys in the table of static vectors.
    tokens (ndarray): Shape (n_tokens,) int64, the row in `ids` of each token.
    lengths (ndarray): Shape (n_docs,) int32, the number of tokens of each document.
    vocab (Vocab): The vocabulary of the documents, for strings and static vectors.
    """

    ids: NDArray[np.uint64]
    orths: NDArray[np.uint64]
    vector_keys: NDArray[np.uint64]
    tokens: NDArray[np.int64]
    lengths: NDArray[np.int32]
    vocab: Vocab

    def __len__(self) -> int:
        return len(self.orths)


def validate_attrs(attrs: Sequence[str]) -> None:
    """Check the names of attributes.

    attrs (Sequence[str]): Names of spaCy token attributes or of `STRING_ATTRS`.
    RAISES (ValueError): If one is unknown.
    """
    unknown = [attr for attr in attrs if attr not in STRING_ATTRS and attr not in IDS]
    if unknown:
        raise ValueError(
            f"Unknown attributes {unknown} in LexemeEmbed. Use spaCy's token attributes such as "
            f"NORM, PREFIX, SUFFIX and SHAPE, or {', '.join(STRING_ATTRS)}."
        )


def extract(docs: Sequence[Doc], attrs: Sequence[str]) -> Lexemes:
    """Read the distinct lexemes of documents and their ids.

    docs (Sequence[Doc]): The documents; they share one vocabulary.
    attrs (Sequence[str]): The attributes, one column of ids for each.
    RETURNS (Lexemes): The distinct rows of ids, and which of them stands at each token.
    """
    spacy_attrs = [attr for attr in attrs if attr not in STRING_ATTRS]
    vocab = docs[0].vocab if docs else Vocab()
    columns = [ORTH, *(IDS[attr] for attr in spacy_attrs), vocab.vectors.attr]
    arrays = [doc.to_array(columns).reshape(len(doc), len(columns)) for doc in docs]
    arrays.append(np.zeros((0, len(columns)), dtype=np.uint64))  # so that no docs is no error
    table: NDArray[np.uint64] = np.concatenate(arrays)
    keys = _fold(table)
    _, first, tokens = np.unique(keys, return_index=True, return_inverse=True)
    rows = table[first]
    ids = np.empty((len(rows), len(attrs)), dtype=np.uint64)
    strings = _string_ids(rows[:, 0], vocab) if len(spacy_attrs) < len(attrs) else None
    for column, attr in enumerate(attrs):
        if strings is not None and attr in STRING_ATTRS:
            ids[:, column] = strings[:, STRING_ATTRS.index(attr)]
        else:
            ids[:, column] = rows[:, 1 + spacy_attrs.index(attr)]
    lengths = np.asarray([len(doc) for doc in docs], dtype=np.int32)
    return Lexemes(ids, rows[:, 0], rows[:, -1], tokens.astype(np.int64), lengths, vocab)


def _fold(table: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Fold rows of 64-bit ids (n, n_columns) to one 64-bit key each (n,)."""
    keys = table[:, 0].copy()
    for column in table.T[1:]:
        keys = (keys ^ (keys >> np.uint64(29))) * _FOLD + column
    return keys


def _string_ids(orths: NDArray[np.uint64], vocab: Vocab) -> NDArray[np.uint64]:
    """Ids of `STRING_ATTRS` for each lexeme: (n_lexemes,) → (n_lexemes, n_string_attrs)."""
    strings = vocab.strings
    rows = [_string_attrs(strings[orth]) for orth in orths]
    return np.asarray(rows, dtype=np.uint64).reshape(len(orths), len(STRING_ATTRS))


@lru_cache(maxsize=2**16)
def _string_attrs(text: str) -> tuple[int, ...]:
    prefixes = [text[:n] for n in (1, 2, 3, 4)]
    suffixes = [text[-n:] for n in (1, 2, 3, 4)]
    return tuple(get_string_id(piece) for piece in (*prefixes, *suffixes, _case(text)))


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
