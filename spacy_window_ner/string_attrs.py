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
    for kind, attr_of_kind in (("PREFIX", _prefixes), ("SUFFIX", _suffixes)):
        lengths = [int(attr[-1]) for attr in asked if attr.startswith(kind)]
        if lengths:
            found = attr_of_kind(texts, lengths)
            ids.update(
                {f"{kind}{n}": of_length for n, of_length in zip(lengths, found, strict=True)}
            )
    if "CASE" in asked:
        cases = [_CASE_IDS[_case(text)] for text in texts]
        ids["CASE"] = np.asarray(cases, dtype=np.uint64)
    return ids


def _prefixes(texts: Sequence[str], lengths: Sequence[int]) -> list[Ids]:
    """The ids of the first letters (n,), for each number of letters."""
    pieces = [text[:_LONGEST] for text in texts]
    letters, sizes = _bytes_of(pieces)
    found = []
    for length in lengths:
        size = np.minimum(sizes, length)
        found.append(_hash_bytes(letters & _low_bytes(size), size))
    return _with_exceptions(found, pieces, [slice(length) for length in lengths])


def _suffixes(texts: Sequence[str], lengths: Sequence[int]) -> list[Ids]:
    """The ids of the last letters (n,), for each number of letters."""
    pieces = [text[-_LONGEST:] for text in texts]
    letters, sizes = _bytes_of(pieces)
    found = []
    for length in lengths:
        size = np.minimum(sizes, length)
        found.append(_hash_bytes(letters >> (8 * (sizes - size)).astype(np.uint64), size))
    return _with_exceptions(found, pieces, [slice(-length, None) for length in lengths])


def _bytes_of(pieces: Sequence[str]) -> tuple[Ids, NDArray[np.int64]]:
    """The letters of short strings as bytes, the first one lowest (n,), and their number (n,)."""
    codes = np.asarray(pieces, dtype=f"U{_LONGEST}").view(np.uint32).reshape(-1, _LONGEST)
    letters = codes.astype(np.uint8).view("<u4").ravel().astype(np.uint64)
    return letters, np.asarray([len(piece) for piece in pieces], dtype=np.int64)


def _low_bytes(sizes: NDArray[np.int64]) -> Ids:
    """Masks of the lowest bytes, (n,) → (n,)."""
    return (np.uint64(1) << (8 * sizes).astype(np.uint64)) - np.uint64(1)


def _hash_bytes(letters: Ids, sizes: NDArray[np.int64]) -> Ids:
    """Hash strings of fewer than 8 bytes as spaCy's string store does: (n,), (n,) → (n,)."""
    hashes = _SEED ^ (sizes.astype(np.uint64) * _MULTIPLIER)
    hashes = (hashes ^ letters) * _MULTIPLIER
    hashes = (hashes ^ (hashes >> _SHIFT)) * _MULTIPLIER
    hashes ^= hashes >> _SHIFT
    hashes[sizes == 0] = 0
    return hashes


def _with_exceptions(found: list[Ids], pieces: Sequence[str], cuts: Sequence[slice]) -> list[Ids]:
    """Correct the ids (n,) of affixes, for each way to cut them, where they are not in ASCII, and
    where they are symbols of spaCy, which have ids of their own.
    """
    others = [i for i, piece in enumerate(pieces) if not piece.isascii()]
    for ids, cut in zip(found, cuts, strict=True):
        places = np.minimum(np.searchsorted(_SYMBOLS[0], ids), len(_SYMBOLS[0]) - 1)
        is_symbol = _SYMBOLS[0][places] == ids
        ids[is_symbol] = _SYMBOLS[1][places[is_symbol]]
        ids[others] = [_string_id(pieces[i][cut]) for i in others]
    return found


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
