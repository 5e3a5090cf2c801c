"""Gold annotation of people, places and organizations, and what teachers find → 18 labels.

Where a corpus has gold annotation, it decides what is a person, a place or an organization. The
teachers, spaCy's English pipelines, decide which kind of place, whether "the" belongs to a name,
and all other labels. Where nobody decides, annotation is missing, and nothing is learned.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from mentions import PLACES, TITLES
from scores import EIGHTEEN
from spacy.tokens import Doc, Span

from spacy_window_ner.labels import set_annotated_labels

NAMES = frozenset(("PERSON", "ORG", *PLACES))
NUMERIC = frozenset(
    ("DATE", "TIME", "PERCENT", "MONEY", "QUANTITY", "ORDINAL", "CARDINAL", "NORP", "LANGUAGE")
)
GOLD = {"PER": "PERSON", "ORG": "ORG", "LOC": "GPE"}
GOLD |= {label: label for label in ("DATE", "EVENT", "WORK_OF_ART")}
CURRENCIES = frozenset("$£€¥")
SLASHED = re.compile(r"\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4}")
# Corpora and teachers vary: places, organizations, people. These are buildings here.
LODGING = re.compile(r"\b(Hotel|Inn|Hostel|Motel|Resort)$|^(The |the )?Hotel\b")
POSTAL = re.compile(r"\d{5}(-\d{4})?")

Piece = tuple[int, int, str]


def kinds_of_places(gold: Iterable[Doc], taught: Iterable[Doc]) -> dict[str, str]:
    """RETURNS (Dict[str, str]): What the teacher calls each annotated place most often."""
    votes: dict[str, Counter[str]] = {}
    for doc, found in zip(gold, taught, strict=True):
        labels = {(ent.start, ent.end): ent.label_ for ent in found.ents}
        for ent in doc.ents:
            label = labels.get((ent.start, ent.end))
            if ent.label_ == "LOC" and label in PLACES:
                votes.setdefault(ent.text, Counter())[label] += 1
    return {name: count.most_common(1)[0][0] for name, count in votes.items()}


def agree(
    gold: Doc, found: Sequence[Doc], annotated: Collection[str], places: dict[str, str]
) -> Doc:
    """Annotate a document.

    gold (Doc): The document with its own annotation, which is replaced.
    found (Sequence[Doc]): The same words with what the teachers found, the best teacher first.
    annotated (Collection[str]): The labels that the gold annotation has; none if there is no gold.
    places (Dict[str, str]): The label of places that the first teacher does not label.
    RETURNS (Doc): The document.
    """
    teachers = [set(map(_mended, filter(_is_likely, doc.ents))) for doc in found]
    best = {piece[:2]: piece for piece in teachers[0]}
    entities = [_named(ent, best, places) for ent in gold.ents if annotated and ent.label_ in GOLD]
    decided = set().union(*(range(start, end) for start, end, _ in entities))
    unsure = {
        token.i for token in gold if not token.ent_iob and annotated
    } - decided  # the corpus does not say
    of_gold = {GOLD[label] for label in annotated} if annotated else set()
    if "GPE" in of_gold:
        of_gold |= PLACES
    for piece in sorted(set().union(*teachers)):
        tokens = set(range(piece[0], piece[1]))
        if piece[2] in of_gold or tokens & decided:
            continue  # the gold annotation says that this is nothing, or something else
        in_best = piece in teachers[0]
        agreed = all(piece in pieces for pieces in teachers)
        if agreed or (in_best and piece[2] in NUMERIC):
            entities.append(piece)
            decided |= tokens
    for pieces in teachers:
        for start, end, label in pieces:
            if label not in of_gold:
                unsure |= set(range(start, end)) - decided
    spans = [Span(gold, start, end, label) for start, end, label in entities]
    gold.set_ents(spans, missing=[gold[i : i + 1] for i in sorted(unsure - decided)])
    set_annotated_labels(gold, EIGHTEEN)
    return gold


def _named(ent: Span, best: dict[tuple[int, int], Piece], places: dict[str, str]) -> Piece:
    """An entity of the gold annotation as the teacher would write it."""
    start, end, label = ent.start, ent.end, GOLD[ent.label_]
    if label == "PERSON":
        while start < end - 1 and ent.doc[start].lower_.rstrip(".") in TITLES:
            start += 1
    if start and ent.doc[start - 1].lower_ == "the" and (start - 1, end) in best:
        start -= 1
    if label == "GPE":
        taught = best.get((start, end), (0, 0, ""))[2]
        label = taught if taught in PLACES else places.get(ent.text, "GPE")
    return start, end, _lodging(ent, label)


def _lodging(ent: Span, label: str) -> str:
    """RETURNS (str): The label of an entity, FAC for hotels."""
    return "FAC" if label in NAMES and LODGING.search(ent.text) else label


def _is_likely(ent: Span) -> bool:
    """RETURNS (bool): Whether an entity of a teacher is not a postal code."""
    return not (ent.label_ in NUMERIC and POSTAL.fullmatch(ent.text))


def _mended(ent: Span) -> Piece:
    """An entity of a teacher, with a currency sign that it leaves outside, and dates in figures
    that it calls numbers.
    """
    doc, start, label = ent.doc, ent.start, ent.label_
    if label == "MONEY" and start and doc[start - 1].text[-1] in CURRENCIES:
        start -= 1
    if label == "CARDINAL" and SLASHED.fullmatch(ent.text):
        label = "DATE"
    return start, ent.end, _lodging(ent, label)
