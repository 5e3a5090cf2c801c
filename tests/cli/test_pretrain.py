"""`python -m spacy window-ner pretrain`."""

import signal
import subprocess
import sys

import numpy as np
import pytest
import spacy
import srsly
from spacy.lookups import Lookups
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.vectors import Vectors
from typer.testing import CliRunner

from spacy_window_ner.cli import app
from spacy_window_ner.network.lexicon import CLUSTER_TABLE
from spacy_window_ner.pretraining import progress
from spacy_window_ner.pretraining.words import Words
from spacy_window_ner.training.presets import init_config, new_pipeline
from tests.pipelines import SENTENCES, ner_of, save_corpus, texts_of


def run(*args: object) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["pretrain", *map(str, args)])
    return outcome.exit_code, " ".join(outcome.output.split())


def write_texts(path):
    """Texts in three kinds of files."""
    path.mkdir()
    srsly.write_jsonl(path / "a.jsonl", [{"text": text} for text in texts_of()])
    (path / "b.txt").write_text("\n".join(texts_of()), encoding="utf8")
    nlp = spacy.blank("en")
    DocBin(docs=[nlp.make_doc(text) for text in texts_of()]).to_disk(path / "c.spacy")
    return path


@pytest.mark.usefixtures("small_clusters")
def test_presets_start_from_it(tmp_path):
    texts = write_texts(tmp_path / "texts")
    code, printed = run(texts, "--output", tmp_path / "base", "--width", 8, "--min-count", 1)
    assert code == 0, printed
    n_words = 3 * sum(map(len, spacy.blank("en").pipe(texts_of())))
    assert f"{n_words:,} words in" in printed
    base = spacy.load(tmp_path / "base")
    assert base.vocab.vectors.shape[1] == 8
    assert all(base.vocab.strings[key] for key in base.vocab.vectors)
    config = init_config("accuracy", vectors=str(tmp_path / "base"))
    train = save_corpus(tmp_path / "train.spacy", SENTENCES)
    config["paths"].update(train=str(train), dev=str(train))
    nlp = init_nlp(config.interpolate())
    assert nlp.vocab.vectors.shape == base.vocab.vectors.shape
    # Every word has a cluster of the new vectors; there are fewer words than clusters.
    clusters = [
        np.frombuffer(node.attrs["clusters"], dtype="<u2")
        for node in ner_of(nlp).model.walk()
        if "clusters" in node.attrs
    ]
    assert [sorted(of_words) for of_words in clusters] == 3 * [
        list(range(1, len(base.vocab.vectors) + 1))
    ]


