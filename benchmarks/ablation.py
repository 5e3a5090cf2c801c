"""What each part of `window_ner` is worth: the configs as they stand, and with one thing changed.

    python benchmarks/accuracy.py ../shared/data --ablation --corpus wnut17 --preset efficiency

Each cell is one variant of a preset trained on one corpus with one seed; `results.py` keeps the
results. Cells of a preset whose config has changed must be removed from them by hand. Scores are on
dev; test is not used. To add a variant, add a line to `VARIANTS`; results of a variant that is no
longer there stay in the table.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import studies
from data import InputError
from packaging.version import Version
from report import COLORS, markdown, mean_and_spread, publish, pyplot, save_figure
from results import AS_IT_STANDS, Cell, Results, read_results
from settings import Settings
from spacy import util
from systems import SYSTEM, train_alone

STUDY = "ablation"
MODEL = "components.window_ner.model"
TOKENS = f"{MODEL}.tok2vec"
# Parallel lists with one entry for each feature: leaving out a feature changes all three.
FEATURE_LISTS = ("attrs", "rows", "widths")


@dataclass(frozen=True)
class Variant:
    """A change to a preset.

    changes (Mapping[str, Any]): Settings of the config by their dotted names, as with `--set`.
    without (Sequence[str]): Prefixes of the names of features to leave out.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    without: Sequence[str] = ()


EVERYWHERE = {
    "no-words": Variant(without=["NORM"]),
    "no-shapes": Variant(without=["SHAPE"]),
    "no-affixes": Variant(without=["PREFIX", "SUFFIX"]),
    "no-document-context": Variant({f"{MODEL}.document_context": False}),
    "no-context-dropout": Variant({f"{MODEL}.context_dropout": 0.0}),
    "window-1": Variant({f"{MODEL}.window_size": 1}),
    "hidden-256": Variant({f"{MODEL}.hidden_width": 256}),
    "softmax": Variant({f"{MODEL}.objective": "softmax"}),
    "viterbi-alone": Variant({"training.before_to_disk": None}),
    "no-rare-dropout": Variant({f"{TOKENS}.rare_dropout": 0.0}),
    "whole-documents": Variant({"corpora.train.cut": 0.0}),
    "no-sentence-starts": Variant({"corpora.train.sentence_starts": 0.0}),
    "no-averages": Variant({"training.optimizer.use_averages": False}),
    # After the warm-up, the rate decays too slowly to matter.
    "constant-rate": Variant({"training.optimizer.learn_rate.total_steps": 1_000_000_000}),
}
VARIANTS: dict[str, dict[str, Variant]] = {
    "efficiency": {
        AS_IT_STANDS: Variant(),
        "no-case": Variant(without=["CASE"]),
        "window-2": Variant({f"{MODEL}.window_size": 2}),
        "dropout-0.2": Variant({"training.dropout": 0.2}),
        "one-more-window": Variant({f"{MODEL}.hidden_windows": [1]}),
        **EVERYWHERE,
    },
    "accuracy": {
        AS_IT_STANDS: Variant(),
        "no-vectors": Variant(
            {
                "paths.vectors": None,
                f"{TOKENS}.include_static_vectors": False,
                f"{TOKENS}.vector_clusters": [],
            }
        ),
        "no-vector-clusters": Variant({f"{TOKENS}.vector_clusters": []}),
        "window-3": Variant({f"{MODEL}.window_size": 3}),
        "dropout-0.4": Variant({"training.dropout": 0.4}),
        "no-hidden-window": Variant({f"{MODEL}.hidden_windows": []}),
        "hidden-128": Variant({f"{MODEL}.hidden_width": 128}),
        "no-clusters": Variant({"initialize.lookups": None}, without=["CLUSTER"]),
        **EVERYWHERE,
    },
}


