"""A Label Studio and the ML backend together, from connecting to a prediction that has changed.

    ML_BLOCK_LOCAL_IP=false SSRF_PROTECTION_ENABLED=false label-studio start --port 8080
    python -m spacy window-ner serve en_window_ner_sm --label-studio --output out --port 8000
    LABEL_STUDIO_API_KEY=… python benchmarks/label_studio.py http://localhost:8080 \
        http://localhost:8000

It makes a project with a label that the pipeline does not know, has its tasks read, annotates some
of them as a person would, and waits until others are read differently. Needs httpx.
"""

import os
import time
from typing import Annotated, Any

import httpx
import typer
from wasabi import msg

LABELS = ("PER", "LOC", "HOTEL")
CONFIG = (
    '<View><Labels name="label" toName="text">'
    + "".join(f'<Label value="{label}"/>' for label in LABELS)
    + '</Labels><Text name="text" value="$text"/></View>'
)
PEOPLE = ("Mary Smith", "Samuel Quinn", "Aiko Tanaka", "Pedro", "Olga Petrova", "Kofi Mensah")
HOTELS = ("Grand Plaza", "Royal Palm", "Golden Lion", "White Swan", "Crystal Lodge", "Old Mill")
PLACES = ("Lisbon", "Oslo", "Kyoto", "Accra", "Riga", "Paris")
PATTERNS = (
    "🏨 {person} stayed at the {hotel} in {place} .",
    "The {hotel} in {place} was closed , {person} said .",
    "{person} booked a room at the {hotel} .",
)
SECONDS = 120
Region = dict[str, Any]


