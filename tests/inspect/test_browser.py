"""The pages of reports and explanations in Chromium, driven by Playwright.

Skipped where one of them is missing.
"""

from pathlib import Path

import pytest
import srsly

pytest.importorskip("playwright", reason="playwright is not installed")


from spacy_window_ner.files.exports import for_prodigy
from spacy_window_ner.files.records import AnnotatedRecord, read_annotated_records
from spacy_window_ner.inspect.doubts import Doubt
from spacy_window_ner.inspect.errors import CLASSES
from spacy_window_ner.inspect.explain import explain
from spacy_window_ner.inspect.explain_page import explain_page
from spacy_window_ner.inspect.facts import evaluate, facts_of
from spacy_window_ner.inspect.reading import Document, Entity, Reading
from spacy_window_ner.inspect.report_page import report_page
from tests.browser import NEEDS_CHROMIUM
from tests.pipelines import make_examples, shared

from . import test_explain_page, test_page
from .test_facts import JUDGED, unsure

pytestmark = NEEDS_CHROMIUM


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


def texts(page, selector: str) -> list[str]:
    return [one.text_content() for one in page.query_selector_all(selector)]


def numbers(page) -> list[int]:
    """The numbers that the shown errors have in the list of those that fit."""
    return [int(text) for text in texts(page, "#errors li label")]


def test_the_filters_of_the_errors(visit, facts):
    page, excerpts = visit.page, facts.excerpts

    def check(fits) -> int:
        expected = [x for x in excerpts if fits(x)]
        end = f", {len(excerpts)} in total" if len(expected) < len(excerpts) else ""
        assert page.text_content("#errors .pager output") == f"{len(expected)}{end}"
        assert texts(page, "#errors .head .tag") == [CLASSES[x.kind] for x in expected]
        return len(expected)

    assert 1 < check(lambda x: True) <= 50
    for label in facts.confusion["labels"]:
        page.select_option("#by-label", label=label)
        check(lambda x, label=label: label in [e.label for e in (x.gold, x.predicted) if e])
    page.select_option("#by-label", value="")
    for kind in facts.errors:
        page.select_option("#by-class", value=kind)
        check(lambda x, kind=kind: x.kind == kind)
    page.select_option("#by-class", value="")
    page.fill("#least", "0.5")
    n_high = check(lambda x: x.probability is not None and x.probability >= 0.5)
    page.fill("#least", "")
    page.fill("#most", "0.5")
    check(lambda x: x.probability is not None and x.probability <= 0.5)
    assert 0 < n_high < len(excerpts)


def many_errors() -> Reading:
    """120 errors in 60 texts, with letters that JavaScript counts twice."""
    firsts = [*map(str, range(59)), "😀"]
    gold, read = [Entity(1, 2, "PER"), Entity(3, 4, "PER")], [Entity(1, 4, "ORG", 0.25)]
    return Reading(
        [Document([f"{one} ", "Zoë ", "saw ", "Ann", ". "], [], gold, read) for one in firsts]
    )


@pytest.fixture
def many(browser, tmp_path):
    text = report_page(facts_of(many_errors()), "one", "my data.spacy")
    opened = Visit(browser, tmp_path / "report.html", text)
    yield opened.page
    assert opened.complaints == []


def test_pages_of_errors(many):
    first, last = (f"#errors .pager >> nth={i}" for i in (0, 1))
    assert numbers(many) == list(range(1, 51))
    assert many.text_content(f"{first} >> output") == "1–50 of 120"
    assert many.is_disabled(f"{first} >> text=Previous")
    many.click(f"{last} >> text=Next")
    many.click(f"{first} >> text=Next")
    assert numbers(many) == list(range(101, 121))
    assert many.text_content(f"{last} >> output") == "101–120 of 120"
    assert many.is_disabled(f"{last} >> text=Next")
    many.click(f"{first} >> text=Previous")
    assert numbers(many) == list(range(51, 101))
    many.select_option("#by-class", value="boundary")
    assert many.text_content(f"{first} >> output") == "1–50 of 60, 120 in total"
    assert many.evaluate("document.documentElement.scrollHeight") < 15_000


