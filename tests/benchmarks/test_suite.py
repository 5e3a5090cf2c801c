import sys
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import accuracy  # noqa: E402
import data  # noqa: E402
import report  # noqa: E402
import studies  # noqa: E402
import suite  # noqa: E402
from results import Cell  # noqa: E402

from spacy_window_ner import __version__  # noqa: E402


@pytest.fixture
def corpora(tmp_path):
    """A folder of corpora, the larger one first by name."""
    for name, size in (("a", 9), ("b", 3)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "train.conll").write_text("x\tO\n" * size)
    (tmp_path / "b" / "train.conll").rename(tmp_path / "b" / "train.jsonl")
    return tmp_path


def choose(folder, **changes):
    asked = {"corpora": (), "presets": (), "systems": (), "percents": (100,), "seeds": [0]}
    return suite.choose(folder, **{**asked, **changes})


def test_all_is_chosen_with_the_smallest_corpora_first(corpora):
    cells = choose(corpora)
    assert len(cells) == len(set(cells)) == 2 * 3 + 2 * 3
    assert [cell.corpus for cell in cells[:3]] == ["b"] * 3
    systems = {
        preset: {c.system for c in cells if c.preset == preset} for preset in studies.PRESETS
    }
    assert systems["efficiency"] == {"window_ner", "ner", "crf"}
    assert systems["accuracy"] == {"window_ner", "ner", "ner-accuracy"}


def test_options_choose_among_them(corpora):
    cells = choose(corpora, corpora=["a"], systems=["ner"], percents=(10, 50), seeds=range(2))
    assert len(cells) == 2 * 2 * 2
    assert Cell("suite", "a", "accuracy", "ner", 1, percent=50) in cells


def test_only_our_own_cells_depend_on_our_version(corpora):
    versions = {cell.system: cell.version for cell in choose(corpora)}
    assert versions == {"window_ner": __version__, "ner": "", "ner-accuracy": "", "crf": ""}


@pytest.mark.parametrize("asked", ["corpora", "presets", "systems"])
def test_unknown_names_are_errors(corpora, asked):
    with pytest.raises(data.InputError, match=r"There is no nothing; there is .*"):
        choose(corpora, **{asked: ["nothing"]})


def test_a_folder_without_corpora_is_an_error(tmp_path):
    with pytest.raises(data.InputError, match="no corpus in"):
        choose(tmp_path)


def test_raw_text_is_distinguished_from_tokens(corpora):
    assert studies.is_raw(corpora / "b")
    assert not studies.is_raw(corpora / "a")


def test_a_part_is_drawn_at_random_and_parts_are_nested(tmp_path):
    nlp = spacy.blank("xx")
    docs = [Doc(nlp.vocab, words=[f"w{i}"]) for i in range(40)]

    def part(percent, seed):
        split = data.Split("train", tmp_path / "train.spacy", [], 40, [])
        DocBin(docs=docs).to_disk(split.path)
        suite.take_part(split, percent, seed)
        return [doc.text for doc in split.annotated()]

    assert len(part(25, 0)) == 10
    assert set(part(25, 0)) < set(part(50, 0)) < set(part(100, 0))
    assert part(25, 0) != part(25, 1)
    assert len(part(1, 0)) == 1


def result(f1):
    return {"dev": {"f": f1}, "test": None if f1 < 0.2 else {"f": f1 - 0.1}}


def cell(corpus, preset, percent, system, seed, version=None):
    version = ("0.1.0" if system == "window_ner" else "") if version is None else version
    return Cell("suite", corpus, preset, system, seed, percent, version=version)


CELLS = {
    cell("a", "efficiency", 100, "window_ner", 0): result(0.5),
    cell("a", "efficiency", 100, "window_ner", 1): result(0.7),
    cell("a", "efficiency", 100, "ner", 0): result(0.45),
    cell("a", "efficiency", 100, "crf", 0): result(0.55),
    cell("a", "efficiency", 10, "ner", 0): result(0.1),
}


def test_the_table_has_means_spreads_and_leads():
    rows = [line.strip("| ").split(" | ") for line in suite.table(CELLS).splitlines()]
    assert rows[2] == [
        "efficiency",
        "`a`",
        "100 %",
        "60.0 ± 14.1",
        "45.0",
        "55.0",
        "50.0 ± 14.1",
        "35.0",
        "45.0",
        "+5.0",
        "+5.0",
    ]
    assert rows[3] == ["efficiency", "`a`", "10 %", "–", "10.0", "–", "–", "–", "–", "–", "–"]


# Versions are compared as numbers: as text, 0.10.0 would be before 0.9.0.
SEVERAL_VERSIONS = {
    **CELLS,
    cell("a", "efficiency", 100, "window_ner", 0, "0.10.0"): result(0.8),
    cell("a", "efficiency", 100, "window_ner", 0, "0.9.0"): result(0.9),
}


def test_versions_stand_beside_each_other():
    rows = [line.strip("| ").split(" | ") for line in suite.table(SEVERAL_VERSIONS).splitlines()]
    names = ["window_ner 0.1.0", "window_ner 0.9.0", "window_ner 0.10.0", "ner", "crf"]
    assert rows[0][3:8] == [f"{name} dev" for name in names]
    assert rows[2][3:8] == ["60.0 ± 14.1", "90.0", "80.0", "45.0", "55.0"]
    assert rows[2][-2:] == ["+25.0", "+25.0"]  # of the latest


