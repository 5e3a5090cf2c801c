"""Converts lists of names in text files to patterns of spaCy's `span_ruler` and `entity_ruler`."""

from collections.abc import Mapping
from pathlib import Path


def create_names(files: dict[str, str | Path]) -> list[dict[str, str]]:
    """Read lists of names: `spacy_window_ner.names.v1`, a reader for the patterns in
    `[initialize.components.span_ruler]`. For patterns in JSON, use spaCy's `srsly.read_json.v1`.

    files (Dict[str, Union[str, Path]]): The file of each label, with one name per line, in UTF-8.
        Empty lines and spaces around a name are ignored.
    RETURNS (List[Dict[str, str]]): The patterns, in the order of the files.
    RAISES (ValueError): If there are no files, or one does not exist, is not UTF-8 or is empty.
    """
    if not isinstance(files, Mapping) or not files:
        raise ValueError(
            f"Lists of names must be a dict with a file for each label, such as files = "
            f'{{"PER": "people.txt", "LOC": "places.txt"}}, got {files!r}. For patterns in JSON, '
            f'use spaCy\'s reader "srsly.read_json.v1".'
        )
    return [
        {"label": label, "pattern": name}
        for label, path in files.items()
        for name in _read_names(label, path)
    ]


def _read_names(label: str, path: str | Path) -> list[str]:
    """The distinct names of one file, in order."""
    if not isinstance(label, str) or not label.strip():
        raise ValueError(f"The list of names in {path} needs a label, got {label!r}.")
    if not isinstance(path, str | Path):
        raise ValueError(f"The list of names of {label} needs the path of a file, got {path!r}.")
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise ValueError(
            f"The list of names of {label} cannot be read: {error}. Check the path, which is "
            f"relative to the directory in which you run the command."
        ) from error
    except UnicodeDecodeError as error:
        raise ValueError(
            f"The list of names of {label} in {path} is not UTF-8: {error}. Save it as UTF-8."
        ) from error
    names = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not names:
        raise ValueError(
            f"The list of names of {label} in {path} is empty. Write one name per line, or leave "
            f"out the label."
        )
    return names
