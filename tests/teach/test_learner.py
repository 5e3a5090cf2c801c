"""The process that learns: what it finds, and what it does when it is disturbed or killed."""

import os
import signal
import subprocess
import sys
import time
from multiprocessing import Pipe

import pytest

from spacy_window_ner.learning import learn as learning
from spacy_window_ner.learning.held_out import FOLDS
from spacy_window_ner.teach import learner as learner_module
from spacy_window_ner.teach.learner import (
    NETWORK,
    DoubtsFound,
    Estimated,
    Failed,
    Finished,
    Learner,
    NetworkMade,
    TextsChosen,
    Work,
    fold_of,
    saved_network,
)
from spacy_window_ner.teach.networks import first_network, unpack
from spacy_window_ner.teach.store import Decision
from tests.pipelines import corpus, entities, read_marked, shared
from tests.teach.projects import store_in

MARKED = [text.replace("[PER", "[HERO") for text in corpus(30)]
PAIRS = [read_marked(text) for text in MARKED]
SECONDS = 600


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    path = tmp_path_factory.mktemp("base")
    shared().to_disk(path)
    return str(path)


@pytest.fixture
def store(tmp_path):
    store = store_in(tmp_path, [text for text, _ in PAIRS])
    store.add_labels(["HERO"])
    yield store
    store.close()


def decide(store, *numbers, how="random"):
    for number in numbers:
        text, given = PAIRS[number - 1]
        store.decide(Decision(number, text, "", "accept", list(map(tuple, given)), "all", how))


@pytest.fixture
def work(store, base, tmp_path):
    """The work of the process, and the server's end of its pipe."""
    ours, theirs = Pipe()
    yield Work(tmp_path, base, "xx", 0, theirs), ours
    ours.close()


def do_all(work) -> None:
    work._look()
    while work._queue:
        work._step()


def heard(connection, project) -> list:
    """What the server hears."""
    handle = Learner(project, None, "xx", 0)
    handle._connection = connection
    return handle.poll()


def test_a_round(work, store, tmp_path, monkeypatch):
    monkeypatch.setattr(learner_module, "STEPS_OF_TEXT", 12)
    work, ours = work
    do_all(work)
    assert not heard(ours, tmp_path)
    decide(store, *range(1, 13))
    decide(store, 13, 14, how="informative")
    do_all(work)
    first, made, chosen, estimated, found = heard(ours, tmp_path)
    assert isinstance(first, NetworkMade) and isinstance(made, NetworkMade) and made.number == 2
    nlp = first_network(shared(), [])
    unpack(nlp, made.data)
    assert entities(nlp("Bob knows Oslo number 99 .")) == [("Bob", "HERO"), ("Oslo", "LOC")]
    assert isinstance(chosen, TextsChosen) and set(chosen.ids) == set(range(15, 31))
    assert isinstance(estimated, Estimated)
    value = estimated.value
    assert (value["decided"], value["random"]) == (14, 12)
    assert value["f1"]["low"] < value["f1"]["value"] <= 1
    assert value["labels"]["HERO"]["annotated"] == 12
    assert isinstance(found, DoubtsFound)


def test_few_decisions_wait_until_nothing_else_comes(work, store):
    work, _ = work
    decide(store, 1, 2)
    work._look()
    assert work._has_news and not work._queue
    work._step()
    assert work._queue and not work._has_news


def test_new_decisions_interrupt_the_folds(work, store):
    work, ours = work
    decide(store, *range(1, 7))
    work._look()
    ours.send_bytes(b"wake")
    do_until(work, 3)  # the network, the texts, and a step of the first fold
    assert [one.steps for one in work._folds] == [1, 0, 0] and len(work._queue) == FOLDS + 1
    decide(store, 7, 8, 9)
    work._connection.recv_bytes()
    do_all(work)
    assert len(work._decisions) == 9 and min(one.steps for one in work._folds) > 1


def do_until(work, n):
    for _ in range(n):
        work._step()


def test_what_is_undone_is_no_longer_learned(work, store):
    work, _ = work
    decide(store, 1, 2, 3, 4)
    do_all(work)
    store.undo("")
    work._look()
    assert work._has_news
    work._step()
    assert [one.text_id for one in work._decisions] == [1, 2, 3]


def test_new_labels_and_a_network_that_goes_on_from_the_file(work, store, base, tmp_path):
    first, _ = work
    decide(store, 1, 2, 3)
    do_all(first)
    number = saved_network(tmp_path).number
    store.add_labels(["SHIP"])
    _, theirs = Pipe()
    second = Work(tmp_path, base, "xx", 0, theirs)
    decide(store, 4)
    first._look()
    first._step()
    assert first._labels[-1] == "SHIP" == second._labels[-1]
    second._number = number
    assert saved_network(tmp_path).number == number


