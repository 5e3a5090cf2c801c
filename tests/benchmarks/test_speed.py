import importlib.util
import os
import random
import sys
from itertools import chain, count
from pathlib import Path

import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_window_ner import component

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import speed  # noqa: E402
from data import InputError  # noqa: E402

CONFIG = ROOT / "configs" / "efficiency.cfg"
ONE_THREAD = dict.fromkeys(speed.THREAD_VARIABLES, "1")
WORDS = st.lists(st.sampled_from(["a", "Bonn", '"', "(", ")", ",", ".", "n't", "'s", "$", "5"]))


def ticking():
    ticks = count()
    return lambda: float(next(ticks))


# text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("Ada saw Bonn .", "Ada saw Bonn."),
        ("Ada ( 5 ) did n't , she said .", "Ada (5) didn't, she said."),
        ('" Yes , " said Ada \'s son , " in Bonn " .', '"Yes," said Ada\'s son, "in Bonn".'),
        ("$ 5 , 10 %", "$5, 10%"),
    ],
)
def test_spaces_as_english_has_them(words, text):
    assert str(speed.put_spaces(words.split())) == text


@given(WORDS)
def test_spaces_keep_the_words(words):
    text = speed.put_spaces(words)
    assert text.words == tuple(words)
    assert str(text).replace(" ", "") == "".join(words)
    assert not str(text).endswith(" ")
    doc = text.doc(Vocab())
    assert [token.text for token in doc] == words
    assert doc.text == str(text)


@given(WORDS, st.integers(1, 5))
def test_cut_into_documents_of_one_length(words, length):
    texts = speed.cut(words, length)
    assert list(chain.from_iterable(text.words for text in texts)) == words
    assert all(len(text) == length for text in texts[:-1])
    assert speed.count(texts) == len(words)


# measuring


def test_jobs_take_turns_and_preparation_is_not_measured():
    clock = ticking()
    done = []

    def job(name, n_words, seconds):
        def prepare():
            clock()
            done.append(f"prepare {name}")
            return n_words, lambda: [done.append(name), *(clock() for _ in range(seconds - 1))]

        return prepare

    speeds = speed.take_turns({"slow": job("slow", 60, 6), "fast": job("fast", 60, 3)}, 2, clock)
    assert done == ["prepare slow", "slow", "prepare fast", "fast"] * 2
    assert speeds == {"slow": [10, 10], "fast": [20, 20]}


def test_summary_is_median_and_quartiles():
    summary = speed.summarize([50.0, 10.0, 30.0, 20.0, 40.0])
    assert summary == {"median": 30, "low": 20, "high": 40}


def test_time_of_an_inner_part_is_not_the_outers():
    clock = ticking()
    stopwatch = speed.Stopwatch(clock)
    inner = stopwatch.watch("inner", lambda: clock() and "result")
    with stopwatch.part("outer"):
        clock()
        assert inner() == "result"
        with pytest.raises(ZeroDivisionError), stopwatch.part("inner"):
            1 / 0  # noqa: B018
    # In ticks: 0 start, 2 enter, 4 leave, 5 enter, 6 leave, 7 end.
    assert stopwatch.seconds == {"outer": 4, "inner": 3}


def test_every_part_of_prediction_is_measured(ours):
    nlp = speed.load_ours(ours)
    before = component.WindowNER.set_annotations
    stopwatch = speed.Stopwatch(ticking())
    with speed.watching(stopwatch):
        assert component.WindowNER.set_annotations is not before
        speed.annotate(nlp, [Doc(nlp.vocab, words=["Ada", "saw", "Bonn", "Ada"])])
    assert component.WindowNER.set_annotations is before
    assert set(stopwatch.seconds) == set(speed.PARTS)
    assert min(stopwatch.seconds.values()) >= 1


def test_nothing_is_remembered_in_a_pipeline_that_has_just_been_loaded(ours):
    def products_of(nlp):
        return speed.network_of(nlp).attrs["cache"]

    nlp = speed.load_ours(ours)
    speed.annotate(nlp, [Doc(nlp.vocab, words=["Ada"])])
    assert products_of(speed.load_ours(ours)) is not products_of(nlp)


@pytest.mark.parametrize("shared", [False, True])
def test_token_vectors_that_are_listened_to_belong_to_the_component(shared):
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec")
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96, "upstream": "*"}
    model = {"model": {"tok2vec": listener}} if shared else {}
    nlp.add_pipe("ner", name="other_name", config=model)
    assert speed.component_of(nlp, "ner") == "other_name"
    assert speed.upstream_of(nlp, "other_name") == (["tok2vec"] if shared else [])


def test_memory_of_a_new_process():
    # A block of memory that is given back is the peak, and no more in use.
    assert speed.in_new_process(speed.memory_in_use) > 10
    speed.forget_peak()
    before = speed.memory_in_use()
    block = bytearray(b"x" * 50_000_000)
    del block
    assert speed.memory_in_use(peak=True) - before > 45
    speed.forget_peak()
    assert speed.memory_in_use(peak=True) - before < 45


