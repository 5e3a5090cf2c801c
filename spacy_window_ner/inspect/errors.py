"""The classes of errors, and the measures, of SemEval-2013 task 9.1.

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
    """An annotated entity and what the pipeline reads in its place.

    document (int): The number of the document.
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
    """Pair annotated entities with predicted ones that overlap them, each with one at most: those
    that are equal first, and then from left to right, which pairs as many as possible.

    gold (Iterable[Entity]): The annotated entities of a document, none overlapping another.
    predicted (Iterable[Entity]): The predicted ones.
    RETURNS (List[Tuple[Optional[Entity], Optional[Entity]]]): The pairs, with None in place of what
        has no partner, in the order of the text.
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
    """Compute precision, recall and F1 by each of the four ways to count.

    pairs (Sequence[Pair]): The pairs.
    RETURNS (Dict[str, Dict[str, float]]): "strict" counts a prediction with the right span and
        label, "exact" one with the right span, "partial" the same and half of one that overlaps,
        and "type" one that overlaps and has the right label.
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
    """Count which labels are read as which.

    pairs (Sequence[Pair]): The pairs.
    labels (Sequence[str]): The labels.
    RETURNS (List[List[int]]): A row for each annotated label and one for none, a column for each
        predicted label and one for none.
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
