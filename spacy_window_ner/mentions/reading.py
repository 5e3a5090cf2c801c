"""Reads documents to index. A line that cannot be read becomes a document with an error."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import srsly
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..files import texts


@dataclass(frozen=True)
class Fields:
    """The names of fields in JSON lines.

    text (str): The field of the text.
    name (Optional[str]): The field of an identifier of the document.
    date (Optional[str]): The field of its date, preferably in the form 2001-04-03, which sorts
        correctly.
    """

    text: str = "text"
    name: str | None = None
    date: str | None = None


@dataclass(frozen=True)
class Record:
    """A document to index.

    position (int): The line, or the number in a .spacy file, from 1.
    content (Union[str, Doc]): The text, or the document. Empty if there is an error.
    name (Optional[str]): Its identifier.
    date (Optional[str]): Its date.
    error (Optional[str]): Why it could not be read.
    """

    position: int
    content: str | Doc = ""
    name: str | None = None
    date: str | None = None
    error: str | None = None

    @property
    def digest(self) -> str:
        """A hash of the document, to detect changes."""
        if isinstance(self.content, Doc):
            content: object = self.content.to_json()
        else:
            content = self.content
        facts = srsly.json_dumps([content, self.name, self.date, self.error], sort_keys=True)
        return hashlib.sha256(facts.encode("utf8", "surrogatepass")).hexdigest()[:32]


def read_records(path: Path, fields: Fields, vocab: Vocab) -> Iterator[Record]:
    """Read the documents of a file; see `texts.read_lines`.

    path (Path): The file.
    fields (Fields): The names of fields in JSON lines.
    vocab (Vocab): The vocabulary of the documents in a `.spacy` file.
    YIELDS (Record): The documents, and lines that cannot be read.
    """
    for line in texts.read_lines(path, fields.text, vocab):
        name, date = (
            str(line.fields[one]) if one is not None and line.fields.get(one) is not None else None
            for one in (fields.name, fields.date)
        )
        yield Record(line.position, line.content, name, date, line.error)
