"""`python -m spacy window-ner demo --train`: train on a small corpus, and evaluate."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import srsly
from spacy import util
from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.training import Example
from spacy.training.loop import create_train_batches
from spacy.util import registry
from thinc.api import Optimizer
from tqdm import tqdm
from wasabi import msg

from ..files.saving import save
from . import demo_corpus
from .demo_corpus import Sentence
from .output import make_directory, print_entities

CONFIG_PATH = Path(__file__).parent / "demo.cfg"
_NAME = "window_ner_demo"


def run_training(
    texts: Sequence[str],
    output: Path | None = None,
    seed: int = 0,
    max_steps: int | None = None,
) -> None:
    """Train a pipeline, evaluate it on unseen names, and print the entities of some texts.

    texts (Sequence[str]): The texts.
    output (Optional[Path]): A new or empty directory to save the pipeline to, or one that has the
        pipeline of an earlier demo, which is replaced.
    seed (int): Seed of the training. The corpus is always the same.
    max_steps (Optional[int]): The number of batches to train on; that of demo.cfg if None.
    RAISES (SystemExit): With a message, if the output cannot be written.
    """
    if output is not None and not _has_demo(output):
        make_directory(output)
    train, dev = demo_corpus.generate("train"), demo_corpus.generate("dev")
    _print_corpus(train, dev)
    util.fix_random_seed(seed)
    nlp = _load_pipeline(seed, max_steps)
    optimizer = _train(nlp, _examples(nlp, train))
    with nlp.use_params(optimizer.averages):
        scores = nlp.evaluate(_examples(nlp, dev))
        _print_scores(scores)
        msg.divider("Entities")
        for text in texts:
            print_entities(nlp, text)
        if output is not None:
            _save(nlp, scores, output)


def _has_demo(path: Path) -> bool:
    """Whether a directory has the pipeline of an earlier demo."""
    try:
        return srsly.read_json(path / "meta.json")["name"] == _NAME
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _load_pipeline(seed: int, max_steps: int | None) -> Language:
    config = util.load_config(CONFIG_PATH)
    config["system"] = {"seed": seed}
    if max_steps is not None:
        config["training"]["max_steps"] = max_steps
        config["training"]["optimizer"]["learn_rate"]["total_steps"] = max_steps
    return util.load_model_from_config(config, auto_fill=True)


def _examples(nlp: Language, sentences: Sequence[Sentence]) -> list[Example]:
    return [
        Example.from_dict(nlp.make_doc(text), {"entities": entities})
        for text, entities in sentences
    ]


def _train(nlp: Language, examples: list[Example]) -> Optimizer:
    """Train as `spacy train` does, but without evaluation during training."""
    config = nlp.config.interpolate()["training"]
    settings = registry.resolve(config, schema=ConfigSchemaTraining)
    optimizer = nlp.initialize(lambda: examples, sgd=settings["optimizer"])
    batches = create_train_batches(
        nlp, lambda _: examples, settings["batcher"], settings["max_epochs"]
    )
    steps = settings["max_steps"]
    bar = tqdm(islice(batches, steps), "Training", total=steps, unit="batch", mininterval=0.5)
    for _, batch in bar:
        nlp.update(batch, drop=settings["dropout"], sgd=optimizer)
        optimizer.step_schedules()
    return optimizer


def _print_corpus(train: Sequence[Sentence], dev: Sequence[Sentence]) -> None:
    msg.divider("Corpus")
    msg.text(
        f"{len(train)} sentences to train on and {len(dev)} to evaluate on, generated from "
        f"templates and lists of names. The two sets share the templates, but no names: what is "
        f"learned here shows how training works, and is of no use on other text."
    )
    example = max(train[:20], key=lambda sentence: len(sentence.entities))
    msg.text(f"For example: {example.text}", spaced=True)


def _print_scores(scores: dict[str, Any]) -> None:
    msg.divider("Evaluation")
    keys = ("p", "r", "f")
    rows = [
        (label, *(f"{values[key]:.3f}" for key in keys))
        for label, values in sorted(scores["ents_per_type"].items())
    ]
    overall = ("all", *(f"{scores[f'ents_{key}']:.3f}" for key in keys))
    header = ("Label", "Precision", "Recall", "F1")
    msg.table(rows, header=header, footer=overall, divider=True, aligns=("l", "r", "r", "r"))


def _save(nlp: Language, scores: dict[str, Any], output: Path) -> None:
    nlp.meta["name"] = _NAME
    nlp.meta["description"] = "A demonstration, trained on a small corpus of generated sentences."
    nlp.meta["performance"] = scores
    try:
        save(nlp, output)
    except OSError as error:
        msg.fail(f"Cannot save the pipeline to {output}", str(error), exits=1)
    msg.good(f"Saved the pipeline to {output}", f'Load it with spacy.load("{output}").')
