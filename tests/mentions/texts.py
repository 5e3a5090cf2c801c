"""A small database of names that the tests share."""

from collections.abc import Sequence
from pathlib import Path

import spacy
import srsly
from spacy.language import Language

from spacy_window_ner.mentions.indexing import IndexingProgress, index

# Written for these tests.
TEXTS = [
    "Samuel Quinn was born in Oslo. Quinn moved to Paris in 1989. He founded Norvik Ltd. there.",
    "In Paris, Anna Berg met Mr. Quinn. Anna Berg wrote a book about glaciers.",
    "Norvik opened an office in Lima in 2001. The office in Lima was closed in 2004.",
    "The novel Northern Lights of the South was written by Anna Berg's brother Tom Berg.",
    "SAMUEL QUINN and Anna Berg won the Arctic Prize. Anna Berg thanked Samuel Quinn.",
    "Nothing happened there.",
]
PATTERNS = {
    "PER": ["Samuel Quinn", "SAMUEL QUINN", "Quinn", "Mr. Quinn", "Anna Berg", "Tom Berg"],
    "LOC": ["Oslo", "Paris", "Lima"],
    "ORG": ["Norvik Ltd.", "Norvik"],
    "DATE": ["1989", "2001", "2004"],
}


def ruler(patterns: dict[str, list[str]] | None = None) -> Language:
    """A pipeline that finds names in a list."""
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns(
        [
            {"label": label, "pattern": name}
            for label, names in (PATTERNS if patterns is None else patterns).items()
            for name in names
        ]
    )
    return nlp


def write_texts(path: Path, texts: Sequence[str] = TEXTS) -> Path:
    """Save texts as JSON lines."""
    srsly.write_jsonl(path, [{"text": text} for text in texts])
    return path


def index_texts(folder: Path, texts: Sequence[str] = TEXTS, **settings: object) -> IndexingProgress:
    """Index texts into `names.db` in a folder."""
    path = write_texts(folder / "texts.jsonl", texts)
    return index(ruler(), [path], folder / "names.db", **settings)
