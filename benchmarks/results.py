"""The table of results: one file, with one line of JSON for each training.

Each line is appended as soon as its training ends, and its cell is not run again. So a suite can be
stopped and resumed, or split among processes. To measure something again, remove its lines:

    grep -v '"study":"ablation".*"corpus":"wnut17"' results.jsonl
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any

import srsly
from data import InputError
from systems import SYSTEM
from wasabi import msg

from spacy_window_ner import __version__

TABLE = "results.jsonl"
AS_IT_STANDS = "as-it-stands"


@dataclass(frozen=True, order=True)
class Cell:
    """One training of one system.

    study (str): What it was made for: `suite`, `ablation`, `reading`, `calibration`, `suggest` or
        `few`.
    corpus (str): The name of the corpus' folder.
    preset (str): A name in `studies.PRESETS`; in `few` the names of base and raw text, if any.
    system (str): A name in `systems.SYSTEMS`, or `few.SYSTEMS`.
    seed (int): The seed of training, and of the choice of documents.
    percent (int): The share of the training documents.
    variant (str): A name in `ablation.VARIANTS` or `suggest.STRATEGIES`; in `few` the number of
        documents and the part of the corpus that is scored.
    version (str): The version of `window_ner`; empty for other systems, which do not depend on it.
    """

    study: str
    corpus: str
    preset: str
    system: str
    seed: int
    percent: int = 100
    variant: str = AS_IT_STANDS
    version: str = ""

    def __str__(self) -> str:
        return "-".join(str(value) for value in astuple(self) if value != "")


Results = dict[Cell, dict[str, Any]]


def version_of(system: str) -> str:
    """Return the version that a new cell of a system has.

    system (str): A name in `systems.SYSTEMS`.
    RETURNS (str): The version of this package for `window_ner`, otherwise an empty string.
    """
    return __version__ if system == SYSTEM else ""


def label_systems(cells: Iterable[Cell]) -> dict[tuple[str, str], str]:
    """Label systems so that several versions can stand beside each other.

    cells (Iterable[Cell]): All cells of a study.
    RETURNS (Dict[Tuple[str, str], str]): For each system and version its name, followed by the
        version where there are several.
    """
    found = {(cell.system, cell.version) for cell in cells}
    systems = [system for system, _ in found]
    return {key: " ".join(key) if systems.count(key[0]) > 1 else key[0] for key in found}


def read_results(path: Path, study: str) -> Results:
    """Read the table.

    path (Path): The table; it need not exist.
    study (str): See `Cell`.
    RETURNS (Dict[Cell, Dict[str, Any]]): The results of the study's cells; of lines for the same
        cell the last.
    RAISES (InputError): If a line is not a result.
    """
    results = {}
    lines = path.read_bytes().splitlines() if path.exists() else []
    for number, line in enumerate(lines, start=1):
        try:
            row = srsly.json_loads(line)
            cell = Cell(**{field.name: row.pop(field.name) for field in fields(Cell)})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"Line {number} of {path} is not a result ({error!r}). Remove it to run its cell "
                f"again."
            ) from error
        if cell.study == study:
            results[cell] = row
    return results


def append_result(path: Path, cell: Cell, result: dict[str, Any]) -> None:
    """Append a line to the table in one write, so that other processes can append to it as well.

    path (Path): The table; created where it does not exist.
    cell (Cell): The cell.
    result (Dict[str, Any]): Its result.
    RAISES (OSError): If the line could not be written to its end.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    line = f"{srsly.json_dumps({**asdict(cell), **result})}\n".encode()
    with path.open("ab", buffering=0) as file:
        if file.write(line) != len(line):
            raise OSError(f"{path} ends in an incomplete line: the disk may be full. Remove it.")
        os.fsync(file.fileno())


def run_missing(cells: Iterable[Cell], path: Path, run: Callable[[Cell], dict[str, Any]]) -> None:
    """Run the cells that have no result, and append each result at once.

    cells (Iterable[Cell]): The cells of one or more studies.
    path (Path): The table.
    run (Callable[[Cell], Dict[str, Any]]): Trains and scores the system of a cell.
    RAISES (InputError): If something the user gave cannot be used.
    """
    cells = list(cells)
    done = {cell for study in {cell.study for cell in cells} for cell in read_results(path, study)}
    waiting = [cell for cell in cells if cell not in done]
    for number, cell in enumerate(waiting, start=1):
        msg.divider(f"{number} of {len(waiting)}: {cell}")
        append_result(path, cell, run(cell))
