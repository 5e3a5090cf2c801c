"""A text, read by a network around what a person has said → plain data for the page."""

import unicodedata
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise, takewhile
from typing import Any

from spacy.language import Language
from spacy.matcher import Matcher
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from ..confidence.scored_examples import find_component
from ..confidence.tuning import with_component
from ..extensions import scores_of
from ..files.exports import tokens_of
from ..training.start_from import NAME
from .store import Decision, Marked

CANDIDATES_KEY = "candidates of teach"
# What is likelier is shown as an entity. A click removes it, and a click confirms what is less
# likely, so this takes the fewest clicks. F1 is often best with a lower threshold: that of the
# pipeline in the end.
LEAST_ENTITY = 0.5
# Spans that are so likely, and are no entities, are shown as what the network is unsure of.
LEAST_CANDIDATE = 0.1
# An entity is sure if it is likelier than this.
SURE = 0.95


def read_text(
    nlp: Language,
    text: str,
    given: Iterable[Marked],
    labels: Sequence[str],
    names: "Names | None" = None,
) -> dict[str, Any]:
    """Read a text around what is fixed in it.

    nlp (Language): The pipeline.
    text (str): The text.
    given (Iterable[Tuple[int, int, Optional[str]]]): What is fixed; see `snapped`.
    labels (Sequence[str]): The labels to find.
    names (Optional[Names]): Names that are fixed wherever nothing else is.
    RETURNS (Dict[str, Any]): Its `tokens`, `entities`, what is fixed to be `outside` of entities,
        and what the network is `unsure` of.
    RAISES (ValueError): If what is given is outside of the text, or overlaps.
    """
    doc = nlp.make_doc(text)
    tokens = tokens_of(doc)
    fixed = snapped(text, tokens, given)
    if names is not None:
        fixed += names.find(doc, fixed)
    component = find_component(nlp, NAME)
    settings = {
        "threshold": LEAST_ENTITY,
        "candidates_key": CANDIDATES_KEY,
        "candidates_threshold": LEAST_CANDIDATE,
    }
    nlp = with_component(nlp, NAME, component.model, component.cfg | settings)
    with warnings.catch_warnings():  # that a person has found everything is no mistake
        warnings.simplefilter("ignore")
        doc = nlp(preset(doc, fixed))
    known = set(fixed)
    outside = [{**_plain(*one, 1.0), "fixed": True} for one in fixed if one[2] is None]
    entities = []
    for ent, score in zip(doc.ents, scores_of(doc), strict=True):
        key = ent.start_char, ent.end_char, ent.label_
        if key in known:
            entities.append({**_plain(*key, 1.0), "fixed": True})
        elif ent.label_ in labels:
            entities.append(_plain(*key, 1.0 if score is None else score))
    candidates = _candidates(doc, [*entities, *outside], labels)
    return {
        "tokens": tokens,
        "entities": entities,
        "outside": outside,
        "unsure": [*_doubtful(entities), *candidates],
    }


def preset(doc: Doc, fixed: Iterable[Marked], checked: str | None = None) -> Doc:
    """Set what is known of a document. Without `checked`, it is to be read: no entities are where
    tokens are blocked. RETURNS (Doc): The same document.
    """
    spans = [(doc.char_span(start, end, label or ""), label) for start, end, label in fixed]
    outside = [span for span, label in spans if span is not None and label is None]
    doc.set_ents(
        [span for span, label in spans if span is not None and label is not None],
        blocked=outside if checked is None else [],
        outside=[] if checked is None else outside,
        default="outside" if checked == "all" else "missing",
    )
    return doc


def annotated_doc(nlp: Language, decision: Decision) -> Doc:
    """RETURNS (Doc): The document that a decision makes of its text."""
    return preset(nlp.make_doc(decision.text), decision.entities, decision.checked)


def _plain(start: int, end: int, label: str | None, score: float) -> dict[str, Any]:
    return {"start": start, "end": end, "label": label, "score": round(score, 4)}


