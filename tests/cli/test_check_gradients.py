import re
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import spacy
from click.testing import Result
from spacy.cli import app as spacy_app
from spacy.util import fix_random_seed
from typer.testing import CliRunner

import spacy_window_ner.cli  # noqa: F401  # adds the commands to spaCy's
from spacy_window_ner.network.graph import check_graph
from spacy_window_ner.network.layers.activation import ACTIVATIONS

from ..pipelines import (
    CONFIGS,
    blank,
    corpus,
    make_examples,
    ner_of,
    save_vectors,
    small_cnn,
    small_model,
    train,
    trained,
    uses_vectors,
)

MODULE = import_module("spacy_window_ner.cli.check_gradients")
SMALL = {"attrs": ["NORM", "SHAPE"], "rows": [20, 9], "widths": [4, 3], "width": 5}


def run(*args: object) -> Result:
    return CliRunner().invoke(spacy_app, ["window-ner", "check-gradients", *map(str, args)])


def printed_nodes(output: str) -> dict[str, list[str]]:
    """The rows of the printed tables: the columns of each node by its name."""
    rows = [re.split(r"\s{2,}", line.strip()) for line in output.splitlines()]
    return {row[0]: row[1:] for row in rows if len(row) > 2}


def largest_error(output: str) -> float:
    found = re.search(r"largest relative error is (\S+),", output)
    assert found, output
    return float(found[1])


@pytest.fixture
def few_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check 2 entries of each array, where the command itself is what is tested."""
    monkeypatch.setattr(MODULE, "check_graph", partial(check_graph, max_entries=2))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline on disk, with a tanh layer. Tests do not change it."""
    path = tmp_path_factory.mktemp("saved")
    model = small_model(activation="tanh", hidden_width=6, window_size=1, tok2vec=SMALL)
    trained(model=model, steps=5).to_disk(path)
    return path


def test_a_saved_pipeline_is_checked_node_by_node(saved: Path):
    result = run(saved)
    assert result.exit_code == 0, result.output
    model = ner_of(spacy.load(saved)).model
    names = [node.name for node in model.walk(order="dfs_pre")]
    lines = [line.strip().split("  ")[0] for line in result.output.splitlines()]
    assert [line for line in lines if line in names] == names
    nodes = printed_nodes(result.output)
    assert 0 < float(nodes["window_affine"][-1]) < 1e-6
    assert "E (20, 4)" in nodes["embed_NORM"]
    assert "T (4, 4)" in nodes["transitions"]
    assert "objective crf" in result.output
    assert largest_error(result.output) <= 1e-6
    assert "within 1e-06" in result.output


@pytest.mark.usefixtures("small_clusters", "few_entries")
@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_config_is_checked(config: Path, tmp_path: Path):
    args = []
    if uses_vectors(config):
        args += ["--paths.vectors", save_vectors(tmp_path / "vectors", corpus(5))]
    if config.stem == "names":
        for kind in ("people", "places"):
            (tmp_path / kind).write_text("Ann\n", encoding="utf8")
            args += [f"--paths.{kind}", tmp_path / kind]
    result = run(config, *args)
    assert result.exit_code == 0, result.output
    assert largest_error(result.output) <= 1e-6
    assert "transitions" in printed_nodes(result.output)


@pytest.mark.usefixtures("few_entries")
@pytest.mark.parametrize(
    ("objective", "activation"), [("softmax", "hard_tanh"), ("logistic", "relu")]
)
def test_settings_of_a_config_are_overridden(objective: str, activation: str):
    model = "--components.window_ner.model"
    result = run(
        next(path for path in CONFIGS if path.stem == "efficiency"),
        *(f"{model}.objective", objective, f"{model}.activation", activation),
        *(f"{model}.hidden_width", 6, f"{model}.tok2vec.width", 5),
    )
    assert result.exit_code == 0, result.output
    assert f"objective {objective}" in result.output
    assert activation in printed_nodes(result.output)


@pytest.mark.usefixtures("few_entries")
def test_a_pipeline_with_a_listener_is_checked(tmp_path: Path):
    """spaCy's own layers are not checked, since they compute in float32; all after them is."""
    fix_random_seed(0)
    nlp = spacy.blank("xx")
    tok2vec = small_cnn(width=8, embed_size=50)
    nlp.add_pipe("tok2vec", config={"model": tok2vec})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 8}
    nlp.add_pipe("window_ner", config={"model": {"hidden_width": 6, "tok2vec": listener}})
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    train(nlp, examples, 3)
    nlp.to_disk(tmp_path)
    result = run(tmp_path)
    assert result.exit_code == 0, result.output
    assert largest_error(result.output) <= 1e-6
    assert "which is not checked" in result.output
    nodes = printed_nodes(result.output)
    assert "window_affine" in nodes
    assert "transitions" in nodes


