"""`python -m spacy window-ner demo`: the entities of some texts, by the ready pipeline."""

import sys
from collections.abc import Sequence
from pathlib import Path

from spacy import util
from wasabi import msg

from .demo_training import run_training
from .output import print_entities

READY = "en_window_ner_sm"

# The two sentences of the lecture notes.
TEXTS = (
    "Last night, Paris Hilton wowed in a sequin gown.",
    "Samuel Quinn was arrested in the Hilton Hotel in Paris in April 1989.",
)
NEXT = """
Next: in your own code, nlp = spacy.load("{name}"), and ent._.score for each entity of a document.
Train on your own labels: python -m spacy window-ner init-config efficiency config.cfg
See how training works: python -m spacy window-ner demo --train
"""


def run_demo(
    texts: Sequence[str] = (), output: Path | None = None, seed: int = 0, train: bool = False
) -> None:
    """Print the entities of some texts by the ready pipeline, or by one that is trained for it.

    texts (Sequence[str]): The texts; the sentences of the lecture notes if there are none.
    output (Optional[Path]): A new or empty directory to save the trained pipeline to.
    seed (int): Seed of the training. The corpus is always the same.
    train (bool): Whether to train a pipeline on a small generated corpus.
    RAISES (SystemExit): With a message, if a text is empty or the output cannot be written.
    """
    _check_texts(texts)
    if not train and not util.is_package(READY):
        msg.warn(
            f"The ready pipeline {READY} is not installed",
            "Install it from a checkout: pip install ./models/en_window_ner_sm. Here a small "
            "pipeline is trained in its place, as with --train.",
        )
        train = True
    if train:
        run_training(texts or TEXTS, output, seed)
        return
    if output is not None:
        msg.fail("Only a pipeline that is trained here can be saved", "Add --train.", exits=1)
    nlp = util.load_model(READY)
    for text in texts or TEXTS:
        print_entities(nlp, text)
    if sys.stdout.isatty():
        print(NEXT.format(name=READY).strip())


def _check_texts(texts: Sequence[str]) -> None:
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            msg.fail(
                f"Text {number} of {len(texts)} is empty",
                "Give texts with words, or none for the sentences of the lecture notes.",
                exits=1,
            )
        try:
            text.encode("utf8")
        except UnicodeEncodeError:
            msg.fail(
                f"Text {number} of {len(texts)} is not valid UTF-8",
                "Set the terminal to UTF-8, or convert the text.",
                exits=1,
            )
