"""What calibration is worth, and whether guarantees hold: two tables and a figure.

    python benchmarks/calibration.py ../shared/data --preset efficiency

The network is trained as its config stands, but without calibration. Temperature, biases and
thresholds are then fitted to dev, and judged on test; a corpus without test is judged on one half
of the documents of dev, and fitted to the other. For guarantees, the judged documents are divided
into random halves: one for the threshold, and one to see whether the guarantee holds.
"""

import shutil
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import studies
import typer
from data import Split
from packaging.version import Version
from report import COLORS, DASH, markdown, mean_and_spread, origin, publish, pyplot, save_figure
from results import Cell, read_results
from settings import DEFAULT_WORK, Changes, Settings, Work, errors_in_short, settings_of
from spacy import registry
from spacy.language import Language
from spacy.training import Corpus
from systems import SYSTEM, train_pipeline

from spacy_window_ner.confidence.guarantees import Guarantee, choose_threshold, spans_for
from spacy_window_ner.confidence.judgment import Judgment, judge_calibration
from spacy_window_ner.confidence.reliability import bins_of
from spacy_window_ner.confidence.scored_examples import (
    ScoredExamples,
    find_component,
    score_examples,
)
from spacy_window_ner.confidence.tuning import best_threshold

STUDY = "calibration"
CORPORA = ("wikigold", "wnut17", "anem", "ncbi-disease", "uner-ewt", "conll03")
THRESHOLD = "spacy_window_ner_benchmarks.threshold.v1"
GUARANTEES = {
    f"{kind} {level}": Guarantee(kind, level)
    for kind, level in (
        ("candidates_recall", 0.95),
        ("candidates_recall", 0.9),
        ("recall", 0.8),
        ("precision", 0.9),
        ("precision", 0.8),
    )
}
SPLITS = 200
SUREST = 0.8
WHEN = ("before", "after")
DRAWN = ("wikigold", "wnut17", "ncbi-disease", "conll03")


@registry.callbacks(THRESHOLD)
def create_threshold(path: Path, name: str) -> Callable[[Language], Language]:
    """Make a callback that chooses the threshold and calibrates nothing."""

    def callback(nlp: Language) -> Language:
        component = find_component(nlp, name)
        scored = score_examples(nlp, name, list(Corpus(path)(nlp)))
        component.threshold = best_threshold(scored)
        return nlp

    return callback


def run_cell(cell: Cell, data: Path, settings: Settings) -> dict[str, Any]:
    """Train a network, calibrate it, and judge it before and after.

    cell (Cell): The cell.
    data (Path): The folder of all corpora.
    settings (Settings): See `studies.open_cell`.
    RETURNS (Dict[str, Any]): The result, ready to be written as JSON.
    """
    changes = {"training.before_to_disk.@callbacks": THRESHOLD}
    run = studies.open_cell(cell, data, settings, changes)
    for setting in ("guarantee", "confidence"):
        run.config["training"]["before_to_disk"].pop(setting)
    trained = train_pipeline(SYSTEM, run.config, run.folder)
    result = {**origin(), "overrides": run.settings.overrides, **trained.facts}
    result |= judge(trained.nlp, run.splits["dev"], run.splits.get("test"))
    shutil.rmtree(run.folder)
    return result


def judge(nlp: Language, dev: Split, test: Split | None) -> dict[str, Any]:
    """Calibrate a network, judge it before and after, and try guarantees.

    nlp (Language): The pipeline; it is not changed.
    dev (Split): The documents to fit to.
    test (Optional[Split]): The documents to judge on. If None, dev is divided.
    RETURNS (Dict[str, Any]): Temperature, figures before and after, bins, and guarantees.
    """
    labels = find_component(nlp, SYSTEM).label_data
    fitted = score_examples(nlp, SYSTEM, list(Corpus(dev.path)(nlp)))
    if test is None:
        documents = np.arange(fitted.n_documents)
        fitted, judged = fitted.subset(documents[::2]), fitted.subset(documents[1::2])
    else:
        judged = score_examples(nlp, SYSTEM, list(Corpus(test.path)(nlp)))
    calibration = fitted.fit()
    thresholds = best_threshold(fitted), best_threshold(fitted.corrected(calibration))
    calibrated = judged.corrected(calibration)
    before, after = judge_calibration(judged, calibrated, thresholds)
    return {
        "temperature": calibration.temperature,
        "bias": dict(zip(labels, calibration.bias.tolist(), strict=True)),
        "before": describe(before),
        "after": describe(after),
        "guarantees": {name: try_guarantee(calibrated, one) for name, one in GUARANTEES.items()},
    }


