"""All corpora, all systems: the cells of the tables and figures of `benchmarks/README.md`.

    python benchmarks/accuracy.py ../shared/data --suite --preset efficiency --system ner

A cell is one system trained on one corpus, or a part of it, with one seed. Each is written as a
file of its own as soon as it is done, and is not run again while that file is there; so the suite
can be stopped and taken up, and cut into processes by naming corpora and systems. Each call ends
with one table and the figures of all cells that are there.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from statistics import mean, stdev
from typing import Any, Protocol, TypeVar

import srsly
from data import GLOVE, InputError
from report import COLORS, DASH, markdown, mean_and_spread, pyplot, save_figure
from settings import CONFIGS, Settings
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from systems import SYSTEM, SYSTEMS, open_run, train_alone
from wasabi import msg

# Each with its config of window_ner and the word vectors of all systems.
PRESETS: dict[str, tuple[Path, str | None]] = {
    "efficiency": (CONFIGS / "efficiency.cfg", None),
    "accuracy": (CONFIGS / "accuracy.cfg", GLOVE),
}
# Who is not compared where. A linear CRF has no use for vectors, so it is there once; the larger
# network of `ner` is spaCy's advice where accuracy comes first.
LEFT_OUT = {("accuracy", "crf"), ("efficiency", "ner-accuracy")}
# With fewer percentages there is no curve to see.
CURVE_POINTS = 3
MEASURE = "F1, test (dev where there is none)"


@dataclass(frozen=True, order=True)
class Cell:
    """One training of one system.

    corpus (str): The folder's name.
    preset (str): A name in `PRESETS`.
    percent (int): How much of the training documents it sees.
    system (str): A name in `SYSTEMS`.
    seed (int): The seed of training, and of the choice of documents.
    """

    corpus: str
    preset: str
    percent: int
    system: str
    seed: int

    def file(self, folder: Path) -> Path:
        """Where its result is.

        folder (Path): The folder of all results.
        RETURNS (Path): A JSON file.
        """
        name = f"{self.corpus}-{self.preset}-{self.percent}-{self.system}-{self.seed}.json"
        return folder / name


def choose(
    data: Path,
    *,
    corpora: Sequence[str],
    presets: Sequence[str],
    systems: Sequence[str],
    percents: Sequence[int],
    seeds: Iterable[int],
) -> list[Cell]:
    """List cells, those of the smallest corpora first.

    data (Path): The folder of all corpora.
    corpora (Sequence[str]): Names of folders; empty for all.
    presets (Sequence[str]): Names in `PRESETS`; empty for all.
    systems (Sequence[str]): Names in `SYSTEMS`; empty for all.
    percents (Sequence[int]): Shares of the training documents.
    seeds (Iterable[int]): Seeds.
    RETURNS (List[Cell]): The cells, without those that are `LEFT_OUT`.
    RAISES (InputError): If there is no such corpus, preset or system.
    """
    sizes = sizes_of_corpora(data)
    for given, there in ((corpora, sizes), (presets, PRESETS), (systems, SYSTEMS)):
        require_known(given, there)
    return [
        Cell(corpus, preset, percent, system, seed)
        for preset in presets or PRESETS
        for corpus in sorted(corpora or sizes, key=lambda name: sizes[name])
        for percent in percents
        for system in systems or SYSTEMS
        for seed in seeds
        if (preset, system) not in LEFT_OUT
    ]


def sizes_of_corpora(data: Path) -> dict[str, int]:
    """List the corpora that are there.

    data (Path): The folder of all corpora.
    RETURNS (Dict[str, int]): The bytes of the train file of each.
    RAISES (InputError): If there are none.
    """
    sizes = {path.parent.name: path.stat().st_size for path in data.glob("*/train.*")}
    if not sizes:
        raise InputError(f"There is no corpus in {data}: no folder in it has a train file.")
    return sizes


def require_known(given: Iterable[str], there: Iterable[str]) -> None:
    """Refuse names that there are not.

    given (Iterable[str]): Names.
    there (Iterable[str]): The names that there are.
    RAISES (InputError): If one is unknown.
    """
    unknown = sorted(set(given) - set(there))
    if unknown:
        raise InputError(f"There is no {', '.join(unknown)}; there is {', '.join(there)}.")


def settings_for(data: Path, corpus: str, preset: str, seed: int, settings: Settings) -> Settings:
    """Complete what the user asks for by what a cell says.

    data (Path): The folder of all corpora.
    corpus (str): The folder's name.
    preset (str): A name in `PRESETS`.
    seed (int): The seed.
    settings (Settings): Overrides, language, and where to work.
    RETURNS (Settings): The same with config, vectors and seed, and for raw text, which may be in
        whatever language, with spaCy's language for all.
    """
    config, vectors = PRESETS[preset]
    lang = settings.lang or ("xx" if is_raw(data / corpus) else None)
    return replace(settings, config=config, vectors=vectors, seed=seed, lang=lang)


def run_cell(cell: Cell, data: Path, settings: Settings) -> dict[str, Any]:
    """Train and score one system on one corpus.

    cell (Cell): The cell.
    data (Path): The folder of all corpora.
    settings (Settings): Overrides, language, and where to work; the rest is the cell's.
    RETURNS (Dict[str, Any]): The result, ready to be written as JSON.
    RAISES (InputError): If something the user gave cannot be used.
    """
    settings = settings_for(data, cell.corpus, cell.preset, cell.seed, settings)
    run = open_run(data / cell.corpus, settings, settings.work / cell.file(Path()).stem)
    if cell.percent < 100:
        take_part(run.splits["train"].path, cell.percent, cell.seed)
    return {"cell": asdict(cell), **train_alone(cell.system, run)}


AnyCell = TypeVar("AnyCell", bound="HasFile")


class HasFile(Protocol):
    """What has a result in a file of its own."""

    def file(self, folder: Path) -> Path:
        """Where its result is."""


def run_missing(
    cells: Iterable[AnyCell], results: Path, run: Callable[[AnyCell], dict[str, Any]]
) -> None:
    """Run the cells that have no result yet, and write each result at once.

    cells (Iterable[HasFile]): What was asked for.
    results (Path): The folder of all results.
    run (Callable): From a cell to its result.
    RAISES (InputError): If something the user gave cannot be used.
    """
    results.mkdir(parents=True, exist_ok=True)
    waiting = missing(cells, results)
    for number, cell in enumerate(waiting, start=1):
        msg.divider(f"{number} of {len(waiting)}: {cell.file(Path()).stem}")
        srsly.write_json(cell.file(results), run(cell))


def missing(cells: Iterable[AnyCell], results: Path) -> list[AnyCell]:
    """Leave out what has been run.

    cells (Iterable[HasFile]): What was asked for.
    results (Path): The folder of all results.
    RETURNS (List[HasFile]): Those without a result.
    """
    return [cell for cell in cells if not cell.file(results).exists()]


def is_raw(corpus: Path) -> bool:
    """Whether a corpus is raw text, in whatever language, and not tokens.

    corpus (Path): Its folder.
    """
    return (corpus / "train.jsonl").exists()


def take_part(path: Path, percent: int, seed: int) -> None:
    """Keep a part of the documents of a file, drawn at random.

    path (Path): A file in spaCy's binary format; it is written anew.
    percent (int): How many of a hundred documents to keep.
    seed (int): The seed; the documents of a smaller part are among those of a larger one.
    """
    docs = list(DocBin().from_disk(path).get_docs(Vocab()))
    order = list(range(len(docs)))
    Random(seed).shuffle(order)
    kept = sorted(order[: max(1, round(len(docs) * percent / 100))])
    DocBin(docs=[docs[i] for i in kept]).to_disk(path)


def read_cells(folder: Path) -> dict[Cell, dict[str, Any]]:
    """Read the results that are there.

    folder (Path): The folder of all results.
    RETURNS (Dict[Cell, Dict[str, Any]]): The result of each cell.
    """
    results = (srsly.read_json(path) for path in sorted(folder.glob("*.json")))
    return {Cell(**result["cell"]): result for result in results}


Row = dict[str, list[float]]


def scores(cells: Mapping[Cell, Mapping[str, Any]], split: str) -> dict[tuple[str, str, int], Row]:
    """Put F1 together by what was trained on.

    cells (Mapping[Cell, Mapping[str, Any]]): The results.
    split (str): `dev` or `test`.
    RETURNS (Dict[Tuple[str, str, int], Dict[str, List[float]]]): For each preset, corpus and
        percentage, the F1 from 0 to 100 of each system, one for each seed.
    """
    rows: dict[tuple[str, str, int], Row] = defaultdict(lambda: defaultdict(list))
    for cell in sorted(cells):
        if cells[cell][split] is not None:
            f1 = 100 * cells[cell][split]["f"]
            rows[cell.preset, cell.corpus, cell.percent][cell.system].append(f1)
    return rows


def table(cells: Mapping[Cell, Mapping[str, Any]]) -> str:
    """Write all results as one table in Markdown.

    cells (Mapping[Cell, Mapping[str, Any]]): The results.
    RETURNS (str): A row for each preset, corpus and percentage: F1 on dev and test of each system,
        mean ± standard deviation where there are several seeds, and how far window_ner is ahead of
        the best of the others.
    """
    dev, test = scores(cells, "dev"), scores(cells, "test")
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


def _ahead(row: Mapping[str, Sequence[float]]) -> str:
    others = [mean(values) for system, values in row.items() if system != SYSTEM]
    if SYSTEM not in row or not others:
        return DASH
    return f"{mean(row[SYSTEM]) - max(others):+.1f}"


def draw(cells: Mapping[Cell, Mapping[str, Any]], folder: Path) -> list[Path]:
    """Draw F1 by system and corpus, and the learning curves of corpora with enough percentages.

    cells (Mapping[Cell, Mapping[str, Any]]): The results.
    folder (Path): Where to write the figures.
    RETURNS (List[Path]): The figures, as SVG.
    """
    dev, test = scores(cells, "dev"), scores(cells, "test")
    best = {key: test.get(key) or row for key, row in dev.items()}
    whole = {key[:2]: row for key, row in best.items() if key[2] == 100}
    written = [_draw_bars(whole, folder / "suite.svg")] if whole else []
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
            axis.bar(places, means, 0.93 * width, label=system, color=COLORS[system])
        axis.set_xticks(range(len(full)), list(full))
        axis.set_ylabel(MEASURE)
        axis.set_title(f"{preset}.cfg")
        axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return save_figure(figure, path)


def _systems_in(rows: Iterable[Row]) -> list[str]:
    there = {system for row in rows for system, values in row.items() if values}
    return [system for system in SYSTEMS if system in there]


def _draw_curves(curves: Mapping[tuple[str, str], Mapping[int, Row]], path: Path) -> Path:
    size = (4.6 * len(curves), 3.6)
    figure, axes = pyplot().subplots(1, len(curves), figsize=size, squeeze=False)
    for (preset, corpus), axis in zip(sorted(curves), axes[0], strict=True):
        rows = curves[preset, corpus]
        for system in _systems_in(rows.values()):
            percents = [percent for percent in sorted(rows) if rows[percent].get(system)]
            values = [rows[percent][system] for percent in percents]
            spread = [stdev(f1) if len(f1) > 1 else 0 for f1 in values]
            style = {"fmt": "o-", "capsize": 3, "color": COLORS[system], "label": system}
            axis.errorbar(percents, list(map(mean, values)), spread, **style)
        axis.set_xscale("log")
        axis.set_xticks(sorted(rows), [f"{percent} %" for percent in sorted(rows)])
        axis.minorticks_off()
        axis.set_xlabel("training documents")
        axis.set_title(f"{corpus}, {preset}.cfg")
        axis.legend(loc="best")
    axes[0, 0].set_ylabel(MEASURE)
    return save_figure(figure, path)


def report(results: Path, output: Path) -> None:
    """Write the table and the figures of all results that are there, and print the table.

    results (Path): The folder of all results.
    output (Path): The folder to write to.
    """
    cells = read_cells(results)
    if not cells:
        msg.warn(f"There are no results in {results} yet.")
        return
    output.mkdir(parents=True, exist_ok=True)
    text = table(cells)
    (output / "suite.md").write_text(text + "\n", encoding="utf8")
    print(text)
    for path in [output / "suite.md", *draw(cells, output)]:
        msg.good(f"Wrote {path}")
