"""Train `window_ner` and its peers on one corpus in one run, and compare accuracy and speed.

    python benchmarks/accuracy.py CORPUS_FOLDER --config configs/efficiency.cfg --peer ner
    python benchmarks/accuracy.py FOLDER_OF_CORPORA --suite

All systems of a run get the same documents, tokens, word vectors, seed and process. They are
trained by what `spacy train` runs, and their best models by dev score are compared:

- precision, recall and F1 of entities, micro-averaged. An entity is right if its first character,
  last character and label are. The gold are the entities of the corpus file, also those that do not
  align with the tokens: no system can find these, and each counts as missed.
- seconds of training: initialization and the training loop with its evaluations and checkpoints.
- words per second of prediction: the trained pipeline on documents that are tokenized already, dev
  and test together. The systems take turns; the median of the turns counts. The first turn, with
  nothing seen before, is given by itself.

A corpus, a seed and a list of peers make one call of `compare`, whose result is one dictionary; a
further peer is one more function in `PEERS`, which prepares a system and returns what trains it.
"""

import gc
import importlib.metadata
import os
import platform
import shlex
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Annotated, Any

import srsly
import suite as suite_of_corpora
import typer
from data import (
    GLOVE,
    GLOVE_PACKAGE,
    CharSpan,
    InputError,
    Split,
    blank,
    char_span,
    convert_corpus,
    find_vectors,
)
from spacy import util
from spacy.cli._util import show_validation_error
from spacy.cli.init_config import init_config
from spacy.language import Language
from spacy.scorer import PRFScore
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import DIR_MODEL_BEST, DIR_MODEL_LAST
from spacy.training.loop import train as train_loop
from thinc.api import Config, ConfigValidationError
from wasabi import Printer

SYSTEM = "window_ner"
# The settings of spaCy's and our embedding layers that put static vectors to use.
STATIC_VECTORS = ("include_static_vectors", "pretrained_vectors")
PACKAGES = ("spacy", "thinc", "numpy", "spacy-window-ner")
DEFAULT_WORK = Path("build/benchmarks")
DASH = "–"

msg = Printer()


@dataclass(frozen=True)
class Settings:
    """What a user asks for.

    config (Path): The training config of `window_ner`.
    peers (Sequence[str]): Names in `PEERS`.
    vectors (Optional[str]): `glove`, a pipeline's folder or package; None for what the config says.
    lang (Optional[str]): The language; None for what the config says.
    seed (Optional[int]): The seed; None for what the config says.
    overrides (Mapping[str, Any]): Settings of the config by their dotted names.
    peer_overrides (Mapping[str, Any]): The same for the peers' configs.
    repeats (int): How often to measure the speed of prediction.
    test (bool): Whether to look at the test part of the corpus.
    work (Path): Where converted documents, vectors and trained pipelines go.
    optimize (str): Which config `spacy init config` makes for `ner`: `efficiency` or `accuracy`.
    """

    config: Path
    peers: Sequence[str] = ()
    vectors: str | None = None
    lang: str | None = None
    seed: int | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    peer_overrides: Mapping[str, Any] = field(default_factory=dict)
    repeats: int = 5
    test: bool = True
    work: Path = DEFAULT_WORK
    optimize: str = "efficiency"


@dataclass(frozen=True)
class Run:
    """What all systems of a comparison share.

    settings (Settings): What the user asks for.
    config (Config): The config of `window_ner` with everything filled in that was asked for.
    splits (Mapping[str, Split]): The corpus.
    folder (Path): Where the systems are saved.
    notes (List[str]): What a reader of the results must know; systems add to it.
    """

    settings: Settings
    config: Config
    splits: Mapping[str, Split]
    folder: Path
    notes: list[str]

    @property
    def vectors(self) -> str | None:
        """The pipeline or package that word vectors are loaded from."""
        return vectors_of(self.config)


@dataclass(frozen=True)
class Trained:
    """A trained system.

    name (str): Its name in the results.
    nlp (Language): The pipeline of its best model.
    facts (Mapping[str, Any]): Seconds of training and whatever else belongs in the results.
    """

    name: str
    nlp: Language
    facts: Mapping[str, Any]


