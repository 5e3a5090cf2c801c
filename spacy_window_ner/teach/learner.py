"""Training in the background, in a separate process, so that the page never waits for it.

The process reads decisions from the database and trains networks on them: one on all texts, which
is published, and one for each fold of the texts, on the other folds. It sends its results through a
pipe, as JSON. Networks are saved to a file, since they are too large for a pipe. When the server
ends, for whatever reason, the pipe is closed and the process ends too.
"""

import json
import os
import signal
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import srsly
from spacy.tokens import Doc

from ..confidence.scored_examples import find_component
from ..files.saving import replacing
from ..inspect.suggest import rank
from ..learning.held_out import FOLDS, HeldOut
from ..learning.learn import LEARN_RATE, hold
from ..training.corpus import read_examples
from ..training.start_from import NAME
from .estimate import JsonObject, doubts, estimate
from .finish import Fold, finish
from .networks import NEW_LEARN_RATE, WINDOW, Learning, base_pipeline, pack
from .order import COMMON, RANDOM
from .reading import annotated_doc
from .store import FILE, Decision, Store

NETWORK = "network.bin"
# A round starts after this number of new decisions, or after this number of seconds without any.
NEW, IDLE = 3, 3.0
# The number of steps in a round, and the number per text to catch up after a restart, up to a
# maximum.
ROUND_STEPS, STEPS_OF_TEXT, MOST_STEPS = 15, 5, WINDOW
# The number of texts drawn at random, and the number of informative ones chosen from them.
SAMPLE, CHOSEN = 1000, 30
# The number of decisions since the last estimate after which a new estimate takes precedence.
OVERDUE = 15
_NICE = 10


@dataclass(frozen=True)
class NetworkMade:
    """A new network. `data` is for `networks.unpack`."""

    number: int
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class TextsChosen:
    """The numbers of the most informative texts, the best first."""

    ids: list[int]


@dataclass(frozen=True)
class Estimated:
    """The estimated scores of the network; see `estimate.estimate`."""

    value: JsonObject


@dataclass(frozen=True)
class DoubtsFound:
    """Annotation that is probably wrong; see `estimate.doubts`."""

    doubts: list[JsonObject]


@dataclass(frozen=True)
class Finished:
    """The paths of the finished pipeline; see `finish.finish`."""

    paths: JsonObject


@dataclass(frozen=True)
class Failed:
    """An error. `finishing` is true if it occurred while finishing."""

    message: str
    finishing: bool = False


Message = NetworkMade | TextsChosen | Estimated | DoubtsFound | Finished | Failed
_KINDS: dict[str, type] = {
    kind.__name__: kind for kind in (TextsChosen, Estimated, DoubtsFound, Finished, Failed)
}
_BUSY, _IDLE, _READ = b"busy", b"idle", b"read"
_WAKE, _FINISH = b"wake", b"finish"


