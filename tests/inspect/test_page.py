"""The page of a report: what it says, and that nothing in it can run but its own script."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError

from spacy_window_ner.inspect import report_page as module
from spacy_window_ner.inspect.comparison import compare_readings
from spacy_window_ner.inspect.doubts import Doubt
from spacy_window_ner.inspect.facts import evaluate, facts_of
from spacy_window_ner.inspect.page import N_COLORS, colors_of, environment, percent, render
from spacy_window_ner.inspect.reading import Document, Entity, Reading, read_with_pipeline
from spacy_window_ner.inspect.report_page import Against, parts_of, report_page
from tests.pipelines import make_examples, shared

from .hostile import HOSTILE
from .test_facts import JUDGED, unsure


class Page(HTMLParser):
    """A page, read as a browser reads it: its elements, with their attributes and texts."""

    VOID = ("meta", "input", "br")

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.append((self.open[-1], data))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        shown = [text for tag, text in self.texts if tag not in ("script", "style")]
        return " ".join("".join(shown).split())


def hostile_reading() -> Reading:
    """Documents, labels and alternatives that are hostile; half of the readings are wrong."""
    documents = []
    for number, text in enumerate(HOSTILE):
        gold = Entity(1, 2, text)
        read_as = [Entity(1, 2, text if number % 2 else HOSTILE[number - 1], 0.9)]
        words = [f"{text} ", f"{text} ", text]
        documents.append(Document(words, [0], [gold], read_as, read_as, read_as))
    return Reading(documents, True, 0.5)


def hostile_page() -> str:
    """A page with all of it, and the titles of two pipelines."""
    reading = hostile_reading()
    other = Reading([Document(d.words, [0], d.gold, d.gold[:1]) for d in reading.documents])
    facts = facts_of(reading, {HOSTILE[0]: {HOSTILE[1]}})
    against = Against(HOSTILE[6], facts_of(other), compare_readings(reading, other))
    doubts = [Doubt(excerpt, 0.1, 0.9, 2.2) for excerpt in facts.excerpts]
    return report_page(facts, HOSTILE[0], HOSTILE[5], against, doubts)


def assert_nothing_hostile_runs(page: Page) -> None:
    """The elements of a page are its own, and none of them runs or loads anything."""
    assert len(HOSTILE) >= 30
    tags = {tag for tag, _ in page.elements}
    assert tags.isdisjoint({"img", "iframe", "object", "base", "link", "math", "noscript", "x"})
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert "style" not in attributes
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith("#")
    assert len(page.of("style")) == 1
    assert "hacked" not in next(text for tag, text in page.texts if tag == "style")


def test_nothing_hostile_runs():
    page = Page(hostile_page())
    assert_nothing_hostile_runs(page)
    assert len(page.of("svg")) == 2
    kinds = [attributes.get("type") for attributes in page.of("script")]
    assert kinds == ["application/json", None]
    scripts = [text for tag, text in page.texts if tag == "script"]
    assert "hacked" not in scripts[-1]


def test_hostile_texts_are_shown_as_they_are():
    page = Page(hostile_page())
    for text in HOSTILE:
        assert " ".join(text.split()) in page.text
    (data,) = [text for tag, text in page.texts if tag == "script" and text.startswith("{")]
    assert set(json.loads(data)["labels"]) == set(HOSTILE)


def test_the_policy_allows_the_pages_own_script_and_style_alone():
    page = Page(hostile_page())
    (policy,) = [
        attributes["content"]
        for attributes in page.of("meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        text = [text for name, text in page.texts if name == tag][-1]
        digest = base64.b64encode(hashlib.sha256(text.encode("utf8")).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


@pytest.fixture(scope="module")
def facts():
    names = {"Paris": {"LOC"}}
    return evaluate(unsure(), make_examples(unsure(), JUDGED), names=names)


def test_it_says_what_the_facts_say(facts):
    page = Page(report_page(facts, "my pipeline", "test.spacy"))
    for row in [*facts.labels, *facts.by_length, *facts.by_seen, *facts.by_size]:
        figures = [f"{percent(x)}{r'[^ ]*'}" for x in (row.p, row.r, row.f)]
        numbers = f"{row.correct}{row.predicted}{row.gold}"
        assert re.search(rf"{re.escape(row.name)} ?{' ?'.join(figures)} ?{numbers}", page.text)
    items = [attributes for attributes in page.of("li") if "data-kind" in attributes]
    assert [item["data-kind"] for item in items] == [x.kind for x in facts.excerpts]
    shown = [item["data-p"] for item in items]
    assert shown == ["" if x.probability is None else str(x.probability) for x in facts.excerpts]
    assert "Against" not in page.text
    assert "left out" not in page.text


def test_what_needs_probabilities_is_left_out():
    reading = Reading([Document(["Rome"], [], [Entity(0, 1, "LOC")], [])])
    page = Page(report_page(facts_of(reading), "a", "b"))
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert ids.isdisjoint({"thresholds", "reliability", "scored"})
    assert "errors" in ids
    assert "One document gives no intervals" in page.text


def test_nothing_is_wrong_or_found():
    reading = Reading([Document(["Rome"], [], [], []), Document(["x"], [], [], [])], True)
    page = Page(report_page(facts_of(reading), "a", "b"))
    assert "0.0" in page.text


def test_a_comparison(facts):
    first = read_with_pipeline(shared(), make_examples(shared()))
    second = Reading([Document(d.words, [], d.gold, []) for d in first.documents])
    found = compare_readings(first, second)
    against = Against("two", facts_of(second), found)
    page = Page(report_page(facts_of(first), "one", "data", against))
    assert f"one alone gets right: {len(found.only_first)}" in page.text
    assert f"rightinboth{found.both}" in page.text.replace(" ", "")


def test_the_errors_of_each_class_that_are_shown(facts, monkeypatch):
    monkeypatch.setattr(module, "MOST_ERRORS", 1)
    page = Page(report_page(facts, "a", "b"))
    kinds = [attributes["data-kind"] for attributes in page.of("li") if "data-kind" in attributes]
    assert sorted(kinds) == sorted(kind for kind, n in facts.errors.items() if n)
    shown = {attributes["data-kind"]: attributes["data-p"] for attributes in page.of("li")}
    for kind in kinds:
        said = [x.probability or 0.0 for x in facts.excerpts if x.kind == kind]
        assert float(shown[kind] or 0) == (min(said) if kind == "missed" else max(said))
    assert f"{len(facts.excerpts) - len(kinds)} errors are left out" in page.text


def test_marks():
    def marks(gold, predicted):
        words = ["a ", "b ", "c ", "d "]
        (x,) = facts_of(Reading([Document(words, [], gold, predicted)])).excerpts
        return [(part.text, part.mark) for part in parts_of(x)]

    assert marks([Entity(0, 2, "X")], [Entity(1, 3, "X")]) == [
        ("a ", "gold"),
        ("b ", "both"),
        ("c", "read"),
        (" ", ""),
        ("d ", ""),
    ]
    assert marks([Entity(3, 4, "X")], []) == [("a b c ", ""), ("d", "gold"), (" ", "")]


def luminance(color):
    """Relative luminance, as WCAG 2.1 defines it."""
    shares = [part / 255 for part in color]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colors_of_labels_can_be_read(scheme):
    """The contrast that WCAG 2.1 asks for at level AA, of a label on its own tint."""
    style = environment().get_template("base.css").render()
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    rules = light if scheme == "light" else dark
    colors = [tuple(map(int, x)) for x in re.findall(r"--label\d+: (\d+), (\d+), (\d+);", rules)]
    assert len(set(colors)) == N_COLORS
    assert {f".label{i}" for i in range(N_COLORS)} <= set(re.findall(r"\.label\d+", style))
    back = (255, 255, 255) if scheme == "light" else (0x14, 0x17, 0x1B)
    [tint] = re.findall(r"background: rgba\(var\(--label\), ([\d.]+)\)", style)
    for color in colors:
        behind = [float(tint) * x + (1 - float(tint)) * y for x, y in zip(color, back, strict=True)]
        low, high = sorted((luminance(color), luminance(behind)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, color


def test_colors_repeat():
    names = [f"L{i}" for i in range(N_COLORS + 2)]
    assert list(colors_of(names).values()) == [*range(N_COLORS), 0, 1]


def test_a_template_that_lacks_something_is_an_error():
    with pytest.raises(UndefinedError):
        render("report.html", "report.js")
    assert environment().autoescape is True
