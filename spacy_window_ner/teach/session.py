"""The actions of annotators in a project, as plain data, independent of HTTP.

A session is used by one thread at a time. New networks come from the learner, a separate process,
and are loaded between two texts.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

from spacy.language import Language

from ..confidence.scored_examples import find_component
from ..files.exports import SUFFIXES, tokens_of, write_annotated
from ..isolation import in_memory_zone
from ..labels import is_text, new_labels
from ..training.start_from import NAME
from .checks import checked_label, checked_name
from .learner import DoubtsFound, Estimated, Finished, Learner, NetworkMade, TextsChosen
from .networks import first_network, unpack
from .order import COMMON, RANDOM, Order
from .reading import Names, annotated_doc, direction, read_text, snapped
from .store import (
    GIVEN,
    PATTERNS,
    ConflictError,
    Decision,
    Handed,
    Marked,
    MissingError,
    Store,
    overlap,
)

JsonObject = dict[str, Any]
# The number of characters of a search result shown around the match.
_AROUND = 60


class Session:
    """A project that people work on.

    store (Store): Its texts and decisions.
    base (Language): The pipeline to start from.
    learner (Optional[Learner]): The training process.
    seed (int): Random seed of the order of the texts.
    network (Optional[NetworkMade]): The latest network of the project.
    has_annotators (bool): Whether several people annotate, so that some texts are given to all.
    """

    def __init__(
        self,
        store: Store,
        base: Language,
        learner: Learner | None = None,
        *,
        seed: int = 0,
        network: NetworkMade | None = None,
        has_annotators: bool = False,
    ) -> None:
        self.store, self.learner = store, learner
        self.nlp, self.network = first_network(base, store.labels), 0
        self._has_annotators = has_annotators
        self._read_names()
        self._order = Order(store, self.nlp, seed)
        self._estimates = store.estimates()
        self._new_network = network
        self._informative: list[int] = []
        self._doubts: list[JsonObject] = []
        self._is_finishing = False
        # The paths of the finished pipeline, or the error.
        self._outcome: JsonObject | str | None = None
        self.nlp("A text.")  # data initialized with the first text must outlive memory zones

    # One text after another

    def next(self, annotator: str) -> JsonObject | None:
        """RETURNS (Optional[Dict[str, Any]]): The current text of the annotator, or the next one;
        None if none is left.
        """
        self._take()
        self._change_network()
        handed = self.store.handed(annotator)
        if handed is None:
            found = self._order.choose(annotator, self._informative)
            if found is None:
                return None
            number, how = found
            if how == COMMON and not self._has_annotators:
                how = RANDOM
            handed = self.store.hand(annotator, number, how)
        return self._shown(handed)

    def _change_network(self) -> None:
        """Switch to the newest network."""
        made, self._new_network = self._new_network, None
        if made is not None:
            try:
                unpack(self.nlp, made.data)
                self.network = made.number
            except ValueError:  # it was saved for another base
                return
            for label in new_labels(self.store.labels, find_component(self.nlp, NAME).label_data):
                find_component(self.nlp, NAME).add_label(label)

    def decide(
        self, annotator: str, number: int, answer: str, entities: Iterable[Marked], checked: str
    ) -> JsonObject:
        """Store a decision.

        RETURNS (Dict[str, Any]): The number of texts `decided`, and the `id` of this one.
        RAISES (MissingError): If the text does not exist.
        RAISES (ValueError): If the entities are invalid.
        RAISES (ConflictError): If there is a different decision already.
        """
        text = self.store.text(number)
        fixed = self._checked(text, entities)
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
        """Open a text for an annotator, whether or not it is decided.

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
        return {**self.read(handed.text_id, handed.entities), "how": handed.how}

    def read(self, number: int, entities: Iterable[Marked]) -> JsonObject:
        """Predict a text again, given fixed spans.

        RETURNS (Dict[str, Any]): As from `next`, without `how`.
        """
        text = self.store.text(number)

        def found() -> JsonObject:
            labels = self.store.labels
            return read_text(self.nlp, text, self._labeled(entities), labels, self._names)

        return {
            "id": number,
            "text": text,
            "direction": direction(text),
            **in_memory_zone(self.nlp, found),
        }

    def _checked(self, text: str, entities: Iterable[Marked]) -> list[Marked]:
        given = self._labeled(entities)
        return in_memory_zone(
            self.nlp, lambda: snapped(text, tokens_of(self.nlp.make_doc(text)), given)
        )

    def _labeled(self, entities: Iterable[Marked]) -> list[Marked]:
        """The entities. RAISES (ValueError): If a label is unknown."""
        given = list(entities)
        unknown = {label for _, _, label in given if label is not None} - {*self.store.labels}
        if unknown:
            raise ValueError(f"The label {min(unknown)!r} does not exist. Add it first.")
        return given

    def _wake(self) -> None:
        if self.learner is not None:
            self.learner.wake()

    # Labels and names

    def add_label(self, label: str) -> JsonObject:
        """Add a label. RETURNS (Dict[str, Any]): All `labels`."""
        labels = self.store.add_labels([checked_label(label)])
        find_component(self.nlp, NAME).add_label(label)
        self._wake()
        return {"labels": labels}

    def add_name(self, name: str, label: str | None) -> JsonObject:
        """Add a name. RETURNS (Dict[str, Any]): The number of `names`."""
        if label is not None and label not in self.store.labels:
            raise ValueError(f"The label {label!r} does not exist. Add it first.")
        self.store.add_names([(checked_name(name), label)])
        return self._renamed()

    def remove_name(self, name: str) -> JsonObject:
        """Remove a name. RETURNS (Dict[str, Any]): The number of `names`."""
        if not (is_text(name) and self.store.remove_name(name)):
            raise MissingError("This name does not exist.")
        return self._renamed()

    def _read_names(self) -> None:
        self._names = Names(self.nlp.vocab, self.store.names(), self.store.setting(PATTERNS, []))

    def _renamed(self) -> JsonObject:
        self._read_names()
        self._wake()
        return {"names": len(self._names.labels)}

    # Progress

    def status(self, annotator: str) -> JsonObject:
        """RETURNS (Dict[str, Any]): The progress, and the estimated scores of the network."""
        self._take()
        last = self._estimates[-1] if self._estimates else {}
        return {
            **self.store.counts(annotator),
            "network": self.network if self._new_network is None else self._new_network.number,
            "learning": self.learner is not None and self.learner.learning,
            "error": None if self.learner is None else self.learner.error,
            "f1": last.get("f1"),
            "labels": dict.fromkeys(self.store.labels) | last.get("labels", {}),
            "curve": [{"decided": e["decided"], **e["f1"]} for e in self._estimates if e["f1"]],
            "gain": last.get("gain"),
            "enough": last.get("enough", False),
            "agreement": agreement(self.store.accepted_by_several()),
            "annotator": annotator,
        }

    def doubts(self) -> JsonObject:
        """RETURNS (Dict[str, Any]): The `doubts`: annotation that is probably wrong."""
        self._take()
        left = self.store.left_alone()
        found = []
        for one in self._doubts:
            decision = self.store.accepted(one["id"])
            if decision is None or _key(one) in left:
                continue
            annotated, instead = _spans(one)
            is_there = annotated is None or annotated in decision.entities
            if is_there and instead not in decision.entities:
                found.append(one)
        return {"doubts": found}

    def answer_doubt(
        self,
        annotator: str,
        number: int,
        annotated: Marked | None,
        instead: Marked | None,
        take: bool,
    ) -> JsonObject:
        """Replace an annotation by the more likely one, or keep it.

        RETURNS (Dict[str, Any]): The `doubts` that are left.
        RAISES (MissingError): If the text is not annotated.
        RAISES (ConflictError): If the annotation has changed.
        """
        decision = self.store.accepted(number)
        if decision is None:
            raise MissingError(f"Text {number} is not annotated.")
        if annotated is not None and annotated not in decision.entities:
            raise ConflictError("The annotation has changed in the meantime. Reload the doubts.")
        if take:
            new = [] if instead is None else [instead]
            new += [one for one in decision.entities if one != annotated and not overlap(one, new)]
            if annotated is not None and instead is None and decision.checked == "given":
                new.append((annotated[0], annotated[1], None))
            fixed = self._checked(decision.text, new)
            how = "doubt" if decision.how == GIVEN else decision.how
            changed = replace(decision, annotator=annotator, entities=fixed, how=how)
            self.store.decide(changed, self.network, replace=True)
            self._wake()
        else:
            self.store.leave_alone(number, annotated, instead)
        return self.doubts()

    def export(self, form: str, folder: Path) -> Path:
        """Write the annotated texts to a file.

        form (str): The format; see `files.exports.SUFFIXES`.
        folder (Path): The folder.
        RETURNS (Path): The file.
        """
        path = folder / f"annotated{SUFFIXES[form]}"
        write_decisions(self.store, self.nlp, path, form)
        return path

    def finish(self) -> None:
        """Start to train the final pipeline, as `window-ner learn` does.

        RAISES (ConflictError): If the session has no training process.
        """
        if self.learner is None:
            raise ConflictError("This project has no training process. Restart teach.")
        if not self._is_finishing:
            self._is_finishing, self._outcome = True, None
            self.learner.finish()

    def finished(self) -> JsonObject | None:
        """RETURNS (Optional[Dict[str, Any]]): The paths of the results; None while training runs.

        RAISES (ConflictError): If training has failed.
        """
        self._take()
        if self._outcome is None:
            return None
        if isinstance(self._outcome, str):
            raise ConflictError(self._outcome)
        return self._outcome

    def _take(self) -> None:
        """Handle new messages of the learner."""
        for message in () if self.learner is None else self.learner.poll():
            if isinstance(message, NetworkMade):
                self._new_network = message
            elif isinstance(message, TextsChosen):
                self._informative = message.ids
            elif isinstance(message, Estimated):
                self.store.add_estimate(message.value, message.value["decided"])
                self._estimates.append(message.value)
            elif isinstance(message, DoubtsFound):
                self._doubts = message.doubts
            elif isinstance(message, Finished):
                self._is_finishing, self._outcome = False, message.paths
            elif message.finishing:
                self._is_finishing, self._outcome = False, message.message


