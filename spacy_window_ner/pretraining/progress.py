"""Saves the progress of reading raw text, so that an interrupted run can be resumed.

Each file contains the words that were read since the previous file, and the position in the inputs
where it ends. Files are written atomically and never changed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import srsly
from spacy.language import Language

from ..files.saving import checksum, replacing
from ..files.texts import InputError
from .words import Words

# The number of tokens between saves, which takes about 20 seconds.
SAVED_TOKENS = 1_000_000


def is_begun(folder: Path) -> bool:
    """RETURNS (bool): Whether a folder contains the progress of an interrupted run."""
    return any(folder.glob("*reading-*.msgpack*"))  # one that is unfinished, too


def describe_inputs(nlp: Language, files: Sequence[Path], text_field: str) -> str:
    """RETURNS (str): A fingerprint of everything that determines which tokens are read.

    nlp (Language): The pipeline whose tokenizer is used.
    files (Sequence[Path]): The files, in order.
    text_field (str): The field of JSON lines that contains the text.
    """
    stats = [(str(file), file.stat()) for file in files]
    described = [(path, stat.st_size, stat.st_mtime_ns) for path, stat in stats]
    tokenizer = nlp.tokenizer.to_bytes(exclude=["vocab"])  # type: ignore[union-attr]
    return checksum(srsly.json_dumps([nlp.lang, text_field, described]).encode() + tokenizer)


class Progress:
    """The progress of reading texts.

    words (Words): The words that have been read.
    place (Tuple[int, int]): The index of the last file, and the last line that was read.
    seconds (float): The time that this took.
    """

    def __init__(self, folder: Path, inputs: str) -> None:
        """Load the progress in a folder, or start from the beginning.

        folder (Path): The folder.
        inputs (str): The result of `describe_inputs`.
        RAISES (InputError): If the progress belongs to other inputs, or is damaged.
        """
        self.words, self.place, self.seconds = Words(), (0, 0), 0.0
        self._folder, self._inputs, self._n_saved, self._n_forms = folder, inputs, 0, 0
        for path in sorted(folder.glob("reading-*.msgpack")):
            self._restore(path)

    def _restore(self, path: Path) -> None:
        try:
            part: dict[str, Any] = srsly.read_msgpack(path)
            if part["inputs"] != self._inputs:
                raise InputError(
                    f"The progress in {self._folder} belongs to other texts: the files, the "
                    f"tokenizer or --text-field are different. Repeat the original command to "
                    f"resume, or choose another directory."
                )
            if part["start"] != len(self.words.ids):
                raise ValueError("the file before it is missing")
            self.words.extend(part["forms"], part["ids"])
            self.place, self.seconds = tuple(part["place"]), part["seconds"]
        except InputError:
            raise
        except Exception as error:  # msgpack raises its own exceptions
            raise InputError(
                f"{path} is damaged: {error}. Choose another directory to start again."
            ) from error
        self._n_saved, self._n_forms = len(self.words.ids), len(self.words.forms)

    def save(self, place: tuple[int, int], seconds: float) -> None:
        """Save the words since the last save, if there are enough.

        place (Tuple[int, int]): The index of the file, and the last line that was read.
        seconds (float): The total time.
        """
        words, start = self.words, self._n_saved
        if len(words.ids) - start < SAVED_TOKENS:
            return
        part = {
            "inputs": self._inputs,
            "start": start,
            "place": place,
            "seconds": seconds,
            "forms": words.forms[self._n_forms :],
            "ids": words.ids[start:].tobytes(),
        }
        # The names are in the order of the text.
        with replacing(self._folder / f"reading-{start:012}.msgpack") as path:
            srsly.write_msgpack(path, part)
        self._n_saved, self._n_forms = len(words.ids), len(words.forms)
