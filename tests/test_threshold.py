"""`WindowNER.threshold`: one value, in the component, in its file and in the pipeline's config."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language

from .pipelines import copy_of, ner_of, shared, small_model, texts_of, trained

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


@pytest.mark.parametrize("threshold", [-0.1, 7.0, float("nan"), "abc", True, [0.5]])
def test_it_is_checked(threshold: Any):
    nlp = copy_of(shared(), threshold=0.4)
    with pytest.raises(ValueError, match="threshold is a probability from 0 to 1, or null; got"):
        ner_of(nlp).threshold = threshold
    assert thresholds(nlp) == [0.4] * 3


def test_it_needs_the_objective_crf():
    with pytest.raises(ValueError, match="Set threshold = null"):
        ner_of(shared("softmax")).threshold = 0.5


@pytest.mark.parametrize("threshold", [0.3, None])
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


def test_a_file_with_another_value_is_refused(saved: Path):
    path = saved / "window_ner" / "cfg"
    srsly.write_json(path, {**srsly.read_json(path), "threshold": 7.0})
    nlp = copy_of(shared(), model=small_model())
    with pytest.raises(ValueError, match=r"from 0 to 1, or null; got 7\.0"):
        ner_of(nlp).from_disk(saved / "window_ner", exclude=["vocab"])
    assert thresholds(nlp) == [None] * 3
