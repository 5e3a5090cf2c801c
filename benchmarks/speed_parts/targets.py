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
    loading, best = results["loading"], results["time_to_best"]
    lengths = {row["length"]: row for row in results["growth"]["lengths"]}
    shortest, longest = lengths[min(lengths)], lengths[max(lengths)]
    long = f"one document of {longest['length']:,} words"

    def ratio(kind: str, figure: str, ours: str, other: str) -> float:
        return results[kind][ours][figure] / results[kind][other][figure]

    rows: list[Row] = [
        (
            f"speed, {state}, against the tokenizer, {state}",
            ratio("speed", "median", f"{SYSTEM}, {state}", f"tokenizer, {state}"),
            "≥",
            target,
        )
        for state, target in (("warm", 1.2), ("cold", 1.5))
    ]
    rows += [
        (
            f"speed, warm, against {PEER}",
            ratio("speed", "median", f"{SYSTEM}, warm", PEER),
            "≥",
            30,
        ),
        (f"time of a sentence against {PEER}", ratio("latency", "p50", SYSTEM, PEER), "≤", 0.25),
        (f"speed of training against {PEER}", ratio("training", "median", SYSTEM, PEER), "≥", 12),
        (
            f"{long}, time against documents of {shortest['length']}",
            longest["seconds"] / shortest["seconds"],
            "≤",
            1.3,
        ),
        (f"{long}, memory above it, MB", longest["peak_megabytes"], "≤", 500),
        ("component on disk, MB", loading[SYSTEM]["disk_megabytes"], "≤", 3),
        (
            "loading, seconds more than a blank pipeline",
            loading[SYSTEM]["seconds"] - loading[BLANK]["seconds"],
            "≤",
            0.3,
        ),
    ]
    if best and best[SYSTEM]["reached"]:
        share = best[SYSTEM]["reached"]["seconds"] / best[PEER]["best"]["seconds"]
        rows.append((f"time until the best F1 of {PEER}, against it", share, "≤", 0.08))
    return rows


def is_met(value: float, sign: str, target: float) -> bool:
    """Whether a figure is as it should be; see `compare_with_targets`."""
    return value >= target if sign == "≥" else value <= target
