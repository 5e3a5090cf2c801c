"""Lists of names in files → patterns of spaCy's `span_ruler` and `entity_ruler`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import srsly


def create_names(
    files: dict[str, str | Path] | None = None, jsonl: str | Path | None = None
) -> list[dict[str, Any]]:
    """Read lists of names: `spacy_window_ner.names.v1`, a reader for the patterns in
    `[initialize.components.span_ruler]`.

    files (Optional[Dict[str, Union[str, Path]]]): The file of each label, with one name a line, in
        UTF-8. Empty lines, and spaces around a name, say nothing.
    jsonl (Optional[Union[str, Path]]): A file of patterns as the `entity_ruler` has them, one a
        line: `{"label": "PER", "pattern": "Ann Lee"}`.
    RETURNS (List[Dict[str, Any]]): The patterns, in the order of the files. spaCy matches them.
    RAISES (ValueError): If a file is missing, is no such text or has nothing in it, or if there is
        no file.
    """
    if not isinstance(files, Mapping | None) or not (files or jsonl):
        raise ValueError(
            f"Lists of names need the file of each label, as files = "
            f'{{"PER": "people.txt", "LOC": "places.txt"}}, or a file of patterns, as jsonl = '
            f'"names.jsonl"; got files = {files!r} and jsonl = {jsonl!r}.'
        )
    patterns: list[dict[str, Any]] = [
        {"label": label, "pattern": name}
        for label, path in (files or {}).items()
        for name in _names(label, path)
    ]
    return patterns if jsonl is None else [*patterns, *_patterns(jsonl)]


def _names(label: str, path: str | Path) -> list[str]:
    """The distinct names of one file, in their order."""
    if not isinstance(label, str) or not label.strip():
        raise ValueError(f"The list of names in {path} needs a label, got {label!r}.")
    lines = (line.strip() for line in _lines(path, f"The list of names of {label}"))
    names = list(dict.fromkeys(line for line in lines if line))
    if not names:
        raise ValueError(
            f"The list of names of {label} in {path} has no name: write one a line, or leave the "
            f"label out."
        )
    return names


def _patterns(path: str | Path) -> list[dict[str, Any]]:
    """The patterns of a file in JSONL."""
    patterns = []
    for number, line in enumerate(_lines(path, "The list of patterns"), start=1):
        if not line.strip():
            continue
        try:
            pattern = srsly.json_loads(line)
        except ValueError:
            pattern = None
        if not _is_pattern(pattern):
            raise ValueError(
                f"Line {number} of {path} is no pattern: {line.strip()[:80]!r}. Write one a line, "
                f'as {{"label": "PER", "pattern": "Ann Lee"}}.'
            )
        patterns.append(pattern)
    if not patterns:
        raise ValueError(f"The list of patterns {path} has no pattern: write one a line.")
    return patterns


def _is_pattern(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    label, pattern = value.get("label"), value.get("pattern")
    return bool(label and pattern) and isinstance(label, str) and isinstance(pattern, str | list)


def _lines(path: str | Path, what: str) -> list[str]:
    """The lines of a text in UTF-8, or an error that says what could not be read."""
    if not isinstance(path, str | Path):
        raise ValueError(f"{what} needs the path of a file, got {path!r}.")
    try:
        # No splitlines, which also splits at characters that may stand in JSON.
        return Path(path).read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise ValueError(
            f"{what} cannot be read: {error}. Paths are relative to where the command runs."
        ) from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{what} in {path} is not UTF-8: {error}. Save it as UTF-8.") from error
