from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.training import Example
from thinc.api import Model, chain
from thinc.types import Ragged

from spacy_window_ner import check_gradients, check_objective
from spacy_window_ner.network.architectures import lexeme_embed
from spacy_window_ner.network.features import read_tokens
from spacy_window_ner.network.gradients import GradientError
from spacy_window_ner.network.layers.activation import Activation
from spacy_window_ner.network.layers.affine import Affine
from spacy_window_ner.network.layers.dropout import Dropout
from spacy_window_ner.network.layers.maxout import Maxout
from spacy_window_ner.network.layers.same_word_mean import SameWordMean
from spacy_window_ner.network.layers.to_numpy import ToNumpy
from spacy_window_ner.network.layers.token_vectors import Batch
from spacy_window_ner.network.layers.transitions import Transitions
from spacy_window_ner.network.layers.window_affine import WindowAffine, Windows, neighbor_rows
from spacy_window_ner.objectives import OBJECTIVES, Objective, get_objective
from spacy_window_ner.sequences.batching import Scores
from spacy_window_ner.sequences.tags import n_tags
from tests.helpers import make_doc
from tests.pipelines import (
    ACTIVATIONS,
    add_vectors,
    blank,
    make_examples,
    ner_of,
    read_marked,
    small_model,
    train,
)

BOUND = 1e-6
SHORT = ["[PER Paris Hilton] met [PER Samuel] .", "In [LOC Rome]", "", "\n"]


def rows(n: int = 6, width: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).normal(size=(n, width)).astype("f")


def ragged(width: int = 4) -> Ragged:
    return Ragged(rows(6, width), np.asarray([3, 0, 1, 2], dtype=np.int32))


def worst(errors: list[GradientError]) -> float:
    assert errors, "nothing was checked"
    return max(entry.error for entry in errors)


def by_array(errors: list[GradientError]) -> dict[str, float]:
    return {entry.array: entry.error for entry in errors}


# Wrong gradients


def scaled(d_x: float = 1.0, d_a: float = 1.0) -> Model:
    """y = a ∘ x ∘ x, whose gradients can be made wrong by factors."""

    def forward(model: Model, X: np.ndarray, is_train: bool) -> tuple[np.ndarray, Callable]:
        a = model.get_param("a")

        def backprop(d_Y: np.ndarray) -> np.ndarray:
            model.inc_grad("a", (d_Y * X * X).sum(axis=0) * d_a)
            return 2 * X * a * d_Y * d_x

        return a * X * X, backprop

    return Model("scaled", forward, params={"a": np.asarray([1, -2, 3, 0.5], dtype="f")})


def with_backprop(backprop: Callable[[np.ndarray, np.ndarray], Any], name: str = "cube") -> Model:
    """y = x³ with any backprop(X, d_Y)."""

    def forward(model: Model, X: np.ndarray, is_train: bool) -> tuple[np.ndarray, Callable]:
        return X**3, lambda d_Y: backprop(X, d_Y)

    return Model(name, forward)


def test_a_right_layer_is_accepted_and_all_its_arrays_are_named():
    model = scaled()
    errors = check_gradients(model, rows())
    assert [(entry.node, entry.array, entry.shape) for entry in errors] == [
        ("scaled", "a", (4,)),
        ("scaled", "input", (6, 4)),
    ]
    assert worst(errors) <= BOUND


@pytest.mark.parametrize("factor", [-1.0, 0.0, 0.5, 2.0])
def test_a_wrong_factor_is_found_in_the_array_that_has_it(factor: float):
    expected = abs(1 - factor) / max(1, abs(factor))
    errors = by_array(check_gradients(scaled(d_x=factor), rows()))
    assert errors["input"] == pytest.approx(expected, rel=1e-3)
    assert errors["a"] <= BOUND
    errors = by_array(check_gradients(scaled(d_a=factor), rows()))
    assert errors["a"] == pytest.approx(expected, rel=1e-3)
    assert errors["input"] <= BOUND


def test_a_small_mistake_is_found():
    assert worst(check_gradients(scaled(d_x=1 + 1e-5), rows())) > BOUND


def test_one_wrong_entry_is_found():
    def backprop(X: np.ndarray, d_Y: np.ndarray) -> np.ndarray:
        d_X = 3 * X**2 * d_Y
        d_X[3, 2] *= 1.01
        return d_X

    assert 1e-4 < worst(check_gradients(with_backprop(backprop), rows())) < 0.011


def test_a_gradient_that_is_missing_in_one_row_is_found():
    def backprop(X: np.ndarray, d_Y: np.ndarray) -> np.ndarray:
        d_X = 3 * X**2 * d_Y
        d_X[3] = 0
        return d_X

    assert worst(check_gradients(with_backprop(backprop), rows())) == pytest.approx(1)