def compare(corpus: Path, settings: Settings) -> dict[str, Any]:
    """Train and measure all systems on one corpus.

    corpus (Path): The folder of the corpus.
    settings (Settings): What to train, and how.
    RETURNS (Dict[str, Any]): The results, ready to be written as JSON.
    RAISES (InputError): If something the user gave cannot be used.
    """
    unknown = [name for name in settings.peers if name not in PEERS]
    if unknown:
        raise InputError(f"Unknown peers {unknown}. There is: {', '.join(PEERS)}.")
    name = run_name(corpus, settings)
    folder = settings.work / name
    config = prepare_config(settings, folder)
    tokenizer = config["nlp"]["tokenizer"]
    splits = convert_corpus(corpus, folder, blank(config["nlp"]["lang"], tokenizer))
    if not settings.test:
        splits.pop("test", None)
    run = Run(settings, config, splits, folder, [])
    show_corpus(splits)
    # All are prepared before the first is trained, so that what is wrong is said at once.
    trainers = [prepare(run) for prepare in (window_ner, *(PEERS[name] for name in settings.peers))]
    systems = [train() for train in trainers]
    measured = [splits[name] for name in ("dev", "test") if name in splits]
    turns = time_prediction(systems, measured, settings.repeats)
    return {
        "name": name,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": shlex.join(["python", *sys.argv]),
        "machine": machine(),
        "corpus": corpus.resolve().name,
        "config": settings.config.stem,
        "lang": config["nlp"]["lang"],
        "tokenizer": tokenizer,
        "vectors": settings.vectors or run.vectors,
        "seed": config["training"]["seed"],
        "overrides": dict(settings.overrides),
        "peer_overrides": dict(settings.peer_overrides),
        "splits": {name: split.describe() for name, split in splits.items()},
        "systems": {
            system.name: {
                **system.facts,
                **{name: evaluate(system.nlp, splits.get(name)) for name in ("dev", "test")},
                "words_per_second": round(median(turns[system.name])),
                "words_per_second_by_turn": [round(speed) for speed in turns[system.name]],
            }
            for system in systems
        },
        "notes": [*_notes(splits), *run.notes],
    }


def run_cell(cell: suite_of_corpora.Cell, data: Path, settings: Settings) -> dict[str, Any]:
    """Train and score one system of the suite.

    cell (Cell): The cell.
    data (Path): The folder of all corpora.
    settings (Settings): Overrides, and where to work; the rest is the cell's.
    RETURNS (Dict[str, Any]): The result, ready to be written as JSON.
    RAISES (InputError): If something the user gave cannot be used.
    """
    config_path, vectors = suite_of_corpora.PRESETS[cell.preset]
    settings = replace(settings, config=config_path, vectors=vectors, seed=cell.seed)
    if suite_of_corpora.is_raw(data / cell.corpus):
        settings = replace(settings, lang=settings.lang or "xx")
    folder = settings.work / cell.file(Path()).stem
    config = prepare_config(settings, folder)
    splits = convert_corpus(
        data / cell.corpus, folder, blank(config["nlp"]["lang"], config["nlp"]["tokenizer"])
    )
    if cell.percent < 100:
        suite_of_corpora.take_part(splits["train"].path, cell.percent, cell.seed)
    run = Run(settings, config, splits, folder, [])
    prepare = window_ner if cell.system == SYSTEM else PEERS[cell.system]
    system = prepare(run)()
    ours = cell.system == SYSTEM
    result = {
        "cell": asdict(cell),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
        "vectors": settings.vectors,
        "overrides": dict(settings.overrides if ours else settings.peer_overrides),
        **system.facts,
        **{name: evaluate(system.nlp, splits.get(name)) for name in ("dev", "test")},
        "notes": [*_notes(splits), *run.notes],
    }
    shutil.rmtree(folder)
    return result


