import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import ablation  # noqa: E402
import calibration  # noqa: E402
import suite  # noqa: E402
from data import InputError  # noqa: E402
from results import (  # noqa: E402
    TABLE,
    Cell,
    append_result,
    label_systems,
    read_results,
    run_missing,
    version_of,
)

OURS = Cell("suite", "a", "efficiency", "window_ner", 0, version="0.1.0")
PEER = Cell("suite", "a", "efficiency", "ner", 0, percent=10)
VARIANT = Cell("ablation", "a", "efficiency", "window_ner", 0, variant="no-words", version="0.1.0")
RESULT = {"dev": {"f": 0.5, "by_label": {"Größe": {"f": 0.5}}}, "test": None, "notes": ["a\nb"]}


def test_results_are_read_as_they_were_appended(tmp_path):
    path = tmp_path / "new" / TABLE
    assert read_results(path, "suite") == {}
    for cell in (OURS, PEER, VARIANT):
        append_result(path, cell, RESULT)
    assert read_results(path, "suite") == {OURS: RESULT, PEER: RESULT}
    assert read_results(path, "ablation") == {VARIANT: RESULT}
    assert path.read_text(encoding="utf8").count("\n") == 3
    append_result(path, PEER, {"dev": None})
    assert read_results(path, "suite")[PEER] == {"dev": None}


def test_several_can_append_at_once(tmp_path):
    path = tmp_path / TABLE
    cells = [Cell("suite", "a", "efficiency", "ner", seed) for seed in range(200)]
    notes = {"notes": ["x" * 20_000]}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda cell: append_result(path, cell, notes), cells))
    assert read_results(path, "suite") == dict.fromkeys(cells, notes)


@pytest.mark.parametrize("damage", ["{", "{}", "[]", '{"study":"suite","corpus":'])
def test_a_damaged_line_is_named(tmp_path, damage):
    path = tmp_path / TABLE
    append_result(path, OURS, RESULT)
    with path.open("a") as file:
        file.write(damage)
    with pytest.raises(InputError, match=f"Line 2 of .*{TABLE} is not a result .* Remove it"):
        read_results(path, "suite")


def test_an_incomplete_write_is_an_error(tmp_path, monkeypatch):
    class FullDisk:
        def __enter__(self):
            return self

        def __exit__(self, *args):
            return None

        def write(self, line):
            return len(line) - 1

    monkeypatch.setattr(Path, "open", lambda path, *args, **options: FullDisk())
    with pytest.raises(OSError, match="incomplete line"):
        append_result(tmp_path / TABLE, OURS, RESULT)


def test_cells_are_run_once_and_again_with_another_version(tmp_path):
    path = tmp_path / TABLE
    ran = []

    def run(cell):
        ran.append(cell)
        return RESULT

    run_missing([OURS, PEER], path, run)
    later = Cell("suite", "a", "efficiency", "window_ner", 0, version="0.2.0")
    run_missing([later, PEER, VARIANT], path, run)
    assert ran == [OURS, PEER, later, VARIANT]
    assert set(read_results(path, "suite")) == {OURS, PEER, later}


def test_earlier_results_are_kept_when_a_cell_fails(tmp_path):
    path = tmp_path / TABLE

    def run(cell):
        if cell == PEER:
            raise InputError("no")
        return RESULT

    with pytest.raises(InputError, match="no"):
        run_missing([OURS, PEER], path, run)
    assert list(read_results(path, "suite")) == [OURS]


def test_versions_are_named_where_there_are_several():
    assert label_systems([OURS, PEER]) == {
        ("window_ner", "0.1.0"): "window_ner",
        ("ner", ""): "ner",
    }
    later = Cell("suite", "a", "efficiency", "window_ner", 0, version=version_of("window_ner"))
    labels = label_systems([OURS, later, PEER])
    assert set(labels.values()) == {"window_ner 0.1.0", f"window_ner {later.version}", "ner"}


# the published results


STUDIES = ("suite", "ablation", "reading", "calibration", "suggest")


def published(study):
    return read_results(BENCHMARKS / TABLE, study)


def test_every_line_has_a_cell_of_its_own():
    lines = (BENCHMARKS / TABLE).read_text(encoding="utf8").splitlines()
    assert sum(len(published(study)) for study in STUDIES) == len(lines)


def test_versions_are_those_that_were_measured():
    for study in STUDIES:
        for cell, result in published(study).items():
            measured = result["machine"]["spacy-window-ner"]
            assert cell.version == (measured if cell.system == "window_ner" else "")


def test_the_published_tables_are_of_the_published_results():
    calibrated = calibration.group(published("calibration"))
    in_readme = {
        "suite.md": suite.table(published("suite")),
        "ablation.md": ablation.table(ablation.compare(published("ablation"))),
    }
    in_files = {
        "calibration.md": calibration.tabulate_calibration(calibrated),
        "guarantees.md": calibration.tabulate_guarantees(calibrated),
    }
    readme = (BENCHMARKS / "README.md").read_text(encoding="utf8")
    for name, text in {**in_readme, **in_files}.items():
        assert (BENCHMARKS / name).read_text(encoding="utf8") == f"{text}\n"
    assert all(text in readme for text in in_readme.values())
