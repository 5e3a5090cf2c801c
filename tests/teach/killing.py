"""Somebody annotates while the server is killed again and again.

python -m tests.teach.killing 100 en_window_ner_sm
"""

import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from spacy_window_ner.teach.store import FILE, Store

N_TEXTS = 5_000


@dataclass
class Sitting:
    """An annotator and a server, which dies often.

    folder (Path): Where everything is.
    base (str): The pipeline to begin from.
    """

    folder: Path
    base: str
    # What the annotator knows to be decided, by the number of the text, in the order.
    known: dict[int, list] = field(default_factory=dict)
    said: str = ""

    def __post_init__(self) -> None:
        self.rng = random.Random(0)
        names = ["Ann Lee", "Bob", "Rome", "Oslo"]
        lines = (f"{self.rng.choice(names)} saw number {i} .\n" for i in range(N_TEXTS))
        (self.folder / "texts.txt").write_text("".join(lines))
        self.n_kills = 0

    @property
    def command(self) -> list[str]:
        texts, project = str(self.folder / "texts.txt"), str(self.folder / "project")
        start = [sys.executable, "-m", "spacy", "window-ner", "teach", texts, "--output", project]
        return [*start, "--base", self.base, "--label", "PER,LOC", "--port", "0"]

    def start(self) -> None:
        """Start the server, and wait until it is there."""
        self.server = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        assert self.server.stdout is not None
        self.said = self.server.stdout.readline()
        self.url = next(word for word in self.said.split() if word.startswith("http"))

    def kill(self) -> None:
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()
        self.n_kills += 1

    def ask(self, path: str, question: dict | None = None) -> dict | None:
        """Ask until there is an answer, of whatever server."""
        data = None if question is None else json.dumps(question).encode()
        while True:
            try:
                headers = {"Content-Type": "application/json"}
                with urlopen(Request(f"{self.url}/{path}", data, headers), timeout=60) as answer:
                    return json.loads(answer.read() or "null")
            except HTTPError as error:
                if error.code == 404 and path == "undo":
                    return None
                raise AssertionError(error.read()) from error
            except OSError:
                if self.server.poll() is None:  # it is slow, or about to be killed
                    time.sleep(0.1)
                else:
                    self.start()

    def work(self, seconds: float) -> None:
        """Annotate until the server is killed, some time after the first decision."""
        killer = threading.Timer(seconds, self.kill)
        n, begun = self.n_kills, len(self.known)
        while self.n_kills == n:
            if len(self.known) > begun and killer.ident is None:
                killer.start()
            shown = self.ask("next")
            assert shown is not None
            word = self.rng.choice(shown["tokens"])
            entities = [{"start": word[0], "end": word[1], "label": "PER"}]
            question = {"id": shown["id"], "answer": "accept", "entities": entities}
            self.ask("decide", question)
            self.known.pop(shown["id"], None)
            self.known[shown["id"]] = [(*word, "PER")]
        killer.join()

    def check(self) -> tuple[int, int]:
        """RETURNS (Tuple[int, int]): How many decisions were lost, and are there twice."""
        store = Store(self.folder / "project" / FILE)
        found = {one.text_id: one.entities for one in store.decisions()}
        n = store._one("SELECT COUNT(*) FROM decisions WHERE NOT undone")
        store.close()
        lost = sum(found.get(number) != entities for number, entities in self.known.items())
        return lost, n - len(self.known)


def sit(folder: Path, base: str, n_kills: int, longest: float = 1.5) -> Sitting:
    """Annotate while the server is killed some times. It is there at the end."""
    sitting = Sitting(folder, base)
    sitting.start()
    for _ in range(n_kills):
        sitting.work(sitting.rng.uniform(0, longest))
        if sitting.server.poll() is not None:
            sitting.start()
    return sitting


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        begun = time.time()
        sitting = sit(Path(folder), sys.argv[2], int(sys.argv[1]))
        sitting.kill()
        lost, twice = sitting.check()
        print(
            f"{sitting.n_kills} kills, {len(sitting.known)} decisions, {lost} lost, "
            f"{twice} too many, {time.time() - begun:.0f} s"
        )
