"""Train `window_ner` and its peers on one corpus in one run, and compare accuracy and speed.

    python benchmarks/accuracy.py CORPUS_FOLDER --config configs/efficiency.cfg --peer ner
    python benchmarks/accuracy.py FOLDER_OF_CORPORA --suite
    python benchmarks/accuracy.py FOLDER_OF_CORPORA --ablation --corpus NAME

All systems of a run share documents, tokens, word vectors, seed and process. They are trained by
the code that `spacy train` runs, and the models with the best dev score are compared:

- micro-averaged precision, recall and F1 of entities. An entity is correct if its first character,
  last character and label are. Gold entities are those of the corpus file, including those that do
  not align with the tokens: no system can find these, and each counts as missed.
- seconds of training: initialization and the training loop with its evaluations and checkpoints.
- words per second of prediction with the trained pipeline on tokenized documents, dev and test
  together. The systems take turns, and the median of the turns is reported. The first turn, before
  anything is cached, is reported separately.

`systems.py` defines the systems, `suite.py` runs all of them on all corpora, and `ablation.py`
changes one thing at a time. `results.py` keeps the results of both.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Annotated, Any

import ablation
import suite
import typer
from data import GLOVE_PACKAGE, InputError, Split
from report import DASH, command, origin, show_corpus, show_origin, write_results
from results import TABLE
from settings import (
    CONFIGS,
    DEFAULT_WORK,
    Changes,
    Output,
    PeerChanges,
    Repeats,
    Seed,
    Settings,
    Work,
    errors_in_short,
    run_name,
    settings_of,
)
from spacy.language import Language
from speed_parts.turns import Job, exhaust, take_turns
from studies import DEFAULT_TABLE_FOLDER, CorpusNames, PresetNames, run_study
from systems import PEERS, SYSTEM, SYSTEMS, Trained, open_run, scored
from wasabi import msg


def compare(corpus: Path, settings: Settings) -> dict[str, Any]:
    """Train and measure all systems on one corpus.

    corpus (Path): The folder of the corpus.
    settings (Settings): What to train, and how.
    RETURNS (Dict[str, Any]): The results, ready to be written as JSON.
    RAISES (InputError): If something the user gave cannot be used.
    """
    unknown = [name for name in settings.peers if name not in PEERS]
    if unknown:
        raise InputError(f"Unknown peers {unknown}. There is: {', '.join(PEERS)}.")
    name = run_name(corpus, settings)
    run = open_run(corpus, settings, settings.work / name)
    show_corpus(run.splits)
    # All are prepared before the first is trained, so that errors come early.
    trainers = [SYSTEMS[system](run) for system in (SYSTEM, *settings.peers)]
    systems = [train() for train in trainers]
    measured = [run.splits[name] for name in ("dev", "test") if name in run.splits]
    turns = time_prediction(systems, measured, settings.repeats)
    return {
        "name": name,
        **origin(),
        "command": command(),
        "corpus": corpus.resolve().name,
        "config": settings.config.stem,
        "lang": run.config["nlp"]["lang"],
        "tokenizer": run.config["nlp"]["tokenizer"],
        "vectors": settings.vectors or run.vectors,
        "seed": run.config["training"]["seed"],
        "overrides": dict(settings.overrides),
        "peer_overrides": dict(settings.peer_overrides),
        "splits": {name: split.describe() for name, split in run.splits.items()},
        "systems": {
            system.name: {
                **scored(system, run.splits),
                "words_per_second": round(median(turns[system.name])),
                "words_per_second_by_turn": [round(speed) for speed in turns[system.name]],
            }
            for system in systems
        },
        "notes": run.notes,
    }


def time_prediction(
    systems: Sequence[Trained], splits: Sequence[Split], repeats: int
) -> dict[str, list[float]]:
    """Measure the words per second that each system annotates, in turns.

    systems (Sequence[Trained]): The systems.
    splits (Sequence[Split]): The documents; tokenizing them is not measured.
    repeats (int): The number of turns of each system.
    RETURNS (Dict[str, List[float]]): Words per second of each turn, by system.
    """
    msg.divider("Measuring speed")

    def job(nlp: Language) -> tuple[int, Callable[[], None]]:
        docs = [doc for split in splits for doc in split.docs(nlp)]
        return sum(map(len, docs)), lambda: exhaust(nlp.pipe(docs))

    jobs: dict[str, Job] = {system.name: partial(job, system.nlp) for system in systems}
    return take_turns(jobs, repeats, perf_counter)


def show_results(results: Mapping[str, Any]) -> None:
    """Print the results as one table, followed by notes and origin.

    results (Mapping[str, Any]): What `compare` returns.
    """
    vectors = results["vectors"] or "no vectors"
    msg.divider(f"{results['corpus']}, {results['config']}.cfg, {vectors}, seed {results['seed']}")
    header = ("system", "dev P", "R", "F1", "test P", "R", "F1", "train s", "words/s", "first turn")
    rows = []
    for name, system in results["systems"].items():
        speeds = (system["words_per_second"], system["words_per_second_by_turn"][0])
        rows.append(
            (
                name,
                *_percent(system["dev"]),
                *_percent(system["test"]),
                f"{system['train_seconds']:,.1f}",
                *(f"{speed:,}" for speed in speeds),
            )
        )
    msg.table(rows, header=header, divider=True, aligns=("l", *"rrrrrrrrr"))
    for line in _comparisons(results["systems"]):
        print(line)
    for note in results["notes"]:
        msg.info(note)
    show_origin(results)


def _percent(scores: Mapping[str, float] | None) -> list[str]:
    if scores is None:
        return [DASH] * 3
    return [f"{100 * scores[key]:.2f}" for key in "prf"]


def _comparisons(systems: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Write a line for each peer with the lead of window_ner over it."""
    ours = systems[SYSTEM]
    lines = []
    for name, peer in systems.items():
        if name == SYSTEM:
            continue
        ahead = [
            f"{split} F1 {100 * (ours[split]['f'] - peer[split]['f']):+.2f}"
            for split in ("dev", "test")
            if ours[split] is not None
        ]
        speed = ours["words_per_second"] / peer["words_per_second"]
        training = peer["train_seconds"] / ours["train_seconds"]
        ahead += [f"prediction {speed:.1f} times as fast", f"training {training:.1f} times as fast"]
        lines.append(f"{SYSTEM} against {name}: {', '.join(ahead)}")
    return lines


