import numpy as np
import pytest
from thinc.types import Ragged

from spacy_window_ner.network.gradients import check_gradients
from spacy_window_ner.network.layers.transitions import Transitions, resize_transitions
from spacy_window_ner.sequences.batching import Scores


def emissions(n_labels, lengths=(2, 0, 1)):
    rng = np.random.RandomState(0)
    data = rng.normal(size=(sum(lengths), 1 + 4 * n_labels))
    return Ragged(data, np.asarray(lengths, dtype=np.int32))


def transitions(learned, n_labels=2):
    layer = Transitions(learned, n_labels)
    layer.initialize()
    return layer


@pytest.mark.parametrize("learned", [True, False])
def test_scores_begin_at_zero(learned):
    X = emissions(2)
    scores = transitions(learned).predict(X)
    assert scores.emissions is X.data
    assert scores.lengths is X.lengths
    assert scores.transitions.tolist() == np.zeros((3, 3)).tolist()
    assert scores.transitions.dtype == np.float32


@pytest.mark.parametrize("learned", [True, False])
def test_backprop_passes_the_emissions_on_and_keeps_the_transitions(learned):
    layer, X = transitions(learned), emissions(2)
    _, backprop = layer(X, is_train=True)
    d_T = np.arange(9.0).reshape(3, 3)
    for _ in range(2):
        d_X = backprop(Scores(-X.data, d_T, X.lengths))
    assert d_X.data.tolist() == (-X.data).tolist()
    assert d_X.lengths.tolist() == X.lengths.tolist()
    assert bool(layer.has_param("T")) is learned
    if learned:
        assert layer.get_grad("T").tolist() == (2 * d_T).tolist()
        assert layer.get_grad("T").dtype == np.float32


def squares(scores):
    """J = Σ (i + 1) x_i² over emissions and transitions."""
    weights = [np.arange(1, x.size + 1).reshape(x.shape) for x in parts(scores)]
    total = sum(float((w * x**2).sum()) for w, x in zip(weights, parts(scores), strict=True))
    gradient = [2 * w * x for w, x in zip(weights, parts(scores), strict=True)]
    return total, Scores(*gradient, scores.lengths)


def parts(scores):
    return scores.emissions, scores.transitions


def test_gradients():
    layer = transitions(learned=True)
    layer.set_param("T", np.random.RandomState(1).normal(size=(3, 3)))
    errors = check_gradients(layer, emissions(2), loss=squares)
    assert sorted(error.array for error in errors) == ["T", "input"]
    assert max(error.error for error in errors) <= 1e-6


@pytest.mark.parametrize("learned", [True, False])
def test_a_grown_layer_has_the_old_scores_and_zeros_behind_them(learned):
    layer = transitions(learned)
    before = np.zeros((3, 3))
    if learned:
        before = np.random.RandomState(1).normal(size=(3, 3)).astype("f")
        layer.set_param("T", before)
    larger = resize_transitions(layer, 4)
    T = larger.predict(emissions(4)).transitions
    assert T.shape == (5, 5)
    assert T[:3, :3].tolist() == before.tolist()
    assert (T[3:] == 0).all()
    assert (T[:, 3:] == 0).all()
    assert larger.get_dim("n_labels") == 4
    assert layer.predict(emissions(2)).transitions.tolist() == before.tolist()


@pytest.mark.parametrize("learned", [True, False])
def test_a_layer_can_grow_before_initialization(learned):
    layer = resize_transitions(resize_transitions(Transitions(learned), 2), 3)
    layer.initialize()
    assert layer.predict(emissions(3)).transitions.shape == (4, 4)
