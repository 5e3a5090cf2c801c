"""The mean of networks."""

from copy import deepcopy

import numpy as np

from spacy_window_ner.learning.averaging import average
from tests.pipelines import corpus, make_examples, ner_of, trained


def test_mean_of_parameters_and_all_known_values():
    nlp = trained(corpus(8), steps=3)
    first, more = deepcopy(ner_of(nlp).model), ["[PER Zoe] knows [LOC Accra] ."]
    nlp.update(make_examples(nlp, more), sgd=nlp.resume_training())
    second = deepcopy(ner_of(nlp).model)
    before = deepcopy(first)
    mean = average([first, second])
    assert mean is first
    is_larger = False
    for old, new, node in zip(before.walk(), second.walk(), mean.walk(), strict=True):
        for name in node.param_names:
            if node.has_param(name):
                half = (old.get_param(name) + new.get_param(name)) / 2
                np.testing.assert_allclose(node.get_param(name), half, atol=1e-7)
        if "known" in node.attrs:
            known = [set(np.frombuffer(x.attrs["known"], "<u8")) for x in (old, new, node)]
            assert known[2] == known[0] | known[1]
            is_larger |= known[2] > known[0]
    assert is_larger
