"""What each part of `window_ner` is worth: the configs as they stand, and with one thing changed.

    python benchmarks/accuracy.py ../shared/data --ablation --corpus wnut17 --preset efficiency

A trial is one training on one corpus with one variant of a preset and one seed. As in the suite,
each is written as a file of its own and is not run again while that file is there: remove the
files of a preset when its config changes. All is scored on dev; test is not looked at. A further
variant is one more line in `VARIANTS`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import srsly
from data import InputError
from report import COLORS, markdown, mean_and_spread, pyplot, save_figure
from settings import Settings
from spacy import util
from suite import PRESETS, require_known, settings_for, sizes_of_corpora
from systems import SYSTEM, open_run, train_alone
from wasabi import msg

MODEL = "components.window_ner.model"
TOKENS = f"{MODEL}.tok2vec"
# One entry for each feature of the token vectors: what leaves one out must change all three.
FEATURE_LISTS = ("attrs", "rows", "widths")
AS_IT_STANDS = "as-it-stands"


@dataclass(frozen=True)
class Variant:
    """What is changed of a preset.

    changes (Mapping[str, Any]): Settings of the config by their dotted names, as with `--set`.
    without (Sequence[str]): Features of the token vectors to leave out, by how their names begin.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    without: Sequence[str] = ()


EVERYWHERE = {
    "no-words": Variant(without=["NORM"]),
    "no-shapes": Variant(without=["SHAPE"]),
    "no-affixes": Variant(without=["PREFIX", "SUFFIX"]),
    "no-document-context": Variant({f"{MODEL}.document_context": False}),
    "no-document-votes": Variant({f"{MODEL}.document_votes": False}),
    "no-context-dropout": Variant({f"{MODEL}.context_dropout": 0.0}),
    "window-1": Variant({f"{MODEL}.window_size": 1}),
    "window-2": Variant({f"{MODEL}.window_size": 2}),
    "hidden-256": Variant({f"{MODEL}.hidden_width": 256}),
    "softmax": Variant({f"{MODEL}.objective": "softmax"}),
    "viterbi-alone": Variant({"training.before_to_disk": None}),
    "with-ngrams": Variant({f"{TOKENS}.ngrams": [3, 4, 5]}),
    "no-rare-dropout": Variant({f"{TOKENS}.rare_dropout": 0.0}),
    "dropout-0.2": Variant({"training.dropout": 0.2}),
    "no-averages": Variant({"training.optimizer.use_averages": False}),
    # After the warm-up it falls so slowly that it stays where it is.
    "constant-rate": Variant({"training.optimizer.learn_rate.total_steps": 1_000_000_000}),
}
VARIANTS: dict[str, dict[str, Variant]] = {
    "efficiency": {
        AS_IT_STANDS: Variant(),
        "no-case": Variant(without=["CASE"]),
        **EVERYWHERE,
    },
    "accuracy": {
        AS_IT_STANDS: Variant(),
        "no-vectors": Variant({"paths.vectors": None, f"{TOKENS}.include_static_vectors": False}),
        "no-clusters": Variant({"initialize.lookups": None}, without=["CLUSTER"]),
        **EVERYWHERE,
    },
}


@dataclass(frozen=True, order=True)
class Trial:
    """One training of one variant.

    corpus (str): The folder's name.
    preset (str): A name in `VARIANTS`.
    variant (str): A name in `VARIANTS[preset]`.
    seed (int): The seed of training.
    """

    corpus: str
    preset: str
    variant: str
    seed: int

    def file(self, folder: Path) -> Path:
        """Where its result is.

        folder (Path): The folder of the ablation's results.
        RETURNS (Path): A JSON file.
        """
        return folder / f"{self.corpus}-{self.preset}-{self.variant}-{self.seed}.json"


def choose(
    data: Path,
    *,
    corpora: Sequence[str],
    presets: Sequence[str],
    variants: Sequence[str],
    seeds: Iterable[int],
) -> list[Trial]:
    """List trials, all variants with the first seed before the second.

    data (Path): The folder of all corpora.
    corpora (Sequence[str]): Names of folders, at least one.
    presets (Sequence[str]): Names in `VARIANTS`; empty for all.
    variants (Sequence[str]): Names of variants; empty for all. A preset has those that it has.
    seeds (Iterable[int]): Seeds.
    RETURNS (List[Trial]): The trials.
    RAISES (InputError): If there is no such corpus, preset or variant, or no corpus is named.
    """
    sizes = sizes_of_corpora(data)
    if not corpora:
        raise InputError(f"Name corpora for the ablation with --corpus: {', '.join(sizes)}.")
    require_known(corpora, sizes)
    require_known(presets, VARIANTS)
    presets = presets or list(VARIANTS)
    require_known(variants, dict.fromkeys(name for key in presets for name in VARIANTS[key]))
    return [
        Trial(corpus, preset, variant, seed)
        for corpus in corpora
        for preset in presets
        for seed in seeds
        for variant in VARIANTS[preset]
        if not variants or variant in variants
    ]


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
    path, _ = PRESETS[preset]
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


