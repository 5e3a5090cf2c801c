"""The pages of reports and explanations in Chromium, driven by Playwright.

Skipped where one of them is missing.
"""

import os
import shutil
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import sync_playwright

from spacy_window_ner.inspect.explain import explain
from spacy_window_ner.inspect.explain_page import explain_page
from spacy_window_ner.inspect.facts import evaluate
from spacy_window_ner.inspect.report_page import report_page
from tests.pipelines import make_examples, shared

from . import test_explain_page, test_page
from .test_facts import JUDGED, unsure

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

pytestmark = [
    pytest.mark.extra,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; apt install chromium"),
]


@pytest.fixture(scope="module")
def browser():
    # Chromium's sandbox does not work for root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)


@pytest.fixture(scope="module")
def facts():
    return evaluate(unsure(), make_examples(unsure(), JUDGED))


class Visit:
    """A page that is open, and what it did besides."""

    def __init__(self, browser, path: Path, text: str, **settings) -> None:
        path.write_text(text, encoding="utf8")
        self.page = browser.new_context(**settings).new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.add_init_script("window.hacked = () => { window.ran = true; };")
        self.page.goto(path.as_uri())


@pytest.fixture
def visit(browser, tmp_path, facts):
    opened = Visit(browser, tmp_path / "report.html", report_page(facts, "one", "data"))
    yield opened
    assert opened.requests == [(tmp_path / "report.html").as_uri()]
    assert opened.complaints == []


def table(page, selector: str) -> list[list[str]]:
    rows = page.query_selector_all(f"{selector} tbody tr")
    return [[cell.inner_text() for cell in row.query_selector_all("th, td")] for row in rows]


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.9, 0.99])
def test_the_slider_computes_the_table_anew(visit, facts, threshold):
    visit.page.fill("#threshold", str(threshold))
    assert visit.page.inner_text("#threshold-value") == f"{threshold:.2f}"
    scored, expected = facts.scored, []
    everything = range(len(scored.labels))
    for name, labels in [*((n, [i]) for i, n in enumerate(scored.labels)), ("all", everything)]:
        kept = [right for label, p, right in scored.spans if label in labels and p > threshold]
        n_gold, n_right = sum(scored.gold[label] for label in labels), sum(kept)
        figures = [
            n_right / max(len(kept), 1),
            n_right / max(n_gold, 1),
            2 * n_right / max(len(kept) + n_gold, 1),
        ]
        expected.append([name, *(f"{100 * x:.1f}" for x in figures), str(n_right), str(len(kept))])
    found = table(visit.page, "#threshold-table")
    for row, other in zip(found, expected, strict=True):
        assert row[0] == other[0]
        # The last digit may be rounded the other way.
        assert [float(x) for x in row[1:]] == pytest.approx([float(x) for x in other[1:]], abs=0.11)
        assert row[4:] == other[4:]
    cursor = visit.page.query_selector("#cursor")
    assert float(cursor.get_attribute("x1")) == pytest.approx(34 + 276 * threshold, abs=0.1)


def shown(page) -> list[int]:
    items = page.query_selector_all("#errors-list > li")
    return [i for i, item in enumerate(items) if item.is_visible()]


def test_the_filters_of_the_errors(visit, facts):
    page, excerpts = visit.page, facts.excerpts
    assert shown(page) == list(range(len(excerpts)))
    for label in facts.confusion["labels"]:
        page.select_option("#by-label", label=label)
        assert shown(page) == [
            i
            for i, x in enumerate(excerpts)
            if label in [e.label for e in (x.gold, x.predicted) if e is not None]
        ]
    page.select_option("#by-label", value="")
    for kind in facts.errors:
        page.select_option("#by-class", value=kind)
        expected = [i for i, x in enumerate(excerpts) if x.kind == kind]
        assert shown(page) == expected
        assert page.inner_text("#shown") == f"{len(expected)} of {len(excerpts)} shown"
    page.select_option("#by-class", value="")
    page.fill("#least", "0.5")
    said = [x.probability for x in excerpts]
    high = [i for i, p in enumerate(said) if p is not None and p >= 0.5]
    assert shown(page) == high
    page.fill("#least", "")
    page.fill("#most", "0.5")
    assert shown(page) == [i for i, p in enumerate(said) if p is not None and p <= 0.5]
    assert 0 < len(high) < len(said) - said.count(None)


@pytest.mark.parametrize("kind", [test_page, test_explain_page])
def test_nothing_hostile_runs(browser, tmp_path, kind):
    opened = Visit(browser, tmp_path / "hostile.html", kind.hostile_page())
    if kind is test_page:
        opened.page.select_option("#by-class", value="label")
        opened.page.fill("#threshold", "0.7")
    opened.page.mouse.move(200, 300)
    opened.page.wait_for_timeout(200)
    assert opened.page.evaluate("window.ran") is None
    assert opened.page.evaluate("typeof window.hacked") == "function"
    assert opened.requests == [(tmp_path / "hostile.html").as_uri()]
    assert opened.complaints == []
    # The policy stops what escaping would have let through.
    opened.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'),"
        " {textContent: 'hacked()'}))"
    )
    assert opened.page.evaluate("window.ran") is None
    assert "Content Security Policy" in opened.complaints[0]


def pages(facts) -> dict[str, str]:
    text = "Paris Hilton met Samuel Quinn in Paris."
    name = "a-long-name-of-a-pipeline/model-best"
    return {
        "report": report_page(facts, name, "data"),
        "explain": explain_page(explain(shared(), text), text, name),
    }


@pytest.mark.parametrize("kind", ["report", "explain"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_dark(browser, tmp_path, facts, scheme, kind):
    opened = Visit(
        browser,
        tmp_path / "page.html",
        pages(facts)[kind],
        viewport={"width": 400, "height": 800},
        color_scheme=scheme,
    )
    assert opened.page.evaluate("document.documentElement.scrollWidth") == 400
    back, text = (
        opened.page.evaluate(f"getComputedStyle(document.body).{name}")
        for name in ("backgroundColor", "color")
    )

    def lightness(color):
        return sum(int(part) for part in color.strip("rgb()").split(","))

    assert (lightness(back) > lightness(text)) == (scheme == "light")
    # The way it is printed is light, and without what only a screen can do.
    opened.page.emulate_media(media="print", color_scheme=scheme)
    assert not opened.page.is_visible("#threshold")
    assert opened.page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    opened.page.set_viewport_size({"width": 680, "height": 1000})  # A4 without its margins
    assert opened.page.evaluate("document.documentElement.scrollWidth") == 680
