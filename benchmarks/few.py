"""How well systems learn from few documents: a table and learning curves.

    python benchmarks/few.py ../shared/data/wnut17 --documents 100 --documents 400

For each seed, n documents are drawn to learn from, and n/4 more to choose by; all systems get the
same ones. The presets of `window_ner` and spaCy's `ner` learn from the n, and the model that is
best on the n/4 is kept. What needs no such choice learns from all of them: the CRF, and what begins
from a base, which chooses by cross-validation. `results.py` keeps the results.
"""

import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Annotated, Any

import systems
import typer
from data import InputError, Split, blank, convert_corpus, find_vectors
from report import draw_curves, markdown, mean_and_spread, origin, publish
from results import Cell, read_results, version_of
from scoring import evaluate
from settings import DEFAULT_WORK, Settings, Work, errors_in_short, prepare_config
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from studies import DEFAULT_TABLE_FOLDER, PRESETS, Seeds, TableFolder, require_known, run_study
from systems import SYSTEM, Run, Trained
from wasabi import msg

from spacy_window_ner.cli.inputs import explained, load_component
from spacy_window_ner.cli.pretrain import learn_texts
from spacy_window_ner.labels import labels_of
from spacy_window_ner.learning.learn import TEXTS_STEPS, config_from, learn
from spacy_window_ner.training.size import fit_to_size
from spacy_window_ner.training.start_from import set_start

STUDY = "few"
DEFAULT_BASE = "en_window_ner_sm"
DOCUMENTS = (50, 100, 200, 400, 800)
ALL = 0
# Steps of `ner`; with all documents, those of the suite.
STEPS, PEER_STEPS = 800, 2400
# The name in `systems.SYSTEMS` and the preset; None for what begins from a base.
SYSTEMS: dict[str, tuple[str, str | None]] = {
    "ner": ("ner", "efficiency"),
    "ner-vectors": ("ner", "accuracy"),
    "crf": ("crf", "efficiency"),
    "efficiency": (SYSTEM, "efficiency"),
    "accuracy": (SYSTEM, "accuracy"),
    "pretrained": (SYSTEM, "accuracy"),
    "base": (SYSTEM, None),
    "base-texts": (SYSTEM, None),
}
NEED_TEXTS = ("pretrained", "base-texts")
NEED_NO_CHOICE = ("crf", "base", "base-texts")

Corpora = Mapping[str, Mapping[str, Split]]


@dataclass(frozen=True)
class Start:
    """What systems begin from; each is made when it is first needed.

    base (str): Name or path of a pipeline with a trained `window_ner`.
    texts (Sequence[str]): Files, folders and globs of raw text.
    work (Path): Where word vectors are kept.
    """

    base: str
    texts: Sequence[str]
    work: Path

    @cached_property
    def pipeline(self) -> Language:
        """The base."""
        return load_component(self.base, None)[0]

    @cached_property
    def with_texts(self) -> Language:
        """The base, after `pretrain` has learned from the texts."""
        return self._pretrain(self.base, None)

    @cached_property
    def new_with_texts(self) -> Language:
        """A new network of the preset `accuracy`, with its word vectors, after the same."""
        _, vectors = PRESETS["accuracy"]
        return self._pretrain(None, find_vectors(vectors, self.pipeline.lang, self.work))

    def _pretrain(self, base: str | None, vectors: str | None) -> Language:
        with explained("Nothing can be learned from the texts"):
            return learn_texts(self.pipeline.lang, base, self.texts, "text", vectors=vectors).nlp

    def name(self, system: str) -> str:
        """RETURNS (str): The names of the base and texts that a system begins from, if any."""
        base = [self.base] if SYSTEMS[system][1] is None else []
        texts = self.texts if system in NEED_TEXTS else []
        return "+".join(Path(path).name for path in (*base, *texts))


