"""`ent._.score`: the probability of an entity, read where the component wrote it."""

import warnings
from bisect import bisect_left
from collections.abc import Iterable
from contextlib import suppress
from numbers import Real

from spacy.tokens import Doc, Span

NAME = "score"
# The keys in `doc.spans` that components of this process write predicted entities to.
_KEYS: set[str] = set()


def score_of(span: Span) -> float | None:
    """Find the probability of an entity.

    span (Span): An entity of `doc.ents`, or any other span.
    RETURNS (Optional[float]): Its probability; None if no component has predicted a span with these
        words and this label, for example if an earlier component has set the entity, and where
        tokens were merged.
    """
    for key in _KEYS.intersection(span.doc.spans):
        group = span.doc.spans[key]
        scores = group.attrs.get("scores", ())
        if len(scores) != len(group):
            continue
        try:  # they are in the order of the text
            i = bisect_left(group, span.start_char, key=lambda other: other.start_char)
            found = group[i] if i < len(group) else None
        except IndexError:  # spaCy's spans keep the old tokens where tokens were merged
            continue
        if found is not None and _place(found) == _place(span):
            return float(scores[i])
    return None


def _place(span: Span) -> tuple[int, int, int]:
    """Where a span is, by characters: tokens may have been merged since it was predicted."""
    return span.start_char, span.end_char, span.label


def _places(spans: Iterable[Span]) -> list[tuple[int, int, int]]:
    """The same as `_place` for each of many spans, in half the time."""
    return [(span.start_char, span.end_char, span.label) for span in spans]


def scores_of(doc: Doc) -> list[float | None]:
    """Find the probabilities of all entities of a document at once.

    doc (Doc): The document.
    RETURNS (List[Optional[float]]): What `ent._.score` is for each of `doc.ents`; None where there
        is no such extension, or where another package's gives no number.
    """
    if not Span.has_extension(NAME):
        return [None] * len(doc.ents)
    if Span.get_extension(NAME)[2] is not score_of:
        scores = [ent._.get(NAME) for ent in doc.ents]
        return [float(score) if isinstance(score, Real) else None for score in scores]
    known: dict[tuple[int, int, int], float] = {}
    for key in _KEYS.intersection(doc.spans):
        group = doc.spans[key]
        scores = group.attrs.get("scores", ())
        if len(scores) == len(group):
            with suppress(IndexError):  # as in `score_of`
                for span, score in zip(_places(group), scores, strict=True):
                    known.setdefault(span, float(score))
    return [known.get(place) for place in _places(doc.ents)]


def add_score_extension(spans_key: str | None) -> None:
    """Make `span._.score` read the entities under a key. Another package's extension of this name
    stays as it is, with a warning.

    spans_key (Optional[str]): Where in `doc.spans` a component writes its entities; None if it
        does not.
    """
    if spans_key is not None:
        _KEYS.add(spans_key)
    if not Span.has_extension(NAME):
        Span.set_extension(NAME, getter=score_of)
    elif Span.get_extension(NAME)[2] is not score_of:
        warnings.warn(
            f"Span._.{NAME} is an extension of another package, so it does not give the "
            f'probabilities of window_ner. Read doc.spans["{spans_key}"].attrs["scores"] instead.',
            stacklevel=2,
        )
