"""Predictions for a text, given the decisions of a person, as plain data for the page."""

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
# Spans above this probability are shown as entities. Since both removing an entity and confirming a
# less likely one take one click, this threshold needs the fewest clicks. F1 is often best with a
# lower threshold, which the final pipeline uses.
LEAST_ENTITY = 0.5
# Less likely spans above this probability are shown as uncertain.
LEAST_CANDIDATE = 0.1
# Entities above this probability are shown as certain.
SURE = 0.95


def read_text(
    nlp: Language,
    text: str,
    given: Iterable[Marked],
    labels: Sequence[str],
    names: "Names | None" = None,
) -> dict[str, Any]:
    """Predict the entities of a text, given some that are fixed.

    nlp (Language): The pipeline.
    text (str): The text.
    given (Iterable[Tuple[int, int, Optional[str]]]): The fixed spans; see `snapped`.
    labels (Sequence[str]): The labels to predict.
    names (Optional[Names]): Names that are fixed as well, unless they overlap fixed spans.
    RETURNS (Dict[str, Any]): Its `tokens`, its `entities`, the spans fixed as `outside` of
        entities, and the spans that the network is `unsure` about.
    RAISES (ValueError): If a fixed span is outside of the text, or overlaps another one.
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
    with warnings.catch_warnings():  # it is fine if a person has found all entities
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
    """Set the fixed spans of a document. Without `checked`, the document is to be predicted, and
    tokens outside of entities are blocked. RETURNS (Doc): The same document.
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
    """RETURNS (Doc): The text of a decision as an annotated document."""
    return preset(nlp.make_doc(decision.text), decision.entities, decision.checked)


def _plain(start: int, end: int, label: str | None, score: float) -> dict[str, Any]:
    return {"start": start, "end": end, "label": label, "score": round(score, 4)}


def _doubtful(entities: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [dict(entity) for entity in entities if entity["score"] < SURE]


def _candidates(
    doc: Doc, entities: Sequence[dict[str, Any]], labels: Sequence[str]
) -> list[dict[str, Any]]:
    """The likely spans that do not overlap an entity."""
    spans = doc.spans.get(CANDIDATES_KEY, ())
    scores = spans.attrs["scores"].tolist() if len(spans) else []
    taken = _taken(len(doc.text), ((entity["start"], entity["end"]) for entity in entities))
    return [
        _plain(span.start_char, span.end_char, span.label_, score)
        for span, score in zip(spans, scores, strict=True)
        if span.label_ in labels and not any(taken[span.start_char : span.end_char])
    ]


def _taken(length: int, spans: Iterable[tuple[int, int]]) -> bytearray:
    """Which characters of a text are inside one of the spans."""
    taken = bytearray(length)
    for start, end in spans:
        taken[start:end] = b"\1" * (end - start)
    return taken


def snapped(
    text: str, tokens: Sequence[tuple[int, int]], entities: Iterable[Marked]
) -> list[Marked]:
    """Expand spans to the boundaries of the tokens that they touch.

    text (str): The text.
    tokens (Sequence[Tuple[int, int]]): Start and end character offsets of its tokens.
    entities (Iterable[Tuple[int, int, Optional[str]]]): Start and end character offsets, and label;
        None for "no entity here".
    RETURNS (List[Tuple[int, int, Optional[str]]]): The expanded spans in the order of the text.
    RAISES (ValueError): If a span is outside of the text, touches no token, or overlaps another.
    """
    starts, ends = [start for start, _ in tokens], [end for _, end in tokens]
    found: list[Marked] = []
    for start, end, label in entities:
        if not 0 <= start < end <= len(text):
            raise ValueError(
                f"The span from character {start} to {end} is empty, or outside of the text with "
                f"{len(text):,} characters."
            )
        first, last = bisect_right(ends, start), bisect_left(starts, end) - 1
        # White space around words is not part of a name.
        while first <= last and text[starts[first] : ends[first]].isspace():
            first += 1
        while first <= last and text[starts[last] : ends[last]].isspace():
            last -= 1
        if first > last:
            raise ValueError(f"The span from character {start} to {end} does not contain a word.")
        found.append((starts[first], ends[last], label))
    found.sort(key=lambda entity: entity[:2])
    for one, other in pairwise(found):
        if other[0] < one[1]:
            raise ValueError(
                f"Characters {one[0]} to {one[1]} ({one[2]}) and {other[0]} to {other[1]} "
                f"({other[2]}) overlap when they are expanded to whole words. Keep one of them."
            )
    return found


class Names:
    """Names that are, or are not, entities wherever they occur, and patterns of names.

    vocab (Vocab): The vocabulary of the documents.
    labels (Mapping[str, Optional[str]]): The label of each name; None for "no entity".
    patterns (Iterable[Tuple[str, List[Dict[str, Any]]]]): Labels, and token patterns of spaCy's
        `Matcher`.
    RAISES (ValueError): If a pattern is invalid, or uses attributes that a tokenizer does not set.
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
        self._match(Doc(vocab, words=["A", "text"]))  # find invalid patterns now

    def _match(self, doc: Doc) -> list[Span]:
        return self._matcher(doc, as_spans=True) if len(self._matcher) else []

    def find(self, doc: Doc, fixed: Iterable[Marked] = ()) -> list[Marked]:
        """Find the names in a text. If matches overlap, names take precedence over patterns, and
        long ones over short ones.

        doc (Doc): The text.
        fixed (Iterable[Tuple[int, int, Optional[str]]]): Spans that names must not overlap.
        RETURNS (List[Tuple[int, int, Optional[str]]]): The matches with their labels.
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
    """RETURNS (str): `rtl` or `ltr`, by the first letter that has a direction."""
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind in ("L", "R", "AL"):
            return "ltr" if kind == "L" else "rtl"
    return "ltr"
