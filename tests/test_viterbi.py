import numpy as np
import pytest

from spacy_window_ner.tags import BEGIN, LAST, UNIT
from spacy_window_ner.viterbi import best_tags


@pytest.mark.parametrize("tags", [[1 + UNIT], [1 + BEGIN, 1 + LAST]])
def test_a_tag_that_is_the_only_one_allowed_is_chosen_against_strong_transitions(tags):
    """One word cannot be O; the other can, but not in a legal sequence."""
    allowed = np.ones((len(tags), 5), dtype=bool)
    allowed[-1] = np.arange(5) == tags[-1]
    transitions = np.array([[0.0, -50.0], [0.0, -50.0]])
    lengths = np.array([len(tags)])
    found = best_tags(np.zeros(allowed.shape), transitions, lengths, allowed)
    assert found.tolist() == tags
