import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import spacy
from click.testing import Result
from spacy import util
from spacy.cli import app as spacy_app
from spacy.cli.train import train as spacy_train
from spacy.training.initialize import init_nlp
from spacy.util import fix_random_seed
from typer.testing import CliRunner

from spacy_window_ner.network.lexicon import CLUSTER_TABLE, carried, carry
from spacy_window_ner.training.presets import PRESETS, PRESETS_PATH, init_config
from spacy_window_ner.training.size import FULL_SIZE, count_words, fit_to_size

from ..pipelines import (
    CONFIGS,
    add_vectors,
    blank,
    corpus,
    entities,
    make_examples,
    ner_of,
    save_corpus,
    small_model,
    train,
)

VECTORS = {"accuracy", "textbook"}  # the presets that use them


def run(*args: object, code: int = 0) -> Result:
    result = CliRunner().invoke(spacy_app, ["window-ner", "init-config", *map(str, args)])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def printed(*args: object, code: int = 0) -> str:
    """What the command prints, in one line and without colors."""
    return " ".join(re.sub(r"\x1b\[[\d;]*m", "", run(*args, code=code).output).split())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "out.cfg"


# Presets


def test_every_preset_has_a_file_and_a_config_at_the_top():
    assert {path.stem for path in PRESETS_PATH.glob("*.cfg")} == {"common", *PRESETS}
    assert {path.stem for path in CONFIGS} == set(PRESETS)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_configs_are_what_the_command_writes(config: Path, path: Path):
    """If this fails: `python -m spacy window-ner init-config NAME configs/NAME.cfg --force`."""
    run(config.stem, path)
    assert util.load_config(config) == util.load_config(path)
    comments = [
        [line for line in file.read_text().splitlines() if line.startswith("#")]
        for file in (config, path)
    ]
    assert comments[0] == comments[1] != []


def settings(block: dict, *keys: str) -> Iterator[tuple[str, ...]]:
    """The keys that lead to each setting of a config."""
    for key, value in block.items():
        if isinstance(value, dict):
            yield from settings(value, *keys, key)
        else:
            yield (*keys, key)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_contain_only_what_differs(preset: str):
    """Without any one of its settings, a preset gives another config, or none."""
    common, own = (util.load_config(PRESETS_PATH / f"{name}.cfg") for name in ("common", preset))
    common["nlp"]["lang"] = "xx"  # made three times as fast as English
    complete = init_config(preset, lang="xx")
    for *blocks, name in settings(own):
        if name.startswith("@"):
            continue
        block = rest = own.copy()
        for key in blocks:
            block = block[key]
        del block[name]
        try:
            config = util.load_model_from_config(common.merge(rest), auto_fill=True).config
        except ValueError:
            continue
        assert config != complete, (*blocks, name)


# Settings


@pytest.mark.parametrize("preset", PRESETS)
def test_language_vectors_and_pipeline(preset: str, path: Path):
    out = printed(preset, path, "-l", "de", "--vectors", "some_vectors", "-p", "senter,window_ner")
    before = {"shared_tok2vec": ["tok2vec"], "names": ["span_ruler"]}.get(preset, [])
    for line in (f"Preset: {preset}", "Language: de", "Vectors: some_vectors"):
        assert f"- {line} " in out
    config = util.load_config(path)
    assert config["nlp"]["lang"] == "de"
    assert config["nlp"]["pipeline"] == [*before, "senter", "window_ner"]
    assert config["paths"]["vectors"] == "some_vectors"
    assert config["initialize"]["vectors"] == "${paths.vectors}"
    weights = config["training"]["score_weights"]
    assert weights["ents_f"] == weights["sents_f"] == 0.5
    alone = init_config(preset)["components"]
    assert {name: config["components"][name] for name in alone} == alone
    assert util.load_model_from_config(config, auto_fill=False).config == config
    lookups = config.interpolate()["initialize"]["lookups"]
    assert lookups is None if preset != "accuracy" else lookups["lang"] == "de"


def test_components_are_in_the_given_order_with_their_defaults():
    config = init_config("efficiency", pipeline=["sentencizer", "window_ner", "tagger"])
    assert config["nlp"]["pipeline"] == ["sentencizer", "window_ner", "tagger"]
    nlp = spacy.blank("en")
    for name in ("sentencizer", "window_ner", "tagger"):
        nlp.add_pipe(name)
        assert config["components"][name] == nlp.get_pipe_config(name)


