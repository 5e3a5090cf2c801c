import numpy as np
import pytest
from thinc.api import Model

from spacy_window_ner.network.layers.hidden_window import HiddenWindow
from spacy_window_ner.network.layers.maxout import Maxout
from spacy_window_ner.network.layers.window_affine import (
    WindowAffine,
    Windows,
    windows_over,
)
from tests import plain
from tests.helpers import assert_gradients

WIDTH = 4
SENTENCES = np.asarray([1, 1, 1, 2, 3, 3])


def windows(reach: int, seed: int = 0) -> Windows:
    H = np.random.RandomState(seed).normal(size=(len(SENTENCES), WIDTH))
    return windows_over(H, SENTENCES, reach)


def layer_of(k: int) -> Model:
    layer = HiddenWindow(WindowAffine(k, 2 * WIDTH, (2 * k + 1) * WIDTH), Maxout(2), WIDTH)
    layer.initialize()
    rng = np.random.RandomState(k)
    for node in layer.walk():
        for name in node.param_names:
            node.set_param(name, rng.normal(size=node.get_param(name).shape))
    return layer


@pytest.mark.parametrize(("k", "reach"), [(1, 1), (1, 3), (2, 2)])
def test_forward(k, reach):
    layer, X = layer_of(k), windows(reach)
    window, f, norm = layer.layers
    W, b = window.get_param("W"), window.get_param("b")
    parts = np.split(X.vectors[1:], [3, 4])
    Z = np.concatenate([plain.window_affine(part, W, b) for part in parts])
    F = f.predict(Z)
    expected = plain.layer_norm(X.vectors[1:] + F, norm.get_param("g"), norm.get_param("b"))
    Y = layer.predict(X)
    np.testing.assert_allclose(Y.vectors[1:], expected, rtol=1e-9)
    assert not Y.vectors[0].any()
    assert Y.neighbors is X.neighbors


@pytest.mark.parametrize("k", [1, 2])
def test_gradients(k):
    assert_gradients(layer_of(k), windows(k))


def test_two_layers_see_as_far_as_both_windows():
    layer, X = layer_of(1), windows(1)
    layer.layers[0].set_param("b", np.zeros(2 * WIDTH))
    other = X.vectors.copy()
    other[3] += 1  # the last word of the first sentence
    changed = [
        (np.abs(two.vectors - one.vectors)[1:].max(axis=1) > 1e-9).tolist()
        for one, two in (
            (layer.predict(X), layer.predict(Windows(other, X.neighbors))),
            (
                layer.predict(layer.predict(X)),
                layer.predict(layer.predict(Windows(other, X.neighbors))),
            ),
        )
    ]
    assert changed[0] == [False, True, True, False, False, False]
    assert changed[1] == [True, True, True, False, False, False]
