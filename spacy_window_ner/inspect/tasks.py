"""Texts with spans as annotation tasks for Prodigy or Label Studio."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import srsly

from ..files.exports import for_label_studio, for_prodigy
from ..files.records import Offsets
from ..files.saving import replacing

FORMATS = ("prodigy", "label-studio")


@dataclass(frozen=True)
class Task:
    """A text to annotate or to check.

    text (str): The text.
    tokens (List[Tuple[int, int]]): Start and end character offsets of its words.
    spans (List[Tuple[int, int, str]]): Its entities, as character offsets with labels.
    score (float): The score to rank tasks by.
    meta (Dict[str, Any]): Metadata to show to annotators.
    """

    text: str
    tokens: list[tuple[int, int]]
    spans: list[Offsets]
    score: float
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): The metadata to show next to the text."""
        return {"score": round(self.score, 4), **self.meta}


def write_tasks(path: Path, tasks: Sequence[Task], form: str = "prodigy") -> None:
    """Write tasks to a file: JSON lines for Prodigy, or a JSON list for Label Studio, in which
    spans are predictions.

    path (Path): The file. An existing file is replaced atomically.
    tasks (Sequence[Task]): The tasks, in their order.
    form (str): `prodigy` or `label-studio`.
    RAISES (ValueError): If the format is unknown.
    """
    if form not in FORMATS:
        raise ValueError(f"Unknown format {form!r}. Use one of {', '.join(FORMATS)}.")
    with replacing(path) as unfinished:
        if form == "prodigy":
            srsly.write_jsonl(unfinished, map(_prodigy, tasks))
        else:
            srsly.write_json(unfinished, list(map(_label_studio, tasks)))


def _prodigy(task: Task) -> dict[str, Any]:
    return {**for_prodigy(task.text, task.tokens, task.spans), "meta": task.shown}


def _label_studio(task: Task) -> dict[str, Any]:
    prediction = {"result": for_label_studio(task.text, task.spans), "score": task.score}
    return {"data": {"text": task.text, **task.shown}, "predictions": [prediction]}
