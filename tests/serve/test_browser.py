"""The page in Chromium, driven by Playwright. Skipped where one of them is missing."""

import os
import shutil
import socket
import threading
import time

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")
pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")

import uvicorn
from playwright.sync_api import sync_playwright

from spacy_window_ner.serve.app import Limits, make_app
from spacy_window_ner.serve.service import Service
from tests.inspect.hostile import HOSTILE, MARK
from tests.pipelines import ner_of, shared

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

pytestmark = [
    pytest.mark.extra,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; apt install chromium"),
]

TEXT = "🏨 Paris Hilton met Samuel Quinn in Paris."


@pytest.fixture(scope="module")
def url():
    app = make_app(Service(shared()), title="one", limits=Limits(max_length=5_000))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser():
    # Chromium's sandbox does not work for root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)


@pytest.fixture
def page(browser, url):
    page = browser.new_context().new_page()
    requests, complaints = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.add_init_script(f"window.{MARK} = () => {{ window.ran = true; }};")
    page.goto(url)
    yield page
    assert all(one.startswith(url) for one in requests), requests
    assert complaints == []
    assert page.evaluate("window.ran") is None


def wait(page, is_so) -> None:
    """Wait for a condition; the page's policy forbids Playwright's own way, which evaluates it."""
    for _ in range(200):
        if is_so():
            return
        page.wait_for_timeout(50)
    raise AssertionError(page.inner_text("body"))


def entities(page) -> list[tuple[str, ...]]:
    buttons = page.query_selector_all(".entity")
    return [tuple(node.text_content() for node in one.query_selector_all("b")) for one in buttons]


def test_entities_while_one_types(page):
    page.fill("#text", TEXT)
    page.wait_for_selector(".entity")
    doc = shared()(TEXT)
    assert entities(page) == [(ent.label_,) for ent in doc.ents]
    shown = page.text_content("#read")
    for ent in doc.ents:
        shown = shown.replace(f"{ent.text}{ent.label_}{ent._.score:.3f}", ent.text, 1)
    assert shown == TEXT
    page.fill("#text", "nothing")
    wait(page, lambda: page.text_content("#status") == "No entities.")
    assert entities(page) == []
    page.fill("#text", "")
    page.wait_for_selector("#found", state="hidden")


def test_alternatives_and_explanation(page):
    page.fill("#text", TEXT)
    page.click(".entity >> nth=0")
    page.wait_for_selector("#why-facts")
    assert page.text_content("#why-title") == "Paris Hilton: PER"
    rows = [one.inner_text().split("\t") for one in page.query_selector_all("#alternatives tr")]
    doc = shared()(TEXT)
    others = ner_of(shared()).alternatives(doc.ents[0])
    assert dict(rows) == {label or "no entity": f"{p:.3f}" for label, p in others}
    assert page.text_content("#words").split() == [token.text for token in doc]
    assert "Contributions add up" in page.text_content("#sum")
    assert page.query_selector_all("#contributions tr")


def test_a_text_that_is_too_long_or_too_long_to_explain(page):
    page.fill("#text", "x" * 5_001)
    wait(page, lambda: "5,000 are allowed" in page.text_content("#status"))
    page.fill("#text", "Paris Hilton met Samuel Quinn in Paris. " * 60)
    page.click(".entity >> nth=0")
    page.wait_for_selector("#too-long")
    assert page.query_selector_all("#alternatives tr")
    assert page.is_hidden("#decided")


def test_a_threshold(page):
    page.fill("#text", TEXT)
    page.wait_for_selector(".entity")
    page.fill("#threshold", "1")
    wait(page, lambda: entities(page) == [])


def test_nothing_in_a_hostile_text_runs(page):
    for text in HOSTILE:
        with page.expect_response("**/entities"):
            page.fill("#text", f"Nobody said {text}")
        wait(page, lambda: page.text_content("#status") in ("", "No entities."))
        assert page.text_content("#read")
    page.fill("#text", "Paris Hilton met " + " ".join(HOSTILE)[:1_500])
    wait(page, lambda: "<base" in page.text_content("#read"))
    page.click(".entity >> nth=0")
    page.wait_for_selector("#why-facts")
    assert page.query_selector_all("main img, main iframe, main script, main svg") == []


@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_is_no_wider_than_the_screen(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.fill("#text", f"{TEXT} {'x' * 300}")
    page.click(".entity >> nth=0")
    page.wait_for_selector("#why-facts")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
