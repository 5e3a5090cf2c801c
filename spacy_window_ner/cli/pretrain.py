"""`python -m spacy window-ner pretrain`: learn word vectors and a network from raw text."""

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
from spacy.training.initialize import load_vectors_into_model
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

# The number of words that are shown, spaced by frequency; their neighbors; and the first rank.
SHOWN, N_NEIGHBORS, COMMON = 8, 5, 100


@app.command("pretrain")
def pretrain_pipeline(
    texts: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXTS...",
            help="Texts: .jsonl, .txt (one text per line), .spacy; or folders or globs of these",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="New or empty directory to save the pipeline to")
    ],
    lang: Annotated[str, typer.Option("--lang", "-l", help="Two-letter language code")] = "en",
    base: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Name or path of a pipeline to continue from, with its tokenizer and vectors; "
            "default: a new network of the preset accuracy",
        ),
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option(
            "--vectors",
            "-v",
            help="Name or path of a pipeline with word vectors for the new network, which are kept "
            "next to those that are learned",
        ),
    ] = None,
    minutes: Annotated[
        float,
        typer.Option(
            "--minutes",
            "-m",
            min=0,
            help="Time limit in minutes, half of it for the vectors. Texts not reached by then are "
            "left out",
        ),
    ] = 10,
    width: Annotated[
        int, typer.Option("--width", "-w", min=1, help="Number of dimensions of the vectors")
    ] = 64,
    min_count: Annotated[
        int,
        typer.Option("--min-count", min=1, help="Minimum frequency of a word to get a vector"),
    ] = 3,
    text_field: TextField = "text",
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            "-r",
            help="Resume an interrupted run of the same command in the output directory",
        ),
    ] = False,
) -> None:
    """Learn word vectors and a network from raw text. The network learns to predict masked words
    from their context. Saves a pipeline that you can pass to learn or init-config as --base, and
    prints some words with their nearest neighbors.
    """
    if not is_begun(output):
        make_directory(output)
    elif not resume:
        msg.fail(
            f"The output directory contains an interrupted run: {output}",
            "Add --resume to continue it, or choose a new or empty directory.",
            exits=1,
        )
    started = time.perf_counter()
    try:
        settings = minutes, width, min_count
        learned = learn_texts(
            lang, base, texts, text_field, *settings, vectors=vectors, folder=output
        )
    except (ValueError, ImportError, OSError) as error:
        with suppress(OSError):
            output.rmdir()
        msg.fail("Cannot pretrain on these texts", str(error), exits=1)
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
    vectors: str | None = None,
    folder: Path | None = None,
) -> Pretrained:
    """Learn from raw text, with progress bars.

    lang (str): The language code of a new pipeline.
    base (Optional[str]): Name or path of a pipeline to continue from, whose `window_ner` components
        are kept; None for a new network.
    texts (Sequence[str]): Files, folders and globs.
    text_field (str): The field of JSON lines that contains the text.
    minutes (float): Time limit, half of it for the vectors.
    width (int): The width of the vectors.
    min_count (int): Minimum frequency of a word to get a vector.
    vectors (Optional[str]): Name or path of a pipeline with word vectors for a new network.
    folder (Optional[Path]): Where to save the progress of reading, so that an interrupted run can
        be resumed. If it contains saved progress, reading continues from there.
    RETURNS (Pretrained): What has been learned.
    RAISES (ValueError): If a line cannot be read, there is too little text, or vectors are missing
        or given next to a base.
            (OSError): If the pipeline with vectors does not exist.
    """
    started, progress = time.perf_counter(), None
    work, nlp = (start_pipeline(lang, base, vectors) for _ in range(2))
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


def start_pipeline(lang: str, base: str | None, vectors: str | None = None) -> Language:
    """Make a pipeline to learn from raw text.

    lang (str): The language code of a new pipeline.
    base (Optional[str]): Name or path of a pipeline whose vocabulary and `window_ner` components
        are kept.
    vectors (Optional[str]): Name or path of a pipeline whose word vectors a new one gets.
    RETURNS (Language): The pipeline. A new one has the network of the preset `accuracy`, not
        initialized.
    RAISES (ValueError): If there are no vectors, or both a base and vectors.
        (OSError): If the pipeline with vectors does not exist.
    """
    if base is None:
        nlp = new_pipeline("accuracy", lang)
        if vectors is not None:
            load_vectors_into_model(nlp, vectors)
            if not nlp.vocab.vectors.shape[0]:
                raise ValueError(f"{vectors} has no word vectors. Leave out --vectors.")
        return nlp
    if vectors is not None:
        raise ValueError(
            f"The word vectors of {base} are used. Leave out --vectors, or --from for a new "
            f"network."
        )
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

    nlp (Language): The pipeline whose tokenizer is used.
    inputs (Sequence[str]): Files, folders and globs.
    text_field (str): The field of JSON lines that contains the text.
    time_limit (Tuple[float, float]): Start time by `time.perf_counter`, and the number of seconds
        after which the stream ends.
    progress (Optional[Progress]): How far the texts have been read before. It is saved whenever
        the next text is requested, when the texts before it have been counted.
    title (str): The title of the progress bar.
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
                    bar.set_postfix_str("time limit reached")
                    return
                doc = line.content
                yield doc if isinstance(doc, Doc) else nlp.tokenizer(doc)
                if progress is not None:
                    progress.save((number, line.position), elapsed)
                bar.update(len(doc) if isinstance(doc, Doc) else doc.count(" ") + 1)


def print_learned(learned: Pretrained, seconds: float) -> None:
    """Print a summary of the pretraining.

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
        f"Read {text.n_tokens:,} words in {seconds:.1f} s ({text.n_tokens / seconds:,.0f} "
        f"words/s). {len(text.words):,} distinct words have a vector; "
        f"{unknown / text.n_tokens:.1%} of the text has none. The vectors preserve "
        f"{vectors.kept:.0%} of the mutual information."
    )
    if learned.n_words:
        msg.text(
            f"The network was pretrained on {learned.n_words:,} words. Its loss fell from "
            f"{learned.losses[0]:.2f} to {learned.losses[1]:.2f}."
        )
