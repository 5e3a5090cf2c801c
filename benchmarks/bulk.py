"""Speed and memory of bulk annotation. Each command can be run by itself:

    OMP_NUM_THREADS=1 python benchmarks/bulk.py speed PIPELINE TEXTS.spacy
    OMP_NUM_THREADS=1 python benchmarks/bulk.py workers PIPELINE TEXTS.spacy
    OMP_NUM_THREADS=1 python benchmarks/bulk.py memory PIPELINE TEXTS.spacy

The texts are sentences of corpora, repeated, each with a name of its own, so that words go on being
new; and the same joined to long texts. `TEXTS.spacy` is what `spacy convert` makes of a corpus, and
there may be several.

`speed` compares `annotate` with a plain loop over `nlp.pipe`, which reads the texts from memory and
writes nothing; `annotate` reads JSON lines and writes them. Both load the pipeline before. The two
take turns, and the best turn of each counts, since other work on the machine only ever takes time.
`workers` compares two worker processes with one, both with loading. Words per second of CPU time
are fairer on a machine that does other work too, but say nothing about several processes.

`memory` reads as many new words as it is told to, and prints the memory in use on the way. Some of
the results are compared with those of a pipeline that has read nothing before.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter, process_time
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import spacy
import typer
from numpy.typing import NDArray
from scoring import found_in, same_entities
from spacy.language import Language
from spacy.tokens import DocBin
from speed_parts.processes import memory_in_use
from speed_parts.turns import take_turns
from wasabi import msg

from spacy_window_ner.bulk import annotate_batches, annotate_files
from spacy_window_ner.bulk.loading import load_once
from spacy_window_ner.bulk.plan import Settings

Model = Annotated[str, typer.Argument(help="Name or path of a pipeline")]
Corpora = Annotated[list[Path], typer.Argument(help="Texts, .spacy", exists=True)]
Short = Annotated[int, typer.Option(help="Number of short texts")]
Long = Annotated[int, typer.Option(help="Number of long texts")]
Length = Annotated[int, typer.Option(help="Sentences in a long text")]
Turns = Annotated[int, typer.Option(help="Turns of each")]
# The new words in each text of `memory`.
N_NEW = 10
# So many of its batches are compared with the plain result.
N_COMPARED = 20

app = typer.Typer(help=__doc__)


def read_sentences(paths: Sequence[Path]) -> list[str]:
    """Read the sentences of corpora.

    paths (Sequence[Path]): .spacy files.
    RETURNS (List[str]): Their texts; whole documents where there are no sentence starts.
    """
    texts: list[str] = []
    for path in paths:
        for doc in DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab):
            parts = doc.sents if doc.has_annotation("SENT_START") else [doc]
            texts += [part.text.strip() for part in parts]
    return [text for text in texts if text]


def make_texts(sentences: Sequence[str], number: int, length: int) -> Iterator[str]:
    """Make texts with words that nobody has seen.

    sentences (Sequence[str]): The sentences to repeat.
    number (int): How many texts.
    length (int): How many sentences there are in a text.
    YIELDS (str): The texts.
    """
    source = enumerate(cycle(sentences))
    for _ in range(number):
        yield " ".join(f"{text} Mr. Quinn{i} agreed." for i, text in islice(source, length))


def write_texts(path: Path, texts: Sequence[str]) -> Path:
    """Write texts as JSON lines. RETURNS (Path): The file."""
    with path.open("w", encoding="utf8") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in texts)
    return path


def plain_loop(nlp: Language, texts: Sequence[str]) -> None:
    """Read entities, and write nothing."""
    for doc in nlp.pipe(texts):
        [(ent.start_char, ent.end_char, ent.label_, ent.text) for ent in doc.ents]


def annotate(pipeline: str, path: Path, workers: int = 1) -> int:
    """RETURNS (int): The words that `annotate` has read."""
    with tempfile.TemporaryDirectory(dir=path.parent) as output:
        # Enough parts that the workers end at about the same time.
        settings = Settings(shard_size=path.stat().st_size // 8 + 1)
        outcome = annotate_files(pipeline, [path], Path(output), settings, workers=workers)
    return outcome.counts.words


def clocks() -> NDArray[np.float64]:
    """RETURNS (ndarray): Seconds of a clock, and of this process's CPU."""
    return np.asarray([perf_counter(), process_time()])


def _plain_job(pipeline: str, texts: Sequence[str], n_words: int) -> tuple[int, Callable[[], Any]]:
    return n_words, partial(plain_loop, spacy.load(pipeline), texts)


def _annotate_job(
    pipeline: str, path: Path, n_words: int, workers: int
) -> tuple[int, Callable[[], Any]]:
    return n_words, partial(annotate, pipeline, path, workers)


def _loading_job(
    pipeline: str, path: Path, n_words: int, workers: int
) -> tuple[int, Callable[[], Any]]:
    load_once.cache_clear()
    return _annotate_job(pipeline, path, n_words, workers)


@contextmanager
def texts_in_folder(
    sentences: Sequence[str], number: int, length: int = 1
) -> Iterator[tuple[list[str], Path]]:
    """Make texts, and write them to a folder of their own, which is removed afterwards.

    sentences (Sequence[str]): The sentences to repeat.
    number (int): How many texts.
    length (int): How many sentences each has.
    YIELDS (Tuple[List[str], Path]): The texts, and their file.
    """
    texts = list(make_texts(sentences, number, length))
    with tempfile.TemporaryDirectory() as folder:
        yield texts, write_texts(Path(folder) / "texts.jsonl", texts)


