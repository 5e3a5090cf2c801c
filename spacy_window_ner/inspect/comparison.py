"""Two pipelines side by side on the same documents."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .bootstrap import Difference, paired
from .errors import Pair, pair_all
from .facts import Excerpt, excerpt_of
from .groups import ALL, GroupScores, count_labels, labels_in, rows
from .reading import Document, Reading


@dataclass(frozen=True)
class Side:
    """Two pipelines on the entities of one label.

    name (str): The label.
    first (GroupScores): The first pipeline.
    second (GroupScores): The second one.
    difference (Optional[Difference]): Of the first from the second in F1; None if there is only one
        document.
    """

    name: str
    first: GroupScores
    second: GroupScores
    difference: Difference | None


@dataclass(frozen=True)
class Comparison:
    """What two pipelines do with the same documents.

    labels (List[Side]): By label, and of all together at the end.
    both (int): How many annotated entities both get right.
    neither (int): How many none of them gets right.
    only_first (List[Excerpt]): Those that the first one alone gets right, with what the second one
        reads.
    only_second (List[Excerpt]): The opposite.
    """

    labels: list[Side]
    both: int
    neither: int
    only_first: list[Excerpt]
    only_second: list[Excerpt]

    @property
    def total(self) -> Side:
        """RETURNS (Side): All labels together."""
        return self.labels[-1]

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): The same as dictionaries and lists, as JSON has them."""
        return asdict(self)


def compare_readings(first: Reading, second: Reading) -> Comparison:
    """Compare two pipelines.

    first (Reading): What the first one reads.
    second (Reading): What the second one reads in the same documents.
    RETURNS (Comparison): The comparison.
    RAISES (ValueError): If the documents are not the same.
    """
    if [d.words for d in first.documents] != [d.words for d in second.documents]:
        raise ValueError("The two pipelines have not read the same documents.")
    pairs = [
        [pair for pair in pair_all(reading.documents) if pair.gold is not None]
        for reading in (first, second)
    ]
    by_gold = [{(p.document, p.gold.key): p for p in of_one if p.gold} for of_one in pairs]
    right = [{key for key, p in found.items() if p.kind == "correct"} for found in by_gold]
    return Comparison(
        labels=_sides(first.documents, second.documents),
        both=len(right[0] & right[1]),
        neither=len(by_gold[0].keys() - right[0] - right[1]),
        only_first=_excerpts(second.documents, by_gold[1], right[0] - right[1]),
        only_second=_excerpts(first.documents, by_gold[0], right[1] - right[0]),
    )


def _sides(first: Sequence[Document], second: Sequence[Document]) -> list[Side]:
    labels = labels_in([*first, *second])
    names = [*labels, ALL]
    counts = [count_labels(documents, labels) for documents in (first, second)]
    of_first, of_second = (rows(names, of_one) for of_one in counts)
    return [
        Side(name, of_first[i], of_second[i], paired(counts[0][:, i], counts[1][:, i]))
        for i, name in enumerate(names)
    ]


def _excerpts(
    documents: Sequence[Document],
    pairs: dict[tuple[int, tuple[int, int, str]], Pair],
    keys: set[tuple[int, tuple[int, int, str]]],
) -> list[Excerpt]:
    return [excerpt_of(documents[key[0]], pairs[key]) for key in sorted(keys)]
