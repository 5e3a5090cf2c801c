"""All systems on all corpora: the table and figures of `benchmarks/README.md`.

    python benchmarks/accuracy.py ../shared/data --suite --preset efficiency --system ner

Each cell is one system trained on one corpus, or part of it, with one seed. `results.py` keeps the
results of cells. Every call ends with one table and the figures of all cells in the file.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import mean, stdev
from typing import Any

from data import GLOVE, InputError
from packaging.version import Version
from report import COLORS, DASH, markdown, mean_and_spread, pyplot, save_figure
from results import Cell, Results, label_systems, read_results, version_of
from settings import CONFIGS, Settings
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from systems import SYSTEM, SYSTEMS, open_run, train_alone
from wasabi import msg

STUDY = "suite"
# For each preset the config of window_ner, and the word vectors of all systems.
PRESETS: dict[str, tuple[Path, str | None]] = {
    "efficiency": (CONFIGS / "efficiency.cfg", None),
    "accuracy": (CONFIGS / "accuracy.cfg", GLOVE),
}
# A linear CRF does not use vectors, so one preset is enough; spaCy recommends the larger network of
# `ner` where accuracy matters most.
LEFT_OUT = {("accuracy", "crf"), ("efficiency", "ner-accuracy")}
# Learning curves need at least this many percentages.
CURVE_POINTS = 3
MEASURE = "F1, test (dev where there is none)"


def choose(
    data: Path,
    *,
    corpora: Sequence[str],
    presets: Sequence[str],
    systems: Sequence[str],
    percents: Sequence[int],
    seeds: Iterable[int],
) -> list[Cell]:
    """List cells, starting with the smallest corpora.

    data (Path): The folder of all corpora.
    corpora (Sequence[str]): Names of folders; empty for all.
    presets (Sequence[str]): Names in `PRESETS`; empty for all.
    systems (Sequence[str]): Names in `SYSTEMS`; empty for all.
    percents (Sequence[int]): Shares of the training documents.
    seeds (Iterable[int]): Seeds.
    RETURNS (List[Cell]): The cells, except those in `LEFT_OUT`.
    RAISES (InputError): If a name is unknown.
    """
    sizes = sizes_of_corpora(data)
    for given, there in ((corpora, sizes), (presets, PRESETS), (systems, SYSTEMS)):
        require_known(given, there)
    return [
        Cell(STUDY, corpus, preset, system, seed, percent, version=version_of(system))
        for preset in presets or PRESETS
        for corpus in sorted(corpora or sizes, key=lambda name: sizes[name])
        for percent in percents
        for system in systems or SYSTEMS
        for seed in seeds
        if (preset, system) not in LEFT_OUT
    ]


def sizes_of_corpora(data: Path) -> dict[str, int]:
    """Find the corpora in a folder.

    data (Path): The folder of all corpora.
    RETURNS (Dict[str, int]): The size of the train file of each, in bytes.
    RAISES (InputError): If there are none.
    """
    sizes = {path.parent.name: path.stat().st_size for path in data.glob("*/train.*")}
    if not sizes:
        raise InputError(f"There is no corpus in {data}: no folder in it has a train file.")
    return sizes


def require_known(given: Iterable[str], there: Iterable[str]) -> None:
    """Reject unknown names.

    given (Iterable[str]): Names.
    there (Iterable[str]): The known names.
    RAISES (InputError): If a name is unknown.
    """
    unknown = sorted(set(given) - set(there))
    if unknown:
        raise InputError(f"There is no {', '.join(unknown)}; there is {', '.join(there)}.")


def settings_for(data: Path, cell: Cell, settings: Settings) -> Settings:
    """Add the settings of a cell to those of the user.

    data (Path): The folder of all corpora.
    cell (Cell): The cell.
    settings (Settings): Overrides, language and working folder.
    RETURNS (Settings): The same with the cell's config, vectors and seed. The language of raw text
        is unknown: it defaults to spaCy's multi-language class.
    """
    config, vectors = PRESETS[cell.preset]
    lang = settings.lang or ("xx" if is_raw(data / cell.corpus) else None)
    return replace(settings, config=config, vectors=vectors, seed=cell.seed, lang=lang)


def run_cell(cell: Cell, data: Path, settings: Settings) -> dict[str, Any]:
    """Train and score one system on one corpus.

    cell (Cell): The cell.
    data (Path): The folder of all corpora.
    settings (Settings): Overrides, language and working folder; the rest comes from the cell.
    RETURNS (Dict[str, Any]): The result, ready to be written as JSON.
    RAISES (InputError): If something the user gave cannot be used.
    """
    settings = settings_for(data, cell, settings)
    run = open_run(data / cell.corpus, settings, settings.work / str(cell))
    if cell.percent < 100:
        take_part(run.splits["train"].path, cell.percent, cell.seed)
    return train_alone(cell.system, run)


def is_raw(corpus: Path) -> bool:
    """Return whether a corpus is raw text rather than tokens.

    corpus (Path): Its folder.
    """
    return (corpus / "train.jsonl").exists()


def take_part(path: Path, percent: int, seed: int) -> None:
    """Keep a random sample of the documents of a file.

    path (Path): A file in spaCy's binary format; it is overwritten.
    percent (int): The percentage of documents to keep.
    seed (int): The seed. With the same seed, smaller samples are subsets of larger ones.
    """
    docs = list(DocBin().from_disk(path).get_docs(Vocab()))
    order = list(range(len(docs)))
    Random(seed).shuffle(order)
    kept = sorted(order[: max(1, round(len(docs) * percent / 100))])
    DocBin(docs=[docs[i] for i in kept]).to_disk(path)


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


def _style(label: str, systems: Sequence[str]) -> dict[str, Any]:
    """Return the color of a system; versions before the latest are pale."""
    system = label.split()[0]
    latest = [name for name in systems if name.split()[0] == system][-1] == label
    return {"color": COLORS[system], "label": label, **({} if latest else {"alpha": 0.4})}


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
    presets = [name for name in PRESETS if any(preset == name for preset, _ in rows)]
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
            axis.bar(places, means, 0.93 * width, **_style(system, systems))
        axis.set_xticks(range(len(full)), list(full))
        axis.set_ylabel(MEASURE)
        axis.set_title(f"{preset}.cfg")
        axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return save_figure(figure, path)


def _draw_curves(curves: Mapping[tuple[str, str], Mapping[int, Row]], path: Path) -> Path:
    size = (4.6 * len(curves), 3.6)
    figure, axes = pyplot().subplots(1, len(curves), figsize=size, squeeze=False)
    for (preset, corpus), axis in zip(sorted(curves), axes[0], strict=True):
        rows = curves[preset, corpus]
        systems = _systems_in(rows.values())
        for system in systems:
            percents = [percent for percent in sorted(rows) if rows[percent].get(system)]
            values = [rows[percent][system] for percent in percents]
            spread = [stdev(f1) if len(f1) > 1 else 0 for f1 in values]
            style = {"fmt": "o-", "capsize": 3, **_style(system, systems)}
            axis.errorbar(percents, list(map(mean, values)), spread, **style)
        axis.set_xscale("log")
        axis.set_xticks(sorted(rows), [f"{percent} %" for percent in sorted(rows)])
        axis.minorticks_off()
        axis.set_xlabel("training documents")
        axis.set_title(f"{corpus}, {preset}.cfg")
        axis.legend(loc="best")
    axes[0, 0].set_ylabel(MEASURE)
    return save_figure(figure, path)


def report(path: Path) -> None:
    """Write the table and figures of all results beside their file, and print the table.

    path (Path): The file of results.
    RAISES (InputError): If the file cannot be read.
    """
    results = read_results(path, STUDY)
    if not results:
        msg.warn(f"{path} has no results of the {STUDY} yet.")
        return
    text = table(results)
    written = path.with_name("suite.md")
    written.write_text(text + "\n", encoding="utf8")
    print(text)
    for output in [written, *draw(results, path.parent)]:
        msg.good(f"Wrote {output}")
