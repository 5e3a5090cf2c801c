"""Bulk annotation and the names database when something goes wrong. Each can be run by itself:

    python benchmarks/bulk_faults.py malformed PIPELINE TEXTS.spacy
    python benchmarks/bulk_faults.py kills PIPELINE TEXTS.spacy
    python benchmarks/bulk_faults.py index-kills PIPELINE TEXTS.spacy

`malformed` annotates rows of which one in twenty is broken, in each of several ways, and compares
what is annotated and what is reported with what was written. `kills` starts `annotate` as a
command, kills it with SIGKILL at a random moment, starts it again, and so on; then lets it end, and
compares all files of the results with those of a run that nobody has killed, byte by byte.
`index-kills` does the same with `index`, and compares the contents of the database.
"""

import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from bulk import Corpora, Model, make_texts, read_sentences, texts_in_folder
from scoring import found_in, same_entities
from wasabi import msg

from spacy_window_ner.bulk import annotate_files
from spacy_window_ner.bulk.plan import Settings

# Lines that cannot be annotated, with a part of the reason that has to be given.
HUGE = b'{"text": "%s"}' % (b"Paris " * 1_700_000)
BROKEN = [
    (b'{"text": "Paris', "invalid JSON"),
    (b'{"body": "Paris"}', "the field 'text' is missing"),
    (b'{"text": null}', "the field 'text' is null"),
    (b'{"text": 3}', "the field 'text' is not a string"),
    (b'{"text": "Paris \xff"}', "invalid UTF-8"),
]
# There are few of them: each is 10 MB.
N_HUGE = 3
# Kills come at most so many seconds after the command has begun to write.
LONGEST = 1.0

Number = Annotated[int, typer.Option(help="Number of texts")]
app = typer.Typer(help=__doc__)


