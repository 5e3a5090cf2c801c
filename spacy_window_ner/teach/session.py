"""What people do with a project, as plain data, without anything of the web.

One thread at a time uses a session. Networks come from the learner, a process of its own, and are
taken between two texts.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from random import Random
from typing import Any, Protocol, TypeVar

from spacy.language import Language

from ..files.exports import tokens_of
from ..labels import is_text, new_labels
from .reading import direction, find_names, read_text, snapped
from .store import GIVEN, Decision, Handed, Marked, MissingError, Store

JsonObject = dict[str, Any]
T = TypeVar("T")
# The most characters of a label, and of a name.
LONGEST_LABEL, LONGEST_NAME = 64, 500
# How many characters of a text a result of the search shows around what was found.
_AROUND = 60


class LearnerHandle(Protocol):
    """What the session needs of the learner."""

    learning: bool
    error: str | None

    def wake(self) -> None:
        """Tell it that there is something new to learn from."""

    def poll(self) -> list[Any]:
        """Take what it has found since."""


class Session:
    """A project that people work on.

    store (Store): Its texts and decisions.
    nlp (Language): The pipeline that reads texts; its network is replaced by those of the learner.
    learner (Optional[LearnerHandle]): What learns in the background.
    """

    def __init__(self, store: Store, nlp: Language, learner: LearnerHandle | None = None) -> None:
        self.store, self.nlp, self.learner = store, nlp, learner
        self.network = 0
        self._estimate: JsonObject | None = None
        self._doubts: list[JsonObject] = []
        self._names = store.names()
        nlp("A text.")  # what is set up at the first text outlives memory zones
        self._order = list(range(1, store.n_texts + 1))
        Random(store.setting("seed", 0)).shuffle(self._order)

    # One text after another

    def next(self, annotator: str) -> JsonObject | None:
        """RETURNS (Optional[Dict[str, Any]]): The text that the annotator has, or the next one;
        None if none is left.
        """
        handed = self.store.handed(annotator) or self._hand_next(annotator)
        return None if handed is None else self._shown(handed)

    def _hand_next(self, annotator: str) -> Handed | None:
        while self._order:
            if self.store.undecided(self._order[-1:]):
                return self.store.hand(annotator, self._order[-1], "random")
            self._order.pop()
        return None

    def read(self, number: int, entities: Iterable[Marked]) -> JsonObject:
        """Read a text again around what is fixed.

        RETURNS (Dict[str, Any]): As from `next`, without `how`.
        """
        return self._read(number, entities)

    def decide(
        self, annotator: str, number: int, answer: str, entities: Iterable[Marked], checked: str
    ) -> JsonObject:
        """Store a decision.

        RETURNS (Dict[str, Any]): How many texts were `decided`, and the `id` of this one.
        RAISES (MissingError): If there is no such text.
        RAISES (ValueError): If the entities are wrong.
        RAISES (ConflictError): If it was decided otherwise before.
        """
        text = self.store.text(number)
        fixed = self._checked(text, self._tokens(text), entities)
        handed = self.store.handed(annotator, number)
        old = self.store.current(annotator, number)
        how = handed.how if handed is not None else "search"
        if old is not None and old[1].how != GIVEN:
            how = old[1].how
        decision = Decision(number, text, annotator, answer, fixed, checked, how)
        self.store.decide(decision, self.network)
        self._wake()
        return {"decided": self.store.counts(annotator)["decided"], "id": number}

    def undo(self, annotator: str) -> JsonObject:
        """Undo the last decision of an annotator.

        RETURNS (Dict[str, Any]): Its text, as from `next`.
        RAISES (MissingError): If there is nothing to undo.
        """
        if self.store.undo(annotator) is None:
            raise MissingError("There is nothing to undo.")
        self._wake()
        handed = self.store.handed(annotator)
        assert handed is not None
        return self._shown(handed)

    def open(self, annotator: str, number: int) -> JsonObject:
        """Give a text to an annotator, decided or not.

        RETURNS (Dict[str, Any]): As from `next`.
        """
        self.store.text(number)
        before = self.store.handed(annotator, number)
        old = self.store.current(annotator, number)
        entities = old[1].entities if old is not None else before.entities if before else []
        return self._shown(
            self.store.hand(annotator, number, before.how if before else "search", entities)
        )

    def _shown(self, handed: Handed) -> JsonObject:
        return {**self._read(handed.text_id, handed.entities), "how": handed.how}

    def _read(self, number: int, entities: Iterable[Marked]) -> JsonObject:
        text = self.store.text(number)

        def found() -> JsonObject:
            tokens = tokens_of(self.nlp.make_doc(text))
            fixed = self._checked(text, tokens, entities)
            fixed += find_names(text, tokens, self._names, fixed)
            return read_text(self.nlp, text, fixed, self.store.labels)

        return {"id": number, "text": text, "direction": direction(text), **self._in_zone(found)}

    def _tokens(self, text: str) -> list[tuple[int, int]]:
        return self._in_zone(lambda: tokens_of(self.nlp.make_doc(text)))

    def _checked(
        self, text: str, tokens: Sequence[tuple[int, int]], entities: Iterable[Marked]
    ) -> list[Marked]:
        fixed = snapped(text, tokens, entities)
        unknown = {label for _, _, label in fixed if label is not None} - {*self.store.labels}
        if unknown:
            raise ValueError(f"There is no label {min(unknown)!r}. Add it first.")
        return fixed

    def _in_zone(self, answer: Callable[[], T]) -> T:
        """Call a function in a memory zone. No exception passes the end of the zone: spaCy would
        leave it open.
        """
        found, failed = None, None
        with self.nlp.memory_zone():
            try:
                found = answer()
            except Exception as error:
                failed = error.with_traceback(None)
        if failed is not None:
            raise failed
        return found  # type: ignore[return-value]

    def _wake(self) -> None:
        if self.learner is not None:
            self.learner.wake()

    # Labels and names

    def add_label(self, label: str) -> JsonObject:
        """Add a label. RETURNS (Dict[str, Any]): All `labels`."""
        labels = self.store.add_labels([checked_label(label)])
        self.nlp.vocab.strings.add(label)
        self._wake()
        return {"labels": labels}

    def add_name(self, name: str, label: str | None) -> JsonObject:
        """Add a name. RETURNS (Dict[str, Any]): The number of `names`."""
        if label is not None and label not in self.store.labels:
            raise ValueError(f"There is no label {label!r}. Add it first.")
        self.store.add_names([(checked_name(name), label)])
        return self._renamed()

    def remove_name(self, name: str) -> JsonObject:
        """Remove a name. RETURNS (Dict[str, Any]): The number of `names`."""
        if not (is_text(name) and self.store.remove_name(name)):
            raise MissingError("There is no such name.")
        return self._renamed()

    def _renamed(self) -> JsonObject:
        self._names = self.store.names()
        self._wake()
        return {"names": len(self._names)}

    # How far it is

    def status(self, annotator: str) -> JsonObject:
        """RETURNS (Dict[str, Any]): How far the work is, and how good the network."""
        estimate = self._estimate or {}
        return {
            **self.store.counts(annotator),
            "network": self.network,
            "learning": self.learner is not None and self.learner.learning,
            "error": None if self.learner is None else self.learner.error,
            "f1": estimate.get("f1"),
            "labels": estimate.get("labels") or dict.fromkeys(self.store.labels),
            "curve": [],
            "gain": estimate.get("gain"),
            "enough": bool(estimate.get("enough")),
            "agreement": agreement(self.store.accepted_by_all()),
            "annotator": annotator,
        }

    def search(self, words: str, limit: int) -> JsonObject:
        """RETURNS (Dict[str, Any]): The `results`: texts that have these words."""
        if not words.strip() or not is_text(words):
            raise ValueError("Give words to search for.")
        decided = set(self.store.decided_ids())
        results = []
        for number, text in self.store.search(words, limit):
            start = max(text.casefold().find(words.casefold()), 0)
            snippet = text[max(start - _AROUND, 0) : start + len(words) + _AROUND]
            results.append(
                {"id": number, "start": start, "snippet": snippet, "decided": number in decided}
            )
        return {"results": results}

    def doubts(self) -> JsonObject:
        """RETURNS (Dict[str, Any]): The `doubts`: annotation that is probably wrong."""
        return {"doubts": self._doubts}


def checked_label(label: str) -> str:
    """RETURNS (str): The label.

    RAISES (ValueError): If it cannot be one.
    """
    if not 0 < len(label) <= LONGEST_LABEL:
        raise ValueError(f"A label must have 1 to {LONGEST_LABEL} characters.")
    if not label.isprintable() or label != label.strip():
        raise ValueError("A label must not have control characters, or spaces around it.")
    new_labels([label], ())
    return label


def checked_name(name: str) -> str:
    """RETURNS (str): The name, without white space around it.

    RAISES (ValueError): If it cannot be one.
    """
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME or not is_text(name):
        raise ValueError(f"A name must have 1 to {LONGEST_NAME} characters, and be Unicode.")
    return name


def agreement(decisions: Iterable[Decision]) -> float | None:
    """RETURNS (Optional[float]): F1 between annotators on the texts that several have checked as a
    whole; None where there are none.
    """
    by_text: dict[int, list[set[Marked]]] = {}
    for one in decisions:
        if one.checked == "all" and one.how != GIVEN:
            entities = {entity for entity in one.entities if entity[2] is not None}
            by_text.setdefault(one.text_id, []).append(entities)
    pairs = [pair for found in by_text.values() for pair in combinations(found, 2)]
    total = sum(len(a) + len(b) for a, b in pairs)
    if not pairs:
        return None
    return 2 * sum(len(a & b) for a, b in pairs) / total if total else 1.0
