import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_window_ner.objectives import OBJECTIVES
from spacy_window_ner.objectives.rehearsal import rehearsal_loss
from spacy_window_ner.sequences.batching import Scores
from tests.helpers import (
    GRADIENT_BOUND,
    Enumeration,
    batches,
    document_slices,
    examples,
    numeric_gradient,
    relative_error,
)

MILD = (0.1, 1.0)


@st.composite
def cases(draw):
    """Scores of a network, of its teacher with as many labels or fewer, and what both have seen."""
    batch = draw(batches(scales=MILD))
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    n_teacher = draw(st.integers(0, batch.n_labels))
    seen = rng.random_sample(batch.n_labels) < draw(st.sampled_from([0.5, 1.0]))
    teacher_seen = seen[:n_teacher] & (rng.random_sample(n_teacher) < 0.7)
    teacher = Scores(
        rng.normal(size=(len(batch.scores.emissions), 1 + 4 * n_teacher)),
        rng.normal(size=(n_teacher + 1, n_teacher + 1)),
        batch.scores.lengths,
    )
    return batch.scores, teacher, seen, teacher_seen


def in_use(seen):
    tags = [0] + [1 + 4 * label + p for label in np.flatnonzero(seen) for p in range(4)]
    return tags, [0, *(1 + np.flatnonzero(seen))]


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
@given(case=cases())
@examples(20)
def test_gradients(objective, case):
    scores = case[0]
    _, d_scores = rehearsal_loss(*case, objective)

    def value():
        return rehearsal_loss(*case, objective)[0]

    for name in ("emissions", "transitions"):
        numeric = numeric_gradient(value, getattr(scores, name))
        assert relative_error(getattr(d_scores, name), numeric) <= GRADIENT_BOUND


@given(case=cases())
@examples(40)
def test_the_crf_divergence_is_that_over_sequences_of_seen_labels(case):
    """Of the teacher's distribution over the labels that it has seen, by listing all sequences."""
    scores, teacher, seen, teacher_seen = case
    expected = 0.0
    tags, classes = in_use(seen)
    teacher_tags, teacher_classes = in_use(teacher_seen)
    for of in document_slices(scores.lengths):
        emissions = scores.emissions[of][:, tags]
        mine = Enumeration(emissions, scores.transitions[np.ix_(classes, classes)])
        theirs = Enumeration(
            teacher.emissions[of][:, teacher_tags],
            teacher.transitions[np.ix_(teacher_classes, teacher_classes)],
        )
        # The network's log probability of each sequence of the teacher.
        log_p = {
            tuple(tags[column] for column in path): score - mine.log_z
            for path, score in zip(mine.paths.tolist(), mine.scores.tolist(), strict=True)
        }
        for path, score in zip(theirs.paths.tolist(), theirs.scores.tolist(), strict=True):
            log_q = score - theirs.log_z
            sequence = tuple(teacher_tags[column] for column in path)
            expected += np.exp(log_q) * (log_q - log_p[sequence])
    loss, _ = rehearsal_loss(*case, OBJECTIVES["crf"])
    assert loss == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
@given(case=cases())
@examples(20)
def test_scores_of_unseen_labels_make_no_difference_and_have_no_gradient(objective, case):
    scores, teacher, seen, teacher_seen = case
    loss, d_scores = rehearsal_loss(*case, objective)
    unseen_tags = np.setdiff1d(np.arange(scores.emissions.shape[1]), in_use(seen)[0])
    unseen_classes = np.setdiff1d(np.arange(len(scores.transitions)), in_use(seen)[1])
    assert not d_scores.emissions[:, unseen_tags].any()
    assert not d_scores.transitions[unseen_classes].any()
    assert not d_scores.transitions[:, unseen_classes].any()
    scores.emissions[:, unseen_tags] += 100
    scores.transitions[unseen_classes] += 100
    unknown = np.setdiff1d(np.arange(teacher.emissions.shape[1]), in_use(teacher_seen)[0])
    teacher.emissions[:, unknown] -= 100
    again, d_again = rehearsal_loss(*case, objective)
    assert again == loss
    np.testing.assert_array_equal(d_again.emissions, d_scores.emissions)
    np.testing.assert_array_equal(d_again.transitions, d_scores.transitions)


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_a_label_that_the_teacher_has_not_seen_loses(objective):
    """A step against the gradient takes probability from the new label, and from no other."""
    scores = Scores(np.zeros((2, 9)), np.zeros((3, 3)), np.asarray([2], dtype=np.int32))
    teacher = Scores(np.zeros((2, 5)), np.zeros((2, 2)), scores.lengths)
    loss, d_scores = rehearsal_loss(
        scores, teacher, np.asarray([True, True]), np.asarray([True]), objective
    )
    assert np.isfinite(loss)
    assert loss > 0
    changed = d_scores.emissions[d_scores.emissions > 1e-9]
    assert len(changed)
    assert (d_scores.emissions[:, 5:] >= 0).all()
    assert (d_scores.emissions[:, 0] <= 1e-9).all()
