"""Measure how long `spacy train` takes, from the command to the saved pipeline, beside spaCy's `ner`.

    OMP_NUM_THREADS=1 python benchmarks/training.py CORPUS_FOLDER --steps 600

Both systems train on the same documents for the same number of steps, with batches of the same number of
words and evaluations at the same steps. They take turns, each time in a new process. The time by the clock
and of the processor includes everything: importing spaCy, reading the documents, initializing,
evaluating, calibrating and saving.
"""  # noqa: E501

import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Annotated, Any

import typer
from data import InputError
from report import command, origin, show_origin, write_results
from settings import (
    CONFIGS,
    DEFAULT_WORK,
    Changes,
    Output,
    Repeats,
    Settings,
    Work,
    errors_in_short,
    run_name,
    settings_of,
)
from systems import SYSTEM, open_run, peer_config
from thinc.api import Config
from wasabi import msg

PEER = "ner"
CLOCKS = ("seconds", "cpu_seconds")


def compare(corpus: Path, settings: Settings) -> dict[str, Any]:
    """Train both systems in turns.

    corpus (Path): The folder of the corpus.
    settings (Settings): The config of `window_ner`, changes to it, and the number of turns.
    RETURNS (Dict[str, Any]): For each system its seconds in each turn, and facts about the run.
    RAISES (InputError): If a setting is invalid, or a training fails.
    """
    name = f"{run_name(corpus, settings)}-training"
    run = open_run(corpus, settings, settings.work / name)
    peer = peer_config(run.config, run.folder, {})
    own = run.config["training"]
    peer["training"].update({key: own[key] for key in ("max_steps", "eval_frequency", "batcher")})
    configs = {SYSTEM: run.config, PEER: peer}
    turns: dict[str, list[dict[str, float]]] = {system: [] for system in configs}
    for _ in range(settings.repeats):
        for system, config in configs.items():
            turns[system].append(train(config, run.folder / system))
    facts = {"name": name, "steps": own["max_steps"], **origin(), "command": command()}
    return {**facts, "systems": turns}


def train(config: Config, folder: Path) -> dict[str, float]:
    """Train one system by `spacy train` in a new process.

    config (Config): The config.
    folder (Path): Where to save the pipeline, removed afterwards.
    RETURNS (Dict[str, float]): The seconds by each of `CLOCKS`.
    RAISES (InputError): If it fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.cfg"
    config.to_disk(path)
    start, cpu_start = perf_counter(), _cpu_seconds()
    asked = [sys.executable, "-m", "spacy", "train", str(path), "--output", str(folder)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    seconds = dict(zip(CLOCKS, (perf_counter() - start, _cpu_seconds() - cpu_start), strict=True))
    shutil.rmtree(folder)
    if done.returncode:
        raise InputError(f"Training failed: {done.stdout[-500:]}{done.stderr[-500:]}")
    return seconds


def _cpu_seconds() -> float:
    """What the processor has spent on processes that this one has started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ratios(results: Mapping[str, Any]) -> dict[str, float]:
    """RETURNS (Dict[str, float]): The median time of `window_ner` as a share of that of `ner`, by
    each of `CLOCKS`.
    """
    medians = {
        system: {clock: median(turn[clock] for turn in turns) for clock in CLOCKS}
        for system, turns in results["systems"].items()
    }
    return {clock: medians[SYSTEM][clock] / medians[PEER][clock] for clock in CLOCKS}


def show(results: Mapping[str, Any]) -> None:
    """Print the results.

    results (Mapping[str, Any]): What `compare` returns.
    """
    rows = [
        (system, *(f"{median(turn[clock] for turn in turns):.1f}" for clock in CLOCKS))
        for system, turns in results["systems"].items()
    ]
    rows.append(("ratio", *(f"{value:.2f}" for value in ratios(results).values())))
    header = (f"{results['steps']} steps", "s", "CPU s")
    msg.table(rows, header=header, divider=True, aligns=("l", *"rr"))
    show_origin(results)


app = typer.Typer(add_completion=False)


@app.command()
def main(
    corpus: Annotated[
        Path, typer.Argument(metavar="CORPUS_FOLDER", help="Folder with train and dev.")
    ],
    config: Annotated[Path, typer.Option(help="Training config of window_ner.")] = CONFIGS
    / "efficiency.cfg",
    steps: Annotated[int, typer.Option(min=1, help="How long to train.")] = 600,
    repeats: Repeats = 3,
    changes: Changes = None,
    output: Output = None,
    work: Work = DEFAULT_WORK,
) -> None:
    """Measure how long `spacy train` takes for the same steps of window_ner and of spaCy's ner."""
    with errors_in_short():
        changes = [*(changes or []), f"training.max_steps={steps}"]
        asked = settings_of(config, changes=changes, repeats=repeats, work=work, test=False)
        results = compare(corpus, asked)
    show(results)
    if output is not None:
        msg.good(f"Wrote {write_results(results, output)}")


if __name__ == "__main__":
    app()