def make_texts(n: int) -> list[tuple[str, list[Region]]]:
    """RETURNS (List[Tuple[str, List[Dict[str, Any]]]]): Texts with their regions."""
    found = []
    for i in range(n):
        values = {
            "person": (PEOPLE[i % 6], "PER"),
            "hotel": (HOTELS[(i // 2) % 6], "HOTEL"),
            "place": (PLACES[(i // 3) % 6], "LOC"),
        }
        text = PATTERNS[i % 3].format(**{name: value for name, (value, _) in values.items()})
        spans = [(text.find(value), value, label) for value, label in values.values()]
        found.append((text, [region(*span) for span in spans if span[0] >= 0]))
    return found


def region(start: int, text: str, label: str) -> Region:
    """RETURNS (Dict[str, Any]): A region of an annotation."""
    value = {"start": start, "end": start + len(text), "text": text, "labels": [label]}
    return {"from_name": "label", "to_name": "text", "type": "labels", "value": value}


class Studio:
    """A Label Studio, and a project in it."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Token {token}"}
        if token.count(".") == 2:
            answer = httpx.post(f"{url}/api/token/refresh", json={"refresh": token})
            headers = {"Authorization": f"Bearer {answer.raise_for_status().json()['access']}"}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=120)
        project = self.ask("POST", "/api/projects", title="Hotels", label_config=CONFIG)
        self.project = project["id"]

    def ask(self, method: str, path: str, **content: Any) -> Any:
        """RETURNS (Any): The answer to a request."""
        answer = self._client.request(method, path, json=content.pop("items", content))
        if answer.is_error:
            msg.fail(f"{method} {path}: {answer.status_code}", answer.text[:500], exits=1)
        return answer.json() if answer.content else None

    def tasks(self) -> list[dict[str, Any]]:
        """RETURNS (List[Dict[str, Any]]): The tasks with their newest predictions."""
        path = f"/api/tasks?project={self.project}&fields=all&page_size=1000"
        return sorted(self.ask("GET", path)["tasks"], key=lambda task: task["id"])

    def predict(self) -> list[dict[str, Any]]:
        """Have all tasks read, as the button of the Data Manager does."""
        path = f"/api/dm/actions?id=retrieve_tasks_predictions&project={self.project}"
        self.ask("POST", path, selectedItems={"all": True, "excluded": []}, project=self.project)
        return self.tasks()


def newest(task: dict[str, Any]) -> dict[str, Any]:
    """RETURNS (Dict[str, Any]): The newest prediction of a task."""
    return max(task["predictions"], key=lambda one: one["id"])


def shown(prediction: dict[str, Any]) -> str:
    """RETURNS (str): What was read."""
    values = [(one["value"], one.get("score", 0)) for one in prediction["result"]]
    spans = ", ".join(f"{v['text']} {v['labels'][0]} {score:.2f}" for v, score in values)
    return f"[{prediction['model_version']}, {prediction['score']:.3f}] {spans}"


def is_right(task: dict[str, Any], gold: list[Region]) -> bool:
    """RETURNS (bool): Whether a task was read as it should be."""
    keys = [
        sorted((one["value"]["start"], one["value"]["end"], one["value"]["labels"][0]) for one in x)
        for x in (newest(task)["result"], gold)
    ]
    return keys[0] == keys[1]


def main(
    studio_url: Annotated[str, typer.Argument(help="Address of Label Studio")],
    backend_url: Annotated[str, typer.Argument(help="Address of the ML backend")],
    n_annotated: Annotated[int, typer.Option(help="How many tasks to annotate")] = 12,
    n_others: Annotated[int, typer.Option(help="How many tasks to leave alone")] = 24,
) -> None:
    """Connect, predict, annotate, and wait until predictions change."""
    studio = Studio(studio_url, os.environ["LABEL_STUDIO_API_KEY"])
    texts = make_texts(n_annotated + n_others)
    data = [{"data": {"text": text}} for text, _ in texts]
    studio.ask("POST", f"/api/projects/{studio.project}/import", items=data)
    backend = studio.ask(
        "POST", "/api/ml", url=backend_url, project=studio.project, is_interactive=True
    )
    msg.good(f"Connected: {backend['readable_state']}, {backend['model_version']}")
    tasks = studio.predict()
    gold = [regions for _, regions in texts]
    first = newest(tasks[-1])["model_version"]
    right = sum(map(is_right, tasks[n_annotated:], gold[n_annotated:]))
    msg.text(f"{right} of {n_others} other tasks are read rightly. The last one:")
    msg.text(f"{tasks[-1]['data']['text']}\n{shown(newest(tasks[-1]))}")

    start = time.perf_counter()
    for task, regions in zip(tasks[:n_annotated], gold, strict=False):
        studio.ask("POST", f"/api/tasks/{task['id']}/annotations/", result=regions)
    msg.good(f"Annotated {n_annotated} tasks in {time.perf_counter() - start:.1f} s")
    start = time.perf_counter()
    while right < n_others and time.perf_counter() - start < SECONDS:
        time.sleep(1)
        tasks = studio.predict()
        now = sum(map(is_right, tasks[n_annotated:], gold[n_annotated:]))
        if newest(tasks[-1])["model_version"] != first:
            first, right = newest(tasks[-1])["model_version"], now
            passed = time.perf_counter() - start
            msg.text(f"{passed:.1f} s: {first}, {right} of {n_others} are read rightly")
    msg.text(f"{tasks[-1]['data']['text']}\n{shown(newest(tasks[-1]))}")

    drawn = region(2, "Mary", "HOTEL")
    path = f"/api/ml/{backend['id']}/interactive-annotating"
    answer = studio.ask("POST", path, task=tasks[0]["id"], context={"result": [drawn]})
    msg.good("Around a region that was drawn, Mary HOTEL:")
    msg.text(f"{tasks[0]['data']['text']}\n{shown(answer['data'])}")
    studio.ask("POST", f"/api/ml/{backend['id']}/train")
    state = studio.ask("GET", f"/api/ml/{backend['id']}")
    msg.good(f"Told to train: {state['readable_state']} {state['error_message'] or ''}")


if __name__ == "__main__":
    typer.run(main)
