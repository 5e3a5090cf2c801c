"""Scores of pipelines on annotated documents, by the four labels of `en_window_ner_sm` or the
eighteen of spaCy's English pipelines.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from spacy.language import Language
from spacy.scorer import PRFScore
from spacy.tokens import Doc, Span

from spacy_window_ner.annotations import copy_words
from spacy_window_ner.confidence.reliability import ece, expected_ece
from spacy_window_ner.extensions import scores_of
from spacy_window_ner.labels import annotated_labels

NAMES = ("PER", "LOC", "ORG")
# What labels are called in a score; entities of other labels do not count.
FOUR = {label: label for label in (*NAMES, "DATE")} | {"PERSON": "PER", "GPE": "LOC", "FAC": "LOC"}
_NUMERIC = ("DATE", "TIME", "PERCENT", "MONEY", "QUANTITY", "ORDINAL", "CARDINAL")
_OTHER = ("NORP", "PRODUCT", "EVENT", "WORK_OF_ART", "LAW", "LANGUAGE")
EIGHTEEN = {label: label for label in ("PERSON", "GPE", "LOC", "FAC", "ORG", *_OTHER, *_NUMERIC)}


class Outcome(NamedTuple):
    """What a pipeline finds in a document: the expected entities, as start, end and label, and the
    entities found with their probabilities, None where the pipeline gives none.
    """

    expected: set[tuple[int, int, str]]
    found: dict[tuple[int, int, str], float | None]


def predict(nlp: Language, gold: Sequence[Doc]) -> list[Doc]:
    """RETURNS (List[Doc]): Documents with what a pipeline finds, with the tokens of the gold."""
    return list(nlp.pipe(copy_words(doc, nlp.vocab) for doc in gold))


def compare(
    docs: Sequence[Doc], gold: Sequence[Doc], labels: dict[str, str], trimmed: bool = False
) -> list[Outcome]:
    """Compare what a pipeline finds with the annotation.

    docs (Sequence[Doc]): What it finds.
    gold (Sequence[Doc]): The annotated documents.
    labels (Dict[str, str]): What the labels of the pipeline and of the annotation are called.
    trimmed (bool): Whether to leave out "the" and currency signs at the start of entities, where
        spaCy's pipelines vary, or differ from the annotation that they were trained on.
    RETURNS (List[Outcome]): The entities of each document.
    """
    outcomes = []
    for doc, right in zip(docs, gold, strict=True):
        annotated = annotated_labels(right) or set(labels.values())
        expected, found = (
            {
                (_start(ent) if trimmed else ent.start, ent.end, label): p
                for ent, p in zip(one.ents, scores_of(one), strict=True)
                if (label := labels.get(ent.label_)) in annotated
            }
            for one in (right, doc)
        )
        outcomes.append(Outcome(set(expected), found))
    return outcomes


def _start(ent: Span) -> int:
    first = ent[0]
    return ent.start + (len(ent) > 1 and (first.is_currency or first.lower_ == "the"))


def summary(outcomes: Sequence[Outcome], labels: Collection[str]) -> dict[str, Any]:
    """Summarize what a pipeline finds.

    outcomes (Sequence[Outcome]): What it finds in each document.
    labels (Collection[str]): The labels of the total and of the calibration error.
    RETURNS (Dict[str, Any]): Precision, recall and F1 in total and by label; in how many documents
        there is a mistake; the ECE of the probabilities, and what it would be by chance, where
        there are any.
    """
    counts = _count(outcomes)
    result: dict[str, Any] = {
        "total": _prf(counts[label] for label in labels),
        "by_label": {label: _prf([one]) for label, one in sorted(counts.items())},
        "mistakes": sum(one.expected != set(one.found) for one in outcomes),
    }
    judged = [
        (p, entity in one.expected)
        for one in outcomes
        for entity, p in one.found.items()
        if p is not None and entity[2] in labels
    ]
    if judged:
        p, correct = map(np.asarray, zip(*judged, strict=True))
        result["ece"] = round(ece(p, correct), 4)
        result["ece_by_chance"] = round(expected_ece(p), 4)
    return result


def summary_by_kind(outcomes: Sequence[Outcome], kinds: Sequence[str]) -> dict[str, Any]:
    """RETURNS (Dict[str, Any]): Precision, recall and F1 by the kinds of the documents."""
    of_kind = defaultdict(list)
    for kind, outcome in zip(kinds, outcomes, strict=True):
        of_kind[kind].append(outcome)
    return {kind: _prf(_count(some).values()) for kind, some in of_kind.items()}


def _count(outcomes: Iterable[Outcome]) -> dict[str, PRFScore]:
    counts: dict[str, PRFScore] = defaultdict(PRFScore)
    for expected, found in outcomes:
        for entity in found.keys() | expected:
            of_label = counts[entity[2]]
            of_label.tp += entity in found and entity in expected
            of_label.fp += entity not in expected
            of_label.fn += entity not in found
    return counts


def _prf(counts: Iterable[PRFScore]) -> dict[str, float]:
    one = sum(counts, PRFScore())
    values = {"p": one.precision, "r": one.recall, "f": one.fscore}
    return {name: round(100 * value, 1) for name, value in values.items()}
