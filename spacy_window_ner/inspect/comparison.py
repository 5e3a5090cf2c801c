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
    """The scores of two pipelines on the entities of one label.

    name (str): The label.
    first (GroupScores): The scores of the first pipeline.
    second (GroupScores): The scores of the second pipeline.
    difference (Optional[Difference]): The difference in F1; None if there is only one document.
    """

    name: str
    first: GroupScores
    second: GroupScores
    difference: Difference | None


@dataclass(frozen=True)
class Comparison:
    """A comparison of two pipelines on the same documents.

    labels (List[Side]): The scores by label, followed by the overall scores.
    both (int): The number of annotated entities that both pipelines find.
    neither (int): The number of annotated entities that neither pipeline finds.
    only_first (List[Excerpt]): The annotated entities that only the first pipeline finds, with the
        predictions of the second.
    only_second (List[Excerpt]): The annotated entities that only the second pipeline finds, with
        the predictions of the first.
    """

    labels: list[Side]
    both: int
    neither: int
    only_first: list[Excerpt]
    only_second: list[Excerpt]

    @property
    def total(self) -> Side:
        """RETURNS (Side): The overall scores."""
        return self.labels[-1]

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): The comparison as JSON-serializable data."""
        return asdict(self)


def compare_readings(first: Reading, second: Reading) -> Comparison:
    """Compare two pipelines.

    first (Reading): The predictions of the first pipeline.
    second (Reading): The predictions of the second pipeline on the same documents.
    RETURNS (Comparison): The comparison.
    RAISES (ValueError): If the documents differ.
    """
    if [d.words for d in first.documents] != [d.words for d in second.documents]:
        raise ValueError(
            "The two pipelines were run on different documents. Use the same examples for both."
        )
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
