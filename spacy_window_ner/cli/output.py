"""What commands write: directories, files, and text in the terminal."""

import re
import unicodedata
from pathlib import Path
from tempfile import NamedTemporaryFile

from spacy.language import Language
from wasabi import msg

from ..files.saving import replacing


def make_directory(path: Path) -> None:
    """Make the output directory before the work begins, so that it is not done in vain.

    path (Path): The directory.
    RAISES (SystemExit): With a message, if it cannot be made or is not empty.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        empty = not any(path.iterdir())
    except OSError as error:
        msg.fail(
            f"Cannot create the output directory: {path}",
            f"{error.strerror}. Give a new or empty directory.",
            exits=1,
        )
    if not empty:
        msg.fail(
            f"The output directory is not empty: {path}",
            "Existing files are never overwritten: give a new or empty directory.",
            exits=1,
        )


def check_writable(path: Path) -> None:
    """Make the folder of an output file before the work begins, so that it is not done in vain.

    path (Path): The file; one that exists is replaced.
    RAISES (SystemExit): With a message, if it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        msg.fail(f"Cannot write to {path}", f"{error.strerror}. Give another file.", exits=1)
    if path.is_dir():
        msg.fail(f"Cannot write to {path}", "It is a folder. Give a file.", exits=1)


def check_outputs(output: Path | None, json_path: Path | None) -> None:
    """Check the files that a command is to write, before the work begins.

    output (Optional[Path]): The file of `--output`.
    json_path (Optional[Path]): The file of `--json`.
    RAISES (SystemExit): With a message, if one cannot be written, or both are the same.
    """
    for path in (output, json_path):
        if path is not None:
            check_writable(path)
    if output is not None and output == json_path:
        msg.fail(f"--output and --json are the same file: {output}", exits=1)


def short_name(model: str, n_parts: int = 2) -> str:
    """RETURNS (str): The name of a pipeline, or the end of its path."""
    return str(Path(*Path(model).parts[-n_parts:]))


def write_file(path: Path, text: str) -> None:
    """Write a text file, or replace it by a whole one.

    path (Path): The file.
    text (str): What to write.
    """
    with replacing(path) as unfinished:
        # Text of a user may hold half of a surrogate pair, which no file can.
        unfinished.write_text(text, encoding="utf8", errors="replace", newline="\n")


def printable(text: str) -> str:
    """A text for the terminal, in which control characters of a document do nothing.

    text (str): The text.
    RETURNS (str): It in one line; control and format characters are replaced by a question mark.
    """
    return "".join(
        "?" if unicodedata.category(char) in ("Cc", "Cf", "Cs") else char
        for char in re.sub(r"\s+", " ", text)
    )


def print_entities(nlp: Language, text: str) -> None:
    """Print the entities of a text with their probabilities.

    nlp (Language): The pipeline.
    text (str): The text.
    """
    # Entities that other components have set have no probability.
    rows = [
        (ent.text, ent.label_, "" if ent._.score is None else f"{ent._.score:.3f}")
        for ent in nlp(text).ents
    ]
    msg.text(text)
    if rows:
        header = ("Entity", "Label", "Probability")
        msg.table(rows, header=header, divider=True, aligns=("l", "l", "r"))
    else:
        msg.text("No entities.", spaced=True)
