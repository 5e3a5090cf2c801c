"""The page in Chromium, driven by Playwright. Skipped where one of them is missing."""

import csv
import json

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")
pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")


from spacy_window_ner.inspect.explain import explain
from spacy_window_ner.serve.app import EXAMPLE, Limits, make_app
from spacy_window_ner.serve.service import Service
from tests.browser import NEEDS_CHROMIUM, serving
from tests.inspect.hostile import HOSTILE, MARK
from tests.pipelines import copy_of, ner_of, shared

pytestmark = NEEDS_CHROMIUM

TEXT = "🏨 Paris Hilton met Samuel Quinn in Paris."


@pytest.fixture(scope="module")
def url():
    nlp = copy_of(shared())
    nlp.lang = "en"
    app = make_app(Service(nlp), title="one", limits=Limits(max_length=5_000))
    with serving(app) as port:
        yield f"http://127.0.0.1:{port}/"


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
    # What is downloaded is made in the page.
    others = [one for one in requests if not one.startswith((url, f"blob:{url}"))]
    assert others == []
    assert complaints == []
    assert page.evaluate("window.ran") is None


def wait(page, is_so) -> None:
    """Wait for a condition; the page's policy forbids Playwright's own way, which evaluates it."""
    for _ in range(200):
        if is_so():
            return
        page.wait_for_timeout(50)
    raise AssertionError(page.inner_text("body"))


def cells(page, selector: str) -> list[list[str]]:
    rows = page.query_selector_all(f"{selector} tbody tr")
    return [[cell.text_content() for cell in row.query_selector_all("th, td")] for row in rows]


def entities(page) -> list[tuple[str, ...]]:
    buttons = page.query_selector_all(".entity")
    return [tuple(node.text_content() for node in one.query_selector_all("b")) for one in buttons]


def test_entities_while_one_types(page):
    read_text(page, TEXT)
    doc = shared()(TEXT)
    assert entities(page) == [(ent.label_,) for ent in doc.ents]
    shown = page.text_content("#read")
    for ent in doc.ents:
        shown = shown.replace(f"{ent.text}{ent.label_}{ent._.score:.3f}", ent.text, 1)
    assert shown == TEXT
    page.fill("#text", "nothing")
    wait(page, lambda: page.text_content("#status") == "No entities found.")
    assert entities(page) == []
    page.fill("#text", "")
    page.wait_for_selector("#found", state="hidden")


def read_text(page, text: str) -> None:
    """Type a text, and wait until its entities are there in the place of those of before."""
    with page.expect_response(lambda answer: answer.request.post_data_json["text"] == text):
        page.fill("#text", text)
    wait(page, lambda: text.split()[0] in page.text_content("#read"))


def test_an_example_is_there_at_the_beginning(page):
    page.wait_for_selector("#found")
    assert page.input_value("#text") == EXAMPLE
    assert page.text_content("#read")


def test_the_colors_and_the_table(page):
    read_text(page, TEXT)
    doc, labels = shared()(TEXT), ner_of(shared()).label_data
    found = [one.get_attribute("class") for one in page.query_selector_all("#read .entity")]
    assert found == [f"entity label{labels.index(ent.label_)}" for ent in doc.ents]
    assert cells(page, "#table") == [
        [ent.text, ent.label_, f"{ent._.score:.3f}", str(ent.start_char), str(ent.end_char)]
        for ent in doc.ents
    ]
    page.click("#table button >> nth=1")
    assert page.text_content("#why-title") == f"{doc.ents[1].text}: {doc.ents[1].label_}"


