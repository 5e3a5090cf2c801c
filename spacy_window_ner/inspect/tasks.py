"""Texts with spans as tasks for people who annotate, in Prodigy or Label Studio."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import srsly

from ..files.formats import Offsets
from ..files.saving import replacing

FORMATS = ("prodigy", "label-studio")


@dataclass(frozen=True)
class Task:
    """A text to annotate or to check.

    text (str): The text.
    tokens (List[Tuple[int, int]]): Start and end of its words by characters.
    spans (List[Tuple[int, int, str]]): Its entities, by characters, with their labels.
    score (float): What tasks are ranked by.
    meta (Dict[str, Any]): What else people should see.
    """

    text: str
    tokens: list[tuple[int, int]]
    spans: list[Offsets]
    score: float
    meta: dict[str, Any] = field(default_factory=dict)


def write_tasks(path: Path, tasks: Sequence[Task], form: str = "prodigy") -> None:
    """Write tasks to a file: JSON lines for Prodigy, a list in JSON for Label Studio.

    path (Path): The file; one that exists is replaced as a whole.
    tasks (Sequence[Task]): The tasks, in their order.
    form (str): `prodigy` or `label-studio`.
    RAISES (ValueError): If the format is unknown.
    """
    if form not in FORMATS:
        raise ValueError(f"Unknown format {form!r}. Use one of {', '.join(FORMATS)}.")
    with replacing(path) as unfinished:
        if form == "prodigy":
            srsly.write_jsonl(unfinished, map(for_prodigy, tasks))
        else:
            srsly.write_json(unfinished, list(map(for_label_studio, tasks)))


def for_prodigy(task: Task) -> dict[str, Any]:
    """RETURNS (Dict[str, Any]): A task of Prodigy's `ner.manual`."""
    tokens = [
        {"id": i, "text": task.text[start:end], "start": start, "end": end}
        for i, (start, end) in enumerate(task.tokens)
    ]
    first = {start: i for i, (start, _) in enumerate(task.tokens)}
    last = {end: i for i, (_, end) in enumerate(task.tokens)}
    spans: list[dict[str, Any]] = []
    for start, end, label in task.spans:
        span: dict[str, Any] = {"start": start, "end": end, "label": label}
        if start in first and end in last:  # Prodigy wants all spans to align with its tokens
            spans.append(span | {"token_start": first[start], "token_end": last[end]})
    meta = {"score": round(task.score, 4), **task.meta}
    return {"text": task.text, "tokens": tokens, "spans": spans, "meta": meta}


def for_label_studio(task: Task) -> dict[str, Any]:
    """RETURNS (Dict[str, Any]): A task of Label Studio's template for named entities, which calls
    its labels `label` and its text `text`. The spans are a prediction, to begin from.
    """
    result = [
        {
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {
                "start": start,
                "end": end,
                "text": task.text[start:end],
                "labels": [label],
            },
        }
        for start, end, label in task.spans
    ]
    meta = {"score": round(task.score, 4), **task.meta}
    return {
        "data": {"text": task.text, **meta},
        "predictions": [{"result": result, "score": task.score}],
    }