def run_suite(
    cells: Sequence[suite_of_corpora.Cell], data: Path, settings: Settings, results: Path
) -> None:
    """Run the cells of the suite that have no result yet, and write each result at once.

    cells (Sequence[Cell]): What was asked for.
    data (Path): The folder of all corpora.
    settings (Settings): As for `run_cell`.
    results (Path): The folder of all results.
    RAISES (InputError): If something the user gave cannot be used.
    """
    results.mkdir(parents=True, exist_ok=True)
    waiting = suite_of_corpora.missing(cells, results)
    for number, cell in enumerate(waiting, start=1):
        msg.divider(f"{number} of {len(waiting)}: {cell.file(Path()).stem}")
        srsly.write_json(cell.file(results), run_cell(cell, data, settings))


def run_name(corpus: Path, settings: Settings) -> str:
    """Name a run after what was asked for, for its folder and its results.

    corpus (Path): The folder of the corpus.
    settings (Settings): What to train, and how.
    RETURNS (str): Corpus, config, and vectors, language and seed where they are given.
    """
    parts = [corpus.resolve().name, settings.config.stem]
    if settings.vectors is not None:
        parts.append(Path(settings.vectors).name)
    if settings.lang is not None:
        parts.append(settings.lang)
    if settings.seed is not None:
        parts.append(f"seed{settings.seed}")
    return "-".join(parts)


def prepare_config(settings: Settings, folder: Path) -> Config:
    """Read the config of `window_ner` and fill in what the user asks for.

    settings (Settings): What the user asks for.
    folder (Path): Where the converted corpus will be.
    RETURNS (Config): The config, ready for training.
    RAISES (InputError): If the config or an override cannot be used, or vectors are missing.
    """
    if not settings.config.is_file():
        raise InputError(f"There is no config {settings.config}.")
    try:
        config = util.load_config(settings.config)
    except ValueError as error:
        raise InputError(f"{settings.config} cannot be read: {error}") from error
    config = override(config, settings.overrides)
    if settings.lang is not None:
        config["nlp"]["lang"] = settings.lang
    lang = config["nlp"]["lang"]
    try:
        lang_class = util.get_lang_class(lang)
    except ImportError as error:
        raise InputError(f"spaCy has no language {lang!r}: {error}") from error
    config["nlp"].setdefault("tokenizer", lang_class.default_config["nlp"]["tokenizer"])
    seed = settings.seed
    if seed is None:
        seed = config.interpolate()["training"].get("seed", 0)
    vectors = settings.vectors or vectors_of(config)
    if vectors is not None:
        vectors = find_vectors(vectors, lang, settings.work / "vectors")
    return fill_in(config, folder, seed, vectors)


def fill_in(config: Config, folder: Path, seed: int | None, vectors: str | None) -> Config:
    """Give a config the corpus, the seed and the word vectors of a run.

    config (Config): A training config, modified in place.
    folder (Path): Where the converted corpus is.
    seed (Optional[int]): The seed.
    vectors (Optional[str]): The pipeline or package to load word vectors from. The settings that
        put them to use are turned on.
    RETURNS (Config): The same config.
    RAISES (InputError): If static vectors are on without vectors, or there is nothing to turn on.
    """
    for name in ("train", "dev"):
        config.setdefault("paths", {})[name] = str(folder / f"{name}.spacy")
    config.setdefault("system", {})["seed"] = config["training"]["seed"] = seed
    config.setdefault("initialize", {})["vectors"] = vectors
    layers = list(_layers_with_vectors(config.get("components", {})))
    if vectors is None and any(layer[key] for layer, key in layers):
        raise InputError(
            f"The config puts static vectors to use, but there are none. Give --vectors {GLOVE}, a "
            f"pipeline's folder or a package, or --set …{layers[0][1]}=false."
        )
    if vectors is not None and not layers:
        raise InputError(
            f"There are vectors, but no layer of the config can use them: none has the setting "
            f"{' or '.join(STATIC_VECTORS)}. Leave --vectors out, or use another config."
        )
    for layer, key in layers:
        layer[key] = vectors is not None
    return config


