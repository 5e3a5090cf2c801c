"""`python -m spacy window-ner demo`: the entities of some texts, found by the ready pipeline or by
a small one that is trained on the spot.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy import util
from spacy.language import Language
from wasabi import msg

from ..files.saving import save
from ..inspect.folds import train_on
from ..labels import is_text
from ..training.presets import init_config
from ..training.size import fit_to_size
from .demo_corpus import TEXTS, Sentence, generate, make_document, write_data
from .inputs import explained
from .options import new_app
from .output import make_directory, print_entities

app = new_app()

READY = "en_window_ner_sm"
# How many batches the demo trains on.
STEPS = 200
_NAME = "window_ner_demo"
_NEXT = f"""
In your own code: nlp = spacy.load("{READY}"). ent._.score is the probability of an entity.
To train on your own labels: python -m spacy window-ner init-config efficiency config.cfg
To see how training works: python -m spacy window-ner demo --train
"""


@app.command("demo")
def demo(
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT",
            help="Texts to process; default: two example sentences",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="New or empty directory to save the pipeline to, with --train"
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", "-s", min=0, max=2**32 - 1, help="Random seed")
    ] = 0,
    train: Annotated[
        bool,
        typer.Option(
            "--train", help="Train on a small generated corpus and print precision and recall"
        ),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="Only write generated data for trying out the commands (train.spacy, dev.spacy, "
            "test.spacy and texts.jsonl) to this folder",
        ),
    ] = None,
) -> None:
    """Print the entities of some texts. Uses the ready pipeline en_window_ner_sm, and prints the
    label and probability of each entity. With --train, or if that pipeline is not installed, a
    small pipeline is trained on a generated corpus instead.
    """
    if data is not None:
        with explained(f"Cannot write the data to {data}"):
            names = write_data(data, seed)
        msg.good(
            f"Saved {', '.join(names)} to {data}",
            "The sentences are generated. A pipeline trained on them does not work on real text.",
        )
        return
    texts = texts or list(TEXTS)
    _check_texts(texts)
    if not train and not util.is_package(READY):
        msg.warn(
            f"The ready pipeline {READY} is not installed",
            "A small pipeline is trained instead, as with --train. To install the ready pipeline "
            "from a checkout, run: pip install ./models/en_window_ner_sm",
        )
        train = True
    if not train and output is not None:
        msg.fail("--output can only be used with --train", "Add --train.", exits=1)
    nlp = _train(seed, output) if train else util.load_model(READY)
    for text in texts:
        print_entities(nlp, text)
    if output is not None:
        with explained(f"Cannot save the pipeline to {output}"):
            save(nlp, output)
        msg.good(f"Saved the pipeline to {output}", f'Load it with spacy.load("{output}").')
    if not train and sys.stdout.isatty():
        print(_NEXT.strip())


def _check_texts(texts: Sequence[str]) -> None:
    for number, text in enumerate(texts, start=1):
        if not text.strip() or not is_text(text):
            fault = "not valid UTF-8" if text.strip() else "empty"
            msg.fail(
                f"Text {number} of {len(texts)} is {fault}",
                "Give texts with words in UTF-8, or no text to use the example sentences.",
                exits=1,
            )


def _train(seed: int, output: Path | None) -> Language:
    """Train the network of the preset `efficiency` on a short schedule, and print its scores on
    names that it has not seen.
    """
    if output is not None and not _has_demo(output):
        make_directory(output)
    train, dev = generate("train"), generate("dev")
    _print_corpus(train, dev)
    config = init_config("efficiency")
    config["system"]["seed"] = seed
    fit_to_size(config, sum(len(sentence.text.split()) for sentence in train))
    config["training"].update(max_steps=STEPS, eval_frequency=STEPS)
    config["training"]["optimizer"]["learn_rate"].update(total_steps=STEPS, warmup_steps=20)
    blank = spacy.blank("en")
    docs = ([make_document(blank, [sentence]) for sentence in split] for split in (train, dev))
    nlp = train_on(config, *docs, stderr=sys.stderr)
    nlp.meta["name"] = _NAME
    nlp.meta["description"] = "A demonstration, trained on a small corpus of generated sentences."
    _print_scores(nlp.meta["performance"])
    msg.divider("Entities")
    return nlp


def _has_demo(path: Path) -> bool:
    """Whether a directory contains the pipeline of an earlier demo."""
    try:
        return srsly.read_json(path / "meta.json")["name"] == _NAME
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _print_corpus(train: Sequence[Sentence], dev: Sequence[Sentence]) -> None:
    msg.divider("Corpus")
    msg.text(
        f"{len(train)} sentences for training and {len(dev)} for evaluation, generated from "
        f"templates and lists of names. The two sets share templates but no names. This shows how "
        f"training works; the trained pipeline does not work on real text."
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
