"""Lists of names in text files → patterns of spaCy's `span_ruler` and `entity_ruler`."""

from collections.abc import Mapping
from pathlib import Path


def create_names(files: dict[str, str | Path]) -> list[dict[str, str]]:
    """Read lists of names: `spacy_window_ner.names.v1`, a reader for the patterns in
    `[initialize.components.span_ruler]`. spaCy's `srsly.read_json.v1` reads patterns in JSON.

    files (Dict[str, Union[str, Path]]): The file of each label, with one name a line, in UTF-8.
        Empty lines and the spaces around a name are ignored.
    RETURNS (List[Dict[str, str]]): The patterns, in the order of the files.
    RAISES (ValueError): If there is no file, or one is missing, is not UTF-8 or has no name.
    """
    if not isinstance(files, Mapping) or not files:
        raise ValueError(
            f"Lists of names need the file of each label, as files = "
            f'{{"PER": "people.txt", "LOC": "places.txt"}}; got {files!r}. For a list of patterns '
            f'in JSON, use spaCy\'s reader "srsly.read_json.v1".'
        )
    return [
        {"label": label, "pattern": name}
        for label, path in files.items()
        for name in _read_names(label, path)
    ]


def _read_names(label: str, path: str | Path) -> list[str]:
    """The distinct names of one file, in their order."""
    if not isinstance(label, str) or not label.strip():
        raise ValueError(f"The list of names in {path} needs a label, got {label!r}.")
    if not isinstance(path, str | Path):
        raise ValueError(f"The list of names of {label} needs the path of a file, got {path!r}.")
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise ValueError(
            f"The list of names of {label} cannot be read: {error}. Paths are relative to where "
            f"the command runs."
        ) from error
    except UnicodeDecodeError as error:
        raise ValueError(
            f"The list of names of {label} in {path} is not UTF-8: {error}. Save it as UTF-8."
        ) from error
    names = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not names:
        raise ValueError(
            f"The list of names of {label} in {path} has no name: write one a line, or leave the "
            f"label out."
        )
    return names
