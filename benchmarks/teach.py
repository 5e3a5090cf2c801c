"""What annotation costs with `teach`, and what it brings: a simulated annotator, and a table.

    python benchmarks/teach.py ../shared/data/wnut17 ../shared/data/anem --texts 250 --seeds 1

The annotator (`annotator.py`) follows the gold annotation of `train`, and works with the server
that the command `teach` starts, by the addresses that its page uses. After each text it waits until
nothing is learned any more, as somebody would who reads the next text for some seconds.

The same texts in the same order also count as annotated by hand, beginning from nothing, and as
corrected by hand after the network of the first 50 texts has read them (`fixed`).
"""

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from socket import socket
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import few
import numpy as np
import spacy
import srsly
import typer
from annotator import Annotator, Entity, Marked, Shown, Tally
from data import InputError, Split, blank, convert_corpus
from report import markdown, origin, publish
from results import Cell, read_results
from scoring import evaluate
from settings import DEFAULT_WORK, Work, errors_in_short
from spacy.language import Language
from spacy.tokens import Doc
from studies import DEFAULT_TABLE_FOLDER, Seeds, TableFolder, run_study
from systems import SYSTEM

from spacy_window_ner import __version__
from spacy_window_ner.files.exports import offsets_of, tokens_of
from spacy_window_ner.inspect.bootstrap import prf
from spacy_window_ner.labels import labels_of
from spacy_window_ner.teach.learner import saved_network
from spacy_window_ner.teach.networks import base_pipeline, first_network, unpack
from spacy_window_ner.teach.reading import read_text

STUDY = "teach"
DEFAULT_BASE = "en_window_ner_sm"
# The network of `fixed` has learned so many texts.
FIRST = 50
# Between which texts actions are counted.
WINDOWS = ((0, 50), (50, 100), (100, 200), (200, 250))
HAND, FIXED, TEACH = WAYS = ("hand", "fixed", "teach")
PATIENCE = 600

Gold = Mapping[str, tuple[list[tuple[int, int]], set[Entity]]]


