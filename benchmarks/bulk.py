"""Words per second of `annotate`, against a plain loop over `nlp.pipe` and with two workers.

    OMP_NUM_THREADS=1 python benchmarks/bulk.py PIPELINE TEXTS.spacy

The texts are sentences of a corpus, each with a name of its own, so that words go
on being new; and the same joined to long texts. The plain loop reads the texts from memory and
writes nothing; `annotate` reads JSON lines and writes them. Both load the pipeline before. The two
take turns, and the best turn of each counts, since other work on the machine only ever takes time.
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter
from typing import Annotated

import spacy
import typer
from spacy.language import Language
from spacy.tokens import DocBin
from wasabi import msg

from spacy_window_ner.bulk import annotate_files
from spacy_window_ner.bulk.loading import load
from spacy_window_ner.bulk.plan import Settings


def read_sentences(path: Path) -> list[str]:
    """Read the sentences of a corpus.

    path (Path): A .spacy file.
    RETURNS (List[str]): Their texts; whole documents where there are no sentence starts.
    """
    docs = DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab)
    texts: list[str] = []
    for doc in docs:
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


def plain_loop(nlp: Language, texts: Sequence[str]) -> float:
    """RETURNS (float): Words per second of a loop that reads entities and writes nothing."""
    start = perf_counter()
    n_words = 0
    for doc in nlp.pipe(texts):
        n_words += len(doc)
        [(ent.start_char, ent.end_char, ent.label_, ent.text) for ent in doc.ents]
    return n_words / (perf_counter() - start)


def annotate(pipeline: str, path: Path, folder: Path, workers: int) -> float:
    """RETURNS (float): Words per second of `annotate`, with loading where there are workers."""
    with tempfile.TemporaryDirectory(dir=folder) as output:
        settings = Settings(shard_size=path.stat().st_size // 8 + 1)
        outcome = annotate_files(pipeline, [path], Path(output), settings, workers=workers)
    return outcome.counts.words / outcome.seconds


def main(
    pipeline: Annotated[str, typer.Argument(help="Name or path of a pipeline")],
    corpus: Annotated[Path, typer.Argument(help="Texts, .spacy")],
    n_short: Annotated[int, typer.Option(help="Number of short texts")] = 200_000,
    n_long: Annotated[int, typer.Option(help="Number of long texts")] = 2_000,
    length: Annotated[int, typer.Option(help="Sentences in a long text")] = 100,
    turns: Annotated[int, typer.Option(help="Turns of each")] = 3,
) -> None:
    """Print words per second of all."""
    sentences = read_sentences(corpus)
    pipeline = str(Path(pipeline).resolve()) if Path(pipeline).exists() else pipeline
    load(pipeline)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for kind, number, n_sentences in (("short", n_short, 1), ("long", n_long, length)):
            path = Path(name) / f"{kind}.jsonl"
            texts = list(make_texts(sentences, number, n_sentences))
            with path.open("w", encoding="utf8") as file:
                file.writelines(json.dumps({"text": text}) + "\n" for text in texts)
            best = [0.0, 0.0, 0.0]
            for _ in range(turns):
                speeds = [plain_loop(spacy.load(pipeline), texts)]
                speeds += [annotate(pipeline, path, Path(name), n) for n in (1, 2)]
                best = [max(pair) for pair in zip(best, speeds, strict=True)]
            cells = [f"{speed:,.0f}" for speed in best]
            ratios = [f"{best[1] / best[0]:.2f}", f"{best[2] / best[1]:.2f}"]
            rows.append((f"{number:,} {kind}", *cells, *ratios))
    header = ("Texts", "nlp.pipe", "annotate", "two workers", "annotate / nlp.pipe", "two / one")
    msg.table(rows, header=header, divider=True, aligns=("l", *"r" * 5))


if __name__ == "__main__":
    typer.run(main)