def test_earlier_versions_are_paler():
    systems = ["window_ner 0.1.0", "window_ner 0.10.0", "ner"]
    styles = [report.line_style(system, systems) for system in systems]
    assert ["alpha" in style for style in styles] == [True, False, False]
    assert styles[0]["color"] == styles[1]["color"] != styles[2]["color"]


def test_figures_are_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="figures need matplotlib")
    (drawn,) = suite.draw(CELLS, tmp_path)
    assert drawn.name == "suite.svg"  # two percentages are no curve
    assert "<svg" in drawn.read_text()
    parts = {cell: found for cell, found in CELLS.items() if cell.percent < 100}
    assert suite.draw(parts, tmp_path) == []
    drawn = suite.draw({**CELLS, **CURVE}, tmp_path)
    assert [path.name for path in drawn] == ["suite.svg", "learning_curves.svg"]
    assert all("<svg" in path.read_text() for path in drawn)
    assert suite.draw(SEVERAL_VERSIONS, tmp_path)


# The preset has no crf, and ner was not trained on half of the documents.
CURVE = {
    cell("b", "accuracy", percent, system, seed): result(0.3 + percent / 200)
    for percent in (10, 50, 100)
    for system in ("window_ner", "ner")
    for seed in (0, 1)
    if (percent, system) != (50, "ner")
}


def test_curves_are_of_corpora_with_enough_percentages(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="figures need matplotlib")
    drawn = []
    monkeypatch.setattr(suite, "_draw_curves", lambda curves, path: drawn.append(curves))
    suite.draw({**CELLS, **CURVE}, tmp_path)
    ((key, rows),) = drawn[0].items()
    assert key == ("accuracy", "b")
    assert {percent: set(row) for percent, row in rows.items()} == {
        10: {"window_ner", "ner"},
        50: {"window_ner"},
        100: {"window_ner", "ner"},
    }


def save_corpus(folder):
    """Sentences with one name each, as .conll files."""
    folder.mkdir(parents=True)
    lines = [f"in\tO\n{place}\tB-LOC\n" for place in ("Oslo", "Rome", "Bonn", "Kiel") * 5]
    for part in ("train", "dev", "test"):
        (folder / f"{part}.conll").write_text("\n".join(lines), encoding="utf8")


def test_the_suite_runs_what_is_missing_and_reports_all(tmp_path):
    pytest.importorskip("matplotlib", reason="figures need matplotlib")
    save_corpus(tmp_path / "data" / "places")
    steps = ("training.max_steps=2", "training.eval_frequency=2")
    options = ["--suite", "--preset", "efficiency", "--percent", "50", "--seed", "3"]
    options += [f"--set={step}" for step in steps] + [f"--peer-set={step}" for step in steps]
    options += ["--work", str(tmp_path / "work"), "--output", str(tmp_path / "out")]

    def run(*more):
        outcome = CliRunner().invoke(accuracy.app, [str(tmp_path / "data"), *options, *more])
        assert outcome.exit_code == 0, outcome.output
        return outcome.output

    run("--system", "window_ner")
    path = tmp_path / "out" / "results.jsonl"
    (found,) = srsly.read_jsonl(path)
    assert list(found.items())[:8] == [
        ("study", "suite"),
        ("corpus", "places"),
        ("preset", "efficiency"),
        ("system", "window_ner"),
        ("seed", 3),
        ("percent", 50),
        ("variant", "as-it-stands"),
        ("version", __version__),
    ]
    assert found["overrides"] == {"training.max_steps": 2, "training.eval_frequency": 2}
    assert found["test"]["f"] >= 0
    assert "command" not in found  # it has paths of the machine, and results are published
    assert not list((tmp_path / "work").iterdir())
    output = run("--system", "window_ner", "--system", "ner")
    assert "1 of 1: suite-places-efficiency-ner-3-50" in output
    assert [row["system"] for row in srsly.read_jsonl(path)] == ["window_ner", "ner"]
    rows = (tmp_path / "out" / "suite.md").read_text(encoding="utf8").splitlines()
    assert rows[0].split(" | ")[3:5] == ["window_ner dev", "ner dev"]
    assert rows[2].startswith("| efficiency | `places` | 50 % | ")


def test_missing_matplotlib_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(data.InputError, match="pip install matplotlib"):
        report.pyplot()


def test_the_linear_crf_learns():
    pytest.importorskip("sklearn_crfsuite", reason="the linear CRF is an optional peer")
    import crf

    nlp = spacy.blank("xx")
    pipe = nlp.add_pipe("benchmark_linear_crf")
    assert isinstance(pipe, crf.LinearCRF)
    docs = []
    for name, label in (("Rome", "LOC"), ("Ann", "PER"), ("Oslo", "LOC"), ("Bob", "PER")) * 5:
        doc = Doc(nlp.vocab, words=["in" if label == "LOC" else "saw", name, "Hall", "today"])
        doc.ents = [Span(doc, 1, 3, label)]
        docs.append(doc)
    pipe.fit([*docs, Doc(nlp.vocab, words=["not", "annotated"])])
    found = nlp(Doc(nlp.vocab, words=["saw", "Ann", "Hall", "today"]))
    assert [(ent.text, ent.label_) for ent in found.ents] == [("Ann Hall", "PER")]
    assert crf.features(docs[0])[0]["-1:none"] is True
    assert crf.features(docs[0])[1]["+1:word"] == "Hall"
