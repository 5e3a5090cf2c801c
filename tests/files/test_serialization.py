from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
from catalogue import RegistryError
from spacy import util
from spacy.language import Language
from thinc.api import Model

from spacy_window_ner.files.serialization import load_model, round_to_half_precision
from tests.pipelines import (
    blank,
    ner_of,
    predictions,
    save_corpus,
    small_model,
    texts_of,
    trained,
)

VERSION_0_1 = Path(__file__).parents[1] / "data" / "version_0_1"
LABELS = ["DATE", "LOC", "PER"]
TEXTS = [*texts_of()[:2], "", "x"]


@pytest.fixture
def saved(trained_nlp: Language) -> bytes:
    """The network of `trained_nlp`, saved."""
    return ner_of(trained_nlp).model.to_bytes()


def altered(data: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The saved network with a change in what is saved."""
    content = srsly.msgpack_loads(data)
    change(content)
    return srsly.msgpack_dumps(content)


def node_number(data: bytes, name: str) -> int:
    names = [node["name"] for node in srsly.msgpack_loads(data)["nodes"]]
    return names.index(name)


def assert_refused(nlp: Language, data: bytes, match: str | None = None) -> None:
    """Loading raises an error that helps, and the network is what it was."""
    ner = ner_of(nlp)
    before = ner.model.to_bytes()
    with pytest.raises(ValueError, match=match) as info:
        load_model(ner.model, data, ner.label_data, "names")
    message = str(info.value)
    assert "[names] The saved model cannot be loaded" in message
    assert "damaged" in message  # what may be wrong
    assert "Load it with the config that it was saved with" in message  # and what to do
    assert ner.model.to_bytes() == before


# What fits


def test_a_network_is_loaded_into_one_that_is_not_initialized(trained_nlp: Language, saved: bytes):
    nlp = blank()
    load_model(ner_of(nlp).model, saved, LABELS, "window_ner")
    assert ner_of(nlp).model.to_bytes() == saved


def test_a_network_is_loaded_into_one_with_other_weights(saved: bytes):
    nlp = trained(steps=1)
    assert ner_of(nlp).model.to_bytes() != saved
    load_model(ner_of(nlp).model, saved, LABELS, "window_ner")
    assert ner_of(nlp).model.to_bytes() == saved


def test_a_network_that_is_not_initialized_is_saved_and_loaded():
    """A pipeline may be saved before its training."""
    ner = ner_of(blank())
    load_model(ner_of(blank()).model, ner.model.to_bytes(), [], "window_ner")


@pytest.mark.parametrize("rounded", [False, True])
def test_16_bits_are_saved_only_where_they_lose_nothing(trained_copy: Language, rounded: bool):
    ner = ner_of(trained_copy)
    model = ner.model
    if rounded:
        round_to_half_precision(model)
        scores = model.get_ref("scores")
        scores.set_param("b", scores.get_param("b") + np.float32(1e-4))
    before = [node.get_param(name) for node in model.walk() for name in node.param_names]
    data = ner.to_bytes()
    saved = srsly.msgpack_loads(srsly.msgpack_loads(data)["model"])["params"]
    n_half = sum(value.dtype == np.float16 for params in saved for value in params.values())
    assert n_half == (len(before) - 1 if rounded else 0)
    ner.from_bytes(data)
    after = [node.get_param(name) for node in model.walk() for name in node.param_names]
    for a, b in zip(before, after, strict=True):
        assert b.dtype == np.float32
        np.testing.assert_array_equal(a, b)


def test_what_is_beyond_the_range_of_16_bits_is_not_rounded(trained_copy: Language):
    model = ner_of(trained_copy).model
    scores = model.get_ref("scores")
    large = scores.get_param("b") + np.float32(1e5)
    scores.set_param("b", large)
    round_to_half_precision(model)
    np.testing.assert_array_equal(scores.get_param("b"), large)
    W = scores.get_param("W")
    np.testing.assert_array_equal(W, W.astype(np.float16))


def test_loading_needs_no_more_than_the_network(trained_copy: Language, saved: bytes):
    """The network goes on learning after it was loaded: no array is read-only or shared."""
    model = ner_of(trained_copy).model
    load_model(model, saved, LABELS, "window_ner")
    other = ner_of(blank()).model
    load_model(other, saved, LABELS, "window_ner")
    for node, twin in zip(model.walk(), other.walk(), strict=True):
        for name in node.param_names:
            assert node.get_param(name).flags.writeable
            assert not np.shares_memory(node.get_param(name), twin.get_param(name))


# Damaged files


def test_a_file_that_is_cut_off_is_refused(trained_copy: Language, saved: bytes):
    for length in [0, 1, 2, 10, 100, *np.linspace(200, len(saved) - 1, 12).astype(int)]:
        assert_refused(trained_copy, saved[:length])


@pytest.mark.parametrize(
    "content",
    [
        None,
        3,
        "text",
        [],
        {},
        {"nodes": []},
        {"nodes": [], "attrs": [], "params": [], "shims": []},
    ],
    ids=repr,
)
def test_other_data_is_refused(trained_copy: Language, content: Any):
    assert_refused(trained_copy, srsly.msgpack_dumps(content))


def test_other_files_are_refused(trained_copy: Language, tmp_path: Path):
    for data in (
        b"\x00" * 100,
        b"not a model",
        b"\xc1",
        save_corpus(tmp_path / "x", []).read_bytes(),
    ):
        assert_refused(trained_copy, data)


def structure(data: bytes) -> np.ndarray:
    """The positions of a saved network that are neither weights nor other learned numbers."""
    content = srsly.msgpack_loads(data)
    learned = [value.tobytes() for params in content["params"] for value in params.values()]
    learned += [
        attrs[name]
        for attrs in content["attrs"]
        for name in ("known", "counts", "dropout_rate")
        if name in attrs
    ]
    is_learned = np.zeros(len(data), dtype=bool)
    for value in learned:
        start = data.find(value)
        while start >= 0:
            is_learned[start : start + len(value)] = True
            start = data.find(value, start + 1)
    return np.flatnonzero(~is_learned)


@pytest.mark.parametrize("seed", range(3))
def test_a_flipped_byte_is_refused_or_changes_nothing(saved: bytes, seed: int):
    """A byte of the structure, not of a weight. Some of what Thinc saves, it does not read."""
    rng = np.random.RandomState(seed)
    model = ner_of(trained(steps=0)).model
    positions = structure(saved)
    assert len(positions) > 1000
    before, refused = model.to_bytes(), 0
    for position in rng.choice(positions, 60):
        flipped = bytearray(saved)
        flipped[position] ^= rng.randint(1, 256)
        where = (int(position), saved[max(0, position - 20) : position + 10])
        try:
            load_model(model, bytes(flipped), LABELS, "names")
        except ValueError as error:
            assert "cannot be loaded" in str(error), where
            assert model.to_bytes() == before, where
            refused += 1
        else:
            assert model.to_bytes() == saved, where
            load_model(model, before, LABELS, "names")
    assert refused > 20


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(
    trained_copy: Language, saved: bytes, value: float
):
    for i, params in enumerate(srsly.msgpack_loads(saved)["params"]):
        for name in params:

            def change(content: dict[str, Any], i: int = i, name: str = name) -> None:
                array = content["params"][i][name].copy()
                array.flat[-1] = value
                content["params"][i][name] = array

            assert_refused(trained_copy, altered(saved, change), rf"{name} of .* not finite")


@pytest.mark.parametrize(
    "make",
    [
        lambda array: array.astype(np.int64),
        lambda array: array[:-1],
        lambda array: array[..., None],
        lambda array: array.ravel()[:0],
        lambda array: array.tolist(),
        lambda array: "text",
        lambda array: None,
    ],
    ids=["integers", "shorter", "more axes", "empty", "list", "text", "nothing"],
)
def test_weights_of_another_kind_are_refused(
    trained_copy: Language, saved: bytes, make: Callable[[np.ndarray], Any]
):
    for i, params in enumerate(srsly.msgpack_loads(saved)["params"]):
        for name in params:

            def change(content: dict[str, Any], i: int = i, name: str = name) -> None:
                content["params"][i][name] = make(content["params"][i][name])

            assert_refused(trained_copy, altered(saved, change))


def test_weights_that_are_missing_are_refused(trained_copy: Language, saved: bytes):
    """Otherwise the network would keep its own in their place."""
    for i, params in enumerate(srsly.msgpack_loads(saved)["params"]):
        if params:
            data = altered(saved, lambda content, i=i: content["params"][i].clear())
            assert_refused(trained_copy, data)


@pytest.mark.parametrize("name", ["unseen_labels", "known", "window_size", "attrs", "objective"])
def test_settings_that_are_missing_are_refused(trained_copy: Language, saved: bytes, name: str):
    """Otherwise the network would keep its own in their place."""

    def change(content: dict[str, Any]) -> None:
        attrs = next(attrs for attrs in content["attrs"] if name in attrs)
        attrs[name + "s"] = attrs.pop(name)

    assert_refused(trained_copy, altered(saved, change))


def test_names_and_references_that_do_not_fit_are_refused(trained_copy: Language, saved: bytes):
    place = node_number(saved, "lexeme_embed")
    for name in ("other", 3):
        data = altered(saved, lambda content, name=name: content["nodes"][place].update(name=name))
        assert_refused(trained_copy, data)
    for refs in ({"tok2vec": None}, {"tok2vec": 0, "scores": 1, "transitions": 2}, {"scores": 999}):
        data = altered(saved, lambda content, refs=refs: content["nodes"][0]["refs"].update(refs))
        assert_refused(trained_copy, data)


def test_settings_that_do_not_fit_are_refused(trained_copy: Language, saved: bytes):
    """Each setting that a config gives, once with another value and once with another kind."""
    learned = {"unseen_labels", "dropout_rate", "known", "counts"}
    tried = 0
    for i, attrs in enumerate(srsly.msgpack_loads(saved)["attrs"]):
        for name, packed in attrs.items():
            if name in learned:
                continue
            value = srsly.msgpack_loads(packed)
            other = {int: 7, float: 0.125, bool: not value, str: "tanh", list: ["LOWER"]}
            for wrong in (other[type(value)], {"another": "kind"}):

                def change(
                    content: dict[str, Any], i: int = i, name: str = name, wrong: Any = wrong
                ) -> None:
                    content["attrs"][i][name] = srsly.msgpack_dumps(wrong)

                assert_refused(trained_copy, altered(saved, change))
                tried += 1
    assert tried > 10


def test_learned_settings_that_make_no_sense_are_refused(trained_copy: Language, saved: bytes):
    for i, attrs in enumerate(srsly.msgpack_loads(saved)["attrs"]):
        for name, wrong in {
            "unseen_labels": [3],
            "known": b"1234567",
            "counts": b"1234",
        }.items():
            if name not in attrs:
                continue

            def change(
                content: dict[str, Any], i: int = i, name: str = name, wrong: Any = wrong
            ) -> None:
                content["attrs"][i][name] = srsly.msgpack_dumps(wrong)

            assert_refused(trained_copy, altered(saved, change))


# Files of other networks


def network(nlp: Language) -> bytes:
    nlp.initialize()
    return ner_of(nlp).model.to_bytes()


@pytest.mark.parametrize(
    "model",
    [
        small_model(hidden_width=25),
        small_model(window_size=1),
        small_model(objective="softmax"),
        small_model(activation="tanh"),
        small_model(maxout_pieces=3),
        small_model(tok2vec={"width": 15}),
        small_model(tok2vec={"width": None}),
        small_model(tok2vec={"rows": [201, 50, 100, 50]}),
        small_model(tok2vec={"widths": [11, 4, 8, 4]}),
        small_model(tok2vec={"attrs": ["LOWER", "PREFIX", "SUFFIX", "SHAPE"]}),
        small_model(tok2vec={"attrs": ["NORM"], "rows": [200], "widths": [12]}),
        {"tok2vec": {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}},
    ],
    ids=[
        "hidden_width",
        "window_size",
        "objective",
        "activation",
        "maxout_pieces",
        "width",
        "no width",
        "rows",
        "widths",
        "attrs",
        "fewer attrs",
        "listener",
    ],
)
def test_a_network_of_other_settings_is_refused(
    trained_copy: Language, saved: bytes, model: dict[str, Any]
):
    """In both directions, and also where nothing is initialized yet."""
    nlp = blank(model=model)
    other = ner_of(nlp).model
    before = other.to_bytes()
    with pytest.raises(ValueError, match="saved with different settings"):
        load_model(other, saved, LABELS, "names")
    assert other.to_bytes() == before
    for label in LABELS:
        ner_of(nlp).add_label(label)
    assert_refused(trained_copy, other.to_bytes())
    if "@architectures" not in model["tok2vec"]:
        assert_refused(trained_copy, network(nlp))


def test_a_network_of_other_labels_is_refused(trained_copy: Language):
    for labels in (["A"], ["A", "B", "C", "D"]):
        nlp = blank()
        for label in labels:
            ner_of(nlp).add_label(label)
        assert_refused(trained_copy, network(nlp))


def test_labels_that_do_not_fit_the_network_are_refused(saved: bytes):
    for labels in ([], ["A"], [*LABELS, "D"]):
        with pytest.raises(
            ValueError, match=f"13 tags, which does not match its {len(labels)} labels"
        ):
            load_model(ner_of(blank()).model, saved, labels, "names")


def test_a_network_of_another_component_is_refused(trained_copy: Language):
    nlp = spacy.blank("en")
    nlp.add_pipe("tagger").add_label("X")
    nlp.initialize()
    model: Model = nlp.get_pipe("tagger").model
    assert_refused(trained_copy, model.to_bytes())


# Version 0.1


def test_a_network_of_version_0_1_is_refused_with_the_reason():
    """The file was saved by version 0.1.0, with layers that no later network has."""
    model = ner_of(blank()).model
    before = model.to_bytes()
    with pytest.raises(ValueError, match=r"saved by version 0\.1 have to be trained again"):
        load_model(model, (VERSION_0_1 / "model").read_bytes(), ["A"], "names")
    assert model.to_bytes() == before


def test_a_config_of_version_0_1_is_refused_with_the_names_of_today():
    config = util.load_config(VERSION_0_1 / "config.cfg")
    with pytest.raises(RegistryError, match=r"WindowClassifier\.v1'(?s:.*)WindowClassifier\.v2"):
        util.load_model_from_config(config, auto_fill=True)


# The component around it


def assert_component_refuses(nlp: Language, load: Callable[[], Any], match: str) -> None:
    ner = ner_of(nlp)
    before, cfg = predictions(nlp, TEXTS), dict(ner.cfg)
    with pytest.raises(ValueError, match=match):
        load()
    assert ner.cfg == cfg
    assert predictions(nlp, TEXTS) == before


def test_from_bytes_refuses_what_is_damaged(trained_copy: Language):
    ner = ner_of(trained_copy)
    data = ner.to_bytes(exclude=["vocab"])
    for length in (0, 1, 50, len(data) // 2, len(data) - 1):
        assert_component_refuses(
            trained_copy,
            lambda length=length: ner.from_bytes(data[:length], exclude=["vocab"]),
            r"window_ner.*(damaged|cut)",
        )


def test_from_disk_refuses_what_is_damaged(trained_copy: Language, tmp_path: Path):
    ner = ner_of(trained_copy)
    other = trained(["[A Paris] Hilton", "[B Rome]"], steps=1)
    ner_of(other).to_disk(tmp_path / "other", exclude=["vocab"])
    ner.to_disk(tmp_path / "saved", exclude=["vocab"])
    model, cfg = tmp_path / "saved" / "model", tmp_path / "saved" / "cfg"
    right = model.read_bytes(), cfg.read_bytes()

    def load() -> None:
        ner.from_disk(tmp_path / "saved", exclude=["vocab"])

    model.write_bytes(right[0][:-10])
    assert_component_refuses(trained_copy, load, "damaged")
    model.write_bytes((tmp_path / "other" / "model").read_bytes())
    assert_component_refuses(trained_copy, load, "labels")
    model.write_bytes(right[0])
    cfg.write_bytes((tmp_path / "other" / "cfg").read_bytes())
    assert_component_refuses(trained_copy, load, "labels")
    for wrong in (b"{", b"[]", b'{"labels": 3}', b'{"labels": ["A", "A", "B"]}', b""):
        cfg.write_bytes(wrong)
        assert_component_refuses(trained_copy, load, "cfg")
    cfg.write_bytes(right[1])
    load()


def test_a_missing_file_is_an_error_and_changes_nothing(trained_copy: Language, tmp_path: Path):
    ner = ner_of(trained_copy)
    before = predictions(trained_copy, TEXTS)
    ner.to_disk(tmp_path, exclude=["vocab"])
    (tmp_path / "model").unlink()
    with pytest.raises((ValueError, OSError), match="model"):
        ner.from_disk(tmp_path, exclude=["vocab"])
    assert predictions(trained_copy, TEXTS) == before


def test_a_damaged_pipeline_is_not_loaded(trained_nlp: Language, tmp_path: Path):
    trained_nlp.to_disk(tmp_path)
    model = tmp_path / "window_ner" / "model"
    model.write_bytes(model.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"\[window_ner\] The saved model cannot be loaded"):
        spacy.load(tmp_path)
