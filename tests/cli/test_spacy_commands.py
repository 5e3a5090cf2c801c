"""spaCy's own commands, each on a small corpus and one small trained pipeline."""

import re
import subprocess
import sys
import sysconfig
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest
import spacy
import srsly
from packaging.requirements import Requirement
from packaging.version import Version
from spacy import util
from spacy.cli import app
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus, Example
from typer.testing import CliRunner

from spacy_window_ner import __version__
from spacy_window_ner.component import DEFAULT_MODEL
from spacy_window_ner.sequences.tags import n_tags

from ..pipelines import (
    corpus,
    entities,
    make_examples,
    marked_entities,
    ner_of,
    predictions,
    save_corpus,
    small_model,
    texts_of,
    weights,
)

TRAIN = [*corpus(100), "Nothing happened on Monday ."]
# Some words that training never has, so that not everything is right.
DEV = [*corpus(106)[100:], "[PER Zoe] , Mary Ann and [LOC Lima] .", "He likes New things ."]
TEXTS = texts_of(DEV)


def run(*args: object, code: int = 0) -> str:
    """What a command of spaCy prints, in one line and without colors."""
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exit_code == code, (result.output, result.exception)
    return " ".join(re.sub(r"\x1b\[[\d;]*m", "", result.output).split())


class Project:
    """A directory with a base config, corpora, and what the commands make of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.train = save_corpus(path / "train.spacy", TRAIN)
        self.dev = save_corpus(path / "dev.spacy", DEV)
        self.base, self.config = path / "base.cfg", path / "config.cfg"
        self.model = path / "out" / "model-best"

    @property
    def overrides(self) -> list[object]:
        return ["--paths.train", self.train, "--paths.dev", self.dev]

    def copy_with(self, path: Path, **changes: object) -> Path:
        """The trained pipeline with other settings of the component."""
        settings = {"components": {"window_ner": changes}}
        nlp = spacy.load(self.model, config=settings)
        ner_of(nlp).cfg.update({k: v for k, v in changes.items() if k in ner_of(nlp).cfg})
        nlp.to_disk(path)
        return path


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project after `init fill-config`."""
    project = Project(tmp_path_factory.mktemp("project"))
    base = util.Config(
        {
            "nlp": {"lang": "xx", "pipeline": ["window_ner"]},
            "components": {"window_ner": {"factory": "window_ner", "model": small_model()}},
            "training": {
                "max_steps": 30,
                "eval_frequency": 10,
                "optimizer": {"@optimizers": "Adam.v1", "learn_rate": 0.02},
                "logger": {"@loggers": "spacy.ConsoleLogger.v3"},
            },
        }
    )
    model = base["components"]["window_ner"]["model"]
    model["@architectures"] = "spacy_window_ner.WindowClassifier.v2"
    model["tok2vec"]["@architectures"] = "spacy_window_ner.LexemeEmbed.v2"
    base.to_disk(project.base)
    run("init", "fill-config", project.base, project.config)
    return project


@pytest.fixture(scope="module")
def log(filled: Project) -> str:
    """What `train` prints."""
    return run("train", filled.config, "--output", filled.path / "out", *filled.overrides)


@pytest.fixture(scope="module")
def project(filled: Project, log: str) -> Project:
    """A project after `train`."""
    return filled


@pytest.fixture(scope="module")
def nlp(project: Project) -> Language:
    """The trained pipeline. Tests do not change it."""
    return spacy.load(project.model)


def dev_examples(nlp: Language, path: Path) -> list[Example]:
    return list(Corpus(path)(nlp))


# Configs


def test_fill_config_adds_what_is_missing(filled: Project):
    config = util.load_config(filled.config, interpolate=False)
    component = config["components"]["window_ner"]
    assert component["spans_key"] == "window_ner"
    assert component["threshold"] is component["incorrect_spans_key"] is None
    assert component["scorer"] == {"@scorers": "spacy_window_ner.ner_scorer.v1"}
    assert set(component["model"]) == set(DEFAULT_MODEL)
    assert component["model"]["objective"] == DEFAULT_MODEL["objective"]
    assert component["model"]["hidden_width"] == small_model()["hidden_width"]  # as it was
    assert set(component["model"]["tok2vec"]) == set(DEFAULT_MODEL["tok2vec"])
    assert config["training"]["score_weights"]["ents_f"] == 1.0
    assert "Nothing to auto-fill" in run(
        "init", "fill-config", filled.config, filled.path / "again.cfg"
    )


