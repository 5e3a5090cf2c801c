"""Every code block of README, CONTRIBUTING and docs runs, or says why not; see `documentation`."""

import os
import re
import runpy
import shutil
import sys
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from tempfile import mkdtemp

import pytest
import spacy

from spacy_window_ner.cli import COMMANDS
from spacy_window_ner.cli.demo import READY, TEXTS

from .documentation import (
    LANGUAGES,
    MARKERS,
    PAGES,
    ROOT,
    Block,
    commands,
    parse_spacy,
    prepare,
    read_blocks,
    run_page,
)

pytestmark = pytest.mark.filterwarnings("ignore")
with_pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@cache
def prepared() -> Path:
    """A folder with what pages begin with, made once in each process."""
    folder, before = Path(mkdtemp(prefix="documentation-")), Path.cwd()
    (data,) = (block for page in PAGES for block in read_blocks(page) if block.marker == "data")
    os.chdir(folder)
    try:
        prepare(data)
    finally:
        os.chdir(before)
    return folder


@pytest.fixture(scope="module", autouse=True)
def removes_what_was_prepared():
    yield
    if prepared.cache_info().currsize:
        shutil.rmtree(prepared())
        prepared.cache_clear()


def run_in(folder: Path, page: Path, monkeypatch: pytest.MonkeyPatch, extra: bool) -> None:
    """Run a page."""
    blocks = read_blocks(page)
    left_out = {"skip"} if extra else {"skip", "extra"}
    if all(block.marker in left_out for block in blocks):
        return
    shutil.copytree(prepared(), folder, symlinks=True, dirs_exist_ok=True)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    try:
        run = run_page(blocks, extra)
    finally:
        for name in set(sys.modules) - before:  # those that the page has written
            if str(getattr(sys.modules[name], "__file__", None)).startswith(str(folder)):
                del sys.modules[name]
    assert sum(map(len, run.values())) == len(blocks)


@with_pages
def test_the_blocks_of_a_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run_in(tmp_path, page, monkeypatch, extra=False)


@pytest.mark.extra
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(block.marker == "extra" for block in read_blocks(page))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_with_the_blocks_that_need_more(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Without the packages, none of these pages is run, because some blocks take long."""
    for module in sorted({name for page in PAGES for b in read_blocks(page) for name in b.needs}):
        pytest.importorskip(module)
    run_in(tmp_path, page, monkeypatch, extra=True)


@with_pages
def test_no_block_is_forgotten(page: Path):
    """Each is found, and is run, compared, or skipped for a reason that is stated."""
    text = page.read_text(encoding="utf8")
    fences = re.findall(r"^ *(?:```|~~~)", text, re.M)
    blocks = read_blocks(page)
    assert len(fences) == 2 * len(blocks), "a block is not closed, or is nested"
    comments = re.findall(r"^<!-- (\w+)[: ]", text, re.M)
    assert len(comments) == sum(block.marker is not None for block in blocks), "no block behind"
    for block in blocks:
        assert block.language in LANGUAGES, block.place
        assert block.marker is None or block.marker in MARKERS, block.place
        if block.marker in ("skip", "extra", "file"):
            assert block.argument, f"{block.place}: why, or what?"
        if block.language == "text":
            assert block.marker in ("file", "output", "skip"), f"{block.place}: what is this?"


@with_pages
def test_commands_that_are_not_run_are_right(page: Path):
    """Their options are there, and so are the tests that a comment names in their place."""
    for block in (block for block in read_blocks(page) if block.marker in ("skip", "extra")):
        for name in re.findall(r"(?:tests|docs|\.ci)/[\w/]+(?:\.\w+)?", str(block.argument)):
            assert (ROOT / name).exists(), f"{block.place}: {name}"
        for command, arguments in commands(block.code) if block.language == "bash" else ():
            if arguments[:4] == ["python", "-m", "spacy", "window-ner"]:
                try:
                    parse_spacy(arguments[3:])
                except Exception as error:
                    raise AssertionError(f"{block.place}: {command}") from error


def test_an_option_that_is_not_there_is_found():
    parse_spacy(["window-ner", "names", "names.db", "find", "quinn"])
    with pytest.raises(Exception, match=r"(?i)no such option.*--no-option"):
        parse_spacy(["window-ner", "demo", "--no-option"])


def test_what_is_promised_is_there():
    page = (ROOT / "docs" / "promises.md").read_text(encoding="utf8")
    promised = dict(re.findall(r"^\| ([a-z ]+) \| (.+) \|$", page, re.M))
    named = {what: set(re.findall(r"`([\w.-]+)`", text)) for what, text in promised.items()}
    points: dict[str, set[str]] = {}
    for point in distribution("spacy-window-ner").entry_points:
        points.setdefault(point.group, set()).add(point.name)
    del points["spacy_cli"]
    assert named["factory"] == points.pop("spacy_factories")
    assert named["registered functions"] == set.union(*points.values())
    assert named["commands"] == set(COMMANDS)


def test_most_blocks_run():
    blocks = [block for page in PAGES for block in read_blocks(page)]
    skipped = [block for block in blocks if block.marker == "skip"]
    assert len(PAGES) > 12 and len(blocks) > 80
    assert len(skipped) < len(blocks) / 4, [block.place for block in skipped]


def test_a_block_that_fails_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page = ROOT / "docs" / "no-page.md"
    monkeypatch.chdir(tmp_path)

    def fails(language: str, code: str, marker: str | None = None) -> str:
        blocks = [
            Block(page, 1, "python", "print('right')\n", None, None),
            Block(page, 2, language, code, marker, None),
        ]
        with pytest.raises(AssertionError, match=r"docs/no-page\.md:2") as error:
            run_page(blocks, extra=False)
        return str(error.value)

    assert "ZeroDivisionError" in fails("python", "1 / 0\n")
    assert "it prints\nright" in fails("text", "wrong\n", "output")
    assert "No such command 'no-command'" in fails("bash", "python -m spacy no-command\n")
    assert "no/such/file" in fails("bash", "cat no/such/file\n")
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    assert "unexpected argument" in fails("ini", "[components.window_ner]\nno_setting = 1\n")
    assert "ValueError" in fails("json", "{]\n")


@pytest.mark.extra
def test_the_picture_is_what_the_ready_pipeline_reads(tmp_path: Path):
    """If this fails: `python docs/picture.py`."""
    if not spacy.util.is_package(READY):
        pytest.skip(f"{READY} is not installed")
    picture = runpy.run_path(str(ROOT / "docs" / "picture.py"))
    docs = list(spacy.load(READY).pipe(TEXTS))
    assert picture["draw"](docs) == picture["TARGET"].read_text(encoding="utf8")


def test_docstrings_in_the_style_of_google():
    pytest.importorskip("griffe")
    to_google = runpy.run_path(str(ROOT / "docs" / "docstrings.py"))["to_google"]
    text = """Do it.

More: of course.

size (int): The size, which
    is long.
a, b (Optional[int]): Others.
RETURNS (List[Tuple[int, str]]): What
    it is.
RAISES (ValueError): If not."""
    assert (
        to_google(text)
        == """Do it.

More: of course.


Args:
    size (int): The size, which
        is long.
    a, b (Optional[int]): Others.

Returns:
    List[Tuple[int, str]]: What
        it is.

Raises:
    ValueError: If not."""
    )
