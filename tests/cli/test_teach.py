"""The command `teach`: the project that it makes, what it refuses, and the export."""

import sqlite3

import pytest

pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")

from typer.testing import CliRunner

from spacy_window_ner.cli import app, teach
from spacy_window_ner.files.formats import read_annotated
from spacy_window_ner.teach import running
from spacy_window_ner.teach.store import FILE, Decision, Store
from tests.pipelines import save_corpus, shared
from tests.teach.projects import write_texts

pytestmark = pytest.mark.extra


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A command that makes a project and does not serve it; what would be served."""
    served = []
    monkeypatch.setattr(teach.Learner, "start", lambda self: None)
    monkeypatch.setattr(running, "run", lambda app, host, port, said: served.append((host, said)))
    shared().to_disk(tmp_path / "base")
    write_texts(tmp_path / "texts.txt", ["Ann left Rome.", "Bob stayed."])
    return served


def run(folder, *args, texts=("texts.txt",), base=("--base", "base")):
    given = [str(folder / name) for name in texts]
    base = [base[0], str(folder / base[1])] if base else []
    args = ["teach", *given, "--output", str(folder / "project"), *base, *map(str, args)]
    outcome = CliRunner().invoke(app, args)
    return outcome.exit_code, " ".join(outcome.output.split())


def store_of(folder) -> Store:
    return Store(folder / "project" / FILE)


def test_a_project(project, tmp_path):
    assert run(tmp_path, "--label", "PER,LOC", "--label", "NEW")[0] == 0
    assert project == [("127.0.0.1", "2 texts")]
    assert store_of(tmp_path).labels == ["PER", "LOC", "NEW"]
    # The project alone is enough to go on.
    assert run(tmp_path, texts=(), base=None)[0] == 0
    assert run(tmp_path, "--label", "MORE", "--seed", "0")[0] == 0
    assert store_of(tmp_path).labels == ["PER", "LOC", "NEW", "MORE"]
    for option, value in (("--seed", "1"), ("--lang", "de"), ("--base", "other")):
        code, said = run(tmp_path, option, value, base=None)
        assert code == 1
        assert f"was created with {option}" in said


def test_labels_of_the_base_and_of_the_annotation(project, tmp_path):
    assert run(tmp_path)[0] == 0
    assert sorted(store_of(tmp_path).labels) == ["DATE", "LOC", "PER"]
    corpus = save_corpus(tmp_path / "a.spacy", ["[ORG Ann] left."])
    assert run(tmp_path, "--annotated", corpus)[0] == 0
    assert "ORG" in store_of(tmp_path).labels


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--label", "A,,B"], "A label must have 1 to 64 characters"),
        (["--label", "A\x07"], "must not have control characters"),
        (["--names", "missing.txt"], "No such file"),
        (["--annotated", "missing.jsonl"], "No files found"),
    ],
)
def test_wrong_options(project, tmp_path, monkeypatch, args, said):
    monkeypatch.chdir(tmp_path)
    code, output = run(tmp_path, *args)
    assert code == 1
    assert said in output
    assert project == []


def test_what_is_wrong_at_first_does_not_stay(project, tmp_path):
    for texts, base in ((("none.txt",), ("--base", "base")), (("texts.txt",), ("--base", "none"))):
        code, said = run(tmp_path, texts=texts, base=base)
        assert code == 1
        assert "none" in said
    assert "no texts" in run(tmp_path, texts=())[1]
    assert run(tmp_path)[0] == 0


def test_directories_that_are_no_project(project, tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "other.txt").write_text("x")
    assert "does not contain a project" in run(tmp_path)[1]
    (folder / FILE).write_bytes(b"damaged" * 1_000)
    assert "file is not a database" in run(tmp_path)[1]


def test_a_second_server(project, tmp_path):
    with teach.alone(tmp_path / "project"):
        code, said = run(tmp_path)
        assert code == 1
        assert "Another server is using it" in said
    assert run(tmp_path)[0] == 0


def test_texts_that_cannot_be_read(project, tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"text": "a"}\n' + "{\n" * 5)
    code, said = run(tmp_path, texts=("bad.jsonl",))
    assert code == 0
    assert "5 texts cannot be read" in said
    assert "and 2 more" in said


def test_export(project, tmp_path):
    run(tmp_path)
    store = store_of(tmp_path)
    store.decide(Decision(1, store.text(1), "", "accept", [(0, 3, "PER")], "all", "random"))
    out = tmp_path / "out.conll"
    with teach.alone(tmp_path / "project"):  # a server has it
        code, said = run(tmp_path, "--export", out)
    assert (code, "Saved 1 annotated texts" in said) == (0, True)
    [doc] = read_annotated([out], shared())
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Ann", "PER")]
    assert run(tmp_path, "--export", tmp_path / "out.jsonl", "--format", "doccano")[0] == 0
    assert "must end in" in run(tmp_path, "--export", tmp_path / "out.xyz")[1]
    assert "Cannot open" in run(tmp_path, "--export", out, "--output", tmp_path / "none")[1]


def test_the_lock_ends_with_the_server(tmp_path):
    with teach.alone(tmp_path), pytest.raises(ValueError, match="Another"), teach.alone(tmp_path):
        pass
    with teach.alone(tmp_path):
        pass
    assert sqlite3.connect(tmp_path / teach.LOCK).execute("PRAGMA user_version").fetchone() == (0,)