def test_debug_config_shows_where_our_functions_are(filled: Project):
    printed = run("debug", "config", filled.config, "--show-functions", *filled.overrides)
    assert "Config is valid" in printed
    for name in ("WindowClassifier", "LexemeEmbed"):
        function = printed.split(f"spacy_window_ner.{name}.v2")[1].split("Registry")[0]
        assert "Module spacy_window_ner.network.architectures" in function


@pytest.mark.parametrize(
    ("setting", "value"), [("spans_key", 3), ("model.hidden_width", "wide"), ("model.widths", 3)]
)
def test_debug_config_finds_wrong_settings(filled: Project, setting: str, value: object):
    override = f"--components.window_ner.{setting}"
    printed = run("debug", "config", filled.config, override, value, *filled.overrides, code=1)
    assert "Config error" in printed
    assert f"-> {setting.split('.')[-1]} " in printed


def test_init_labels_and_training_with_them(filled: Project, tmp_path: Path):
    run("init", "labels", filled.config, tmp_path, *filled.overrides)
    path = tmp_path / "window_ner.json"
    assert srsly.read_json(path) == ["LOC", "PER"]
    srsly.write_json(path, ["PER", "DATE", "LOC"])
    config = util.load_config(filled.config, interpolate=False)
    reader = {"@readers": "spacy.read_labels.v1", "path": str(path), "require": True}
    config["initialize"]["components"] = {"window_ner": {"labels": reader}}
    config["training"]["max_steps"] = 1
    config.to_disk(tmp_path / "config.cfg")
    run("train", tmp_path / "config.cfg", "--output", tmp_path / "out", *filled.overrides)
    nlp = spacy.load(tmp_path / "out" / "model-last")
    assert ner_of(nlp).label_data == ["PER", "DATE", "LOC"]
    assert ner_of(nlp).model.get_ref("scores").get_dim("nO") == n_tags(3)


# Training and data


def test_train(project: Project, log: str):
    steps = re.findall(r"(\d+) (\d+) ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+)(?= )", log)
    assert [row[1] for row in steps] == ["0", "10", "20", "30"]
    losses = [float(row[2]) for row in steps]
    # The first is that of one batch; the later ones are small, and vary with the dropout.
    assert losses[1] > 10 * max(losses[2:]) and min(losses) > 0
    best = max(float(row[3]) for row in steps)
    assert best > 80
    nlp = spacy.load(project.model)
    performance = nlp.meta["performance"]
    dev = Corpus(project.dev)
    assert performance["ents_f"] == pytest.approx(nlp.evaluate(list(dev(nlp)))["ents_f"])
    assert performance["ents_f"] * 100 >= best - 0.01  # the threshold has been chosen since
    assert set(performance["ents_per_type"]) == {"LOC", "PER"}
    assert performance["window_ner_loss"] > 0
    assert ner_of(nlp).labels == ("LOC", "PER")
    assert entities(nlp(TEXTS[0])) == marked_entities(DEV[0])
    assert spacy.load(project.path / "out" / "model-last").pipe_names == ["window_ner"]


def test_debug_data(filled: Project):
    """It counts the data; of entities it speaks where the factory is spaCy's own `ner` only."""
    printed = run("debug", "data", filled.config, *filled.overrides)
    assert "Training pipeline: window_ner" in printed
    assert "Pipeline can be initialized with data" in printed
    assert f"{len(TRAIN)} training docs {len(DEV)} evaluation docs" in printed
    assert "No overlap" in printed


@pytest.mark.parametrize("with_data", [True, False], ids=["corpus", "dummy data"])
def test_debug_model(filled: Project, with_data: bool):
    overrides = filled.overrides if with_data else []
    printed = run(
        *("debug", "model", filled.config, "window_ner", *overrides),
        *("--print-step0", "--print-step1", "--print-step2", "--print-step3"),
        *("--dimensions", "--gradients"),
    )
    assert f"with {'the training corpus' if with_data else 'dummy data'}" in printed
    assert "model looks good" in printed
    before, rest = printed.split("STEP 1 - after initialization")
    after, rest = rest.split("STEP 2 - after training")
    trained, prediction = rest.split("STEP 3 - prediction")
    for node in ("lexeme_embed", "embed_NORM", "window_affine", "maxout", "transitions"):
        assert f"'{node}'" in before
    tags = f"'affine' ℹ - dim nO: {n_tags(2 if with_data else 0)} ℹ"
    assert tags in after
    assert tags not in before
    # Updates leave gradients, where there is annotation.
    assert "- grad W: (" not in after
    assert ("- grad W: (" in trained) == with_data
    assert "emissions=array(" in prediction


