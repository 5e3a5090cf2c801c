"""A save that is killed leaves the old or the new, which can be loaded."""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.language import Language

from spacy_window_ner import save
from spacy_window_ner.files import saving
from spacy_window_ner.files.saving import ABANDONED, CHECKSUM, NEW, read_file, replace_directory

from ..pipelines import copy_of, ner_of, predictions, shared, texts_of
from .amounts import amount, is_thorough

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")


def saves_until_killed(pipelines: list[Language], target: Path, how: str) -> int:
    """Start a process that saves two pipelines in turn, and wait until it begins.

    RETURNS: Its number.
    """
    receive, send = os.pipe()
    process = os.fork()
    if process:
        os.close(send)
        assert os.read(receive, 1) == b"x"
        os.close(receive)
        return process
    try:
        os.write(send, b"x")
        while True:
            for nlp in pipelines:
                if how == "save":
                    save(nlp, target)
                elif how == "to_disk":
                    nlp.to_disk(target)
                else:
                    ner_of(nlp).to_disk(target / "window_ner", exclude=["vocab"])
    finally:
        os._exit(1)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two saved pipelines with other settings and weights."""
    folder = tmp_path_factory.mktemp("pair")
    first, second = copy_of(shared()), copy_of(shared(), threshold=0.25)
    scores = ner_of(second).model.get_ref("scores")
    scores.set_param("b", scores.get_param("b") + 0.125)
    for nlp, name in ((first, "first"), (second, "second")):
        nlp.to_disk(folder / name)
    return folder / "first", folder / "second"


@pytest.mark.parametrize("how", ["save", "to_disk", "component"])
def test_a_killed_save_leaves_the_old_or_the_new(pair: tuple[Path, Path], tmp_path: Path, how: str):
    """Whole pipelines by `save`; the files of the component by all ways to save."""
    target = tmp_path / "target"
    rng, seen, pipelines = random.Random(0), set(), [spacy.load(path) for path in pair]
    known = {path.read_bytes() for one in pair for path in [one / "window_ner" / "model"]}
    start = time.monotonic()
    for nlp in pipelines:
        save(nlp, target)
    duration = time.monotonic() - start
    for i in range(amount(5, 100)):
        if not target.exists() or how == "to_disk":
            # Files of spaCy's own are not saved so that a kill does them no harm.
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(pair[0], target)
        process = saves_until_killed(pipelines, target, how)
        time.sleep(rng.random() * duration)
        os.kill(process, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL, i
        if how == "save":
            nlp = spacy.load(target)
        else:
            # Elsewhere, because spaCy's config beside it may be the older one.
            nlp = spacy.load(pair[0])
            copy = shutil.copytree(target / "window_ner", tmp_path / f"copy{i}")
            ner_of(nlp).from_disk(copy, exclude=["vocab"])
        data = ner_of(nlp).model.to_bytes()
        assert data in known, i
        is_first = data == (pair[0] / "window_ner" / "model").read_bytes()
        assert ner_of(nlp).threshold == (None if is_first else 0.25), i
        seen.add(data)
    assert len(seen) == 2 or not is_thorough()


class Killed(BaseException):
    """Stands for the end of the process."""


def killed_at(
    monkeypatch: pytest.MonkeyPatch, step: int, names: tuple[str, ...], action: Callable[[], None]
) -> bool:
    """Do something that ends before a step of the file system. RETURNS: Whether it came to that."""
    steps = 0
    with monkeypatch.context() as patch:
        for module, name in (name.split(".") for name in names):
            owner = {"os": os, "shutil": shutil, "saving": saving}[module]
            real = getattr(owner, name)

            def counted(*args, real=real, **options):
                nonlocal steps
                steps += 1
                if steps > step:
                    raise Killed
                return real(*args, **options)

            patch.setattr(owner, name, counted)
        try:
            action()
        except Killed:
            return True
    return False


def test_each_step_of_saving_a_component(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A kill before each write and each change of a name, and then the next save."""
    folder, old, new = tmp_path / "ner", *map(spacy.load, pair)
    right = [ner_of(nlp).to_bytes(exclude=["vocab"]) for nlp in (old, new)]
    loaded, outcomes = copy_of(old), []
    for step in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        ner_of(old).to_disk(folder, exclude=["vocab"])
        was_killed = killed_at(
            monkeypatch,
            step,
            ("os.replace", "os.fsync"),
            lambda: ner_of(new).to_disk(folder, exclude=["vocab"]),
        )
        ner_of(loaded).from_disk(folder, exclude=["vocab"])
        outcomes.append(right.index(ner_of(loaded).to_bytes(exclude=["vocab"])))
        # A later save of a part finds the other part.
        ner_of(loaded).to_disk(folder, exclude=["vocab", "model"])
        assert not list(folder.glob(f"*{NEW}"))
        ner_of(copy_of(old)).from_disk(folder, exclude=["vocab"])
        ner_of(old).to_disk(folder, exclude=["vocab"])
        ner_of(loaded).from_disk(folder, exclude=["vocab"])
        assert right[0] == ner_of(loaded).to_bytes(exclude=["vocab"])
        if not was_killed:
            break
    assert len(outcomes) > 8
    assert outcomes == sorted(outcomes) and set(outcomes) == {0, 1}


