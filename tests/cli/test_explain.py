"""`python -m spacy window-ner explain`."""

import pytest
import srsly
from typer.testing import CliRunner

from spacy_window_ner.cli import app

TEXT = "Paris Hilton met Samuel Quinn in Paris."


def run(*args: object) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["explain", *map(str, args)])
    return outcome.exit_code, " ".join(outcome.output.split())


def test_entities(model, tmp_path):
    code, printed = run(model, TEXT, "--json", tmp_path / "facts.json")
    assert code == 0, printed
    for text in ("Paris Hilton: PER", "Paris: LOC", "An entity, probability ", "the word before: "):
        assert text in printed
    assert printed.count("Evidence for") == 3
    assert "Contributions" not in printed
    ents = ["Paris Hilton", "Samuel Quinn", "Paris"]
    facts = srsly.read_json(tmp_path / "facts.json")
    assert facts["text"] == TEXT
    assert [one["text"] for one in facts["entities"]] == ents
    for one in facts["entities"]:
        total = sum(x["total"] for x in [*one["words"], *one["transitions"]])
        assert total == pytest.approx(one["log_odds"] - one["baseline"], rel=0.01)
        assert set(one["words"][0]["parts"]) == {"NORM", "PREFIX", "SUFFIX", "SHAPE"}


def test_numbers(model):
    code, printed = run(model, TEXT, "--numbers")
    assert code == 0, printed
    assert printed.count("Contributions add up to") == 3
    assert "other transitions" in printed


def test_spans(model, tmp_path):
    code, printed = run(model, TEXT, "--span", "Paris", "--label", "PER")
    assert code == 0, printed
    assert printed.count("Paris: PER") == 2
    assert printed.count("Not an entity, probability 0.0") == 2
    code, printed = run(model, TEXT, "--start", "13", "--end", "16")
    assert code == 0, printed
    assert "met: " in printed
    outcome = CliRunner().invoke(app, ["explain", str(model), TEXT, "--json", "-"])
    assert len(srsly.json_loads(outcome.stdout)["entities"]) == 3


def test_a_page(model, tmp_path):
    output = tmp_path / "new" / "why.html"
    code, printed = run(model, TEXT, "--output", output)
    assert code == 0, printed
    assert f"Saved the explanation: {output}" in printed.replace("\n", "")
    page = output.read_text(encoding="utf8")
    assert page.count("Contributions add up to") == 3
    assert f"Pipeline: {'/'.join(model.parts[-2:])}." in page
    # What is printed to be read by a program has nothing else around it.
    outcome = CliRunner().invoke(
        app, ["explain", str(model), TEXT, "--json", "-", "--output", str(output)]
    )
    assert len(srsly.json_loads(outcome.stdout)["entities"]) == 3


def test_files_that_cannot_be_written(model, tmp_path):
    code, printed = run(model, TEXT, "--output", tmp_path)
    assert code == 1
    assert "Cannot write to" in printed
    same = tmp_path / "same"
    code, printed = run(model, TEXT, "--output", same, "--json", same)
    assert code == 1
    assert "--output and --json are the same file" in printed
    assert list(tmp_path.iterdir()) == []


def test_no_entities(model):
    code, printed = run(model, "nothing there")
    assert (code, printed) == (
        0,
        "No entities found. To see why some words are not an entity, use --span.",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--span", "Oslo"], "The text does not contain the words 'Oslo'"),
        (
            ["--span", "amuel"],
            "'amuel' (characters 18 to 23) does not start and end at word boundaries",
        ),
        (["--span", "Quinn", "--label", "ORG"], "no label 'ORG'"),
        (["--label", "PER"], "--label needs a span"),
        (["--start", "3"], "--start and --end must be given together"),
        (["--span", "Quinn", "--end", "3"], "either --span, or"),
        (["--start", "5", "--end", "900"], "does not start and end at word boundaries"),
        (["--name", "ner"], "no window_ner component named 'ner'"),
    ],
)
def test_wrong_arguments(model, arguments, message):
    code, printed = run(model, TEXT, *arguments)
    assert code == 1
    assert message in printed
