"""What commands write: directories, and tables of entities."""

from pathlib import Path

from spacy.language import Language
from wasabi import msg


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
