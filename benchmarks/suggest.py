"""How much annotation `suggest` saves: `suggest.svg`, and a table.

    python benchmarks/suggest.py ../shared/data

Annotation is simulated: the first sentences are drawn at random, and in each round more are
annotated, which `suggest` chooses from all others by the network trained on those before, or which
are drawn at random. In each round a network is trained anew, and scored on dev.
"""

import random
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import numpy as np
import studies
import typer
from data import InputError
from report import COLORS, DASH, markdown, origin, pyplot, save_figure
from results import Cell, Results, read_results, version_of
from scoring import evaluate
from settings import DEFAULT_WORK, Changes, Settings, Work, errors_in_short, settings_of
from spacy import util
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training.loop import DIR_MODEL_BEST
from systems import SYSTEM, Run, train_pipeline
from wasabi import msg

from spacy_window_ner.inspect.suggest import suggest

STUDY = "suggest"
PRESET = "efficiency"
CORPORA = ("wikigold", "wnut17", "anem")
RANDOM, SUGGEST = "random", "suggest"
STRATEGIES = (RANDOM, SUGGEST)
PER_ROUND = 100
ROUNDS = 6
# Training is short: there are few sentences, and many rounds. With the eleven labels of anem, most
# of them rare, it learns hardly anything in so few steps.
STEPS, STEPS_OF = 400, {"anem": 800}
TARGET = 0.3

Curve = list[dict[str, Any]]


def shortened(steps: int) -> dict[str, Any]:
    """RETURNS (Dict[str, Any]): Overrides for a training of so many steps, all of which count: dev
    does not choose when to stop.
    """
    return {
        "training.max_steps": steps,
        "training.eval_frequency": steps,
        "training.optimizer.learn_rate.warmup_steps": 50,
        "training.optimizer.learn_rate.total_steps": steps,
    }


def run_cell(cell: Cell, data: Path, settings: Settings, rounds: int, size: int) -> dict[str, Any]:
    """Simulate annotation with one strategy, which is the variant of the cell.

    cell (Cell): The cell.
    data (Path): The folder of all corpora.
    settings (Settings): See `studies.open_cell`.
    rounds (int): How many networks to train.
    size (int): How many sentences are annotated before each.
    RETURNS (Dict[str, Any]): The result, ready to be written as JSON. The `curve` has the
        annotated sentences and words of each round, and precision, recall and F1 on dev.
    RAISES (InputError): If the corpus has too few sentences.
    """
    changes = {**shortened(STEPS_OF.get(cell.corpus, STEPS)), **settings.overrides}
    run = studies.open_cell(cell, data, settings, changes, test=False)
    docs = run.splits["train"].annotated()
    if len(docs) < rounds * size:
        raise InputError(
            f"{cell.corpus} has {len(docs)} sentences to train on, fewer than {rounds} rounds of "
            f"{size}. Give smaller numbers with --rounds and --size."
        )
    order = random.Random(cell.seed).sample(range(len(docs)), len(docs))
    annotated: list[int] = []
    curve: Curve = []
    for number in range(rounds):
        left = [i for i in order if i not in set(annotated)]
        if number and cell.variant != RANDOM:
            nlp = util.load_model(run.folder / str(number) / SYSTEM / DIR_MODEL_BEST)
            annotated += _suggested(nlp, docs, left, size)
        else:
            annotated += left[:size]
        scores = _train(run, [docs[i] for i in annotated], run.folder / str(number + 1))
        n_words = sum(len(docs[i]) for i in annotated)
        curve.append({"sentences": len(annotated), "words": n_words, **scores})
    shutil.rmtree(run.folder)
    return {**origin(), "overrides": run.settings.overrides, "curve": curve}


def _suggested(nlp: Language, docs: Sequence[Doc], left: Sequence[int], n: int) -> list[int]:
    """The numbers of the documents that `suggest` chooses from those that are left."""
    numbers = defaultdict(list)
    for i in left:
        numbers[docs[i].text].append(i)
    tasks = suggest(nlp, [docs[i].text for i in left], n)
    return [numbers[task.text].pop() for task in tasks]


def _train(run: Run, docs: Sequence[Doc], folder: Path) -> dict[str, float]:
    """Train on some of the documents, save the pipeline to a folder, and score on dev."""
    DocBin(docs=docs).to_disk(run.splits["train"].path)
    scores = evaluate(train_pipeline(SYSTEM, run.config, folder).nlp, run.splits["dev"])
    assert scores is not None
    return {key: scores[key] for key in "prf"}


def mean_curve(curves: Sequence[Curve], key: str) -> list[float]:
    """RETURNS (List[float]): The means over seeds, by round, of the rounds that all seeds have."""
    return [mean(point[key] for point in points) for points in zip(*curves, strict=False)]


def needed(amounts: Sequence[float], scores: Sequence[float], score: float) -> float | None:
    """Find where a curve reaches a score for the first time.

    amounts (Sequence[float]): The amounts of annotation, ascending.
    scores (Sequence[float]): The scores with these.
    score (float): The score to reach.
    RETURNS (Optional[float]): The amount, with straight lines between the points; None if the score
        is not reached.
    """
    best = np.maximum.accumulate(scores)
    if score > best[-1]:
        return None
    after = int(np.searchsorted(best, score))
    if after == 0:
        return float(amounts[0])
    share = (score - best[after - 1]) / (best[after] - best[after - 1])
    return float(amounts[after - 1] + share * (amounts[after] - amounts[after - 1]))


