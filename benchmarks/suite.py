"""All systems on all corpora: the table and figures of `benchmarks/README.md`.

    python benchmarks/accuracy.py ../shared/data --suite --preset efficiency --system ner

Each cell is one system trained on one corpus, or part of it, with one seed. `results.py` keeps the
results of cells. Every call ends with one table and the figures of all cells in the file.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any

import studies
from data import Split
from packaging.version import Version
from report import (
    DASH,
    draw_curves,
    line_style,
    markdown,
    mean_and_spread,
    publish,
    pyplot,
    save_figure,
)
from results import Cell, Results, label_systems, read_results
from settings import Settings
from spacy.tokens import DocBin
from systems import SYSTEM, SYSTEMS, train_alone

STUDY = "suite"
# A linear CRF does not use vectors, so one preset is enough; spaCy recommends the larger network of
# `ner` where accuracy matters most.
LEFT_OUT = {("accuracy", "crf"), ("efficiency", "ner-accuracy")}
# Learning curves need at least this many percentages.
CURVE_POINTS = 3
MEASURE = "F1, test (dev where there is none)"


def choose(data: Path, **asked: Any) -> list[Cell]:
    """List cells.

    data (Path): The folder of all corpora.
    **asked: See `studies.choose`; by default all systems.
    RETURNS (List[Cell]): The cells, except those in `LEFT_OUT`.
    RAISES (InputError): If a name is unknown.
    """
    cells = studies.choose(STUDY, data, **{"systems": (), **asked})
    return [cell for cell in cells if (cell.preset, cell.system) not in LEFT_OUT]


def run_cell(cell: Cell, data: Path, settings: Settings) -> dict[str, Any]:
    """Train and score one system on one corpus.

    cell (Cell): The cell.
    data (Path): The folder of all corpora.
    settings (Settings): See `studies.open_cell`.
    RETURNS (Dict[str, Any]): The result, ready to be written as JSON.
    RAISES (InputError): If something the user gave cannot be used.
    """
    run = studies.open_cell(cell, data, settings)
    if cell.percent < 100:
        take_part(run.splits["train"], cell.percent, cell.seed)
    return train_alone(cell.system, run)


def take_part(split: Split, percent: int, seed: int) -> None:
    """Keep a random sample of the documents of a file.

    split (Split): The part of a corpus, whose file is overwritten.
    percent (int): The percentage of documents to keep.
    seed (int): The seed. With the same seed, smaller samples are subsets of larger ones.
    """
    docs = split.annotated()
    order = list(range(len(docs)))
    Random(seed).shuffle(order)
    kept = sorted(order[: max(1, round(len(docs) * percent / 100))])
    DocBin(docs=[docs[i] for i in kept]).to_disk(split.path)


Row = dict[str, list[float]]
Rows = dict[tuple[str, str, int], Row]


def scores(results: Results, split: str) -> Rows:
    """Group F1 by preset, corpus and percentage.

    results (Dict[Cell, Dict[str, Any]]): The results.
    split (str): `dev` or `test`.
    RETURNS (Dict[Tuple[str, str, int], Dict[str, List[float]]]): For each preset, corpus and
        percentage, the F1 from 0 to 100 of each system, one value for each seed.
    """
    labels = label_systems(results)
    rows: Rows = defaultdict(lambda: defaultdict(list))
    for cell in sorted(results):
        if results[cell][split] is not None:
            row = rows[cell.preset, cell.corpus, cell.percent]
            row[labels[cell.system, cell.version]].append(100 * results[cell][split]["f"])
    return rows


def table(results: Results) -> str:
    """Format all results as one table in Markdown.

    results (Dict[Cell, Dict[str, Any]]): The results.
    RETURNS (str): A row for each preset, corpus and percentage: F1 on dev and test of each system,
        mean ± standard deviation where there are several seeds, and the lead of the latest version
        of window_ner over the best of the other systems.
    """
    dev, test = scores(results, "dev"), scores(results, "test")
    systems = _systems_in(dev.values())
    columns = [f"{system} {split}" for split in ("dev", "test") for system in systems]
    header = ["preset", "corpus", "trained on", *columns, "ahead, dev", "ahead, test"]
    lines = []
    for key in sorted(dev, key=lambda key: (key[0] != "efficiency", -key[2], key[1])):
        preset, corpus, percent = key
        row = [preset, f"`{corpus}`", f"{percent} %"]
        for rows in (dev, test):
            row += [mean_and_spread(rows.get(key, {}).get(system, ())) for system in systems]
        row += [_ahead(rows.get(key, {})) for rows in (dev, test)]
        lines.append(row)
    return markdown(header, lines)


def _ahead(row: Row) -> str:
    ours = [name for name in _systems_in([row]) if name.split()[0] == SYSTEM]
    others = [mean(values) for name, values in row.items() if name.split()[0] != SYSTEM]
    if not ours or not others:
        return DASH
    return f"{mean(row[ours[-1]]) - max(others):+.1f}"


def _systems_in(rows: Iterable[Row]) -> list[str]:
    """List the labels of the systems with results in the order of `SYSTEMS`, then of versions."""
    there = {label for row in rows for label, values in row.items() if values}
    order = list(SYSTEMS)

    def place(label: str) -> tuple[int, Version]:
        system, _, version = label.partition(" ")
        return order.index(system), Version(version or "0")

    return sorted(there, key=place)


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw F1 by system and corpus, and the learning curves of corpora with enough percentages.

    results (Dict[Cell, Dict[str, Any]]): The results.
    folder (Path): Where to write the figures.
    RETURNS (List[Path]): The figures, as SVG.
    """
    dev, test = scores(results, "dev"), scores(results, "test")
    best = {key: test.get(key) or row for key, row in dev.items()}
    full = {key[:2]: row for key, row in best.items() if key[2] == 100}
    written = [_draw_bars(full, folder / "suite.svg")] if full else []
    by_corpus: dict[tuple[str, str], dict[int, Row]] = defaultdict(dict)
    for (preset, corpus, percent), row in best.items():
        by_corpus[preset, corpus][percent] = row
    curves = {key: rows for key, rows in by_corpus.items() if len(rows) >= CURVE_POINTS}
    if curves:
        written.append(_draw_curves(curves, folder / "learning_curves.svg"))
    return written


