"""A stream of documents → the words that are frequent enough, and the text as their numbers."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import IS_SPACE, ORTH
from spacy.tokens import Doc

# The number of a word that is not in the vocabulary, and of the border between two documents.
UNKNOWN = -1


@dataclass(frozen=True)
class Text:
    """A text as numbers of words, the most frequent word being 0.

    words (List[str]): The vocabulary, n_words in the order of frequency.
    ids (ndarray): Shape (n_tokens,) int32, the word of each token, or `UNKNOWN`. There is one
        `UNKNOWN` between two documents, so that no window reaches from one into the other.
    n_tokens (int): The number of tokens that were read, without whitespace.
    """

    words: list[str]
    ids: NDArray[np.int32]
    n_tokens: int


def number_words(docs: Iterable[Doc], min_count: int, max_words: int) -> Text:
    """Read documents, of which nothing is kept but four bytes a token.

    A form that is rarer than `min_count` counts as its lower-case form, which is how it is looked
    up when there is no vector for it.

    docs (Iterable[Doc]): The documents. They may have different vocabularies.
    min_count (int): How often a word has to occur.
    max_words (int): The size of the vocabulary; rarer words are left out.
    RETURNS (Text): The text.
    """
    rows: dict[int, int] = {}
    forms: list[str] = []
    ids = array("i")
    for doc in docs:
        table = doc.to_array([ORTH, IS_SPACE]).reshape(len(doc), 2)
        orths = table[table[:, 1] == 0, 0].tolist()
        for orth in set(orths).difference(rows):
            rows[orth] = len(forms)
            forms.append(doc.vocab.strings[orth])
        ids.extend(map(rows.__getitem__, orths))
        ids.append(UNKNOWN)
    read = np.frombuffer(ids, dtype=np.int32)
    found = read[read != UNKNOWN]
    words, numbers = _vocabulary(forms, np.bincount(found, minlength=len(forms)), min_count)
    numbers = np.where(numbers < max_words, numbers, UNKNOWN).astype(np.int32)
    # The number of `UNKNOWN` is the last one of the table, where -1 points.
    return Text(words[:max_words], np.append(numbers, np.int32(UNKNOWN))[read], len(found))


def _vocabulary(
    forms: list[str], counts: NDArray[np.int64], min_count: int
) -> tuple[list[str], NDArray[np.int64]]:
    """The words in the order of frequency, and the number of each form's word (n_forms,)."""
    places = {form: place for place, form in enumerate(forms)}
    words = np.arange(len(forms))
    for place in np.flatnonzero(counts < min_count).tolist():
        words[place] = places.get(forms[place].lower(), place)
    counts = np.bincount(words, counts, len(forms))
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] >= min_count]
    numbers = np.full(len(forms), np.iinfo(np.int32).max)
    numbers[order] = np.arange(len(order))
    return [forms[place] for place in order], numbers[words]