def test_what_goes_wrong_is_said(work, store, tmp_path, monkeypatch):
    work, ours = work
    decide(store, 1, 2, 3)
    work._look()
    monkeypatch.setattr(work, "_docs", None)
    work._try(work._step)
    [failed] = heard(ours, tmp_path)
    assert isinstance(failed, Failed) and "NoneType" in failed.message and not failed.finishing
    assert not work._queue


def test_too_few_texts_to_finish(work, store, tmp_path):
    work, ours = work
    decide(store, 1, 2)
    work._try(work._finish, finishing=True)
    [failed] = heard(ours, tmp_path)
    assert failed.finishing and failed.message.startswith(
        "You have annotated 2 texts, 2 of them with"
    )


def test_folds_have_a_third_each():
    folds = [fold_of(i) for i in range(3000)]
    assert all(900 < folds.count(fold) < 1100 for fold in range(FOLDS))
    assert all(300 < folds[::3].count(fold) < 370 for fold in range(FOLDS))


@pytest.mark.parametrize("data", [None, b"", b"{}", b"\xff" * 9])
def test_no_network(tmp_path, data):
    if data is not None:
        (tmp_path / NETWORK).write_bytes(data)
    assert saved_network(tmp_path) is None


def wait(learner, kind) -> list:
    found, end = [], time.monotonic() + SECONDS
    while time.monotonic() < end:
        found += learner.poll()
        if any(isinstance(one, kind) for one in found):
            return found
        time.sleep(0.02)
    raise AssertionError(f"{found}, {learner.error}")


def test_it_is_killed_and_goes_on(store, base, tmp_path):
    decide(store, *range(1, 5))
    learner = Learner(tmp_path, base, "xx", 0)
    learner.start()
    try:
        before = wait(learner, Estimated)
        first = learner._process
        os.kill(first.pid, signal.SIGKILL)
        first.join()
        decide(store, *range(5, 9))
        learner.wake()
        after = wait(learner, Estimated)
        assert learner.error is None
        numbers = [one.number for one in (*before, *after) if isinstance(one, NetworkMade)]
        assert numbers == sorted(set(numbers)) and len(numbers) > 1
        for _ in range(2):  # before it has learned anything
            learner._process.kill()
            learner._process.join()
            learner.poll()
    finally:
        learner.close()
    assert learner.error.startswith("The training process has ended with exit code -9")
    assert not learner.learning and not learner._process.is_alive()
    learner.wake(), learner.finish()
    assert learner.poll() == []


def test_a_base_that_is_gone(store, tmp_path):
    learner = Learner(tmp_path, str(tmp_path / "gone"), "xx", 0)
    learner.start()
    try:
        end = time.monotonic() + SECONDS
        while learner._connection is not None and time.monotonic() < end:
            learner.poll()
            time.sleep(0.02)
    finally:
        learner.close()
    assert "gone" in learner.error


SERVER = """
import os, sys
from pathlib import Path
from spacy_window_ner.teach.learner import Learner
if __name__ == "__main__":
    learner = Learner(Path(sys.argv[1]), sys.argv[2], "xx", 0)
    learner.start()
    while not learner.poll():
        pass
    print(learner._process.pid, flush=True)
    os.kill(os.getpid(), 9)
"""


def test_it_ends_with_a_server_that_is_killed(store, base, tmp_path):
    decide(store, *range(1, 9))
    (tmp_path / "server.py").write_text(SERVER)
    server = subprocess.run(
        [sys.executable, tmp_path / "server.py", tmp_path, base], capture_output=True, check=False
    )
    assert server.returncode == -signal.SIGKILL, server.stderr.decode()
    pid, end = int(server.stdout), time.monotonic() + SECONDS
    while is_alive(pid):
        assert time.monotonic() < end
        time.sleep(0.05)


def is_alive(pid) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_finish(work, store, tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "STEPS", (60,))
    work, ours = work
    decide(store, *range(1, 13))
    work._try(work._finish, finishing=True)
    [finished] = heard(ours, tmp_path)
    assert isinstance(finished, Finished), finished
    assert sorted(finished.paths) == ["config", "package", "pipeline", "report"]
    do_all(work)  # the page has a network of these decisions afterwards
    assert isinstance(heard(ours, tmp_path)[0], NetworkMade)
