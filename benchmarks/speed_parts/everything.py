"""All measurements on one corpus."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from data import InputError
from report import command, origin, show_corpus
from settings import Settings, run_name
from systems import SYSTEM, Run, open_run, peer_config, train_crf, train_pipeline
from wasabi import msg

from . import processes
from .calls import measure_calls
from .growth import SHORT, time_of_counts, time_of_lengths
from .latency import measure_latency
from .loading import measure_loading
from .parts import measure_parts
from .pipelines import PEER, PEER_PACKAGE, load_ours, load_peer, network_of
from .targets import compare_with_targets
from .texts import count, read_texts
from .throughput import measure_speed
from .training import measure_training, time_to_best
from .turns import Plan


@dataclass(frozen=True)
class Limits:
    """How much to measure.

    max_words (int): On how many words of the dev file to measure, and as many of the train file
        twice to warm up.
    growth_words (int): The number of words in the longest document.
    growth_documents (int): The largest number of documents.
    time_to_best (bool): Whether to train both systems to the end.
    crf (bool): Whether to train a linear CRF, and measure its speed too.
    """

    max_words: int = 50_000
    growth_words: int = 1_000_000
    growth_documents: int = 100_000
    time_to_best: bool = False
    crf: bool = False


@dataclass(frozen=True)
class Prepared:
    """What is measured.

    plan (Plan): The pipelines and the text.
    run (Run): The settings, the training config of `window_ner`, the corpus, and where what is
        trained goes.
    facts (Mapping[str, Any]): What results begin with: name, date, machine and corpus.
    """

    plan: Plan
    run: Run
    facts: Mapping[str, Any]


def prepare(
    corpus: Path,
    settings: Settings,
    *,
    kind: str = "speed",
    model: Path | None = None,
    peer: str = PEER_PACKAGE,
    threads: int = 1,
    max_words: int = Limits.max_words,
) -> Prepared:
    """Read a corpus, and train a pipeline on it unless there is one.

    corpus (Path): The folder of the corpus.
    settings (Settings): The config of `window_ner`, overrides, the number of turns and where to
        work.
    kind (str): What is measured, for the name of the results.
    model (Optional[Path]): A pipeline with `window_ner`; one is trained if None.
    peer (str): A package or folder with `ner`.
    threads (int): The number of threads, which the environment must say already.
    max_words (int): See `Limits`.
    RETURNS (Prepared): What to measure.
    RAISES (InputError): If something the user gave cannot be used.
    """
    name = f"{run_name(corpus, settings)}-{kind}-{threads}"
    run = open_run(corpus, settings, settings.work / name)
    show_corpus(run.splits)
    if model is None:
        train_pipeline(SYSTEM, run.config, run.folder)
        model = run.folder / SYSTEM / "model-best"
    network_of(load_ours(model))
    tokenized = any(corpus.glob("dev.conll"))
    plan = Plan(
        model=model.resolve(),
        peer=peer,
        texts=read_texts(run.splits["dev"], tokenized, max_words),
        other=read_texts(run.splits["train"], tokenized, 2 * max_words),
        repeats=settings.repeats,
        threads=threads,
    )
    facts: dict[str, Any] = {
        "name": name,
        **origin(),
        "command": command(),
        "threads": threads,
        "corpus": corpus.resolve().name,
        "documents": len(plan.texts),
        "words": count(plan.texts),
        "notes": [],
    }
    facts["machine"]["load"] = _load_average()
    return Prepared(plan, run, facts)


def profile(corpus: Path, settings: Settings, **options: Any) -> dict[str, Any]:
    """Count the calls for a short document.

    corpus (Path): The folder of the corpus.
    settings (Settings): See `prepare`.
    options (Any): Further arguments of `prepare`.
    RETURNS (Dict[str, Any]): The results, ready to be written as JSON.
    RAISES (InputError): If something the user gave cannot be used.
    """
    prepared = prepare(corpus, settings, kind="profile", **options)
    return {**prepared.facts, "calls": measure_calls(prepared.plan, 50)}


def measure(
    corpus: Path, settings: Settings, limits: Limits, *, peer: str = PEER_PACKAGE, **options: Any
) -> dict[str, Any]:
    """Measure everything on one corpus.

    corpus (Path): The folder of the corpus.
    settings (Settings): See `prepare`.
    limits (Limits): How much to measure.
    peer (str): A package or folder with `ner`.
    options (Any): Further arguments of `prepare`.
    RETURNS (Dict[str, Any]): The results, ready to be written as JSON.
    RAISES (InputError): If something the user gave cannot be used.
    """
    load_peer(peer)
    if limits.crf and find_spec("sklearn_crfsuite") is None:
        raise InputError("The linear CRF needs a package: pip install sklearn-crfsuite")
    prepared = prepare(corpus, settings, peer=peer, max_words=limits.max_words, **options)
    plan, run, results = prepared.plan, prepared.run, dict(prepared.facts)
    peers_config = peer_config(run.config, run.folder, settings.peer_overrides)
    configs = {SYSTEM: run.config, PEER: peers_config}
    crf = train_crf(run).nlp if limits.crf else None
    msg.divider("Speed")
    results["speed"] = measure_speed(plan, max(1, results["words"] // 5), crf)
    msg.divider("Latency")
    results["latency"] = measure_latency(replace(plan, repeats=min(2, plan.repeats)), 150)
    msg.divider("Parts")
    results["parts"] = measure_parts(plan)
    msg.divider("Training")
    results["training"] = measure_training(
        configs, plan, batch_words=int(run.config["training"]["batcher"]["size"])
    )
    msg.divider("Growth")
    results["growth"] = _growth(plan, limits)
    msg.divider("Loading")
    results["loading"] = measure_loading(plan)
    results["time_to_best"] = time_to_best(configs, run.folder) if limits.time_to_best else None
    results["targets"] = compare_with_targets(results)
    results["machine"]["load afterwards"] = _load_average()
    shared = f"shared tok2vec + {PEER}"
    if shared in results["speed"]:
        results["notes"].append(
            f"{PEER} of {peer} has token vectors of its own; the shared tok2vec of that pipeline "
            f"is for its other components, and is not part of what {SYSTEM} is compared with."
        )
    return results


def _growth(plan: Plan, limits: Limits) -> dict[str, list[dict[str, float]]]:
    lengths = _steps(SHORT, limits.growth_words)
    counts = _steps(SHORT, limits.growth_documents)
    run = processes.in_new_process
    return {
        "lengths": run(time_of_lengths, plan, limits.growth_words, lengths),
        "counts": run(time_of_counts, plan, 10, counts),
    }


def _load_average() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def _steps(first: int, last: int) -> list[int]:
    """From first to last in factors of ten."""
    steps = [first]
    while steps[-1] * 10 < last:
        steps.append(steps[-1] * 10)
    return [*steps, last] if last > first else steps
