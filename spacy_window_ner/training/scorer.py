"""The scorer `spacy_window_ner.ner_scorer.v1`: spaCy's entity scores, and the calibration error.

It supports documents in which only some of the labels are annotated.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from spacy.attrs import ENT_IOB, IS_SPACE
from spacy.scorer import PRFScore
from spacy.training import Example

from ..annotations import same_tokens
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
    counts: dict[str, PRFScore] = defaultdict(PRFScore)
    annotated = (example for example in examples if example.reference.has_annotation("ENT_IOB"))
    judged = [one for example in annotated for one in _judge(example, counts)]
    p, correct = np.asarray([p for p, _ in judged]), np.asarray([right for _, right in judged])
    total = sum(counts.values(), start=PRFScore())
    scores = dict.fromkeys(("ents_p", "ents_r", "ents_f", "ents_per_type"))
    if len(total):
        per_type = {label: count.to_dict() for label, count in counts.items()}
        values = total.precision, total.recall, total.fscore, per_type
        scores = dict(zip(scores, values, strict=True))
    return {**scores, "ents_ece": ece(p, correct) if judged else None}


def _judge(example: Example, counts: dict[str, PRFScore]) -> Iterator[tuple[float, bool]]:
    """Count the entities of an example, by the rules of spaCy's `get_ner_prf`. The probabilities of
    the predicted ones that have any, and whether they are correct.
    """
    reference, predicted = example.reference, example.predicted
    gold = {(ent.start, ent.end, ent.label_) for ent in reference.ents}
    labels = annotated_labels(reference)
    n_missing = [0, *np.cumsum(reference.to_array(ENT_IOB) == 0).tolist()]
    # Each token is the one of the annotation; but spaCy leaves spaces out of the alignment.
    is_same = same_tokens(example) and not predicted.to_array(IS_SPACE).any()
    aligned = None if is_same else example.alignment.x2y
    for ent, p in zip(predicted.ents, scores_of(predicted), strict=True):
        if labels is not None and ent.label_ not in labels:
            continue
        count, start, end = counts[ent.label_], ent.start, ent.end
        if aligned is not None:
            words = aligned[start:end].ravel().tolist()
            if not words:
                continue
            start, end = words[0], words[-1] + 1
        if n_missing[start] < n_missing[end]:
            continue
        key = start, end, ent.label_
        is_right = key in gold
        gold.discard(key)
        count.tp += is_right
        count.fp += not is_right
        if p is not None:
            yield p, is_right
    for _, _, label in gold:
        counts[label].fn += 1
