"""`python -m spacy window-ner convert`: annotated documents from one format into another."""

import random
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.tokens import Doc
from wasabi import msg

from ..files.exports import SUFFIXES, format_of, write_annotated
from .inputs import annotated_docs
from .options import ANNOTATED_KINDS, new_app
from .output import check_writable

app = new_app()

PARTS = ("train", "dev")


class ExportFormat(str, Enum):
    """The formats of annotated documents that are written."""

    spacy = "spacy"
    conll = "conll"
    prodigy = "prodigy"
    doccano = "doccano"
    label_studio = "label-studio"


@app.command("convert")
def convert(
    inputs_and_output: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT... OUTPUT",
            help=f"Annotated documents, files or folders: {ANNOTATED_KINDS}; then the file to "
            f"write, or with --split the folder",
        ),
    ],
    export_format: Annotated[
        ExportFormat | None,
        typer.Option("--format", "-f", help="Format to write; default: that of the suffix"),
    ] = None,
    split: Annotated[
        float | None,
        typer.Option(
            "--split",
            help="Share of the documents, drawn at random, to write to dev; the others are train",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", "-s", help="Seed of the division")] = 0,
    lang: Annotated[
        str, typer.Option("--lang", "-l", help="Language, for texts without tokens")
    ] = "en",
) -> None:
    """Convert annotated documents between the formats of other tools: to .spacy, CoNLL, Prodigy,
    doccano or Label Studio.
    """
    *inputs, output = inputs_and_output
    if not inputs:
        msg.fail("Give one or more inputs, and then the output", exits=1)
    if split is not None and not 0 < split < 1:
        msg.fail(f"--split is a share between 0 and 1, got {split}", exits=1)
    try:
        form = export_format.value if export_format else _default_format(output, split)
        nlp = spacy.blank(lang)
    except (ValueError, ImportError) as error:
        msg.fail(f"Cannot convert to {output}", f"{error} Or give --format.", exits=1)
    files = [output]
    if split is not None:
        files = [output / f"{part}{SUFFIXES[form]}" for part in PARTS]
    for path in files:
        check_writable(path)
    docs = annotated_docs(nlp, *inputs)
    parts = [docs] if split is None else divided(docs, split, seed)
    for path, part in zip(files, parts, strict=True):
        write_annotated(path, part, form)
        n_ents = sum(len(doc.ents) for doc in part)
        msg.good(f"{len(part):,} documents with {n_ents:,} entities: {path}")
    if form not in ("spacy", "conll"):
        _warn_of_missing(docs)


def _default_format(output: Path, split: float | None) -> str:
    return format_of(output) if split is None else "spacy"


def divided(docs: Sequence[Doc], share: float, seed: int) -> list[list[Doc]]:
    """RETURNS (List[List[Doc]]): The documents without and with a share of them that is drawn at
    random, at least one in each, in their order.

    RAISES (SystemExit): With a message, if there are fewer than two.
    """
    if len(docs) < 2:
        msg.fail(f"{len(docs)} documents cannot be split", "Split at least two.", exits=1)
    n = min(max(round(share * len(docs)), 1), len(docs) - 1)
    drawn = set(random.Random(seed).sample(range(len(docs)), n))
    return [[doc for i, doc in enumerate(docs) if (i in drawn) == chosen] for chosen in (0, 1)]


def _warn_of_missing(docs: Sequence[Doc]) -> None:
    n = sum(not token.ent_iob for doc in docs for token in doc)
    if n:
        msg.warn(
            f"{n:,} tokens have no annotation, which this format cannot say: they are outside of "
            f"entities there.",
            "Use --format spacy or --format conll to keep what is unknown.",
        )