def find_texts(store: Store, words: str, limit: int) -> JsonObject:
    """Search the texts of a project.

    store (Store): The project, with a separate connection, so that nothing waits for the search.
    words (str): The words.
    limit (int): Maximum number of results.
    RETURNS (Dict[str, Any]): The `results`: texts that contain these words, ignoring case.
    RAISES (ValueError): If there are no words.
    """
    if not words.strip() or not is_text(words):
        raise ValueError("The search is empty. Enter one or more words.")
    decided = set(store.decided_ids())
    results = []
    for number, text in store.search(words, limit):
        start = max(text.casefold().find(words.casefold()), 0)
        snippet = text[max(start - _AROUND, 0) : start + len(words) + _AROUND]
        results.append(
            {"id": number, "start": start, "snippet": snippet, "decided": number in decided}
        )
    return {"results": results}


def write_decisions(store: Store, nlp: Language, path: Path, form: str) -> int:
    """Write the annotated texts to a file.

    store (Store): The project.
    nlp (Language): The pipeline whose tokenizer is used.
    path (Path): The file.
    form (str): The format; see `files.exports.SUFFIXES`.
    RETURNS (int): The number of texts.
    """
    decisions = store.decisions()
    write_annotated(path, [annotated_doc(nlp, one) for one in decisions], form)
    return len(decisions)


def _spans(doubt: JsonObject) -> tuple[Marked | None, Marked | None]:
    """The annotation, and the more likely alternative."""
    annotated, instead = (
        None if one is None else (one["start"], one["end"], one["label"])
        for one in (doubt["annotated"], doubt["instead"])
    )
    return annotated, instead


def _key(doubt: JsonObject) -> tuple[int, str, str]:
    """A doubt, as the store has it."""
    annotated, instead = map(json.dumps, _spans(doubt))
    return doubt["id"], annotated, instead


def agreement(decisions: Iterable[Decision]) -> float | None:
    """RETURNS (Optional[float]): F1 between annotators on the texts that several have checked as a
    whole; None if there are none.
    """
    by_text: dict[int, list[set[Marked]]] = {}
    for one in decisions:
        if one.checked == "all":
            entities = {entity for entity in one.entities if entity[2] is not None}
            by_text.setdefault(one.text_id, []).append(entities)
    pairs = [pair for found in by_text.values() for pair in combinations(found, 2)]
    total = sum(len(a) + len(b) for a, b in pairs)
    if not pairs:
        return None
    return 2 * sum(len(a & b) for a, b in pairs) / total if total else 1.0
