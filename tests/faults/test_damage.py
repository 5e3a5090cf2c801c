"""Files that are not what was saved are refused, with one clear error, and change nothing."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
from spacy.language import Language

from spacy_window_ner.files.saving import CHECKSUM

from ..pipelines import copy_of, ner_of, predictions, shared, texts_of, trained
from .amounts import amount

FILES = ("cfg", "model", CHECKSUM)
ERROR = r"\[window_ner\] The saved (cfg|model|component) "


@pytest.fixture
def saved(trained_nlp: Language, tmp_path: Path) -> Path:
    """A saved pipeline."""
    trained_nlp.to_disk(tmp_path / "pipeline")
    return tmp_path / "pipeline"


@contextmanager
def with_content(path: Path, data: bytes) -> Iterator[None]:
    """A file with other content."""
    right = path.read_bytes()
    path.write_bytes(data)
    try:
        yield
    finally:
        path.write_bytes(right)


def assert_refused(nlp: Language, folder: Path) -> str:
    """RETURNS: The message."""
    ner = ner_of(nlp)
    before = ner.to_bytes(exclude=["vocab"])
    with pytest.raises(ValueError, match=ERROR) as info:
        ner.from_disk(folder, exclude=["vocab"])
    assert ner.to_bytes(exclude=["vocab"]) == before
    return str(info.value)


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_refused(trained_copy: Language, saved: Path, name: str):
    folder = saved / "window_ner"
    right, rng = (folder / name).read_bytes(), np.random.RandomState(0)
    for place in rng.choice(8 * len(right), min(amount(40, 1000), 8 * len(right)), replace=False):
        flipped = bytearray(right)
        flipped[place // 8] ^= 1 << (place % 8)
        with with_content(folder / name, bytes(flipped)):
            assert_refused(trained_copy, folder)
    ner_of(trained_copy).from_disk(folder, exclude=["vocab"])


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_off_is_refused(trained_copy: Language, saved: Path, name: str):
    folder = saved / "window_ner"
    right = (folder / name).read_bytes()
    lengths = np.linspace(0, len(right) - 1, amount(8, 200)).astype(int)
    for data in [*(right[:length] for length in lengths), right + b"x", right[::-1]]:
        with with_content(folder / name, data):
            assert_refused(trained_copy, folder)


@pytest.mark.parametrize("name", FILES)
def test_the_file_of_another_pipeline_is_refused(
    trained_copy: Language, saved: Path, tmp_path: Path, name: str
):
    """One with as many labels, of the same shapes and settings; only the weights differ."""
    other = trained(["[A Paris] [B Hilton]", "[C Rome]"], steps=1)
    other.to_disk(tmp_path / "other")
    data = (tmp_path / "other" / "window_ner" / name).read_bytes()
    with with_content(saved / "window_ner" / name, data):
        assert_refused(trained_copy, saved / "window_ner")
        with pytest.raises(ValueError, match=ERROR):
            spacy.load(saved)
    # All of its files together are a component.
    ner = ner_of(copy_of(trained_copy)).from_disk(
        tmp_path / "other" / "window_ner", exclude=["vocab"]
    )
    assert ner.labels == ("A", "B", "C")


# Settings that the constructor and `add_label` refuse, as they would be with right checksums.
SETTINGS: list[dict[str, Any]] = [
    {"threshold": 7.0},
    {"threshold": "abc"},
    {"threshold": True},
    {"threshold": {"NONE": 0.5}},
    {"threshold": [0.5]},
    {"candidates_threshold": None},
    {"candidates_threshold": -1},
    {"spans_key": 5},
    {"spans_key": ""},
    {"spans_key": ["a"]},
    {"candidates_key": True},
    {"candidates_key": "window_ner"},
    {"incorrect_spans_key": {}},
    {"incorrect_spans_key": ""},
    {"labels": ["", "LOC", "PER"]},
    {"labels": ["!A", "LOC", "PER"]},
    {"labels": ["LOC", "LOC", "PER"]},
    {"labels": ["LOC", "PER", 3]},
    {"labels": ["LOC", "PER", "\ud800"]},
    {"labels": ["LOC", "PER"]},
    {"labels": "LOC"},
    {"labels": {"LOC": 1}},
    {"labels": None},
    {"treshold": 0.5},
]


@pytest.mark.parametrize("change", SETTINGS, ids=repr)
def test_settings_are_checked_without_checksums_too(
    trained_copy: Language, saved: Path, change: dict[str, Any]
):
    folder = saved / "window_ner"
    (folder / CHECKSUM).unlink()
    settings = {**srsly.read_json(folder / "cfg"), **change}
    with with_content(folder / "cfg", json.dumps(settings).encode()):
        message = assert_refused(trained_copy, folder)
    if "treshold" in change:
        assert "unknown settings 'treshold'" in message
    data = srsly.msgpack_loads(ner_of(trained_copy).to_bytes(exclude=["vocab"]))
    del data[CHECKSUM]
    data["cfg"] = json.dumps(settings).encode()
    with pytest.raises(ValueError, match=ERROR):
        ner_of(trained_copy).from_bytes(srsly.msgpack_dumps(data), exclude=["vocab"])


def test_altered_settings_are_refused_or_make_no_difference(trained_copy: Language, saved: Path):
    """Random changes of characters in `cfg`, that often are JSON still."""
    folder, rng = saved / "window_ner", np.random.RandomState(0)
    right = (folder / "cfg").read_bytes()
    for _ in range(amount(30, 300)):
        data = bytearray(right)
        data[rng.randint(len(data))] = rng.choice(list(b'0123456789.,:"[]{}abctruefalsn -'))
        if data != right:
            with with_content(folder / "cfg", bytes(data)):
                assert_refused(trained_copy, folder)


def test_components_that_were_saved_without_checksums(trained_nlp: Language, saved: Path):
    (saved / "window_ner" / CHECKSUM).unlink()
    assert predictions(spacy.load(saved), texts_of()) == predictions(trained_nlp, texts_of())
    data = srsly.msgpack_loads(ner_of(trained_nlp).to_bytes(exclude=["vocab"]))
    del data[CHECKSUM]
    ner_of(copy_of(trained_nlp)).from_bytes(srsly.msgpack_dumps(data), exclude=["vocab"])


@pytest.mark.parametrize("excluded", [["cfg"], ["model"], ["cfg", "model"], ["checksum"]])
def test_fields_are_left_out(trained_nlp: Language, tmp_path: Path, excluded: list[str]):
    """When it is saved, and when it is loaded; on disk, and in bytes."""
    ner, exclude = ner_of(trained_nlp), ["vocab", *excluded]
    ner.to_disk(tmp_path / "part", exclude=exclude)
    ner.to_disk(tmp_path / "all", exclude=["vocab"])
    assert (
        not {path.name for path in (tmp_path / "part").iterdir()} & {"cfg", "model"} & set(excluded)
    )
    data = ner.to_bytes(exclude=exclude), ner.to_bytes(exclude=["vocab"])
    for name in ("part", "all"):
        other = ner_of(copy_of(trained_nlp, threshold=0.125))
        other.from_disk(tmp_path / name, exclude=exclude)
        assert other.threshold == (0.125 if "cfg" in excluded else None)
    for one in data:
        other = ner_of(copy_of(trained_nlp, threshold=0.125))
        other.from_bytes(one, exclude=exclude)
        assert other.threshold == (0.125 if "cfg" in excluded else None)


def test_what_is_left_out_when_a_component_is_loaded_may_be_damaged(
    trained_copy: Language, saved: Path
):
    folder = saved / "window_ner"
    with with_content(folder / "cfg", b"{"):
        ner_of(trained_copy).from_disk(folder, exclude=["vocab", "cfg"])
        assert_refused(trained_copy, folder)
    (folder / "model").write_bytes(b"")
    ner_of(trained_copy).from_disk(folder, exclude=["vocab", "model"])
    assert_refused(trained_copy, folder)


def test_a_setting_that_was_edited_by_hand_is_loaded_without_checksums(
    trained_copy: Language, saved: Path
):
    folder = saved / "window_ner"
    srsly.write_json(folder / "cfg", {**srsly.read_json(folder / "cfg"), "threshold": 0.5})
    assert "checksum" in assert_refused(trained_copy, folder)
    ner_of(trained_copy).from_disk(folder, exclude=["vocab", "checksum"])
    assert ner_of(trained_copy).threshold == 0.5


def test_damaged_bytes_are_refused(trained_copy: Language):
    """Anywhere, and in the names of the fields, without which nothing would be compared."""
    ner = ner_of(trained_copy)
    right, rng = ner.to_bytes(exclude=["vocab"]), np.random.RandomState(0)
    places = rng.choice(8 * len(right), amount(40, 1000), replace=False).tolist()
    for name in FILES:
        start = right.index(srsly.msgpack_dumps(name))
        places += range(8 * start, 8 * (start + 1 + len(name)))
    for place in places:
        flipped = bytearray(right)
        flipped[place // 8] ^= 1 << (place % 8)
        with pytest.raises(ValueError, match=ERROR):
            ner.from_bytes(bytes(flipped), exclude=["vocab"])
        assert ner.to_bytes(exclude=["vocab"]) == right
    ner.from_bytes(right, exclude=["vocab"])


def test_a_threshold_given_to_load_takes_precedence(saved: Path):
    nlp = spacy.load(saved, config={"components.window_ner.threshold": 0.375})
    assert ner_of(nlp).threshold == 0.375
    assert ner_of(shared()).threshold is None
