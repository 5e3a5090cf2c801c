"""The service under many clients: is everything answered, rightly, in what time, in what memory?

    python benchmarks/serve.py PIPELINE TEXTS.spacy --clients 64 --seconds 60

Needs the extra `serve`, and httpx.
"""

import asyncio
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import httpx
import numpy as np
import spacy
import typer
from scoring import same_entities
from spacy.tokens import DocBin
from speed_parts.processes import memory_in_use
from wasabi import msg

from spacy_window_ner.serve.service import Service

# The numbers of words of the texts, and how many texts there are.
FEWEST, MOST, N_TEXTS = 20, 2_000, 400
# What is wrong on purpose, and the status it deserves.
BAD = [(b"{", 422), (b'{"text": 5}', 422), (b'{"text": "%s"}' % (b"x" * 100_001), 413)]
SHARE_BAD = 0.05


def make_texts(path: Path, rng: random.Random) -> list[str]:
    """RETURNS (List[str]): Texts of a corpus, joined and cut to many lengths."""
    nlp = spacy.blank("en")
    words = " ".join(doc.text for doc in DocBin().from_disk(path).get_docs(nlp.vocab)).split()
    words *= 2 * MOST // len(words) + 1
    texts = []
    for _ in range(N_TEXTS):
        length = round(FEWEST * (MOST / FEWEST) ** rng.random())
        start = rng.randrange(len(words) - length)
        texts.append(" ".join(words[start : start + length]))
    return texts


class Load:
    """What many clients ask, and what they got."""

    def __init__(self, url: str, texts: list[str], expected: list[dict]) -> None:
        self.url, self.texts, self.expected = url, texts, expected
        self.seconds: list[float] = []
        self.counts: Counter[str] = Counter()

    async def client(self, seed: int, until: float) -> None:
        """Ask one question after the other."""
        rng = random.Random(seed)
        async with httpx.AsyncClient(base_url=self.url, timeout=120) as client:
            while time.monotonic() < until:
                if rng.random() < SHARE_BAD:
                    body, due = rng.choice(BAD)
                    headers = {"Content-Type": "application/json"}
                    answer = await client.post("/entities", content=body, headers=headers)
                    self.counts["bad, refused" if answer.status_code == due else "bad, wrong"] += 1
                else:
                    await self._ask(client, rng.randrange(len(self.texts)))

    async def _ask(self, client: httpx.AsyncClient, n: int) -> None:
        start = time.monotonic()
        answer = await client.post("/entities", json={"text": self.texts[n]})
        if answer.status_code != 200:
            self.counts[f"status {answer.status_code}"] += 1
            return
        self.seconds.append(time.monotonic() - start)
        equal = same_entities(answer.json()["results"][0]["entities"], self.expected[n]["entities"])
        self.counts["answered, right" if equal else "answered, wrong"] += 1


async def run(load: Load, clients: int, seconds: float, process: int) -> list[float]:
    """RETURNS (List[float]): The memory of the server at ten moments."""
    until = time.monotonic() + seconds
    tasks = [asyncio.create_task(load.client(n, until)) for n in range(clients)]
    memory = []
    for _ in range(10):
        await asyncio.sleep(seconds / 10)
        memory.append(memory_in_use(process))
    await asyncio.gather(*tasks)
    return memory


def main(
    pipeline: Annotated[str, typer.Argument(help="Name or path of a pipeline")],
    corpus: Annotated[Path, typer.Argument(help="Texts, .spacy")],
    clients: Annotated[int, typer.Option(help="Number of clients")] = 64,
    seconds: Annotated[float, typer.Option(help="For how long they ask")] = 60,
) -> None:
    """Print what was answered, how fast, and the memory of the server."""
    texts = make_texts(corpus, random.Random(0))
    expected = Service(spacy.load(pipeline)).read(texts)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    code = "from spacy_window_ner.cli import app; app()"
    command = [sys.executable, "-c", code, "serve", pipeline, "--port", str(port)]
    process = subprocess.Popen([*command, "--queue", str(clients)])
    try:
        while True:
            try:
                httpx.get(f"{url}/healthz")
                break
            except httpx.TransportError:
                if process.poll() is not None:
                    msg.fail("The service has stopped", exits=1)
                time.sleep(0.2)
        load = Load(url, texts, expected)
        memory = asyncio.run(run(load, clients, seconds, process.pid))
    finally:
        process.terminate()
        process.wait()
    rows = sorted(load.counts.items())
    p50, p99 = np.percentile(load.seconds, [50, 99])
    rows += [("p50, seconds", f"{p50:.3f}"), ("p99, seconds", f"{p99:.3f}")]
    rows += [("requests a second", f"{len(load.seconds) / seconds:.0f}")]
    rows += [("memory, MB", " ".join(f"{x:.0f}" for x in memory))]
    msg.table(rows, header=("What", "How much"), divider=True)


if __name__ == "__main__":
    typer.run(main)