@pytest.mark.usefixtures("few_entries")
def test_spacy_token_vectors_within_the_network_are_left_out(tmp_path: Path):
    nlp = spacy.blank("xx")
    tok2vec = small_cnn(width=8, embed_size=50)
    nlp.add_pipe("window_ner", config={"model": {"hidden_width": 6, "tok2vec": tok2vec}})
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    nlp.to_disk(tmp_path)
    result = run(tmp_path)
    assert result.exit_code == 0, result.output
    assert "which is not checked" in result.output


@pytest.mark.usefixtures("few_entries")
def test_a_pipeline_without_labels_is_checked(tmp_path: Path):
    nlp = blank(model=small_model(hidden_width=6, window_size=1, tok2vec=SMALL))
    nlp.initialize()
    nlp.to_disk(tmp_path)
    result = run(tmp_path)
    assert result.exit_code == 0, result.output


# Failures


@pytest.mark.usefixtures("few_entries")
@pytest.mark.parametrize("factor", [1.01, np.nan])
def test_a_wrong_gradient_is_found_and_the_command_fails(
    saved: Path, monkeypatch: pytest.MonkeyPatch, factor: float
):
    f, df = ACTIVATIONS["tanh"]
    monkeypatch.setitem(ACTIVATIONS, "tanh", (f, lambda h: df(h) * factor))
    result = run(saved)
    assert result.exit_code == 1, result.output
    assert "above 1e-06" in result.output
    nodes = printed_nodes(result.output)
    assert not float(nodes["tanh"][-1]) < 1e-3
    assert float(nodes["transitions"][-1]) < 1e-6


@pytest.mark.usefixtures("few_entries")
def test_an_error_above_the_bound_fails(saved: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(MODULE, "BOUND", 1e-30)
    result = run(saved)
    assert result.exit_code == 1
    assert "above 1e-30" in result.output


@pytest.mark.usefixtures("few_entries")
def test_all_components_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One wrong component makes the command fail; the other one is checked all the same."""
    nlp = spacy.blank("xx")
    for name, activation in (("one", "tanh"), ("two", "relu")):
        model = small_model(hidden_width=6, window_size=1, tok2vec=SMALL, activation=activation)
        nlp.add_pipe("window_ner", name=name, config={"model": model})
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    nlp.to_disk(tmp_path)
    f, df = ACTIVATIONS["tanh"]
    for factor, n_wrong in ((1, 0), (2, 1)):
        monkeypatch.setitem(ACTIVATIONS, "tanh", (f, lambda h, factor=factor: factor * df(h)))
        result = run(tmp_path)
        assert result.exit_code == n_wrong, result.output
        assert "one: objective crf" in result.output
        assert "two: objective crf" in result.output
        assert result.output.count("above 1e-06") == n_wrong
        assert result.output.count("within 1e-06") == 2 - n_wrong


def test_a_pipeline_without_window_ner(tmp_path: Path):
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path)
    result = run(tmp_path)
    assert result.exit_code == 1
    assert "has no window_ner component" in " ".join(result.output.split())
    assert "sentencizer" in result.output


def test_neither_a_config_nor_a_pipeline(tmp_path: Path):
    result = run(tmp_path / "nowhere")
    assert result.exit_code == 1
    assert "Cannot load the pipeline" in " ".join(result.output.split())
    assert "nowhere" in result.output


def test_a_config_that_is_broken(tmp_path: Path):
    path = tmp_path / "broken.cfg"
    path.write_text("[nlp\nlang = 3")
    result = run(path)
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)  # a message, no traceback


def test_settings_of_a_saved_pipeline_cannot_be_overridden(saved: Path):
    result = run(saved, "--components.window_ner.model.hidden_width", 3)
    assert result.exit_code == 1
    assert "Only settings of a config can be overridden" in result.output


@pytest.mark.usefixtures("small_clusters")
def test_missing_vectors_are_reported(tmp_path: Path):
    config = next(path for path in CONFIGS if path.stem == "accuracy")
    result = run(config)
    assert result.exit_code == 1
    assert "initialize.vectors" in result.output + str(result.exception)
