"""What has been read of raw text, kept in files, so that a run that was stopped can go on.

Each file has what was read since the one before, and the place in the inputs where that ends. It is
written as a whole or not at all, and never changed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import srsly
from spacy.language import Language

from ..files.saving import checksum, replacing
from ..files.texts import InputError
from .words import Words

# So many tokens are read, in about 20 seconds, before they are saved.
SAVED_TOKENS = 1_000_000


def is_begun(folder: Path) -> bool:
    """RETURNS (bool): Whether a folder has what a run that was stopped has read."""
    return any(folder.glob("*reading-*.msgpack*"))  # one that is unfinished, too


def describe_inputs(nlp: Language, files: Sequence[Path], text_field: str) -> str:
    """RETURNS (str): A fingerprint of all that decides which tokens are read.

    nlp (Language): The pipeline, whose tokenizer is used.
    files (Sequence[Path]): The files, in order.
    text_field (str): The field of the texts in JSON lines.
    """
    stats = [(str(file), file.stat()) for file in files]
    described = [(path, stat.st_size, stat.st_mtime_ns) for path, stat in stats]
    tokenizer = nlp.tokenizer.to_bytes(exclude=["vocab"])  # type: ignore[union-attr]
    return checksum(srsly.json_dumps([nlp.lang, text_field, described]).encode() + tokenizer)


class Progress:
    """How far texts have been read.

    words (Words): What has been read.
    place (Tuple[int, int]): The number of the last file that was read, and its line.
    seconds (float): How long that took.
    """

    def __init__(self, folder: Path, inputs: str) -> None:
        """Go on with what a folder has, or begin.

        folder (Path): The folder.
        inputs (str): What `describe_inputs` gave.
        RAISES (InputError): If it has what was read of other inputs, or is damaged.
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
                    f"What {self._folder} has was read of other texts: files have changed or are "
                    f"not the same, or the tokenizer or --text-field. Repeat the command as it was "
                    f"to go on with it, or give another directory."
                )
            if part["start"] != len(self.words.ids):
                raise ValueError("what was read before it is missing")
            self.words.extend(part["forms"], part["ids"])
            self.place, self.seconds = tuple(part["place"]), part["seconds"]
        except InputError:
            raise
        except Exception as error:  # msgpack has exceptions of its own
            raise InputError(
                f"{path} is damaged: {error}. Give another directory to begin anew."
            ) from error
        self._n_saved, self._n_forms = len(self.words.ids), len(self.words.forms)

    def save(self, place: tuple[int, int], seconds: float) -> None:
        """Save what has been read since the last time, if it is much.

        place (Tuple[int, int]): The number of the file, and the line that was read last.
        seconds (float): How long everything took.
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