def _layers_with_vectors(section: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each block that has a setting for static vectors, and the setting's name."""
    for key, value in section.items():
        if key in STATIC_VECTORS:
            yield section, key
        elif isinstance(value, dict):
            yield from _layers_with_vectors(value)


def vectors_of(config: Config) -> str | None:
    """The word vectors that a config loads.

    config (Config): A training config.
    RETURNS (Optional[str]): `[initialize] vectors`.
    """
    return config.interpolate().get("initialize", {}).get("vectors")


def override(config: Config, overrides: Mapping[str, Any]) -> Config:
    """Change settings of a config.

    config (Config): The config.
    overrides (Mapping[str, Any]): New values by dotted names.
    RETURNS (Config): A new config.
    RAISES (InputError): If there is no such setting, or its value does not fit.
    """
    for name in overrides:
        _require_setting(config, name)
    try:
        return util.load_config_from_str(config.to_str(interpolate=False), dict(overrides))
    except ConfigValidationError as error:
        raise InputError(f"An override does not fit the config. {error}") from error


def _require_setting(config: Config, name: str) -> None:
    """Refuse names that the config does not have: training would pass over a wrong name."""
    section: Any = config
    *sections, setting = name.split(".")
    for key in sections:
        section = section.get(key) if isinstance(section, dict) else None
    if not isinstance(section, dict):
        raise InputError(f"The config has no section [{'.'.join(sections)}] to change {name} in.")
    if setting not in section:
        raise InputError(
            f"The config has no setting {name}. In [{'.'.join(sections)}] there is: "
            f"{', '.join(section)}."
        )


Trainer = Callable[[], Trained]


def window_ner(run: Run) -> Trainer:
    """Prepare `window_ner` with the config of the run.

    run (Run): The run.
    RETURNS (Callable): Trains the system.
    """
    return partial(train_pipeline, SYSTEM, run.config, run.folder)


def spacy_ner(run: Run) -> Trainer:
    """Prepare spaCy's `ner` with the config that `spacy init config` generates for it.

    The command is `spacy init config --pipeline ner --optimize …`. Language, tokenizer, seed and
    word vectors are those of the run.

    run (Run): The run.
    RETURNS (Callable): Trains the system.
    RAISES (InputError): If an override does not fit the config.
    """
    optimize = run.settings.optimize
    # On a CPU nothing else in the generated config depends on the language, and generating it for a
    # language would make its own tokenizer, which may need a further package and is not used.
    config = init_config(lang="xx", pipeline=["ner"], optimize=optimize)
    config["nlp"].update({key: run.config["nlp"][key] for key in ("lang", "tokenizer")})
    config = override(config, run.settings.peer_overrides)
    config = fill_in(config, run.folder, run.config["training"]["seed"], run.vectors)
    if run.vectors is not None:
        run.notes.append(
            f"ner: the config of `spacy init config --pipeline ner --optimize {optimize}`, with "
            f"include_static_vectors = true, whatever it has by itself, and with the same vectors."
        )
    return partial(train_pipeline, "ner", config, run.folder)


def linear_crf(run: Run) -> Trainer:
    """Prepare `sklearn-crfsuite` with its customary features, which use no word vectors.

    run (Run): The run.
    RETURNS (Callable): Trains the system.
    """
    return partial(train_crf, run)


def train_crf(run: Run) -> Trained:
    """Train a linear CRF.

    run (Run): The run.
    RETURNS (Trained): The pipeline with it.
    """
    import crf  # registers its factory

    msg.divider("Training crf")
    nlp = blank(run.config["nlp"]["lang"], run.config["nlp"]["tokenizer"])
    pipe = nlp.add_pipe("benchmark_linear_crf", name="crf")
    assert isinstance(pipe, crf.LinearCRF)
    start, cpu_start = perf_counter(), process_time()
    pipe.fit(DocBin().from_disk(run.splits["train"].path).get_docs(nlp.vocab))
    end, cpu_end = perf_counter(), process_time()
    facts = {
        "pipeline": nlp.pipe_names,
        "train_seconds": round(end - start, 1),
        "train_cpu_seconds": round(cpu_end - cpu_start, 1),
    }
    return Trained("crf", nlp, facts)


PEERS: dict[str, Callable[[Run], Trainer]] = {"ner": spacy_ner, "crf": linear_crf}


def train_pipeline(name: str, config: Config, folder: Path) -> Trained:
    """Train a pipeline as `spacy train` does.

    name (str): The name of the system, and of its folder.
    config (Config): The config.
    folder (Path): Where to save it.
    RETURNS (Trained): The best model by dev score, loaded from where it was saved.
    """
    msg.divider(f"Training {name}")
    output = folder / name
    output.mkdir(parents=True, exist_ok=True)
    config.to_disk(output / "config.cfg", interpolate=False)
    with show_validation_error(output / "config.cfg", hint_fill=False):
        start, cpu_start = perf_counter(), process_time()
        nlp = init_nlp(config)
        initialized = perf_counter()
        train_loop(nlp, output)
        end, cpu_end = perf_counter(), process_time()
    # With word vectors in it this is large, and nothing reads it.
    shutil.rmtree(output / DIR_MODEL_LAST)
    msg.good(f"Kept the best model only: {output / DIR_MODEL_BEST}")
    best = util.load_model(output / DIR_MODEL_BEST)
    facts = {
        "pipeline": best.pipe_names,
        "batch_size": best.batch_size,
        "train_seconds": round(end - start, 1),
        "train_cpu_seconds": round(cpu_end - cpu_start, 1),
        "initialize_seconds": round(initialized - start, 1),
        "selected_by": best.meta.get("performance", {}).get("ents_f"),
    }
    return Trained(name, best, facts)


def evaluate(nlp: Language, split: Split | None) -> dict[str, Any] | None:
    """Score a pipeline against the entities of a corpus file.

    nlp (Language): The pipeline.
    split (Optional[Split]): The part of the corpus.
    RETURNS (Optional[Dict[str, Any]]): Precision `p`, recall `r` and F1 `f` from 0 to 1, and the
        same `by_label`; None without a split.
    """
    if split is None:
        return None
    predicted = [frozenset(map(char_span, doc.ents)) for doc in nlp.pipe(split.docs(nlp))]
    return score(predicted, split.gold)


def score(
    predicted: Sequence[frozenset[CharSpan]], gold: Sequence[frozenset[CharSpan]]
) -> dict[str, Any]:
    """Count entities whose first character, last character and label are right.

    predicted (Sequence[FrozenSet[Tuple[int, int, str]]]): The entities found in each document.
    gold (Sequence[FrozenSet[Tuple[int, int, str]]]): The annotated entities of each document.
    RETURNS (Dict[str, Any]): Precision `p`, recall `r`, F1 `f`, and the same `by_label`.
    """
    labels: dict[str, PRFScore] = defaultdict(PRFScore)
    for found, wanted in zip(predicted, gold, strict=True):
        for entity in found | wanted:
            counts = labels[entity[2]]
            counts.tp += entity in found and entity in wanted
            counts.fp += entity not in wanted
            counts.fn += entity not in found
    total = sum(labels.values(), PRFScore())
    by_label = {label: _prf(labels[label]) for label in sorted(labels)}
    return {**_prf(total), "by_label": by_label}


def _prf(counts: PRFScore) -> dict[str, float]:
    return {
        "p": round(counts.precision, 5),
        "r": round(counts.recall, 5),
        "f": round(counts.fscore, 5),
    }


def time_prediction(
    systems: Sequence[Trained], splits: Sequence[Split], repeats: int
) -> dict[str, list[float]]:
    """Measure how many words a second each system annotates, in turns.

    systems (Sequence[Trained]): The systems.
    splits (Sequence[Split]): The documents; tokenizing them is not measured.
    repeats (int): The number of turns of each system.
    RETURNS (Dict[str, List[float]]): Words per second of each turn, by system.
    """
    msg.divider("Measuring speed")
    speeds: dict[str, list[float]] = {system.name: [] for system in systems}
    for _ in range(repeats):
        for system in systems:
            docs = [doc for split in splits for doc in split.docs(system.nlp)]
            n_words = sum(map(len, docs))
            gc.collect()
            start = perf_counter()
            for _doc in system.nlp.pipe(docs):
                pass
            speeds[system.name].append(n_words / (perf_counter() - start))
    return speeds


def machine() -> dict[str, Any]:
    """Facts about the machine that figures depend on.

    RETURNS (Dict[str, Any]): Processor, cores, versions and the number of threads asked for.
    """
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "not set"),
    }


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _notes(splits: Mapping[str, Split]) -> list[str]:
    notes = []
    if any(split.misaligned for split in splits.values()):
        parts = ", ".join(
            f"{name} {len(split.misaligned)} of {split.n_entities} "
            f"({len(split.misaligned) / max(split.n_entities, 1):.1%})"
            for name, split in splits.items()
        )
        notes.append(
            f"Entities that do not align with the tokens: {parts}. In training their tokens are "
            f"missing annotation. In the scores each is an entity that every system misses, so no "
            f"system can have more recall than the rest. The dev score that training prints and "
            f"chooses the best model by is spaCy's own: it leaves them out, and is higher."
        )
    if "test" not in splits:
        notes.append("No test scores: the corpus has no test file, or it was left out.")
    return notes


