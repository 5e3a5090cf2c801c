"""`python -m spacy window-ner distil`."""

from pathlib import Path

import pytest
import spacy
import srsly
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_window_ner.cli import app
from spacy_window_ner.labels import annotated_labels, set_annotated_labels
from spacy_window_ner.training.presets import init_config
from tests.pipelines import (
    corpus,
    entities,
    make_examples,
    read_marked,
    save_corpus,
    small_model,
    trained,
)

SENTENCES = corpus(60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two teachers, texts, annotated documents, and a config with few steps."""
    path = tmp_path_factory.mktemp("distil")
    for number, steps in enumerate((30, 40)):
        trained(SENTENCES, lang="en", steps=steps).to_disk(path / f"teacher{number}")
    srsly.write_jsonl(path / "texts.jsonl", [{"text": read_marked(s)[0]} for s in SENTENCES])
    save_corpus(path / "dev.spacy", SENTENCES[:20])
    config = init_config("efficiency")
    config["components"]["window_ner"]["model"].update({"hidden_width": 24, "window_size": 2})
    config["components"]["window_ner"]["model"]["tok2vec"].update(small_model()["tok2vec"])
    config["training"].update({"max_steps": 40, "eval_frequency": 20, "dropout": 0.0})
    config["training"]["optimizer"]["learn_rate"].update(
        {"initial_rate": 0.02, "total_steps": 40, "warmup_steps": 0}
    )
    config["training"]["batcher"]["size"] = 200
    config.to_disk(path / "config.cfg")
    return path


def run(folder: Path, output: Path, *args: object, teachers: int = 1) -> tuple[int, str]:
    names = [folder / f"teacher{n}" for n in range(teachers)]
    command = ["distil", *names, folder / "texts.jsonl", "--output", output]
    command += ["--config", folder / "config.cfg", *args]
    outcome = CliRunner().invoke(app, list(map(str, command)))
    return outcome.exit_code, " ".join(outcome.output.split())


def assert_agrees(folder: Path, output: Path) -> None:
    student, teacher = spacy.load(output / "model"), spacy.load(folder / "teacher0")
    texts = [read_marked(sentence)[0] for sentence in SENTENCES]
    same = [entities(student(text)) == entities(teacher(text)) for text in texts]
    assert sum(same) >= 0.9 * len(same)


@pytest.mark.parametrize("teachers", [1, 2])
def test_probabilities_of_window_ners_are_imitated(folder, tmp_path, teachers):
    code, printed = run(folder, tmp_path / "out", teachers=teachers)
    assert code == 0, printed
    assert "learning probabilities" in printed
    assert "Agreement with the teachers" in printed
    assert "40/40" in printed
    assert_agrees(folder, tmp_path / "out")


def test_entities_are_taught_beside_gold_annotation(folder, tmp_path):
    gold = save_corpus(tmp_path / "gold.spacy", SENTENCES[:10])
    dev = folder / "dev.spacy"
    code, printed = run(folder, tmp_path / "out", "--gold", gold, "--dev", dev)
    assert code == 0, printed
    assert "learning probabilities" not in printed
    assert "temperature" in printed  # calibrated on dev
    assert "teacher0" in printed and "words/s" in printed
    assert_agrees(folder, tmp_path / "out")


def test_what_gold_does_not_annotate_is_not_learned_as_outside(folder, tmp_path):
    docs = [example.reference for example in make_examples(spacy.blank("en"), SENTENCES)]
    for doc in docs:
        doc.ents = [ent for ent in doc.ents if ent.label_ == "LOC"]
    set_annotated_labels(docs[0], ["LOC", "DATE"])
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "gold.spacy")
    code, printed = run(folder, tmp_path / "out", "--gold", tmp_path / "gold.spacy")
    assert code == 0, printed
    stored = DocBin().from_disk(tmp_path / "out" / "corpus" / "train.spacy")
    labels = [annotated_labels(doc) for doc in stored.get_docs(spacy.blank("en").vocab)]
    assert labels[: -len(docs)] == [{"PER", "LOC"}] * (len(labels) - len(docs))
    assert labels[-len(docs) :] == [{"LOC", "DATE"}] + [{"LOC"}] * (len(docs) - 1)


def test_another_run_does_not_ask_the_teacher_again(folder, tmp_path):
    assert run(folder, tmp_path / "out")[0] == 0
    files = sorted((tmp_path / "out" / "teachers").rglob("*.spacy"))
    times = [path.stat().st_mtime_ns for path in files]
    assert run(folder, tmp_path / "out")[0] == 0
    assert [path.stat().st_mtime_ns for path in files] == times
    assert sorted((tmp_path / "out" / "teachers").rglob("*.spacy")) == files


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["distil", "teacher", "--output", "out"], "one or more teachers, then the texts"),
        (
            ["distil", "teacher", "nowhere", "--output", "out"],
            "No files found at nowhere",
        ),
    ],
)
def test_wrong_arguments(arguments, message):
    outcome = CliRunner().invoke(app, arguments)
    assert outcome.exit_code == 1
    assert message in outcome.output


def test_too_few_texts(folder, tmp_path):
    (tmp_path / "texts.txt").write_text("One.\nTwo.\n", encoding="utf8")
    args = ["distil", folder / "teacher0", tmp_path / "texts.txt", "--output", tmp_path / "out"]
    outcome = CliRunner().invoke(app, list(map(str, args)))
    assert outcome.exit_code == 1
    assert "Too few texts: 2" in outcome.output


@pytest.mark.parametrize("option", ["--gold", "--dev"])
def test_files_are_opened_before_the_teachers_work(folder, tmp_path, monkeypatch, option):
    monkeypatch.setattr("spacy_window_ner.cli.distil._ask", None)
    args = ["distil", folder / "teacher0", folder / "texts.jsonl", "--output", tmp_path / "out"]
    outcome = CliRunner().invoke(app, [*map(str, args), option, "none.spacy"])
    assert outcome.exit_code == 1
    assert "No files found at none.spacy" in outcome.output
