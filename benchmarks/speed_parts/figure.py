"""The figure of growth."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from report import COLORS, pyplot, save_figure
from systems import SYSTEM


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Draw how time grows with the length and the number of documents.

    results (Mapping[str, Any]): What `measure` returns.
    path (Path): The figure, SVG.
    """
    figure, axes = pyplot().subplots(1, 2, figsize=(9, 3.4))
    lengths, counts = results["growth"]["lengths"], results["growth"]["counts"]
    words = lengths[0]["documents"] * lengths[0]["length"]
    axes[0].plot(
        [row["length"] for row in lengths],
        [1e6 * row["seconds"] / words for row in lengths],
        "o-",
        color=COLORS[SYSTEM],
    )
    axes[0].set_title(f"{words:,} words in documents of one length")
    axes[0].set_xlabel("words in a document")
    axes[0].set_ylabel("µs a word")
    axes[0].set_xscale("log")
    axes[0].set_ylim(0)
    axes[1].plot(
        [row["documents"] for row in counts],
        [row["seconds"] for row in counts],
        "o-",
        color=COLORS[SYSTEM],
    )
    axes[1].set_title("documents through nlp.pipe")
    axes[1].set_xlabel("documents")
    axes[1].set_ylabel("seconds")
    axes[1].set_xscale("log")
    axes[1].set_yscale("log")
    save_figure(figure, path)