def show_corpus(splits: Mapping[str, Split]) -> None:
    """Print what is in the corpus, and which entities do not align with the tokens.

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


def show_results(results: Mapping[str, Any]) -> None:
    """Print the results as one table, with what is needed to read it.

    results (Mapping[str, Any]): What `compare` returns.
    """
    vectors = results["vectors"] or "no vectors"
    msg.divider(f"{results['corpus']}, {results['config']}.cfg, {vectors}, seed {results['seed']}")
    header = ("system", "dev P", "R", "F1", "test P", "R", "F1", "train s", "words/s", "first turn")
    rows = []
    for name, system in results["systems"].items():
        speeds = (system["words_per_second"], system["words_per_second_by_turn"][0])
        rows.append(
            (
                name,
                *_percent(system["dev"]),
                *_percent(system["test"]),
                f"{system['train_seconds']:,.1f}",
                *(f"{speed:,}" for speed in speeds),
            )
        )
    msg.table(rows, header=header, divider=True, aligns=("l", *"rrrrrrrrr"))
    for line in _comparisons(results["systems"]):
        print(line)
    for note in results["notes"]:
        msg.info(note)
    show_origin(results)


def show_origin(results: Mapping[str, Any]) -> None:
    """Print where results come from.

    results (Mapping[str, Any]): Results with their `command`, `date` and `machine`.
    """
    facts = ", ".join(f"{key} {value}" for key, value in results["machine"].items())
    print(f"\n{results['command']}\n{results['date']}; {facts}")


def _percent(scores: Mapping[str, float] | None) -> list[str]:
    if scores is None:
        return [DASH] * 3
    return [f"{100 * scores[key]:.2f}" for key in "prf"]


def _comparisons(systems: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line for each peer: how far window_ner is ahead of it."""
    ours = systems[SYSTEM]
    lines = []
    for name, peer in systems.items():
        if name == SYSTEM:
            continue
        ahead = [
            f"{split} F1 {100 * (ours[split]['f'] - peer[split]['f']):+.2f}"
            for split in ("dev", "test")
            if ours[split] is not None
        ]
        speed = ours["words_per_second"] / peer["words_per_second"]
        training = peer["train_seconds"] / ours["train_seconds"]
        ahead += [f"prediction {speed:.1f} times as fast", f"training {training:.1f} times as fast"]
        lines.append(f"{SYSTEM} against {name}: {', '.join(ahead)}")
    return lines