# Evaluation


@pytest.mark.parametrize("command", [["evaluate"], ["benchmark", "accuracy"]], ids=" ".join)
def test_evaluate(project: Project, nlp: Language, tmp_path: Path, command: list[str]):
    expected = nlp.evaluate(dev_examples(nlp, project.dev))
    assert 0.5 < expected["ents_f"] < 1
    printed = run(*command, project.model, project.dev, "--output", tmp_path / "scores.json")
    assert f"NER F {100 * expected['ents_f']:.2f}" in printed
    saved = srsly.read_json(tmp_path / "scores.json")
    for key in ("ents_p", "ents_r", "ents_f"):
        assert saved[key] == pytest.approx(expected[key])
    assert set(saved["ents_per_type"]) == {"LOC", "PER"}
    for label, scores in saved["ents_per_type"].items():
        assert scores == pytest.approx(expected["ents_per_type"][label])
        assert f"{label} {100 * scores['p']:.2f} {100 * scores['r']:.2f}" in printed


def test_evaluate_per_component(project: Project, tmp_path: Path):
    path = tmp_path / "scores.json"
    run("evaluate", project.model, project.dev, "--output", path, "--per-component")
    assert 0 < srsly.read_json(path)["window_ner"]["ents_f"] <= 1


def test_benchmark_speed(project: Project):
    printed = run(
        *("benchmark", "speed", project.model, project.dev),
        *("--batches", 30, "--batch-size", 2, "--warmup", 1),
    )
    speed = re.search(r"Mean: ([\d.]+) words/s", printed)
    assert speed
    assert float(speed[1]) > 0


# Predicting


def test_apply(project: Project, nlp: Language, tmp_path: Path):
    """On texts and on documents; entities, spans and probabilities are saved."""
    texts, documents = tmp_path / "texts.jsonl", tmp_path / "documents.spacy"
    srsly.write_jsonl(texts, [{"text": text} for text in TEXTS])
    DocBin(docs=[nlp.make_doc(text) for text in TEXTS]).to_disk(documents)
    expected = [nlp(text) for text in TEXTS]
    for source in (texts, documents):
        output = tmp_path / f"{source.stem}.out.spacy"
        run("apply", project.model, source, output)
        docs = list(DocBin().from_disk(output).get_docs(nlp.vocab))
        assert [doc.text for doc in docs] == [doc.text for doc in expected]
        for doc, right in zip(docs, expected, strict=True):
            assert entities(doc) == entities(right)
            assert list(doc.spans["window_ner"]) == list(doc.ents)
            scores = doc.spans["window_ner"].attrs["scores"].tolist()
            assert scores == pytest.approx(right.spans["window_ner"].attrs["scores"], rel=1e-5)


def test_assemble(project: Project, nlp: Language, tmp_path: Path):
    """A config that puts the trained component behind an entity ruler."""
    config = util.Config(
        {
            "nlp": {"lang": "xx", "pipeline": ["entity_ruler", "names"]},
            "components": {
                "entity_ruler": {"factory": "entity_ruler"},
                "names": {"source": str(project.model), "component": "window_ner"},
            },
        }
    )
    patterns = [{"label": "DAY", "pattern": "Monday"}]
    srsly.write_json(tmp_path / "patterns.json", patterns)
    reader = {"@readers": "srsly.read_json.v1", "path": str(tmp_path / "patterns.json")}
    config["initialize"] = {"components": {"entity_ruler": {"patterns": reader}}}
    config.to_disk(tmp_path / "assemble.cfg")
    run("assemble", tmp_path / "assemble.cfg", tmp_path / "assembled")
    assembled = spacy.load(tmp_path / "assembled")
    assert assembled.pipe_names == ["entity_ruler", "names"]
    assert predictions(assembled, TEXTS) == predictions(nlp, TEXTS)
    for before, after in zip(weights(nlp), weights(assembled, "names"), strict=True):
        assert before.tolist() == after.tolist()
    doc = assembled(f"{TEXTS[0]} Monday .")
    assert entities(doc) == [*marked_entities(DEV[0]), ("Monday", "DAY")]


# The threshold


def thresholds(printed: str, scores_key: str) -> dict[float, float]:
    """The table that `find-threshold` prints."""
    table = printed.split(f"Threshold {scores_key} ")[1].split(" Best threshold")[0]
    numbers = [float(number) for number in table.split()]
    return dict(zip(numbers[::2], numbers[1::2], strict=True))