def _doubtful(entities: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [dict(entity) for entity in entities if entity["score"] < SURE]


def _candidates(
    doc: Doc, entities: Sequence[dict[str, Any]], labels: Sequence[str]
) -> list[dict[str, Any]]:
    """The likely spans that overlap no entity."""
    spans = doc.spans.get(CANDIDATES_KEY, ())
    scores = spans.attrs["scores"].tolist() if len(spans) else []
    taken = _taken(len(doc.text), ((entity["start"], entity["end"]) for entity in entities))
    return [
        _plain(span.start_char, span.end_char, span.label_, score)
        for span, score in zip(spans, scores, strict=True)
        if span.label_ in labels and not any(taken[span.start_char : span.end_char])
    ]


def _taken(length: int, spans: Iterable[tuple[int, int]]) -> bytearray:
    """Which characters of a text are in one of the spans."""
    taken = bytearray(length)
    for start, end in spans:
        taken[start:end] = b"\1" * (end - start)
    return taken


def snapped(
    text: str, tokens: Sequence[tuple[int, int]], entities: Iterable[Marked]
) -> list[Marked]:
    """Widen spans to the tokens that they touch.

    text (str): The text.
    tokens (Sequence[Tuple[int, int]]): Start and end of its tokens, by characters.
    entities (Iterable[Tuple[int, int, Optional[str]]]): Start and end by characters, and label;
        None for "no entity here".
    RETURNS (List[Tuple[int, int, Optional[str]]]): They in the order of the text.
    RAISES (ValueError): If one is outside of the text or touches no token, or if two overlap.
    """
    starts, ends = [start for start, _ in tokens], [end for _, end in tokens]
    found: list[Marked] = []
    for start, end, label in entities:
        if not 0 <= start < end <= len(text):
            raise ValueError(
                f"Characters {start} to {end} are empty, or outside of the {len(text):,} "
                f"characters of the text."
            )
        first, last = bisect_right(ends, start), bisect_left(starts, end) - 1
        # White space around words is no part of a name.
        while first <= last and text[starts[first] : ends[first]].isspace():
            first += 1
        while first <= last and text[starts[last] : ends[last]].isspace():
            last -= 1
        if first > last:
            raise ValueError(f"Characters {start} to {end} have no word in them.")
        found.append((starts[first], ends[last], label))
    found.sort(key=lambda entity: entity[:2])
    for one, other in pairwise(found):
        if other[0] < one[1]:
            raise ValueError(
                f"Characters {one[0]} to {one[1]} ({one[2]}) and {other[0]} to {other[1]} "
                f"({other[2]}) overlap once they are widened to words. Keep one of them."
            )
    return found


class Names:
    """Names that are entities, or are none, wherever they are, and patterns of names.

    vocab (Vocab): The vocabulary of the documents.
    labels (Mapping[str, Optional[str]]): The label of each name; None for "no entity".
    patterns (Iterable[Tuple[str, List[Dict[str, Any]]]]): Labels, and patterns of tokens as spaCy's
        `Matcher` has them.
    RAISES (ValueError): If a pattern is wrong, or needs what a tokenizer does not set.
    """

    def __init__(
        self,
        vocab: Vocab,
        labels: Mapping[str, str | None],
        patterns: Iterable[tuple[str, list[dict[str, Any]]]] = (),
    ) -> None:
        self.labels = labels
        self._longest = max(map(len, labels), default=0)
        self._matcher = Matcher(vocab, validate=True)
        for label, pattern in patterns:
            self._matcher.add(label, [pattern])
        self._match(Doc(vocab, words=["A", "text"]))  # what is wrong is found now

    def _match(self, doc: Doc) -> list[Span]:
        return self._matcher(doc, as_spans=True) if len(self._matcher) else []

    def find(self, doc: Doc, fixed: Iterable[Marked] = ()) -> list[Marked]:
        """Find the names in a text, the longest first where they overlap, and names before what
        patterns find.

        doc (Doc): The text.
        fixed (Iterable[Tuple[int, int, Optional[str]]]): Spans that no name may overlap.
        RETURNS (List[Tuple[int, int, Optional[str]]]): Where they are, with their labels.
        """
        text, tokens = doc.text, tokens_of(doc)
        names = [
            (start, end, self.labels[text[start:end]])
            for i, (start, _) in enumerate(tokens)
            for _, end in takewhile(lambda token: token[1] <= start + self._longest, tokens[i:])  # noqa: B023
            if text[start:end] in self.labels
        ]
        spans = [(span.start_char, span.end_char, span.label_) for span in self._match(doc)]
        taken = _taken(len(text), ((start, end) for start, end, _ in fixed))
        chosen: list[Marked] = []
        for found in (names, spans):
            for start, end, label in sorted(found, key=lambda one: (one[0] - one[1], one[0])):
                if not any(taken[start:end]):
                    taken[start:end] = b"\1" * (end - start)
                    chosen.append((start, end, label))
        return chosen


def direction(text: str) -> str:
    """RETURNS (str): `rtl` or `ltr`, after the first letter that has a direction."""
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind in ("L", "R", "AL"):
            return "ltr" if kind == "L" else "rtl"
    return "ltr"
