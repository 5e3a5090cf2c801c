import numpy as np
import pytest

from spacy_window_ner.network.layers.concatenate import Concatenate
from spacy_window_ner.network.layers.embedding import Embedding
from tests.helpers import assert_gradients, lexemes_of

ATTRS = ["NORM", "SHAPE", "SUFFIX"]
WIDTHS = [2, 1, 3]


def concatenation(lexemes, widths=WIDTHS):
    np.random.seed(0)
    parts = [
        Embedding(width, 5, column=column, attr=ATTRS[column], seed=column, rare_dropout=1.0)
        for column, width in enumerate(widths)
    ]
    layer = Concatenate(parts)
    layer.initialize(X=lexemes)
    return layer


@pytest.mark.parametrize("widths", [WIDTHS, [4]])
@pytest.mark.parametrize("words", [["Paris", "Hilton", "wowed", "Paris"], []])
def test_forward_and_backward_of_each_part(widths, words):
    lexemes = lexemes_of(words, ATTRS)
    layer = concatenation(lexemes, widths)
    Y, backprop = layer(lexemes, is_train=True)
    assert layer.get_dim("nO") == sum(widths)
    assert Y.shape == (len(lexemes), sum(widths))
    d_Y = np.random.RandomState(0).normal(size=Y.shape).astype("f")
    assert backprop(d_Y).size == 0
    first = 0
    for part, width in zip(layer.layers, widths, strict=True):
        columns = slice(first, first + width)
        assert part.predict(lexemes).tolist() == Y[:, columns].tolist()
        together = part.get_grad("E").copy()
        part.set_grad("E", np.zeros_like(together))
        _, own_backprop = part(lexemes, is_train=True)
        own_backprop(np.ascontiguousarray(d_Y[:, columns]))
        np.testing.assert_allclose(together, part.get_grad("E"), rtol=1e-5, atol=1e-7)
        first += width


def test_gradients():
    lexemes = lexemes_of(["Paris", "Hilton", "wowed", "3rd"], ATTRS)
    assert_gradients(concatenation(lexemes), lexemes)
