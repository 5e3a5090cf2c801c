"""The service on the web: answers, limits, what is refused, and the page."""

import asyncio
import json
import threading

import pytest

pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("httpx", reason="httpx is not installed")

from fastapi.testclient import TestClient

from spacy_window_ner.serve.app import EXAMPLE, MAX_EXPLAINED, TOGETHER, Limits, make_app
from spacy_window_ner.serve.service import Service
from spacy_window_ner.serve.worker import QueueFullError, Worker
from tests.inspect.hostile import HOSTILE
from tests.inspect.test_page import Page
from tests.pipelines import copy_of, shared, texts_of

pytestmark = pytest.mark.extra

LIMITS = Limits(max_length=3_000, max_texts=12, queue=3)
URL = "http://127.0.0.1:8000"
TEXTS = texts_of()


def app_of(**settings):
    return make_app(Service(shared()), title="one", limits=LIMITS, **settings)


@pytest.fixture(scope="module")
def client():
    with TestClient(app_of(), base_url=URL) as client:
        yield client


def ask(client, **question):
    return client.post("/entities", json=question)


def test_answers(client):
    service = Service(shared())
    one = ask(client, text=TEXTS[0])
    assert one.status_code == 200
    assert one.json() == {"results": service.read(TEXTS[:1])}
    assert "candidates" not in one.json()["results"][0]
    many = ask(client, text=TEXTS, threshold={"PER": 0.9}, candidates=0.01)
    assert many.json() == {"results": service.read(TEXTS, threshold={"PER": 0.9}, candidates=0.01)}
    assert ask(client, text=[]).json() == {"results": []}


def test_what_is_no_json(client):
    headers = {"Content-Type": "application/json"}
    answer = client.post("/entities", content='{"text": ]', headers=headers)
    assert answer.status_code == 422
    assert answer.json() == {"detail": "The request body is not valid JSON (error at character 9)."}


def test_explanation(client):
    answer = client.post("/explain", json={"text": "Paris.", "start": 0, "end": 5, "label": "LOC"})
    assert answer.status_code == 200
    assert {one["label"] for one in answer.json()["alternatives"]} == {*shared_labels(), None}
    assert answer.json()["explanation"]["label"] == "LOC"
    long = "Paris. " + "x " * (MAX_EXPLAINED // 2)
    answer = client.post("/explain", json={"text": long, "start": 0, "end": 5, "label": "LOC"})
    assert answer.json()["alternatives"]
    assert answer.json()["explanation"] is None
    wrong = {"text": "Paris.", "start": 1, "end": 5, "label": "LOC"}
    answer = client.post("/explain", json=wrong)
    assert answer.status_code == 422
    assert "do not start and end at word boundaries" in answer.json()["detail"]


def shared_labels() -> list[str]:
    return Service(shared()).labels


def test_health(client):
    assert client.get("/healthz").json() == {
        "status": "ok",
        "pipeline": "one",
        "labels": shared_labels(),
        "waiting": 0,
    }


def test_documentation(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {"/entities", "/explain", "/healthz"}
    assert {"200", "413", "422", "503"} <= set(paths["/entities"]["post"]["responses"])
    assert client.get("/docs").status_code == 200


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x" * 3_001, "Text 1 has 3,001 characters, but at most 3,000 are allowed"),
        (["x", "x" * 3_001], "Text 2 has 3,001 characters"),
        (["x"] * 13, "The request has 13 texts, but at most 12 are allowed"),
        (["x" * 2_900] * 11, "The texts have 31,900 characters in total"),
        ("x" * (TOGETHER * 12 * 3_000 + 100_000), "The request has more than 460,000 bytes"),
    ],
)
def test_too_much(client, text, said):
    answer = ask(client, text=text)
    assert answer.status_code == 413
    assert said in answer.json()["detail"]


def test_as_much_as_is_allowed(client):
    assert ask(client, text="😀" * 3_000).status_code == 200
    assert ask(client, text=["x" * 2_500] * 12).status_code == 200


