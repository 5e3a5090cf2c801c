"""Files → documents to index. A line that cannot be read is a document with an error."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import srsly
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

SUFFIXES = (".jsonl", ".txt", ".spacy")


@dataclass(frozen=True)
class Fields:
    """The names of fields in JSON lines.

    text (str): The field of the text.
    name (Optional[str]): The field of a name or number of the document.
    date (Optional[str]): The field of its date, best as 2001-04-03, so that it can be sorted.
    """

    text: str = "text"
    name: str | None = None
    date: str | None = None


@dataclass(frozen=True)
class Record:
    """A document to index.

    position (int): The line, or the number in a .spacy file, from 1.
    content (Union[str, Doc]): The text, or the document. Empty if there is an error.
    name (Optional[str]): Its name or number.
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
        """What tells whether the document has changed."""
        if isinstance(self.content, Doc):
            content: object = self.content.to_json()
        else:
            content = self.content
        facts = srsly.json_dumps([content, self.name, self.date, self.error], sort_keys=True)
        return hashlib.sha256(facts.encode("utf8", "surrogatepass")).hexdigest()[:32]


def find_files(inputs: Iterable[Path]) -> list[Path]:
    """Find the files to read.

    inputs (Iterable[Path]): Files, and folders of files.
    RETURNS (List[Path]): Each file once, as an absolute path, in the order given, and those of a
        folder by name.
    RAISES (ValueError): If one does not exist, has another format, or there is none in a folder.
    """
    found: list[Path] = []
    for given in inputs:
        path = given.resolve()
        if path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file())
            if not files:
                raise ValueError(f"There are no files {', '.join(SUFFIXES)} in {given}.")
        elif not path.exists():
            raise ValueError(f"There is no file or folder {given}.")
        elif path.suffix not in SUFFIXES:
            raise ValueError(f"{given} is no file {', '.join(SUFFIXES)}.")
        else:
            files = [path]
        found += files
    return list(dict.fromkeys(found))


def read(path: Path, fields: Fields, vocab: Vocab) -> Iterator[Record]:
    """Read the documents of a file.

    path (Path): `.jsonl` with a text in a field of each line, `.txt` with a text on each line, or
        `.spacy` with documents, whose sentence starts and entities stay as they are.
    fields (Fields): The names of fields in JSON lines.
    vocab (Vocab): The vocabulary of the documents in a `.spacy` file.
    YIELDS (Record): The documents, but for empty lines.
    RAISES (ValueError): If a `.spacy` file is damaged.
    """
    if path.suffix == ".spacy":
        try:
            stored = DocBin().from_disk(path)
        except Exception as error:
            raise ValueError(f"{path} is damaged, or not of spaCy: {error}.") from error
        for position, doc in enumerate(stored.get_docs(vocab), start=1):
            yield Record(position, doc)
        return
    with path.open("rb") as file:
        for position, line in enumerate(file, start=1):
            try:
                decoded = line.decode("utf8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                yield Record(position, error=f"The line is not UTF-8: {error.reason}.")
                continue
            if not decoded.strip():
                continue
            if path.suffix == ".txt":
                yield Record(position, decoded)
            else:
                yield _parse(position, decoded, fields)


def _parse(position: int, line: str, fields: Fields) -> Record:
    try:
        row = srsly.json_loads(line)
    except ValueError as error:
        return Record(position, error=f"The line is no JSON: {error}.")
    text = row.get(fields.text) if isinstance(row, dict) else None
    if not isinstance(text, str):
        return Record(position, error=f"The line has no text in the field {fields.text!r}.")
    name, date = (
        str(row[field]) if field is not None and row.get(field) is not None else None
        for field in (fields.name, fields.date)
    )
    return Record(position, text, name, date)
