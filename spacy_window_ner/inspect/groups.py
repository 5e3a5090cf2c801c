"""Precision, recall and F1 of groups of entities: by label, by length, by name, by document."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bootstrap import intervals, prf
from .reading import Document, Entity

ALL = "all"
LENGTHS = ("1 word", "2 words", "3 words", "4 words", "5 or more")
SEEN = ("seen with this label", "seen with other labels", "not seen")
_N_SIZES = 4


@dataclass(frozen=True)
class GroupScores:
    """The scores of a pipeline on one group of entities.

    name (str): The name of the group.
    correct (int): The number of correct predictions.
    predicted (int): The number of predicted entities.
    gold (int): The number of annotated entities.
    p (float): Precision.
    r (float): Recall.
    f (float): F1.
    intervals (Optional[Dict[str, List[float]]]): Lower and upper bounds of the confidence intervals
        of "p", "r" and "f"; None if there is only one document.
    """

    name: str
    correct: int
    predicted: int
    gold: int
    p: float
    r: float
    f: float
    intervals: dict[str, list[float]] | None = None


def count(
    documents: Sequence[Document],
    names: Sequence[str],
    group_of: Callable[[Document, Entity], str],
) -> NDArray[np.int64]:
    """Count the entities of each group in each document.

    documents (Sequence[Document]): The documents.
    names (Sequence[str]): The groups.
    group_of (Callable[[Document, Entity], str]): Returns the group of an entity of a document. It
        must depend on words and label only.
    RETURNS (ndarray): Shape (n_docs, n_groups, 3), the numbers of correct, predicted and annotated
        entities.
    """
    numbers = {name: number for number, name in enumerate(names)}
    counts = np.zeros((len(documents), len(names), 3), dtype=np.int64)
    for of_document, document in zip(counts, documents, strict=True):
        for entity in document.gold:
            of_document[numbers[group_of(document, entity)], 2] += 1
        right = document.judge(document.predicted)
        for entity, is_right in zip(document.predicted, right, strict=True):
            group = of_document[numbers[group_of(document, entity)]]
            group[:2] += is_right, 1
    return counts


def rows(names: Sequence[str], counts: NDArray[np.int64]) -> list[GroupScores]:
    """RETURNS (List[GroupScores]): A row for each group, see `count`."""
    sums = counts.sum(axis=0)
    figures, bounds = prf(sums), intervals(counts)
    found = []
    for i, name in enumerate(names):
        correct, predicted, gold = sums[i].tolist()
        p, r, f = figures[i].tolist()
        of_row = None if bounds is None else dict(zip("prf", bounds[i].tolist(), strict=True))
        found.append(GroupScores(name, correct, predicted, gold, p, r, f, of_row))
    return found


def labels_in(documents: Sequence[Document]) -> list[str]:
    """RETURNS (List[str]): The labels of annotated and predicted entities, sorted."""
    return sorted({ent.label for doc in documents for ent in [*doc.gold, *doc.predicted]})


def count_labels(documents: Sequence[Document], labels: Sequence[str]) -> NDArray[np.int64]:
    """RETURNS (ndarray): Shape (n_docs, n_labels + 1, 3), with the total last; see `count`."""
    counts = count(documents, labels, lambda document, entity: entity.label)
    return np.concatenate([counts, counts.sum(axis=1, keepdims=True)], axis=1)


def by_label(documents: Sequence[Document]) -> list[GroupScores]:
    """RETURNS (List[GroupScores]): A row for each label, followed by one for all labels."""
    labels = labels_in(documents)
    return rows([*labels, ALL], count_labels(documents, labels))


def by_length(documents: Sequence[Document]) -> list[GroupScores]:
    """RETURNS (List[GroupScores]): A row for each length of entities, in words."""

    def length(document: Document, entity: Entity) -> str:
        return LENGTHS[min(entity.end - entity.start, len(LENGTHS)) - 1]

    return _not_empty(rows(LENGTHS, count(documents, LENGTHS, length)))


def by_seen(documents: Sequence[Document], names: Mapping[str, set[str]]) -> list[GroupScores]:
    """Group entities by whether their name was seen in training.

    documents (Sequence[Document]): The documents.
    names (Mapping[str, Set[str]]): The labels of each name in the training data.
    RETURNS (List[GroupScores]): A row for names seen with this label, with other labels only, and
        not at all. Empty groups are left out.
    """

    def seen(document: Document, entity: Entity) -> str:
        labels = names.get(document.text(entity))
        if labels is None:
            return SEEN[2]
        return SEEN[0] if entity.label in labels else SEEN[1]

    return _not_empty(rows(SEEN, count(documents, SEEN, seen)))


def _not_empty(found: list[GroupScores]) -> list[GroupScores]:
    return [row for row in found if row.predicted or row.gold]


def by_size(documents: Sequence[Document]) -> list[GroupScores]:
    """RETURNS (List[GroupScores]): A row for each of up to four groups of documents by the number
    of their words, with about the same number of documents each.
    """
    sizes = np.asarray([len(document.words) for document in documents])
    edges = np.unique(np.quantile(sizes, np.arange(1, _N_SIZES) / _N_SIZES, method="lower"))
    group = np.searchsorted(edges, sizes, side="left")
    found = []
    for number in np.unique(group).tolist():
        chosen = np.flatnonzero(group == number)
        part = [documents[i] for i in chosen.tolist()]
        low, high = sizes[chosen].min(), sizes[chosen].max()
        name = f"{low} words" if low == high else f"{low} to {high} words"
        found += rows([name], count(part, [ALL], lambda document, entity: ALL))
    return found
