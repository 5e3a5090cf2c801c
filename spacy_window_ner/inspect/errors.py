"""The error classes and evaluation measures of SemEval-2013 task 9.1.

Segura-Bedmar et al. 2013, "SemEval-2013 task 9: Extraction of drug-drug interactions from
biomedical texts".
"""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .reading import Document, Entity

CLASSES = {
    "label": "right span, wrong label",
    "boundary": "wrong boundary",
    "missed": "missed",
    "spurious": "spurious",
}


@dataclass(frozen=True)
class Pair:
    """An annotated entity and the predicted entity that overlaps it.

    document (int): The index of the document.
    gold (Optional[Entity]): The annotated entity; None if there is none.
    predicted (Optional[Entity]): The predicted entity; None if there is none.
    """

    document: int
    gold: Entity | None
    predicted: Entity | None

    @property
    def kind(self) -> str:
        """RETURNS (str): "correct" or one of `CLASSES`."""
        if self.predicted is None:
            return "missed"
        if self.gold is None:
            return "spurious"
        if self.gold.key == self.predicted.key:
            return "correct"
        same_span = self.gold.key[:2] == self.predicted.key[:2]
        return "label" if same_span else "boundary"

    @property
    def same_label(self) -> bool:
        """RETURNS (bool): Whether both have the same label."""
        if self.gold is None or self.predicted is None:
            return False
        return self.gold.label == self.predicted.label


def pair_all(documents: Sequence[Document]) -> list[Pair]:
    """RETURNS (List[Pair]): The pairs of all documents, in the order of the text."""
    return [
        Pair(number, gold, predicted)
        for number, document in enumerate(documents)
        for gold, predicted in pair(document.gold, document.predicted)
    ]


def pair(
    gold: Iterable[Entity], predicted: Iterable[Entity]
) -> list[tuple[Entity | None, Entity | None]]:
    """Pair each annotated entity with at most one predicted entity that overlaps it. Equal entities
    are paired first, then the rest from left to right, which gives the most pairs.

    gold (Iterable[Entity]): The annotated entities of a document, without overlaps.
    predicted (Iterable[Entity]): The predicted entities, without overlaps.
    RETURNS (List[Tuple[Optional[Entity], Optional[Entity]]]): The pairs in the order of the text.
        An entity without a partner is paired with None.
    """
    left = {entity.key: entity for entity in gold}
    pairs: list[tuple[Entity | None, Entity | None]] = []
    others = []
    for entity in predicted:
        equal = left.pop(entity.key, None)
        if equal is None:
            others.append(entity)
        else:
            pairs.append((equal, entity))
    golds = deque(sorted(left.values(), key=lambda entity: entity.key))
    reads = deque(sorted(others, key=lambda entity: entity.key))
    while golds or reads:
        if not reads or (golds and golds[0].end <= reads[0].start):
            pairs.append((golds.popleft(), None))
        elif not golds or reads[0].end <= golds[0].start:
            pairs.append((None, reads.popleft()))
        else:
            pairs.append((golds.popleft(), reads.popleft()))
    return sorted(pairs, key=lambda both: min(ent.key for ent in both if ent is not None))


def measures(pairs: Sequence[Pair]) -> dict[str, dict[str, float]]:
    """Compute precision, recall and F1 by the four measures of SemEval-2013.

    pairs (Sequence[Pair]): The pairs.
    RETURNS (Dict[str, Dict[str, float]]): "strict" requires the correct span and label, "exact" the
        correct span, "partial" the correct span or, with half the weight, an overlapping span, and
        "type" an overlapping span with the correct label.
    """
    kinds = Counter(pair.kind for pair in pairs)
    n_gold = sum(pair.gold is not None for pair in pairs)
    n_predicted = sum(pair.predicted is not None for pair in pairs)
    right = {
        "strict": kinds["correct"],
        "exact": kinds["correct"] + kinds["label"],
        "partial": kinds["correct"] + kinds["label"] + kinds["boundary"] / 2,
        "type": sum(pair.same_label for pair in pairs),
    }
    return {
        name: {
            "p": n_right / max(n_predicted, 1),
            "r": n_right / max(n_gold, 1),
            "f": 2 * n_right / max(n_predicted + n_gold, 1),
        }
        for name, n_right in right.items()
    }


def confusion(pairs: Sequence[Pair], labels: Sequence[str]) -> list[list[int]]:
    """Compute the confusion matrix of labels.

    pairs (Sequence[Pair]): The pairs.
    labels (Sequence[str]): The labels.
    RETURNS (List[List[int]]): A row for each annotated label and a column for each predicted label,
        in the given order, with a last row and column for no entity.
    """
    numbers = {label: number for number, label in enumerate(labels)}
    counts = [[0] * (len(labels) + 1) for _ in range(len(labels) + 1)]
    for one in pairs:
        row, column = (
            len(labels) if entity is None else numbers[entity.label]
            for entity in (one.gold, one.predicted)
        )
        counts[row][column] += 1
    return counts
