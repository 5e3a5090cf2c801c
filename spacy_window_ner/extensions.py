"""`ent._.score`: the probability of an entity, as predicted by the component."""

import warnings
from bisect import bisect_left
from collections.abc import Iterable
from numbers import Real
from typing import Any

from spacy.tokens import Doc, Span

NAME = "score"
# Start and end by characters, and the label.
PlaceInText = tuple[int, int, int]
# The keys in `doc.spans` that components of this process write predicted entities to.
_KEYS: set[str] = set()


def score_of(span: Span) -> float | None:
    """Find the probability of an entity.

    span (Span): An entity of `doc.ents`, or any other span.
    RETURNS (Optional[float]): Its probability; None if no component has predicted a span with these
        words and this label, for example if an earlier component has set the entity.
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
        if found is not None and place_in_text(found) == place_in_text(span):
            return float(scores[i])
    return _stored(span)


def place_in_text(span: Span) -> PlaceInText:
    """The character offsets of a span, since tokens may have been merged after its prediction."""
    return span.start_char, span.end_char, span.label


def scores_under(key: str | None, doc: Doc) -> dict[PlaceInText, float]:
    """RETURNS (Dict[Tuple[int, int, int], float]): The probabilities of the spans in a group of a
    document, by the place of each; empty if the group does not exist, or has none.
    """
    if key not in doc.spans:
        return {}
    group = doc.spans[key]
    scores = group.attrs.get("scores", ())
    if len(scores) != len(group):
        return {}
    try:
        places = [(span.start_char, span.end_char, span.label) for span in group]
    except IndexError:  # as in `score_of`
        return {}
    return dict(zip(places, map(float, scores), strict=True))


def scores_of(doc: Doc) -> list[float | None]:
    """Find the probabilities of all entities of a document at once.

    doc (Doc): The document.
    RETURNS (List[Optional[float]]): The value of `ent._.score` for each of `doc.ents`; None if the
        extension does not exist, or belongs to another package and does not return a number.
    """
    if not _is_ours():
        scores = [ent._.get(NAME) if Span.has_extension(NAME) else None for ent in doc.ents]
        return [float(score) if isinstance(score, Real) else None for score in scores]
    known: dict[PlaceInText, float] = {}
    for key in _KEYS.intersection(doc.spans):
        known = scores_under(key, doc) | known
    return [known[at] if (at := place_in_text(ent)) in known else _stored(ent) for ent in doc.ents]


def store_scores(doc: Doc, spans: Iterable[Span], scores: Iterable[float]) -> None:
    """Store probabilities as values of spaCy extensions, in addition to those in `doc.spans`, since
    `Span.as_doc`, `Doc.from_docs`, `Doc.to_json` and the merging of tokens only preserve these.

    doc (Doc): The document.
    spans (Iterable[Span]): Entities.
    scores (Iterable[float]): Their probabilities.
    """
    if _is_ours():
        data: dict[Any, Any] = doc.user_data
        for span, score in zip(spans, scores, strict=True):
            data["._.", NAME, span.start_char, span.end_char] = {span.label_: score}


def _stored(span: Span) -> float | None:
    data: dict[Any, Any] = span.doc.user_data
    by_label = data.get(("._.", NAME, span.start_char, span.end_char))
    return by_label.get(span.label_) if isinstance(by_label, dict) else None


def _is_ours() -> bool:
    """Whether the extension belongs to this package."""
    return Span.has_extension(NAME) and Span.get_extension(NAME)[2] is score_of


def add_score_extension(spans_key: str | None) -> None:
    """Make `span._.score` look up the entities under a key. If another package has an extension of
    this name, it is kept, with a warning.

    spans_key (Optional[str]): Where in `doc.spans` a component writes its entities; None if it
        does not.
    """
    if spans_key is not None:
        _KEYS.add(spans_key)
    if not Span.has_extension(NAME):
        Span.set_extension(NAME, getter=score_of)
    elif not _is_ours():
        warnings.warn(
            f"Span._.{NAME} is already an extension of another package, so it does not return the "
            f"probabilities of window_ner. Use "
            f'doc.spans["{spans_key}"].attrs["scores"] instead.',
            stacklevel=2,
        )
