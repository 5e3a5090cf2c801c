import sys
from pathlib import Path

import pytest
from spacy import util
from typer.testing import CliRunner

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import name_lists  # noqa: E402


def test_names_are_distinct_and_start_with_a_latin_letter():
    given = ["Ann  Lee", "Ann Lee", "X", None, "Łódź", "1st", "Москва", "-Ann", ""]
    assert name_lists.clean(given) == ["Ann Lee", "Łódź"]


def test_companies_are_known_without_their_legal_form():
    assert list(name_lists.company_names("Apple Inc. (Class A)")) == ["Apple Inc.", "Apple"]
    assert list(name_lists.company_names("A & Co. Ltd")) == ["A & Co. Ltd", "A & Co.", "A"]
    assert list(name_lists.company_names("Costco")) == ["Costco"]


def test_common_words_are_left_out():
    log_probabilities = {"price": -8.0, "Price": -9.0, "rose": -7.0, "Rose": -6.0, "zebu": -18.0}

    def kept(n_common):
        names = ["Price", "Rose", "Price Hall", "Zebu", "Quinn"]
        return name_lists.drop_common_words(names, log_probabilities, n_common)

    assert kept(2) == ["Rose", "Price Hall", "Zebu", "Quinn"]
    assert kept(99) == ["Rose", "Price Hall", "Quinn"]  # there are not so many words


def test_the_config_can_be_trained_with_the_lists(tmp_path):
    path = tmp_path / "PER.txt"
    path.write_text("Ann Lee\n", encoding="utf8")
    name_lists.with_lists({"PER": path}).to_disk(tmp_path / "lists.cfg", interpolate=False)
    nlp = util.load_model_from_config(util.load_config(tmp_path / "lists.cfg").interpolate())
    assert nlp.pipe_names == ["span_ruler", "window_ner"]
    key = nlp.get_pipe("window_ner").model.get_ref("hidden").layers[-1].attrs["spans_key"]
    patterns = util.registry.resolve(nlp.config["initialize"]["components"]["span_ruler"])
    ruler = nlp.get_pipe("span_ruler")
    ruler.add_patterns(patterns["patterns"])
    doc = ruler(nlp.make_doc("Ann Lee"))
    assert [(span.text, span.label_) for span in doc.spans[key]] == [("Ann Lee", "PER")]
    assert nlp.config["training"]["annotating_components"] == ["span_ruler"]


def test_missing_packages_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(name_lists, "PACKAGES", ("spacy", "no_such_package"))
    outcome = CliRunner().invoke(name_lists.app, [str(tmp_path)])
    assert outcome.exit_code == 1
    assert "pip install no-such-package" in " ".join(outcome.output.split())
    assert not list(tmp_path.iterdir())


def test_lists_are_written(tmp_path):
    for package in name_lists.PACKAGES:
        pytest.importorskip(package, reason="the packages of the lists are not in any extra")
    outcome = CliRunner().invoke(name_lists.app, [str(tmp_path)])
    assert outcome.exit_code == 0, outcome.output
    lists = {path.stem: path.read_text(encoding="utf8").split("\n") for path in tmp_path.glob("*t")}
    expected = {
        "FIRST": ("Samuel", "Will"),
        "LAST": ("McDonald", "Price"),
        "CITY": ("New York City", "Reading"),
        "COUNTRY": ("Portugal", "Hilton"),
        "REGION": ("Ohio", "Hilton"),
        "NATION": ("Portuguese", "Hilton"),
        "ORG": ("Apple", "Hilton Hotel"),
    }
    assert set(lists) == set(expected)
    for label, (present, absent) in expected.items():
        assert present in lists[label]
        assert absent not in lists[label]
