"""Measure what a second thread and a second process are worth, on texts through one pipeline.

    OMP_NUM_THREADS=1 python benchmarks/parallel.py CORPUS_FOLDER PIPELINE

Time is the time of day, so nothing else should run. A process is started with `fork`, which copies
nothing at first, or with `spawn`, which loads Python and the pipeline anew; how long that takes is
measured with texts of one word. Everything takes turns, and the median of the turns counts.
"""

import multiprocessing
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from report import origin, show_origin, write_results
from settings import DEFAULT_WORK, Output, Repeats, Settings, Work, errors_in_short
from spacy.language import Language
from speed_parts.everything import prepare
from speed_parts.pipelines import load_ours
from speed_parts.turns import Job, exhaust, take_turns
from wasabi import msg

WORKERS = 2
# A method of starting processes → their number, for `Language.pipe`.
_METHODS = ("fork", "spawn")

app = typer.Typer(add_completion=False)


@app.command()
def main(
    corpus: Annotated[
        Path, typer.Argument(help="Folder with train and dev, as for benchmarks/speed.py.")
    ],
    pipeline: Annotated[Path, typer.Argument(help="A trained pipeline with window_ner.")],
    repeats: Repeats = 3,
    times: Annotated[int, typer.Option(min=1, help="How often the text is repeated.")] = 8,
    output: Output = None,
    work: Work = DEFAULT_WORK,
) -> None:
    """Measure two threads and two processes against one."""
    with errors_in_short():
        settings = Settings(config=pipeline / "config.cfg", repeats=repeats, work=work)
        prepared = prepare(corpus, settings, kind="parallel", model=pipeline)
    texts = [str(text) for text in prepared.plan.texts] * times
    results = measure(load_ours(prepared.plan.model), texts, repeats)
    n_words = prepared.facts["words"] * times
    rows = [
        (
            name,
            f"{n_words / seconds:,.0f}",
            f"{results['one process'] / seconds:.2f}",
            f"{start:.2f}",
        )
        for name, seconds, start in (
            (name, results[name], results[f"{name}, start"]) for name in ways(None)
        )
    ]
    header = ("", "words/s", "against one", "seconds to start")
    msg.table(rows, header=header, divider=True, aligns=("l", *"rrr"))
    facts = {**prepared.facts, "seconds": results, **origin()}
    show_origin(facts)
    if output is not None:
        msg.good(f"Wrote {write_results(facts, output)}")


def measure(nlp: Language, texts: Sequence[str], repeats: int) -> dict[str, float]:
    """Measure seconds for all texts, and for texts of one word.

    nlp (Language): The pipeline.
    texts (Sequence[str]): The texts.
    repeats (int): The number of turns.
    RETURNS (Dict[str, float]): The median by the name of the way, and with ", start" behind it.
    """
    jobs: dict[str, Job] = {}
    for name, run in ways(nlp).items():
        jobs[name] = partial(_job, run, texts)
        jobs[f"{name}, start"] = partial(_job, run, ["word"] * WORKERS)
    exhaust(nlp.pipe(texts))
    runs = take_turns(jobs, repeats, perf_counter)
    return {name: 1 / statistics.median(each) for name, each in runs.items()}


def _job(
    run: Callable[[Sequence[str]], None], texts: Sequence[str]
) -> tuple[int, Callable[[], None]]:
    return 1, partial(run, texts)


def ways(nlp: Language | None) -> dict[str, Callable[[Sequence[str]], None]]:
    """RETURNS (Dict[str, Callable]): What annotates texts, by its name."""
    found = {"one process": partial(_in_one, nlp), f"{WORKERS} threads": partial(_in_threads, nlp)}
    for method in _METHODS:
        if method in multiprocessing.get_all_start_methods():
            found[f"{WORKERS} processes, {method}"] = partial(_in_processes, nlp, method)
    return found


def _in_one(nlp: Language, texts: Sequence[str]) -> None:
    exhaust(nlp.pipe(texts))


def _in_threads(nlp: Language, texts: Sequence[str]) -> None:
    half = len(texts) // WORKERS
    with ThreadPoolExecutor(WORKERS) as pool:
        parts = [texts[:half], texts[half:]]
        exhaust(pool.map(lambda part: exhaust(nlp.pipe(part)), parts))


def _in_processes(nlp: Language, method: str, texts: Sequence[str]) -> None:
    multiprocessing.set_start_method(method, force=True)
    exhaust(nlp.pipe(texts, n_process=WORKERS))


if __name__ == "__main__":
    app()
