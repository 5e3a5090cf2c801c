"""Precision, recall and F1 of entities, against the annotation of the corpus file."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from data import CharSpan, Split, char_span
from spacy.language import Language
from spacy.scorer import PRFScore


def evaluate(nlp: Language, split: Split | None) -> dict[str, Any] | None:
    """Score a pipeline against the entities of a corpus file.

    nlp (Language): The pipeline.
    split (Optional[Split]): The part of the corpus.
    RETURNS (Optional[Dict[str, Any]]): Precision `p`, recall `r` and F1 `f` from 0 to 1, and the
        same `by_label`; None if there is no split.
    """
    if split is None:
        return None
    predicted = [frozenset(map(char_span, doc.ents)) for doc in nlp.pipe(split.docs(nlp))]
    return score(predicted, split.gold)


def score(
    predicted: Sequence[frozenset[CharSpan]], gold: Sequence[frozenset[CharSpan]]
) -> dict[str, Any]:
    """Score entities: one is correct if its first character, last character and label are.

    predicted (Sequence[FrozenSet[Tuple[int, int, str]]]): The entities found in each document.
    gold (Sequence[FrozenSet[Tuple[int, int, str]]]): The annotated entities of each document.
    RETURNS (Dict[str, Any]): Precision `p`, recall `r`, F1 `f`, and the same `by_label`.
    """
    labels: dict[str, PRFScore] = defaultdict(PRFScore)
    for found, wanted in zip(predicted, gold, strict=True):
        for entity in found | wanted:
            counts = labels[entity[2]]
            counts.tp += entity in found and entity in wanted
            counts.fp += entity not in wanted
            counts.fn += entity not in found
    total = sum(labels.values(), PRFScore())
    by_label = {label: _prf(labels[label]) for label in sorted(labels)}
    return {**_prf(total), "by_label": by_label}


def _prf(counts: PRFScore) -> dict[str, float]:
    return {
        "p": round(counts.precision, 5),
        "r": round(counts.recall, 5),
        "f": round(counts.fscore, 5),
    }