def run_cell(cell: Cell, corpora: Corpora, start: Start, work: Path) -> dict[str, Any]:
    """Train one system on some documents of a corpus, and score it.

    cell (Cell): The cell.
    corpora (Mapping[str, Mapping[str, Split]]): The parts of each corpus.
    start (Start): What systems begin from.
    work (Path): Where vectors are kept, and the system until it is scored.
    RETURNS (Dict[str, Any]): The result, ready to be written as JSON.
    RAISES (InputError): If word vectors are missing.
    """
    n, part = _variant(cell)
    splits = corpora[cell.corpus]
    train, dev = draw_documents(splits, n, cell.seed)
    n_train = len(train)
    if n != ALL and cell.system in NEED_NO_CHOICE:
        train, dev = [*train, *dev], []
    if SYSTEMS[cell.system][1] is None:
        trained = _learn_from_base(cell, train, dev, start)
    else:
        trained = train_anew(cell, train, dev, start, work)
    return {
        **origin(),
        "documents": n_train,
        **trained.facts,
        part: evaluate(trained.nlp, splits[part]),
    }


def _variant(cell: Cell) -> tuple[int, str]:
    """The number of documents, and the part of the corpus that is scored."""
    n, part = cell.variant.split("-")
    return int(n), part


def draw_documents(splits: Mapping[str, Split], n: int, seed: int) -> tuple[list[Doc], list[Doc]]:
    """Draw documents from `train`.

    splits (Mapping[str, Split]): The parts of the corpus.
    n (int): How many to learn from. With the same seed, fewer are a subset of more.
    seed (int): The seed.
    RETURNS (Tuple[List[Doc], List[Doc]]): The documents to learn from, and to choose by: n and n/4,
        or all of `train` and `dev`.
    """
    docs = splits["train"].annotated()
    if n == ALL:
        return docs, splits["dev"].annotated()
    order = Random(seed).sample(docs, len(docs))
    return order[:n], order[n : n + n // 4]


def train_anew(
    cell: Cell, train: Sequence[Doc], dev: Sequence[Doc], start: Start, work: Path
) -> Trained:
    """Train what begins from nothing, or from word vectors."""
    folder = work / str(cell)
    folder.mkdir(parents=True, exist_ok=True)
    for name, docs in (("train", train), ("dev", dev)):
        DocBin(docs=docs).to_disk(folder / f"{name}.spacy")
    system, preset = SYSTEMS[cell.system]
    config, vectors = PRESETS[preset or ""]
    if cell.system in NEED_TEXTS:
        vectors = str(folder / "pretrained")
        start.new_with_texts.to_disk(vectors)
    is_all = _variant(cell)[0] == ALL
    settings = Settings(
        config,
        vectors=vectors,
        lang=start.pipeline.lang,
        seed=cell.seed,
        peer_overrides={"training.max_steps": PEER_STEPS if is_all else STEPS},
        work=work,
    )
    splits = {"train": Split("train", folder / "train.spacy", [], 0, [])}
    prepared = prepare_config(settings, folder)
    fit_to_size(prepared, sum(map(len, train)))
    if cell.system in NEED_TEXTS:
        set_start(prepared, start.new_with_texts, str(vectors))
    run = Run(settings, prepared, splits, folder, [])
    trained = systems.SYSTEMS[system](run)()
    shutil.rmtree(folder)
    return trained


def _learn_from_base(cell: Cell, train: Sequence[Doc], dev: Sequence[Doc], start: Start) -> Trained:
    """Learn as `python -m spacy window-ner learn` does."""
    base = start.with_texts if cell.system in NEED_TEXTS else start.pipeline
    config = config_from(base, start.base, seed=cell.seed)
    labels = sorted(labels_of([*train, *dev]))
    begun, cpu_begun = perf_counter(), process_time()
    stops = TEXTS_STEPS if cell.system in NEED_TEXTS else None
    found = learn(train, config, base, labels, dev=dev, stops=stops, seed=cell.seed)
    facts = {
        "steps": found.steps,
        "train_seconds": round(perf_counter() - begun, 1),
        "train_cpu_seconds": round(process_time() - cpu_begun, 1),
    }
    return Trained(cell.system, found.nlp, facts)


def report(path: Path, cells: Sequence[Cell], figure: Path) -> None:
    """Write a table beside the results, and draw learning curves.

    path (Path): The file of results.
    cells (Sequence[Cell]): Those to report on.
    figure (Path): The file of the figure.
    """
    results = read_results(path, STUDY)
    rows: Any = defaultdict(lambda: defaultdict(list))
    panels: Any = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for cell in cells:
        (n, part), result = _variant(cell), results[cell]
        f1 = 100 * result[part]["f"]
        rows[f"`{cell.corpus}`", str(n or "all")][cell.system].append(f1)
        panels[cell.corpus][cell.system][result["documents"]].append(f1)
    names = list(dict.fromkeys(cell.system for cell in cells))
    lines = [[*key, *(mean_and_spread(row[name]) for name in names)] for key, row in rows.items()]
    curves = draw_curves(panels, figure, tick="{}", measure=f"F1, {part}")
    publish(markdown(["corpus", "documents", *names], lines), path.with_name("few.md"), [curves])


app = typer.Typer(add_completion=False)


@app.command()
def main(
    corpus: Annotated[list[Path], typer.Argument(help="Folders with train, dev and test.")],
    documents: Annotated[
        list[int] | None,
        typer.Option(
            min=ALL,
            help=f"How many documents to learn from; {ALL}: all of train, and dev to choose by; "
            f"default: {', '.join(map(str, DOCUMENTS))}. May be repeated.",
        ),
    ] = None,
    seeds: Seeds = 3,
    base: Annotated[str, typer.Option(help="Pipeline to begin from.")] = DEFAULT_BASE,
    texts: Annotated[
        list[str] | None, typer.Option(help="Raw text, as for pretrain. May be repeated.")
    ] = None,
    system: Annotated[
        list[str] | None,
        typer.Option(
            help=f"{', '.join(SYSTEMS)}; default: all; {' and '.join(NEED_TEXTS)} need --texts."
        ),
    ] = None,
    dev: Annotated[
        bool, typer.Option("--dev", help="Score on dev, not on test, while you choose settings.")
    ] = False,
    work: Work = DEFAULT_WORK,
    output: TableFolder = DEFAULT_TABLE_FOLDER,
    figure: Annotated[
        Path | None, typer.Option(help="File for the curves; default: few.svg in --output.")
    ] = None,
) -> None:
    """Compare how well systems learn from few documents, by F1 on test."""
    start, part = Start(base, texts or (), work), "dev" if dev else "test"
    with errors_in_short(), TemporaryDirectory() as folder:
        names = system or [name for name in SYSTEMS if texts or name not in NEED_TEXTS]
        require_known(names, SYSTEMS)
        if not texts and set(names) & set(NEED_TEXTS):
            raise InputError(f"{' and '.join(NEED_TEXTS)} need raw text: give --texts.")
        lang = start.pipeline.lang
        corpora = {
            path.resolve().name: convert_corpus(path, Path(folder, str(i)), blank(lang))
            for i, path in enumerate(corpus)
        }
        cells = []
        for name, splits in corpora.items():
            if part not in splits:
                raise InputError(f"{name} has no test file. Give --dev to score on dev.")
            there = len(splits["train"].gold)
            for n in documents or DOCUMENTS:
                if n + n // 4 > there:
                    msg.warn(f"{name}, {n} documents: left out, there are only {there}")
                    continue
                cells += [
                    Cell(
                        *(STUDY, name, start.name(one), one, seed),
                        variant=f"{n}-{part}",
                        version=version_of(SYSTEMS[one][0]),
                    )
                    for seed in range(seeds)
                    for one in names
                ]
        if not cells:
            raise InputError("No corpus has enough documents. Give a lower --documents.")
        report_on = partial(report, cells=cells, figure=figure or output / "few.svg")
        run_study(
            cells, run_cell, report_on, folder=output, corpora=corpora, start=start, work=work
        )


if __name__ == "__main__":
    app()