def run_trial(trial: Trial, data: Path, settings: Settings) -> dict[str, Any]:
    """Train one variant, and score it on dev.

    trial (Trial): The trial.
    data (Path): The folder of all corpora.
    settings (Settings): Overrides, language, and where to work. Where an override and the variant
        change the same setting, the variant does.
    RETURNS (Dict[str, Any]): The result, ready to be written as JSON.
    RAISES (InputError): If something the user gave cannot be used.
    """
    settings = settings_for(data, trial.corpus, trial.preset, trial.seed, settings)
    changes = changes_of(trial.preset, trial.variant)
    settings = replace(
        settings,
        vectors=changes.get("paths.vectors", settings.vectors),
        overrides={**settings.overrides, **changes},
        test=False,
    )
    run = open_run(data / trial.corpus, settings, settings.work / trial.file(Path()).stem)
    return {"trial": asdict(trial), **train_alone(SYSTEM, run)}


Row = dict[int, float]


@dataclass(frozen=True)
class Worth:
    """What a variant reaches.

    variant (str): Its name.
    f1 (Sequence[float]): F1 on dev from 0 to 100, one for each seed.
    differences (Sequence[float]): The same less that of the config as it stands with the same seed,
        one for each seed that both have.
    """

    variant: str
    f1: Sequence[float]
    differences: Sequence[float]


def read_results(folder: Path) -> dict[Trial, float]:
    """Read the results that are there.

    folder (Path): The folder of the ablation's results.
    RETURNS (Dict[Trial, float]): F1 on dev from 0 to 100.
    """
    results = (srsly.read_json(path) for path in sorted(folder.glob("*.json")))
    return {Trial(**result["trial"]): 100 * result["dev"]["f"] for result in results}


def compare(results: Mapping[Trial, float]) -> dict[tuple[str, str], list[Worth]]:
    """Put the results of each variant beside those of the config as it stands.

    results (Mapping[Trial, float]): F1 of each trial.
    RETURNS (Dict[Tuple[str, str], List[Worth]]): For each preset and corpus the config as it stands
        where it is there, then the variants, from the largest loss to the largest gain.
    """
    rows: dict[tuple[str, str], dict[str, Row]] = defaultdict(lambda: defaultdict(dict))
    for trial in sorted(results):
        rows[trial.preset, trial.corpus][trial.variant][trial.seed] = results[trial]
    compared = {}
    for key in sorted(rows, key=lambda key: (list(VARIANTS).index(key[0]), key[1])):
        base = rows[key].get(AS_IT_STANDS, {})
        worths = [_worth(variant, row, base) for variant, row in rows[key].items()]
        compared[key] = sorted(worths, key=_order)
    return compared


def _worth(variant: str, row: Row, base: Row) -> Worth:
    differences = [f1 - base[seed] for seed, f1 in row.items() if seed in base]
    return Worth(variant, list(row.values()), [] if variant == AS_IT_STANDS else differences)


def _order(worth: Worth) -> tuple[bool, float]:
    return worth.variant != AS_IT_STANDS, mean(worth.differences or [0])


def table(compared: Mapping[tuple[str, str], Sequence[Worth]]) -> str:
    """Write what was compared as one table in Markdown.

    compared (Mapping[Tuple[str, str], Sequence[Worth]]): What `compare` returns.
    RETURNS (str): A row for each variant: the number of seeds, F1 on dev and the difference to the
        config as it stands, each as mean ± standard deviation.
    """
    header = ["preset", "corpus", "variant", "seeds", "dev F1", "difference"]
    rows = [
        [
            preset,
            f"`{corpus}`",
            worth.variant,
            str(len(worth.f1)),
            mean_and_spread(worth.f1),
            mean_and_spread(worth.differences, "+"),
        ]
        for (preset, corpus), worths in compared.items()
        for worth in worths
    ]
    return markdown(header, rows)


def draw(compared: Mapping[tuple[str, str], Sequence[Worth]], path: Path) -> Path | None:
    """Draw the difference that each variant makes, with its spread over the seeds.

    compared (Mapping[Tuple[str, str], Sequence[Worth]]): What `compare` returns.
    path (Path): The figure, SVG.
    RETURNS (Optional[Path]): The figure; None where there is no difference to draw.
    """
    panels = {
        key: drawn
        for key, worths in compared.items()
        if (drawn := [worth for worth in worths if worth.differences])
    }
    if not panels:
        return None
    size = (4.8 * len(panels), 1.2 + 0.28 * max(map(len, panels.values())))
    figure, axes = pyplot().subplots(1, len(panels), figsize=size, squeeze=False)
    for ((preset, corpus), worths), axis in zip(panels.items(), axes[0], strict=True):
        means = [mean(worth.differences) for worth in worths]
        several = (worth.differences for worth in worths)
        spread = [stdev(values) if len(values) > 1 else 0 for values in several]
        names = [worth.variant for worth in worths]
        axis.barh(names, means, xerr=spread, capsize=3, color=COLORS[SYSTEM], ecolor="#404040")
        axis.axvline(0, color="black", linewidth=0.8)
        axis.invert_yaxis()
        axis.set_title(f"{corpus}, {preset}.cfg")
        axis.set_xlabel("dev F1, difference to the config as it stands")
    return save_figure(figure, path)


def report(results: Path, output: Path) -> None:
    """Write the table and the figure of all results that are there, and print the table.

    results (Path): The folder of the ablation's results.
    output (Path): The folder to write to.
    """
    compared = compare(read_results(results))
    if not compared:
        msg.warn(f"There are no results in {results} yet.")
        return
    output.mkdir(parents=True, exist_ok=True)
    text = table(compared)
    written = output / "ablation.md"
    written.write_text(text + "\n", encoding="utf8")
    print(text)
    for path in (written, draw(compared, output / "ablation.svg")):
        if path is not None:
            msg.good(f"Wrote {path}")
