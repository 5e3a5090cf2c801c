"""The page of `teach` in Chromium, driven by Playwright. Skipped where one of them is missing."""

import json
import os
import time

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")
pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")

from texts import read_marked

from spacy_window_ner.teach import reading
from spacy_window_ner.teach.app import make_teach_app
from spacy_window_ner.teach.session import Session
from spacy_window_ner.teach.store import Store
from tests.browser import NEEDS_CHROMIUM, serving
from tests.inspect.hostile import HOSTILE, MARK
from tests.pipelines import SENTENCES, shared

pytestmark = NEEDS_CHROMIUM

LABELS = ["PER", "LOC", "DATE"]
# Nothing in it looks like what the pipeline has learned.
PLAIN = "the old zork ate a foo bar today ."


class Served:
    """A project that is served, as it is after a start with these texts."""

    def __init__(self, path, texts, labels=LABELS):
        self.store = Store(path / "teach.sqlite")
        self.store.add_labels(labels)
        self.store.add_texts(("texts.txt", i, 0, i, text) for i, text in enumerate(texts, 1))
        self.session = Session(self.store, shared())
        self.port = 0
        self.start()

    def start(self):
        app = make_teach_app(self.session, title="project")
        self.running = serving(app, self.port)
        self.port = self.running.__enter__()

    def stop(self):
        self.running.__exit__(None, None, None)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def decided(self):
        """The entities of each text that is decided."""
        return {one.text: one.entities for one in self.store.decisions()}


