"""Processes that are forked while other threads predict."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import spacy
from spacy.language import Language
from spacy.util import fix_random_seed
from thinc.api import set_dropout_rate

from ..pipelines import SENTENCES, add_vectors, make_examples, ner_of, predictions, small_model
from ..pipelines import train as take_steps
from .amounts import amount

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

TEXTS = [f"Samuel Quinn{i} met Paris in New York City on {i} April {i}." for i in range(500)]


@pytest.fixture(scope="module")
def nlp() -> Language:
    """A pipeline with static vectors, whose lookup is part of what is remembered."""
    fix_random_seed(0)
    nlp = spacy.blank("xx")
    add_vectors(nlp, ["Samuel", "Paris", "April", "Berlin", "met"])
    tok2vec = {"include_static_vectors": True}
    nlp.add_pipe("window_ner", config={"model": small_model(tok2vec=tok2vec)})
    examples = make_examples(nlp, SENTENCES)
    nlp.initialize(lambda: examples)
    take_steps(nlp, examples, 20)
    set_dropout_rate(ner_of(nlp).model, 0.0)
    return nlp


@contextmanager
def predicting(nlp: Language, n_threads: int = 3) -> Iterator[None]:
    """Threads that predict all the time, new words too."""
    stopped = threading.Event()
    cache = ner_of(nlp).model.get_ref("hidden").attrs["cache"]

    def predict(start: int) -> None:
        i = start
        while not stopped.is_set():
            i = (i + 7) % (len(TEXTS) - 10)
            list(nlp.pipe(TEXTS[i : i + 10]))
            if i % 5 == 0:
                cache.release()

    threads = [threading.Thread(target=predict, args=(100 * i,)) for i in range(n_threads)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def ended(process: int, seconds: float = 60) -> int | None:
    """The exit code of a process; None if it hangs, and then it is killed."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None


def test_forked_processes_predict(nlp: Language):
    right = predictions(nlp, TEXTS[:3])
    with predicting(nlp):
        for i in range(amount(10, 500)):
            process = os.fork()
            if not process:
                code = 1
                try:
                    code = 0 if predictions(nlp, TEXTS[:3]) == right else 2
                finally:
                    os._exit(code)
            assert ended(process) == 0, i


def test_several_processes_of_a_pipe(nlp: Language):
    right = [[(ent.start, ent.end, ent.label_) for ent in nlp(text).ents] for text in TEXTS[:20]]
    with predicting(nlp):
        for _ in range(amount(2, 200)):
            found: list = []
            pipe = threading.Thread(
                target=lambda found=found: found.extend(
                    nlp.pipe(TEXTS[:20], n_process=2, batch_size=5)
                ),
                daemon=True,
            )
            pipe.start()
            pipe.join(120)
            assert not pipe.is_alive()
            assert [
                [(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in found
            ] == right


def test_a_forked_process_begins_with_an_empty_cache(nlp: Language):
    cache = ner_of(nlp).model.get_ref("hidden").attrs["cache"]
    predictions(nlp, TEXTS[:3])
    assert len(cache._keys)
    lock = cache._lock
    with lock:
        process = os.fork()
        if not process:
            code = 1
            try:
                code = len(cache._keys) or cache._dependencies is not None or cache._lock is lock
            finally:
                os._exit(int(code))
        assert ended(process) == 0
    assert len(cache._keys)
