"""`python -m spacy window-ner pretrain`."""

import numpy as np
import pytest
import spacy
import srsly
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.vectors import Vectors
from typer.testing import CliRunner

from spacy_window_ner.cli import app
from spacy_window_ner.cli.init_config import init_config
from tests.pipelines import SENTENCES, save_corpus, texts_of


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


def test_reading_ends_when_time_is_up(tmp_path):
    texts = write_texts(tmp_path / "texts")
    code, printed = run(texts, "-o", tmp_path / "base", "--minutes", 0)
    assert code == 1
    assert "There is too little text: of 0 words" in printed
    assert not (tmp_path / "base").exists()


def test_errors_say_where(tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "good"}\n{"body": "bad"}\n', encoding="utf8")
    code, printed = run(bad, "--output", tmp_path / "base")
    assert code == 1
    assert "line 2: there is no field 'text'" in printed
    code, printed = run(tmp_path / "none", "--output", tmp_path / "base")
    assert code == 1
    assert "There are no files to read" in printed
    code, printed = run(bad, "--output", tmp_path)
    assert code == 1
    assert "The output directory is not empty" in printed
    code, printed = run(bad, "--output", tmp_path / "base", "--from", "no_such_pipeline")
    assert code == 1
    assert "no_such_pipeline" in printed
