"""The server of the page: every address, what is refused, and hostile texts, names and labels."""

import json
from io import BytesIO

import pytest

pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("httpx", reason="httpx is not installed")

from fastapi.testclient import TestClient
from spacy.tokens import DocBin

from spacy_window_ner.files.exports import SUFFIXES
from spacy_window_ner.files.formats import read_annotated
from spacy_window_ner.teach.app import MAX_BYTES, make_teach_app
from spacy_window_ner.teach.session import Session
from tests.inspect.hostile import HOSTILE
from tests.inspect.test_page import Page
from tests.pipelines import shared
from tests.teach.projects import TEXTS, session_in, store_in

pytestmark = pytest.mark.extra

URL = "http://127.0.0.1:8000"


def client_of(session, **settings):
    return TestClient(make_teach_app(session, **settings), base_url=URL)


@pytest.fixture
def session(tmp_path):
    return session_in(tmp_path)


@pytest.fixture
def client(session):
    with client_of(session) as client:
        yield client


def post(client, path, status=200, headers=None, **question):
    answer = client.post(path, json=question, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def decide(client, shown, entities=None, status=200, headers=None, **other):
    entities = shown["entities"] if entities is None else entities
    spans = [{key: one[key] for key in ("start", "end", "label")} for one in entities]
    question = {"id": shown["id"], "answer": "accept", "entities": spans, "checked": "all", **other}
    return post(client, "/decide", status, headers, **question)


def span(start, end, label):
    return {"start": start, "end": end, "label": label}


def test_all_texts(client, session):
    seen = []
    while (answer := client.get("/next")).status_code == 200:
        shown = answer.json()
        assert shown == client.get("/next").json()  # also in another tab
        assert shown["text"] == session.store.text(shown["id"])
        assert [shown["text"][s:e] for s, e in shown["tokens"]] == [
            token.text for token in shared().make_doc(shown["text"])
        ]
        seen.append(shown["id"])
        assert decide(client, shown) == {"decided": len(seen), "id": shown["id"]}
    assert answer.status_code == 204
    assert answer.content == b""
    assert sorted(seen) == list(range(1, len(TEXTS) + 1))
    assert client.get("/status").json()["left"] == 0


def test_reading_around_what_is_fixed(client, session):
    number = next(n for n in range(1, 6) if session.store.text(n).startswith("Paris Hilton"))
    free = post(client, "/read", id=number, entities=[])
    assert free["entities"][0] | {"score": 1} == {**span(0, 12, "PER"), "score": 1, "fixed": False}
    found = post(client, "/read", id=number, entities=[span(1, 3, "LOC"), span(6, 12, None)])
    assert found["entities"][0] == {**span(0, 5, "LOC"), "score": 1.0, "fixed": True}
    assert found["outside"] == [{**span(6, 12, None), "score": 1.0, "fixed": True}]
    assert session.store.handed("") is None  # nothing else has changed


@pytest.mark.parametrize(
    ("question", "status", "said"),
    [
        ({"id": 99, "entities": []}, 404, "Text 99 does not exist. The project has 5."),
        ({"id": 2**60, "entities": []}, 422, "less than or equal"),
        ({"id": "1", "entities": []}, 422, "valid integer"),
        ({"id": 1}, 422, "entities: Field required"),
        ({"id": 1, "entities": [], "x": 1}, 422, "not permitted"),
        ({"id": 1, "entities": [span(0, 999, "PER")]}, 422, "outside of the"),
        ({"id": 1, "entities": [span(-1, 3, "PER")]}, 422, "greater than or equal"),
        ({"id": 1, "entities": [span(0, 5, "XYZ")]}, 422, "The label 'XYZ' does not exist"),
        ({"id": 1, "entities": [span(0, 5, "PER"), span(0, 4, None)]}, 422, "overlap"),
    ],
)
@pytest.mark.parametrize("path", ["/read", "/decide"])
def test_wrong_questions(client, session, path, question, status, said):
    question = question if path == "/read" else {"answer": "accept", **question}
    assert said in post(client, path, status, **question)["detail"]
    assert session.store.decisions() == []


def test_wrong_answers(client):
    assert "accept" in post(client, "/decide", 422, id=1, entities=[], answer="yes")["detail"]
    question = {"id": 1, "entities": [], "answer": "skip", "checked": "some"}
    assert "given" in post(client, "/decide", 422, **question)["detail"]


def test_a_decision_that_is_sent_again(client, session):
    shown = client.get("/next").json()
    first = decide(client, shown)
    assert decide(client, shown) == first
    assert len(session.store.decisions()) == 1


def test_two_tabs(client, session):
    shown = client.get("/next").json()
    decide(client, shown, [])
    told = decide(client, shown, [span(*shown["tokens"][0], "PER")], status=409)
    assert "decided on this text in another tab" in told["detail"]
    # Undoing in one tab changes what the other one has on the page; neither loses anything.
    other = client.get("/next").json()
    assert post(client, "/undo")["id"] == shown["id"]
    decide(client, other)
    decide(client, shown, [span(*shown["tokens"][0], "PER")])
    assert {one.text_id for one in session.store.decisions()} == {shown["id"], other["id"]}


def test_undo_after_a_restart(client, session):
    entities = []
    for _ in range(3):
        shown = client.get("/next").json()
        entities.append((shown["id"], [span(*shown["tokens"][0], "DATE")]))
        decide(client, shown, entities[-1][1])
    with client_of(Session(session.store, shared())) as again:
        for number, fixed in reversed(entities):
            shown = post(again, "/undo")
            assert shown["id"] == number
            assert {**fixed[0], "score": 1.0, "fixed": True} in shown["entities"]
            assert again.get("/next").json() == shown
        assert post(again, "/undo", 404) == {"detail": "There is nothing to undo."}
        assert again.get("/status").json()["decided"] == 0


def test_skipping(client):
    decide(client, client.get("/next").json(), answer="skip")
    status = client.get("/status").json()
    assert (status["decided"], status["skipped"], status["left"]) == (0, 1, len(TEXTS) - 1)


def test_opening_what_is_decided(client, session):
    shown = client.get("/next").json()
    decide(client, shown, [span(*shown["tokens"][0], "DATE")])
    waiting = client.get("/next").json()
    opened = post(client, "/open", id=shown["id"])
    assert opened["how"] == "search"
    assert opened["entities"][0]["fixed"]
    decide(client, shown, [])
    assert session.store.accepted(shown["id"]).entities == []
    assert session.store.accepted(shown["id"]).how == shown["how"]
    assert client.get("/next").json() == waiting
    assert post(client, "/open", 404, id=99)["detail"].startswith("Text 99 does not exist")


def test_names(client, session):
    number = next(n for n in range(1, 6) if "Berlin" in session.store.text(n))
    text = session.store.text(number)
    start = text.index("Berlin")
    assert post(client, "/names", text=" Berlin ", label="PER") == {"names": 1}
    named = {**span(start, start + 6, "PER"), "score": 1.0, "fixed": True}
    assert named in post(client, "/read", id=number, entities=[])["entities"]
    # What is said about this text is stronger.
    free = post(client, "/read", id=number, entities=[span(start, start + 6, None)])
    assert free["outside"] == [{**named, "label": None}]
    assert not any(one["start"] == start for one in free["entities"])
    assert post(client, "/names", text="Berlin", label=None) == {"names": 1}
    assert {**named, "label": None} in post(client, "/read", id=number, entities=[])["outside"]
    assert client.request("DELETE", "/names", json={"text": "Berlin"}).json() == {"names": 0}
    assert client.request("DELETE", "/names", json={"text": "Berlin"}).status_code == 404
    for name in (" ", "x" * 501, "\ud800"):
        content = json.dumps({"text": name, "label": "PER"})
        assert client.post("/names", content=content).status_code == 422
    assert "does not exist" in post(client, "/names", 422, text="x", label="XYZ")["detail"]


def test_labels(client):
    assert post(client, "/labels", label="Größe 2")["labels"][-1] == "Größe 2"
    shown = client.get("/next").json()
    new = span(*shown["tokens"][0], "Größe 2")
    assert (
        post(client, "/read", id=shown["id"], entities=[new])["entities"][0]["label"] == "Größe 2"
    )
    decide(client, shown, [new])
    for label in ("", " ", "x" * 65, "a\x00b", "a\nb", "a\u202eb", "\ud800", "!x", " x"):
        answer = client.post("/labels", content=json.dumps({"label": label}))
        assert answer.status_code == 422, label
    assert "Größe 2" in client.get("/status").json()["labels"]


def test_search(client):
    found = client.get("/search", params={"q": "PARIS", "limit": 1}).json()["results"]
    assert len(found) == 1
    assert (
        found[0]["snippet"][found[0]["start"] :].startswith("Paris")
        or "Paris" in found[0]["snippet"]
    )
    assert not found[0]["decided"]
    decide(client, post(client, "/open", id=found[0]["id"]))
    assert client.get("/search", params={"q": "paris"}).json()["results"][0]["decided"]
    assert client.get("/search", params={"q": "%"}).json() == {"results": []}
    assert client.get("/search", params={"q": " "}).status_code == 422
    assert client.get("/search", params={"q": "x", "limit": 0}).status_code == 422


def test_doubts(client, session):
    first = client.get("/next").json()
    token = first["tokens"][0]
    decide(client, first, [span(*token, "DATE")])
    doubt = {"id": first["id"], "text": first["text"], "kind": "wrong label", "evidence": 2.0}
    doubts = [
        {**doubt, "annotated": span(*token, "DATE"), "instead": span(*token, "PER")},
        {**doubt, "annotated": None, "instead": span(*first["tokens"][-1], "LOC")},
        {**doubt, "annotated": span(0, 1, "LOC"), "instead": None},  # is not annotated any more
    ]
    session._doubts = doubts
    assert client.get("/doubts").json() == {"doubts": doubts[:2]}
    question = {key: doubts[1][key] for key in ("id", "annotated", "instead")}
    assert post(client, "/doubts", **question, take=False) == {"doubts": doubts[:1]}
    assert post(client, "/doubts", 404, **{**question, "id": 5}, take=True)
    question = {key: doubts[0][key] for key in ("id", "annotated", "instead")}
    assert post(client, "/doubts", **question, take=True) == {"doubts": []}
    found = session.store.accepted(first["id"])
    assert (found.entities, found.how) == ([(*token, "PER")], first["how"])
    assert (
        "changed in the meantime" in post(client, "/doubts", 409, **question, take=True)["detail"]
    )
    # It can be undone as any other decision.
    assert post(client, "/undo")["id"] == first["id"]


@pytest.mark.parametrize("form", SUFFIXES)
def test_export(client, session, tmp_path, form):
    one, two, three = (session.store.text(n) for n in (1, 2, 3))
    decide(client, {"id": 1, "entities": [span(*_words(one)[0], "DATE")]})
    partial = [span(*_words(two)[0], "LOC"), span(*_words(two)[1], None)]
    decide(client, {"id": 2, "entities": partial}, checked="given")
    decide(client, {"id": 3, "entities": []}, answer="skip")
    answer = client.get("/export", params={"format": form})
    assert answer.status_code == 200
    path = tmp_path / f"annotated{SUFFIXES[form]}"
    assert path.name in answer.headers["content-disposition"]
    path.write_bytes(answer.content)
    docs = list(read_annotated([path], shared()))
    assert [[(e.text, e.label_) for e in doc.ents] for doc in docs] == [
        [(one[slice(*_words(one)[0])], "DATE")],
        [(two[slice(*_words(two)[0])], "LOC")],
    ]
    if form in ("spacy", "conll"):
        assert [token.ent_iob_ for token in docs[1]][:3] == ["B", "O", ""]
    assert three not in answer.text


def _words(text):
    return [(token.idx, token.idx + len(token)) for token in shared().make_doc(text)]


def test_other_formats_are_refused(client):
    assert client.get("/export", params={"format": "xml"}).status_code == 422


def test_documentation(client):
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) == {
        "/next", "/read", "/decide", "/undo", "/open", "/status", "/names", "/labels", "/search",
        "/doubts", "/export", "/finish", "/healthz",
    }  # fmt: skip
    assert {"200", "204"} <= set(described["paths"]["/next"]["get"]["responses"])
    assert client.get("/healthz").json() == {"status": "ok", "project": "teach"}