class Server:
    """A running `teach`.

    address (str): Where it is.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, path: str, question: Any = None) -> Any:
        """RETURNS (Any): The answer, None if it is empty."""
        body = None if question is None else json.dumps(question).encode()
        request = Request(self.address + path, body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=PATIENCE) as answer:
            found = answer.read()
        return json.loads(found) if found else None

    def wait(self, network: int = 0) -> dict[str, Any]:
        """Wait until a network is there, and nothing is learned.

        network (int): The number of the network that is there already.
        RETURNS (Dict[str, Any]): The status.
        RAISES (InputError): If it takes too long.
        """
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            status = self.ask("/status")
            if status["error"]:
                raise InputError(f"The server has failed: {status['error']}")
            if status["network"] > network and not status["learning"]:
                return status
            time.sleep(0.05)
        raise InputError(f"There is no new network after {PATIENCE} seconds.")


@contextmanager
def serve(arguments: Sequence[str], log: Path) -> Iterator[Server]:
    """Start `teach`, and stop it in the end.

    arguments (Sequence[str]): The arguments of the command.
    log (Path): The file for what it prints.
    YIELDS (Server): The server.
    """
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "spacy", "window-ner", "teach", *arguments]
    with log.open("wb") as file:
        process = subprocess.Popen([*command, "--port", str(port)], stdout=file, stderr=file)
        try:
            server = Server(f"http://127.0.0.1:{port}")
            _wait_for(server, process, log)
            yield server
        finally:
            process.terminate()
            process.wait()


def _wait_for(server: Server, process: subprocess.Popen, log: Path) -> None:
    for _ in range(PATIENCE):
        if process.poll() is not None:
            raise InputError(f"teach has ended: {log.read_text(encoding='utf8')}")
        try:
            server.ask("/healthz")
            return
        except URLError:
            time.sleep(1)
    raise InputError("teach does not answer.")


def gold_of(docs: Sequence[Doc], nlp: Language) -> dict[str, tuple[list[tuple[int, int]], set]]:
    """RETURNS (Dict[str, Tuple[List, Set]]): For each text, without white space around it, its
    tokens, by characters, and its entities, widened to whole tokens.
    """
    found = {}
    for doc in docs:
        words = nlp.make_doc(doc.text.strip())
        before = len(doc.text) - len(doc.text.lstrip())
        spans = (
            (words.char_span(start - before, end - before, alignment_mode="expand"), label)
            for start, end, label in offsets_of(doc)
        )
        entities = {(span.start_char, span.end_char, label) for span, label in spans if span}
        found[words.text] = (tokens_of(words), entities)
    return found


def work(server: Server, gold: Gold, n_texts: int, project: Path, n_new: int) -> dict[str, Any]:
    """Annotate texts.

    server (Server): The server.
    gold (Mapping[str, Tuple[List, Set]]): See `gold_of`.
    n_texts (int): How many texts to annotate.
    project (Path): The directory of the project.
    n_new (int): After how many texts to wait for a network.
    RETURNS (Dict[str, Any]): The `texts`, and what was done for each of them by way; the last
        `status`; and the `first` network, that of `FIRST` texts.
    """
    person, first = Annotator(), b""
    texts: list[str] = []
    tallies: list[dict[str, float]] = []
    status = server.ask("/status")
    for number in range(n_texts):
        shown = server.ask("/next")
        if shown is None:
            break
        text, number_of_text = shown["text"], shown["id"]
        tokens, entities = gold[text]

        def read_again(fixed: list[Marked], number_of_text: int = number_of_text) -> Shown:
            return _shown(server.ask("/read", _said(number_of_text, fixed)))

        person.tally = Tally()
        person.annotate(tokens, entities, _shown(shown), read_again)
        decision = {"answer": "accept", "checked": "all"}
        server.ask("/decide", _said(number_of_text, sorted(entities)) | decision)
        texts.append(text)
        tallies.append(asdict(person.tally))
        if number % n_new == n_new - 1:
            status = server.wait(status["network"])
        if number <= FIRST:
            network = saved_network(project)
            first = b"" if network is None else network.data
    return {"texts": texts, TEACH: tallies, "status": server.wait(), "first": first}


def _said(number: int, marks: Sequence[Marked]) -> dict[str, Any]:
    entities = [{"start": start, "end": end, "label": label} for start, end, label in marks]
    return {"id": number, "entities": entities}


def _shown(answer: Mapping[str, Any]) -> Shown:
    entities, unsure = (
        {(one["start"], one["end"], one["label"]) for one in answer[key]}
        for key in ("entities", "unsure")
    )
    return Shown(entities, unsure - entities)


def by_hand(
    texts: Sequence[str], gold: Gold, shown: Sequence[Shown] | None = None
) -> list[dict[str, float]]:
    """RETURNS (List[Dict[str, float]]): What is done for each text without reading again, when
    nothing is shown, or some entities.
    """
    person, found = Annotator(), []
    for i, text in enumerate(texts):
        person.tally = Tally()
        person.annotate(*gold[text], Shown(set(), set()) if shown is None else shown[i])
        found.append(asdict(person.tally))
    return found


def run_cell(
    cell: Cell,
    corpora: Mapping[str, Mapping[str, Split]],
    n_texts: int,
    finish: bool,
    work_in: Path,
) -> dict[str, Any]:
    """Let somebody annotate, and score what was learned.

    cell (Cell): The cell.
    corpora (Mapping[str, Mapping[str, Split]]): The parts of each corpus.
    n_texts (int): How many texts to annotate.
    finish (bool): Whether to make the pipeline, and to train spaCy's `ner` on the same texts.
    work_in (Path): Where the project is until it is scored.
    RETURNS (Dict[str, Any]): The result, ready to be written as JSON.
    """
    splits = corpora[cell.corpus]
    docs = [doc for doc in splits["train"].annotated() if doc.text.strip()]
    base = base_pipeline(cell.preset, "en")
    gold = gold_of(docs, base)
    labels = sorted(labels_of(docs))
    work_in.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=work_in) as folder:
        project, pool = Path(folder, "project"), Path(folder, "texts.jsonl")
        srsly.write_jsonl(pool, ({"text": text} for text in gold))
        arguments = [str(pool), "--output", str(project), "--base", cell.preset]
        arguments += ["--seed", str(cell.seed), "--label", ",".join(labels)]
        with serve(arguments, Path(folder, "log")) as server:
            done = work(server, gold, n_texts, project, n_new=3)
            result: dict[str, Any] = {"status": done["status"]}
            if finish:
                result |= _finished(server, cell, splits, done["texts"], docs, work_in)
        network = first_network(base, labels)
        if done["first"]:
            unpack(network, done["first"])
        shown = [_shown(read_text(network, text, [], labels)) for text in done["texts"]]
        saved = saved_network(project)
        if saved is not None:
            unpack(network, saved.data)
    rest = sorted(gold.keys() - {*done["texts"]})
    ways = {HAND: by_hand(done["texts"], gold), FIXED: by_hand(done["texts"], gold, shown)}
    return {
        **origin(),
        **result,
        **ways,
        TEACH: done[TEACH],
        "others": _f_score(network, rest, gold),
    }


def _f_score(nlp: Language, texts: Sequence[str], gold: Gold) -> float:
    """F1 of a pipeline on texts."""
    found = [set(offsets_of(doc)) for doc in nlp.pipe(texts)]
    right = [gold[text][1] for text in texts]
    correct = sum(len(a & b) for a, b in zip(found, right, strict=True))
    return float(prf(np.asarray([correct, sum(map(len, found)), sum(map(len, right))]))[2])


def _finished(
    server: Server,
    cell: Cell,
    splits: Mapping[str, Split],
    texts: Sequence[str],
    docs: Sequence[Doc],
    work_in: Path,
) -> dict[str, Any]:
    """F1 on test of the pipeline that is made, and of spaCy's `ner` with vectors on its texts."""
    paths = server.ask("/finish", {})
    by_text = {doc.text.strip(): doc for doc in docs}
    chosen = [by_text[text] for text in texts]
    n_train = 4 * len(chosen) // 5
    peer = Cell(few.STUDY, cell.corpus, "", "ner-vectors", cell.seed, variant=f"{n_train}-test")
    start = few.Start(cell.preset, ())
    trained = few.train_anew(peer, chosen[:n_train], chosen[n_train:], start, work_in)
    return {
        "test": evaluate(spacy.load(paths["pipeline"]), splits["test"]),
        "ner": evaluate(trained.nlp, splits["test"]),
    }


