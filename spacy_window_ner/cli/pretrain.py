"""`python -m spacy window-ner pretrain`: raw text → word vectors, and a network that reads them."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Annotated

import numpy as np
import typer
from spacy.cli._util import COMMAND
from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm
from wasabi import msg

from ..component import WindowNER
from ..files.saving import replace_directory
from ..files.texts import error_at, find_files, read_lines
from ..pretraining.pretrain import CONTEXTS, READING, Pretrained, pretrain
from ..pretraining.progress import Progress, describe_inputs, is_begun
from ..pretraining.vectors import neighbors
from ..training.presets import new_pipeline
from .inputs import load
from .options import TextField, new_app
from .output import make_directory

app = new_app()

# How many words are shown with their neighbors: every so often one, by frequency.
SHOWN, N_NEIGHBORS, COMMON = 8, 5, 100


@app.command("pretrain")
def pretrain_pipeline(
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
            help="Name or path of a pipeline to learn on from, with its tokenizer and vectors; "
            "default: a new network of the preset accuracy",
        ),
    ] = None,
    minutes: Annotated[
        float,
        typer.Option(
            "--minutes",
            "-m",
            min=0,
            help="How long to learn; texts that come later are left out. Half of it is for the "
            "vectors",
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
    """Learn from raw text: vectors of its words, and a network that predicts hidden words from
    what is around them. Saves a pipeline to begin from, with --base of learn and init-config.
    Prints some words with those that are nearest.
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
        settings = minutes, width, min_count
        learned = learn_texts(lang, base, texts, text_field, *settings, folder=output)
    except (ValueError, ImportError, OSError) as error:
        with suppress(OSError):
            output.rmdir()
        msg.fail("Nothing can be learned from these texts", str(error), exits=1)
    replace_directory(output.resolve(), learned.nlp.to_disk)
    print_learned(learned, time.perf_counter() - started)
    msg.good(f"Saved {len(learned.nlp.vocab.vectors):,} vectors: {output}")
    if learned.n_words:
        print(f"{COMMAND} window-ner learn annotated.jsonl --base {output} --output out")
    else:
        print(f"{COMMAND} window-ner init-config accuracy config.cfg --vectors {output}")


def learn_texts(
    lang: str,
    base: str | None,
    texts: Sequence[str],
    text_field: str,
    minutes: float = math.inf,
    width: int = 64,
    min_count: int = 3,
    *,
    folder: Path | None = None,
) -> Pretrained:
    """Learn from raw text, with progress bars.

    lang (str): The code of the language of a new pipeline.
    base (Optional[str]): Name or path of a pipeline to learn on from, of which its `window_ner`s
        are kept; None for a new network.
    texts (Sequence[str]): Files, folders and globs.
    text_field (str): The field of the texts in JSON lines.
    minutes (float): How long to learn; half of it is for the vectors.
    width (int): The width of the vectors.
    min_count (int): How often a word has to occur to have a vector.
    folder (Optional[Path]): Where to keep what has been read, so that a run that is stopped can go
        on. What is there has been read before.
    RETURNS (Pretrained): What has been learned.
    RAISES (ValueError): If a line cannot be read, or there is too little text.
    """
    started, progress = time.perf_counter(), None
    work, nlp = start_pipeline(lang, base), start_pipeline(lang, base)
    if folder is not None:
        progress = Progress(folder, describe_inputs(work, find_files(texts), text_field))
        started -= progress.seconds

    def read(nlp: Language, title: str, share: float) -> Iterator[Doc]:
        seconds = {READING: 30 * minutes, CONTEXTS: 60 * minutes}.get(title, math.inf)
        limit, before = (started, seconds), progress if title == READING else None
        return read_raw(nlp, texts, text_field, limit, before, title, share)

    return pretrain(
        work,
        nlp,
        read,
        width=width,
        min_count=min_count,
        words=None if progress is None else progress.words,
    )


def start_pipeline(lang: str, base: str | None) -> Language:
    """Make a pipeline to learn from raw text.

    lang (str): The code of the language of a new one.
    base (Optional[str]): Name or path of a pipeline whose vocabulary and `window_ner`s are kept.
    RETURNS (Language): The pipeline. If it is new, its network is that of the preset `accuracy`,
        not initialized.
    """
    if base is None:
        return new_pipeline("accuracy", lang)
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
    title: str = READING,
    share: float = 1.0,
) -> Iterator[Doc]:
    """Read raw text as a stream, with a progress bar.

    nlp (Language): The pipeline, whose tokenizer is used.
    inputs (Sequence[str]): Files, folders and globs.
    text_field (str): The field of the texts in JSON lines.
    time_limit (Tuple[float, float]): When reading has begun, as `time.perf_counter` says, and
        after how many seconds the stream ends.
    progress (Optional[Progress]): How far the texts have been read before. It is saved each time
        that the next text is asked for, when those before are among its words.
    title (str): What the bar is called.
    share (float): The share of the texts to read, drawn at random.
    YIELDS (Doc): The texts.
    RAISES (ValueError): If a line cannot be read.
    """
    files, (began, seconds), draw = find_files(inputs), time_limit, Random(0)
    before, n_read = ((0, 0), 0) if progress is None else (progress.place, len(progress.words.ids))
    with tqdm(desc=title, unit="word", unit_scale=True, initial=n_read) as bar:
        for number, file in enumerate(files[before[0] :], start=before[0]):
            for line in read_lines(file, text_field, nlp.vocab):
                if (number, line.position) <= before:
                    continue
                if draw.random() >= share:
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


def print_learned(learned: Pretrained, seconds: float) -> None:
    """Print what has been learned.

    learned (Pretrained): What has been learned.
    seconds (float): How long that took.
    """
    vectors, text = learned.vectors, learned.vectors.text
    rows = np.unique(np.geomspace(COMMON, max(COMMON, len(text.words) / 4), SHOWN).astype(int))
    rows = rows[rows < len(text.words)]
    found = neighbors(vectors, rows.tolist(), N_NEIGHBORS)
    table = [(text.words[row], ", ".join(near)) for row, near in zip(rows, found, strict=True)]
    if table:
        msg.table(table, header=("Word", "Nearest words"), divider=True)
    unknown = (text.ids < 0).sum() - (len(text.ids) - text.n_tokens)
    msg.text(
        f"{text.n_tokens:,} words in {seconds:.1f} s, {text.n_tokens / seconds:,.0f} words/s; "
        f"{len(text.words):,} different ones have a vector, {unknown / text.n_tokens:.1%} of the "
        f"text has none; the vectors keep {vectors.kept:.0%} of the mutual information"
    )
    if learned.n_words:
        msg.text(
            f"The network learned the contexts of {learned.n_words:,} words: its loss fell from "
            f"{learned.losses[0]:.2f} to {learned.losses[1]:.2f}"
        )
