import sys
from pathlib import Path

import pytest
import srsly
from spacy import util
from typer.testing import CliRunner

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import few  # noqa: E402

from spacy_window_ner import __version__  # noqa: E402
from spacy_window_ner.learning import learn as learning  # noqa: E402
from tests.pipelines import shared  # noqa: E402


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A folder with a trained pipeline, and a config of a small network."""
    folder = tmp_path_factory.mktemp("few")
    shared().to_disk(folder / "small")
    config = util.load_config(BENCHMARKS.parent / "configs" / "efficiency.cfg")
    network = config["components"]["window_ner"]["model"]
    network["hidden_width"] = 24
    network["tok2vec"]["rows"] = [100] * 8
    config["training"].update(max_steps=2, eval_frequency=2)
    config.to_disk(folder / "small.cfg")
    return folder


@pytest.fixture
def run(data, small, tmp_path, monkeypatch):
    """Runs the command on a tiny corpus, in few steps, and returns its exit code and output."""
    monkeypatch.setattr(few, "STEPS", 2)
    monkeypatch.setattr(few, "TEXTS_STEPS", (2,))
    monkeypatch.setattr(learning, "STEPS", (2,))
    for preset in few.PRESETS:
        monkeypatch.setitem(few.PRESETS, preset, (small / "small.cfg", None))

    def invoke(*args):
        command = [data / "places", "--base", small / "small", "--seeds", 1]
        command += ["--work", tmp_path / "work", "--output", tmp_path / "out", *args]
        outcome = CliRunner().invoke(few.app, [str(x) for x in command])
        return outcome.exit_code, outcome.output

    return invoke


def rows_of(tmp_path):
    return list(srsly.read_jsonl(tmp_path / "out" / "results.jsonl"))


def test_systems_are_compared_on_few_documents(run, tmp_path):
    pytest.importorskip("matplotlib", reason="the figure needs matplotlib")
    figure = tmp_path / "curves.svg"
    asked = ["--documents", 8, "--documents", 16, "--system", "base", "--system", "efficiency"]
    code, printed = run(*asked, "--documents", 800, "--figure", figure)
    assert code == 0, printed
    assert "places, 800 documents: left out, there are only 20" in printed
    rows = rows_of(tmp_path)
    assert [(row["system"], row["preset"], row["variant"]) for row in rows] == [
        ("base", "small", "8-test"),
        ("efficiency", "", "8-test"),
        ("base", "small", "16-test"),
        ("efficiency", "", "16-test"),
    ]
    assert {row["version"] for row in rows} == {__version__}
    assert [row["documents"] for row in rows] == [8, 8, 16, 16]
    table = (tmp_path / "out" / "few.md").read_text(encoding="utf8").splitlines()
    assert table[0] == "| corpus | documents | base | efficiency |"
    for line, n, pair in zip(table[2:], (8, 16), (rows[:2], rows[2:]), strict=True):
        scores = " | ".join(f"{100 * row['test']['f']:.1f}" for row in pair)
        assert line == f"| `places` | {n} | {scores} |"
        assert line in printed
    assert figure.exists()
    assert not list((tmp_path / "work").iterdir())
    # What has a line is not run again, but what is scored on dev is another thing.
    assert run(*asked)[0] == 0
    assert rows_of(tmp_path) == rows
    assert run("--documents", 8, "--system", "efficiency", "--dev")[0] == 0
    assert [row["variant"] for row in rows_of(tmp_path)[4:]] == ["8-dev"]
    assert "test" not in rows_of(tmp_path)[4]


def test_all_documents_are_learned_and_dev_chooses(run, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="the figure needs matplotlib")
    asked = []

    def learn(docs, *args, dev, **others):
        asked.append((len(docs), len(dev)))
        return learning.learn(docs, *args, dev=dev, **others)

    monkeypatch.setattr(few, "learn", learn)
    for n in (few.ALL, 16):
        code, printed = run("--documents", n, "--system", "base")
        assert code == 0, printed
    assert asked == [(20, 20), (20, 0)]  # of 16 and 4 by cross-validation
    whole, part = rows_of(tmp_path)
    assert (whole["documents"], part["documents"]) == (20, 16)
    assert run("--documents", few.ALL, "--system", "base")[1].count("| `places` | all | ") == 1


def test_raw_text_is_learned_once_for_each_start(run, small, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="the figure needs matplotlib")
    learn_texts, evaluate = few.learn_texts, few.evaluate
    learned, tables = [], []

    def learn_short_vectors(lang, base, texts, text_field, vectors):
        learned.append((base and Path(base).name, vectors))
        return learn_texts(lang, base, texts, text_field, width=4, min_count=1)

    def evaluate_and_keep(nlp, split):
        tables.append(nlp.vocab.vectors)
        return evaluate(nlp, split)

    monkeypatch.setattr(few, "learn_texts", learn_short_vectors)
    monkeypatch.setattr(few, "evaluate", evaluate_and_keep)
    monkeypatch.setitem(few.PRESETS, "accuracy", (small / "small.cfg", "glove"))
    monkeypatch.setattr(few, "find_vectors", lambda name, lang, work: name)
    texts = tmp_path / "raw.txt"
    texts.write_text("We went to Oslo\nThey went to Rome", encoding="utf8")
    names = ("--system", "pretrained", "--system", "base-texts", "--system", "base")
    code, printed = run("--documents", 8, "--seeds", 2, *names, "--texts", texts)
    assert code == 0, printed
    assert learned == [(None, "glove"), ("small", None)]
    starts = [row["preset"] for row in rows_of(tmp_path)]
    assert starts == ["raw.txt", "small+raw.txt", "small"] * 2
    # We, went, to, Oslo, They and Rome; the base itself has no vectors.
    assert [table.shape for table in tables] == [(6, 4), (6, 4), (0, 0)] * 2


def test_all_systems_draw_the_same_documents(data, tmp_path):
    lines = [f"w{i}\tO\n" for i in range(40)]
    for part in ("train", "dev"):
        (data / "places" / f"{part}.conll").write_text("\n".join(lines), encoding="utf8")
    splits = few.convert_corpus(data / "places", tmp_path, few.blank("xx"))

    def draw(n, seed=0):
        return [[doc.text for doc in docs] for docs in few.draw_documents(splits, n, seed)]

    train, dev = draw(16)
    assert len(train) == 16 and len(dev) == 4
    assert len({*train, *dev}) == 20
    assert draw(16) == [train, dev] != draw(16, seed=1)
    assert set(draw(8)[0]) < set(train)
    assert list(map(len, draw(few.ALL))) == [40, 40]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--system", "nothing"), "There is no nothing; there is ner,"),
        (("--system", "pretrained"), "need raw text: give --texts"),
        (("--documents", 17), "No corpus has enough documents"),
    ],
)
def test_what_cannot_be_compared(run, args, message):
    code, printed = run(*args)
    assert code == 1
    assert message in " ".join(printed.split())


def test_a_corpus_without_a_test_file(run, data):
    (data / "places" / "test.conll").unlink()
    code, printed = run("--documents", 8)
    assert code == 1
    assert "places has no test file. Give --dev" in " ".join(printed.split())