def per_entity(tallies: Sequence[Mapping[str, float]], *, accepting: bool) -> float:
    """RETURNS (float): The actions for each entity, with or without those that accept a text."""
    kinds = ("keys", "clicks", "drags", *(("accepted",) if accepting else ()))
    total = sum(one[kind] for one in tallies for kind in kinds)
    return total / max(sum(one["entities"] for one in tallies), 1)


def seconds(tallies: Sequence[Mapping[str, float]]) -> float:
    """RETURNS (float): The seconds for each entity."""
    return sum(one["seconds"] for one in tallies) / max(sum(o["entities"] for o in tallies), 1)


def report(path: Path, cells: Sequence[Cell]) -> None:
    """Write tables beside the results.

    path (Path): The file of results.
    cells (Sequence[Cell]): Those to report on.
    """
    results = read_results(path, STUDY)
    groups: Any = defaultdict(list)
    for cell in cells:
        groups[f"`{cell.corpus}` from `{cell.preset}`"].append(results[cell])
    costs, gains = [], []
    for name, of_group in groups.items():
        for start, end in WINDOWS:
            if len(of_group[0][TEACH]) >= end:
                costs.append([name, f"{start + 1}–{end}", *_costs(of_group, start, end)])
        for one in of_group:
            f1 = one["status"]["f1"] or {"value": 0, "low": 0, "high": 1}
            inside = "yes" if f1["low"] <= one["others"] <= f1["high"] else "no"
            between = f"{100 * f1['value']:.1f} ({100 * f1['low']:.1f}–{100 * f1['high']:.1f})"
            scored = [f"{100 * one[key]['f']:.1f}" if key in one else "" for key in ("test", "ner")]
            texts = str(len(one[TEACH]))
            gains.append([name, texts, between, f"{100 * one['others']:.1f}", inside, *scored])
    heads = [f"{what}, {way}" for what in ("all actions", "corrections") for way in WAYS]
    tables = [
        markdown(["corpus", "texts", *heads, "seconds, hand", "seconds, teach"], costs),
        markdown(
            ["corpus", "texts", "F1 as shown", "on all others", "inside", "test", "`ner`"], gains
        ),
    ]
    publish("\n\n".join(tables), path.with_name("teach.md"), [])


def _costs(group: Sequence[Mapping[str, Any]], start: int, end: int) -> Iterator[str]:
    """The cells of a row: actions and seconds for each entity, and their share of those by hand."""
    for accepting in (True, False):
        by_way = {
            way: mean(per_entity(one[way][start:end], accepting=accepting) for one in group)
            for way in WAYS
        }
        for value in by_way.values():
            yield f"{value:.2f} ({100 * value / max(by_way[HAND], 1e-9):.0f} %)"
    for way in (HAND, TEACH):
        yield f"{mean(seconds(one[way][start:end]) for one in group):.1f}"


app = typer.Typer(add_completion=False)


@app.command()
def main(
    corpus: Annotated[list[Path], typer.Argument(help="Folders with train, dev and test.")],
    texts: Annotated[int, typer.Option(min=1, help="How many texts to annotate.")] = 250,
    seeds: Seeds = 1,
    base: Annotated[str, typer.Option(help="Pipeline to begin from.")] = DEFAULT_BASE,
    finish: Annotated[
        bool, typer.Option("--finish", help="Score the finished pipeline on test, beside ner.")
    ] = False,
    work: Work = DEFAULT_WORK,
    output: TableFolder = DEFAULT_TABLE_FOLDER,
) -> None:
    """Let a simulated annotator work with teach, and count what it does."""
    with errors_in_short(), TemporaryDirectory() as folder:
        corpora = {
            path.resolve().name: convert_corpus(path, Path(folder, str(i)), blank("en"))
            for i, path in enumerate(corpus)
        }
        variant = f"{texts}-finish" if finish else str(texts)
        cells = [
            Cell(STUDY, name, base, SYSTEM, seed, variant=variant, version=__version__)
            for name in corpora
            for seed in range(seeds)
        ]
        run_study(
            cells,
            run_cell,
            lambda path: report(path, cells),
            folder=output,
            corpora=corpora,
            n_texts=texts,
            finish=finish,
            work_in=work,
        )


if __name__ == "__main__":
    app()
