"""What Label Studio 1.23 sends, with what the backend does not look at left out in parts."""

from typing import Any

LABELS = {"PER": "red", "LOC": "green", "HOTEL": "blue"}
CONFIG = (
    '<View><Labels name="label" toName="text">'
    + "".join(f'<Label value="{name}" background="{color}"/>' for name, color in LABELS.items())
    + '</Labels><Text name="text" value="$text"/></View>'
)
CREATED_AT = "2026-03-01T10:20:30.123456Z"
UID = "7.1772360430"


def region(start: int, end: int, text: str, label: str, **changes: Any) -> dict[str, Any]:
    return {
        "value": {"start": start, "end": end, "text": text, "labels": [label]},
        "id": "vcS3nkhZ1B",
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "origin": "manual",
        **changes,
    }


def task(number: int, text: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "data": {"text": text},
        "meta": {},
        "created_at": CREATED_AT,
        "is_labeled": False,
        "overlap": 1,
        "project": 7,
        "annotations": [],
        "predictions": [],
        **changes,
    }


def annotation(number: int, *regions: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "completed_by": 1,
        "result": list(regions),
        "was_cancelled": False,
        "ground_truth": False,
        "lead_time": 3.5,
        "task": 1,
        "project": 7,
        **changes,
    }


def project(**changes: Any) -> dict[str, Any]:
    return {"id": 7, "title": "Names", "label_config": CONFIG, "created_at": CREATED_AT, **changes}


def setup(**changes: Any) -> dict[str, Any]:
    return {
        "project": UID,
        "schema": CONFIG,
        "hostname": "",
        "access_token": "",
        "extra_params": None,
        **changes,
    }


def predict(*tasks: dict[str, Any], context: Any = None, **changes: Any) -> dict[str, Any]:
    return {
        "tasks": list(tasks),
        "project": UID,
        "label_config": CONFIG,
        "params": {"login": None, "password": None, "context": context},
        **changes,
    }


def event(action: str, **payload: Any) -> dict[str, Any]:
    return {"action": action, "project": project(), **payload}
