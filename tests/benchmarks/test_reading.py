import sys
from pathlib import Path

import spacy
import srsly
from spacy.tokens import Doc, Span
from typer.testing import CliRunner

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import reading  # noqa: E402

from spacy_window_ner import __version__  # noqa: E402

NLP = spacy.blank("en")


def sentence(*words: str) -> Doc:
    doc = Doc(NLP.vocab, words=words, sent_starts=[True] + [False] * (len(words) - 1))
    doc.set_ents([Span(doc, len(words) - 1, len(words), label="LOC")])
    return doc


def test_sentences_are_joined_in_tens_and_cut_again():
    sentences = [sentence("in", f"Town{i}") for i in range(23)]
    joined = reading.to_documents(sentences)
    assert [len(list(doc.sents)) for doc in joined] == [10, 10, 3]
    assert joined[2].text.startswith("in Town20")
    cut = reading.to_sentences(joined)
    assert [doc.ents[0].text for doc in cut] == [f"Town{i}" for i in range(23)]
    assert reading.to_documents(joined) == joined  # documents are not joined


def test_lower_case_keeps_the_entities_where_they_are():
    doc = sentence("In", "Bonn")
    copied = reading._copy(NLP.vocab, doc, given=True, lower=True)
    assert (copied.text, len(doc.text)) == ("in bonn ", len(copied.text))
    assert [token.is_sent_start for token in copied] == [True, False]
    assert not copied.ents


def run(data: Path, *options: str) -> str:
    steps = ("--set", "training.max_steps=2", "--set", "training.eval_frequency=2")
    folders = ("--work", data.parent / "work", "--output", data.parent / "out")
    command = [data, "--corpus", "places", "--preset", "efficiency", "--seeds", 1]
    outcome = CliRunner().invoke(
        reading.app, [str(x) for x in (*command, *steps, *folders, *options)]
    )
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


def test_each_way_to_train_reads_in_each_way(data):
    output = run(data)
    results = list(srsly.read_jsonl(data.parent / "out" / "results.jsonl"))
    assert [result["variant"] for result in results] == list(reading.TRAINED)
    for result in results:
        assert set(result["dev"]) == set(result["test"]) == set(reading.READ)
        f1 = [f"{100 * result['test'][way]['f']:.1f}" for way in reading.READ]
        row = [__version__, "efficiency", "places", "test", result["variant"], *f1]
        assert f"| {' | '.join(row)} |" in output


def test_an_unknown_way_is_an_error(data):
    outcome = CliRunner().invoke(
        reading.app, [str(data), "--corpus", "places", "--trained", "otherwise"]
    )
    assert outcome.exit_code == 1
    assert "no otherwise; there is sentences" in outcome.output