def test_vectors_of_a_pipeline_are_kept(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.tokenizer.add_special_case("cannot", [{"ORTH": "can"}, {"ORTH": "not"}])
    nlp.vocab.vectors = Vectors(data=np.ones((1, 3), dtype="f"), keys=["elsewhere"])
    nlp.to_disk(tmp_path / "old")
    (tmp_path / "texts.txt").write_text("We cannot go.\nThey cannot go.\n", encoding="utf8")
    args = "--from", tmp_path / "old", "--width", 2, "--min-count", 1
    code, printed = run(tmp_path / "texts.txt", "-o", tmp_path / "new", *args)
    assert code == 0, printed
    new = spacy.load(tmp_path / "new")
    assert new.pipe_names == []
    assert new.vocab.vectors.shape[1] == 5
    assert new.vocab["elsewhere"].has_vector and new.vocab["not"].has_vector
    assert [token.text for token in new("cannot")] == ["can", "not"]


@pytest.mark.usefixtures("small_clusters")
def test_a_new_network_with_the_vectors_of_a_pipeline(tmp_path):
    nlp = spacy.blank("en")
    words = sorted({token.text for doc in nlp.pipe(texts_of()) for token in doc})
    nlp.vocab.vectors = Vectors(data=np.eye(len(words), 3, dtype="f"), keys=words)
    nlp.to_disk(tmp_path / "vectors")
    (tmp_path / "texts.txt").write_text("\n".join(texts_of()), encoding="utf8")
    args = "--vectors", tmp_path / "vectors", "--width", 2, "--min-count", 1
    code, printed = run(tmp_path / "texts.txt", "-o", tmp_path / "base", *args)
    assert code == 0, printed
    assert "The network was pretrained on" in printed
    base = spacy.load(tmp_path / "base")
    assert np.array_equal(base.vocab[words[1]].vector[:3], [0, 1, 0])
    table = ner_of(base).model.get_ref("hidden")
    (static,) = (node for node in table.walk() if node.name == "static_vectors")
    assert static.get_dim("nO") == base.vocab.vectors.shape[1] == 5
    config = init_config("accuracy", base=str(tmp_path / "base"))
    train = save_corpus(tmp_path / "train.spacy", SENTENCES)
    config["paths"].update(train=str(train), dev=str(train))
    assert list(init_nlp(config.interpolate()).pipe(texts_of()))


@pytest.mark.parametrize(
    ("clusters", "expected"), [({"Paris": 5}, ["CLUSTER4", "CLUSTER6"]), ({}, [])]
)
def test_a_new_network_has_brown_clusters_if_the_language_has_them(clusters, expected, monkeypatch):
    tables = Lookups()
    if clusters:
        tables.add_table(CLUSTER_TABLE, clusters)
    monkeypatch.setattr("spacy_window_ner.training.lookups.load_lookups", lambda *_, **__: tables)
    nlp = new_pipeline("accuracy", "en")
    attrs = nlp.config["components"]["window_ner"]["model"]["tok2vec"]["attrs"]
    assert [attr for attr in attrs if attr.startswith("CLUSTER")][:2] == expected
    assert nlp.vocab.lookups.has_table(CLUSTER_TABLE) == bool(clusters)


def test_reading_ends_when_time_is_up(tmp_path):
    texts = write_texts(tmp_path / "texts")
    code, printed = run(texts, "-o", tmp_path / "base", "--minutes", 0)
    assert code == 1
    assert "There is too little text: in 0 words" in printed
    assert not (tmp_path / "base").exists()


def test_errors_say_where(tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "good"}\n{"body": "bad"}\n', encoding="utf8")
    code, printed = run(bad, "--output", tmp_path / "base")
    assert code == 1
    assert "line 2: the field 'text' is missing" in printed
    code, printed = run(tmp_path / "none", "--output", tmp_path / "base")
    assert code == 1
    assert "No files found" in printed
    code, printed = run(bad, "--output", tmp_path)
    assert code == 1
    assert "The output directory is not empty" in printed
    code, printed = run(bad, "--output", tmp_path / "base", "--from", "no_such_pipeline")
    assert code == 1
    assert "no_such_pipeline" in printed
    code, printed = run(bad, "--output", tmp_path / "base", "--vectors", "no_such_vectors")
    assert code == 1
    assert "no_such_vectors" in printed
    spacy.blank("en").to_disk(tmp_path / "blank")
    vectors = "--vectors", tmp_path / "blank"
    code, printed = run(bad, "--output", tmp_path / "base", *vectors)
    assert code == 1
    assert "has no word vectors. Leave out --vectors." in printed
    code, printed = run(bad, "--output", tmp_path / "base", "--from", tmp_path / "blank", *vectors)
    assert code == 1
    assert "are used. Leave out --vectors, or --from for a new network." in printed


# Going on

KILLED = """
import os, signal, sys
from spacy_window_ner.cli import app
from spacy_window_ner.network.lexicon import CLUSTER_TABLE
from spacy_window_ner.pretraining import progress
from spacy_window_ner.pretraining.words import Words

progress.SAVED_TOKENS = 12
add = Words.add

def add_or_die(self, doc):
    if len(self.ids) > 60:
        os.kill(os.getpid(), signal.SIGKILL)
    add(self, doc)

Words.add = add_or_die
app(sys.argv[1:])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_run_that_was_killed_goes_on(tmp_path, monkeypatch):
    texts = write_texts(tmp_path / "texts")
    # The tests' English tokenizer is not that of another process.
    options = ["--width", 8, "--min-count", 1, "--lang", "xx"]
    assert run(texts, "-o", tmp_path / "whole", *options)[0] == 0
    command = map(str, ["pretrain", texts, "-o", tmp_path / "killed", *options])
    killed = subprocess.run([sys.executable, "-c", KILLED, *command], capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    read = []
    monkeypatch.setattr(
        Words, "add", lambda self, doc, add=Words.add: (read.append(doc), add(self, doc))
    )
    code, printed = run(texts, "-o", tmp_path / "killed", *options, "--resume")
    assert code == 0, printed
    assert 0 < len(read) < 3 * len(texts_of())
    whole, killed = (spacy.load(tmp_path / name) for name in ("whole", "killed"))
    assert killed.vocab.vectors.data.tobytes() == whole.vocab.vectors.data.tobytes()
    assert killed.vocab.vectors.key2row == whole.vocab.vectors.key2row
    assert set(killed.vocab.strings) == set(whole.vocab.strings)
    assert not list((tmp_path / "killed").glob("*reading*"))


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """Texts, and the directory of a run that was stopped at a line of the second file."""
    texts = write_texts(tmp_path / "texts")
    (texts / "b.txt").write_bytes(b"good text\n\xff\n")
    monkeypatch.setattr(progress, "SAVED_TOKENS", 12)
    code, printed = run(texts, "-o", tmp_path / "base")
    assert code == 1
    assert "b.txt, line 2: invalid UTF-8" in printed
    return texts, tmp_path / "base"


def test_what_was_read_is_neither_lost_nor_mixed_with_other_texts(stopped):
    texts, base = stopped
    code, printed = run(texts, "-o", base)
    assert code == 1
    assert "contains an interrupted run" in printed and "--resume" in printed
    for changed in ([texts / "a.jsonl"], [texts, "--text-field", "body"], [texts, "--lang", "de"]):
        code, printed = run(*changed, "-o", base, "--resume")
        assert code == 1
        assert "belongs to other texts" in printed
    code, printed = run(texts, "-o", base, "--resume")
    assert "b.txt, line 2: invalid UTF-8" in printed
    (texts / "b.txt").write_text("good text")
    code, printed = run(texts, "-o", base, "--resume")
    assert "belongs to other texts: the files" in printed


def test_damage_is_named(stopped):
    texts, base = stopped
    first, second, *_ = sorted(base.iterdir())
    data = second.read_bytes()
    second.write_bytes(data[:-20])
    code, printed = run(texts, "-o", base, "--resume")
    assert code == 1
    assert second.name in printed and "is damaged" in printed
    second.write_bytes(data)
    first.unlink()
    code, printed = run(texts, "-o", base, "--resume")
    assert code == 1
    assert "is damaged: the file before it is missing" in printed


def test_there_may_be_nothing_to_resume(tmp_path):
    texts = write_texts(tmp_path / "texts")
    code, printed = run(texts, "-o", tmp_path / "base", "--min-count", 1, "--resume")
    assert code == 0, printed
    code, printed = run(texts, "-o", tmp_path / "base", "--resume")
    assert code == 1
    assert "The output directory is not empty" in printed
