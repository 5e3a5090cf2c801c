"""Converts documents to a vocabulary of frequent words, and text to indices of words."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import IS_SPACE, ORTH
from spacy.strings import get_string_id
from spacy.tokens import Doc

# The number of a word that is not in the vocabulary, and of the border between two documents.
UNKNOWN = -1


@dataclass(frozen=True)
class Text:
    """A text as indices of words, the most frequent word being 0.

    words (List[str]): The vocabulary, n_words in the order of frequency.
    ids (ndarray): Shape (n_tokens,) int32, the word of each token, or `UNKNOWN`. Documents are
        separated by an `UNKNOWN`, so that windows do not cross document boundaries.
    n_tokens (int): The number of tokens that were read, without whitespace.
    """

    words: list[str]
    ids: NDArray[np.int32]
    n_tokens: int


class Words:
    """Collects the words of documents, using four bytes per token.

    forms (List[str]): The forms that have occurred, in order.
    ids (array): The index of each token's form, and `UNKNOWN` after each document.
    """

    def __init__(self) -> None:
        self.forms: list[str] = []
        self.ids = array("i")
        self._rows: dict[int, int] = {}

    def add(self, doc: Doc) -> None:
        """Add a document. Documents may have different vocabularies."""
        table = doc.to_array([ORTH, IS_SPACE]).reshape(len(doc), 2)
        orths = table[table[:, 1] == 0, 0].tolist()
        for orth in set(orths).difference(self._rows):
            self._rows[orth] = len(self.forms)
            self.forms.append(doc.vocab.strings[orth])
        self.ids.extend(map(self._rows.__getitem__, orths))
        self.ids.append(UNKNOWN)

    def extend(self, forms: Sequence[str], ids: bytes) -> None:
        """Add words that were saved before.

        forms (Sequence[str]): The additional forms, after the existing ones.
        ids (bytes): The tokens, as returned by `ids.tobytes()`.
        """
        for form in forms:
            self._rows[get_string_id(form)] = len(self.forms)
            self.forms.append(form)
        self.ids.frombytes(ids)

    def number(self, min_count: int, max_words: int) -> Text:
        """Number the words by their frequency.

        A form that is rarer than `min_count` counts as its lower-case form, which is how a word
        without a vector is looked up.

        min_count (int): Minimum frequency of a word.
        max_words (int): Maximum size of the vocabulary; rarer words are left out.
        RETURNS (Text): The text.
        """
        read = np.frombuffer(self.ids, dtype=np.int32)
        found = read[read != UNKNOWN]
        counts = np.bincount(found, minlength=len(self.forms))
        words, numbers = _vocabulary(self.forms, counts, min_count)
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
