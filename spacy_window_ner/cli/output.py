"""Output of the commands: directories, files, and text in the terminal."""

import re
import unicodedata
from pathlib import Path
from tempfile import NamedTemporaryFile

from spacy.language import Language
from wasabi import msg

from ..files.saving import replacing


def make_directory(path: Path) -> None:
    """Create the output directory before the work starts, so that errors are found early.

    path (Path): The directory.
    RAISES (SystemExit): If it cannot be created or is not empty.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        empty = not any(path.iterdir())
    except OSError as error:
        msg.fail(
            f"Cannot create the output directory: {path}",
            f"{error.strerror}. Choose a new or empty directory.",
            exits=1,
        )
    if not empty:
        msg.fail(
            f"The output directory is not empty: {path}",
            "Existing files are never overwritten. Choose a new or empty directory.",
            exits=1,
        )


def check_writable(path: Path) -> None:
    """Create the folder of an output file before the work starts, so that errors are found early.

    path (Path): The file. An existing file is replaced.
    RAISES (SystemExit): If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        msg.fail(f"Cannot write to {path}", f"{error.strerror}. Choose another file.", exits=1)
    if path.is_dir():
        msg.fail(f"Cannot write to {path}", "It is a folder. Choose a file.", exits=1)


def check_outputs(output: Path | None, json_path: Path | None) -> None:
    """Check the output files of a command before the work starts.

    output (Optional[Path]): The file of `--output`.
    json_path (Optional[Path]): The file of `--json`.
    RAISES (SystemExit): If one cannot be written, or both are the same.
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
    """Write a text file atomically. An existing file is replaced.

    path (Path): The file.
    text (str): What to write.
    """
    with replacing(path) as unfinished:
        # The text may contain unpaired surrogates, which cannot be encoded.
        unfinished.write_text(text, encoding="utf8", errors="replace", newline="\n")


def printable(text: str) -> str:
    """Make text from a document safe to print in a terminal.

    text (str): The text.
    RETURNS (str): The text on one line, with control and format characters replaced by a question
        mark.
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
        msg.text("No entities found.", spaced=True)