def test_other_components_share_the_token_vectors():
    """They listen as window_ner does, and the pipeline can be initialized."""
    pipeline = ["sentencizer", "ner", "window_ner"]
    config = init_config("shared_tok2vec", lang="xx", pipeline=pipeline)
    assert config["nlp"]["pipeline"] == ["tok2vec", *pipeline]
    ner, ours = (config["components"][name]["model"] for name in ("ner", "window_ner"))
    assert ner["tok2vec"] == ours["tok2vec"]
    assert ner["@architectures"] == "spacy.TransitionBasedParser.v2"
    nlp = util.load_model_from_config(config)
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    assert set(nlp.get_pipe("tok2vec").listening_components) == {"ner", "window_ner"}


def test_efficiency_has_the_settings_of_a_plain_add_pipe():
    nlp = spacy.blank("en")
    nlp.add_pipe("window_ner")
    config = init_config("efficiency")
    assert config["components"] == {"window_ner": nlp.get_pipe_config("window_ner")}


def test_components_are_found_in_a_new_process():
    """spaCy registers its factories when the first pipeline is made."""
    args = ["init-config", "efficiency", "-", "--pipeline", "senter,window_ner"]
    command = [sys.executable, "-m", "spacy", "window-ner", *args]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    config = util.load_config_from_str(done.stdout)
    assert config["nlp"]["pipeline"] == ["senter", "window_ner"]


