from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from spacy.language import Language
from spacy.training import Example
from thinc.api import Model, chain

from spacy_window_ner.network.graph import Node, check_graph
from spacy_window_ner.network.layers.activation import Activation
from spacy_window_ner.network.layers.affine import Affine
from tests.pipelines import (
    OBJECTIVES,
    blank,
    make_examples,
    ner_of,
    predictions,
    small_model,
    train,
)

BOUND = 1e-6
SHORT = ["[PER Paris Hilton] met [PER Samuel] in Paris.", "In [LOC Rome]"]


def small(objective: str = "crf") -> tuple[Language, list[Example]]:
    tok2vec = {"width": 6, "rows": [20, 5, 9, 5], "widths": [4, 2, 3, 2]}
    model = small_model(hidden_width=5, window_size=1, tok2vec=tok2vec, objective=objective)
    nlp = blank(model=model)
    examples = make_examples(nlp, SHORT)
    nlp.initialize(lambda: examples)
    train(nlp, examples, 3)
    return nlp, examples


def check(nlp: Language, examples: list[Example], max_entries: int = 3) -> list[Node]:
    ner = ner_of(nlp)
    docs = [example.predicted for example in examples]
    return check_graph(
        ner.model, docs, lambda scores: ner.get_loss(examples, scores), max_entries=max_entries
    )


def half_square(Y: np.ndarray) -> tuple[float, np.ndarray]:
    return 0.5 * float((Y * Y).sum()), Y


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_graph_of_the_whole_network(objective: str):
    nlp, examples = small(objective)
    nodes = check(nlp, examples)
    model = ner_of(nlp).model
    assert [node.name for node in nodes] == [node.name for node in model.walk(order="dfs_pre")]
    assert (nodes[0].name, nodes[0].depth) == ("window_classifier", 0)
    assert [node.name for node in nodes if node.depth == 1] == [
        layer.name for layer in model.layers
    ]
    # Depth grows by one at most, as in an indented list.
    assert all(after.depth <= before.depth + 1 for before, after in pairwise(nodes))
    assert max(node.error for node in nodes) <= BOUND, nodes


def test_shapes_are_those_of_what_flows():
    nlp, examples = small()
    nodes = {node.name: node for node in check(nlp, examples, max_entries=1)}
    # 9 tokens, 2 labels (9 tags), vectors of width 6, windows of 3.
    assert nodes["window_classifier"].input == "2 docs, 9 tokens"
    assert nodes["window_classifier"].output == "(9, 9), (3, 3)"
    assert nodes["lexeme_embed"].output == "2 arrays of width 6"
    assert nodes["token_vectors"].output == "9 windows of (9, 6)"  # eight words, and zero
    assert nodes["hidden_sum"].output == "(9, 10)"
    assert nodes["embed_NORM"].input == "8 lexemes"  # Paris stands there twice
    assert nodes["embed_NORM"].output == "(8, 4)"
    assert nodes["embed_NORM"].params == {"E": (20, 4)}
    assert nodes["transitions"].params == {"T": (3, 3)}
    assert nodes["transitions"].output == "(9, 9), (3, 3)"


def test_one_document_is_shown_with_its_shape():
    nlp, examples = small()
    nodes = {node.name: node for node in check(nlp, examples[1:], max_entries=1)}
    assert nodes["window_classifier"].input == "1 docs, 2 tokens"
    assert nodes["lexeme_embed"].output == "1 × (2, 6)"


def with_factor(factor: float, name: str = "square") -> Model:
    """y = x², with a gradient that is off by a factor."""

    def forward(model: Model, X: np.ndarray, is_train: bool) -> tuple[np.ndarray, Callable]:
        return X * X, lambda d_Y: 2 * factor * X * d_Y

    return Model(name, forward)


def chained(factor: float) -> tuple[Model, np.ndarray]:
    X = np.random.RandomState(0).normal(size=(5, 3)).astype("f")
    first, last = Affine(4, 3), Affine(2, 4)
    model = chain(first, with_factor(factor), last, Activation("tanh"))
    model.initialize(X=X)
    first.name, last.name, model.name = "first", "last", "all"
    return model, X


def test_a_right_network_has_small_errors_everywhere():
    model, X = chained(1)
    nodes = check_graph(model, X, half_square)
    assert [(node.depth, node.name) for node in nodes] == [
        (0, "all"),
        (1, "first"),
        (1, "square"),
        (1, "last"),
        (1, "tanh"),
    ]
    assert max(node.error for node in nodes) <= BOUND


def test_a_wrong_node_stands_out():
    model, X = chained(1.5)
    nodes = {node.name: node for node in check_graph(model, X, half_square)}
    errors = {name: node.error for name, node in nodes.items()}
    assert errors["square"] == pytest.approx(1 / 3, rel=0.01)
    # Its mistake reaches the parameters upstream and none downstream.
    assert errors["first"] == pytest.approx(1 / 3, rel=0.01)
    assert errors["last"] <= BOUND
    assert errors["tanh"] <= BOUND


def test_a_gradient_that_is_no_number_stands_out():
    model, X = chained(np.nan)
    nodes = {node.name: node for node in check_graph(model, X, half_square)}
    error = nodes["square"].error
    assert error is not None
    assert error > BOUND


def test_a_wrong_loss_stands_out_in_the_parameters():
    model, X = chained(1)
    nodes = {node.name: node for node in check_graph(model, X, lambda Y: (float((Y * Y).sum()), Y))}
    assert nodes["last"].error == pytest.approx(0.5, rel=0.01)
    error = nodes["square"].error
    assert error is not None
    assert error <= BOUND  # its own gradient is right


def functions(model: Model) -> list[Any]:
    return [node._func for node in model.walk()]


def test_the_network_is_left_as_it_was():
    nlp, examples = small()
    model = ner_of(nlp).model
    before, content, texts = (
        functions(model),
        model.to_bytes(),
        [doc.text for doc in nlp.pipe(["x"])],
    )
    said = predictions(nlp, texts)
    check(nlp, examples, max_entries=1)
    assert functions(model) == before
    assert model.to_bytes() == content
    assert predictions(nlp, texts) == said


def test_the_network_is_left_as_it_was_after_an_error():
    def fail(model: Model, X: np.ndarray, is_train: bool) -> tuple[np.ndarray, Callable]:
        raise RuntimeError("in forward")

    model, X = chained(1)
    model.layers.append(Model("fails", fail))
    before = functions(model)
    with pytest.raises(RuntimeError, match="in forward"):
        check_graph(model, X, half_square)
    assert functions(model) == before
