"""Words per second of `nlp.update`, and how long training takes to be as good as another."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from random import Random
from time import perf_counter, process_time
from typing import Any

from spacy import util
from spacy.language import Language
from spacy.training import Corpus, Example
from spacy.training.batchers import minibatch_by_words
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_loop
from thinc.api import Config
from wasabi import msg

from .turns import Job, Plan, exhaust, summarize, take_turns

# The number of batches of a turn.
TURN = 3
LOGGER = "spacy_window_ner_benchmarks.seconds.v1"


def measure_training(
    configs: Mapping[str, Config], plan: Plan, batch_words: int
) -> dict[str, dict[str, float]]:
    """Measure `nlp.update`, with the same batches for all.

    configs (Mapping[str, Config]): The training config of each system.
    plan (Plan): How often to measure. Each turn has batches of its own.
    batch_words (int): The number of words of a batch, about.
    RETURNS (Dict[str, Dict[str, float]]): Words per second: median and quartiles.
    """
    jobs: dict[str, Job] = {}
    for name, config in configs.items():
        nlp = init_nlp(config)
        settings = config.interpolate()
        examples = list(Corpus(settings["paths"]["train"])(nlp))
        Random(0).shuffle(examples)
        batches = list(minibatch_by_words(examples, batch_words, discard_oversize=False))
        drop = settings["training"]["dropout"]
        update = partial(nlp.update, sgd=nlp.create_optimizer(), drop=drop)
        jobs[name] = partial(_training_job, update, cycle(batches))
    exhaust(job()[1]() for job in jobs.values())
    speeds = take_turns(jobs, plan.repeats, plan.clock)
    return {name: summarize(values) for name, values in speeds.items()}


def _training_job(
    update: Callable[..., Any], batches: Iterator[Sequence[Example]]
) -> tuple[int, Callable[[], Any]]:
    turn = list(islice(batches, TURN))

    def run() -> None:
        for batch in turn:
            update(batch, losses={})

    return sum(len(example.predicted) for batch in turn for example in batch), run


def time_to_best(configs: Mapping[str, Config], work: Path) -> dict[str, Any]:
    """Train both systems to the end, and see when each passes the best of the other.

    configs (Mapping[str, Config]): The training config of each system.
    work (Path): Where trained pipelines go.
    RETURNS (Dict[str, Any]): For each system its evaluations, as seconds by the clock on the wall
        and of the processor since the start, steps and dev F1 by spaCy's scorer; its best; and when
        it first reaches the best of the other, None where it does not.
    """
    curves: dict[str, list[dict[str, float]]] = {}
    for name, config in configs.items():
        msg.divider(f"Training {name} to the end")
        curves[name] = _training_curve(config, work / name)
    results: dict[str, Any] = {}
    for name, curve in curves.items():
        (other,) = (peer for peer in curves if peer != name)
        goal = max(point["f"] for point in curves[other])
        reached = [point for point in curve if point["f"] >= goal]
        best = max(curve, key=lambda point: point["f"])
        results[name] = {"best": best, "goal": goal, "curve": curve}
        results[name]["reached"] = reached[0] if reached else None
    return results


def _training_curve(config: Config, output: Path) -> list[dict[str, float]]:
    points: list[dict[str, float]] = []
    start, cpu_start = perf_counter(), process_time()

    def setup(nlp: Language, stdout: Any = None, stderr: Any = None) -> Any:
        def log(info: dict[str, Any] | None) -> None:
            if info is None:
                return
            point = {
                "seconds": perf_counter() - start,
                "cpu_seconds": process_time() - cpu_start,
                "step": info["step"],
                "f": info["other_scores"]["ents_f"] or 0.0,
            }
            points.append(point)
            msg.text(f"step {point['step']}: {point['seconds']:,.0f} s, F1 {100 * point['f']:.2f}")

        return log, lambda: None

    util.registry.loggers.register(LOGGER, func=lambda: setup)
    config = config.copy()
    config["training"]["logger"] = {"@loggers": LOGGER}
    output.mkdir(parents=True, exist_ok=True)
    train_loop(init_nlp(config), output)
    return points
