"""The figures beside what they should be."""

from collections.abc import Mapping
from typing import Any

from systems import SYSTEM

from .loading import BLANK
from .pipelines import PEER

# What is measured, its figure, `≥` or `≤`, and the target.
Row = tuple[str, float, str, float]


def compare_with_targets(results: Mapping[str, Any]) -> list[Row]:
    """Put the figures beside what they should be.

    results (Mapping[str, Any]): What `measure` returns.
    RETURNS (List[Tuple[str, float, str, float]]): What is measured, its figure, `≥` or `≤`, and the
        target.
    """
    rows = [*_speed(results["speed"]), *_time_and_training(results), *_growth(results["growth"])]
    loading = results["loading"]
    rows.append(("component on disk, MB", loading[SYSTEM]["disk_megabytes"], "≤", 3.0))
    seconds = loading[SYSTEM]["seconds"] - loading[BLANK]["seconds"]
    rows.append(("loading, seconds more than a blank pipeline", seconds, "≤", 0.3))
    best = results["time_to_best"]
    if best and best[SYSTEM]["reached"]:
        ratio = best[SYSTEM]["reached"]["seconds"] / best[PEER]["best"]["seconds"]
        rows.append((f"time until the best F1 of {PEER}, against it", ratio, "≤", 0.08))
    return rows


def _speed(speed: Mapping[str, Any]) -> list[Row]:
    rows = []
    for state, target in (("warm", 1.2), ("cold", 1.5)):
        ours, tokenizer = speed[f"{SYSTEM}, {state}"], speed[f"tokenizer, {state}"]
        name = f"speed, {state}, against the tokenizer, {state}"
        rows.append((name, ours["median"] / tokenizer["median"], "≥", target))
    ratio = speed[f"{SYSTEM}, warm"]["median"] / speed[PEER]["median"]
    return [*rows, (f"speed, warm, against {PEER}", ratio, "≥", 30.0)]


def _time_and_training(results: Mapping[str, Any]) -> list[Row]:
    latency, training = results["latency"], results["training"]
    time = latency[SYSTEM]["p50"] / latency[PEER]["p50"]
    speed = training[SYSTEM]["median"] / training[PEER]["median"]
    return [
        (f"time of a sentence against {PEER}", time, "≤", 0.25),
        (f"speed of training against {PEER}", speed, "≥", 12.0),
    ]


def _growth(growth: Mapping[str, Any]) -> list[Row]:
    lengths = {row["length"]: row for row in growth["lengths"]}
    shortest, longest = lengths[min(lengths)], lengths[max(lengths)]
    name = f"one document of {longest['length']:,} words"
    ratio = longest["seconds"] / shortest["seconds"]
    return [
        (f"{name}, time against documents of {shortest['length']}", ratio, "≤", 1.3),
        (f"{name}, memory above it, MB", longest["peak_megabytes"], "≤", 500.0),
    ]


def is_met(value: float, sign: str, target: float) -> bool:
    """Whether a figure is as it should be; see `compare_with_targets`."""
    return value >= target if sign == "≥" else value <= target
