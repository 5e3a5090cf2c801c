"""Texts with their entities in brackets: `[PERSON Ann Lee] flew to [GPE Rome].`

A file has one sentence a line, or blocks of lines that say of what kind they are:

    # kind: e-mail
    Dear [PERSON Ann],
    see you on [DATE Monday].
"""

import re
from pathlib import Path
from typing import NamedTuple

from spacy.language import Language
from spacy.tokens import Doc

TEXTS = Path(__file__).parents[1] / "texts"
_BRACKETS = re.compile(r"\[(\S+) ([^]]+)\]")
_KIND = "# kind: "


class MarkedText(NamedTuple):
    """A text of a kind, with its entities in brackets."""

    kind: str
    marked: str


def read_marked(marked: str) -> tuple[str, list[tuple[int, int, str]]]:
    """Read a text with entities in brackets.

    marked (str): The text.
    RETURNS (Tuple[str, List[Tuple[int, int, str]]]): The text without brackets, and start, end and
        label of its entities, by characters.
    """
    text, entities, done = "", [], 0
    for match in _BRACKETS.finditer(marked):
        text += marked[done : match.start()]
        entities.append((len(text), len(text) + len(match[2]), match[1]))
        text += match[2]
        done = match.end()
    return text + marked[done:], entities


def read_lines(path: Path) -> list[str]:
    """RETURNS (List[str]): The lines of a file, without comments."""
    lines = path.read_text(encoding="utf8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def read_blocks(path: Path) -> list[MarkedText]:
    """Read the blocks of a file, which empty lines separate. Comments may stand before the first.

    path (Path): The file.
    RETURNS (List[MarkedText]): The texts.
    RAISES (ValueError): If a block does not say its kind.
    """
    blocks = path.read_text(encoding="utf8").strip().split("\n\n")
    texts = []
    for number, block in enumerate(blocks):
        first, _, marked = block.partition("\n")
        if first.startswith(_KIND) and marked:
            texts.append(MarkedText(first.removeprefix(_KIND), marked))
        elif number or not all(line.startswith("#") for line in block.splitlines()):
            raise ValueError(
                f"{path}: a text begins with a line `{_KIND}…`, and this one with {first!r}."
            )
    return texts


def make_doc(nlp: Language, marked: str) -> Doc:
    """Make an annotated document with the tokens of a pipeline.

    nlp (Language): The pipeline.
    marked (str): The text with its entities in brackets.
    RETURNS (Doc): The document.
    RAISES (ValueError): If an entity does not align with the tokens.
    """
    text, entities = read_marked(marked)
    doc = nlp.make_doc(text)
    spans = [doc.char_span(start, end, label) for start, end, label in entities]
    for span, (start, end, _) in zip(spans, entities, strict=True):
        if span is None:
            raise ValueError(f"{text[start:end]!r} does not align with the tokens of {text!r}.")
    doc.ents = spans
    return doc
