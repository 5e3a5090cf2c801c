"""The scorer `spacy_window_ner.ner_scorer.v1`: spaCy's entity scores, and the calibration error.

It supports documents in which only some of the labels are annotated.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from spacy.attrs import ENT_IOB
from spacy.scorer import get_ner_prf
from spacy.tokens import Span
from spacy.training import Example

from ..annotations import copy_words
from ..confidence.reliability import ece
from ..extensions import scores_of
from ..labels import annotated_labels


def make_ner_scorer() -> Callable[..., dict[str, Any]]:
    """RETURNS (Callable): `ner_score`, which configs name `spacy_window_ner.ner_scorer.v1`."""
    return ner_score


def ner_score(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """Score entities as `spacy.ner_scorer.v1` does. Entities with labels that are not annotated in
    a document (see `labels.annotated_labels`) are ignored.

    examples (Iterable[Example]): The examples.
    RETURNS (Dict[str, Any]): `ents_p`, `ents_r`, `ents_f`, `ents_per_type`, and `ents_ece`, the
        expected calibration error of predicted entities (see `confidence.reliability.ece`; lower is
        better), or None if no evaluated entity has a probability.
    """
    examples = list(examples)
    judged = [one for example in examples for one in _judged(example)]
    p, correct = np.asarray([p for p, _ in judged]), np.asarray([right for _, right in judged])
    scores: dict[str, Any] = get_ner_prf(map(_annotated_part, examples), **kwargs)
    return {**scores, "ents_ece": ece(p, correct) if judged else None}


def _judged(example: Example) -> Iterator[tuple[float, bool]]:
    """The probabilities of predicted entities, and whether they are correct, by the rules of
    `get_ner_prf`.
    """
    gold = {(ent.start, ent.end, ent.label_) for ent in example.reference.ents}
    labels = annotated_labels(example.reference)
    is_missing = example.reference.to_array(ENT_IOB) == 0
    for ent, p in zip(example.predicted.ents, scores_of(example.predicted), strict=True):
        words = example.alignment.x2y[ent.start : ent.end].ravel()
        if p is None or not len(words) or (labels is not None and ent.label_ not in labels):
            continue
        start, end = int(words[0]), int(words[-1]) + 1
        if not is_missing[start:end].any():
            key = (start, end, ent.label_)
            yield p, key in gold
            gold.discard(key)


def _annotated_part(example: Example) -> Example:
    labels = annotated_labels(example.reference)
    if labels is None or all(ent.label_ in labels for ent in example.predicted.ents):
        return example
    predicted = copy_words(example.predicted, example.predicted.vocab)
    predicted.set_ents(
        [
            Span(predicted, ent.start, ent.end, label=ent.label)
            for ent in example.predicted.ents
            if ent.label_ in labels
        ]
    )
    return Example(predicted, example.reference)
