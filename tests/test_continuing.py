"""Training that goes on, and what spaCy's training loop can do with `window_ner`."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_loop
from spacy.util import (
    fix_random_seed,
    load_config_from_str,
    load_model_from_config,
    set_dot_to_object,
)
from thinc.api import SGD, Adam, RAdam, constant, constant_then, cyclic_triangular, warmup_linear

from spacy_window_ner.training.schedules import skip_idle_warmup

from .pipelines import (
    OBJECTIVES,
    SENTENCES,
    blank,
    copy_of,
    corpus,
    entities,
    make_examples,
    marked_entities,
    ner_of,
    predictions,
    read_marked,
    save_corpus,
    shared,
    small_model,
    texts_of,
    train,
    trained,
    weights,
)

GOLD = [marked_entities(sentence) for sentence in SENTENCES]
OTHER = [
    "The [TOOL iron hammer] lay on the table.",
    "Hand me a [TOOL saw] and the [TOOL iron hammer].",
    "A [TOOL saw] lay there.",
]


def raw(nlp: Language, sentences: Iterable[str] = SENTENCES) -> list[Example]:
    """Examples without annotation."""
    return [Example(nlp.make_doc(t), nlp.make_doc(t)) for t in texts_of(sentences)]


# Missing annotation


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_missing_annotation_has_a_gradient_of_exactly_zero(objective: str):
    """A document without annotation, alone and beside one that has some."""
    nlp = trained(model=small_model(objective=objective), steps=2)
    ner, known, unknown = ner_of(nlp), make_examples(nlp)[:1], raw(nlp)[1:2]

    def gradients(examples: list[Example]) -> tuple[np.ndarray, np.ndarray]:
        scores = ner.model.predict([example.predicted for example in examples])
        _, d_scores = ner.get_loss(examples, scores)
        return d_scores.emissions, d_scores.transitions

    emissions, transitions = gradients(unknown)
    assert emissions.shape == (8, 13)
    assert not emissions.any()
    assert not transitions.any()
    emissions, transitions = gradients(known + unknown)
    expected, expected_transitions = gradients(known)
    assert expected.any()
    assert not emissions[len(known[0].predicted) :].any()
    np.testing.assert_allclose(emissions[: len(expected)], expected, atol=1e-5)
    np.testing.assert_allclose(transitions, expected_transitions, atol=1e-5)


def test_what_a_missing_token_is_makes_no_difference():
    """The gradient of all weights is the same, whatever the missing tokens were annotated with."""
    nlp = trained(steps=2)
    text = texts_of()[0]
    found = []
    for ents in (["B-PER", "L-PER", "O", *["-"] * 5], ["B-PER", "L-PER", "O", *["-"] * 5]):
        ner = ner_of(copy_of(nlp))
        example = Example.from_dict(nlp.make_doc(text), {"entities": ents})
        if found:
            # Only the tokens' annotation is looked at, not what else is known of them.
            for token in example.reference[3:]:
                token.ent_id_, token.ent_kb_id_ = "id", "Q1"
        ner.update([example])
        found.append([node.get_grad("b") for node in ner.model.walk() if node.has_grad("b")])
    assert found[0]
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


# Rehearsal


def forget(nlp: Language, rehearse: bool, sgd: Any = None) -> Language:
    """Teach a copy of a pipeline other sentences, with or without rehearsal."""
    nlp = copy_of(nlp)
    examples, texts = make_examples(nlp, OTHER), raw(nlp)
    sgd = nlp.resume_training(sgd=Adam(0.02) if sgd is None else sgd)
    for _ in range(40):
        nlp.update(examples, sgd=sgd)
        if rehearse:
            nlp.rehearse(texts, sgd=sgd)
    return nlp


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_rehearsal_keeps_what_was_known_while_other_text_is_learned(objective: str):
    nlp = shared(objective)
    forgetful, careful = forget(nlp, rehearse=False), forget(nlp, rehearse=True)
    for each in (forgetful, careful):
        found = [entities(doc) for doc in each.pipe(texts_of(OTHER))]
        assert found == [marked_entities(sentence) for sentence in OTHER]
    assert [entities(careful(text)) for text in texts_of()] == GOLD
    assert [entities(forgetful(text)) for text in texts_of()] != GOLD


@pytest.mark.parametrize(
    "make",
    [Adam, RAdam, SGD, partial(Adam, use_averages=True)],
    ids=["Adam", "RAdam", "SGD", "averages"],
)
def test_rehearsal_leads_back_with_every_optimizer(make: Callable):
    nlp = forget(shared(), rehearse=False)
    texts, sgd = raw(nlp), make(0.005)
    first = nlp.rehearse(texts)["window_ner"]
    for _ in range(10):
        last = nlp.rehearse(texts, sgd=sgd)["window_ner"]
    assert abs(last) < first  # the divergence is 0 up to rounding where nothing is left to say


def test_rehearsal_needs_a_beginning_and_uses_no_annotation():
    nlp = copy_of(shared())
    before = weights(nlp)
    assert nlp.rehearse(make_examples(nlp), sgd=Adam(0.1)) == {}  # resume_training was not called
    assert all((a == b).all() for a, b in zip(before, weights(nlp), strict=True))
    nlp.resume_training()
    train(nlp, make_examples(nlp, OTHER), 5)
    wrong = [
        Example.from_dict(nlp.make_doc(read_marked(s)[0]), {"entities": []}) for s in SENTENCES
    ]
    losses = [ner_of(nlp).rehearse(examples)["window_ner"] for examples in (raw(nlp), wrong)]
    assert losses[0] == losses[1] > 0
    assert ner_of(nlp).rehearse([]) == {}
    assert ner_of(nlp).rehearse(raw(nlp, [""])) == {}


def test_rehearsal_keeps_new_labels_from_the_places_of_old_ones():
    """What came later is not there in the reading that is rehearsed."""
    forgetful, careful = (forget(shared(), rehearse=rehearse) for rehearse in (False, True))
    labels = [
        {label for doc in nlp.pipe(texts_of()) for _, label in entities(doc)}
        for nlp in (forgetful, careful)
    ]
    assert "TOOL" in labels[0]
    assert labels[1] == {"DATE", "LOC", "PER"}


# The training loop

CONFIG = """
[nlp]
lang = "xx"
pipeline = ["tok2vec", "window_ner"]

