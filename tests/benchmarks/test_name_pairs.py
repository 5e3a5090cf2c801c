import sys
from pathlib import Path

import pytest
import spacy
from typer.testing import CliRunner

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import name_pairs  # noqa: E402

from spacy_window_ner.mentions.database import reading  # noqa: E402
from spacy_window_ner.mentions.indexing import index  # noqa: E402

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database of three texts."""
    nlp = spacy.blank("en")
    names = {"PER": ["Samuel Quinn", "Quinn", "Anna Berg"], "ORG": ["The Norvik", "NORVIK"]}
    nlp.add_pipe("entity_ruler").add_patterns(
        [{"label": label, "pattern": name} for label, of in names.items() for name in of]
    )
    (tmp_path / "texts.txt").write_text(
        "Samuel Quinn met Anna Berg. Quinn left The Norvik.\nNORVIK closed.\nQuinn came back.\n"
    )
    index(nlp, [tmp_path / "texts.txt"], tmp_path / "names.db")
    return tmp_path / "names.db"


@pytest.mark.parametrize(
    ("name", "number"),
    [("name_pairs.txt", 100), ("name_pairs_annotated.txt", 90), ("name_pairs_fresh.txt", 130)],
)
def test_the_pairs_can_be_read(name, number):
    pairs = name_pairs.read_pairs(DATA / name)
    assert len(pairs) == number
    assert 0 < sum(pair.same for pair in pairs) < number


def test_databases_of_corpora(data, tmp_path):
    run("database", data, tmp_path / "names.db", "places", "places:dev")
    with reading(tmp_path / "names.db") as connection:
        sources = [row[0] for row in connection.execute("SELECT path FROM sources ORDER BY id")]
        assert [Path(path).stem for path in sources] == [
            "places-train",
            "places-dev",
            "places-test",
        ]
        found = connection.execute("SELECT COUNT(*), MIN(label) FROM mentions").fetchone()
        assert found[0] > 0 and found[1] == "LOC"
    nlp = spacy.blank("en")
    nlp.to_disk(tmp_path / "pipeline")
    options = ["--pipeline", tmp_path / "pipeline"]
    run("database", data, tmp_path / "empty.db", "places:dev", *options)
    with reading(tmp_path / "empty.db") as connection:
        assert connection.execute("SELECT COUNT(*) FROM mentions").fetchone()[0] == 0
        assert connection.execute("SELECT COUNT(*) FROM documents").fetchone()[0] > 0


@pytest.mark.parametrize("line", ["?\ta\tPER\t[a]\t[b]", "yes\ta\tPER\t[a]", "no\ta\tPER\t[a]\tb"])
def test_a_wrong_line(tmp_path, line):
    (tmp_path / "pairs.txt").write_text(f"# comment\n{line}\n")
    with pytest.raises(ValueError, match="Line 2 of"):
        name_pairs.read_pairs(tmp_path / "pairs.txt")


def run(*arguments) -> str:
    outcome = CliRunner().invoke(name_pairs.app, list(map(str, arguments)))
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


def test_pairs_are_drawn_and_judged(database, tmp_path):
    lines = run("draw", database).splitlines()
    assert len(lines) == 2  # Quinn in another text has the same form
    assert all(line.startswith("?\t") for line in lines)
    assert any("[Samuel Quinn] met" in line and "[Quinn] left" in line for line in lines)
    assert any("[NORVIK] closed" in line and "[The Norvik]." in line for line in lines)
    right = [line.replace("?", "yes", 1) for line in lines]
    wrong = "no\tquinn\tPER\t[Samuel Quinn] met\tQuinn left The [Norvik]."
    apart = "yes\tquinn\tPER\t[Samuel Quinn] met\t[Quinn] came"
    (tmp_path / "pairs.txt").write_text("\n".join([*right, wrong, apart, right[0][:-1]]))
    printed = " ".join(run("judge", database, tmp_path / "pairs.txt").split())
    assert "3 of 3 pairs together are of one name (precision 1.000)" in printed
    assert "3 of 4 of one name are together (recall 0.750)" in printed
    assert "same name, apart: [Samuel Quinn] met | [Quinn] came" in printed
    assert "1 pairs are not in the database" in printed
    (tmp_path / "pairs.txt").write_text(right[0].replace("yes", "no", 1))
    assert "precision 0.000" in run("judge", database, tmp_path / "pairs.txt")
