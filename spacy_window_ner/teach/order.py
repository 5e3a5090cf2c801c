"""The order of texts: first texts that differ from each other, then informative and random ones.

The scores of a network can only be estimated from texts that were drawn at random, since texts that
it is uncertain about are harder than most. One of every `CYCLE` texts is random.
"""

from collections.abc import Sequence

import numpy as np
from spacy.attrs import LOWER
from spacy.language import Language

from ..inspect.suggest import choose_texts, project
from .store import Store

DIVERSE, INFORMATIVE, RANDOM, COMMON = "diverse", "informative", "random", "common"
# The number of diverse texts that come first, and the size of the sample they are chosen from.
FIRST, SAMPLE = 10, 500
# One of this number of texts is random, and one of this number of random texts is for everyone.
CYCLE, SHARED = 3, 5


class Order:
    """The order of the texts of a project. It is the same after a restart.

    store (Store): The project.
    nlp (Language): The pipeline whose tokenizer is used.
    seed (int): Random seed.
    """

    def __init__(self, store: Store, nlp: Language, seed: int) -> None:
        self._store, self._nlp = store, nlp
        self._numbers = 1 + np.random.default_rng(seed).permutation(store.n_texts)
        self._done = 0
        self._diverse: list[int] | None = None

    def choose(self, annotator: str, informative: Sequence[int]) -> tuple[int, str] | None:
        """Choose the next text.

        annotator (str): The annotator to choose it for.
        informative (Sequence[int]): The numbers of texts, the most informative first.
        RETURNS (Optional[Tuple[int, str]]): The number of a text that is not assigned or annotated
            yet, or that is for all annotators, and why it was chosen; None if none is left.
        """
        n = len(self._store.decided_ids())
        if n < FIRST:
            found = self._store.undecided(self._differing())
            if found:
                return found[0], DIVERSE
        elif (n - FIRST) % CYCLE:
            found = self._store.undecided(informative)
            if found:
                return found[0], INFORMATIVE
        return self._at_random(annotator)

    def _at_random(self, annotator: str) -> tuple[int, str] | None:
        shared = self._store.common(annotator)
        if shared:
            return shared[0], COMMON
        # Taken texts stay taken, since undoing a decision assigns the text again.
        for place in range(self._done, len(self._numbers)):
            number = int(self._numbers[place])
            if self._store.undecided([number]):
                return number, RANDOM if place % SHARED else COMMON
            self._done = place + 1
        return None

    def _differing(self) -> list[int]:
        """The numbers of texts in a sample that have few words in common."""
        if self._diverse is None:
            sample = self._numbers[::-1][:SAMPLE].tolist()
            texts = self._store.texts_of(sample)
            words = [
                self._nlp.make_doc(texts[number]).to_array(LOWER).astype(np.uint64)
                for number in sample
            ]
            lengths = np.asarray([len(of_text) for of_text in words], dtype=np.float64)
            # Texts of one or two words differ most, but are not useful.
            gain = np.where(lengths > 0, lengths / (lengths + lengths.mean()), -1.0)
            chosen, _ = choose_texts(gain, project(words), FIRST)
            self._diverse = [sample[i] for i in chosen]
        return self._diverse