def scores_by_threshold(
    model: Path, corpus: Path, scores_key: str, tried: list[float]
) -> list[float]:
    """What `nlp.evaluate` says where the component's threshold is set by hand."""
    nlp = spacy.load(model)
    scores = []
    for threshold in tried:
        ner_of(nlp).cfg["threshold"] = threshold
        scores.append(nlp.evaluate(dev_examples(nlp, corpus))[scores_key])
    return scores


def assert_finds_threshold(model: Path, corpus: Path, scores_key: str) -> None:
    command = ["find-threshold", model, corpus, "window_ner", "threshold", scores_key]
    printed = run(*command, "--n_trials", 6)
    found = thresholds(printed, scores_key)
    assert list(found) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    expected = scores_by_threshold(model, corpus, scores_key, list(found))
    assert list(found.values()) == pytest.approx(expected, abs=6e-4)
    assert found[1.0] == 0  # nothing is surer than sure
    assert len(set(found.values())) >= 2
    best = re.search(rf"Best threshold: ([\d.]+) with {scores_key} value of ([\d.]+)\.", printed)
    assert best
    assert found[float(best[1])] == max(found.values())


def test_find_threshold_for_entities(project: Project):
    assert_finds_threshold(project.model, project.dev, "ents_f")


def test_find_threshold_for_spans(project: Project, tmp_path: Path):
    """With spaCy's scorer of span groups, on gold spans in the group of the same name."""
    model = project.copy_with(
        tmp_path / "model", scorer={"@scorers": "spacy.spancat_scorer.v1"}, spans_key="names"
    )
    docs = [example.reference for example in make_examples(spacy.blank("xx"), DEV)]
    for doc in docs:
        doc.spans["names"] = list(doc.ents)
    path = tmp_path / "spans.spacy"
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    assert_finds_threshold(model, path, "spans_names_f")


# Packaging


@pytest.fixture(scope="module")
def wheel(project: Project) -> Path:
    """The trained pipeline as a wheel, built with what is installed here."""
    output = project.path / "packages"
    output.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        run("package", project.model, output, "--build", "wheel", "--name", "names")
    [path] = output.glob("xx_names-0.0.0/dist/*.whl")
    return path


def test_package_requires_us_in_a_range_of_versions(wheel: Path):
    assert wheel.name == "xx_names-0.0.0-py3-none-any.whl"
    with ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode())
    requirements = {
        r.name: r.specifier for r in map(Requirement, metadata.get_all("Requires-Dist"))
    }
    assert set(requirements) == {"spacy", "spacy-window-ner"}
    ours, version = requirements["spacy-window-ner"], Version(__version__)
    assert version in ours
    assert Version(f"{version.major}.{version.minor}.999") in ours
    assert Version(f"{version.major}.{version.minor + 1}.0") not in ours
    assert Version(f"{version.major}.{version.minor}.dev0") not in ours


def test_package_is_installed_in_a_new_environment_and_loaded(
    wheel: Path, nlp: Language, tmp_path: Path
):
    """What spaCy and we need is taken from this environment; the wheel is in the new one alone."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    paths = {"base": str(environment), "platbase": str(environment)}
    python = Path(sysconfig.get_path("scripts", "venv", paths)) / Path(sys.executable).name
    site_packages = Path(sysconfig.get_path("purelib", "venv", paths))
    here = sysconfig.get_path("purelib")
    (site_packages / "here.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    options = ["--no-deps", "--no-index", "--quiet", "--target", site_packages]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, wheel], check=True)
    code = (
        "import json, sys, spacy\n"
        "import xx_names\n"
        "assert xx_names.__file__.startswith(sys.prefix), xx_names.__file__\n"
        "nlp = spacy.load('xx_names')\n"
        "doc = nlp(sys.argv[1])\n"
        "ents = [(ent.text, ent.label_) for ent in doc.ents]\n"
        "scores = doc.spans['window_ner'].attrs['scores'].tolist()\n"
        "print(json.dumps([ents, scores, nlp.meta['requirements']]))\n"
    )
    command = [python, "-c", code, TEXTS[0]]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    ents, scores, requirements = srsly.json_loads(done.stdout)
    expected: Doc = nlp(TEXTS[0])
    assert list(map(tuple, ents)) == entities(expected) != []
    assert scores == pytest.approx(expected.spans["window_ner"].attrs["scores"].tolist())
    assert any(re.match(r"spacy-window-ner>=[\d.]+,<[\d.]+$", line) for line in requirements)
