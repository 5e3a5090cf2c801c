"""The page of a report: what it says, and that nothing in it can run but its own script."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from jinja2 import UndefinedError

from spacy_window_ner.inspect.comparison import compare_readings
from spacy_window_ner.inspect.doubts import Doubt
from spacy_window_ner.inspect.facts import evaluate, facts_of
from spacy_window_ner.inspect.page import N_COLORS, colors_of, environment, percent, render
from spacy_window_ner.inspect.reading import Document, Entity, Reading, read_with_pipeline
from spacy_window_ner.inspect.report_page import Against, passages_of, report_page, ticked_name
from tests.helpers import examples
from tests.pipelines import make_examples, shared

from .cases import corpora
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


def data_of(page: Page, name: str) -> dict:
    """The data of the page's script."""
    ids = [attributes.get("id") for attributes in page.of("script")]
    scripts = [text for tag, text in page.texts if tag == "script"]
    return json.loads(scripts[ids.index(name)])


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
    assert kinds == ["application/json", "application/json", None]
    scripts = [text for tag, text in page.texts if tag == "script"]
    assert "hacked" not in scripts[-1]


def test_hostile_texts_are_shown_as_they_are():
    page = Page(hostile_page())
    for text in HOSTILE:
        assert " ".join(text.split()) in page.text
    data = data_of(page, "scored"), data_of(page, "listed")
    assert all(set(one["labels"]) == set(HOSTILE) for one in data)
    passages = data[1]["passages"]
    assert [one["words"][-1] for one in passages] == HOSTILE[::2]
    assert [one["annotation"] for one in passages] == [[[1, 2, text]] for text in HOSTILE[::2]]


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
    items = data_of(page, "listed")["lists"]["errors"]
    assert [item["kind"] for item in items] == [x.kind for x in facts.excerpts]
    assert [item.get("p") for item in items] == [x.probability for x in facts.excerpts]
    assert "Comparison with" not in page.text


def test_what_needs_probabilities_is_left_out():
    reading = Reading([Document(["Rome"], [], [Entity(0, 1, "LOC")], [])])
    page = Page(report_page(facts_of(reading), "a", "b"))
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert ids.isdisjoint({"thresholds", "reliability", "scored"})
    assert "errors" in ids
    assert "Confidence intervals need at least two documents" in page.text


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
    assert f"Found by one only: {len(found.only_first)}" in page.text
    assert f"foundbyboth{found.both}" in page.text.replace(" ", "")


def test_items_are_their_excerpts(facts):
    """Whatever is listed has its words and its annotation."""
    listed = data_of(Page(report_page(facts, "a", "b")), "listed")
    for item, x in zip(listed["lists"]["errors"], facts.excerpts, strict=True):
        number, start, stop = item["at"]
        words = listed["passages"][number]["words"]
        assert words[start:stop] == x.words
        assert tuple(item.get("cut", (False, False))) == x.is_cut
        for name, entity in (("gold", x.gold), ("read", x.predicted)):
            assert (name in item) == (entity is not None)
            if entity is not None:
                first, end, label = item[name]
                where = slice(entity.start - x.start, entity.end - x.start)
                assert (words[first:end], label) == (x.words[where], entity.label)
        if x.gold is not None:
            assert item["gold"] in listed["passages"][number]["annotation"]


@examples(40)
@given(corpora())
def test_passages_have_all_annotation_once(corpus):
    found = passages_of(facts_of(Reading(corpus)).excerpts)
    seen = set()
    for passage in found:
        document = corpus[passage.document]
        places = range(passage.start, passage.start + len(passage.words))
        assert passage.words == document.words[places.start : places.stop]
        assert seen.isdisjoint((passage.document, i) for i in places)
        seen.update((passage.document, i) for i in places)
        over = {e.key for e in document.gold if e.start < places.stop and e.end > places.start}
        assert passage.annotation == over
        assert all(places.start <= s and e <= places.stop for s, e, _ in over)


def test_passages_that_overlap_are_one():
    words = [f"w{i} " for i in range(200)]
    names = [Entity(40, 41, "LOC"), Entity(68, 75, "PER"), Entity(150, 151, "ORG")]
    first, second = passages_of(facts_of(Reading([Document(words, [], names, [])])).excerpts)
    assert (first.start, len(first.words)) == (10, 95)
    assert first.to_dict()["annotation"] == [[30, 31, "LOC"], [58, 65, "PER"]]
    assert (second.start, len(second.words)) == (120, 61)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("test.spacy", "test-ticked.jsonl"),
        ("два слова.conll", "два_слова-ticked.jsonl"),
        ("--output=x; rm -r ~.spacy", "output_x_rm_-r_-ticked.jsonl"),
        ("<.>", "_-ticked.jsonl"),
        ("-", "data-ticked.jsonl"),
    ],
)
def test_names_of_files_are_safe_in_a_command(data, name):
    assert ticked_name(data) == name


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