def compare(curves: Mapping[str, Sequence[Curve]]) -> list[dict[str, Any]]:
    """Compare `suggest` with random order.

    curves (Mapping[str, Sequence[Curve]]): The curves of all seeds by strategy.
    RETURNS (List[Dict[str, Any]]): For each round of random order its `sentences` and `words`, the
        `f` of both strategies with as many sentences, and how many sentences and words `suggest`
        needs for the same F1, None if it does not reach that.
    """
    of = {
        (name, key): mean_curve(curves[name], key)
        for name, key in product(STRATEGIES, ("sentences", "words", "f"))
    }
    rows = []
    for i, f in enumerate(of[RANDOM, "f"]):
        row: dict[str, Any] = {"f": {name: of[name, "f"][i] for name in STRATEGIES}}
        for key in ("sentences", "words"):
            row[key] = of[RANDOM, key][i]
            row[f"{key}_needed"] = needed(of[SUGGEST, key], of[SUGGEST, "f"], f)
        rows.append(row)
    return rows


def report(path: Path) -> None:
    """Print the table of all results, and draw the figure.

    path (Path): The file of results.
    """
    curves = curves_of(read_results(path, STUDY))
    header = ["corpus", "seeds", "sentences", "F1, random", "F1, suggest"]
    header += ["needed", "saved", "words saved"]
    rows = [
        [
            corpus,
            str(len(of_corpus[RANDOM])),
            f"{row['sentences']:.0f}",
            *(f"{100 * row['f'][name]:.1f}" for name in STRATEGIES),
            DASH if row["sentences_needed"] is None else f"{row['sentences_needed']:.0f}",
            *(_saved(row[f"{key}_needed"], row[key]) for key in ("sentences", "words")),
        ]
        for corpus, of_corpus in curves.items()
        for row in compare(of_corpus)[1:]
    ]
    print(markdown(header, rows))
    msg.good(f"Figure: {draw(curves, path.parent / 'suggest.svg')}")


def curves_of(results: Results) -> dict[str, dict[str, list[Curve]]]:
    """RETURNS (Dict[str, Dict[str, List[Curve]]]): The curves by corpus and strategy, of the seeds
    that have both, in their order.
    """
    found: dict[str, dict[str, list[Curve]]] = {}
    curves = {
        (cell.corpus, cell.seed, cell.variant): result["curve"]
        for cell, result in results.items()
        if cell.version == version_of(SYSTEM)
    }
    for corpus, seed in sorted({key[:2] for key in curves}):
        both = [curves.get((corpus, seed, name)) for name in STRATEGIES]
        if None not in both:
            of_corpus = found.setdefault(corpus, {name: [] for name in STRATEGIES})
            for name, curve in zip(STRATEGIES, both, strict=True):
                of_corpus[name].append(curve or [])
    return found


def _saved(amount: float | None, whole: float) -> str:
    return DASH if amount is None else f"{100 * (1 - amount / whole):.0f} %"


def draw(curves: Mapping[str, Mapping[str, Sequence[Curve]]], path: Path) -> Path:
    """Draw F1 by annotated sentences for each corpus: each seed thin, their mean thick.

    curves (Mapping[str, Mapping[str, Sequence[Curve]]]): The curves by corpus and strategy.
    path (Path): The file.
    RETURNS (Path): The file.
    """
    plt = pyplot()
    figure, axes = plt.subplots(1, max(len(curves), 1), figsize=(11, 3.4), squeeze=False)
    colors = {RANDOM: COLORS["crf"], SUGGEST: COLORS["window_ner"]}
    for ax, (corpus, of_corpus) in zip(axes[0], curves.items(), strict=False):
        for name, color in colors.items():
            several = of_corpus[name]
            for curve in several:
                xs, ys = zip(*((one["sentences"], 100 * one["f"]) for one in curve), strict=True)
                ax.plot(xs, ys, color=color, linewidth=0.7, alpha=0.45)
            xs = mean_curve(several, "sentences")
            ys = [100 * f for f in mean_curve(several, "f")]
            ax.plot(xs, ys, color=color, linewidth=2, marker="o", markersize=3, label=name)
        ax.set(title=corpus, xlabel="annotated sentences", ylabel="F1, dev")
        ax.grid(alpha=0.3)
        ax.legend(frameon=False, loc="lower right")
    return save_figure(figure, path)


app = typer.Typer(add_completion=False)


@app.command()
def main(
    data: studies.DataFolder,
    corpus: studies.CorpusNames = None,
    strategy: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(STRATEGIES)}; default: both.")
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="A seed, of all that is random; default: 0, 1, 2.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=2, help="How many networks to train.")] = ROUNDS,
    size: Annotated[
        int, typer.Option(min=1, help="Sentences to annotate before each.")
    ] = PER_ROUND,
    changes: Changes = None,
    work: Work = DEFAULT_WORK,
    output: studies.TableFolder = studies.DEFAULT_TABLE_FOLDER,
) -> None:
    """Measure how much annotation `suggest` saves against random order.

    Each corpus, strategy and seed is one line of the results, and not run again.
    """
    with errors_in_short():
        studies.require_known(strategy or (), STRATEGIES)
        cells = studies.choose(
            STUDY,
            data,
            corpora=corpus or CORPORA,
            presets=[PRESET],
            variants=strategy or STRATEGIES,
            seeds=seed or range(3),
        )
        settings = settings_of(changes=changes, work=work)
        sizes = {"rounds": rounds, "size": size}
        studies.run_study(
            cells, run_cell, report, folder=output, data=data, settings=settings, **sizes
        )


if __name__ == "__main__":
    app()