def test_copies_and_downloads(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    text = 'Paris "Hilton, x" met Samuel\nQuinn in Paris.'
    read_text(page, text)
    doc = shared()(text)
    expected = [
        {"text": ent.text, "label": ent.label_, "start": ent.start_char, "end": ent.end_char}
        for ent in doc.ents
    ]
    assert any('"' in one["text"] or "\n" in one["text"] for one in expected)

    def without_probability(found):
        return [{name: x for name, x in one.items() if name != "probability"} for one in found]

    with page.expect_download() as made:
        page.click("#save-json")
    assert made.value.suggested_filename == "entities.json"
    saved = made.value.path().read_bytes().decode("utf8")
    assert json.loads(saved)["text"] == text
    assert without_probability(json.loads(saved)["entities"]) == expected
    with page.expect_download() as made:
        page.click("#save-csv")
    with made.value.path().open(encoding="utf8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["start"], row["end"] = int(row["start"]), int(row["end"])
    assert without_probability(rows) == expected
    page.click("#copy-json")
    wait(page, lambda: page.text_content("#copied") == "Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == saved
    page.click("#copy-table")
    wait(page, lambda: "probability\tstart" in page.evaluate("navigator.clipboard.readText()"))
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert [line.split("\t")[0] for line in lines[1:]] == [
        " ".join(one["text"].split()) for one in expected
    ]


def test_a_file(page, tmp_path):
    path = tmp_path / "a text.txt"
    path.write_text(TEXT, encoding="utf8")
    page.set_input_files("#file", path)
    wait(page, lambda: page.text_content("#read").startswith("🏨"))
    assert page.input_value("#text") == TEXT
    for content, said in (
        (b"x" * 5_001, "a text.txt has 5,001 characters, but the limit is 5,000. Split the file"),
        (
            b"x" * 20_001,
            "a text.txt has too many characters (20,001 bytes), but the limit is 5,000",
        ),
        (b"\xff\xfe", "a text.txt is not a text file in UTF-8."),
    ):
        path.write_bytes(content)
        page.set_input_files("#file", path)
        wait(page, lambda said=said: said in page.text_content("#status"))
        assert page.input_value("#text") == TEXT
    path.write_text("😀" * 5_000, encoding="utf8")
    page.set_input_files("#file", path)
    wait(page, lambda: page.input_value("#text") == "😀" * 5_000)


def test_alternatives_and_explanation(page):
    read_text(page, TEXT)
    page.click(".entity >> nth=0")
    page.wait_for_selector("#why-facts")
    assert page.text_content("#why-title") == "Paris Hilton: PER"
    rows = [one.inner_text().split("\t") for one in page.query_selector_all("#alternatives tr")]
    doc = shared()(TEXT)
    others = ner_of(shared()).alternatives(doc.ents[0])
    assert dict(rows) == {label or "no entity": f"{p:.3f}" for label, p in others}
    assert page.text_content("#words").split() == [token.text for token in doc]
    [why] = explain(shared(), TEXT, [(1, 3, "PER")])
    for side in ("for", "against"):
        shown = [one.text_content() for one in page.query_selector_all(f"#{side} li")]
        expected = [reason.text for reason in why.speaking(against=side == "against")]
        assert shown == (expected[:8] or ["none"])
    assert not page.is_visible("#sum")
    page.click("summary")
    assert "Contributions add up" in page.text_content("#sum")
    assert page.query_selector_all("#contributions tr")


def test_a_text_that_is_too_long_or_too_long_to_explain(page):
    page.fill("#text", "x" * 5_001)
    wait(page, lambda: "at most 5,000" in page.text_content("#status"))
    read_text(page, "Paris Hilton met Samuel Quinn in Paris. " * 60)
    page.click(".entity >> nth=0")
    page.wait_for_selector("#too-long")
    assert page.query_selector_all("#alternatives tr")
    assert page.is_hidden("#decided")


def test_a_threshold(page):
    read_text(page, TEXT)
    before = entities(page)
    assert page.text_content("#threshold-value") == "default"
    page.fill("#threshold", "1")
    wait(page, lambda: entities(page) == [])
    assert page.text_content("#threshold-value") == "1.00"
    page.click("#own")
    wait(page, lambda: entities(page) == before)
    assert page.text_content("#threshold-value") == "default"
    assert page.is_disabled("#own")


def test_nothing_in_a_hostile_text_runs(page):
    for text in HOSTILE:
        with page.expect_response("**/entities"):
            page.fill("#text", f"Nobody said {text}")
        wait(page, lambda: page.text_content("#status") in ("", "No entities found."))
        assert page.text_content("#read")
    page.fill("#text", "Paris Hilton met " + " ".join(HOSTILE)[:1_500])
    wait(page, lambda: "<base" in page.text_content("#read"))
    page.click(".entity >> nth=0")
    page.wait_for_selector("#why-facts")
    assert page.query_selector_all("section img, section iframe, section script, section svg") == []


@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_is_no_wider_than_the_screen(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    read_text(page, f"{TEXT} {'x' * 300}")
    page.click(".entity >> nth=0")
    page.wait_for_selector("#why-facts")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
