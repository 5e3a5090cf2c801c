"""Every config in `configs/` is complete, loads, and trains with spaCy's own commands."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy import util
from spacy.cli.debug_config import debug_config
from spacy.cli.train import train
from spacy.training import Corpus

from spacy_window_ner.sequences.tags import n_tags

from .pipelines import CONFIGS, corpus, ner_of, save_corpus, save_vectors, texts_of, uses_vectors

# The real clusters are loaded in tests/test_lookups.py.
pytestmark = pytest.mark.usefixtures("small_clusters")

SENTENCES = corpus(20)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A corpus of 20 sentences and a pipeline with vectors, as overrides of a config."""
    path = tmp_path_factory.mktemp("data")
    (path / "people.txt").write_text("Ann Lee\nBob\n")
    (path / "places.txt").write_text("Rome\n")
    return {
        "paths.train": str(save_corpus(path / "train.spacy", SENTENCES)),
        "paths.dev": str(save_corpus(path / "dev.spacy", corpus(5))),
        "paths.vectors": str(save_vectors(path / "vectors", SENTENCES)),
        "paths.people": str(path / "people.txt"),
        "paths.places": str(path / "places.txt"),
    }


def overrides(config: Path, data: dict[str, str]) -> dict[str, Any]:
    """The paths that a config needs: one without static vectors gets none, nor lists of names."""
    needs = {
        "paths.vectors": uses_vectors(config),
        "paths.people": config.stem == "names",
        "paths.places": config.stem == "names",
    }
    return {name: path for name, path in data.items() if needs.get(name, True)}


def test_there_is_a_config_for_each_way_of_working():
    names = {path.stem for path in CONFIGS}
    assert {"efficiency", "accuracy", "shared_tok2vec", "names", "textbook"} <= names
    assert {path.stem for path in CONFIGS if uses_vectors(path)} == {"accuracy", "textbook"}


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_config_passes_debug_config(
    config: Path, data: dict[str, str], capsys: pytest.CaptureFixture[str]
):
    debug_config(config, overrides=overrides(config, data), show_funcs=True)
    printed = capsys.readouterr().out
    assert "spacy_window_ner.WindowClassifier.v2" in printed


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_config_is_complete(config: Path):
    """Nothing is left to defaults that a later version may change."""
    complete = util.load_config(config, interpolate=False)
    nlp = util.load_model_from_config(complete, auto_fill=False)
    filled = nlp.config
    assert set(filled) == set(complete)
    for section in complete:
        assert filled[section] == complete[section], section


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_config_initializes(config: Path, data: dict[str, str]):
    loaded = util.load_config(config, overrides=overrides(config, data))
    nlp = util.load_model_from_config(loaded)
    examples = list(Corpus(data["paths.train"])(nlp))
    nlp.initialize(lambda: examples)
    ner = ner_of(nlp)
    assert ner.labels == ("LOC", "PER")
    scores = ner.model.predict([nlp(texts_of(SENTENCES)[0])])
    assert scores.emissions.shape[1] == n_tags(2)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_config_trains(
    config: Path, data: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    few_steps = {
        "training.max_steps": 4,
        "training.eval_frequency": 2,
        "training.batcher.size": 60,
    }
    train(config, tmp_path, overrides={**overrides(config, data), **few_steps})
    # Every column of the table is a score that training can raise.
    header = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("E "))
    assert [name for name in header.split() if name.isupper() and "_" in name] == [
        "ENTS_F",
        "ENTS_P",
        "ENTS_R",
    ]
    nlp = spacy.load(tmp_path / "model-last")
    assert ner_of(nlp).labels == ("LOC", "PER")
    assert "ents_f" in nlp.meta["performance"]
    assert nlp.meta["performance"]["window_ner_loss"] > 0
    docs = list(nlp.pipe([*texts_of(SENTENCES), "", "New words"]))
    assert all(doc.has_annotation("ENT_IOB") for doc in docs if len(doc))
    assert all(
        len(doc.spans["window_ner"]) == len(doc.spans["window_ner"].attrs["scores"]) for doc in docs
    )


def test_the_names_of_the_lists_are_found(data: dict[str, str]):
    config = next(config for config in CONFIGS if config.stem == "names")
    nlp = util.load_model_from_config(util.load_config(config, overrides=overrides(config, data)))
    nlp.initialize(lambda: list(Corpus(data["paths.train"])(nlp)))
    doc = nlp("Ann Lee left Rome.")
    spans = doc.spans["names"]
    assert [(span.text, span.label_) for span in spans] == [("Ann Lee", "PER"), ("Rome", "LOC")]
