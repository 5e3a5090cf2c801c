"""`python -m spacy window-ner pretrain`: raw text → word vectors that every preset can use."""

import math
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

from ..component import WindowNER
from ..files.saving import replace_directory
from ..files.texts import error_at, find_files, read_lines
from ..pretraining.progress import Progress, describe_inputs, is_begun
from ..pretraining.vectors import LearnedVectors, learn_vectors, neighbors
from ..pretraining.widening import add_vectors
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
            help="Name or path of a pipeline whose tokenizer, vectors and window_ner are kept; "
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
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            "-r",
            help="Go on with what the same command has read into the output directory before it "
            "was stopped",
        ),
    ] = False,
) -> None:
    """Learn word vectors from raw text, and save a pipeline that has them, for --vectors of
    init-config. With --from, they are added to a pipeline, for --base of learn. Prints some words
    with those that are nearest.
    """
    if not is_begun(output):
        make_directory(output)
    elif not resume:
        msg.fail(
            f"The output directory has what was read by a run that was stopped: {output}",
            "Add --resume to go on with it, or give a new or empty directory.",
            exits=1,
        )
    started = time.perf_counter()
    try:
        # It will have the strings of all words that were read.
        blank = start_pipeline(lang, base)
        progress = Progress(output, describe_inputs(blank, find_files(texts), text_field))
        started -= progress.seconds
        docs = read_raw(blank, texts, text_field, (started, 60 * minutes), progress)
        learned = learn_vectors(docs, width, min_count, progress.words)
        nlp = start_pipeline(lang, base)
        add_vectors(nlp, learned)
    except (ValueError, ImportError, OSError) as error:
        with suppress(OSError):
            output.rmdir()
        msg.fail("No vectors can be learned from this", str(error), exits=1)
    replace_directory(output.resolve(), nlp.to_disk)
    print_vectors(learned, time.perf_counter() - started)
    msg.good(f"Saved {len(nlp.vocab.vectors):,} vectors: {output}")
    if any(isinstance(pipe, WindowNER) for _, pipe in nlp.pipeline):
        print(f"{COMMAND} window-ner learn annotated.jsonl --base {output} --output out")
    else:
        print(f"{COMMAND} window-ner init-config accuracy config.cfg --vectors {output}")


def start_pipeline(lang: str, base: str | None) -> Language:
    """Make a pipeline to add vectors to.

    lang (str): The code of the language of a blank one.
    base (Optional[str]): Name or path of a pipeline whose vocabulary and `window_ner`s are kept.
    RETURNS (Language): The pipeline.
    """
    if base is None:
        return spacy.blank(lang)
    nlp = load(base)
    for name in nlp.component_names:
        if not isinstance(nlp.get_pipe(name), WindowNER):
            nlp.remove_pipe(name)
    return nlp


def read_raw(
    nlp: Language,
    inputs: Sequence[str],
    text_field: str,
    time_limit: tuple[float, float] = (0, math.inf),
    progress: Progress | None = None,
) -> Iterator[Doc]:
    """Read raw text as a stream, with a progress bar.

    nlp (Language): The pipeline, whose tokenizer is used.
    inputs (Sequence[str]): Files, folders and globs.
    text_field (str): The field of the texts in JSON lines.
    time_limit (Tuple[float, float]): When reading has begun, as `time.perf_counter` says, and
        after how many seconds the stream ends.
    progress (Optional[Progress]): How far the texts have been read before. It is saved each time
        that the next text is asked for, when those before are among its words.
    YIELDS (Doc): The texts.
    RAISES (ValueError): If a line cannot be read.
    """
    files, (began, seconds) = find_files(inputs), time_limit
    before, n_read = ((0, 0), 0) if progress is None else (progress.place, len(progress.words.ids))
    with tqdm(desc="Reading", unit="word", unit_scale=True, initial=n_read) as bar:
        for number, file in enumerate(files[before[0] :], start=before[0]):
            for line in read_lines(file, text_field, nlp.vocab):
                if (number, line.position) <= before:
                    continue
                if line.error is not None:
                    raise error_at(file, line.position, line.error)
                elapsed = time.perf_counter() - began
                if elapsed > seconds:
                    bar.set_postfix_str("time is up: the rest is left out")
                    return
                doc = line.content
                yield doc if isinstance(doc, Doc) else nlp.tokenizer(doc)
                if progress is not None:
                    progress.save((number, line.position), elapsed)
                bar.update(len(doc) if isinstance(doc, Doc) else doc.count(" ") + 1)


def print_vectors(learned: LearnedVectors, seconds: float) -> None:
    """Print what has been learned.

    learned (LearnedVectors): The vectors.
    seconds (float): How long that took.
    """
    text = learned.text
    rows = np.unique(np.geomspace(COMMON, max(COMMON, len(text.words) / 4), SHOWN).astype(int))
    rows = rows[rows < len(text.words)]
    found = neighbors(learned, rows.tolist(), N_NEIGHBORS)
    table = [(text.words[row], ", ".join(near)) for row, near in zip(rows, found, strict=True)]
    if table:
        msg.table(table, header=("Word", "Nearest words"), divider=True)
    unknown = (text.ids < 0).sum() - (len(text.ids) - text.n_tokens)
    msg.text(
        f"{text.n_tokens:,} words in {seconds:.1f} s, {text.n_tokens / seconds:,.0f} words/s; "
        f"{len(text.words):,} different ones have a vector, {unknown / text.n_tokens:.1%} of the "
        f"text has none; the vectors keep {learned.kept:.0%} of the mutual information"
    )
