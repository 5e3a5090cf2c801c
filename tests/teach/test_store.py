"""A project on disk: decisions, undoing, what annotators have, and files that are no project."""

import sqlite3
from dataclasses import replace

import pytest

from spacy_window_ner.teach.store import (
    FILE,
    GIVEN,
    VERSION,
    ConflictError,
    Decision,
    MissingError,
    Store,
)

TEXTS = ["one", "two", "three", "four"]


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / FILE)
    with store.adding():
        store.add_texts(("file", i, 0, i, text) for i, text in enumerate(TEXTS, 1))
    yield store
    store.close()


def decision(number, who="", entities=(), *, answer="accept", how="random") -> Decision:
    return Decision(number, TEXTS[number - 1], who, answer, list(entities), "all", how)


def reopened(store) -> Store:
    store.close()
    return Store(store.path)


def test_texts(store):
    assert store.n_texts == 4
    assert store.text(2) == "two"
    assert store.texts_of([3, 1]) == {3: "three", 1: "one"}
    assert store.search("O", 10) == [(1, "one"), (2, "two"), (4, "four")]
    assert store.search("o", 2) == [(1, "one"), (2, "two")]
    for number in (0, 5, 2**53):
        with pytest.raises(MissingError, match="does not exist"):
            store.text(number)


def test_nothing_is_added_where_something_fails(store):
    with pytest.raises(ZeroDivisionError), store.adding():
        store.add_texts([("file", 5, 0, 5, "five")])
        store.change("inputs", {"file": 1})
        raise ZeroDivisionError
    assert store.n_texts == 4
    assert store.setting("inputs") is None


def test_the_newest_decision_of_a_text_counts(store):
    store.decide(decision(1, "a", [(0, 3, "X")]))
    store.decide(decision(2, "a"))
    store.hand("b", 1, "common")
    store.decide(decision(1, "b", [(0, 3, None)]))
    store.decide(decision(3, "a", answer="skip"))
    store = reopened(store)
    assert store.decisions() == [decision(2, "a"), decision(1, "b", [(0, 3, None)])]
    assert store.accepted(1) == decision(1, "b", [(0, 3, None)])
    assert store.accepted(3) is None
    assert sorted(store.decided_ids()) == [1, 2, 3]
    assert store.undecided([4, 3, 2, 1]) == [4]


def test_the_same_decision_is_stored_once(store):
    first = store.decide(decision(1, entities=[(0, 3, "X")]))
    assert reopened(store).decide(decision(1, entities=[(0, 3, "X")])) == first


def test_another_decision_is_refused(store):
    store.decide(decision(1))
    for other in (decision(1, entities=[(0, 3, "X")]), decision(1, answer="skip")):
        with pytest.raises(ConflictError, match="another tab"):
            store.decide(other)
    with pytest.raises(ConflictError, match="Another annotator"):
        store.decide(decision(1, "b"))
    store.hand("c", 2, "random")
    with pytest.raises(ConflictError, match="Another annotator"):
        store.decide(decision(2, "b"))
    assert store.handed("c").text_id == 2
    assert store.decisions() == [decision(1)]


def test_what_is_opened_again_can_be_decided_anew(store):
    store.decide(decision(1))
    store.hand("", 1, "search")
    new = decision(1, entities=[(0, 3, "X")])
    store.decide(new)
    assert store.decisions() == [new]
    assert store.handed("") is None
    store.decide(decision(1, "b"), replace=True)
    assert store.decisions() == [decision(1, "b")]


def test_undo_to_any_depth(store):
    decisions = [decision(n, entities=[(0, n, "X")], how=f"how {n}") for n in (1, 2, 3)]
    for one in decisions:
        store.hand("", one.text_id, one.how)
        store.decide(one)
    store.decide(decision(4, "b"))
    store.hand("", 4, "common")
    for one in reversed(decisions):
        store = reopened(store)
        assert store.undo("") == one.text_id
        handed = store.handed("")
        assert (handed.text_id, handed.how, handed.entities) == (
            one.text_id,
            one.how,
            one.entities,
        )
    assert store.undo("") is None
    assert [one.text_id for one in store.decisions()] == [4]
    # They come again one after another, and then the text that was on the page.
    for one in decisions:
        assert store.handed("").text_id == one.text_id
        store.decide(one)
    assert store.handed("").text_id == 4


def test_what_came_annotated_is_not_undone(store):
    store.add_given([decision(1, how=GIVEN)])
    assert store.undo("") is None
    assert store.counts("")["annotators"] == []
    assert store.counts("")["decided"] == 1


def test_counts(store):
    assert store.counts("a") == {
        "decided": 0,
        "skipped": 0,
        "random": 0,
        "left": 4,
        "annotators": [],
    }
    store.decide(decision(1, "a", how="common"))
    store.decide(decision(2, "b", answer="skip"))
    store.hand("b", 3, "random")
    assert store.counts("a") == {
        "decided": 1,
        "skipped": 1,
        "random": 1,
        "left": 1,
        "annotators": [{"name": "a", "decided": 1}, {"name": "b", "decided": 1}],
    }
    # b has text 3, and has yet to read what everybody reads.
    assert store.common("b") == [1]
    assert store.counts("b")["left"] == 3
    store.hand("b", 1, "common")
    assert store.common("b") == []
    assert store.counts("b")["left"] == 3
    store.decide(decision(1, "b", how="common"))
    assert store.counts("b")["left"] == 2
    assert store.accepted_by_several() == [
        decision(1, "a", how="common"),
        decision(1, "b", how="common"),
    ]


def test_settings_names_and_estimates(store):
    assert store.labels == []
    assert store.add_labels(["B", "A", "B"]) == ["B", "A"]
    store.add_names([("x", "A"), ("y", None), ("x", "B")])
    assert not store.remove_name("z")
    store.add_estimate({"f1": 0.5}, 10)
    store.leave_alone(1, [0, 3, "A"], None)
    store = reopened(store)
    assert store.labels == ["B", "A"]
    assert store.names() == {"x": "B", "y": None}
    assert store.remove_name("x")
    assert store.names() == {"y": None}
    assert store.estimates() == [{"f1": 0.5, "decided": 10}]
    assert store.left_alone() == {(1, '[0, 3, "A"]', "null")}


def test_what_is_read_only(store):
    beside = Store(store.path, readonly=True)
    store.decide(decision(1))
    assert beside.decisions() == [decision(1)]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        beside.change("x", 1)
    beside.close()


def test_what_is_no_project(tmp_path):
    with pytest.raises(ValueError, match=r"Cannot open the project .*: unable to open"):
        Store(tmp_path / "missing", readonly=True)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(b"no database" * 1_000)
    with pytest.raises(ValueError, match=r"Cannot open the project .*: file is not a database"):
        Store(damaged)
    other = sqlite3.connect(tmp_path / "other")
    other.execute("CREATE TABLE names (x)")
    other.close()
    with pytest.raises(ValueError, match="is not a database of teach"):
        Store(tmp_path / "other")


def test_other_versions_are_refused(store):
    store._db.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(ValueError, match=f"has format version {VERSION + 1}"):
        reopened(store)


def test_a_damaged_page(store):
    with store.adding():
        store.add_texts(("file", i, 0, i, "x" * 5_000) for i in range(200))
    store.close()
    with store.path.open("r+b") as file:
        file.seek(20_000)
        file.write(b"\xff" * 200_000)
    with pytest.raises(ValueError, match="Cannot open the project"):
        found = Store(store.path)
        found.decide(replace(decision(1), text_id=1))
        for number in range(1, 200):
            found.decide(replace(decision(1), text_id=number))