def saved(page) -> list[AnnotatedRecord]:
    """What is taken into teach. It is in the format of the exports for Prodigy."""
    with page.expect_download() as made:
        page.click("#take")
    path = made.value.path().with_suffix(".jsonl")
    made.value.save_as(path)
    records = list(read_annotated_records(path))
    for line, record in zip(srsly.read_jsonl(path), records, strict=True):
        tokens = [(token["start"], token["end"]) for token in line["tokens"]]
        assert line == for_prodigy(line["text"], tokens, record.spans)
    return records


def test_what_is_ticked_is_taken_into_teach(many):
    assert not many.is_visible("#bar")
    many.check("#errors li input >> nth=0")
    many.check("#errors li input >> nth=1")
    many.check("#errors li input >> nth=3")
    assert many.text_content("#ticked") == "3 selected, in 2 texts"
    records = saved(many)
    command = "python -m spacy window-ner teach my_data-ticked.jsonl --output project"
    assert many.text_content("#command code") == command
    assert [(one.text, one.spans) for one in records] == [
        (f"{i} Zoë saw Ann.", [(2, 5, "PER"), (10, 13, "PER")]) for i in range(2)
    ]
    assert records[0].words == ["0", "Zoë", "saw", "Ann", "."]
    # What is ticked stays so on other pages, and in what is filtered.
    many.click("#errors .pager >> nth=0 >> text=Next")
    many.click("#errors .pager >> nth=0 >> text=Next")
    many.check("#errors .pager input >> nth=0")
    assert many.text_content("#ticked") == "23 selected, in 12 texts"
    assert not many.is_visible("#command")
    emoji = saved(many)[-1]
    assert (emoji.text, emoji.spans[1]) == ("😀 Zoë saw Ann.", (10, 13, "PER"))
    many.select_option("#by-class", value="boundary")
    ticks = [one.is_checked() for one in many.query_selector_all("#errors li input")]
    assert ticks == [True, *[False] * 49]
    many.click("#clear")
    assert not many.is_visible("#bar")
    assert not many.is_checked("#errors li input >> nth=0")


def test_marks_and_what_is_said(browser, tmp_path):
    def lines(gold, predicted, doubted=None):
        words = ["a ", "b ", "c ", "d "]
        facts = facts_of(Reading([Document(words, [], gold, predicted)]))
        doubts = None if doubted is None else [Doubt(facts.excerpts[0], *doubted, 1.0)]
        text = report_page(facts, "a", "b", doubts=doubts)
        page = Visit(browser, tmp_path / "page.html", text).page
        items = f"#{'errors' if doubts is None else 'doubts'} li"
        marks = page.query_selector_all(f"{items} mark")
        shown = [(one.text_content(), one.get_attribute("class")) for one in marks]
        return shown, texts(page, f"{items} p")

    first, second = [Entity(0, 2, "X")], [Entity(1, 3, "Y", 0.25)]
    assert lines(first, second) == (
        [("a ", "gold"), ("b ", "both"), ("c", "read")],
        ["a b c d ", "annotated a b X · predicted b c Y · probability 0.25"],
    )
    assert lines(first, []) == ([("a b", "gold")], ["a b c d ", "annotated a b X · not predicted"])
    assert lines([], second)[1][1] == "not annotated · predicted b c Y · probability 0.25"
    doubted = "annotated a b X 0.125 · more likely no entity 0.750"
    assert lines(first, [], (0.125, 0.75)) == ([("a b", "gold")], ["a b c d ", doubted])


@pytest.mark.parametrize("kind", [test_page, test_explain_page])
def test_nothing_hostile_runs(browser, tmp_path, kind):
    opened = Visit(browser, tmp_path / "hostile.html", kind.hostile_page())
    if kind is test_page:
        assert texts(opened.page, "#errors li p:not(.said)")
        opened.page.check("#errors li input >> nth=0")
        opened.page.select_option("#by-class", value="label")
        opened.page.fill("#threshold", "0.7")
    opened.page.mouse.move(200, 300)
    opened.page.wait_for_timeout(200)
    assert opened.page.evaluate("window.ran") is None
    assert opened.page.evaluate("typeof window.hacked") == "function"
    assert opened.requests == [(tmp_path / "hostile.html").as_uri()]
    assert opened.complaints == []
    assert opened.page.query_selector_all(".listing img, .listing iframe, .listing script") == []
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
