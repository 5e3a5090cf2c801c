"""The directories that commands write to."""

from pathlib import Path

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
