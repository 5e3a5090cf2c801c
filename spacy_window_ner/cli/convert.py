"""`python -m spacy window-ner convert`: convert annotated documents to another format."""

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
            help=f"Annotated documents (files or folders: {ANNOTATED_KINDS}), followed by the "
            f"output file, or with --split the output folder",
        ),
    ],
    export_format: Annotated[
        ExportFormat | None,
        typer.Option("--format", "-f", help="Output format; default: taken from the suffix"),
    ] = None,
    split: Annotated[
        float | None,
        typer.Option(
            "--split",
            help="Share of the documents to write to dev, drawn at random; the rest become train",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", "-s", help="Random seed of the split")] = 0,
    lang: Annotated[
        str, typer.Option("--lang", "-l", help="Language code, to tokenize raw texts")
    ] = "en",
) -> None:
    """Convert annotated documents to another format. Supports the formats of spaCy, CoNLL, Prodigy,
    doccano and Label Studio.
    """
    *inputs, output = inputs_and_output
    if not inputs:
        msg.fail("An input or the output is missing", "Give inputs, then the output.", exits=1)
    if split is not None and not 0 < split < 1:
        msg.fail(f"--split must be a number between 0 and 1, got {split}", exits=1)
    try:
        form = export_format.value if export_format else _default_format(output, split)
        nlp = spacy.blank(lang)
    except (ValueError, ImportError) as error:
        msg.fail(f"Cannot convert to {output}", f"{error} Or set --format.", exits=1)
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
        msg.good(f"Saved {len(part):,} documents with {n_ents:,} entities: {path}")
    if form not in ("spacy", "conll"):
        _warn_of_missing(docs)


def _default_format(output: Path, split: float | None) -> str:
    return format_of(output) if split is None else "spacy"


def divided(docs: Sequence[Doc], share: float, seed: int) -> list[list[Doc]]:
    """RETURNS (List[List[Doc]]): The training and the development documents, each in the original
    order. The development documents are drawn at random. Neither list is empty.

    RAISES (SystemExit): With a message, if there are fewer than two.
    """
    if len(docs) < 2:
        msg.fail(f"Cannot split {len(docs)} documents", "Give at least two documents.", exits=1)
    n = min(max(round(share * len(docs)), 1), len(docs) - 1)
    drawn = set(random.Random(seed).sample(range(len(docs)), n))
    return [[doc for i, doc in enumerate(docs) if (i in drawn) == chosen] for chosen in (0, 1)]


def _warn_of_missing(docs: Sequence[Doc]) -> None:
    n = sum(not token.ent_iob for doc in docs for token in doc)
    if n:
        msg.warn(
            f"{n:,} tokens have missing annotation, which this format cannot represent. They are "
            f"written as tokens outside of entities.",
            "To preserve missing annotation, use --format spacy or --format conll.",
        )
