"""Annotation that is probably wrong, for the report: suspects in their sentences."""

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
    """An annotated reading, and what is likelier.

    excerpt (Excerpt): Both in their sentence: "gold" is what is annotated, and "predicted" what is
        likelier; None stands for no entity.
    probability (float): The probability of the annotated reading.
    probability_instead (float): That of the other one.
    evidence (float): The log of the second less that of the first.
    """

    excerpt: Excerpt
    probability: float
    probability_instead: float
    evidence: float

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): The same as dictionaries and lists, as JSON has them."""
        return asdict(self)


def doubts_of(
    suspects: Sequence[Suspect], examples: Sequence[Example], reading: Reading
) -> list[Doubt]:
    """Find the suspects in the words of the annotation.

    suspects (Sequence[Suspect]): What `review` has found.
    examples (Sequence[Example]): The annotated documents.
    reading (Reading): What `read` has found in the same ones.
    RETURNS (List[Doubt]): Those of the suspects for which something else is likelier than the
        annotation, in the same order.
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
