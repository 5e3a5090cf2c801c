"""Measure how fast `window_ner` is, beside spaCy's tokenizer and spaCy's `ner`, in one run.

    python benchmarks/speed.py CORPUS_FOLDER --model PIPELINE --output benchmarks/results
    python benchmarks/speed.py CORPUS_FOLDER --threads 2
    python benchmarks/speed.py CORPUS_FOLDER --model PIPELINE --profile

What is compared takes turns in one process; the median of the turns counts, and the quartiles are
given beside it. Absolute figures depend on the machine and on what else it does, so read the
ratios. On one thread the clock is the processor's time of this process, on more it is the time of
day. Libraries read their number of threads when they are loaded, so the script starts itself anew
if the environment says another number than `--threads`.

spaCy's tokenizer and `window_ner` both remember what they have seen, so there are three states:

- cold: a pipeline that has just been loaded;
- warm: it has read other text of the same kind, the corpus's train file, as a service has;
- again: it reads the same text a second time.

The text is the corpus's dev file. Where the corpus is tokens, its text is put together with the
spaces that English has, so that the tokenizer has what it has elsewhere to do: cut punctuation off.
spaCy's `ner` and `window_ner` get documents that are tokenized as the corpus is.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from data import InputError
from report import write_results
from settings import (
    CONFIGS,
    DEFAULT_WORK,
    Changes,
    Output,
    PeerChanges,
    Repeats,
    Work,
    errors_in_short,
    settings_of,
)
from speed_parts.everything import Limits, measure, profile
from speed_parts.figure import draw
from speed_parts.growth import SHORT
from speed_parts.pipelines import PEER_PACKAGE
from speed_parts.tables import show, show_calls
from wasabi import msg

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def ensure_threads(threads: int) -> None:
    """Start the script anew unless the environment asks for a number of threads.

    threads (int): The number.
    """
    wanted = {name: str(threads) for name in THREAD_VARIABLES}
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        environment = {**os.environ, **wanted}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)


app = typer.Typer(add_completion=False)


@app.command()
def main(
    corpus: Annotated[
        Path,
        typer.Argument(
            metavar="CORPUS_FOLDER",
            help="Folder with train and dev, as .conll (token, tab, IOB tag) or as .jsonl (text, "
            "and spans with character offsets).",
        ),
    ],
    config: Annotated[Path, typer.Option(help="Training config of window_ner.")] = CONFIGS
    / "efficiency.cfg",
    model: Annotated[
        Path | None,
        typer.Option(help="A trained pipeline with window_ner; otherwise one is trained first."),
    ] = None,
    max_steps: Annotated[
        int | None,
        typer.Option(min=1, help="How long to train, otherwise as long as the config says."),
    ] = None,
    peer: Annotated[
        str, typer.Option(help="A pipeline with spaCy's ner: a package or a folder.")
    ] = PEER_PACKAGE,
    threads: Annotated[int, typer.Option(min=1, help="The number of threads.")] = 1,
    repeats: Repeats = 5,
    max_words: Annotated[
        int, typer.Option(min=1, help="How many words of the dev file to measure on.")
    ] = Limits.max_words,
    growth_words: Annotated[
        int, typer.Option(min=SHORT, help="The number of words in the longest document.")
    ] = Limits.growth_words,
    growth_documents: Annotated[
        int, typer.Option(min=SHORT, help="The largest number of documents.")
    ] = Limits.growth_documents,
    with_time_to_best: Annotated[
        bool,
        typer.Option(
            "--time-to-best",
            help="Also train both systems to the end, and see when each first reaches the other's "
            "best dev F1. This takes long.",
        ),
    ] = False,
    crf: Annotated[
        bool,
        typer.Option(
            "--crf",
            help="Also train a linear CRF, and measure its speed, features included. Training "
            "takes minutes.",
        ),
    ] = False,
    with_calls: Annotated[
        bool,
        typer.Option(
            "--profile",
            help="Count the Python and NumPy calls for one short document in each file of the "
            "package, and measure nothing else.",
        ),
    ] = False,
    changes: Changes = None,
    peer_changes: PeerChanges = None,
    output: Output = None,
    figure: Annotated[
        Path | None, typer.Option(help="File to draw growth to, as SVG; needs matplotlib.")
    ] = None,
    work: Work = DEFAULT_WORK,
) -> None:
    """Measure the speed of window_ner beside spaCy's tokenizer and spaCy's ner."""
    ensure_threads(threads)
    with errors_in_short():
        steps = [f"training.{name}={max_steps}" for name in ("max_steps", "eval_frequency")]
        changes = [*(changes or []), *(steps if max_steps is not None else [])]
        asked = settings_of(
            config, changes=changes, peer_changes=peer_changes, repeats=repeats, work=work
        )
        if with_calls:
            if figure is not None or crf or with_time_to_best:
                raise InputError(
                    "--profile measures nothing else: leave --figure, --crf and --time-to-best out."
                )
            results = profile(corpus, asked, model=model, threads=threads, max_words=max_words)
        else:
            limits = Limits(max_words, growth_words, growth_documents, with_time_to_best, crf)
            results = measure(corpus, asked, limits, model=model, peer=peer, threads=threads)
    if with_calls:
        show_calls(results)
    else:
        show(results)
    if figure is not None:
        draw(results, figure)
        msg.good(f"Wrote {figure}")
    if output is not None:
        msg.good(f"Wrote {write_results(results, output)}")


if __name__ == "__main__":
    app()
