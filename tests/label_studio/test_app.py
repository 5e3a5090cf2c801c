"""The ML backend on the web: what Label Studio sends, what it gets, and what is refused."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("httpx", reason="httpx is not installed")

from fastapi.testclient import TestClient

from spacy_window_ner.label_studio import project as module
from spacy_window_ner.label_studio.app import make_label_studio_app
from spacy_window_ner.label_studio.client import Studio, StudioError
from spacy_window_ner.label_studio.projects import Projects
from spacy_window_ner.teach.learner import Failed, Finished
from tests.pipelines import shared

from .payloads import CONFIG, UID, annotation, event, predict, region, setup, task
from .payloads import project as project_of
from .test_project import TEXT, StillLearner

pytestmark = pytest.mark.extra

URL = "http://127.0.0.1:9090"
PARIS = region(35, 40, "Paris", "LOC")


@pytest.fixture(autouse=True)
def nothing_learns(monkeypatch):
    monkeypatch.setattr(module, "Learner", StillLearner)


@pytest.fixture
def projects(tmp_path):
    return Projects(tmp_path, shared(), "shared")


@pytest.fixture
def client(projects):
    with TestClient(make_label_studio_app(projects), base_url=URL) as client:
        yield client


def decided(projects, key=UID):
    return [one.entities for one in projects.project(key).store.decisions()]


class FakeStudio:
    """A Label Studio that exports tasks. Its tokens are `legacy`, and `access` for a refresh."""

    def __init__(self) -> None:
        self.tasks, self.asked, self.before = [], [], lambda: None
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers["Authorization"]))
                known = self.headers["Authorization"] in ("Token legacy", "Bearer access")
                tasks = json.loads(json.dumps(outer.tasks))
                outer.before()
                self.answer(outer.status if known else 401, tasks)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked.append((self.path, json.loads(body)))
                self.answer(200, {"access": "access"})

            def answer(self, status, content) -> None:
                self.send_response(status)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, *_) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def studio():
    studio = FakeStudio()
    yield studio
    studio.server.shutdown()
    studio.server.server_close()


def wait_for(condition) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it has not happened in ten seconds")


def test_health(client):
    for path in ("/health", "/"):
        assert client.get(path).json() == {"status": "UP", "model_class": "window_ner"}


def test_connect_and_predict(client):
    answer = client.post("/setup", json=setup())
    assert answer.status_code == 200
    version = answer.json()["model_version"]
    answer = client.post("/predict", json=predict(task(1, TEXT), task(2, "")))
    assert answer.status_code == 200
    first, second = answer.json()["results"]
    assert [one["value"]["labels"] for one in first["result"]] == [["PER"], ["PER"], ["LOC"]]
    assert (first["model_version"], second["result"]) == (version, [])


def test_predict_without_setup_and_with_less(client):
    answer = client.post("/predict", json={"tasks": [task(1, TEXT)], "project": "7"})
    assert answer.status_code == 404
    assert "Project 7 is not connected to this service" in answer.json()["detail"]
    answer = client.post(
        "/predict", json={"tasks": [task(1, TEXT)], "project": 7, "label_config": CONFIG}
    )
    assert len(answer.json()["results"]) == 1
    again = client.post("/predict", json=predict(task(1, TEXT), params=None, project="7"))
    assert again.json() == answer.json()


def test_interactive(client):
    context = {"result": [region(2, 7, "Paris", "HOTEL")], "project_credentials_login": None}
    answer = client.post("/predict", json=predict(task(1, TEXT), context=context))
    [one] = answer.json()["results"]
    assert all(found["value"]["start"] >= 7 for found in one["result"])
    assert one["result"][-1]["value"]["labels"] == ["LOC"]


def test_annotation_is_stored_and_changed_and_deleted(client, projects):
    client.post("/setup", json=setup())
    created = event("ANNOTATION_CREATED", annotation=annotation(5, PARIS), task=task(1, TEXT))
    answer = client.post("/webhook", json=created)
    assert (answer.status_code, answer.json()) == (201, {"status": "stored"})
    assert decided(projects) == [[(35, 40, "LOC")]]
    assert projects.project(UID)._learner.woken == 1
    client.post(
        "/webhook", json=event("ANNOTATION_UPDATED", annotation=annotation(5), task=task(1, TEXT))
    )
    assert decided(projects) == [[]]
    many = {
        "annotation": [annotation(6, PARIS), annotation(7, PARIS)],
        "task": [task(1, TEXT), task(2, TEXT + "!")],
    }
    client.post("/webhook", json=event("ANNOTATIONS_CREATED", **many))
    assert decided(projects) == [[(35, 40, "LOC")]] * 2
    answer = client.post(
        "/webhook", json=event("ANNOTATIONS_DELETED", annotations=[{"id": 6}, {"id": 7}])
    )
    assert answer.json() == {"status": "stored"}
    assert decided(projects) == [[]]


def test_all_annotation_as_older_versions_send_it(client, projects):
    tasks = [task(1, TEXT, annotations=[annotation(5, PARIS)]), task(2, "Oslo.", annotations=[])]
    for sent, expected in [(tasks, [[(35, 40, "LOC")]]), (tasks[1:], [])]:
        body = {"annotations": sent, "project": UID, "label_config": CONFIG, "params": {}}
        assert client.post("/train", json=body).status_code == 201
        assert decided(projects) == expected


def test_a_restart(projects, tmp_path, client):
    client.post("/setup", json=setup())
    client.post(
        "/webhook",
        json=event("ANNOTATION_CREATED", annotation=annotation(5, PARIS), task=task(1, TEXT)),
    )
    projects.close()
    again = Projects(tmp_path, shared(), "shared")
    with TestClient(make_label_studio_app(again), base_url=URL) as client:
        # The labeling config is known from before.
        new = event("ANNOTATION_CREATED", annotation=annotation(6), task=task(2, "Hi."))
        assert client.post("/webhook", json=new).json() == {"status": "stored"}
        assert decided(again) == [[(35, 40, "LOC")], []]
        # Once at the start, once for what is new.
        assert again.project(UID)._learner.woken == 2


def test_another_project_of_the_same_number(client, projects):
    client.post("/setup", json=setup())
    later = project_of(created_at="2027-01-01T00:00:00Z")
    new = event("ANNOTATION_CREATED", annotation=annotation(5), task=task(1, TEXT), project=later)
    assert client.post("/webhook", json=new).status_code == 201
    assert decided(projects) == []
    assert decided(projects, "7.1798761600") == [[]]
    # Those who do not say which one mean the newer one.
    assert projects.open("7") == "7.1798761600"


def test_a_label_that_is_new_and_annotated_at_once(client, projects):
    client.post("/setup", json=setup())
    changed = project_of(label_config=CONFIG.replace("HOTEL", "CITY"))
    done = annotation(5, region(35, 40, "Paris", "CITY"))
    new = event("ANNOTATION_CREATED", annotation=done, task=task(1, TEXT), project=changed)
    assert client.post("/webhook", json=new).status_code == 201
    assert decided(projects) == [[(35, 40, "CITY")]]


# What is not sent along


def connected(studio: FakeStudio, **changes) -> dict:
    return setup(hostname=studio.url, access_token="legacy", **changes)


def test_what_was_annotated_before_is_asked_for(client, projects, studio):
    studio.tasks = [task(1, TEXT, annotations=[annotation(5, PARIS)])]
    client.post("/setup", json=connected(studio))
    wait_for(lambda: decided(projects) == [[(35, 40, "LOC")]])
    for _ in range(3):
        client.post("/setup", json=connected(studio))
    assert studio.asked == [("/api/projects/7/export?exportType=JSON", "Token legacy")]


@pytest.mark.parametrize(
    "body",
    [
        {"action": "ANNOTATION_CREATED"},
        event("ANNOTATION_CREATED", annotation={"id": 6}, task=task(1, TEXT)),
        event("ANNOTATION_UPDATED", annotation=annotation(6, PARIS)),
        event("ANNOTATION_UPDATED", annotation=annotation(6, PARIS), task={"id": 1}),
        event("ANNOTATIONS_DELETED"),
    ],
)
def test_what_is_left_out_is_asked_for(client, projects, studio, body):
    studio.tasks = [task(1, TEXT, annotations=[annotation(5)])]
    client.post("/setup", json=connected(studio))
    wait_for(lambda: decided(projects) == [[]])
    # Meanwhile one was deleted and another one made.
    studio.tasks = [task(1, TEXT, annotations=[annotation(6, PARIS)])]
    answer = client.post("/webhook", json=body)
    assert (answer.status_code, answer.json()) == (201, {"status": "requesting the annotations"})
    wait_for(lambda: decided(projects) == [[(35, 40, "LOC")]])
    wait_for(lambda: projects.project(UID).annotations == {6})


def test_training_is_started(client, projects, studio):
    started = {"action": "START_TRAINING", "project": project_of()}
    client.post("/setup", json=setup())
    assert client.post("/webhook", json=started).json() == {"status": "training"}
    assert projects.project(UID)._learner.finished == 1
    client.post("/setup", json=connected(studio))
    wait_for(lambda: not client.app.state.backend._tasks)
    studio.tasks = [task(1, TEXT, annotations=[annotation(5)])]
    studio.before = lambda: projects.project(UID)._learner.finished == 1 or studio.asked.clear()
    assert client.post("/webhook", json=started).json() == {"status": "training"}
    wait_for(lambda: projects.project(UID)._learner.finished == 2)
    assert decided(projects) == [[]]
    assert studio.asked


def test_what_is_learned_is_taken_while_nothing_is_asked(client, projects, caplog):
    client.post("/setup", json=setup())
    learner = projects.project(UID)._learner
    learner.messages = [Finished({"pipeline": "out/pipeline"}), Failed("too few texts", True)]
    caplog.set_level("INFO")
    wait_for(lambda: f"Training failed for project {UID}: too few texts" in caplog.text)
    assert f"Saved the pipeline of project {UID}: out/pipeline" in caplog.text


def test_what_happens_while_it_asks_is_newer(client, projects, studio):
    studio.tasks = [
        task(1, TEXT, annotations=[annotation(5)]),
        task(2, "Oslo.", annotations=[annotation(6)]),
    ]
    asked, go_on = threading.Event(), threading.Event()
    studio.before = lambda: (asked.set(), go_on.wait(10))
    client.post("/setup", json=connected(studio))
    assert asked.wait(10)
    client.post(
        "/webhook",
        json=event("ANNOTATION_UPDATED", annotation=annotation(5, PARIS), task=task(1, TEXT)),
    )
    client.post(
        "/webhook",
        json=event("ANNOTATION_CREATED", annotation=annotation(8, PARIS), task=task(3, TEXT + "!")),
    )
    client.post("/webhook", json=event("ANNOTATIONS_DELETED", annotations=[{"id": 6}]))
    # It answers other questions as long as it waits.
    assert client.post("/predict", json=predict(task(1, TEXT))).status_code == 200
    go_on.set()
    wait_for(lambda: not client.app.state.backend._tasks)
    assert decided(projects) == [[(35, 40, "LOC")]] * 2
    assert projects.project(UID).annotations == {5, 8}


def test_it_is_not_known_where_to_ask(client):
    client.post("/setup", json=setup())
    for body in ({"action": "ANNOTATION_CREATED"}, event("ANNOTATIONS_DELETED")):
        answer = client.post("/webhook", json=body)
        assert answer.status_code == 409
        assert "set LABEL_STUDIO_URL" in answer.json()["detail"]


@pytest.mark.parametrize("status", [401, 302, 500])
def test_a_studio_that_says_no(client, projects, studio, status, caplog):
    studio.status = status
    client.post("/setup", json=connected(studio))
    wait_for(lambda: "Cannot get the annotations of project" in caplog.text)
    assert f"responded with status {status}" in caplog.text
    assert ("Check the API token." in caplog.text) == (status == 401)
    assert len(studio.asked) == 1
    assert client.post("/predict", json=predict(task(1, TEXT))).status_code == 200


def test_the_studio_that_was_given(projects, studio):
    payload = base64.urlsafe_b64encode(b'{"token_type": "refresh"}').decode().rstrip("=")
    token = f"e30.{payload}.c2ln"
    app = make_label_studio_app(projects, studio=Studio(studio.url, token))
    with TestClient(app, base_url=URL) as client:
        client.post("/setup", json=setup(hostname="http://evil.example", access_token="x"))
        wait_for(lambda: len(studio.asked) == 2)
    assert studio.asked == [
        ("/api/token/refresh", {"refresh": token}),
        ("/api/projects/7/export?exportType=JSON", "Bearer access"),
    ]


@pytest.mark.parametrize("url", ["file:///etc", "http://127.0.0.1:1", "http://[", "ftp://x/"])
def test_an_address_that_cannot_be_asked(url):
    with pytest.raises(StudioError, match="Cannot connect to"):
        Studio(url, "legacy").annotated_tasks(7)


# What is refused


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/setup", setup(schema="<View/>"), 422, "no labels for text"),
        ("/setup", setup(schema=None), 422, "schema"),
        ("/setup", setup(project="../7"), 422, "a project must be a number"),
        ("/setup", setup(project=None), 422, "a project must be a number"),
        ("/setup", setup(project={"id": [], "created_at": "x"}), 422, "project"),
        ("/predict", predict({"id": 3, "data": {"url": "x"}}), 422, "Task 3 has no text"),
        ("/predict", predict(tasks="all"), 422, "tasks: Input should be a valid list"),
        ("/predict", {"texts": []}, 422, "tasks: Field required"),
        ("/predict", [], 422, "valid dictionary"),
        ("/webhook", {"event": "x"}, 422, "action: Field required"),
        ("/webhook", event("ANNOTATION_CREATED", annotation=5), 422, "annotation"),
        ("/webhook", event("ANNOTATION_CREATED", project={"id": 99}), 404, "Project 99 is not"),
        ("/train", {"project": 7, "annotations": "No annotations"}, 422, "annotations"),
        ("/validate", {"config": "<View>"}, 422, "is not valid XML"),
    ],
)
def test_payloads_with_mistakes(client, projects, path, body, status, said):
    client.post("/setup", json=setup())
    answer = client.post(path, json=body)
    assert answer.status_code == status
    assert said in answer.json()["detail"]
    assert client.post("/predict", json=predict(task(1, TEXT))).status_code == 200


def test_a_wrong_annotation_is_refused_and_logged(client, projects, caplog):
    client.post("/setup", json=setup())
    wrong = event(
        "ANNOTATION_CREATED", annotation=annotation(5, region(0, 99, "", "PER")), task=task(1, TEXT)
    )
    assert client.post("/webhook", json=wrong).status_code == 422
    assert "Rejected a request: Annotation 5: The region from character 0 to 99" in caplog.text


def test_one_with_a_mistake_takes_no_other_with_it(client, projects, caplog):
    done = [annotation(5, region(0, 99, "", "PER")), annotation(6, PARIS)]
    tasks = [task(1, TEXT, annotations=done), task(2, None, annotations=[annotation(7)])]
    body = {"annotations": tasks, "project": UID, "label_config": CONFIG}
    assert client.post("/train", json=body).status_code == 201
    assert decided(projects) == [[(35, 40, "LOC")]]
    assert "Annotation 5: The region from character 0 to 99" in caplog.text
    assert "Annotation 7: Task 2 has no text" in caplog.text


def test_other_events_are_ignored(client):
    for action in ("PROJECT_UPDATED", "TASKS_CREATED", "SOMETHING_NEW"):
        answer = client.post("/webhook", json={"action": action, "tasks": [{"id": 1}]})
        assert (answer.status_code, answer.json()) == (201, {"status": "ignored"})


def test_a_config_that_is_right(client):
    assert client.post("/validate", json={"config": CONFIG}).json() == {"status": "ok"}


def test_pages_have_no_access(client, projects):
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        assert client.post("/setup", json=setup(), headers=headers).status_code == 403
    app = make_label_studio_app(projects, public_hosts=["host.docker.internal"])
    docker = TestClient(app, base_url="http://host.docker.internal:9090")
    assert docker.get("/health").status_code == 200


def test_user_and_password(projects):
    app = make_label_studio_app(projects, login=("me", "secret"))
    client = TestClient(app, base_url=URL)
    for auth in (None, ("me", "password"), ("you", "secret"), ("", "")):
        answer = client.get("/health", auth=auth)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert client.get("/health", auth=("me", "secret")).status_code == 200
    bad = client.get("/health", headers={"Authorization": "Basic ="})
    assert bad.status_code == 401
