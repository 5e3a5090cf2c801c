"""All corpora, all systems: the cells of the tables and figures of `benchmarks/README.md`.

    python benchmarks/accuracy.py ../shared/data --suite --preset efficiency --system ner

A cell is one system trained on one corpus, or a part of it, with one seed. Each is written as a
file of its own as soon as it is done, and is not run again while that file is there; so the suite
can be stopped and taken up, and cut into processes by naming corpora and systems. Each call ends
with one table and the figures of all cells that are there.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import mean, stdev
from typing import Any

import srsly
from data import GLOVE, InputError
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from wasabi import msg

CONFIGS = Path(__file__).parent.parent / "configs"
SYSTEMS = ("window_ner", "ner", "crf")
# Each with its config of window_ner and the word vectors of all systems.
PRESETS: dict[str, tuple[Path, str | None]] = {
    "efficiency": (CONFIGS / "efficiency.cfg", None),
    "accuracy": (CONFIGS / "accuracy.cfg", GLOVE),
}
COLORS = {"window_ner": "#1b6ca8", "ner": "#e08e2b", "crf": "#7a7a7a"}


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
    RETURNS (List[Cell]): The cells. The linear CRF has no use for vectors, so it is there once.
    RAISES (InputError): If there is no such corpus, preset or system.
    """
    sizes = {path.parent.name: path.stat().st_size for path in data.glob("*/train.*")}
    if not sizes:
        raise InputError(f"There is no corpus in {data}: no folder in it has a train file.")
    for given, there in ((corpora, sizes), (presets, PRESETS), (systems, SYSTEMS)):
        unknown = sorted(set(given) - set(there))
        if unknown:
            raise InputError(f"There is no {', '.join(unknown)}; there is {', '.join(there)}.")
    return [
        Cell(corpus, preset, percent, system, seed)
        for preset in presets or PRESETS
        for corpus in sorted(corpora or sizes, key=lambda name: sizes[name])
        for percent in percents
        for system in systems or SYSTEMS
        for seed in seeds
        if preset == "efficiency" or system != "crf"
    ]


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
    columns = [f"{system} {split}" for split in ("dev", "test") for system in SYSTEMS]
    header = ["preset", "corpus", "trained on", *columns, "ahead, dev", "ahead, test"]
    lines = [header, ["---"] * len(header)]
    for key in sorted(dev, key=lambda key: (key[0] != "efficiency", -key[2], key[1])):
        preset, corpus, percent = key
        row = [preset, f"`{corpus}`", f"{percent} %"]
        for rows in (dev, test):
            row += [_mean_and_spread(rows.get(key, {}).get(system, ())) for system in SYSTEMS]
        row += [_ahead(rows.get(key, {})) for rows in (dev, test)]
        lines.append(row)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _mean_and_spread(values: Sequence[float]) -> str:
    if not values:
        return "–"
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{mean(values):.1f} ± {stdev(values):.1f}"


def _ahead(row: Mapping[str, Sequence[float]]) -> str:
    others = [mean(values) for system, values in row.items() if system != SYSTEMS[0]]
    if SYSTEMS[0] not in row or not others:
        return "–"
    return f"{mean(row[SYSTEMS[0]]) - max(others):+.1f}"


def draw(cells: Mapping[Cell, Mapping[str, Any]], folder: Path) -> list[Path]:
    """Draw F1 by system and corpus, and the learning curves.

    cells (Mapping[Cell, Mapping[str, Any]]): The results.
    folder (Path): Where to write the figures.
    RETURNS (List[Path]): The figures, as SVG.
    """
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "spacy-window-ner"  # the same file each time
    dev, test = scores(cells, "dev"), scores(cells, "test")
    best = {key: test.get(key) or row for key, row in dev.items()}
    written = [_draw_bars(best, folder / "suite.svg")]
    curves = defaultdict(dict)
    for (preset, corpus, percent), row in best.items():
        curves[preset, corpus][percent] = row
    curves = {key: rows for key, rows in curves.items() if len(rows) > 1}
    if curves:
        written.append(_draw_curves(curves, folder / "learning_curves.svg"))
    return written


def _draw_bars(rows: Mapping[tuple[str, str, int], Row], path: Path) -> Path:
    import matplotlib.pyplot as plt

    presets = [name for name in PRESETS if any(key[0] == name for key in rows)]
    figure, axes = plt.subplots(len(presets), 1, figsize=(9, 3.2 * len(presets)), squeeze=False)
    for preset, axis in zip(presets, axes[:, 0], strict=True):
        full = {key[1]: row for key, row in sorted(rows.items()) if key[0::2] == (preset, 100)}
        for i, system in enumerate(SYSTEMS):
            places = [x + 0.27 * (i - 1) for x, row in enumerate(full.values()) if row.get(system)]
            means = [mean(row[system]) for row in full.values() if row.get(system)]
            axis.bar(places, means, 0.25, label=system, color=COLORS[system])
        axis.set_xticks(range(len(full)), list(full))
        axis.set_ylabel("F1, test (dev where there is none)")
        axis.set_title(f"{preset}.cfg")
        axis.legend(loc="lower right")
    return _save(figure, path)


def _draw_curves(curves: Mapping[tuple[str, str], Mapping[int, Row]], path: Path) -> Path:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(curves), figsize=(4.6 * len(curves), 3.4), squeeze=False)
    for (preset, corpus), axis in zip(sorted(curves), axes[0], strict=True):
        rows = curves[preset, corpus]
        for system in SYSTEMS:
            points = [(p, mean(rows[p][system])) for p in sorted(rows) if rows[p].get(system)]
            axis.plot(*zip(*points, strict=True), "o-", label=system, color=COLORS[system])
        axis.set_xscale("log")
        axis.set_xticks(sorted(rows), [f"{percent} %" for percent in sorted(rows)])
        axis.minorticks_off()
        axis.set_xlabel("training documents")
        axis.set_title(f"{corpus}, {preset}.cfg")
        axis.legend(loc="lower right")
    axes[0, 0].set_ylabel("F1, test")
    return _save(figure, path)


def _save(figure: Any, path: Path) -> Path:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    return path


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


def missing(cells: Iterable[Cell], results: Path) -> list[Cell]:
    """Leave out what has been run.

    cells (Iterable[Cell]): What was asked for.
    results (Path): The folder of all results.
    RETURNS (List[Cell]): Those without a result.
    """
    return [cell for cell in cells if not cell.file(results).exists()]