def test_a_body_without_a_length_is_read_no_further_than_allowed(client):
    read = []

    def parts():
        for n in range(1_000):
            read.append(n)
            yield b"x" * 10_000

    assert client.post("/entities", content=parts()).status_code == 413


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "required"),
        (b"{", "JSON"),
        (b"[]", "valid dictionary"),
        (b'{"text": "\xff"}', "UTF-8"),
        (b"[" * 100_000, "nested"),
        (b"{}", "text: Field required"),
        (b'{"text": 5}', "valid string"),
        (b'{"text": [null]}', "valid string"),
        (rb'{"text": "\ud800"}', "an unpaired surrogate"),
        (rb'{"text": "x", "threshold": {"\ud800": 0.5}}', "threshold has"),
        (rb'{"text": "x", "\ud800": 0.5}', "unicode string"),
        (b'{"text": "x", "threshold": 1.1}', "less than or equal to 1"),
        (b'{"text": "x", "threshold": NaN}', "finite"),
        (b'{"text": "x", "threshold": "0.5"}', "valid number"),
        (b'{"text": "x", "threshold": {"NONE": 0.5}}', "threshold has unknown labels 'NONE'"),
        (b'{"text": "x", "candidates": -1}', "greater than or equal to 0"),
        (b'{"text": "x", "treshold": 0.5}', "treshold: Extra inputs"),
    ],
)
def test_bad_input(client, body, said):
    answer = client.post("/entities", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def test_other_origins_have_no_access(client):
    for origin in ("http://evil.example", "null", "http://127.0.0.1:9000"):
        answer = client.post("/entities", json={"text": "x"}, headers={"Origin": origin})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        assert client.options("/entities", headers=asked).status_code == 403
    same = client.post("/entities", json={"text": "x"}, headers={"Origin": URL})
    assert same.status_code == 200


def test_other_names_of_this_computer_have_no_access(client):
    for host in ("evil.example", "evil.example:8000", "", "[::1"):
        headers = {"Host": host, "Origin": f"http://{host}"}
        assert client.get("/", headers=headers).status_code == 403
    for host in ("localhost:8000", "[::1]:8000", "127.0.0.1"):
        assert client.get("/", headers={"Host": host}).status_code == 200
    public = TestClient(app_of(host="0.0.0.0"), base_url="http://names.example")
    assert public.get("/").status_code == 200


def test_a_full_queue():
    app = app_of()
    go_on, begun = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        assert go_on.wait(20)

    async def fill() -> list:
        import httpx

        worker = app.state.worker
        held = [asyncio.create_task(worker.run(hold)) for _ in range(LIMITS.queue)]
        await asyncio.to_thread(begun.wait, 20)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url=URL
        ) as client:
            full = await client.post("/entities", json={"text": "Paris"})
            health = await client.get("/healthz")
            go_on.set()
            await asyncio.gather(*held)
            await asyncio.sleep(0)
            after = await client.post("/entities", json={"text": "Paris"})
        worker.close()
        return [full, health, after]

    full, health, after = asyncio.run(fill())
    assert full.status_code == 503
    assert "Try again later" in full.json()["detail"]
    assert full.headers["Retry-After"] == "1"
    assert health.json()["waiting"] == LIMITS.queue
    assert after.status_code == 200


def test_a_place_is_free_when_the_work_is_done_not_when_nobody_waits():
    async def run() -> None:
        worker, go_on, begun = Worker(1), threading.Event(), threading.Event()
        task = asyncio.create_task(worker.run(lambda: (begun.set(), go_on.wait(20))))
        await asyncio.to_thread(begun.wait, 20)
        task.cancel()
        await asyncio.sleep(0)
        with pytest.raises(QueueFullError):
            await worker.run(int)
        go_on.set()
        await asyncio.to_thread(worker.close)
        await asyncio.sleep(0)
        assert worker.waiting == 0

    asyncio.run(run())


def test_a_failure_of_the_pipeline(monkeypatch):
    service = Service(shared())

    def fail(*args, **settings):
        raise RuntimeError("secret")

    monkeypatch.setattr(service, "read", fail)
    answer = ask(TestClient(make_app(service), base_url=URL), text="Paris")
    assert answer.status_code == 500
    assert answer.json()["detail"].startswith("The pipeline failed on this text.")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_data(client, text):
    answer = ask(client, text=f"Paris Hilton met {text} in Paris.")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    for entity in json.loads(answer.text)["results"][0]["entities"]:
        asked = f"Paris Hilton met {text} in Paris."
        assert asked[entity["start"] : entity["end"]] == entity["text"]
    refused = client.post("/explain", json={"text": "x", "start": 0, "end": 1, "label": text})
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/json"


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_names_of_pipelines_are_text(title):
    plain = Page(TestClient(app_of(), base_url=URL).get("/").text)
    app = make_app(Service(shared()), title=title)
    page = Page(TestClient(app, base_url=URL).get("/").text)
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    assert ("h1", title) in [(tag, text) for tag, text in page.texts]


def test_the_pages_own_threshold_and_example():
    def page_of(lang="en", **settings):
        nlp = copy_of(shared(), **settings)
        nlp.lang = lang
        app = make_app(Service(nlp), limits=LIMITS)
        return Page(TestClient(app, base_url=URL).get("/").text)

    def settings_of(page):
        [text] = [text for tag, text in page.texts if tag == "script" and text.startswith("{")]
        return json.loads(text)

    for threshold, shown, start in ((None, None, "0.5"), (0.123, 0.123, "0.12")):
        page = page_of(threshold=threshold)
        assert settings_of(page) == {
            "labels": shared_labels(),
            "maxLength": LIMITS.max_length,
            "threshold": shown,
        }
        [slider] = [one for one in page.of("input") if one["type"] == "range"]
        assert slider["value"] == start
        assert EXAMPLE in page.text
    by_label = page_of(threshold={"PER": 0.9})
    assert settings_of(by_label)["threshold"] is None
    assert EXAMPLE not in page_of("de").text


def test_the_script_makes_no_markup(client):
    page = client.get("/").text
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert word not in page
    assert "connect-src &#39;self&#39;" in page
