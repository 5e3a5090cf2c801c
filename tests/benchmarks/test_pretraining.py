import sys
from pathlib import Path

from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import pretraining  # noqa: E402

PEOPLE = ("Ada", "Bert", "Cleo")
STEPS = {"training.max_steps": 4, "training.eval_frequency": 4}
NETWORK = "components.window_ner.model"


def run(*args):
    outcome = CliRunner().invoke(pretraining.app, [str(arg) for arg in args])
    return outcome.exit_code, outcome.output


def test_the_table_has_a_row_for_each_kind_of_vectors(tmp_path):
    sentences = [["today", "we", "met", PEOPLE[i % 3]] for i in range(30)]
    corpus, texts = tmp_path / "people", tmp_path / "raw.txt"
    corpus.mkdir()
    lines = [
        line
        for words in sentences
        for line in (*(f"{w}\tO" for w in words[:-1]), f"{words[-1]}\tB-PER", "")
    ]
    for part in ("train", "dev"):
        (corpus / f"{part}.conll").write_text("\n".join(lines), encoding="utf8")
    texts.write_text("\n".join(map(" ".join, sentences)), encoding="utf8")
    changes = {**STEPS, "initialize.lookups": "null", f"{NETWORK}.tok2vec.vector_clusters": [2]}
    changes[f"{NETWORK}.tok2vec.rows"] = [50] * 12
    sets = [part for name, value in changes.items() for part in ("--set", f"{name}={value}")]
    options = ["--texts", texts, "--config", ROOT / "configs" / "accuracy.cfg", *sets]
    options += ["--vectors", tmp_path / "work" / "pretrained", "--seeds", 1]
    code, printed = run(corpus, *options, "--documents", 8, "--work", tmp_path / "work")
    assert code == 0, printed
    assert "F1 on dev, 8 documents, accuracy.cfg" in printed
    rows = [line.split() for line in printed.splitlines() if line.startswith("people ")]
    assert [row[1] for row in rows] == ["pretrained", "pretrained"]
    assert rows[0][2:] == rows[1][2:]  # the same vectors and the same seed
    code, printed = run(corpus, *options, "--documents", 80, "--work", tmp_path / "work")
    assert code == 1
    assert "The train part has only 30 documents" in printed