def saved_network(project: Path) -> NetworkMade | None:
    """RETURNS (Optional[NetworkMade]): The latest network of a project; None if it has none."""
    try:
        saved = srsly.msgpack_loads((project / NETWORK).read_bytes())
        return NetworkMade(saved["number"], saved["data"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def fold_of(text_id: int) -> int:
    """RETURNS (int): The fold of a text, independent of the order of the texts."""
    return zlib.crc32(text_id.to_bytes(8, "little")) % FOLDS


class Learner:
    """The server's interface to the process. Only `close` waits for the process.

    project (Path): The directory of the project.
    base (Optional[str]): Name or path of the pipeline to start from; None for a new network.
    lang (str): The language code of a new network.
    seed (int): Random seed.
    """

    def __init__(self, project: Path, base: str | None, lang: str, seed: int) -> None:
        self._arguments = project, base, lang, seed
        self._connection: Connection | None = None
        self._process: Any = None
        self._has_died = self._is_woken = self._is_finishing = False
        self.learning = False
        self.error: str | None = None

    def start(self) -> None:
        """Start the process."""
        context = get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(
            target=_run, args=(*self._arguments, other), name="teach", daemon=True
        )
        with _one_thread():
            self._process.start()
        other.close()
        self._is_woken = False
        self.wake()

    def close(self) -> None:
        """End the process."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.join(1)
            self._process.kill()
            self._process.join()
        self._connection, self.learning = None, False

    def wake(self) -> None:
        """Tell the process that decisions or labels have changed."""
        if not self._is_woken:
            self._is_woken = True
            self._send(_WAKE)

    def finish(self) -> None:
        """Request the final pipeline. The process replies with `Finished` or `Failed`."""
        self._is_finishing = True
        self._send(_FINISH)

    def poll(self) -> list[Message]:
        """RETURNS (List[Message]): The new messages of the process."""
        found: list[Message] = []
        try:
            while self._connection is not None and self._connection.poll(0):
                message = self._received(self._connection.recv_bytes())
                if message is not None:
                    found.append(message)
        except (EOFError, OSError):
            found += self._after_death()
        return found

    def _received(self, data: bytes) -> Message | None:
        if data in (_BUSY, _IDLE):
            self.learning = data == _BUSY
        elif data == _READ:
            self._is_woken = False
        elif data.startswith(b"network"):
            self.error, self._has_died = None, False
            return saved_network(self._arguments[0])
        else:
            name, content = json.loads(data)
            message: Message = _KINDS[name](**content)
            if isinstance(message, Finished) or (isinstance(message, Failed) and message.finishing):
                self._is_finishing = False
            elif isinstance(message, Failed):
                self.error = message.message
            return message
        return None

    def _after_death(self) -> list[Message]:
        """Restart the process, but not twice in a row."""
        self._process.join()
        code = self._process.exitcode
        self._connection, self.learning = None, False
        error = (
            f"The training process has ended with exit code {code}. Restart teach to train again."
        )
        found: list[Message] = []
        if self._is_finishing:
            self._is_finishing = False
            found.append(Failed(error, finishing=True))
        if self._has_died:
            self.error = self.error or error
        else:
            self._has_died = True
            self.start()
        return found

    def _send(self, what: bytes) -> None:
        if self._connection is not None:
            with suppress(OSError):  # `poll` finds that it has died
                self._connection.send_bytes(what)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let child processes compute with one thread, since the page needs the other cores."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _run(project: Path, base: str | None, lang: str, seed: int, connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the server, which ends the pipe
    if hasattr(os, "nice"):
        os.nice(_NICE)
    with suppress(EOFError, BrokenPipeError):
        try:
            work = Work(project, base, lang, seed, connection)
        except Exception as error:
            connection.send_bytes(_encoded(Failed(str(error))))
            raise
        work.run()


def _encoded(message: Message) -> bytes:
    content = {name: getattr(message, name) for name in message.__dataclass_fields__}
    return json.dumps([type(message).__name__, content]).encode()


class Work:
    """The work of the process, done in small pieces, the most urgent first.

    project (Path): The directory of the project.
    base (Optional[str]): Name or path of the pipeline to start from; None for a new network.
    lang (str): The language code of a new network.
    seed (int): Random seed.
    connection (Connection): The pipe to the server.
    """

    def __init__(
        self, project: Path, base: str | None, lang: str, seed: int, connection: Connection
    ) -> None:
        self._project, self._seed, self._connection = project, seed, connection
        self._store = Store(project / FILE, readonly=True)
        self._base_name, self._base = base, base_pipeline(base, lang)
        before = saved_network(project)
        self._number = 0 if before is None else before.number
        self._decisions: list[Decision] = []
        self._docs: list[Doc] = []
        self._n_estimated = 0
        self._queue: deque[Callable[[], object]] = deque()
        self._has_news = False
        self._begin(self._store.labels)

    def _begin(self, labels: list[str]) -> None:
        self._labels = labels
        learn_rate = NEW_LEARN_RATE if self._base_name is None else LEARN_RATE
        self._main, *self._folds = (
            Learning(self._base, labels, self._seed + i, learn_rate) for i in range(1 + FOLDS)
        )
        self._held: list[HeldOut | None] = [None] * FOLDS
        self._doubts: list[list[JsonObject]] = [[] for _ in range(FOLDS)]

    def run(self) -> None:
        """Work until the pipe is closed.

        RAISES (EOFError): When it is closed.
        """
        while True:
            idle = IDLE if self._has_news else None
            if not self._connection.poll(0 if self._queue else idle):
                self._try(self._step)
                continue
            if self._connection.recv_bytes() == _FINISH:
                self._say(_BUSY)
                self._try(self._finish, finishing=True)
                self._say(_BUSY if self._queue else _IDLE)
            else:
                self._say(_READ)
                self._try(self._look)

    def _step(self) -> None:
        if self._queue:
            self._queue.popleft()()
            if not self._queue:
                self._say(_IDLE)
        else:
            self._begin_round()

    def _try(self, function: Callable[[], object], *, finishing: bool = False) -> None:
        """Run one piece of work. Errors are reported, and the process continues."""
        try:
            function()
        except (EOFError, BrokenPipeError):
            raise
        except Exception as error:
            if not finishing:
                self._queue.clear()
                self._say(_IDLE)
            message = str(error) if isinstance(error, ValueError) else repr(error)
            self._tell(Failed(message, finishing))

    def _look(self) -> None:
        """Look for new decisions, and start a round of training if there are enough."""
        now = {one.text_id: one.content for one in self._store.decisions()}
        before = {one.text_id: one.content for one in self._decisions}
        changed = sum(now.get(n) != before.get(n) for n in now.keys() | before.keys())
        self._has_news = changed > 0 or self._labels != self._store.labels
        if changed >= NEW and not (self._queue and self._is_overdue):
            self._begin_round()

    @property
    def _is_overdue(self) -> bool:
        return len(self._decisions) - self._n_estimated >= OVERDUE

    def _begin_round(self) -> None:
        self._has_news = False
        self._decisions = self._store.decisions()
        labels = self._store.labels
        labels += sorted(
            {e[2] for one in self._decisions for e in one.entities if e[2]} - {*labels}
        )
        if labels[: len(self._labels)] != self._labels:
            self._begin(labels)
        for label in labels[len(self._labels) :]:
            for learning in (self._main, *self._folds):
                find_component(learning.nlp, NAME).add_label(label)
        self._labels = labels
        self._docs = [annotated_doc(self._main.nlp, one) for one in self._decisions]
        if not self._decisions:
            return
        self._say(_BUSY)
        self._queue = deque([self._learn, self._choose, *self._fold_pieces(), self._estimate])

    def _fold_pieces(self) -> Iterator[Callable[[], None]]:
        # Folds can have different numbers of steps after an interrupted round.
        for fold in sorted(range(FOLDS), key=lambda fold: self._folds[fold].steps):
            yield partial(self._learn_fold, fold)

    def _steps_left(self, learning: Learning) -> int:
        wanted = min(STEPS_OF_TEXT * len(self._docs), MOST_STEPS)
        return max(ROUND_STEPS, wanted - learning.steps)

    def _learn(self) -> None:
        """Train on all texts, and publish the network. The first one is also published halfway."""
        left = self._steps_left(self._main)
        half = left // 2 if self._number == 0 and left > 2 * ROUND_STEPS else 0
        for steps in (half, left - half):
            if steps:
                self._main.learn(self._docs, steps, self._is_alone)
                self._publish()

    def _publish(self) -> None:
        self._number += 1
        with self._main.averaged() as nlp:
            data = pack(nlp)
        with replacing(self._project / NETWORK) as path:
            path.write_bytes(srsly.msgpack_dumps({"number": self._number, "data": data}))
        self._connection.send_bytes(b"network")

    def _choose(self) -> None:
        rng = np.random.default_rng([self._seed, len(self._decisions)])
        n = self._store.n_texts
        sample = (1 + rng.choice(n, size=min(SAMPLE, n), replace=False)).tolist()
        numbers = self._store.undecided(sample)
        texts = list(self._store.texts_of(numbers).values())
        with self._main.averaged() as nlp:
            found = rank(nlp, texts, CHOSEN)
        self._tell(TextsChosen([numbers[one.number] for one in found]))

    def _learn_fold(self, fold: int) -> None:
        learning, (others, held) = self._folds[fold], self._divided(fold)
        if not learning.learn(others, self._steps_left(learning), self._is_interrupted):
            self._queue.appendleft(partial(self._learn_fold, fold))
            return
        docs = [self._docs[i] for i in held]
        with learning.averaged() as nlp:
            self._held[fold] = hold(nlp, read_examples(nlp, docs)) if docs else None
            self._doubts[fold] = doubts(nlp, docs, [self._decisions[i].text_id for i in held])

    def _divided(self, fold: int) -> tuple[list[Doc], list[int]]:
        """The documents outside of a fold, and the numbers of the fully annotated ones in it."""
        inside = [fold_of(one.text_id) == fold for one in self._decisions]
        others = [doc for doc, within in zip(self._docs, inside, strict=True) if not within]
        return others, [i for i, within in enumerate(inside) if within and self._is_whole(i)]

    def _is_whole(self, i: int) -> bool:
        return self._decisions[i].checked == "all" and len(self._docs[i]) > 0

    def _is_interrupted(self) -> bool:
        return self._connection.poll(0) and not self._is_overdue

    def _estimate(self) -> None:
        self._n_estimated = len(self._decisions)
        parts = [held for held in self._held if held is not None]
        if not parts:
            return
        random = [
            self._decisions[i].how in (RANDOM, COMMON)
            for fold in range(FOLDS)
            for i in self._divided(fold)[1]
        ]
        value = estimate(
            HeldOut.together(parts),
            self._labels,
            np.asarray(random, dtype=bool),
            len(self._decisions),
            self._store.estimates(),
        )
        find_component(self._main.nlp, NAME).threshold = value["threshold"]
        self._tell(Estimated(value))
        found = sorted((one for part in self._doubts for one in part), key=lambda d: -d["evidence"])
        self._tell(DoubtsFound(found))

    def _finish(self) -> None:
        """Train the final pipeline, after updating the networks of the folds for the report."""
        self._begin_round()
        with ExitStack() as stack:
            folds = []
            for number, learning in enumerate(self._folds):
                others, held = self._divided(number)
                learning.learn(others, self._steps_left(learning), self._is_alone)
                nlp = stack.enter_context(learning.averaged())
                folds.append(Fold(nlp, [self._docs[i] for i in held]))
            paths = finish(
                *(self._project, self._docs, self._base, self._base_name, folds),
                *(self._seed, self._is_alone),
            )
        self._tell(Finished(paths))

    def _is_alone(self, n: int = 0) -> bool:
        """RETURNS (bool): False. RAISES (EOFError): If the server has ended."""
        parent = parent_process()
        if parent is not None and not parent.is_alive():
            raise EOFError
        return False

    def _tell(self, message: Message) -> None:
        self._connection.send_bytes(_encoded(message))

    def _say(self, what: bytes) -> None:
        self._connection.send_bytes(what)
