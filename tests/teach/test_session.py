"""What the session takes from the learner, several annotators, and agreement."""

import pytest

from spacy_window_ner.teach.learner import (
    DoubtsFound,
    Estimated,
    Failed,
    Finished,
    NetworkMade,
    TextsChosen,
)
from spacy_window_ner.teach.networks import first_network, pack
from spacy_window_ner.teach.order import COMMON, FIRST
from spacy_window_ner.teach.session import Session, agreement
from spacy_window_ner.teach.store import ConflictError, Decision
from tests.pipelines import shared
from tests.teach.projects import store_in

TEXTS = [f"Ann saw number {i} ." for i in range(40)]
F1 = {"value": 0.5, "low": 0.4, "high": 0.6}


class FakeLearner:
    """What is found is put into `messages`."""

    def __init__(self) -> None:
        self.learning, self.error = False, None
        self.messages, self.asked = [], []

    def wake(self) -> None:
        self.asked.append("wake")

    def finish(self) -> None:
        self.asked.append("finish")

    def poll(self) -> list:
        found, self.messages = self.messages, []
        return found


@pytest.fixture
def learner():
    return FakeLearner()


@pytest.fixture
def store(tmp_path):
    return store_in(tmp_path, TEXTS)


def work(session, n, annotator=""):
    """Accept some texts. RETURNS: Why each was shown."""
    found = []
    for _ in range(n):
        shown = session.next(annotator)
        session.decide(annotator, shown["id"], "accept", [], "all")
        found.append((shown["id"], shown["how"]))
    return found


def test_what_is_decided_wakes_the_learner(store, learner):
    session = Session(store, shared(), learner)
    work(session, 1)
    session.undo("")
    session.add_label("NEW")
    assert learner.asked == ["wake"] * 3


def test_a_network_is_taken_between_two_texts(store, learner):
    session = Session(store, shared(), learner)
    shown = session.next("")
    other = first_network(shared(), [*store.labels, "OTHER"])
    other.get_pipe("window_ner").threshold = 0.25
    learner.messages.append(NetworkMade(7, pack(other)))
    assert session.status("")["network"] == 7
    assert session.nlp.get_pipe("window_ner").threshold != 0.25
    session.add_label("NEW")
    session.decide("", shown["id"], "accept", [], "all")
    session.next("")
    assert session.nlp.get_pipe("window_ner").threshold == 0.25
    assert set(session.nlp.get_pipe("window_ner").label_data) == {*store.labels, "OTHER"}
    # A network of another base is left where it is.
    learner.messages.append(NetworkMade(8, b"other"))
    session.next("")
    assert session.network == 7
    assert Session(store, shared(), network=NetworkMade(7, pack(other))).status("")["network"] == 7


def test_informative_texts(store, learner):
    session = Session(store, shared(), learner)
    work(session, FIRST)
    left = [n for n in range(1, 41) if n not in store.decided_ids()]
    learner.messages.append(TextsChosen(left[5:8]))
    found = work(session, 6)
    informative = [number for number, how in found if how == "informative"]
    assert informative == left[5 : 5 + len(informative)]
    assert len(informative) == 3
    assert {how for _, how in found} == {"informative", "random"}


def test_estimates(store, learner):
    session = Session(store, shared(), learner)
    assert session.status("")["f1"] is None
    value = {"decided": 20, "f1": F1, "labels": {"PER": {**F1, "annotated": 3}}}
    value |= {"gain": 0.01, "enough": False, "random": 9, "threshold": 0.5}
    learner.messages.append(Estimated(value))
    session.status("")
    for one in (session, Session(store, shared())):  # also after a restart
        status = one.status("")
        assert status["f1"] == F1
        assert status["gain"] == 0.01
        assert status["curve"] == [{"decided": 20, **F1}]
        assert status["labels"] == {"PER": {**F1, "annotated": 3}, "LOC": None, "DATE": None}


def test_doubts(store, learner):
    session = Session(store, shared(), learner)
    [(number, _)] = work(session, 1)
    span = {"start": 0, "end": 3, "label": "PER"}
    doubt = {"id": number, "text": TEXTS[number - 1], "kind": "x", "evidence": 1.0}
    doubt |= {"annotated": None, "instead": span}
    learner.messages.append(DoubtsFound([doubt]))
    assert session.doubts() == {"doubts": [doubt]}
    session.answer_doubt("", number, None, (0, 3, "PER"), take=True)
    assert store.accepted(number).entities == [(0, 3, "PER")]
    assert session.doubts() == {"doubts": []}
    # What is likelier takes the place of all that it overlaps.
    session.answer_doubt("", number, None, (0, 7, "LOC"), take=True)
    assert store.accepted(number).entities == [(0, 7, "LOC")]


def test_finish(store, learner):
    session = Session(store, shared(), learner)
    session.finish()
    session.finish()  # of another tab
    assert session.finished() is None
    learner.messages.append(Finished({"pipeline": "x"}))
    assert session.finished() == {"pipeline": "x"}
    session.finish()
    assert learner.asked == ["finish"] * 2
    learner.messages.append(Failed("Too few texts", finishing=True))
    with pytest.raises(ConflictError, match="Too few texts"):
        session.finished()
    with pytest.raises(ConflictError, match="no training process"):
        Session(store, shared()).finish()


def test_texts_for_everybody(store):
    session = Session(store, shared(), has_annotators=True)
    ann = work(session, 39, "Ann")
    common = [number for number, how in ann if how == COMMON]
    assert 4 <= len(common) <= 8
    bob = work(session, len(common) + 1, "Bob")
    assert [number for number, how in bob if how == COMMON][: len(common)] == sorted(common)
    assert session.next("Bob") is None
    status = session.status("Bob")
    assert status["agreement"] == 1.0
    assert (status["decided"], status["left"]) == (40, 0)


def test_nobody_else():
    assert agreement([]) is None


def test_agreement():
    def of(number, who, entities, checked="all"):
        return Decision(number, "text", who, "accept", entities, checked, "common")

    both = [of(1, "a", [(0, 1, "X"), (2, 3, "Y")]), of(1, "b", [(0, 1, "X"), (2, 3, None)])]
    assert agreement(both) == pytest.approx(2 / 3)
    assert agreement([*both, of(2, "a", []), of(2, "b", [])]) == pytest.approx(2 / 3)
    assert agreement([of(2, "a", []), of(2, "b", [])]) == 1.0
    assert agreement([both[0], of(1, "b", [], "given")]) is None