def test_when_each_system_passes_the_best_of_the_other(tmp_path, monkeypatch):
    curves = {
        "window_ner": [{"seconds": 1.0, "f": 0.5}, {"seconds": 2.0, "f": 0.8}],
        "ner": [{"seconds": 9.0, "f": 0.7}, {"seconds": 10.0, "f": 0.6}],
    }
    monkeypatch.setattr(speed, "_training_curve", lambda config, output: curves[output.name])
    results = speed.time_to_best(dict.fromkeys(curves), tmp_path)
    assert results["window_ner"]["reached"]["seconds"] == 2
    assert results["ner"]["reached"] is None
    assert results["ner"]["best"]["seconds"] == 9


def test_script_starts_anew_for_another_number_of_threads(monkeypatch):
    started = []
    monkeypatch.setattr(os, "execve", lambda *args: started.append(args))
    for name in speed.THREAD_VARIABLES:
        monkeypatch.setenv(name, "2")
    speed.ensure_threads(2)
    assert not started
    speed.ensure_threads(1)
    ((_, arguments, environment),) = started
    assert arguments == [sys.executable, *sys.argv]
    assert {name: environment[name] for name in speed.THREAD_VARIABLES} == ONE_THREAD


# the whole


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    rng = random.Random(0)
    for name, size in (("train", 60), ("dev", 20)):
        lines = []
        for _ in range(size):
            first, place = rng.choice(("Ada", "Bert", "Cleo")), rng.choice(("Paris", "Bonn"))
            lines += [f"{first}\tB-PER", "saw\tO", f"{place}\tB-LOC", ".\tO", ""]
        (folder / f"{name}.conll").write_text("\n".join(lines), encoding="utf8")
    return folder


def save(factory, path):
    nlp = spacy.blank("en")
    nlp.add_pipe(factory)
    annotation = {"entities": [(0, 3, "PER"), (8, 12, "LOC")]}
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc("Ada saw Bonn"), annotation)])
    nlp.to_disk(path)
    return path


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    return save("ner", tmp_path_factory.mktemp("peer"))


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return save("window_ner", tmp_path_factory.mktemp("ours"))


def run(*args):
    return CliRunner().invoke(speed.app, [str(arg) for arg in args], env=ONE_THREAD)


def test_everything_on_a_small_corpus(tmp_path, corpus, peer, monkeypatch):
    monkeypatch.setattr(speed, "in_new_process", lambda function, *args: function(*args))
    steps = ("--set", "training.eval_frequency=10", "--max-steps", 20)
    peer_steps = ("--peer-set", "training.max_steps=4", "--peer-set", "training.eval_frequency=2")
    size = ("--growth-words", 1000, "--growth-documents", 100, "--repeats", 1)
    folders = ["--work", tmp_path / "work", "--output", tmp_path]
    draws = importlib.util.find_spec("matplotlib") is not None  # an extra
    if draws:
        folders += ["--figure", tmp_path / "a.svg"]
    outcome = run(
        *(corpus, "--config", CONFIG, "--peer", peer, "--time-to-best"),
        *(*steps, *peer_steps, *size, *folders),
    )
    assert outcome.exit_code == 0, outcome.output
    if draws:
        assert (tmp_path / "a.svg").read_text(encoding="utf8").rstrip().endswith("</svg>")
    (path,) = tmp_path.glob("*.json")
    results = srsly.read_json(path)
    assert results["name"] == path.stem
    assert results["words"] == 80
    assert results["documents"] == 20
    assert {name for name in results["speed"] if "tokenizer" not in name} == {
        *("window_ner, cold", "window_ner, warm", "window_ner, again", "ner")
    }
    assert min(values["median"] for values in results["speed"].values()) > 0
    assert [row["documents"] for row in results["growth"]["lengths"]] == [10, 1]
    assert [row["documents"] for row in results["growth"]["counts"]] == [100]
    for system in ("window_ner", "ner"):
        assert results["training"][system]["median"] > 0
        latency = results["latency"][system]
        assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"]
        assert 0 < results["loading"][system]["disk_megabytes"] < 20
    assert [point["step"] for point in results["time_to_best"]["ner"]["curve"]] == [0, 2, 4]
    for parts in results["parts"].values():
        assert set(parts) == {*speed.PARTS, speed.REST, "floor"}
        assert parts["floor"] > 0
    figures = {name: figure for name, figure, *_ in results["targets"]}
    assert figures["speed, warm, against ner"] == pytest.approx(
        results["speed"]["window_ner, warm"]["median"] / results["speed"]["ner"]["median"]
    )
    assert "one document of 1,000 words, memory above it, MB" in figures
    for name in figures:
        assert name in outcome.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--peer", "absent_package"), "The pipeline absent_package cannot be loaded"),
        (("--model", "absent_folder"), "The pipeline absent_folder cannot be loaded"),
        (("--set", "training.nope=1"), "no setting training.nope"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, corpus, peer, options, message):
    outcome = run(corpus, "--peer", peer, *options, "--work", tmp_path)
    assert outcome.exit_code == 1
    assert message in " ".join(outcome.output.split())
    assert "Traceback" not in outcome.output


def test_a_pipeline_without_the_component(peer):
    with pytest.raises(InputError, match="has no window_ner; it has ner"):
        speed.load_ours(peer)