# Begin from a pipeline


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline with word vectors and clusters that has learned other labels, saved."""
    fix_random_seed(0)
    tok2vec = {"include_static_vectors": True, "attrs": ["NORM", "PREFIX", "CLUSTER8", "SHAPE"]}
    nlp = blank(model=small_model(tok2vec=tok2vec), threshold=0.9)
    examples = make_examples(nlp, corpus(20))
    words = [token.text for example in examples for token in example.predicted]
    add_vectors(nlp, words)
    nlp.vocab.lookups.add_table(CLUSTER_TABLE, {word: 1 + i for i, word in enumerate(words)})
    nlp.initialize(lambda: examples)
    train(nlp, examples, 30)
    path = tmp_path_factory.mktemp("base") / "base"
    nlp.to_disk(path)
    return path


@pytest.fixture
def data(tmp_path: Path) -> list[object]:
    """The options of training data."""
    sentences = [text.replace("[PER", "[HERO") for text in corpus(20)]
    train, dev = (save_corpus(tmp_path / f"{x}.spacy", sentences) for x in ("train", "dev"))
    return ["--train", train, "--dev", dev]


@pytest.mark.parametrize("preset", ["efficiency", "accuracy", "textbook"])
def test_a_config_that_begins_from_a_pipeline(preset: str, path: Path, base: Path):
    """Its training is that of the preset, everything else that of the pipeline."""
    nlp = spacy.load(base)
    printed(preset, path, "--base", base, "--pipeline", "sentencizer,window_ner")
    config = util.load_config(path)
    alone = init_config(preset, lang="xx", pipeline=["sentencizer", "window_ner"])
    assert path.read_text().startswith(f"# The network of {base}, with the training of")
    assert config["nlp"]["lang"] == "xx"
    assert config["nlp"]["pipeline"] == ["sentencizer", "window_ner"]
    ours = dict(config["components"]["window_ner"])
    assert ours.pop("model") == nlp.get_pipe_config("window_ner")["model"]
    assert ours.items() <= alone["components"]["window_ner"].items()
    assert config["training"] == alone["training"]
    config["paths"]["train"] = config["paths"]["dev"] = str(
        save_corpus(path.parent / "train.spacy", corpus(4))
    )
    begun = init_nlp(config)
    for node, same in zip(ner_of(begun).model.walk(), ner_of(nlp).model.walk(), strict=True):
        for name in node.param_names:
            np.testing.assert_array_equal(node.get_param(name), same.get_param(name))


@pytest.mark.filterwarnings("error")
def test_training_from_a_pipeline_needs_no_other_setting(
    path: Path, base: Path, data: list[object], tmp_path: Path
):
    out = printed("efficiency", path, "--base", base, *data)
    assert f"- Base: {base} " in out
    assert "⚠" not in out
    assert out.endswith(f"python -m spacy train {path}")
    spacy_train(path, tmp_path / "out", overrides={"training.max_steps": 60})
    nlp = spacy.load(tmp_path / "out" / "model-last")
    assert entities(nlp("Bob knows Oslo number 99 .")) == [("Bob", "HERO"), ("Oslo", "LOC")]
    assert nlp.vocab.vectors == spacy.load(base).vocab.vectors
    assert CLUSTER_TABLE in nlp.vocab.lookups


@pytest.mark.parametrize(
    ("preset", "args", "message"),
    [
        ("shared_tok2vec", [], "Use one of efficiency, accuracy, textbook."),
        ("names", [], "uses the output of other components"),
        ("accuracy", ["--vectors", "some"], "Leave out --vectors"),
        ("accuracy", ["--lang", "de"], "is 'xx'. Leave out --lang"),
        ("accuracy", ["--base", "nowhere"], "Can't find model 'nowhere'"),
    ],
)
def test_what_cannot_begin_from_a_pipeline(
    preset: str, args: list[str], message: str, path: Path, base: Path
):
    assert message in printed(preset, path, "--base", base, *args, code=1)


@pytest.fixture
def carrying(base: Path, tmp_path: Path) -> Path:
    """A pipeline without words, whose network carries word vectors and clusters."""
    nlp, path = spacy.blank("xx"), tmp_path / "carrying"
    nlp.add_pipe("window_ner", source=spacy.load(base))
    nlp.to_disk(path)
    return path


@pytest.mark.filterwarnings("error", "ignore:.*W113")
def test_the_tables_that_a_network_carries_are_there_before_it_is(
    path: Path, carrying: Path, data: list[object]
):
    printed("efficiency", path, "--base", carrying, *data)
    nlp = init_nlp(util.load_config(path))
    tables, others = (carried(ner_of(one).model) for one in (nlp, spacy.load(carrying)))
    assert tables.clusters == others.clusters and tables.clusters
    assert tables.vectors == others.vectors and len(tables.vectors)


@pytest.mark.filterwarnings("error", "ignore:.*W113")
def test_clusters_that_are_missing_are_warned_of(
    path: Path, carrying: Path, data: list[object], tmp_path: Path
):
    nlp = spacy.load(carrying)
    model = ner_of(nlp).model
    carry(model, replace(carried(model), clusters=None))
    nlp.to_disk(tmp_path / "other")
    printed("efficiency", path, "--base", tmp_path / "other", *data)
    with pytest.warns(UserWarning, match="The attributes CLUSTER… have no effect here"):
        init_nlp(util.load_config(path))


def test_pipelines_that_nothing_can_begin_from(path: Path, base: Path, tmp_path: Path):
    empty = spacy.blank("xx")
    shared = util.load_model_from_config(init_config("shared_tok2vec", lang="xx"))
    shared.initialize(lambda: make_examples(shared))
    for nlp, message in [
        (empty, "has no component window_ner to start from"),
        (shared, "uses the token vectors of another component"),
    ]:
        nlp.to_disk(tmp_path / "other")
        assert message in printed("accuracy", path, "--base", tmp_path / "other", code=1)


# The size of the data


@pytest.mark.parametrize("preset", PRESETS)
def test_training_follows_the_size_of_the_data(preset: str):
    full, config = (init_config(preset, lang="xx")["training"] for _ in range(2))
    fit_to_size({"training": config}, 3 * FULL_SIZE)
    assert config == full
    fit_to_size({"training": config}, FULL_SIZE // 64)
    assert config["batcher"]["size"] == round(full["batcher"]["size"] / 16)
    rates = [
        rate["initial_rate"] if isinstance(rate, dict) else rate
        for rate in (config["optimizer"]["learn_rate"], full["optimizer"]["learn_rate"])
    ]
    assert rates[0] == rates[1] / 2
    fit_to_size({"training": config}, 1)
    assert config["batcher"]["size"] == 1
    for block in (config, full):
        block["batcher"]["size"] = block["optimizer"]["learn_rate"] = None
    assert config == full


def test_the_words_of_the_data_are_counted(path: Path, data: list[object], tmp_path: Path):
    (tmp_path / "folder").mkdir()
    for name in ("a", "b"):
        save_corpus(tmp_path / "folder" / f"{name}.spacy", ["one two", "three"])
    assert count_words(tmp_path / "folder") == 6
    out = printed("efficiency", path, "-l", "xx", *data)
    config = util.load_config(path)
    assert [config["paths"]["train"], config["paths"]["dev"]] == list(map(str, data[1::2]))
    size = config["training"]["batcher"]["size"]
    assert size < 100 and f"- Words per step: {size} " in out
    out = printed("efficiency", path, "-l", "xx", *data[:2], "--force")
    assert out.endswith(f"train {path} --paths.dev ./dev.spacy")


def test_training_data_that_cannot_be_read(path: Path, tmp_path: Path):
    (tmp_path / "train.spacy").write_text("Paris B-LOC")
    out = printed("efficiency", path, "--train", tmp_path / "train.spacy", code=1)
    assert "is not in spaCy's binary format" in out
    save_corpus(tmp_path / "train.spacy", [])
    out = printed("efficiency", path, "--train", tmp_path / "train.spacy", code=1)
    assert "contains no words" in out
    printed("efficiency", path, "--train", tmp_path / "none.spacy", code=2)
    assert not path.exists()


# What is printed


@pytest.mark.parametrize("preset", PRESETS)
def test_what_to_do_next(preset: str, path: Path):
    out = printed(preset, path)
    assert f"Saved config {path} " in out
    command = f"python -m spacy train {path} --paths.train ./train.spacy --paths.dev ./dev.spacy"
    needs = " --paths.vectors VECTORS" if preset in VECTORS else ""
    assert out.endswith(command + needs)
    assert ("needs word vectors, but none are set" in out) == (preset in VECTORS)
    out = printed(preset, path, "--vectors", "some_vectors", "--force")
    assert out.endswith(command)
    assert "but none are set" not in out
    assert ("does not use word vectors" in out) == (preset not in VECTORS)


@pytest.mark.parametrize(("lang", "missing"), [("en", False), ("xx", True)])
def test_a_language_without_clusters(lang: str, missing: bool, path: Path):
    pytest.importorskip("spacy_lookups_data")
    message = f"No Brown clusters for '{lang}' are installed"
    assert (message in printed("accuracy", path, "--lang", lang)) == missing
    assert message not in printed("efficiency", path, "--lang", lang, "--force")


@pytest.mark.parametrize("preset", PRESETS)
def test_standard_output_is_the_config_and_nothing_else(preset: str, path: Path):
    run(preset, path, "--lang", "de")
    assert run(preset, "-", "--lang", "de").output == path.read_text()


def test_each_section_is_followed_by_its_subsections(path: Path):
    run("shared_tok2vec", path, "--pipeline", "tagger,window_ner")
    lines = path.read_text().splitlines()
    sections = [line.strip("[]").split(".") for line in lines if line.startswith("[")]
    top = [section[0] for section in sections if len(section) == 1]
    assert top == [name for name in util.CONFIG_SECTION_ORDER if name in top]
    for before, section in pairwise(sections):
        assert section[:-1] == before[: len(section) - 1]
    for before, line in pairwise(lines):
        assert not line.startswith("@") or before.startswith("[")


# Failures


def test_an_existing_file_is_not_overwritten(path: Path):
    path.parent.mkdir()
    path.write_text("mine")
    assert "The provided output file already exists." in printed("efficiency", path, code=1)
    assert path.read_text() == "mine"
    run("efficiency", path, "--force")
    assert util.load_config(path)["nlp"]["pipeline"] == ["window_ner"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--pipeline", "tagger"], "The pipeline must contain window_ner, but is tagger."),
        (["--pipeline", ""], "The pipeline must contain window_ner, but is empty."),
        (["--pipeline", "window_ner,window_ner"], "a component twice: window_ner, window_ner."),
        (["--pipeline", "tager,window_ner"], "Unknown component 'tager'."),
        (["--lang", "klingon"], "The language 'klingon' is not available"),
        (["--lang", "klingon", "--pipeline", "tagger,window_ner"], "The language 'klingon' is not"),
    ],
)
def test_wrong_settings_are_refused(args: list[str], message: str, path: Path):
    out = printed("efficiency", path, *args, code=1)
    assert "Cannot generate the config" in out
    assert message in out
    assert not path.exists()
    assert message in printed("efficiency", "-", *args, code=1)


def test_an_unknown_preset_is_refused(path: Path):
    assert "efficiency" in printed("fastest", path, code=2)
    with pytest.raises(ValueError, match=r"Unknown preset 'fastest'\. Use one of efficiency,"):
        init_config("fastest")


def test_a_file_that_cannot_be_written(tmp_path: Path):
    assert "Cannot write the config" in printed("efficiency", tmp_path, "--force", code=1)
    (tmp_path / "file").touch()
    below = tmp_path / "file" / "out.cfg"
    assert "Cannot write the config" in printed("efficiency", below, code=1)
    assert os.listdir(tmp_path) == ["file"]