def parse_overrides(values: Sequence[str]) -> dict[str, Any]:
    """Read settings from the command line.

    values (Sequence[str]): Each `section.setting=value`; a value that is no JSON is a string.
    RETURNS (Dict[str, Any]): The values by dotted names.
    RAISES (InputError): If one has another form.
    """
    overrides: dict[str, Any] = {}
    for item in values:
        name, equals, value = item.partition("=")
        if not equals or "." not in name:
            raise InputError(f"{item!r} is no setting; write section.setting=value.")
        try:
            overrides[name] = srsly.json_loads(value)
        except ValueError:
            overrides[name] = value
    return overrides


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


app = typer.Typer(add_completion=False)


@app.command()
def main(
    corpus: Annotated[
        Path,
        typer.Argument(
            metavar="DATA_FOLDER",
            help="Folder with train, dev and perhaps test, as .conll (token, tab, IOB tag) or as "
            ".jsonl (text, and spans with character offsets).",
        ),
    ],
    config: Annotated[
        Path | None, typer.Option(help="Training config of window_ner; not with --suite.")
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option(
            metavar="glove|PATH|PACKAGE",
            help="Static word vectors for all systems: GloVe 6B with 50 dimensions from the PyPI "
            f"package {GLOVE_PACKAGE}, its words also in their capitalized and upper-case forms; "
            "or those of a pipeline. Otherwise those that the config names, or none.",
        ),
    ] = None,
    peer: Annotated[
        list[str] | None,
        typer.Option(help=f"System to compare with: {', '.join(PEERS)}. May be repeated."),
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option(
            help="Language of all systems, otherwise that of the config. Raw text is tokenized by "
            "the config's tokenizer; ko with spaCy's rule-based one needs no further package."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of all systems, otherwise that of the config.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SECTION.NAME=VALUE",
            help="A setting of the config of window_ner, for example training.max_steps=200. "
            "May be repeated.",
        ),
    ] = None,
    peer_settings: Annotated[
        list[str] | None,
        typer.Option(
            "--peer-set",
            metavar="SECTION.NAME=VALUE",
            help="A setting of the peers' configs. May be repeated.",
        ),
    ] = None,
    repeats: Annotated[
        int, typer.Option(min=1, help="Turns of each system when speed is measured.")
    ] = 5,
    test: Annotated[
        bool, typer.Option(help="Whether to use the test file. Leave it out while you choose.")
    ] = True,
    output: Annotated[
        Path | None, typer.Option(help="Folder to write the results to, as JSON.")
    ] = None,
    work: Annotated[
        Path,
        typer.Option(
            help="Folder for converted documents, word vectors (used again) and trained pipelines."
        ),
    ] = DEFAULT_WORK,
    optimize: Annotated[
        str, typer.Option(help="Config of spacy init config for ner: efficiency or accuracy.")
    ] = "efficiency",
    suite: Annotated[
        bool,
        typer.Option(
            "--suite",
            help="Train all systems on all corpora: DATA_FOLDER has a folder for each. The options "
            "below choose among them; results that are in --output already are not run again.",
        ),
    ] = False,
    corpus_name: Annotated[
        list[str] | None, typer.Option("--corpus", help="A corpus of the suite; else all.")
    ] = None,
    preset: Annotated[
        list[str] | None,
        typer.Option(help=f"{', '.join(suite_of_corpora.PRESETS)}; otherwise both."),
    ] = None,
    system: Annotated[
        list[str] | None,
        typer.Option(help=f"{', '.join(suite_of_corpora.SYSTEMS)}; otherwise all."),
    ] = None,
    percent: Annotated[
        list[int] | None, typer.Option(min=1, max=100, help="Share of the training documents.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, from --seed up.")] = 1,
) -> None:
    """Train window_ner and its peers on one corpus, and compare accuracy and speed.

    Prints precision, recall and F1 on dev and test, seconds of training, and words per second of
    prediction. Set OMP_NUM_THREADS=1 to measure on one thread.
    """
    try:
        settings_asked = Settings(
            config=config or Path(),
            peers=tuple(peer or ()),
            vectors=vectors,
            lang=lang,
            seed=seed,
            overrides=parse_overrides(settings or ()),
            peer_overrides=parse_overrides(peer_settings or ()),
            repeats=repeats,
            test=test,
            work=work,
            optimize=optimize,
        )
        if suite:
            cells = suite_of_corpora.choose(
                corpus,
                corpora=corpus_name or (),
                presets=preset or (),
                systems=system or (),
                percents=percent or (100,),
                seeds=range(seed or 0, (seed or 0) + seeds),
            )
            output = output or Path("benchmarks/results")
            run_suite(cells, corpus, settings_asked, output)
            suite_of_corpora.report(output, output.parent)
            return
        if config is None:
            raise InputError("Give --config, for example configs/efficiency.cfg, or --suite.")
        results = compare(corpus, settings_asked)
    except (InputError, ConfigValidationError) as error:
        msg.fail(str(error))
        raise typer.Exit(1) from error
    show_results(results)
    if output is not None:
        msg.good(f"Wrote {write_results(results, output)}")


if __name__ == "__main__":
    app()
