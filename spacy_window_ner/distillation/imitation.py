"""Imitate the probabilities of other window networks.

The divergence of a student from the mean of several teachers has the gradient of the student's
marginals minus the mean of the teachers' marginals (Reich et al. 2020, "Ensemble distillation for
structured prediction"). It is the mean of the gradients that `Objective.imitate` computes for each.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Optimizer, set_dropout_rate

from ..annotations import copy_words
from ..component import WindowNER
from ..labels import seen_labels
from ..objectives import Objective
from ..objectives.rehearsal import rehearsal_loss
from ..sequences.batching import Scores


def window_ners(pipelines: Sequence[Language]) -> list[WindowNER] | None:
    """Find the components of teachers whose probabilities can be imitated.

    pipelines (Sequence[Language]): The teachers.
    RETURNS (Optional[List[WindowNER]]): Their components, if each pipeline consists of one
        `window_ner`, and all have the same labels in the same order and the same objective.
    """
    components = [nlp.pipeline[0][1] for nlp in pipelines if len(nlp.pipeline) == 1]
    own = [component for component in components if isinstance(component, WindowNER)]
    kinds = {(tuple(one.label_data), one.model.attrs["objective"]) for one in own}
    return own if len(own) == len(pipelines) and len(kinds) == 1 else None


def mean_divergence(
    scores: Scores, teachers: Sequence[Scores], seen: NDArray[np.bool_], objective: Objective
) -> tuple[float, Scores]:
    """Compute the mean divergence of a network from several teachers, and its gradient.

    scores (Scores): The network's scores: emissions (n_tokens, n_tags), transitions
        (n_labels + 1, n_labels + 1) and lengths (n_docs,).
    teachers (Sequence[Scores]): The scores of each teacher of the same documents.
    seen (ndarray): Shape (n_labels,) bool, the labels that teachers have seen.
    objective (Objective): The objective of all.
    RETURNS (Tuple[float, Scores]): The mean of KL(teacher ‖ network) in nats, and its gradient.
    """
    d_scores = Scores(
        np.zeros_like(scores.emissions), np.zeros(scores.transitions.shape), scores.lengths
    )
    total, share = 0.0, 1 / len(teachers)
    for teacher in teachers:
        divergence, gradient = rehearsal_loss(scores, teacher, seen, seen, objective)
        total += share * divergence
        d_scores.emissions += share * gradient.emissions
        d_scores.transitions += share * gradient.transitions
    return total, d_scores


def train_to_imitate(
    student: WindowNER,
    teachers: Sequence[WindowNER],
    batches: Iterator[list[Doc]],
    optimizer: Optimizer,
    *,
    drop: float,
    done: Callable[[float], object] = lambda loss: None,
) -> None:
    """Train a student to give the probabilities that teachers give on average.

    student (WindowNER): The student, initialized with the labels of the teachers in their order.
    teachers (Sequence[WindowNER]): The teachers; see `window_ners`.
    batches (Iterator[List[Doc]]): Documents of the teachers' vocabulary and of the student's: texts
        tokenized by the student's pipeline.
    optimizer (Optimizer): The optimizer.
    drop (float): The dropout rate.
    done (Callable): Called with the divergence of each batch.
    """
    seen = seen_labels(teachers[0].model)
    student.model.attrs["unseen_labels"] = np.flatnonzero(~seen).tolist()
    for docs in batches:
        set_dropout_rate(student.model, drop)
        scores, backprop = student.model.begin_update(docs)
        taught = [
            teacher.model.predict([_copy(doc, teacher) for doc in docs]) for teacher in teachers
        ]
        divergence, d_scores = mean_divergence(scores, taught, seen, student.objective)
        backprop(d_scores)
        student.finish_update(optimizer)
        optimizer.step_schedules()
        done(divergence)


def _copy(doc: Doc, teacher: WindowNER) -> Doc:
    """Copy the words of a document to a teacher's vocabulary, which has its word vectors."""
    copy = copy_words(doc, teacher.vocab)
    if doc.has_annotation("SENT_START"):
        copy.from_array(["SENT_START"], doc.to_array("SENT_START").reshape(-1, 1))
    return copy
