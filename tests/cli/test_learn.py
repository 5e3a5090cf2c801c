"""`python -m spacy window-ner learn`."""

import re
import warnings

import pytest
import spacy
import srsly
from spacy import util
from spacy.cli.train import train as spacy_train
from typer.testing import CliRunner

from spacy_window_ner.cli import app
from spacy_window_ner.cli import learn as learn_command
from spacy_window_ner.learning import learn as learning
from tests.pipelines import (
    SENTENCES,
    corpus,
    ner_of,
    read_marked,
    save_corpus,
    texts_of,
    trained,
)

RENAMED = [text.replace("[PER", "[HERO") for text in corpus(20)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("learn")
    trained(corpus(12), steps=30).to_disk(path / "base")
    save_corpus(path / "annotated.spacy", RENAMED)
    return path


def run(*args: object) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["learn", *map(str, args)])
    return outcome.exit_code, " ".join(outcome.output.split())


def found(nlp) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in nlp("Bob knows Oslo number 99 .").ents]


def test_a_pipeline_and_the_config_that_makes_it(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "STEPS", (20, 30))
    output = tmp_path / "out"
    code, printed = run(folder / "annotated.spacy", "-o", output, "--base", folder / "base")
    assert code == 0, printed
    assert "by cross-validation, " in printed
    assert "Estimated gain from 50 more documents:" in printed
    nlp = spacy.load(output / "model")
    assert found(nlp) == [("Bob", "HERO"), ("Oslo", "LOC")]
    monkeypatch.chdir(tmp_path)
    spacy_train(output / "config.cfg", tmp_path / "again")
    again = spacy.load(tmp_path / "again" / "model-last")
    assert found(again) == found(nlp)
    assert ner_of(again).threshold == ner_of(nlp).threshold


def test_the_better_of_several_bases(folder, tmp_path, monkeypatch):
    """The annotation is read once: what does not align is said once."""
    monkeypatch.setattr(learn_command, "BASES", {"xx": ("worse", "better")})
    monkeypatch.setattr(util, "is_package", lambda name: True)
    bases = {"worse": trained(SENTENCES, steps=1), "better": spacy.load(folder / "base")}
    monkeypatch.setattr(learn_command, "load", bases.__getitem__)
    monkeypatch.setattr(learning, "STEPS", (1,))
    monkeypatch.setattr(learning, "STEPS_TO_CHOOSE", 10)
    lines = [{"text": text, "spans": spans} for text, spans in map(read_marked, RENAMED)]
    lines[0]["spans"] = [[1, 3, "HERO"]]
    srsly.write_jsonl(tmp_path / "annotated.jsonl", lines)
    code, printed = run(tmp_path / "annotated.jsonl", "-o", tmp_path / "out", "--lang", "xx")
    assert code == 0, printed
    scores = dict(re.findall(r"(worse|better) (\d+\.\d)", printed))
    assert float(scores["worse"]) < float(scores["better"])
    assert (
        util.load_config(tmp_path / "out" / "config.cfg")["initialize"]["after_init"]["source"]
        == "better"
    )
    assert printed.count("entities start or end inside a token") == 1


def test_chosen_labels(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "STEPS", (20,))
    args = [folder / "annotated.spacy", "-o", tmp_path, "--base", folder / "base"]
    code, printed = run(*args, "--label", "HERO", "--dev", folder / "annotated.spacy")
    assert code == 0, printed
    assert "on the dev documents" in printed
    assert ner_of(spacy.load(tmp_path / "model")).label_data == ["HERO"]


def test_old_labels_are_kept(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "STEPS", (20,))
    args = [folder / "annotated.spacy", "-o", tmp_path, "--base", folder / "base"]
    code, printed = run(*args, "--keep-labels")
    assert code == 0, printed
    assert "Saved the base pipeline with the new component window_ner_2" in printed
    nlp = spacy.load(tmp_path / "both")
    assert nlp.pipe_names == ["window_ner", "window_ner_2"]
    assert nlp.get_pipe("window_ner_2").label_data == ["HERO"]
    # HERO is what the base calls PER, and what it has found stays.
    doc = nlp("Bob knows Oslo number 99 .")
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Bob", "PER"), ("Oslo", "LOC")]
    assert len(doc.spans["window_ner"]) == 2 and len(doc.spans["window_ner_2"]) == 0
    assert all(ent._.score > 0 for ent in doc.ents)


def test_old_labels_are_not_learned_anew(folder, tmp_path):
    args = [folder / "annotated.spacy", "-o", tmp_path, "--base", folder / "base"]
    code, printed = run(*args, "--keep-labels", "--label", "LOC")
    assert code == 1
    assert "There are no entities with the label LOC" in printed
    assert "Labels in the annotation: HERO." in printed


def test_a_new_network_with_raw_text(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(learn_command, "TEXTS_STEPS", (60,))
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(texts_of() * 3), encoding="utf8")
    args = [folder / "annotated.spacy", "-o", tmp_path / "out", "--lang", "xx", "--texts", texts]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        code, printed = run(*args)
    assert code == 0, printed
    assert "No base pipeline for 'xx' is installed" in printed
    assert "distinct words have a vector" in printed
    nlp = spacy.load(tmp_path / "out" / "model")
    assert nlp.vocab.vectors.shape[1] == 64
    assert found(nlp) == [("Bob", "HERO"), ("Oslo", "LOC")]
    monkeypatch.chdir(tmp_path)
    spacy_train(tmp_path / "out" / "config.cfg", tmp_path / "again")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--label", "GOD"], "Labels in the annotation: HERO, LOC."),
        (["--base", "nowhere"], "Cannot load the pipeline nowhere"),
        (["--base", "empty"], "no component named 'window_ner'"),
        (["--dev", "none.conll"], "No files found at none.conll"),
    ],
)
def test_wrong_arguments(folder, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    spacy.blank("xx").to_disk("empty")
    base = [] if "--base" in arguments else ["--base", folder / "base"]
    code, printed = run(folder / "annotated.spacy", "-o", tmp_path / "out", *base, *arguments)
    assert code == 1
    assert message in printed
