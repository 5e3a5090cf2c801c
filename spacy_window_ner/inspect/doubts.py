"""Annotation that is probably wrong, with its sentence, for the report."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from spacy.tokens import Doc
from spacy.training import Example

from ..files.records import Offsets
from .errors import Pair
from .facts import Excerpt, excerpt_of
from .reading import Entity, Reading, is_annotated
from .review import Suspect


@dataclass(frozen=True)
class Doubt:
    """An annotation that is probably wrong, and a more likely alternative.

    excerpt (Excerpt): Both in their sentence: "gold" is the annotation, and "predicted" the more
        likely alternative; None stands for no entity.
    probability (float): The probability of the annotation.
    probability_instead (float): The probability of the alternative.
    evidence (float): The difference of their logarithms.
    """

    excerpt: Excerpt
    probability: float
    probability_instead: float
    evidence: float

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): The doubt as JSON-serializable data."""
        return asdict(self)


def doubts_of(
    suspects: Sequence[Suspect], examples: Sequence[Example], reading: Reading
) -> list[Doubt]:
    """Show suspects in their sentences.

    suspects (Sequence[Suspect]): The result of `review`.
    examples (Sequence[Example]): The annotated documents.
    reading (Reading): The predictions for the same documents.
    RETURNS (List[Doubt]): The suspects that are less likely than their alternative, in the same
        order.
    """
    numbers = [i for i, example in enumerate(examples) if is_annotated(example)]
    places = {number: place for place, number in enumerate(numbers)}
    found = []
    for one in suspects:
        if one.evidence <= 0 or one.document not in places:
            continue
        place, reference = places[one.document], examples[one.document].reference
        gold, instead = _entity(reference, one.annotated), _entity(reference, one.instead)
        if gold is None and instead is None:
            continue  # the texts differ
        excerpt = excerpt_of(reading.documents[place], Pair(place, gold, instead))
        p, q = round(one.probability, 4), round(one.probability_instead, 4)
        found.append(Doubt(excerpt, p, q, round(one.evidence, 4)))
    return found


def _entity(reference: Doc, offsets: Offsets | None) -> Entity | None:
    if offsets is None:
        return None
    span = reference.char_span(*offsets, alignment_mode="expand")
    return None if span is None else Entity(span.start, span.end, span.label_)
