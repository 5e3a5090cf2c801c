"""`WindowNER.threshold`: one value, in the component, in its file and in the pipeline's config."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language
from thinc.api import Config

from spacy_window_ner.decoding.thresholds import checked, is_setting
from tests.pipelines import copy_of, ner_of, shared, small_model, texts_of, trained

LOAD = "components.window_ner.threshold"


def thresholds(nlp: Language, name: str = "window_ner") -> list[float | None]:
    """What the component has, its settings, and the config."""
    component: Any = nlp.get_pipe(name)
    return [
        component.threshold,
        component.cfg["threshold"],
        nlp.config["components"][name]["threshold"],
    ]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    nlp = copy_of(shared())
    ner_of(nlp).threshold = 0.3
    nlp.to_disk(tmp_path / "pipeline")
    return tmp_path / "pipeline"


def test_it_changes_what_is_found():
    nlp = copy_of(trained(steps=4))
    found = []
    for threshold in (0.05, 0.99):
        ner_of(nlp).threshold = threshold
        found.append(sum(len(doc.ents) for doc in nlp.pipe(texts_of())))
    assert found[0] > found[1]


@pytest.mark.parametrize("threshold", [-0.1, 7.0, float("nan"), "abc", True, [0.5], {"PER": 2}])
def test_it_is_checked(threshold: Any):
    nlp = copy_of(shared(), threshold=0.4)
    with pytest.raises(
        ValueError, match="threshold must be a probability from 0 to 1, or null, got"
    ):
        ner_of(nlp).threshold = threshold
    assert thresholds(nlp) == [0.4] * 3


def test_each_label_may_have_one():
    nlp = copy_of(trained(steps=4))
    everything = {(ent.text, ent.label_) for doc in _read(nlp, 0.05) for ent in doc.ents}
    assert len({label for _, label in everything}) > 1
    names = [ent.label_ for doc in _read(nlp, {"PER": 0.05, "LOC": 1.0}) for ent in doc.ents]
    assert "PER" in names
    assert "LOC" not in names
    alone, both = [
        [list(map(str, doc.ents)) for doc in _read(nlp, threshold)]
        for threshold in ({"PER": 0.3, "LOC": 0.3, "DATE": 0.3}, 0.3)
    ]
    assert alone == both
    assert [doc.text for doc in _read(nlp, {"PER": 1.0, "LOC": 1.0})]
    for doc in _read(nlp, {"PER": 1.0, "LOC": 1.0}):  # other labels have 0.5
        assert (doc.spans["window_ner"].attrs["scores"] > 0.5).all()


def _read(nlp: Language, threshold: Any) -> list:
    ner_of(nlp).threshold = threshold
    return list(nlp.pipe(texts_of()))


def test_labels_have_to_be_those_of_the_component():
    nlp = copy_of(shared())
    with pytest.raises(
        ValueError, match=r"threshold has unknown labels 'ORG'\. The labels are: DATE, LOC, PER"
    ):
        ner_of(nlp).threshold = {"PER": 0.4, "ORG": 0.6}
    assert thresholds(nlp) == [None] * 3


@pytest.mark.parametrize("label", ["a=b", "a:b", "a.b", "#a", "[a]", " a", ""])
def test_labels_have_to_be_names_of_settings(label: str):
    assert not is_setting(label)
    with pytest.raises(ValueError, match="a config cannot have settings"):
        checked({label: 0.5}, [])


@pytest.mark.parametrize("label", ["PER", "creative-work", "a b", "Ort/Land", "人名", "per"])
def test_other_labels_are_written_and_read(label: str):
    config = Config({"threshold": checked({label: 0.25, "x": 1}, [])})
    assert Config().from_str(config.to_str()) == config


@pytest.mark.parametrize("objective", ["softmax", "logistic"])
def test_it_works_with_other_objectives(objective: str):
    nlp = copy_of(shared(objective))
    sizes = [sum(map(len, (doc.ents for doc in _read(nlp, p)))) for p in (0.001, 0.5, 1.0)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1]


@pytest.mark.parametrize("threshold", [0.3, None, {"PER": 0.4, "LOC": 0.6}])
def test_the_config_has_it_too(threshold: float | None):
    nlp = copy_of(shared(), threshold=0.5)
    ner_of(nlp).threshold = threshold
    assert thresholds(nlp) == [threshold] * 3
    nlp.rename_pipe("window_ner", "names")
    nlp.get_pipe("names").threshold = 0.7  # type: ignore[attr-defined]
    assert thresholds(nlp, "names") == [0.7] * 3


def test_it_survives_saving(saved: Path):
    assert thresholds(spacy.load(saved)) == [0.3] * 3
    nlp = copy_of(shared())
    nlp.from_bytes(spacy.load(saved).to_bytes())
    assert thresholds(nlp) == [0.3] * 3
    assert pickle.loads(pickle.dumps(ner_of(nlp))).threshold == 0.3
    alone = copy_of(shared())
    ner_of(alone).from_bytes(ner_of(nlp).to_bytes())
    assert thresholds(alone) == [0.3] * 3


@pytest.mark.parametrize("threshold", [0.6, None])
def test_it_can_be_given_where_a_pipeline_is_loaded(saved: Path, tmp_path: Path, threshold: Any):
    nlp = spacy.load(saved, config={LOAD: threshold})
    assert thresholds(nlp) == [threshold] * 3
    nlp.to_disk(tmp_path / "again")
    assert thresholds(spacy.load(tmp_path / "again")) == [threshold] * 3


def test_it_is_kept_by_a_component_from_another_pipeline(saved: Path, tmp_path: Path):
    nlp = spacy.blank("en")
    nlp.add_pipe("window_ner", source=spacy.load(saved))
    ner_of(nlp).threshold = 0.8
    nlp.to_disk(tmp_path / "new")
    assert thresholds(spacy.load(tmp_path / "new")) == [0.8] * 3


def test_thresholds_by_label_survive_and_give_way_to_one(tmp_path: Path):
    nlp = copy_of(shared())
    ner_of(nlp).threshold = {"PER": 0.3, "LOC": 0.7}
    nlp.to_disk(tmp_path)
    assert thresholds(spacy.load(tmp_path)) == [{"PER": 0.3, "LOC": 0.7}] * 3
    assert thresholds(spacy.load(tmp_path, config={LOAD: 0.2})) == [0.2] * 3
    with pytest.raises(ValueError, match="threshold has unknown labels 'ORG'"):
        spacy.load(tmp_path, config={LOAD: {"ORG": 0.2}})


def test_a_file_with_another_value_is_refused(saved: Path):
    path = saved / "window_ner" / "cfg"
    srsly.write_json(path, {**srsly.read_json(path), "threshold": 7.0})
    nlp = copy_of(shared(), model=small_model())
    with pytest.raises(ValueError, match=r"from 0 to 1, or null, got 7\.0"):
        ner_of(nlp).from_disk(saved / "window_ner", exclude=["vocab"])
    assert thresholds(nlp) == [None] * 3
