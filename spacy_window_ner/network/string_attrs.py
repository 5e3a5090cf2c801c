"""Attributes that spaCy does not have, read off the written form of words.

These are affixes of 1 to 4 letters, and the capitalization classes of Collobert et al. 2011,
section 3.2 (here seven). The id of an affix is its hash in spaCy's string store. For affixes in
ASCII, which have up to 4 bytes, that hash is computed for all words at once: a just loaded pipeline
is 1.2 times as fast.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from spacy.strings import get_string_id
from spacy.symbols import IDS as SYMBOLS

_LONGEST = 4
STRING_ATTRS = (
    *(f"PREFIX{n}" for n in range(1, _LONGEST + 1)),
    *(f"SUFFIX{n}" for n in range(1, _LONGEST + 1)),
    "CASE",
)
Ids = NDArray[np.uint64]

# MurmurHash64A (Appleby 2008) with the seed of spaCy's string store.
_SEED, _MULTIPLIER, _SHIFT = np.uint64(1), np.uint64(0xC6A4A7935BD1E995), np.uint64(47)


def string_ids(texts: Sequence[str], attrs: Sequence[str]) -> dict[str, Ids]:
    """Compute the ids of those of the attributes that are among `STRING_ATTRS`.

    texts (Sequence[str]): n words.
    attrs (Sequence[str]): Names of attributes.
    RETURNS (Dict[str, ndarray]): The ids (n,) of each, 0 for the affix of an empty string.
    """
    asked = [attr for attr in dict.fromkeys(attrs) if attr in STRING_ATTRS]
    ids: dict[str, Ids] = {}
    for kind, longest in (("PREFIX", slice(_LONGEST)), ("SUFFIX", slice(-_LONGEST, None))):
        lengths = [int(attr[-1]) for attr in asked if attr.startswith(kind)]
        if lengths:
            ids.update(_affix_ids(kind, [text[longest] for text in texts], lengths))
    if "CASE" in asked:
        cases = [_CASE_IDS[_case(text)] for text in texts]
        ids["CASE"] = np.asarray(cases, dtype=np.uint64)
    return ids


def _affix_ids(kind: str, pieces: Sequence[str], lengths: Sequence[int]) -> dict[str, Ids]:
    """The ids (n,) of the first or last letters of pieces, for each number of letters."""
    letters, sizes = _bytes_of(pieces)
    others = [i for i, piece in enumerate(pieces) if not piece.isascii()]
    ids_of: dict[str, Ids] = {}
    for length in lengths:
        size = np.minimum(sizes, length)
        skipped = sizes - size if kind == "SUFFIX" else np.zeros_like(sizes)
        cut = slice(-length, None) if kind == "SUFFIX" else slice(length)
        low_bytes = (np.uint64(1) << (8 * size).astype(np.uint64)) - np.uint64(1)
        ids = _hash_bytes(letters >> (8 * skipped).astype(np.uint64) & low_bytes, size)
        # spaCy's symbols have ids of their own.
        places = np.minimum(np.searchsorted(_SYMBOLS[0], ids), len(_SYMBOLS[0]) - 1)
        is_symbol = _SYMBOLS[0][places] == ids
        ids[is_symbol] = _SYMBOLS[1][places[is_symbol]]
        ids[others] = [_string_id(pieces[i][cut]) for i in others]
        ids_of[f"{kind}{length}"] = ids
    return ids_of


def _bytes_of(pieces: Sequence[str]) -> tuple[Ids, NDArray[np.int64]]:
    """The letters of short strings as bytes, the first one lowest (n,), and their number (n,)."""
    codes = np.asarray(pieces, dtype=f"U{_LONGEST}").view(np.uint32).reshape(-1, _LONGEST)
    letters = codes.astype(np.uint8).view("<u4").ravel().astype(np.uint64)
    return letters, np.asarray([len(piece) for piece in pieces], dtype=np.int64)


def _hash_bytes(letters: Ids, sizes: NDArray[np.int64]) -> Ids:
    """Hash strings of fewer than 8 bytes as spaCy's string store does: (n,), (n,) → (n,)."""
    hashes = _SEED ^ (sizes.astype(np.uint64) * _MULTIPLIER)
    hashes = (hashes ^ letters) * _MULTIPLIER
    hashes = (hashes ^ (hashes >> _SHIFT)) * _MULTIPLIER
    hashes ^= hashes >> _SHIFT
    hashes[sizes == 0] = 0
    return hashes


_string_id = lru_cache(maxsize=2**16)(get_string_id)


def _short_symbols() -> tuple[Ids, Ids]:
    """The hashes of spaCy's symbols that an affix may be, ascending, and their ids (n_symbols,)."""
    names = [name for name in SYMBOLS if 0 < len(name) <= _LONGEST]
    hashes, ids = _hash_bytes(*_bytes_of(names)), np.asarray([SYMBOLS[name] for name in names])
    order = np.argsort(hashes)
    return hashes[order], ids[order].astype(np.uint64)


_SYMBOLS = _short_symbols()


def _case(text: str) -> str:
    if text.islower():
        return "lower"
    if text.isupper():
        return "upper"
    if text[:1].isupper():
        return "title" if text[1:].islower() else "Mixed"
    if any(char.isdigit() for char in text):
        return "digit"
    return "mixed" if any(char.isupper() for char in text) else "other"


_CASES = ("upper", "lower", "title", "Mixed", "digit", "mixed", "other")
_CASE_IDS = {case: get_string_id(case) for case in _CASES}
