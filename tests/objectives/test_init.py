import pytest

from spacy_window_ner.objectives import OBJECTIVES, crf, get_objective, logistic, softmax


@pytest.mark.parametrize(
    ("name", "module", "learns"),
    [("crf", crf, True), ("softmax", softmax, False), ("logistic", logistic, False)],
)
def test_objectives_are_found_by_name(name, module, learns):
    objective = get_objective(name)
    assert objective.name == name
    assert objective.learns_transitions is learns
    assert objective.loss is module.loss
    assert objective.tag_probabilities is module.tag_probabilities


def test_there_are_three_objectives():
    assert set(OBJECTIVES) == {"crf", "softmax", "logistic"}


@pytest.mark.parametrize("name", ["CRF", "", "hinge"])
def test_an_unknown_objective_is_an_error_that_lists_the_known_ones(name):
    with pytest.raises(ValueError, match=rf"Unknown objective '{name}'.*crf, softmax, logistic"):
        get_objective(name)