[components]

[components.tok2vec]
factory = "tok2vec"

[components.tok2vec.model]
@architectures = "spacy.HashEmbedCNN.v2"
pretrained_vectors = null
width = 8
depth = 1
embed_size = 50
window_size = 1
maxout_pieces = 2
subword_features = true

[components.window_ner]
factory = "window_ner"

[components.window_ner.model]
@architectures = "spacy_window_ner.WindowClassifier.v2"
hidden_width = 16
window_size = 1

[components.window_ner.model.tok2vec]
@architectures = "spacy.Tok2VecListener.v1"
width = 8

[corpora]

[corpora.train]
@readers = "spacy.Corpus.v1"
path = null

[corpora.dev]
@readers = "spacy.Corpus.v1"
path = null

[training]
seed = 0
gpu_allocator = null
dropout = 0.1
max_steps = 6
eval_frequency = 3

[training.batcher]
@batchers = "spacy.batch_by_sequence.v1"
size = 8

[training.optimizer]
@optimizers = "Adam.v1"
learn_rate = 0.02

[training.logger]
@loggers = "tests.steps.v1"
"""


class Steps:
    """A logger that keeps the steps that training was evaluated at."""

    def __init__(self) -> None:
        self.evaluated: list[int] = []

    def __call__(self, nlp: Language, stdout: Any = None, stderr: Any = None) -> tuple:
        self.evaluated.clear()

        def log(info: dict[str, Any] | None) -> None:
            if info is not None:
                self.evaluated.append(info["step"])

        return log, lambda: None


steps = Steps()


@spacy.registry.loggers("tests.steps.v1")
def make_steps() -> Steps:
    return steps


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("corpus")
    return {
        "corpora.train.path": str(save_corpus(folder / "train.spacy", corpus(20))),
        "corpora.dev.path": str(save_corpus(folder / "dev.spacy", corpus(5))),
    }


Run = Callable[..., tuple[Language, Language]]


@pytest.fixture
def run(paths: dict[str, str], tmp_path: Path) -> Run:
    """Train by spaCy's loop: the pipeline before, and as trained last."""

    def train_by_loop(source: Path | None = None, **changes: Any) -> tuple[Language, Language]:
        config = load_config_from_str(CONFIG, paths)
        for name, value in changes.items():
            set_dot_to_object(config, name.replace("__", "."), value)
        if source is not None:
            config["components"] = {name: {"source": str(source)} for name in config["components"]}
        nlp = init_nlp(config)
        before, out = tmp_path / "before", tmp_path / "out"
        out.mkdir(exist_ok=True)
        nlp.to_disk(before)
        train_loop(nlp, out)
        return spacy.load(before), spacy.load(out / "model-last")

    return train_by_loop