def test_a_gradient_where_there_is_none_is_found():
    layer = Model("constant", lambda model, X, is_train: (0 * X + 1, lambda d_Y: d_Y))
    assert worst(check_gradients(layer, rows())) == pytest.approx(1)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gradient_that_is_no_number_is_no_small_error(value: float):
    def backprop(X: np.ndarray, d_Y: np.ndarray) -> np.ndarray:
        d_X = 3 * X**2 * d_Y
        d_X[0, 0] = value
        return d_X

    assert worst(check_gradients(with_backprop(backprop), rows())) > BOUND


def test_an_output_that_is_no_number_is_no_small_error():
    layer = Model("nan", lambda model, X, is_train: (X * np.nan, lambda d_Y: 0 * d_Y))
    assert worst(check_gradients(layer, rows())) > BOUND


@pytest.mark.parametrize("nothing", [None, []], ids=["None", "list"])
def test_an_input_whose_gradient_is_not_returned_is_not_passed_over(nothing: Any):
    layer = with_backprop(lambda X, d_Y: nothing)
    with pytest.raises(ValueError, match=r"cube.*gradient.*input"):
        check_gradients(layer, rows())


def test_a_wrong_node_is_found_within_a_network():
    """A layer upstream of the wrong node gets a wrong gradient, one downstream a right one."""
    first, last = Affine(4, 4), Affine(3, 4)
    wrong = with_backprop(lambda X, d_Y: 2 * X**2 * d_Y)
    network = chain(first, wrong, last)
    network.initialize(X=rows(), Y=rows(6, 3))
    first.name, last.name = "first", "last"
    errors = check_gradients(network, rows())
    large = {(entry.node, entry.array) for entry in errors if entry.error > 0.1}
    assert large == {("first", "W"), ("first", "b"), (network.name, "input")}
    assert {entry.node for entry in errors if entry.error <= BOUND} == {"last"}


def test_a_kink_right_beside_a_value_is_no_error():
    X = np.asarray([[3e-5, -3e-5, 1.0, -1.0]], dtype="f")
    assert worst(check_gradients(Activation("relu"), X)) <= BOUND


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_wrong_objective_is_found(name: str):
    right = get_objective(name)
    scores, allowed = random_scores()

    def wrong_loss(*args: Any) -> tuple[float, Scores]:
        loss, d = right.loss(*args)
        return loss, Scores(d.emissions * 1.001, d.transitions * 1.001, d.lengths)

    wrong = replace(right, loss=wrong_loss)
    errors = check_objective(wrong, scores, allowed, max_entries=20)
    assert all(entry.error == pytest.approx(0.001, rel=0.1) for entry in errors)
    assert worst(check_objective(right, scores, allowed, max_entries=20)) <= BOUND


# Right gradients


def random_scores(n_labels: int = 2, seed: int = 0) -> tuple[Scores, np.ndarray]:
    """Scores of three documents, and a mask: known, missing, partly known."""
    rng = np.random.RandomState(seed)
    lengths = np.asarray([3, 0, 2, 4], dtype=np.int32)
    emissions = rng.normal(size=(9, n_tags(n_labels))).astype("f")
    transitions = rng.normal(size=(n_labels + 1, n_labels + 1)).astype("f")
    allowed = np.ones(emissions.shape, dtype=bool)
    allowed[:3] = False
    allowed[[0, 1, 2], [1, 3, 0]] = True  # B-X L-X O
    allowed[6, 1:5] = False
    return Scores(emissions, transitions, lengths), allowed


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("n_labels", [1, 3])
def test_every_objective_is_right(name: str, n_labels: int):
    objective = get_objective(name)
    scores, allowed = random_scores(n_labels)
    incorrect = np.asarray([(3, 5, 0), (4, 5, 0), (0, 2, n_labels - 1), (6, 9, 0)])
    legal = np.ones(n_tags(n_labels), dtype=bool)
    legal[5:9] = False
    for arguments in ((), (legal,), (None, incorrect)):
        errors = check_objective(objective, scores, allowed, *arguments, max_entries=20)
        arrays = ["emissions", "transitions"] if name == "crf" else ["emissions"]
        assert [entry.array for entry in errors] == arrays
        assert {entry.node for entry in errors} == {name}
        assert worst(errors) <= BOUND
    assert scores.emissions.dtype == np.float32


def windows(size: int) -> Windows:
    """Two documents of the words 1 2 1 3 and 2 2, without a third one."""
    tokens = np.asarray([1, 2, 1, 3, 2, 2])
    vectors = np.random.RandomState(0).normal(size=(4, 2)).astype("f")
    vectors[0] = 0
    neighbors = neighbor_rows(tokens, np.repeat([1, 2], [4, 2]), size)
    return Windows(vectors, neighbors)