def choose(
    data: Path, *, corpora: Sequence[str], variants: Sequence[str] = (), **asked: Any
) -> list[Cell]:
    """List cells, with all variants of the first seed before those of the second.

    data (Path): The folder of all corpora.
    corpora (Sequence[str]): Names of folders, at least one.
    variants (Sequence[str]): Names of variants; empty for all that a preset has.
    **asked: See `studies.choose`.
    RETURNS (List[Cell]): The cells.
    RAISES (InputError): If a name is unknown, or no corpus is named.
    """
    names = dict.fromkeys(chain(*VARIANTS.values()))
    cells = studies.choose(STUDY, data, corpora=corpora, variants=names, **asked)
    if not corpora:
        there = ", ".join(sorted({cell.corpus for cell in cells}))
        raise InputError(f"Name corpora for the ablation with --corpus: {there}.")
    cells = [cell for cell in cells if cell.variant in VARIANTS[cell.preset]]
    studies.require_known(variants, dict.fromkeys(cell.variant for cell in cells))
    return [cell for cell in cells if not variants or cell.variant in variants]


def changes_of(preset: str, variant: str) -> dict[str, Any]:
    """Resolve a variant to settings of the preset's config.

    preset (str): A name in `VARIANTS`.
    variant (str): A name in `VARIANTS[preset]`.
    RETURNS (Dict[str, Any]): New values by dotted names.
    RAISES (InputError): If the config does not have a feature that the variant leaves out.
    """
    chosen = VARIANTS[preset][variant]
    if not chosen.without:
        return dict(chosen.changes)
    path, _ = studies.PRESETS[preset]
    tokens = util.load_config(path)["components"]["window_ner"]["model"]["tok2vec"]
    for beginning in chosen.without:
        if not any(name.startswith(beginning) for name in tokens["attrs"]):
            raise InputError(
                f"The variant {variant} leaves out {beginning}, but no feature of {path} begins "
                f"with that: {', '.join(tokens['attrs'])}."
            )
    beginnings = tuple(chosen.without)
    kept = [i for i, name in enumerate(tokens["attrs"]) if not name.startswith(beginnings)]
    lists = {f"{TOKENS}.{key}": [tokens[key][i] for i in kept] for key in FEATURE_LISTS}
    return {**chosen.changes, **lists}


def run_cell(cell: Cell, data: Path, settings: Settings) -> dict[str, Any]:
    """Train one variant, and score it on dev.

    cell (Cell): The cell.
    data (Path): The folder of all corpora.
    settings (Settings): See `studies.open_cell`. The changes of the variant take precedence over
        the overrides.
    RETURNS (Dict[str, Any]): The result, ready to be written as JSON.
    RAISES (InputError): If something the user gave cannot be used.
    """
    changes = changes_of(cell.preset, cell.variant)
    others = {"vectors": changes["paths.vectors"]} if "paths.vectors" in changes else {}
    run = studies.open_cell(cell, data, settings, changes, test=False, **others)
    return train_alone(SYSTEM, run)


Key = tuple[str, str, str]
Row = dict[int, float]


@dataclass(frozen=True)
class Worth:
    """The scores of a variant.

    variant (str): Its name.
    f1 (Sequence[float]): F1 on dev from 0 to 100, one for each seed.
    differences (Sequence[float]): The difference to the config as it stands with the same seed,
        one for each seed that both have.
    """

    variant: str
    f1: Sequence[float]
    differences: Sequence[float]


def compare(results: Results) -> dict[Key, list[Worth]]:
    """Compare each variant with the config as it stands.

    results (Dict[Cell, Dict[str, Any]]): The results.
    RETURNS (Dict[Tuple[str, str, str], List[Worth]]): For each preset, corpus and version the
        config as it stands where it has results, then the variants, from the largest loss to the
        largest gain.
    """
    rows: dict[Key, dict[str, Row]] = defaultdict(lambda: defaultdict(dict))
    for cell in sorted(results):
        row = rows[cell.preset, cell.corpus, cell.version][cell.variant]
        row[cell.seed] = 100 * results[cell]["dev"]["f"]
    compared = {}
    for key in sorted(rows, key=_place):
        base = rows[key].get(AS_IT_STANDS, {})
        worths = [_worth(variant, row, base) for variant, row in rows[key].items()]
        compared[key] = sorted(worths, key=_order)
    return compared


