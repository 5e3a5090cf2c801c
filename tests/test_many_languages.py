"""From the data of many languages to scores beside other pipelines, and to the card."""

import sys
from pathlib import Path

import numpy as np
import pytest
import spacy
import srsly

from .pipelines import copy_of, ner_of, shared

SCRIPTS = Path(__file__).parents[1] / "models" / "scripts"
TEXTS = {
    "da": ("Danish-DDT", ["Samuel Quinn rejste til Paris .", "Han er i Paris hos Nokia ."]),
    "hu": ("NYTK-NerKor", ["Samuel Quinn Paris városban van .", "Paris és Nokia ."]),
}
NAMES = {"Samuel Quinn": "PER", "Paris": "LOC", "Nokia": "ORG"}


@pytest.fixture
def scripts(monkeypatch):
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield {
        name: __import__(name)
        for name in ("train_alone", "evaluate_many", "card_many", "prepare_many")
    }
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(SCRIPTS)):
            sys.modules.pop(name)


def annotated(nlp, text):
    doc = nlp(text)
    doc.ents = [
        doc.char_span(text.index(name), text.index(name) + len(name), label)
        for name, label in NAMES.items()
        if name in text
    ]
    return doc


@pytest.fixture
def corpus(scripts, tmp_path):
    """What `prepare_many.py` writes, as far as it is read."""
    nlp, folder = spacy.blank("xx"), tmp_path / "many"
    sizes = []
    for lang, (name, texts) in TEXTS.items():
        docs = [annotated(nlp, text) for text in texts]
        corpus = next(one for one in scripts["prepare_many"].CORPORA if one.name == name)
        for part in ("train", "dev"):
            scripts["prepare_many"].write(folder / "languages" / f"{lang}-{part}.spacy", docs)
        file = scripts["prepare_many"].file_name(corpus)
        scripts["prepare_many"].write(folder / "tests" / f"{file}.spacy", docs)
        sizes.append({"name": name, "lang": lang, "train": [2, 9, 4]})
    srsly.write_json(folder / "sizes.json", sizes)
    nlp.tokenizer.add_special_case("ABC", [{"ORTH": letter} for letter in "ABC"])
    nlp.to_disk(folder / "tokenizer")
    return folder


def test_scores_beside_others_and_card(scripts, corpus, tmp_path, monkeypatch):
    train, languages = scripts["train_alone"].main, scripts["card_many"].LANGUAGES
    train(corpus, tmp_path / "alone", lang=["da"], steps=2, evaluations=1)
    trained = tmp_path / "alone" / "da" / "model-best"
    alone = spacy.load(trained)
    assert alone.pipe_names == ["window_ner"]
    assert len(alone.make_doc("ABC")) == 3
    checksum = trained / "window_ner" / "checksum"
    time = checksum.stat().st_mtime_ns
    train(corpus, tmp_path / "alone", lang=["da"], steps=2, evaluations=1)
    assert checksum.stat().st_mtime_ns == time
    train(corpus, tmp_path / "spacy", ner=True, steps=2, evaluations=1)
    assert [path.name for path in sorted((tmp_path / "spacy").iterdir())] == [
        "config.cfg",
        "da",
        "hu",
    ]
    assert spacy.load(tmp_path / "spacy" / "hu" / "model-best").pipe_names[-1] == "ner"

    for least in ("LEAST_OF_WORDS", "LEAST_OF_AFFIXES"):  # all words of this network are rare
        monkeypatch.setattr(scripts["card_many"], least, 1)
    model, scores = tmp_path / "model", tmp_path / "scores.json"
    own = copy_of(shared())
    own.vocab.strings.add("Xyzzy")
    own.to_disk(model)
    others = [tmp_path / "alone", tmp_path / "spacy"]
    scripts["evaluate_many"].main(model, corpus, scores, others)
    systems = srsly.read_json(scores)["systems"]
    assert {name: set(of) for name, of in systems.items()} == {
        "window_ner": {"Danish-DDT", "da", "NYTK-NerKor", "hu"},
        "alone": {"Danish-DDT", "da"},
        "spacy": {"Danish-DDT", "da", "NYTK-NerKor", "hu"},
    }
    monkeypatch.setattr(
        scripts["card_many"], "LANGUAGES", {lang: languages[lang] for lang in TEXTS}
    )
    scripts["card_many"].main(model, scores, tmp_path / "out")
    nlp = spacy.load(tmp_path / "out")
    assert set(nlp.meta["performance"]["languages"]) == set(TEXTS)
    assert "Xyzzy" not in nlp.vocab.strings
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf8")
    assert "Danish (0.0), Hungarian (0.0)." in card


def test_rare_words_and_affixes_are_unknown(scripts):
    network = ner_of(copy_of(shared())).model
    nodes = [node for node in network.walk() if node.attrs.get("known")]
    before = [np.frombuffer(node.attrs["counts"], dtype="<u4") for node in nodes]
    assert all((counts < 3).any() for counts in before if len(counts) > 10)
    scripts["card_many"].forget_rare(network)
    for node, counts in zip(nodes, before, strict=True):
        after = np.frombuffer(node.attrs["counts"], dtype="<u4")
        kept = counts[counts >= (2 if node.name == "embed_NORM" else 3)]
        assert after.tolist() == kept.tolist()
        assert len(node.attrs["known"]) == 8 * len(after)
