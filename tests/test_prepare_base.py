"""Many corpora as the data of one base network."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import spacy
import typer
from spacy.tokens import DocBin

from spacy_window_ner.labels import annotated_labels

SCRIPTS = Path(__file__).parents[1] / "models" / "scripts"
TWEET = "Ann B-person\nleft O\nAcme B-corporation\nInc I-corporation\n\nHi O\n"
MARK = "-DOCSTART- -X- O O\n\n"
FINANCE = f"{MARK}the DT - O\nBank NN - I-ORG\nof IN - I-ORG\n\n{MARK}Hi UH - O\n"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield __import__("prepare_base")
    for name in ("prepare_base", "prepare"):
        sys.modules.pop(name)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf8")


def by_name(script, name):
    return next(corpus for corpus in script.CORPORA if corpus.name == name)


def test_sentences_end_at_empty_lines_and_documents_where_marked(script):
    # U+00A0 and U+2028 are parts of words, CR LF ends a line
    text = "-DOCSTART-\tO\n\na\u00a0b\tO\r\n\r\nc\u2028d\tO\n\n-DOCSTART-\tO\n\ne\tO\n"
    found = [[[word for word, _ in s] for s in document] for document in script.documents(text, 0)]
    assert found == [[["a\u00a0b"], ["c\u2028d"]], [["e"]]]
    assert [len(document) for document in script.documents("a O\n\nb O\n\nc O\n", 2)] == [2, 1]


def test_sentence_goes_on_where_it_was_split_inside_an_entity(script):
    text = "at\tO\nx[.\tB-Indicator\n\n]com\tI-Indicator\n\nPay\tI-Malware\n"
    (document,) = script.documents(text, 10)
    doc = script.make_doc(by_name(script, "cyner"), document)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [
        ("x[. ]com", "cyner.Indicator"),
        ("Pay", "cyner.Malware"),
    ]
    assert [len(sentence) for sentence in doc.sents] == [3, 1]


def test_leaves_out_corpora_with_common_texts_and_those_that_may_not_be_shipped(script):
    shipped = script.chosen([], False)
    assert shipped and all(corpus.redistributable for corpus in shipped)
    everything = {corpus.name for corpus in script.chosen([], True)}
    left = {corpus.name for corpus in script.chosen(["anem", "crossner"], True)}
    domains = {name for name in everything if name.startswith("crossner")}
    assert everything - left == {"anem", "anatem", "bionlp13cg", *domains}
    with pytest.raises(typer.BadParameter, match="No corpus: wnut16"):
        script.chosen(["wnut16"], False)


def test_ingredients_are_sentences_of_a_recipe(script):
    entities = '[{""start"": 7, ""end"": 10, ""type"": ""FOOD"", ""entity"": ""rum""}]'
    text = f'ingredients,ingredients_entities\n"2 eggs\nrum\n","{entities}"\n'
    (doc,) = script.recipes(by_name(script, "tasteset"), text)
    assert [sentence.text for sentence in doc.sents] == ["2 eggs", "rum"]
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("rum", "tasteset.FOOD")]


def test_crossner_has_each_sentence_once_in_the_part_of_the_data_folder(script):
    def docs(name, *texts):
        return [script.make_doc(by_name(script, name), [[(text, "O")]]) for text in texts]

    corpora = {
        "crossner": {"train": docs("crossner", "a", "b"), "dev": docs("crossner", "c")},
        "crossner-ai": {"train": docs("crossner-ai", "a", "c", "d"), "dev": []},
    }
    script.separate_crossner(corpora)
    texts = {
        name: [[doc[0].text for doc in parts[part]] for part in script.PARTS]
        for name, parts in corpora.items()
    }
    assert texts == {"crossner": [["b"], ["c"]], "crossner-ai": [["a"], []]}


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_writes_documents_that_say_what_is_annotated(script, tmp_path, monkeypatch):
    finance = replace(by_name(script, "sec"), dev=by_name(script, "sec").train)
    monkeypatch.setattr(script, "CORPORA", [by_name(script, "wnut17"), finance])
    for part in script.PARTS:
        write(tmp_path / "data" / "wnut17" / f"{part}.conll", TWEET)
    with pytest.raises(FileNotFoundError, match="git clone https://github"):
        script.main(tmp_path / "data", tmp_path, tmp_path / "out")
    clone = tmp_path / finance.repository
    write(clone / finance.train[0], FINANCE)
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", "a"],
    ):
        subprocess.run(["git", "-C", str(clone), *command], check=True)
    script.main(tmp_path / "data", tmp_path, tmp_path / "out")
    vocab = spacy.blank("en").vocab
    docs = list(DocBin().from_disk(tmp_path / "out" / "train.spacy").get_docs(vocab))
    assert [[(ent.text, ent.label_) for ent in doc.ents] for doc in docs] == [
        [("Ann", "PER"), ("Acme Inc", "wnut17.corporation")],
        [],
        [("Bank of", "sec.ORG")],
        [],
    ]
    assert [annotated_labels(doc) for doc in docs] == [
        *[{"PER", "wnut17.corporation"}] * 2,
        *[{"sec.ORG"}] * 2,
    ]
