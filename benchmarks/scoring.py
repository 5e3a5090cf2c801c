"""Precision, recall and F1 of entities, against the annotation of the corpus file; and whether
entities are the same that were found in two ways.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from data import CharSpan, Split, char_span
from spacy.language import Language
from spacy.scorer import PRFScore
from spacy.tokens import Doc


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


_KEYS = ("start", "end", "label", "text")
# The last digits of probabilities depend on what is read together.
TOLERANCE = 1e-4


def found_in(doc: Doc) -> list[dict[str, Any]]:
    """RETURNS (List[Dict[str, Any]]): The entities of a document, as bulk annotation and the
    service write them.
    """
    values = (
        (ent.start_char, ent.end_char, ent.label_, ent.text, ent._.get("score")) for ent in doc.ents
    )
    return [dict(zip((*_KEYS, "probability"), of, strict=True)) for of in values]


def same_entities(found: Sequence[dict[str, Any]], expected: Sequence[dict[str, Any]]) -> bool:
    """Compare entities that were found in two ways.

    found, expected (Sequence[Dict[str, Any]]): Entities as of `found_in`.
    RETURNS (bool): Whether they are the same, but for the last digits of probabilities.
    """
    spans = [[[one[key] for key in _KEYS] for one in several] for several in (found, expected)]
    if spans[0] != spans[1]:
        return False
    pairs = ((a["probability"], b["probability"]) for a, b in zip(found, expected, strict=True))
    return all(p is q or abs(p - q) < TOLERANCE for p, q in pairs)