def test_what_is_refused(client):
    headers = {"Origin": "http://evil.example"}
    for path in ("/read", "/decide", "/undo", "/names", "/labels", "/finish", "/doubts", "/open"):
        assert client.post(path, json={}, headers=headers).status_code == 403
    for path in ("/next", "/export", "/status", "/search?q=a", "/"):
        assert client.get(path, headers=headers).status_code == 403
        assert client.get(path, headers={"Host": "evil.example"}).status_code == 403
    assert client.post("/read", content=b"x" * (MAX_BYTES + 1)).status_code == 413


def test_behind_a_proxy(session):
    with client_of(session, public_hosts=["ner.example"]) as client:
        headers = {"Host": "ner.example", "Origin": "https://ner.example"}
        assert client.post("/undo", headers=headers).status_code == 404
        assert client.get("/next", headers={"Host": "evil.example"}).status_code == 403


def test_several_annotators(session):
    with client_of(session, user_header="X-User") as client:
        assert "X-User" in client.get("/next").json()["detail"]
        assert client.get("/next").status_code == 401
        assert client.get("/next", headers={"X-User": "x" * 201}).status_code == 401
        ann, bob = {"X-User": "Ann"}, {"X-User": "Bob"}
        seen = []
        for who in (ann, bob, ann, bob):
            shown = client.get("/next", headers=who).json()
            seen.append(shown["id"])
            if who is ann:
                decide(client, shown, headers=who)
        assert len({*seen}) == 3  # Bob still has the first one
        status = client.get("/status", headers=bob).json()
        assert (status["annotator"], status["decided"]) == ("Bob", 2)
        assert status["annotators"] == [{"name": "Ann", "decided": 2}]
        assert post(client, "/undo", 404, headers=bob)
        text = {"id": seen[0], "entities": []}
        assert "Another annotator" in decide(client, text, status=409, headers=bob)["detail"]