class Annotating:
    """A page on which somebody annotates."""

    def __init__(self, page, served):
        self.page, self.served = page, served
        self.requests, self.posted, self.complaints = [], [], []
        page.on("request", self.note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        page.add_init_script(f"window.{MARK} = () => {{ window.ran = true; }};")
        page.goto(served.url)
        page.wait_for_selector(".word")

    def note(self, request):
        self.requests.append(request.url)
        if request.method == "POST" and request.post_data:
            self.posted.append((request.url.rsplit("/", 1)[1], json.loads(request.post_data)))

    def keys(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def wait(self, is_so):
        """The page's policy forbids Playwright's own way, which evaluates a condition."""
        for _ in range(100):
            if is_so():
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(self.page.inner_text("body"))

    def words(self):
        return self.page.locator("#text .word").all_text_contents()

    def spots(self, kinds=".spot:not(.perhaps)"):
        """Words and label of what is marked."""
        script = """all => all.map(one => [
            [...one.querySelectorAll('.word')].map(word => word.textContent).join(' '),
            one.querySelector('b') ? one.querySelector('b').textContent : null])"""
        found = self.page.eval_on_selector_all(f"#text {kinds}", script)
        return [tuple(one) for one in found]

    def fixed(self):
        return self.spots(".fixed")

    def said(self):
        return self.page.text_content("#said")

    def text(self):
        return self.page.text_content("#text")

    def another(self, before):
        """Wait for another text than the one that had these words."""
        self.wait(lambda: self.page.get_attribute("#text", "aria-busy") is None)
        assert before != self.words()

    def last(self, address):
        return next(body for asked, body in reversed(self.posted) if asked == address)


@pytest.fixture
def annotate(browser, tmp_path):
    """Serve texts, and open their page."""
    opened = []

    def visit(*texts, labels=LABELS, status=None, **settings):
        served = Served(tmp_path, texts, labels)
        page = browser.new_context(**settings).new_page()
        if status is not None:
            page.route("**/status", lambda route: route.fulfill(json=status))
        at = Annotating(page, served)
        opened.append(at)
        return at

    yield visit
    for at in opened:
        complaints, ran = at.complaints, at.page.evaluate("window.ran")
        at.page.context.close()
        at.served.stop()
        assert complaints == []
        assert ran is None
        assert all(one.startswith(at.served.url) for one in at.requests)


# How many texts are annotated by keys alone, and by mouse alone.
N_TEXTS = int(os.environ.get("TEACH_TEXTS", "3"))
NUMBERED = [f"{SENTENCES[1 + i % 3]} No {i}." for i in range(N_TEXTS)]


def gold_of(at):
    """First and last word and label of each entity of the text that is shown."""
    words = at.words()
    text, entities = next(
        (text, entities)
        for text, entities in map(read_marked, [*SENTENCES, *NUMBERED])
        if [token.text for token in shared().make_doc(text)] == words
    )
    doc = shared().make_doc(text)
    spans = [(doc.char_span(start, end), label) for start, end, label in entities]
    return [(span.start, span.end - 1, label) for span, label in spans]


def by_keys(at, first, last, label):
    at.keys("Escape", "Home", *["ArrowRight"] * first)
    at.keys(*["Shift+ArrowRight"] * (last - first), str(LABELS.index(label) + 1))


def by_mouse(at, first, last, label):
    words = at.page.locator("#text .word")
    words.nth(first).hover()
    at.page.mouse.down()
    words.nth(last).hover()
    at.page.mouse.up()
    at.page.click(f"#labels button:has-text('{label}')")


@pytest.mark.parametrize("way", [by_keys, by_mouse])
def test_texts_by_keys_alone_and_by_mouse_alone(annotate, way):
    at = annotate(*(read_marked(one)[0] for one in NUMBERED))
    expected = {}
    for _ in range(N_TEXTS):
        gold, words = gold_of(at), at.words()
        for first, last, label in gold:
            way(at, first, last, label)
        wanted = [(" ".join(words[first : last + 1]), label) for first, last, label in gold]
        at.wait(lambda wanted=wanted: at.fixed() == wanted)
        if way is by_keys:
            at.keys("Escape", "Enter")
        else:
            at.page.click("#accept")
        at.another(words)
        expected[tuple(words)] = wanted
    assert "no more texts" in at.text()
    decided = {
        tuple(token.text for token in shared().make_doc(text)): [
            (text[start:end], label) for start, end, label in entities if label is not None
        ]
        for text, entities in at.served.decided().items()
    }
    assert decided == expected


def test_what_is_proposed_shows_how_sure_it_is(annotate):
    at = annotate("Paris Hilton met Samuel Quinn in Paris.")
    doc = shared()("Paris Hilton met Samuel Quinn in Paris.")
    assert at.spots() == [(ent.text, ent.label_) for ent in doc.ents]
    said = [f"{min(99, round(100 * ent._.score))}%" for ent in doc.ents]
    assert at.page.locator("#text .spot:not(.perhaps) small").all_text_contents() == said
    assert at.fixed() == []
    at.keys("Tab", "l")
    at.wait(lambda: at.fixed() == [("Paris Hilton", "PER")])
    at.keys("x")
    at.wait(lambda: at.fixed() == [("Paris Hilton", None)])
    assert at.last("read")["entities"] == [{"start": 0, "end": 12, "label": None}]
    at.keys("x")
    at.wait(lambda: at.fixed() == [] and len(at.spots()) == len(doc.ents))


def test_a_label_stays_chosen_for_clicks(annotate):
    at = annotate(PLAIN)
    at.keys("2")
    for word in (2, 5):
        at.page.locator("#text .word").nth(word).click()
    at.wait(lambda: at.fixed() == [("zork", "LOC"), ("foo", "LOC")])
    at.page.locator("#text .word").nth(2).click()
    assert "zork" in at.page.text_content("#choice-said")
    at.page.click("#labels button:has-text('PER')")
    at.wait(lambda: at.fixed() == [("zork", "PER"), ("foo", "LOC")])
    at.page.locator("#text .word").nth(5).click()
    at.wait(lambda: at.fixed() == [("zork", "PER"), ("foo", None)])


def test_one_click_says_yes_or_no(annotate, monkeypatch):
    at = annotate("Paris Hilton met Samuel Quinn in Paris.")
    word = at.page.locator("#text .word").nth(6)
    word.click()
    at.wait(lambda: at.fixed() == [("Paris", None)])
    word.click()
    at.wait(lambda: at.fixed() == [] and ("Paris", "LOC") in at.spots())
    # A word within an entity.
    at.page.locator("#text .word").nth(1).dblclick()
    at.page.click("#labels button:has-text('LOC')")
    at.wait(lambda: ("Hilton", "LOC") in at.fixed())
    at.keys("Backspace", "Backspace", "Backspace")
    at.wait(lambda: at.fixed() == [])
    # What is less likely is confirmed by a click.
    monkeypatch.setattr(reading, "LEAST_ENTITY", 1.0)
    at.page.locator("#text .word").nth(0).click()
    at.wait(lambda: at.page.locator("#text .spot.perhaps").count() > 0)
    word.click()
    at.wait(lambda: at.fixed() == [("Paris Hilton", None), ("Paris", "LOC")])


def test_a_reading_that_comes_while_an_undo_waits(annotate):
    at = annotate("Paris Hilton met Samuel Quinn in Paris.")
    at.keys("Tab", "2")
    at.wait(lambda: at.fixed() == [("Paris Hilton", "LOC")])
    at.page.route("**/undo", lambda route: (time.sleep(0.5), route.continue_()))
    at.keys("Backspace", "Backspace")
    at.wait(lambda: "nothing to undo" in at.said())
    at.wait(lambda: at.fixed() == [] and at.spots()[0] == ("Paris Hilton", "PER"))


def test_bounds_of_an_entity_change(annotate):
    at = annotate(PLAIN)
    by_keys(at, 5, 5, "LOC")
    at.keys("Shift+ArrowRight", "Enter")
    at.wait(lambda: at.fixed() == [("foo bar", "LOC")])
    assert at.served.store.decisions() == []


def test_tab_goes_from_spot_to_spot_and_is_no_trap(annotate):
    at = annotate("Paris Hilton met Samuel Quinn in Paris.")
    script = (
        "[...document.querySelectorAll('#text .spot')].findIndex(one => one.matches('.active'))"
    )
    number = at.page.locator("#text .spot").count()
    seen = []
    for _ in range(number + 1):
        at.keys("Tab")
        seen.append(at.page.evaluate(script))
    assert seen == [*range(number), 0]
    at.keys("Shift+Tab")
    assert at.page.evaluate(script) == number - 1
    at.keys("Escape", "Escape", "Tab")
    assert at.page.evaluate("document.activeElement.id") == "accept"
    at.keys("Enter")
    at.wait(lambda: "no more texts" in at.text())


def test_undo_to_any_depth(annotate):
    texts = [f"the zork {i} ate ." for i in range(3)]
    at = annotate(*texts)
    shown = []
    for _ in texts:
        shown.append(at.words())
        by_keys(at, 1, 1, "PER")
        at.keys("Escape", "Enter")
        at.another(shown[-1])
    assert at.served.store.counts("")["decided"] == 3
    for words in reversed(shown):
        at.keys("Backspace")
        at.wait(lambda words=words: at.words() == words)
        at.wait(lambda: at.page.get_attribute("#text", "aria-busy") is None)
        assert at.fixed() == [("zork", "PER")]
    assert at.served.store.decisions() == []
    at.keys("Backspace")
    at.wait(lambda: "nothing to undo" in at.said())
    # A change of this text comes first.
    by_keys(at, 3, 3, "LOC")
    at.keys("Backspace")
    at.wait(lambda: at.fixed() == [("zork", "PER")])
    at.keys("Control+z")
    at.wait(lambda: "nothing to undo" in at.said())


def test_what_was_removed_is_still_removed_after_undo(annotate):
    at = annotate("Paris Hilton met Samuel Quinn in Paris.", PLAIN)
    at.keys("/")
    at.page.fill("#query", "Hilton")
    at.page.click("#results button")
    at.wait(lambda: at.words()[0] == "Paris")
    at.keys("Tab", "x", "Escape", "Enter")
    at.wait(lambda: at.words()[0] == "the")
    at.keys("Backspace")
    at.wait(lambda: at.words()[0] == "Paris")
    assert at.fixed()[0] == ("Paris Hilton", None)


def test_the_same_name_everywhere(annotate):
    at = annotate("zork met zork .", "who saw zork ?")
    first = at.words()
    by_keys(at, first.index("zork"), first.index("zork"), "LOC")
    at.keys("e")
    everywhere = [("zork", "LOC")] * first.count("zork")
    at.wait(lambda: at.fixed() == everywhere and at.served.store.names() == {"zork": "LOC"})
    at.keys("Backspace")
    at.wait(lambda: at.served.store.names() == {} and at.fixed() == [("zork", "LOC")])
    at.keys("e", "Escape")
    at.wait(lambda: at.served.store.names() == {"zork": "LOC"})
    at.keys("Enter")
    at.another(first)
    assert at.fixed() == [("zork", "LOC")] * at.words().count("zork")


def test_only_what_was_checked(annotate):
    at = annotate("Paris Hilton met Samuel Quinn in Paris.")
    at.keys("c", "Tab", "l", "Escape", "Enter")
    at.another(["Paris"])
    said = at.last("decide")
    assert said["checked"] == "given"
    assert said["entities"] == [{"start": 0, "end": 12, "label": "PER"}]


def test_skip(annotate):
    at = annotate(PLAIN)
    at.keys(" ")
    at.wait(lambda: "no more texts" in at.text())
    assert at.last("decide")["answer"] == "skip"


def test_search_opens_a_text_that_is_decided(annotate):
    at = annotate("the zork ate .", "a foo bar sang .")
    for _ in range(2):
        words = at.words()
        at.keys("Enter")
        at.another(words)
    at.keys("/")
    at.page.keyboard.type("foo bar")
    at.page.wait_for_selector("#results button.chosen")
    assert "annotated" in at.page.text_content("#results button")
    at.keys("Enter")
    at.wait(lambda: at.words() == ["a", "foo", "bar", "sang", "."])
    by_keys(at, 1, 2, "PER")
    at.keys("Escape", "Enter")
    at.wait(lambda: "no more texts" in at.text())
    assert at.served.decided()["a foo bar sang ."] == [(2, 9, "PER")]


def test_doubts_are_taken_or_kept(annotate):
    at = annotate(PLAIN)
    spans = [{"start": 8, "end": 12, "label": label} for label in ("PER", "LOC")]
    doubts = [
        {"id": 1, "text": PLAIN, "kind": "label", "annotated": spans[0], "instead": spans[1]},
        {"id": 1, "text": PLAIN, "kind": "missing", "annotated": None, "instead": spans[1]},
    ]
    answers = []

    def answer(route):
        if route.request.method == "POST":
            answers.append(json.loads(route.request.post_data))
        route.fulfill(json={"doubts": doubts})

    at.page.route("**/doubts", answer)
    at.keys("d")
    at.wait(lambda: at.page.text_content("#doubt-annotated").endswith(": PER"))
    assert at.page.text_content("#doubt-text") == PLAIN
    at.keys("t")
    at.wait(lambda: at.page.text_content("#doubt-annotated") == "no entity")
    at.page.click("#keep")
    at.wait(lambda: "No doubts" in at.page.text_content("#doubts-said"))
    assert [one["take"] for one in answers] == [True, False]
    assert [one["annotated"] for one in answers] == [spans[0], None]
    at.keys("Escape", "2")
    at.wait(lambda: at.page.locator("#labels [aria-pressed=true]").count() == 1)


def test_text_from_right_to_left(annotate):
    at = annotate("التقى أحمد زويل Cambridge في القاهرة")
    assert at.page.evaluate("getComputedStyle(document.getElementById('text')).direction") == "rtl"
    at.keys("ArrowLeft", "ArrowLeft", "Shift+ArrowLeft", "1")
    at.wait(lambda: at.fixed() == [("أحمد زويل", "PER")])
    assert at.last("read")["entities"] == [{"start": 6, "end": 15, "label": "PER"}]
    at.keys("ArrowRight")
    at.keys("ArrowRight", "3")
    at.wait(lambda: at.fixed()[0] == ("التقى", "DATE"))


def test_characters_are_counted_by_code_points(annotate):
    text = "👩‍👩‍👧 🇫🇷 e\u0301te\u0301 zork 😀 foo"
    at = annotate(text)
    word = at.words().index("zork")
    by_keys(at, word, word, "LOC")
    start = text.index("zork")
    at.wait(lambda: at.fixed() == [("zork", "LOC")])
    assert at.last("read")["entities"] == [{"start": start, "end": start + 4, "label": "LOC"}]
    at.keys("Escape", "Enter")
    at.wait(lambda: "no more texts" in at.text())
    assert (start, start + 4, "LOC") in at.served.decided()[text]


def test_words_by_taps(annotate):
    at = annotate(PLAIN, has_touch=True)
    words = at.page.locator("#text .word")
    words.nth(5).tap()
    words.nth(6).tap()
    at.page.locator("#labels button").nth(1).tap()
    at.wait(lambda: at.fixed() == [("foo bar", "LOC")])
    words.nth(5).tap()
    at.wait(lambda: at.fixed() == [("foo bar", None)])
    at.page.locator("#undo").tap()
    at.page.locator("#accept").tap()
    at.wait(lambda: "no more texts" in at.text())
    assert at.served.decided() == {PLAIN: [(19, 26, "LOC")]}


def test_many_labels_and_new_ones(annotate):
    at = annotate(PLAIN, labels=[f"LABEL{i}" for i in range(12)])
    at.keys("ArrowRight", "f")
    at.page.keyboard.type("el11")
    at.keys("Enter")
    at.wait(lambda: at.fixed() == [("the", "LABEL11")])
    at.keys("+")
    at.page.keyboard.type("NEW")
    at.keys("Enter")
    at.wait(lambda: at.fixed() == [("the", "NEW")])
    assert at.served.store.labels[-1] == "NEW"
    at.keys("+")
    at.keys("Enter")
    at.wait(lambda: "1 to 64 characters" in at.page.text_content("#add-said"))


def test_nothing_hostile_runs(annotate):
    label = "<img src=x onerror=hacked()>"
    text = " ".join(HOSTILE)
    at = annotate(text, labels=[*LABELS, label])
    shown = "[...document.querySelectorAll('#text b, #text small')].forEach(one => one.remove())"
    by_keys(at, 0, 3, "PER")
    at.keys("4", "e")
    at.wait(lambda: at.fixed()[0][1] == label)
    at.page.evaluate(shown)
    assert at.text() == text
    at.keys("Escape", "Enter")
    at.wait(lambda: text in at.served.decided())
    at.keys("/")
    at.page.fill("#query", "hacked")
    at.page.wait_for_selector("#results button")


def test_decided_in_another_tab(annotate):
    at = annotate("the zork ate .", "a foo bar sang .")
    words = at.words()
    other = at.page.context.new_page()
    other.goto(at.served.url)
    other.wait_for_selector(".word")
    other.keyboard.press("Enter")
    at.wait(lambda: at.served.store.counts("")["decided"] == 1)
    by_keys(at, 1, 1, "PER")
    at.keys("Escape", "Enter")
    at.another(words)
    assert "another tab" in at.said()
    assert list(at.served.decided().values()) == [[]]


def test_the_server_comes_back(annotate):
    at = annotate("the zork ate .", "a foo bar sang .")
    words = at.words()
    at.served.stop()
    by_keys(at, 1, 1, "PER")
    at.page.wait_for_selector("#gone")
    at.keys("Escape", "Enter")
    at.page.wait_for_timeout(50)
    assert at.fixed() == [(words[1], "PER")]
    at.served.start()
    at.page.wait_for_selector("#gone", state="hidden")
    at.another(words)
    assert [[label for *_, label in one] for one in at.served.decided().values()] == [["PER"]]


def test_a_failure_of_the_server_is_said_and_nothing_is_lost(annotate):
    at = annotate(PLAIN)
    at.page.route("**/decide", lambda route: route.fulfill(status=500, body="Oh"))
    by_keys(at, 2, 2, "LOC")
    at.keys("Escape", "Enter")
    at.wait(lambda: "The server failed" in at.said())
    assert at.fixed() == [("zork", "LOC")]
    at.page.unroute("**/decide")
    at.keys("Enter")
    at.wait(lambda: at.served.decided() == {PLAIN: [(8, 12, "LOC")]})


def test_a_reload_keeps_what_was_fixed(annotate):
    at = annotate(PLAIN)
    by_keys(at, 2, 2, "LOC")
    at.wait(lambda: at.fixed() == [("zork", "LOC")])
    at.page.reload()
    at.wait(lambda: at.fixed() == [("zork", "LOC")])


STATUS = {
    "decided": 40,
    "skipped": 2,
    "left": 1000,
    "random": 13,
    "network": 9,
    "learning": True,
    "error": None,
    "gain": 0.015,
    "enough": False,
    "agreement": 0.9,
    "annotator": "ann",
    "f1": {"value": 0.712, "low": 0.65, "high": 0.78},
    "labels": {"PER": {"value": 0.8, "low": 0.7, "high": 0.9, "annotated": 31}, "LOC": None},
    "curve": [{"decided": n, "value": n / 100, "low": 0.1, "high": 0.8} for n in (20, 30, 40)],
    "annotators": [{"name": "ann", "decided": 30}, {"name": "bob", "decided": 10}],
}


def test_progress(annotate):
    status = dict(STATUS)
    at = annotate(PLAIN, status=status)
    at.wait(lambda: at.page.text_content("#f1") == "F1 71.2")
    aside = at.page.inner_text("aside")
    for said in (
        "65.0",
        "78.0",
        "13 random",
        "1.5 points",
        "Network 9",
        "training…",
        "90.0",
        "bob",
    ):
        assert said in aside
    assert len(at.page.get_attribute("#curve .curve", "points").split()) == 3
    status["enough"] = True
    at.keys(" ")
    at.wait(lambda: "unlikely to improve F1" in at.page.inner_text("#gain"))


def test_finish(annotate):
    at = annotate(PLAIN)
    made = {"pipeline": "project/pipeline", "report": "project/report.html"}
    at.page.route("**/finish", lambda route: route.fulfill(json=made))
    at.page.click("#finish")
    at.wait(lambda: "project/report.html" in at.page.inner_text("#finished"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_dark(annotate, scheme):
    texts = ["Paris Hilton met Samuel Quinn in " + "Paris" * 40 + ". " + PLAIN * 20]
    labels = [*LABELS, "A_VERY_LONG_LABEL" * 3]
    phone = {"viewport": {"width": 400, "height": 800}, "color_scheme": scheme}
    at = annotate(*texts, labels=labels, status=STATUS, **phone)
    at.keys("Tab", "4")
    at.wait(lambda: at.page.text_content("#f1") == "F1 71.2")
    for opened in (None, "?", "/", "d", "+"):
        if opened:
            at.keys(opened)
        assert at.page.evaluate("document.documentElement.scrollWidth") == 400
        at.keys("Escape")
    contrast = at.page.evaluate(CONTRAST)
    assert min(contrast.values()) >= 4.5, contrast


# The contrast of each kind of text to what is behind it, as WCAG defines it. A canvas gives the
# colors as they are painted.
CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const paint = (...colors) => {
    for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => rgb.map((x) => x / 255)
    .map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4))
    .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
  const found = {};
  for (const one of document.querySelectorAll('main *, header *')) {
    if (![...one.childNodes].some((x) => x.nodeType === 3 && x.textContent.trim())) continue;
    const behind = [];
    for (let at = one; at; at = at.parentElement) {
      behind.unshift(getComputedStyle(at).backgroundColor);
    }
    const back = luminance(paint(...behind));
    const text = luminance(paint(...behind, getComputedStyle(one).color));
    const ratio = (Math.max(back, text) + 0.05) / (Math.min(back, text) + 0.05);
    const name = one.tagName + '.' + one.className + ' in ' + one.parentElement.className;
    found[name] = Math.min(found[name] || 99, ratio);
  }
  return found;
}"""
