import numpy as np
import pytest
from hypothesis import given
from spacy.util import fix_random_seed
from thinc.api import Adam

from spacy_window_ner.distillation.imitation import mean_divergence, train_to_imitate, window_ners
from spacy_window_ner.objectives import OBJECTIVES, get_objective
from spacy_window_ner.sequences.batching import Scores
from tests.helpers import GRADIENT_BOUND, batches, examples, numeric_gradient, relative_error
from tests.pipelines import (
    blank,
    copy_of,
    entities,
    make_examples,
    ner_of,
    shared,
    small_model,
    texts_of,
    trained,
)


def other_scores(batch, n):
    emissions, transitions, lengths = batch.arguments
    return [
        Scores(
            batch.rng.normal(size=emissions.shape),
            batch.rng.normal(size=transitions.shape),
            lengths,
        )
        for _ in range(n)
    ]


@pytest.mark.parametrize("name", OBJECTIVES)
@given(batch=batches(max_docs=2, max_tokens=3, max_labels=2, scales=(0.1, 1.0)))
@examples(20)
def test_gradient(name, batch):
    objective, seen = get_objective(name), np.ones(batch.n_labels, dtype=bool)
    teachers, scores = other_scores(batch, 3), batch.scores
    _, found = mean_divergence(scores, teachers, seen, objective)
    parts = (
        [scores.emissions, scores.transitions]
        if objective.learns_transitions
        else [scores.emissions]
    )
    for array, analytic in zip(parts, (found.emissions, found.transitions), strict=False):
        numeric = numeric_gradient(
            lambda: mean_divergence(scores, teachers, seen, objective)[0], array
        )
        assert relative_error(np.asarray(analytic, dtype=float), numeric) <= GRADIENT_BOUND


@given(batch=batches(scales=(0.1, 1.0)))
@examples(20)
def test_the_gradient_is_marginals_minus_the_mean_of_the_teachers(batch):
    crf, seen = get_objective("crf"), np.ones(batch.n_labels, dtype=bool)
    teachers = other_scores(batch, 2)
    _, found = mean_divergence(batch.scores, teachers, seen, crf)
    own = crf.tag_probabilities(batch.scores, None)
    taught = np.mean([crf.tag_probabilities(one, None) for one in teachers], axis=0)
    np.testing.assert_allclose(found.emissions, own - taught, atol=1e-8)


def test_whose_probabilities_can_be_imitated():
    nlp = copy_of(shared())
    assert window_ners([nlp, shared()]) == [ner_of(nlp), ner_of(shared())]
    assert window_ners([nlp, shared("softmax")]) is None
    more = copy_of(shared())
    ner_of(more).add_label("NEW")
    assert window_ners([nlp, more]) is None
    nlp.add_pipe("sentencizer")
    assert window_ners([nlp]) is None


def test_a_student_learns_what_teachers_know():
    teachers = [ner_of(shared()), ner_of(trained(steps=50))]
    fix_random_seed(1)
    nlp = blank(model=small_model())
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    assert ner_of(nlp).label_data == teachers[0].label_data
    losses: list[float] = []
    batches = ([nlp.make_doc(text) for text in texts_of()] for _ in range(60))
    train_to_imitate(ner_of(nlp), teachers, batches, Adam(0.02), drop=0.0, done=losses.append)
    assert losses[-1] < 0.02 * losses[0]
    for text in texts_of():
        assert entities(nlp(text)) == entities(shared()(text))