def batch(size: int) -> Batch:
    """The same as a batch in training."""
    docs = [make_doc(["a", "b", "a", "c"]), make_doc(["b", "b"]), make_doc([])]
    return Batch(read_tokens(docs, ["NORM"]), size, windows(size))


LAYERS: dict[str, Callable[[], tuple[Model, Any]]] = {
    "affine": lambda: (Affine(3, 4), rows()),
    "maxout 2": lambda: (Maxout(2), rows()),
    "maxout 4": lambda: (Maxout(4), rows(6, 8)),
    "dropout": lambda: (Dropout(), rows()),
    "window 0": lambda: (WindowAffine(0, 3), windows(0)),
    "window 1": lambda: (WindowAffine(1, 3), windows(1)),
    "window 5": lambda: (WindowAffine(5, 3), windows(5)),
    "same word mean": lambda: (SameWordMean(WindowAffine(1, 3)), batch(2)),
    "to_numpy": lambda: (ToNumpy(), [rows(2), rows(0), rows(3)]),
    "transitions": lambda: (Transitions(True, 2), ragged(9)),
    "no transitions": lambda: (Transitions(False, 2), ragged(9)),
    **{
        name: (lambda name=name: (Activation(name), rows()))
        for name in ACTIVATIONS
        if name != "maxout"
    },
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_is_right(name: str):
    layer, X = LAYERS[name]()
    layer.initialize(X=X)
    errors = check_gradients(layer, X)
    n_params = sum(len(node.param_names) for node in layer.walk())
    assert len(errors) == n_params + (len(X) if isinstance(X, list) else 1)
    assert worst(errors) <= BOUND


@pytest.mark.parametrize("width", [None, 5])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_token_vectors_are_right(width: int | None, activation: str):
    nlp = spacy.blank("xx")
    docs = [nlp.make_doc(text) for text in ("Paris paris PARIS Paris", "", "a Paris")]
    add_vectors(nlp, ["Paris", "a", "b"], width=3)
    attrs = ["NORM", "SHAPE"]
    model = lexeme_embed(width, attrs, [7, 5], [3, 2], True, activation)
    model.initialize(X=docs)
    errors = check_gradients(model, docs)
    tables = [entry for entry in errors if entry.array == "E"]
    assert [entry.shape for entry in tables] == [(7, 3), (5, 2)]
    assert len(errors) == (2 if width is None else 4)
    assert worst(errors) <= BOUND


def assembled(vectors: bool = False, **changes: Any) -> tuple[Language, list[Example]]:
    """A small pipeline whose network has left its first, symmetric state."""
    tok2vec = {"width": 6, "rows": [20, 5, 9, 5], "widths": [4, 2, 3, 2]}
    tok2vec |= {"include_static_vectors": vectors}
    nlp = blank(model=small_model(hidden_width=7, tok2vec=tok2vec, **changes))
    examples = make_examples(nlp, SHORT)
    if vectors:
        add_vectors(nlp, [token.text for example in examples for token in example.predicted], 3)
    nlp.initialize(lambda: examples)
    train(nlp, examples, 3)
    return nlp, examples


@pytest.mark.parametrize(
    ("objective", "activation"),
    [("crf", "tanh"), ("softmax", "hard_tanh"), ("logistic", "maxout")],
)
def test_the_whole_network_is_right(objective: str, activation: str):
    vectors = activation == "tanh"
    nlp, examples = assembled(vectors, objective=objective, activation=activation, window_size=1)
    ner = ner_of(nlp)
    docs = [example.predicted for example in examples]
    errors = check_gradients(
        ner.model, docs, loss=lambda scores: ner.get_loss(examples, scores), max_entries=8
    )
    n_params = sum(len(node.param_names) for node in ner.model.walk())
    assert len(errors) == n_params
    assert n_params == (13 if objective == "crf" else 12)
    assert all(np.isfinite(entry.error) for entry in errors)
    assert worst(errors) <= BOUND, errors


def test_the_whole_network_is_right_with_missing_and_wrong_annotation():
    nlp, _ = assembled()
    ner = ner_of(nlp)
    ner.cfg["incorrect_spans_key"] = "wrong"
    text, _ = read_marked(SHORT[0])
    tags = ["B-PER", "L-PER", "-", "-", "O"]
    example = Example.from_dict(nlp.make_doc(text), {"entities": tags})
    example.reference.spans["wrong"] = [example.reference[3:4]]
    example.reference.spans["wrong"][0].label_ = "PER"
    errors = check_gradients(
        ner.model,
        [example.predicted],
        loss=lambda scores: ner.get_loss([example], scores),
        max_entries=8,
    )
    assert worst(errors) <= BOUND, errors


# What is left behind


def test_everything_is_put_back():
    nlp, examples = assembled()
    model = ner_of(nlp).model
    docs = [example.predicted for example in examples]
    ner_of(nlp).update(examples, drop=0.25)  # leaves gradients and dropout rates behind
    params = [(node, name) for node in model.walk() for name in node.param_names]
    before = [(node.get_param(name), node.get_param(name).copy()) for node, name in params]
    grads = [node.get_grad(name).copy() for node, name in params]
    attrs = [dict(node.attrs) for node in model.walk()]
    check_gradients(model, docs, max_entries=3)
    for (node, name), (same, value), grad in zip(params, before, grads, strict=True):
        assert node.get_param(name) is same
        assert same.dtype == np.float32
        np.testing.assert_array_equal(same, value)
        assert node.get_grad(name).dtype == np.float32
        np.testing.assert_array_equal(node.get_grad(name), grad)
    assert [dict(node.attrs) for node in model.walk()] == attrs
    assert {
        node.attrs["dropout_rate"] for node in model.walk() if "dropout_rate" in node.attrs
    } == {0.25}


def test_gradients_are_zero_afterwards_where_there_were_none():
    """A check leaves nothing that the next step of an optimizer would take."""
    layer = Affine(3, 4)
    layer.initialize()
    check_gradients(layer, rows())
    assert not any(layer.has_grad(name) and layer.get_grad(name).any() for name in ("W", "b"))
    assert layer.predict(rows()).dtype == np.float32


def test_everything_is_put_back_after_an_error():
    def fail(X: np.ndarray, d_Y: np.ndarray) -> np.ndarray:
        raise RuntimeError("in backprop")

    affine, dropout = Affine(4, 4), Dropout()
    network = chain(affine, dropout, with_backprop(fail))
    affine.initialize()
    dropout.attrs["dropout_rate"] = 0.5
    W = affine.get_param("W")
    with pytest.raises(RuntimeError, match="in backprop"):
        check_gradients(network, rows())
    assert affine.get_param("W") is W
    assert dropout.attrs["dropout_rate"] == 0.5


def test_input_is_not_changed():
    for X in (rows(), ragged(9), [rows(2), rows(3)]):
        arrays = [X.data] if isinstance(X, Ragged) else X if isinstance(X, list) else [X]
        before = [x.copy() for x in arrays]
        layer = (
            ToNumpy()
            if isinstance(X, list)
            else Transitions(False, 2)
            if isinstance(X, Ragged)
            else scaled()
        )
        check_gradients(layer, X)
        for x, value in zip(arrays, before, strict=True):
            assert x.dtype == np.float32
            np.testing.assert_array_equal(x, value)


def test_dropout_is_off_during_the_check():
    layer = Dropout()
    layer.attrs["dropout_rate"] = 0.5
    assert worst(check_gradients(layer, rows())) <= BOUND
    assert layer.attrs["dropout_rate"] == 0.5


# Settings


def test_the_number_of_entries_bounds_the_work():
    calls = [0]

    def forward(model: Model, X: np.ndarray, is_train: bool) -> tuple[np.ndarray, Callable]:
        calls[0] += 1
        return X**3, lambda d_Y: 3 * X**2 * d_Y

    counts = []
    for max_entries in (2, 10):
        calls[0] = 0
        check_gradients(Model("cube", forward), rows(100, 4), max_entries=max_entries)
        counts.append(calls[0])
    assert 0 < counts[1] - counts[0] <= 2 * 3 * 8  # up and down with three step sizes at most


def test_other_entries_are_drawn_with_other_seeds():
    def backprop(X: np.ndarray, d_Y: np.ndarray) -> np.ndarray:
        d_X = 3 * X**2 * d_Y
        d_X[0] *= 2
        return d_X

    layer, X = with_backprop(backprop), rows(4, 1)
    found = [worst(check_gradients(layer, X, max_entries=1, seed=seed)) > 0.1 for seed in range(20)]
    again = [worst(check_gradients(layer, X, max_entries=1, seed=seed)) > 0.1 for seed in range(20)]
    assert found == again
    assert 0 < sum(found) < 20


def test_a_loss_of_ones_own_is_used():
    """J = ½ Σ y², so ∂J/∂y = y; and a wrong ∂J/∂y is found."""
    layer = Activation("tanh")
    right = check_gradients(layer, rows(), loss=lambda Y: (0.5 * float((Y * Y).sum()), Y))
    wrong = check_gradients(layer, rows(), loss=lambda Y: (float((Y * Y).sum()), Y))
    assert worst(right) <= BOUND
    assert worst(wrong) == pytest.approx(0.5)


def test_an_objective_can_be_any(name: str = "square"):
    def loss(scores: Scores, *_: Any) -> tuple[float, Scores]:
        total = 0.5 * float((scores.emissions**2).sum() + (scores.transitions**2).sum())
        return total, scores

    objective = Objective(name, True, loss, loss, lambda *_: np.zeros(0))
    scores, allowed = random_scores()
    assert worst(check_objective(objective, scores, allowed)) <= BOUND