def _draw_bars(rows: Mapping[tuple[str, str], Row], path: Path) -> Path:
    presets = [name for name in studies.PRESETS if any(preset == name for preset, _ in rows)]
    size = (9, 3.2 * len(presets))
    figure, axes = pyplot().subplots(len(presets), 1, figsize=size, squeeze=False)
    for preset, axis in zip(presets, axes[:, 0], strict=True):
        full = {key[1]: row for key, row in sorted(rows.items()) if key[0] == preset}
        systems = _systems_in(full.values())
        width = 0.8 / len(systems)
        for i, system in enumerate(systems):
            shift = width * (i - (len(systems) - 1) / 2)
            places = [x + shift for x, row in enumerate(full.values()) if row.get(system)]
            means = [mean(row[system]) for row in full.values() if row.get(system)]
            axis.bar(places, means, 0.93 * width, **line_style(system, systems))
        axis.set_xticks(range(len(full)), list(full))
        axis.set_ylabel(MEASURE)
        axis.set_title(f"{preset}.cfg")
        axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return save_figure(figure, path)


def _draw_curves(curves: Mapping[tuple[str, str], Mapping[int, Row]], path: Path) -> Path:
    panels = {
        f"{corpus}, {preset}.cfg": {
            system: {n: row[system] for n, row in rows.items() if row.get(system)}
            for system in _systems_in(rows.values())
        }
        for (preset, corpus), rows in sorted(curves.items())
    }
    return draw_curves(panels, path, tick="{} %", measure=MEASURE)


def report(path: Path) -> None:
    """Write the table and figures of all results beside their file, and print the table.

    path (Path): The file of results.
    RAISES (InputError): If the file cannot be read.
    """
    results = read_results(path, STUDY)
    publish(table(results), path.with_name("suite.md"), draw(results, path.parent))