@pytest.fixture(scope="module")
def earlier(paths: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that was trained before, saved."""
    fix_random_seed(0)
    nlp = load_model_from_config(load_config_from_str(CONFIG, paths), auto_fill=True)
    examples = make_examples(nlp, corpus(20))
    nlp.initialize(lambda: examples)
    train(nlp, examples, 10)
    path = tmp_path_factory.mktemp("earlier")
    nlp.to_disk(path)
    return path


def tables(nlp: Language) -> list[np.ndarray]:
    """The parameters of the `tok2vec` component."""
    model = nlp.get_pipe("tok2vec").model
    return [node.get_param(name) for node in model.walk() for name in node.param_names]


def equal(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all((a == b).all() for a, b in zip(first, second, strict=True))


def test_the_same_seed_trains_the_same_weights(run: Run):
    first, again, other = (run(training__seed=seed)[1] for seed in (1, 1, 2))
    assert equal(weights(first), weights(again))
    assert equal(tables(first), tables(again))
    assert not equal(weights(first), weights(other))


def test_a_frozen_component_keeps_its_weights(run: Run, earlier: Path):
    before, after = run(earlier, training__frozen_components=["window_ner"])
    assert equal(weights(before), weights(after))
    # Nobody has taught the shared vectors either, since nobody else listens to them.
    assert equal(tables(before), tables(after))
    before, after = run(earlier)
    assert not equal(weights(before), weights(after))
    assert not equal(tables(before), tables(after))


def test_it_learns_behind_a_frozen_tok2vec_that_annotates(run: Run, earlier: Path):
    before, after = run(
        earlier,
        training__frozen_components=["tok2vec"],
        training__annotating_components=["tok2vec"],
    )
    assert equal(tables(before), tables(after))
    assert not equal(weights(before), weights(after))
    assert after.meta["performance"]["ents_f"] == 1.0


class Watcher:
    """A component that learns nothing and keeps the entities that it sees in training."""

    is_trainable = True
    model = None

    def __init__(self) -> None:
        self.seen: list[list[tuple[str, str]]] = []

    def __call__(self, doc: Any) -> Any:
        return doc

    def update(self, examples: Iterable[Example], **options: Any) -> dict[str, float]:
        self.seen = [entities(example.predicted) for example in examples]
        return {}

    def finish_update(self, sgd: Any) -> None:
        """There is nothing to update."""


@Language.factory("tests_watcher")
def make_watcher(nlp: Language, name: str) -> Watcher:
    return Watcher()


@pytest.mark.parametrize("annotates", [True, False])
def test_the_next_component_sees_its_entities_in_training_on_demand(annotates: bool):
    nlp = copy_of(shared())
    watcher: Any = nlp.add_pipe("tests_watcher")
    examples = make_examples(nlp)
    nlp.update(examples, annotates=["window_ner"] if annotates else [], exclude=["window_ner"])
    assert watcher.seen == (GOLD if annotates else [[]] * len(GOLD))
    assert all(len(example.predicted.ents) == 0 for example in examples)


def test_accumulated_gradients_are_those_of_the_whole_batch(run: Run):
    """Without dropout, batches in parts lead to the same weights."""
    settings = {
        "training__dropout": 0.0,
        "training__optimizer": {"@optimizers": "SGD.v1", "learn_rate": 0.001},
    }
    _, whole = run(**settings)
    start, parts = run(**settings, training__accumulate_gradient=4)
    assert not equal(weights(start), weights(parts))
    for one, other in zip(weights(whole), weights(parts), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_training_stops_when_nothing_gets_better(run: Run):
    settings = {"training__max_steps": 0, "training__max_epochs": 0, "training__patience": 6}
    run(**settings, training__optimizer__learn_rate=0.0)
    assert steps.evaluated == [0, 3, 6]
    run(**settings, training__optimizer__learn_rate=0.02)
    assert len(steps.evaluated) > 3  # as long as it gets better, and 6 steps more


def test_averages_are_what_is_saved_and_evaluated(run: Run):
    optimizer = {"@optimizers": "Adam.v1", "learn_rate": 0.02, "use_averages": True}
    _, averaged = run(training__optimizer=optimizer)
    _, plain = run()
    assert not equal(weights(averaged), weights(plain))


def test_a_loaded_model_is_trained_further_by_the_loop(run: Run, earlier: Path):
    """A config that takes its components from a trained pipeline."""
    before, after = run(earlier)
    assert equal(weights(before), weights(spacy.load(earlier)))
    assert not equal(weights(before), weights(after))
    assert after.meta["performance"]["ents_f"] == 1.0


def test_resuming_needs_no_examples_and_keeps_the_predictions():
    nlp = copy_of(shared())
    before = predictions(nlp, texts_of())
    nlp.resume_training()
    assert predictions(nlp, texts_of()) == before
    fix_random_seed(0)
    new = blank()
    examples = make_examples(new)
    new.initialize(lambda: examples)
    assert ner_of(new)._rehearsal_model is None


# Schedules of the learning rate

WARMUP = {
    "@optimizers": "Adam.v1",
    "learn_rate": {
        "@schedules": "warmup_linear.v1",
        "initial_rate": 0.02,
        "warmup_steps": 50,
        "total_steps": 100,
    },
}


@pytest.mark.parametrize("resume", [True, False], ids=["resume_training", "initialize"])
@pytest.mark.parametrize("is_given", [True, False], ids=["sgd given", "sgd of the pipeline"])
def test_a_loop_that_steps_no_schedule_learns(resume: bool, is_given: bool):
    nlp = copy_of(shared()) if resume else blank()
    nlp.config["training"]["optimizer"] = WARMUP
    examples = make_examples(nlp, OTHER)
    sgd = nlp.resume_training() if resume else nlp.initialize(lambda: examples)
    losses = [nlp.update(examples, sgd=sgd if is_given else None)["window_ner"] for _ in range(20)]
    assert losses[0] == losses[1] > 10 * losses[-1]  # the first update has a rate of 0
    assert sgd.learn_rate == 0.02
    assert [entities(nlp(text)) for text in texts_of(OTHER)] == [*map(marked_entities, OTHER)]


SCHEDULES: dict[str, Callable[[], Iterator[float]]] = {
    "warmup": lambda: warmup_linear(0.02, 4, 8),
    "zeros first": lambda: constant_then(0.0, 3, constant(0.02)),
    "zeros between": lambda: cyclic_triangular(0.0, 0.02, 2),
    "nothing but zeros": lambda: constant(0.0),
}


@pytest.mark.parametrize("rehearses", [True, False])
@pytest.mark.parametrize("make", SCHEDULES.values(), ids=SCHEDULES)
def test_a_loop_that_steps_the_schedule_has_its_rates(
    make: Callable[[], Iterator[float]], rehearses: bool
):
    """As `spacy train`. Two components share the optimizer."""
    nlp = copy_of(shared())
    nlp.add_pipe("window_ner", name="other", source=copy_of(shared()))
    sgd, examples = nlp.resume_training(sgd=Adam(make())), make_examples(nlp)
    rates = []
    for _ in range(12):
        if rehearses:
            nlp.rehearse(raw(nlp), sgd=sgd)
        nlp.update(examples, sgd=sgd)
        rates.append(sgd.learn_rate)
        sgd.step_schedules()
    assert rates == list(islice(make(), 12))
    assert 0 in rates


@pytest.mark.parametrize(
    ("schedule", "rate"), [(count(0.0, 0.5), 50_000), (constant(0.0), 0), (iter([0.0, 0.1]), 0.1)]
)
def test_the_search_for_the_end_of_a_warmup_ends(schedule: Iterator[float], rate: float):
    sgd, param = SGD(schedule), (0, "W")
    for _ in range(3):
        skip_idle_warmup(sgd, param)
    assert sgd.learn_rate == rate