def write_malformed(path: Path, texts: Sequence[str], seed: int = 0) -> dict[int, str]:
    """Write JSON lines, one in twenty of which is malformed.

    path (Path): The file.
    texts (Sequence[str]): The texts of the other lines.
    seed (int): The seed of which lines they are.
    RETURNS (Dict[int, str]): What is wrong with each malformed line, by its number.
    """
    rng, wrong = random.Random(seed), {}
    places = sorted(rng.sample(range(1, len(texts) + 1), len(texts) // 20))
    huge = set(places[:: max(1, len(places) // N_HUGE)][:N_HUGE])
    with path.open("wb") as file:
        for number, text in enumerate(texts, start=1):
            line = json.dumps({"text": text, "number": number}).encode()
            if number in huge:
                line, wrong[number] = HUGE, "characters, but the pipeline accepts at most"
            elif number in places:
                line, wrong[number] = BROKEN[places.index(number) % len(BROKEN)]
            file.write(line + b"\n")
    return wrong


@app.command("malformed")
def malformed(pipeline: Model, corpora: Corpora, number: Number = 10_000) -> None:
    """Count good rows that are annotated as by a plain loop, and bad ones that are reported."""
    texts = list(make_texts(read_sentences(corpora), number, 1))
    with tempfile.TemporaryDirectory() as name:
        path, output = Path(name) / "texts.jsonl", Path(name) / "annotated"
        wrong = write_malformed(path, texts)
        annotate_files(pipeline, [path], output, Settings())
        rows = [row for part in sorted(output.glob("part-*")) for row in srsly.read_jsonl(part)]
        reported = list(srsly.read_jsonl(output / "_errors.jsonl"))
    found = {row["number"]: row["entities"] for row in rows if row.get("error") is None}
    good = [i for i in range(1, number + 1) if i not in wrong]
    docs = spacy.load(pipeline).pipe(texts[i - 1] for i in good)
    pairs = zip(good, docs, strict=True)
    n_same = sum(same_entities(found.get(i, []), found_in(doc)) for i, doc in pairs)
    n_reported = sum(
        one["file"] == str(path.resolve()) and wrong.get(one["line"], "?") in one["error"]
        for one in reported
    )
    msg.good(f"{n_same:,} of {len(good):,} good rows are annotated as by a plain loop")
    msg.good(
        f"{n_reported:,} of {len(wrong):,} bad rows are reported with file, line and reason; "
        f"{len(reported) - n_reported:,} other reports"
    )


def run_until_killed(
    command: list[str],
    state: Callable[[], Any],
    n_kills: int,
    after: Callable[[], object] = lambda: None,
    seed: int = 0,
) -> int:
    """Start a command again and again, kill it at random moments, and at last let it end.

    command (List[str]): The arguments of `python -m spacy window-ner`.
    state (Callable): Gives something that changes when the command has begun to write.
    n_kills (int): How often to kill it.
    after (Callable): Is called after each kill.
    seed (int): The seed of the moments.
    RETURNS (int): How often it was killed; less than that if it came to its end before.
    """
    rng = random.Random(seed)
    whole = [sys.executable, "-m", "spacy", "window-ner", *command]
    for n_killed in range(n_kills):
        before = state()
        process = subprocess.Popen(whole, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and state() == before:
            time.sleep(0.005)
        time.sleep(rng.random() * LONGEST)
        process.send_signal(signal.SIGKILL)
        if process.wait() != -signal.SIGKILL:
            return n_killed
        after()
    subprocess.run(whole, check=True, stdout=subprocess.DEVNULL)
    return n_kills


def files_in(folder: Path) -> dict[str, bytes]:
    """RETURNS (Dict[str, bytes]): The contents of all files."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@app.command("kills")
def kills(
    pipeline: Model,
    corpora: Corpora,
    number: Number = 100_000,
    n_kills: Annotated[int, typer.Option(help="Number of kills")] = 30,
    workers: Annotated[int, typer.Option(help="Number of workers")] = 1,
    form: Annotated[str, typer.Option("--format", help="Format of the results")] = "jsonl",
) -> None:
    """Kill `annotate`, go on, and compare the results with those of an uninterrupted run."""
    with texts_in_folder(read_sentences(corpora), number) as (_, path):
        folder = path.parent
        # More parts than kills, so that some are whole, and some are not, at each of them.
        size = round(path.stat().st_size / (4 * max(n_kills, 1)) / 2**20, 4)
        command = ["annotate", pipeline, str(path), "--format", form, "--shard-size", str(size)]
        output = folder / "killed"
        command += ["--output", str(output), "--workers", str(workers)]
        done = run_until_killed(command, lambda: sorted(files_in(output)), n_kills)
        annotate_files(
            pipeline, [path], folder / "whole", Settings(format=form, shard_size=int(size * 2**20))
        )
        killed, whole = files_in(output), files_in(folder / "whole")
    same = sum(killed.get(name) == data for name, data in whole.items())
    msg.good(
        f"Killed {done} times: {same} of {len(whole)} files are the same, byte for byte; "
        f"{len(killed.keys() - whole.keys())} others"
    )


TABLES = ("sources", "documents", "sentences", "mentions", "names", "forms")


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The contents of a database, without numbers: they depend on the order of what was written.

    path (Path): The database.
    RETURNS (Dict[str, List[Tuple[Any]]]): The rows of tables and views, sorted.
    """
    with closing(sqlite3.connect(path)) as connection:
        found: dict[str, list[tuple[Any, ...]]] = {
            name: connection.execute(f"SELECT COUNT(*) FROM {name}").fetchall() for name in TABLES
        }
        found["timeline"] = sorted(
            connection.execute(
                "SELECT name, label, mention, probability, sentence, source, position FROM timeline"
            ).fetchall(),
            key=repr,
        )
    return found


def check(path: Path) -> str:
    """RETURNS (str): "ok" if a database is whole, with its foreign keys and full-text search."""
    with closing(sqlite3.connect(path)) as connection:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        found += [str(row) for row in connection.execute("PRAGMA foreign_key_check")]
        for table in ("sentences_fts", "forms_fts"):
            connection.execute(f"INSERT INTO {table}({table}) VALUES ('integrity-check')")
    return "; ".join(found)


@app.command("index-kills")
def index_kills(
    pipeline: Model,
    corpora: Corpora,
    number: Number = 20_000,
    n_kills: Annotated[int, typer.Option(help="Number of kills")] = 20,
) -> None:
    """Kill `index`, go on, and compare the database with that of an uninterrupted run."""
    with texts_in_folder(read_sentences(corpora), number) as (_, path):
        folder = path.parent
        killed, whole = folder / "killed.db", folder / "whole.db"
        size = str(max(1, number // (10 * max(n_kills, 1))))
        command = ["index", pipeline, str(path), "--batch-size", size, "--database"]
        checks: list[str] = []
        done = run_until_killed(
            [*command, str(killed)],
            lambda: [one.stat().st_size for one in sorted(folder.glob("killed.db*"))],
            n_kills,
            after=lambda: checks.append(check(killed)),
        )
        run_until_killed([*command, str(whole)], list, 0)
        same = "the same" if contents(killed) == contents(whole) else "OTHER"
        checks.append(check(killed))
    msg.good(
        f"Killed {done} times: {same} contents as without; {checks.count('ok')} of {len(checks)} "
        f"integrity checks ok"
    )


if __name__ == "__main__":
    app()