HARD = [
    *HOSTILE,
    "a\x00b \x00 c",
    "\u202eevil\u202c \u2066name\u2069",
    "👩‍👩‍👧‍👦 met 🏨",
    "\ufeffשלום עולם",
    "x" * 100_000,
    "Paris " * 2_000,
]


def test_hostile_texts(tmp_path):
    store = store_in(tmp_path, [])
    with store.adding():
        store.add_texts(("file", n, 0, n, text) for n, text in enumerate(HARD, 1))
    session = Session(store, shared())
    with client_of(session, title="</title><script>hacked()</script>") as client:
        for number, text in enumerate(HARD, 1):
            shown = post(client, "/open", id=number)
            assert shown["text"] == text
            word = next(place for place in shown["tokens"] if not text[slice(*place)].isspace())
            decide(client, shown, [span(*word, "PER")])
        assert [one.text for one in store.decisions()] == HARD
        [docs] = [DocBin().from_bytes(client.get("/export").content).get_docs(shared().vocab)]
        assert [doc.text for doc in docs] == HARD
        for form in SUFFIXES:
            assert client.get("/export", params={"format": form}).status_code == 200
        for one in HOSTILE:
            assert post(client, "/names", text=one, label="PER")
            post(client, "/labels", 200 if _is_label(one) else 422, label=one)
        page = Page(client.get("/").text)
    assert not any("hacked" in text for tag, text in page.texts if tag == "script")


def _is_label(text):
    return len(text) <= 64 and text.isprintable() and not text.startswith("!")


def test_bytes_that_are_no_json(client):
    for body in (b"", b"{", b'{"text": "\xff"}', b"[" * 100_000, b"null"):
        assert client.post("/names", content=body).status_code == 422
    assert BytesIO(client.get("/").content).read()
