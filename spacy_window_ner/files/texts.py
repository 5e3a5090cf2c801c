"""Finds and reads files of texts, for all commands that read texts."""

import glob
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import srsly
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

# What kind of file a suffix stands for.
KINDS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".txt": "txt", ".spacy": "spacy"}
BOM = b"\xef\xbb\xbf"
_NO_USER_DATA = srsly.msgpack_dumps({})


class InputError(ValueError):
    """The inputs or settings are invalid. The message states the reason."""


def error_at(path: Path, position: int, error: object) -> InputError:
    """RETURNS (InputError): An error with its place in a file.

    path (Path): The file.
    position (int): The line, or the number of a task in a `.json` file, from 1.
    error (object): The error.
    """
    what = "task" if path.suffix.lower() == ".json" else "line"
    return InputError(f"{path}, {what} {position}: {error}.")


@dataclass(frozen=True)
class Line:
    """One text of a file, or its error.

    position (int): The line, or the number in a .spacy file, from 1.
    content (Union[str, Doc]): The text, or the document. Empty if there is an error.
    fields (Dict[str, Any]): All fields of a line of JSON.
    error (Optional[str]): Why it cannot be read.
    """

    position: int
    content: str | Doc = ""
    fields: dict[str, Any] = field(default_factory=dict)
    error: str | None = None

    @property
    def text(self) -> str:
        """The text."""
        return self.content.text if isinstance(self.content, Doc) else self.content


def find_files(
    inputs: Iterable[str | Path], kinds: Collection[str] = KINDS, without: Path | None = None
) -> list[Path]:
    """Find the files of inputs.

    inputs (Iterable[Union[str, Path]]): Files, folders and globs. In folders, all files with a
        known suffix are used, except those whose name starts with a dot or an underscore.
    kinds (Collection[str]): The known suffixes.
    without (Optional[Path]): A folder to ignore.
    RETURNS (List[Path]): Absolute paths without duplicates, in the order of the inputs; files of a
        folder or glob are sorted.
    RAISES (InputError): If no files are found, or a file has an unknown suffix.
    """
    files: dict[Path, None] = {}
    for given in map(str, inputs):
        paths = [Path(given)]
        if not paths[0].exists():
            paths = sorted(map(Path, glob.glob(given, recursive=True)))
        found = [file.resolve() for path in paths for file in _files_at(path, kinds)]
        found = [file for file in found if without is None or without.resolve() not in file.parents]
        if not found:
            known = " ".join(kinds)
            raise InputError(f"No files found at {given}. Supported file types: {known}")
        files.update(dict.fromkeys(found))
    if not files:
        raise InputError("No inputs given. Pass files, folders or globs.")
    return list(files)


def _files_at(path: Path, kinds: Collection[str]) -> list[Path]:
    if not path.is_dir():
        if path.suffix.lower() not in kinds:
            raise InputError(
                f"{path} has an unknown file type. Supported file types: {' '.join(kinds)}"
            )
        return [path]
    return sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in kinds
        and file.is_file()
        and not any(part.startswith((".", "_")) for part in file.relative_to(path).parts)
    )


def decode_line(line: bytes) -> str:
    """Read a line, or a whole file.

    line (bytes): The line.
    RETURNS (str): Its text, without the end of the line.
    RAISES (ValueError): If it is not UTF-8.
    """
    try:
        return line.removeprefix(BOM).decode("utf8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"invalid UTF-8: {error}") from error


def parse_json_line(line: str, text_field: str) -> dict[str, Any]:
    """Read a line of JSON.

    line (str): The line.
    text_field (str): The field of the text.
    RETURNS (Dict[str, Any]): Its fields; that of the text is a string.
    RAISES (ValueError): If it is not a JSON object, or has no text that can be encoded as UTF-8.
    """
    try:
        return checked_text(json.loads(line), text_field)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"invalid JSON: {error}") from error


def checked_text(fields: Any, text_field: str) -> dict[str, Any]:
    """Check that a value read from JSON is an object with a text.

    fields (Any): The value.
    text_field (str): The field of the text.
    RETURNS (Dict[str, Any]): The same value.
    RAISES (ValueError): If it is not a JSON object, or has no text that can be encoded as UTF-8.
    """
    if not isinstance(fields, dict):
        raise ValueError("the line is not a JSON object")
    text = required(fields, text_field)
    if not isinstance(text, str):
        raise ValueError(f"the field {text_field!r} is not a string: {str(text)[:50]}")
    return fields


def required(fields: dict[str, Any], name: str) -> Any:
    """Find a required field of a line.

    fields (Dict[str, Any]): The fields of the line.
    name (str): The name of the field.
    RETURNS (Any): Its value.
    RAISES (ValueError): If it is missing, or cannot be encoded as UTF-8.
    """
    if name not in fields:
        raise ValueError(f"the field {name!r} is missing")
    value = fields[name]
    if value is None:
        raise ValueError(f"the field {name!r} is null")
    if isinstance(value, str) and not value.isascii():
        value.encode("utf8")  # raises a ValueError for unpaired surrogates
    return value


def unpack_docs(path: str | Path, vocab: Vocab) -> Iterator[Doc]:
    """Read the documents of a `.spacy` file ten times as fast as spaCy, which looks for plugins of
    its decoder once for each document that may have user data, although it has none.

    path (Union[str, Path]): The file.
    vocab (Vocab): The vocabulary of the documents.
    YIELDS (Doc): The documents.
    """
    packed = DocBin().from_disk(path)
    packed.user_data = [None if data == _NO_USER_DATA else data for data in packed.user_data]
    yield from packed.get_docs(vocab)


def read_docs(path: Path, vocab: Vocab) -> Iterator[Doc]:
    """As `unpack_docs`, for a file that a user gave.

    RAISES (InputError): If the file is damaged.
    """
    try:
        yield from unpack_docs(path, vocab)
    except Exception as error:  # zlib, msgpack and NumPy raise their own exceptions
        raise InputError(f"{path} is damaged, or not in spaCy's format: {error}.") from error


def read_lines(path: Path, text_field: str, vocab: Vocab) -> Iterator[Line]:
    """Read the texts of a file.

    path (Path): `.jsonl` with a text in a field of each line, `.txt` with one text per line, or
        `.spacy` with documents, whose sentence starts and entities are kept.
    text_field (str): The field of JSON lines that contains the text.
    vocab (Vocab): The vocabulary of the documents in a `.spacy` file.
    YIELDS (Line): The texts and errors. Empty lines are skipped.
    RAISES (InputError): If a `.spacy` file is damaged.
    """
    kind = KINDS[path.suffix.lower()]
    if kind == "spacy":
        docs = read_docs(path, vocab)
        yield from (Line(position, doc) for position, doc in enumerate(docs, start=1))
        return
    with path.open("rb") as file:
        for position, line in enumerate(file, start=1):
            try:
                text = decode_line(line)
                if not text.strip():
                    continue
                fields = parse_json_line(text, text_field) if kind == "jsonl" else {}
            except ValueError as error:
                yield Line(position, error=str(error))
            else:
                yield Line(position, fields[text_field] if fields else text, fields)