@pytest.mark.parametrize("can_exchange", [True, False])
def test_each_step_of_replacing_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
):
    if not can_exchange:
        monkeypatch.setattr(saving, "_exchange", lambda first, second: False)
    path, outcomes = tmp_path / "folder", []
    names = ("os.replace", "os.fsync", "shutil.rmtree", "saving._exchange")
    for step in range(100):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        (path / "a").write_text("old")

        def write(folder: Path) -> None:
            (folder / "a").write_text("new")

        was_killed = killed_at(monkeypatch, step, names, lambda: replace_directory(path, write))
        assert can_exchange <= path.exists()
        saving.restore(path)
        outcomes.append((path / "a").read_text())
        if not was_killed:
            break
    assert len(outcomes) > 4
    assert outcomes == sorted(outcomes, reverse=True) and set(outcomes) == {"old", "new"}


def test_save_replaces_a_pipeline_and_keeps_other_files(pair: tuple[Path, Path], tmp_path: Path):
    first, second = map(spacy.load, pair)
    target = tmp_path / "models" / "target"
    second.add_pipe("sentencizer")
    save(second, target)
    (target / "README.md").write_text("mine")
    (target / "more").mkdir()
    (target / "more" / "file").write_text("mine too")
    target.chmod(0o750)
    save(first, str(target))
    names = {path.name for path in target.iterdir()}
    assert names == {path.name for path in pair[0].iterdir()} | {"README.md", "more"}
    assert (target / "more" / "file").read_text() == "mine too"
    assert target.stat().st_mode & 0o777 == 0o750
    assert predictions(spacy.load(target), texts_of()) == predictions(first, texts_of())
    assert [path.name for path in target.parent.iterdir()] == ["target"]


def test_save_follows_links_and_leaves_out(pair: tuple[Path, Path], tmp_path: Path):
    nlp = spacy.load(pair[0])
    save(nlp, tmp_path / "real", exclude=["window_ner"])
    assert not (tmp_path / "real" / "window_ner").exists()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    save(nlp, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "window_ner").exists()


def test_save_replaces_nothing_else(trained_nlp: Language, tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(ValueError, match="Cannot save a pipeline to"):
            save(trained_nlp, path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_save_that_fails_leaves_the_old(
    trained_nlp: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    target = tmp_path / "target"
    save(trained_nlp, target)

    def fail(*args, **options):
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ner_of(trained_nlp), "to_disk", fail)
        with pytest.raises(OSError, match="No space"):
            save(trained_nlp, target)
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert predictions(spacy.load(target), texts_of()) == predictions(trained_nlp, texts_of())


def test_what_killed_saves_left_is_removed_when_it_is_old(trained_nlp: Language, tmp_path: Path):
    save(trained_nlp, tmp_path / "target")
    for name in (".target.abc.new", ".target.def.old", ".other.abc.new"):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (0, os.path.getmtime(tmp_path) - 2 * ABANDONED))
    (tmp_path / ".target.ghi.new").mkdir()
    save(trained_nlp, tmp_path / "target")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"target", ".other.abc.new", ".target.ghi.new"}


def test_files_of_a_save_that_was_never_finished(trained_nlp: Language, tmp_path: Path):
    """The first save of a component, killed when its files had no names yet."""
    ner = ner_of(trained_nlp)
    ner.to_disk(tmp_path, exclude=["vocab"])
    sums = srsly.read_json(tmp_path / CHECKSUM)
    for name in ("cfg", "model"):
        right = (tmp_path / name).read_bytes()
        (tmp_path / name).rename(tmp_path / (name + NEW))
        assert read_file(tmp_path, name, sums[name]) == (right, True)
    ner_of(copy_of(trained_nlp)).from_disk(tmp_path, exclude=["vocab"])
