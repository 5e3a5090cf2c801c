"""Corpora, teachers and web texts as data with 18 labels (`models/scripts/prepare_web.py`)."""

import shutil
import subprocess

import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_window_ner.labels import annotated_labels

CONLLU = "# sent_id = {}\n# text = {}\n1\tx\tx\t_\n\n"


@pytest.fixture(scope="module")
def prepare_web(script):
    script("mentions")  # needs Faker
    return script("prepare_web")


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf8")


def found(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_nothing_is_learned_about_names_in_web_texts(prepare_web):
    doc = spacy.blank("en").make_doc("Ann sold 3 French hens to Acme in May")
    entities = [(0, 1, "PERSON"), (2, 3, "CARDINAL"), (3, 4, "NORP"), (8, 9, "DATE")]
    doc.set_ents([Span(doc, *one) for one in entities], missing=[doc[6:7]])
    prepare_web.without_names(doc)
    assert found(doc) == [("3", "CARDINAL"), ("French", "NORP"), ("May", "DATE")]
    assert [token.text for token in doc if not token.ent_iob] == ["Acme"]
    labels = annotated_labels(doc) or set()
    assert {"DATE", "EVENT"} < labels and not {"PERSON", "GPE", "FAC", "ORG"} & labels


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_web_texts_are_those_of_the_training_list_ten_sentences_a_document(prepare_web, tmp_path):
    clone = tmp_path / prepare_web.TREEBANK
    folder = clone / prepare_web.FOLDER
    names = [f"reviews/{n:02}.conllu" for n in range(10)]
    write(folder / "file-lists" / "files.train", "\n".join(names))
    for number, name in enumerate([*names, "reviews/of_the_test_file.conllu"]):
        sentences = 12 if number == 0 else 1
        text = "".join(CONLLU.format(i, f"Go on, {number}.") for i in range(sentences))
        write(folder / "sources" / name, text)
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", "a"],
    ):
        subprocess.run(["git", "-C", str(clone), *command], check=True)
    parts = prepare_web.read_web(tmp_path)
    assert [len(list(doc.sents)) for doc in parts["train"]] == [10, 2, *[1] * 8]
    assert [token.text for token in parts["train"][1]] == ["Go", "on", ",", "0", "."] * 2
    assert [doc.text for doc in parts["dev"]] == ["Go on, 9."]


def test_events_and_works_of_the_domains_are_added_to_the_same_sentences(
    prepare_web, tmp_path, monkeypatch
):
    domain = next(one for one in prepare_web.ALL_CORPORA if one.name == "crossner-music")
    text = "Ann B-musicalartist\nsang O\nHelp B-song\nin B-event\nRome I-event\n\n"
    local = prepare_web.replace(domain, repository="", train=("train.txt",), dev=("dev.txt",))
    for part, lines in {"train": "Hi O\n\n", "dev": "Ho O\n\n", "test": text}.items():
        write(tmp_path / f"{part}.txt", lines)
    monkeypatch.setattr(prepare_web, "ALL_CORPORA", [local])
    docs = [
        Doc(spacy.blank("en").vocab, words.split()) for words in ("Ann sang Help in Rome", "Hi")
    ]
    for doc in docs:
        doc.ents = [Span(doc, 0, 1, "PER")] if len(doc) > 1 else []
    prepare_web.add_domains(docs, tmp_path, tmp_path)
    assert [found(doc) for doc in docs] == [
        [("Ann", "PER"), ("Help", "WORK_OF_ART"), ("in Rome", "EVENT")],
        [],
    ]
