"""`python -m spacy window-ner convert`: annotated documents from one format into another."""

import random
from collections.abc import Sequence
from pathlib import Path

import spacy
from spacy.tokens import Doc
from wasabi import msg

from ..files.exports import SUFFIXES, format_of, write_annotated
from .annotated import annotated_docs
from .output import check_writable

PARTS = ("train", "dev")


def convert(
    inputs: Sequence[Path],
    output: Path,
    *,
    form: str | None = None,
    split: float | None = None,
    seed: int = 0,
    lang: str = "en",
) -> list[Path]:
    """Convert annotated documents, and print how many there are.

    inputs (Sequence[Path]): Files and folders; see `read_annotated`.
    output (Path): The file to write; with `split`, the folder of `train` and `dev`.
    form (Optional[str]): A name in `SUFFIXES`; that of the suffix if None, `spacy` with `split`.
    split (Optional[float]): The share of the documents, drawn at random, that goes to `dev`.
    seed (int): The seed of the division.
    lang (str): The language, whose tokenizer divides texts where a file does not.
    RETURNS (List[Path]): The files.
    RAISES (SystemExit): With a message, if something is wrong with the input.
    """
    if split is not None and not 0 < split < 1:
        msg.fail(f"--split is a share between 0 and 1, got {split}", exits=1)
    try:
        form = form or ("spacy" if split is not None else format_of(output))
        nlp = spacy.blank(lang)
    except (ValueError, ImportError) as error:
        return msg.fail(f"Cannot convert to {output}", f"{error} Or give --format.", exits=1)
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
    return files


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