app = typer.Typer(add_completion=False)


@app.command()
def main(
    corpus: Annotated[
        Path,
        typer.Argument(
            metavar="DATA_FOLDER",
            help="Folder with train, dev and optionally test, as .conll (token, tab, IOB tag) or "
            ".jsonl (text, and spans with character offsets). With --suite or --ablation, a folder "
            "of such folders.",
        ),
    ],
    config: Annotated[
        Path | None,
        typer.Option(help="Training config of window_ner; not with --suite or --ablation."),
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option(
            metavar="glove|PATH|PACKAGE",
            help="Static word vectors for all systems: GloVe 6B with 50 dimensions from the PyPI "
            f"package {GLOVE_PACKAGE}, including capitalized and upper-case forms, or those of a "
            "pipeline. By default those that the config names, or none.",
        ),
    ] = None,
    peer: Annotated[
        list[str] | None,
        typer.Option(help=f"System to compare with: {', '.join(PEERS)}. May be repeated."),
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option(
            help="Language of all systems; by default that of the config. Raw text is tokenized by "
            "the tokenizer of the config; ko with spaCy's rule-based one needs no further package."
        ),
    ] = None,
    seed: Seed = None,
    changes: Changes = None,
    peer_changes: PeerChanges = None,
    repeats: Repeats = 5,
    test: Annotated[
        bool, typer.Option(help="Whether to use the test file. Do not while you choose settings.")
    ] = True,
    output: Output = None,
    work: Work = DEFAULT_WORK,
    whole_suite: Annotated[
        bool,
        typer.Option(
            "--suite",
            help="Train all systems on all corpora. --corpus, --preset, --system, --percent and "
            f"--seeds select among them. Cells with a line in {TABLE} in --output (default: "
            f"{DEFAULT_TABLE_FOLDER}) are not run again.",
        ),
    ] = False,
    with_ablation: Annotated[
        bool,
        typer.Option(
            "--ablation",
            help="Train window_ner with one thing changed at a time, and score on dev. --corpus, "
            "--preset, --variant and --seeds select cells. Results are kept as with --suite.",
        ),
    ] = False,
    corpus_name: CorpusNames = None,
    preset: PresetNames = None,
    system: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(SYSTEMS)}; default: all.")
    ] = None,
    percent: Annotated[
        list[int] | None, typer.Option(min=1, max=100, help="Share of the training documents.")
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            help=f"{', '.join(dict.fromkeys(chain(*ablation.VARIANTS.values())))}; default: all "
            "of a preset."
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of seeds, from --seed up; default: 1 with --suite, 3 with --ablation.",
        ),
    ] = None,
) -> None:
    """Train window_ner and its peers on one corpus, and compare accuracy and speed.

    Prints precision, recall and F1 on dev and test, seconds of training, and words per second of
    prediction. Set OMP_NUM_THREADS=1 to measure on one thread.
    """
    with errors_in_short():
        asked = settings_of(
            config or CONFIGS,
            peers=tuple(peer or ()),
            vectors=vectors,
            lang=lang,
            seed=seed,
            changes=changes,
            peer_changes=peer_changes,
            repeats=repeats,
            test=test,
            work=work,
        )
        chosen: dict[str, Any] = {"corpora": corpus_name or (), "presets": preset or ()}
        kept = {"data": corpus, "settings": asked, "folder": output or DEFAULT_TABLE_FOLDER}
        if whole_suite:
            chosen |= {"systems": system or (), "percents": percent or (100,)}
            cells = suite.choose(corpus, seeds=_seeds(seed, seeds or 1), **chosen)
            run_study(cells, suite.run_cell, suite.report, **kept)
            return
        if with_ablation:
            chosen |= {"variants": variant or ()}
            cells = ablation.choose(corpus, seeds=_seeds(seed, seeds or 3), **chosen)
            run_study(cells, ablation.run_cell, ablation.report, **kept)
            return
        if config is None:
            raise InputError(
                "Give --config, for example configs/efficiency.cfg, or --suite, or --ablation."
            )
        compared = compare(corpus, asked)
    show_results(compared)
    if output is not None:
        msg.good(f"Wrote {write_results(compared, output)}")


def _seeds(first: int | None, number: int) -> range:
    return range(first or 0, (first or 0) + number)


if __name__ == "__main__":
    app()
