import random
import sys
from pathlib import Path

import pytest
import spacy
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import data  # noqa: E402
import rehearsal  # noqa: E402

CONFIG = ROOT / "configs" / "efficiency.cfg"
PEOPLE = ("Ada", "Bert", "Cleo", "Dirk", "Edda", "Finn")
TOOLS = ("saw", "hammer", "drill", "file", "plane", "anvil")


def save_corpus(folder, label, names, others):
    """Sentences with one name each, as .conll files."""
    folder.mkdir()
    rng = random.Random(0)
    for part, size in (("train", 60), ("dev", 20)):
        lines = []
        for _ in range(size):
            lines += [*(f"{word}\tO" for word in others), f"{rng.choice(names)}\tB-{label}", ""]
        (folder / f"{part}.conll").write_text("\n".join(lines), encoding="utf8")
    return folder


@pytest.fixture
def corpora(tmp_path):
    people = save_corpus(tmp_path / "people", "PER", PEOPLE, ("today", "we", "met"))
    return people, save_corpus(tmp_path / "tools", "TOOL", TOOLS, ("give", "me", "the"))


def run(*args):
    return CliRunner().invoke(rehearsal.app, [str(arg) for arg in args])


def rows_of(output):
    """The figures of the table by row: F1 on the first corpus and on the second."""
    rows = {}
    for line in output.splitlines():
        for way in ("before", *rehearsal.WAYS):
            if line.startswith(way + "  "):
                figures = line.removeprefix(way).split()
                rows[way] = (float(figures[2]), float(figures[5]))
    return rows


def test_rehearsal_reduces_forgetting_and_the_table_has_both_ways(corpora, tmp_path):
    network = "components.window_ner.model"
    changes = {
        "training.max_steps": 30,
        "training.eval_frequency": 15,
        "training.optimizer.learn_rate.warmup_steps": 0,
        f"{network}.hidden_width": 32,
        f"{network}.tok2vec.rows": [100] * 8,
    }
    options = [part for name, value in changes.items() for part in ("--set", f"{name}={value}")]
    outcome = run(*corpora, "--config", CONFIG, *options, "--steps", 30, "--work", tmp_path / "w")
    assert outcome.exit_code == 0, outcome.output
    rows = rows_of(outcome.output)
    assert list(rows) == ["before", "update", "update and rehearse"]
    assert rows["before"] == (100, 0)
    assert rows["update"][1] == rows["update and rehearse"][1] == 100
    assert rows["update and rehearse"][0] == 100
    assert "people, then 30 steps of tools" in outcome.output


def test_texts_are_rehearsed_without_their_annotation(corpora, tmp_path):
    nlp = spacy.blank("en", config={"nlp": {"tokenizer": {"@tokenizers": "spacy.Tokenizer.v1"}}})
    split = data.convert_file(corpora[0] / "dev.conll", tmp_path / "dev.spacy", nlp)
    examples = list(rehearsal._unannotated(split, nlp))
    assert len(examples) == 20
    for example in examples:
        for doc in (example.predicted, example.reference):
            assert doc.text.startswith("today we met")
            assert not doc.has_annotation("ENT_IOB")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "training.nope=1"), "no setting training.nope"),
        (("--set", "training"), "'training' is not a setting"),
    ],
)
def test_errors_are_reported_before_training(corpora, tmp_path, monkeypatch, options, message):
    monkeypatch.setattr(rehearsal, "train_pipeline", lambda *args: pytest.fail("training began"))
    outcome = run(*corpora, "--config", CONFIG, "--work", tmp_path, *options)
    assert outcome.exit_code == 1
    assert message in " ".join(outcome.output.split())


def test_a_missing_corpus_is_an_error(corpora, tmp_path):
    outcome = run(corpora[0], tmp_path / "absent", "--config", CONFIG, "--work", tmp_path / "work")
    assert outcome.exit_code == 1
    assert "There is no folder" in " ".join(outcome.output.split())
