"""The origin of results, and the formatting that tables and figures share."""

import importlib.metadata
import os
import platform
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import srsly
from data import InputError, Split
from wasabi import msg

from spacy_window_ner import __version__

PACKAGES = ("spacy", "thinc", "numpy")
DASH = "–"
COLORS = {
    "window_ner": "#1b6ca8",
    "ner": "#e08e2b",
    "ner-accuracy": "#a8451b",
    "crf": "#7a7a7a",
    "ner-vectors": "#a8451b",
    "efficiency": "#7fb3d5",
    "accuracy": "#1b6ca8",
    "pretrained": "#5b3f8c",
    "base": "#63a35c",
    "base-texts": "#1e5e2f",
}


def origin() -> dict[str, Any]:
    """Describe where and when results are being made.

    RETURNS (Dict[str, Any]): `date` and `machine`.
    """
    date = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return {"date": date, "machine": machine()}


def command() -> str:
    """Return the running command.

    RETURNS (str): The command as typed.
    """
    return shlex.join(["python", *sys.argv])


def machine() -> dict[str, Any]:
    """Describe the machine.

    RETURNS (Dict[str, Any]): Processor, cores, versions and the requested number of threads.
    """
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
        "spacy-window-ner": __version__,  # of the code that runs, which may not be installed
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "not set"),
    }


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def show_origin(results: Mapping[str, Any]) -> None:
    """Print the origin of results.

    results (Mapping[str, Any]): Results with their `command`, `date` and `machine`.
    """
    facts = ", ".join(f"{key} {value}" for key, value in results["machine"].items())
    print(f"\n{results['command']}\n{results['date']}; {facts}")


def write_results(results: Mapping[str, Any], folder: Path) -> Path:
    """Write results as JSON.

    results (Mapping[str, Any]): What `compare` returns.
    folder (Path): The folder to write to.
    RETURNS (Path): The file, named after the run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{results['name']}.json"
    srsly.write_json(path, results)
    return path


def show_corpus(splits: Mapping[str, Split]) -> None:
    """Print the size of each split, and examples of entities that do not align with the tokens.

    splits (Mapping[str, Split]): The corpus.
    """
    msg.divider("Corpus")
    rows = []
    for name, split in splits.items():
        n_misaligned = len(split.misaligned)
        share = f"{n_misaligned / max(split.n_entities, 1):.1%}"
        counts = (len(split.gold), split.n_tokens, split.n_entities, n_misaligned)
        rows.append((name, *(f"{count:,}" for count in counts), share))
    header = ("split", "documents", "tokens", "entities", "misaligned", "share")
    msg.table(rows, header=header, divider=True, aligns=("l", *"rrrrr"))
    for name, split in splits.items():
        if split.misaligned:
            msg.warn(f"Misaligned in {name}, for example:", "\n".join(split.misaligned[:3]))


def notes_on(splits: Mapping[str, Split]) -> list[str]:
    """Explain what affects the scores on a corpus.

    splits (Mapping[str, Split]): The corpus.
    RETURNS (List[str]): One or more sentences for each effect.
    """
    notes = []
    if any(split.misaligned for split in splits.values()):
        parts = ", ".join(
            f"{name} {len(split.misaligned)} of {split.n_entities} "
            f"({len(split.misaligned) / max(split.n_entities, 1):.1%})"
            for name, split in splits.items()
        )
        notes.append(
            f"Entities that do not align with the tokens: {parts}. In training, their tokens count "
            f"as missing annotation. In the scores, every system misses them, which limits recall. "
            f"The dev score that training prints and selects the best model by is spaCy's own: it "
            f"ignores them, and is higher."
        )
    if "test" not in splits:
        notes.append("No test scores: the corpus has no test file, or it was not used.")
    return notes


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a table in Markdown.

    header (Sequence[str]): The names of the columns.
    rows (Iterable[Sequence[str]]): The rows.
    RETURNS (str): The table.
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def publish(table: str, path: Path, figures: Iterable[Path]) -> None:
    """Print a table, write it, and say where it and its figures are.

    table (str): The table in Markdown.
    path (Path): The file for the table.
    figures (Iterable[Path]): The figures, which are there already.
    """
    print(table)
    path.write_text(table + "\n", encoding="utf8")
    for written in (path, *figures):
        msg.good(f"Wrote {written}")


def mean_and_spread(values: Sequence[float], sign: str = "", digits: int = 1) -> str:
    """Format the scores of several seeds.

    values (Sequence[float]): One for each seed.
    sign (str): `+` to always write the sign of the mean.
    digits (int): The number of decimal places.
    RETURNS (str): The mean, with ± standard deviation if there are several; a dash for none.
    """
    if not values:
        return DASH
    text = f"{mean(values):{sign}.{digits}f}"
    return text if len(values) == 1 else f"{text} ± {stdev(values):.{digits}f}"


def pyplot() -> Any:
    """Set up matplotlib so that the same results always give the same SVG.

    RETURNS (ModuleType): `matplotlib.pyplot`.
    RAISES (InputError): If matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise InputError("Figures need matplotlib: pip install matplotlib") from error
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "spacy-window-ner"
    import matplotlib.pyplot as plt

    return plt


def save_figure(figure: Any, path: Path) -> Path:
    """Save a figure, and close it.

    figure (Figure): The figure.
    path (Path): The file.
    RETURNS (Path): The file.
    """
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot().close(figure)
    return path


def line_style(label: str, labels: Sequence[str]) -> dict[str, Any]:
    """Return the color of a system; versions before the latest are pale.

    label (str): Its name, perhaps followed by the version.
    labels (Sequence[str]): The labels of the figure, older versions before later ones.
    RETURNS (Dict[str, Any]): Keyword arguments of matplotlib.
    """
    system = label.split()[0]
    latest = [name for name in labels if name.split()[0] == system][-1] == label
    return {"color": COLORS[system], "label": label, **({} if latest else {"alpha": 0.4})}


def draw_curves(
    panels: Mapping[str, Mapping[str, Mapping[int, Sequence[float]]]],
    path: Path,
    *,
    tick: str,
    measure: str,
) -> Path:
    """Draw learning curves.

    panels (Mapping[str, Mapping[str, Mapping[int, Sequence[float]]]]): For each title and label of
        a system the scores, one for each seed, by the number of training documents.
    path (Path): The file.
    tick (str): How to write this number, with `{}` in its place.
    measure (str): What the scores are.
    RETURNS (Path): The file.
    """
    size = (4.6 * len(panels), 3.6)
    figure, axes = pyplot().subplots(1, len(panels), figsize=size, squeeze=False)
    for (title, curves), axis in zip(panels.items(), axes[0], strict=True):
        for label, curve in curves.items():
            numbers = sorted(curve)
            means = [mean(curve[n]) for n in numbers]
            spread = [stdev(curve[n]) if len(curve[n]) > 1 else 0 for n in numbers]
            style = {"fmt": "o-", "capsize": 3, **line_style(label, list(curves))}
            axis.errorbar(numbers, means, spread, **style)
        ticks = sorted({n for curve in curves.values() for n in curve})
        axis.set_xscale("log")
        axis.set_xticks(ticks, [tick.format(n) for n in ticks])
        axis.minorticks_off()
        axis.set_xlabel("training documents")
        axis.set_title(title)
        axis.legend(loc="best")
    axes[0, 0].set_ylabel(measure)
    return save_figure(figure, path)
