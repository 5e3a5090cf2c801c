import sys
from collections import Counter
from pathlib import Path

import spacy
from typer.testing import CliRunner

from spacy_window_ner.inspect.review import Suspect
from tests.pipelines import corpus, make_examples

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import review  # noqa: E402

CONFIG = ROOT / "configs" / "efficiency.cfg"


def documents():
    return [example.reference for example in make_examples(spacy.blank("en"), corpus(40))]


def entities(docs):
    return [{(e.start_char, e.end_char, e.label_) for e in doc.ents} for doc in docs]


def test_damage():
    docs = documents()
    before, done = entities(docs), review.damage(docs, 0.2, seed=0)
    after = entities(docs)
    assert Counter(one.kind for one in done) == dict.fromkeys(review.DAMAGE, 4)
    for one in done:
        assert (one.before is None) == (one.kind == "invented")
        assert (one.after is None) == (one.kind == "dropped")
        if one.before is not None:
            assert one.before in before[one.document]
            assert one.before not in after[one.document]
        if one.after is not None:
            assert one.after in after[one.document]
            assert one.after not in before[one.document]
        if one.kind == "label":
            assert one.before[:2] == one.after[:2]
    changed = {i for i in range(len(docs)) if before[i] != after[i]}
    assert changed == {one.document for one in done}
    again = documents()
    assert review.damage(again, 0.2, seed=0) == done
    assert review.damage(documents(), 0.2, seed=1) != done


def test_what_counts_as_found():
    def suspect(document, annotated, instead):
        return Suspect(document, "", annotated, instead, 0.1, 0.9, 1.0)

    label = review.Damage(3, "label", (0, 3, "PER"), (0, 3, "LOC"))
    assert label.is_found_in(suspect(3, (0, 3, "LOC"), None))
    assert not label.is_found_in(suspect(2, (0, 3, "LOC"), None))
    assert not label.is_found_in(suspect(3, (4, 5, "LOC"), (0, 3, "PER")))
    dropped = review.Damage(3, "dropped", (4, 9, "PER"), None)
    assert dropped.is_found_in(suspect(3, None, (6, 12, "LOC")))
    assert not dropped.is_found_in(suspect(3, None, (0, 4, "PER")))
    assert not dropped.is_found_in(suspect(3, (4, 9, "LOC"), None))


def test_the_table(data, tmp_path):
    steps = ["--set", "training.max_steps=10", "--set", "training.eval_frequency=10"]
    arguments = [data / "places", "--config", CONFIG, "--share", "0.2", "--folds", "2", *steps]
    outcome = CliRunner().invoke(review.app, [*map(str, arguments), "--work", str(tmp_path / "w")])
    assert outcome.exit_code == 0, outcome.output
    assert "4 of 20 entities damaged" in outcome.output
    assert outcome.output.count("first ") == len(review.FIRST)
    outcome = CliRunner().invoke(review.app, [str(tmp_path / "none"), "--config", str(CONFIG)])
    assert outcome.exit_code == 1
    assert "There is no folder" in outcome.output