def _place(key: Key) -> tuple[int, str, Version]:
    preset, corpus, version = key
    return list(VARIANTS).index(preset), corpus, Version(version)


def _worth(variant: str, row: Row, base: Row) -> Worth:
    differences = [f1 - base[seed] for seed, f1 in row.items() if seed in base]
    return Worth(variant, list(row.values()), [] if variant == AS_IT_STANDS else differences)


def _order(worth: Worth) -> tuple[bool, float]:
    return worth.variant != AS_IT_STANDS, mean(worth.differences or [0])


def _name_presets(keys: Iterable[Key]) -> dict[Key, str]:
    """Name the presets, with the version where there are several."""
    versions = {version for _, _, version in keys}
    return {key: f"{key[0]} {key[2]}" if len(versions) > 1 else key[0] for key in keys}


def table(compared: Mapping[Key, Sequence[Worth]]) -> str:
    """Format a comparison as one table in Markdown.

    compared (Mapping[Tuple[str, str, str], Sequence[Worth]]): What `compare` returns.
    RETURNS (str): A row for each variant: the number of seeds, F1 on dev and the difference to the
        config as it stands, each as mean ± standard deviation.
    """
    header = ["preset", "corpus", "variant", "seeds", "dev F1", "difference"]
    names = _name_presets(compared)
    rows = [
        [
            names[key],
            f"`{key[1]}`",
            worth.variant,
            str(len(worth.f1)),
            mean_and_spread(worth.f1),
            mean_and_spread(worth.differences, "+"),
        ]
        for key, worths in compared.items()
        for worth in worths
    ]
    return markdown(header, rows)


def draw(compared: Mapping[Key, Sequence[Worth]], path: Path) -> Path | None:
    """Draw the difference that each variant makes, with its spread over the seeds.

    compared (Mapping[Tuple[str, str, str], Sequence[Worth]]): What `compare` returns.
    path (Path): The figure, SVG.
    RETURNS (Optional[Path]): The figure; None where there is no difference to draw.
    """
    names = _name_presets(compared)
    panels = {
        key: drawn
        for key, worths in compared.items()
        if (drawn := [worth for worth in worths if worth.differences])
    }
    if not panels:
        return None
    size = (4.8 * len(panels), 1.2 + 0.28 * max(map(len, panels.values())))
    figure, axes = pyplot().subplots(1, len(panels), figsize=size, squeeze=False)
    for (key, worths), axis in zip(panels.items(), axes[0], strict=True):
        means = [mean(worth.differences) for worth in worths]
        several = (worth.differences for worth in worths)
        spread = [stdev(values) if len(values) > 1 else 0 for values in several]
        variants = [worth.variant for worth in worths]
        axis.barh(variants, means, xerr=spread, capsize=3, color=COLORS[SYSTEM], ecolor="#404040")
        axis.axvline(0, color="black", linewidth=0.8)
        axis.invert_yaxis()
        preset, *version = names[key].split()
        axis.set_title(" ".join([f"{key[1]}, {preset}.cfg", *version]))
        axis.set_xlabel("dev F1, difference to the config as it stands")
    return save_figure(figure, path)


def report(path: Path) -> None:
    """Write the table and the figure of all results beside their file, and print the table.

    path (Path): The file of results.
    RAISES (InputError): If the file cannot be read.
    """
    compared = compare(read_results(path, STUDY))
    figure = draw(compared, path.with_name("ablation.svg"))
    publish(table(compared), path.with_name("ablation.md"), [] if figure is None else [figure])