def describe(judgment: Judgment) -> dict[str, Any]:
    """RETURNS (Dict[str, Any]): The figures of a judgment, the precision among the surest entities,
    and the bins of a reliability diagram.
    """
    order = np.argsort(-judgment.entities, kind="stable")
    surest = order[: round(SUREST * len(order))]
    bins = bins_of(judgment.entities, judgment.entities_correct)
    return {
        **judgment.figures,
        "p_of_surest": float(judgment.entities_correct[surest].mean()) if len(surest) else 0.0,
        "claimed": bins.claimed.round(4).tolist(),
        "right": bins.right.round(4).tolist(),
    }


def try_guarantee(scored: ScoredExamples, guarantee: Guarantee) -> dict[str, Any]:
    """See whether a guarantee holds in random halves of documents.

    scored (ScoredExamples): The documents.
    guarantee (Guarantee): The guarantee.
    RETURNS (Dict[str, Any]): The share of the splits in which it is refused, the share of the
        others in which it holds, and means of precision, recall, and spans for each annotated
        entity.
    """
    found, n_gold = spans_for(scored, guarantee), scored.n_gold
    rng, n = np.random.default_rng(0), scored.n_documents
    outcomes = []
    for _ in range(SPLITS):
        half = np.zeros(n, dtype=bool)
        half[rng.permutation(n)[: n // 2]] = True
        mine = found.where(half[found.documents])
        number = np.cumsum(half) - 1
        threshold = choose_threshold(
            replace(mine, documents=number[mine.documents]), n_gold[half], guarantee
        )
        if threshold is not None:
            others = found.where(~half[found.documents] & (found.probabilities > threshold))
            n_right, total = int(others.correct.sum()), max(int(n_gold[~half].sum()), 1)
            precision, recall = n_right / max(len(others.correct), 1), n_right / total
            outcomes.append((precision, recall, len(others.correct) / total))
    result = {"refused": 1 - len(outcomes) / SPLITS}
    if outcomes:
        precision, recall, spans = (mean(values) for values in zip(*outcomes, strict=True))
        promised = 0 if guarantee.kind == "precision" else 1
        kept = [outcome[promised] >= guarantee.level for outcome in outcomes]
        result |= {"holds": mean(kept), "p": precision, "r": recall, "spans": spans}
    return result


FIGURES = {
    "ece": "ECE",
    "ece_by_chance": "ECE by chance",
    "brier": "Brier score",
    "log_loss": "log loss",
    "f": "F1",
    "p_of_surest": "precision of the surest 80 %",
}


ByCorpus = dict[tuple[str, ...], list[dict[str, Any]]]


def group(results: dict[Cell, dict[str, Any]]) -> ByCorpus:
    """RETURNS (Dict[Tuple[str, ...], List[Dict[str, Any]]]): The results of all seeds, by version,
    preset and corpus.
    """
    by_corpus: ByCorpus = defaultdict(list)
    for cell in sorted(results):
        by_corpus[cell.version, cell.preset, cell.corpus].append(results[cell])
    return by_corpus


def tabulate_calibration(by_corpus: ByCorpus) -> str:
    """RETURNS (str): The figures before and after calibration, as a table in Markdown."""
    rows = [
        [
            *key,
            text,
            *(mean_and_spread([of[when][name] for of in several], digits=3) for when in WHEN),
        ]
        for key, several in by_corpus.items()
        for name, text in FIGURES.items()
    ]
    return markdown(["version", "preset", "corpus", "figure", "before", "after"], rows)


def tabulate_guarantees(by_corpus: ByCorpus) -> str:
    """RETURNS (str): What came of the guarantees, as a table in Markdown."""
    header = ["version", "preset", "corpus", "guarantee", "refused", "holds", "refused or holds"]
    rows = [
        [*key, name, *_outcomes([of["guarantees"][name] for of in several])]
        for key, several in by_corpus.items()
        for name in GUARANTEES
    ]
    return markdown([*header, "P", "R", "spans"], rows)


def report(path: Path) -> None:
    """Publish the tables of all results, and draw the reliability diagrams.

    path (Path): The file of results.
    """
    by_corpus = group(read_results(path, STUDY))
    figure = draw(by_corpus, path.with_name("calibration.svg"))
    publish(tabulate_calibration(by_corpus), path.with_name("calibration.md"), [figure])
    publish(tabulate_guarantees(by_corpus), path.with_name("guarantees.md"), [])


def _outcomes(seeds: list[dict[str, float]]) -> list[str]:
    """The means over seeds of what came of a guarantee, of those in which it was given at all."""
    given = [one for one in seeds if "holds" in one]
    columns = [f"{mean(one['refused'] for one in seeds):.2f}"]
    for name in ("holds", "p", "r", "spans"):
        columns.append(f"{mean(one[name] for one in given):.2f}" if given else DASH)
    broken = mean((1 - one["refused"]) * (1 - one.get("holds", 1)) for one in seeds)
    columns.insert(2, f"{1 - broken:.2f}")
    return columns


def draw(by_corpus: ByCorpus, path: Path) -> Path:
    """Draw a reliability diagram for each preset and corpus in `DRAWN`, of the newest version.

    by_corpus (Dict[Tuple[str, ...], List[Dict[str, Any]]]): The results of all seeds, by version,
        preset and corpus.
    path (Path): The file.
    RETURNS (Path): The file.
    """
    newest = max((Version(version) for version, _, _ in by_corpus), default=None)
    keys = [key for key in by_corpus if key[2] in DRAWN and Version(key[0]) == newest]
    plt = pyplot()
    n_rows = max(len({preset for _, preset, _ in keys}), 1)
    figure, axes = plt.subplots(n_rows, len(DRAWN), figsize=(11, 3 * n_rows), squeeze=False)
    presets = sorted({preset for _, preset, _ in keys}, reverse=True)
    for version, preset, corpus in keys:
        ax = axes[presets.index(preset), DRAWN.index(corpus)]
        ax.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1)
        for when, color in zip(WHEN, (COLORS["ner"], COLORS["window_ner"]), strict=True):
            bins = [
                (of[when]["claimed"], of[when]["right"])
                for of in by_corpus[version, preset, corpus]
            ]
            claimed, right = (np.mean(values, axis=0) for values in zip(*bins, strict=True))
            ax.plot(claimed, right, color=color, marker="o", markersize=3, label=when)
        ax.set(title=f"{corpus}, {preset}", xlabel="probability", ylabel="share that is right")
        ax.legend(frameon=False, fontsize=8)
    return save_figure(figure, path)


app = typer.Typer(add_completion=False)


@app.command()
def main(
    data: studies.DataFolder,
    corpus: studies.CorpusNames = None,
    preset: studies.PresetNames = None,
    seeds: studies.Seeds = 3,
    changes: Changes = None,
    work: Work = DEFAULT_WORK,
    output: studies.TableFolder = studies.DEFAULT_TABLE_FOLDER,
) -> None:
    """Train window_ner, and see what calibration and guarantees are worth on other documents."""
    with errors_in_short():
        settings = settings_of(changes=changes, work=work)
        chosen = studies.choose(
            STUDY, data, corpora=corpus or CORPORA, presets=preset or (), seeds=range(seeds)
        )
        studies.run_study(chosen, run_cell, report, folder=output, data=data, settings=settings)


if __name__ == "__main__":
    app()
