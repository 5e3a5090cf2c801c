import sys
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc

from spacy_window_ner import component

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from data import InputError  # noqa: E402
from speed_parts import parts, pipelines, processes, training, turns  # noqa: E402


def test_jobs_take_turns_and_preparation_is_not_measured(clock):
    done = []

    def job(name, n_words, seconds):
        def prepare():
            clock()
            done.append(f"prepare {name}")
            return n_words, lambda: [done.append(name), *(clock() for _ in range(seconds - 1))]

        return prepare

    speeds = turns.take_turns({"slow": job("slow", 60, 6), "fast": job("fast", 60, 3)}, 2, clock)
    assert done == ["prepare slow", "slow", "prepare fast", "fast"] * 2
    assert speeds == {"slow": [10, 10], "fast": [20, 20]}


def test_summary_is_median_and_quartiles():
    summary = turns.summarize([50.0, 10.0, 30.0, 20.0, 40.0])
    assert summary == {"median": 30, "low": 20, "high": 40}


def test_time_of_an_inner_part_is_not_the_outers(clock):
    stopwatch = parts.Stopwatch(clock)
    inner = stopwatch.watch("inner", lambda: clock() and "result")
    with stopwatch.part("outer"):
        clock()
        assert inner() == "result"
        with pytest.raises(ZeroDivisionError), stopwatch.part("inner"):
            1 / 0  # noqa: B018
    # In ticks: 0 start, 2 enter, 4 leave, 5 enter, 6 leave, 7 end.
    assert stopwatch.seconds == {"outer": 4, "inner": 3}


def test_every_part_of_prediction_is_measured(ours, clock):
    nlp = pipelines.load_ours(ours)
    before = component.WindowNER.set_annotations
    stopwatch = parts.Stopwatch(clock)
    with parts.watching(stopwatch):
        assert component.WindowNER.set_annotations is not before
        pipelines.annotate(nlp, [Doc(nlp.vocab, words=["Ada", "saw", "Bonn", "Ada"])])
    assert component.WindowNER.set_annotations is before
    assert set(stopwatch.seconds) == set(parts.PARTS)
    assert min(stopwatch.seconds.values()) >= 1


def test_vectors_of_new_lexemes_count_for_looking_lexemes_up(ours, clock):
    nlp = pipelines.load_ours(ours)
    stopwatch, open_parts = parts.Stopwatch(clock), []
    [embed] = nlp.get_pipe("window_ner").model.get_ref("tok2vec").layers
    forward = embed._func

    def noticed(*args, **kwargs):
        open_parts.append(stopwatch._open[-1])
        return forward(*args, **kwargs)

    embed._func = noticed
    with parts.watching(stopwatch):
        pipelines.annotate(nlp, [Doc(nlp.vocab, words=["Ada", "saw", "Bonn", "Ada"])])
    assert open_parts == ["lexemes: look up, products"]


def test_nothing_is_remembered_in_a_pipeline_that_has_just_been_loaded(ours):
    def products_of(nlp):
        return pipelines.network_of(nlp).attrs["cache"]

    nlp = pipelines.load_ours(ours)
    pipelines.annotate(nlp, [Doc(nlp.vocab, words=["Ada"])])
    assert products_of(pipelines.load_ours(ours)) is not products_of(nlp)


@pytest.mark.parametrize("shared", [False, True])
def test_token_vectors_that_are_listened_to_belong_to_the_component(shared):
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec")
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96, "upstream": "*"}
    model = {"model": {"tok2vec": listener}} if shared else {}
    nlp.add_pipe("ner", name="other_name", config=model)
    assert pipelines.component_of(nlp, "ner") == "other_name"
    assert pipelines.upstream_of(nlp, "other_name") == (["tok2vec"] if shared else [])


def test_memory_of_a_new_process():
    # A block of memory that is given back is the peak, and no more in use.
    assert processes.in_new_process(processes.memory_in_use) > 10
    processes.forget_peak()
    before = processes.memory_in_use()
    block = bytearray(b"x" * 50_000_000)
    del block
    assert processes.memory_in_use(peak=True) - before > 45
    processes.forget_peak()
    assert processes.memory_in_use(peak=True) - before < 45


def test_when_each_system_passes_the_best_of_the_other(tmp_path, monkeypatch):
    curves = {
        "window_ner": [{"seconds": 1.0, "f": 0.5}, {"seconds": 2.0, "f": 0.8}],
        "ner": [{"seconds": 9.0, "f": 0.7}, {"seconds": 10.0, "f": 0.6}],
    }
    monkeypatch.setattr(training, "_training_curve", lambda config, output: curves[output.name])
    results = training.time_to_best(dict.fromkeys(curves), tmp_path)
    assert results["window_ner"]["reached"]["seconds"] == 2
    assert results["ner"]["reached"] is None
    assert results["ner"]["best"]["seconds"] == 9


def test_a_pipeline_without_the_component(peer):
    with pytest.raises(InputError, match="has no window_ner; it has ner"):
        pipelines.load_ours(peer)
