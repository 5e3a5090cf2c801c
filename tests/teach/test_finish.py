"""What a sitting ends with."""

import pytest
import spacy
import srsly
from spacy.cli.train import train as spacy_train
from spacy.tokens import DocBin

from spacy_window_ner.learning import learn as learning
from spacy_window_ner.teach import finish as finishing
from spacy_window_ner.teach.finish import Fold, finish, package_name
from tests.pipelines import corpus, entities, make_examples, ner_of, shared, trained

MARKED = [text.replace("[PER", "[HERO") for text in corpus(12)]


@pytest.fixture(scope="module")
def docs():
    return [example.reference for example in make_examples(shared(), MARKED)]


@pytest.fixture(scope="module")
def folds(docs):
    nlp = trained(MARKED[6:], steps=20)
    return [Fold(nlp, docs[:6]), Fold(nlp, [])]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(learning, "STEPS", (60,))
    monkeypatch.setattr(finishing, "NEW_STEPS", (60,))


def test_it_makes_what_learn_makes(docs, folds, tmp_path, monkeypatch):
    project, base = tmp_path / "My Project", tmp_path / "base"
    project.mkdir()
    shared().to_disk(base)
    for _ in range(2):  # the second one replaces the first
        paths = finish(project, docs, shared(), str(base), folds, 0, lambda n: None)
    nlp = spacy.load(paths["pipeline"])
    assert entities(nlp("Bob knows Oslo number 99 .")) == [("Bob", "HERO"), ("Oslo", "LOC")]
    [package] = (project / "pipeline" / "package").iterdir()
    assert paths["package"] == str(package) and package.name == "xx_my_project-0.1.0"
    packaged = spacy.load(package / "xx_my_project" / package.name)
    meta = srsly.read_json(package / "meta.json")
    assert meta["name"] == "my_project"
    assert ner_of(packaged).threshold == ner_of(nlp).threshold
    assert any(one.startswith("spacy-window-ner") for one in meta["requirements"])
    with open(paths["report"], encoding="utf8") as file:
        assert "6 texts by cross-validation" in file.read()
    for part in ("train", "dev"):
        found = list(DocBin().from_disk(project / "pipeline" / f"{part}.spacy").get_docs(nlp.vocab))
        assert [doc.text for doc in found] == [doc.text for doc in docs]
    monkeypatch.chdir(tmp_path)
    spacy_train(paths["config"], tmp_path / "again")
    again = spacy.load(tmp_path / "again" / "model-last")
    assert entities(again("Bob knows Oslo number 99 .")) == [("Bob", "HERO"), ("Oslo", "LOC")]


def test_a_new_network(docs, folds, tmp_path):
    paths = finish(tmp_path, docs, shared(), None, folds, 0, lambda n: None)
    assert (tmp_path / "pipeline" / "base" / "config.cfg").exists()
    assert ner_of(spacy.load(paths["pipeline"])).label_data == ["HERO", "LOC"]


def test_too_few_texts(docs, folds, tmp_path):
    empty = shared().make_doc("Nothing.")
    empty.set_ents([], default="outside")
    for some in (docs[:5], [*docs[:2], *[empty] * 9], []):
        with pytest.raises(
            ValueError, match=r"^You have annotated \d+ texts, \d of them with entities"
        ):
            finish(tmp_path, some, shared(), "base", folds, 0, lambda n: None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("project", "project"),
        ("Größe & Ort 2", "groe_ort_2"),
        ("2024", "teach_2024"),
        ("项目", "teach"),
    ],
)
def test_names_of_packages(folder, name):
    assert package_name(folder) == name
