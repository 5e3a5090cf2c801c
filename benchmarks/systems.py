"""The systems that are compared, each trained by the code that `spacy train` runs.

To add a system, add a function to `SYSTEMS` that prepares it and returns a function to train it.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from data import Split, blank, convert_corpus
from report import notes_on, origin
from scoring import evaluate
from settings import Settings, fill_in, override, prepare_config, vectors_of
from spacy import util
from spacy.cli._util import show_validation_error
from spacy.cli.init_config import init_config
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import DIR_MODEL_BEST, DIR_MODEL_LAST
from spacy.training.loop import train as train_loop
from thinc.api import Config
from wasabi import msg

SYSTEM = "window_ner"


@dataclass(frozen=True)
class Run:
    """The settings and data that all systems of a comparison share.

    settings (Settings): The settings.
    config (Config): The config of `window_ner` with these settings.
    splits (Mapping[str, Split]): The corpus.
    folder (Path): Where the systems are saved.
    notes (List[str]): Remarks for readers of the results; systems add their own.
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
    facts (Mapping[str, Any]): Seconds of training, and other facts for the results.
    """

    name: str
    nlp: Language
    facts: Mapping[str, Any]


Trainer = Callable[[], Trained]


def open_run(corpus: Path, settings: Settings, folder: Path) -> Run:
    """Prepare the settings and data of a comparison.

    corpus (Path): The folder of the corpus.
    settings (Settings): The settings.
    folder (Path): Where to write the converted corpus, and save the systems.
    RETURNS (Run): The run.
    RAISES (InputError): If the corpus or a setting is invalid.
    """
    config = prepare_config(settings, folder)
    splits = convert_corpus(
        corpus, folder, blank(config["nlp"]["lang"], config["nlp"]["tokenizer"])
    )
    if not settings.test:
        splits.pop("test", None)
    return Run(settings, config, splits, folder, notes_on(splits))


def window_ner(run: Run) -> Trainer:
    """Prepare `window_ner` with the config of the run.

    run (Run): The run.
    RETURNS (Callable): Trains the system.
    """
    return partial(train_pipeline, SYSTEM, run.config, run.folder)


def spacy_ner(name: str, optimize: str, run: Run) -> Trainer:
    """Prepare spaCy's `ner` with the config that `spacy init config` generates for it.

    name (str): The name of the system.
    optimize (str): `efficiency` or `accuracy`, the option of `spacy init config`.
    run (Run): The run, for language, tokenizer, seed and word vectors.
    RETURNS (Callable): Trains the system.
    RAISES (InputError): If an override is invalid.
    """
    config = peer_config(run.config, run.folder, run.settings.peer_overrides, optimize)
    if run.vectors is not None:
        run.notes.append(
            f"{name}: the config of `spacy init config --pipeline ner --optimize {optimize}`, with "
            f"include_static_vectors = true and the same vectors."
        )
    return partial(train_pipeline, name, config, run.folder)


def peer_config(
    config: Config, folder: Path, overrides: Mapping[str, Any], optimize: str = "efficiency"
) -> Config:
    """Make the config of `spacy init config --pipeline ner --optimize …` for the same corpus.

    config (Config): The config of `window_ner`, for language, tokenizer, seed and word vectors.
    folder (Path): Where the converted corpus is.
    overrides (Mapping[str, Any]): Settings by their dotted names.
    optimize (str): `efficiency` or `accuracy`.
    RETURNS (Config): The config.
    RAISES (InputError): If an override is invalid.
    """
    # On a CPU, nothing else in the config depends on the language. Generating it for the language
    # would load the tokenizer of the language, which is not used and may need another package.
    peer = init_config(lang="xx", pipeline=["ner"], optimize=optimize)
    peer["nlp"].update({key: config["nlp"][key] for key in ("lang", "tokenizer")})
    seed, vectors = config["training"]["seed"], vectors_of(config)
    return fill_in(override(peer, overrides), folder, seed, vectors)


def linear_crf(run: Run) -> Trainer:
    """Prepare `sklearn-crfsuite` with its customary features, without word vectors.

    run (Run): The run.
    RETURNS (Callable): Trains the system.
    """
    return partial(train_crf, run)


def train_crf(run: Run) -> Trained:
    """Train a linear CRF.

    run (Run): The run.
    RETURNS (Trained): A pipeline with the CRF.
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


SYSTEMS: dict[str, Callable[[Run], Trainer]] = {
    SYSTEM: window_ner,
    "ner": partial(spacy_ner, "ner", "efficiency"),
    "ner-accuracy": partial(spacy_ner, "ner-accuracy", "accuracy"),
    "crf": linear_crf,
}
PEERS = tuple(name for name in SYSTEMS if name != SYSTEM)


def train_pipeline(name: str, config: Config, folder: Path) -> Trained:
    """Train a pipeline as `spacy train` does.

    name (str): The name of the system, and of its folder.
    config (Config): The config.
    folder (Path): Where to save it.
    RETURNS (Trained): The model with the best dev score, loaded from disk.
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
    # It is large with word vectors, and nothing reads it.
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


def scored(system: Trained, splits: Mapping[str, Split]) -> dict[str, Any]:
    """Score a trained system.

    system (Trained): The system.
    splits (Mapping[str, Split]): The corpus.
    RETURNS (Dict[str, Any]): Its facts, and its scores on `dev` and `test`, None for a part that
        does not exist.
    """
    scores = {name: evaluate(system.nlp, splits.get(name)) for name in ("dev", "test")}
    return {**system.facts, **scores}


def train_alone(name: str, run: Run) -> dict[str, Any]:
    """Train and score one system, and keep only the result.

    name (str): A name in `SYSTEMS`.
    run (Run): The run, whose folder is removed.
    RETURNS (Dict[str, Any]): The result, ready to be written as JSON.
    RAISES (InputError): If a setting is invalid.
    """
    system = SYSTEMS[name](run)()
    settings = run.settings
    overrides = settings.overrides if name == SYSTEM else settings.peer_overrides
    result = {
        **origin(),
        "vectors": settings.vectors,
        "overrides": dict(overrides),
        **scored(system, run.splits),
        "notes": run.notes,
    }
    shutil.rmtree(run.folder)
    return result