def kinds(
    corpora: Sequence[Path], n_short: int, n_long: int, length: int
) -> Iterator[tuple[str, list[str], Path]]:
    """YIELDS (Tuple[str, List[str], Path]): What kind of texts, the texts, and their file."""
    sentences = read_sentences(corpora)
    for kind, number, n_sentences in (("short", n_short, 1), ("long", n_long, length)):
        if number:
            with texts_in_folder(sentences, number, n_sentences) as (texts, path):
                yield f"{number:,} {kind}", texts, path


@app.command("speed")
def speed(
    pipeline: Model,
    corpora: Corpora,
    n_short: Short = 200_000,
    n_long: Long = 2_000,
    length: Length = 100,
    turns: Turns = 3,
) -> None:
    """Print words per second of `annotate` beside those of a plain loop."""
    load_once(pipeline)
    rows = []
    for kind, texts, path in kinds(corpora, n_short, n_long, length):
        n_words = annotate(pipeline, path)
        jobs = {
            "plain": partial(_plain_job, pipeline, texts, n_words),
            "annotate": partial(_annotate_job, pipeline, path, n_words, 1),
        }
        speeds = take_turns(jobs, turns, clocks)
        plain, ours = (np.max(speeds[name], axis=0) for name in jobs)
        for i, clock in enumerate(("clock", "CPU")):
            cells = (f"{plain[i]:,.0f}", f"{ours[i]:,.0f}", f"{ours[i] / plain[i]:.2f}")
            rows.append((kind, clock, *cells))
    header = ("Texts", "Words per second of", "nlp.pipe", "annotate", "Ratio")
    msg.table(rows, header=header, divider=True, aligns=("l", "l", *"r" * 3))


@app.command("workers")
def workers(
    pipeline: Model,
    corpora: Corpora,
    n_short: Short = 200_000,
    n_long: Long = 2_000,
    length: Length = 100,
    turns: Turns = 3,
    number: Annotated[int, typer.Option(help="Number of workers")] = 2,
) -> None:
    """Print words per second of `annotate` with several workers beside those of one. Each of them
    is a process that loads the pipeline, and so is the one.
    """
    rows = []
    for kind, _, path in kinds(corpora, n_short, n_long, length):
        n_words = annotate(pipeline, path)
        job = partial(_loading_job, pipeline, path, n_words)
        jobs = {"one": partial(job, 1), "many": partial(job, number)}
        one, many = map(max, take_turns(jobs, turns, perf_counter).values())
        rows.append((kind, f"{one:,.0f}", f"{many:,.0f}", f"{many / one:.2f}"))
    header = ("Texts", "1 worker", f"{number} workers", "Ratio")
    msg.table(rows, header=header, divider=True, aligns=("l", *"r" * 3))


def new_words(sentences: Sequence[str], number: int, size: int) -> Iterator[pa.RecordBatch]:
    """Make batches of texts with a number of words that are all different.

    sentences (Sequence[str]): The sentences to repeat.
    number (int): How many new words.
    size (int): The number of texts in a batch.
    YIELDS (RecordBatch): The batches.
    """
    source = cycle(sentences)
    for start in range(0, number, N_NEW * size):
        texts = [
            f"{next(source)} {' met '.join(f'Quinn{n + j}' for j in range(N_NEW))}."
            for n in range(start, min(start + N_NEW * size, number), N_NEW)
        ]
        yield pa.RecordBatch.from_pydict({"text": texts})


def differences(nlp: Language, batch: pa.RecordBatch) -> int:
    """RETURNS (int): How many texts of an annotated batch have other entities than a plain loop
    finds, or other probabilities, but for the last digits.
    """
    docs = nlp.pipe(batch.column("text").to_pylist())
    pairs = zip(docs, batch.column("entities").to_pylist(), strict=True)
    return sum(not same_entities(found, found_in(doc)) for doc, found in pairs)


@app.command("memory")
def memory(
    pipeline: Model,
    corpora: Corpora,
    n_words: Annotated[int, typer.Option(help="Number of new words")] = 2_000_000,
    size: Annotated[int, typer.Option(help="Texts in a batch")] = 1000,
) -> None:
    """Print the memory in use while words go on being new, and how many results differ."""
    nlp, sentences = spacy.load(pipeline), read_sentences(corpora)
    n_batches = -(-n_words // (N_NEW * size))
    kept, sizes = [], []
    for i, batch in enumerate(annotate_batches(nlp, new_words(sentences, n_words, size)), start=1):
        sizes.append(memory_in_use())
        if i % max(1, n_batches // N_COMPARED) == 0:
            kept.append(batch)
        if i % max(1, n_batches // 10) == 0:
            done = min(i * N_NEW * size, n_words)
            msg.text(f"{done:,} new words: {sizes[-1]:,.0f} MB, {len(nlp.vocab.strings):,} strings")
    after = sizes[len(sizes) // 10 :]
    fresh = spacy.load(pipeline)
    n_different = sum(differences(fresh, batch) for batch in kept)
    msg.good(
        f"After a tenth, memory has grown by {max(after) - after[0]:,.0f} MB; "
        f"{n_different:,} of {sum(map(len, kept)):,} texts differ from a plain loop"
    )


if __name__ == "__main__":
    app()
