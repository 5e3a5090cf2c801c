"""`python -m spacy window-ner pretrain`: raw text → word vectors that every preset can use."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import numpy as np
import spacy
import typer
from spacy.cli._util import COMMAND
from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm
from wasabi import msg

from ..files.saving import save
from ..files.texts import find_files, read_lines
from ..pretraining.vectors import LearnedVectors, learn_vectors, make_vectors, neighbors
from .inputs import load
from .options import TextField, new_app
from .output import make_directory

app = new_app()

# How many words are shown with their neighbors: every so often one, by frequency.
SHOWN, N_NEIGHBORS, COMMON = 8, 5, 100


@app.command("pretrain")
def pretrain(
    texts: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXTS...",
            help="Texts: .jsonl, .txt (a text on each line), .spacy; folders or globs of these",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="New or empty directory to save the pipeline to")
    ],
    lang: Annotated[
        str, typer.Option("--lang", "-l", help="Two-letter code of the language to use")
    ] = "en",
    base: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Name or path of a pipeline whose language, tokenizer and word vectors are kept; "
            "what is learned stands beside its vectors",
        ),
    ] = None,
    minutes: Annotated[
        float,
        typer.Option(
            "--minutes", "-m", min=0, help="How long to read; what comes later is left out"
        ),
    ] = 10,
    width: Annotated[
        int, typer.Option("--width", "-w", min=1, help="Width of the vectors to learn")
    ] = 64,
    min_count: Annotated[
        int,
        typer.Option("--min-count", min=1, help="How often a word has to occur to have a vector"),
    ] = 3,
    text_field: TextField = "text",
) -> None:
    """Learn word vectors from raw text, and save a pipeline that has them, for --paths.vectors of
    a config and --vectors of init-config. Prints some words with those that are nearest.
    """
    make_directory(output)
    started = time.perf_counter()
    try:
        docs = _read(_start(lang, base), texts, text_field, started + 60 * minutes)
        learned = learn_vectors(docs, width, min_count)
        nlp = _start(lang, base)  # once more, without the strings of all words that were read
        others = nlp.vocab.vectors if nlp.vocab.vectors.shape[0] else None
        nlp.vocab.vectors = make_vectors(learned, others)
    except (ValueError, ImportError, OSError) as error:
        with suppress(OSError):
            output.rmdir()
        msg.fail("No vectors can be learned from this", str(error), exits=1)
    for word in learned.text.words:
        nlp.vocab.strings.add(word)
    save(nlp, output)
    _print(learned, nlp, output, time.perf_counter() - started)


def _start(lang: str, base: str | None) -> Language:
    """A pipeline without components: a blank one, or what is left of another."""
    if base is None:
        return spacy.blank(lang)
    nlp = load(base)
    for name in nlp.component_names:
        nlp.remove_pipe(name)
    return nlp


def _read(nlp: Language, inputs: Sequence[str], text_field: str, until: float) -> Iterator[Doc]:
    """A stream of tokenized texts. It ends when it is time."""
    files = find_files(inputs)
    with tqdm(desc="Reading", unit="word", unit_scale=True) as bar:
        for file in files:
            for line in read_lines(file, text_field, nlp.vocab):
                if line.error is not None:
                    raise ValueError(f"{file}, line {line.position}: {line.error}")
                if time.perf_counter() > until:
                    bar.set_postfix_str("time is up: the rest is left out")
                    return
                doc = line.content
                yield doc if isinstance(doc, Doc) else nlp.tokenizer(doc)
                bar.update(len(doc) if isinstance(doc, Doc) else doc.count(" ") + 1)


def _print(learned: LearnedVectors, nlp: Language, output: Path, seconds: float) -> None:
    """Print what has been learned, and what to do with it."""
    text = learned.text
    rows = np.unique(np.geomspace(COMMON, max(COMMON, len(text.words) / 4), SHOWN).astype(int))
    rows = rows[rows < len(text.words)]
    found = neighbors(learned, rows.tolist(), N_NEIGHBORS)
    table = [(text.words[row], ", ".join(near)) for row, near in zip(rows, found, strict=True)]
    if table:
        msg.table(table, header=("Word", "Nearest words"), divider=True)
    unknown = (text.ids < 0).sum() - (len(text.ids) - text.n_tokens)
    n_vectors, width = nlp.vocab.vectors.shape
    msg.text(
        f"{text.n_tokens:,} words in {seconds:.1f} s, {text.n_tokens / seconds:,.0f} words/s; "
        f"{len(text.words):,} different ones have a vector, {unknown / text.n_tokens:.1%} of the "
        f"text has none; the vectors keep {learned.kept:.0%} of the mutual information"
    )
    msg.good(f"Saved {n_vectors:,} vectors, {width} wide: {output}")
    print(f"{COMMAND} window-ner init-config accuracy config.cfg --vectors {output}")
