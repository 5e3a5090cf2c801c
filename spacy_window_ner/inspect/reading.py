"""The predictions of a pipeline for annotated documents, aligned to the words of the annotation.

All results are counted in these words, so that pipelines with different tokenization can be
compared. The rules are those of spaCy's scorer: documents without annotation are left out, and
predictions on words without annotation are neither correct nor wrong. The same holds for labels
that are not annotated in a document (see `labels.annotated_labels`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import ENT_IOB
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..component import WindowNER
from ..confidence.scored_examples import ScoredSpans, find_component, score_examples
from ..decoding.thresholds import LOWEST
from ..extensions import score_of
from ..labels import annotated_labels
from ..network.known_words import KnownWords, known_words

# Less likely spans are not shown as alternatives.
LEAST_ALTERNATIVE = 0.01
Rename = Mapping[str, str | None]


@dataclass(frozen=True)
class Entity:
    """An entity in a document.

    start (int): Its first word.
    end (int): The end, exclusive.
    label (str): Its label.
    probability (Optional[float]): Its probability; None for annotation, and if the pipeline has no
        probabilities.
    """

    start: int
    end: int
    label: str
    probability: float | None = None

    @property
    def key(self) -> tuple[int, int, str]:
        """RETURNS (Tuple[int, int, str]): Start, end and label."""
        return self.start, self.end, self.label


@dataclass(frozen=True)
class Document:
    """An annotated document, with the predictions of a pipeline.

    words (List[str]): Its words, each with the white space after it.
    sentences (List[int]): The first word of every sentence; empty if sentences are unknown.
    gold (List[Entity]): The annotated entities, in the order of the text.
    predicted (List[Entity]): The predicted entities.
    scored (List[Entity]): The entities at the lowest threshold, `LOWEST`; empty if the pipeline has
        no `window_ner`.
    candidates (List[Entity]): All candidate spans, including overlapping ones, sorted by their
        first words; empty if the pipeline has no `window_ner`.
    """

    words: list[str]
    sentences: list[int]
    gold: list[Entity]
    predicted: list[Entity]
    scored: list[Entity] = field(default_factory=list)
    candidates: list[Entity] = field(default_factory=list)

    @cached_property
    def _starts(self) -> tuple[list[int], int]:
        """The first words of the candidates, and the length of the longest candidate."""
        longest = max((entity.end - entity.start for entity in self.candidates), default=0)
        return [entity.start for entity in self.candidates], longest

    def candidates_over(self, start: int, end: int) -> list[Entity]:
        """RETURNS (List[Entity]): The candidates that overlap a span."""
        starts, longest = self._starts
        first, stop = bisect_left(starts, start - longest), bisect_left(starts, end)
        return [entity for entity in self.candidates[first:stop] if entity.end > start]

    def gold_over(self, start: int, end: int) -> list[Entity]:
        """RETURNS (List[Entity]): The annotated entities that overlap a span."""
        first = bisect_right(self.gold, start, key=lambda entity: entity.end)
        return self.gold[first : bisect_left(self.gold, end, key=lambda entity: entity.start)]

    def judge(self, entities: Sequence[Entity]) -> list[bool]:
        """RETURNS (List[bool]): Which entities are correct. If several entities map to the same
        words, only one of them counts as correct.
        """
        left, right = {entity.key for entity in self.gold}, []
        for entity in entities:
            right.append(entity.key in left)
            left.discard(entity.key)
        return right

    def text(self, entity: Entity) -> str:
        """RETURNS (str): The words of an entity."""
        return " ".join("".join(self.words[entity.start : entity.end]).split())


@dataclass(frozen=True)
class Reading:
    """The predictions of a pipeline for annotated documents.

    documents (List[Document]): The documents with annotation.
    has_scores (bool): Whether they have scored spans and candidates.
    threshold (Optional[float]): The threshold of the `window_ner`; None if it does not have a
        single threshold for all labels.
    known (Optional[KnownWords]): The share of tokens known to the `window_ner`; None if there is
        none.
    """

    documents: list[Document]
    has_scores: bool = False
    threshold: float | None = None
    known: KnownWords | None = None


def is_annotated(example: Example) -> bool:
    """RETURNS (bool): Whether an example has words and annotation, as evaluation requires."""
    return len(example.predicted) > 0 and example.reference.has_annotation("ENT_IOB")


def read_with_pipeline(
    nlp: Language, examples: Sequence[Example], rename: Rename | None = None
) -> Reading:
    """Run a pipeline on annotated documents. If it has several `window_ner` components, the scored
    spans and candidates are taken from the last one.

    nlp (Language): The pipeline.
    examples (Sequence[Example]): The documents; they are not changed.
    rename (Optional[Mapping[str, Optional[str]]]): New names for labels of the pipeline. Entities
        whose label maps to None are left out.
    RETURNS (Reading): The predictions.
    RAISES (ValueError): If no document has annotated entities.
    """
    examples = list(filter(is_annotated, examples))
    if not examples:
        raise ValueError("None of the documents has annotated entities.")
    docs = list(nlp.pipe(example.predicted.copy() for example in examples))
    aligned = [Example(doc, ex.reference) for doc, ex in zip(docs, examples, strict=True)]
    rename = {} if rename is None else rename
    documents = [
        Document(
            words=[token.text_with_ws for token in after.reference],
            sentences=_sentences(after),
            gold=[Entity(ent.start, ent.end, ent.label_) for ent in after.reference.ents],
            predicted=_predicted(
                after.predicted, len(before.predicted), _Projection(after, rename)
            ),
        )
        for before, after in zip(examples, aligned, strict=True)
    ]
    return _with_scores(nlp, examples, documents, rename)


def last_window_ner(nlp: Language) -> str | None:
    """RETURNS (Optional[str]): The name of the last `window_ner` of a pipeline; None if it has
    none.
    """
    names = [name for name, pipe in nlp.pipeline if isinstance(pipe, WindowNER)]
    return names[-1] if names else None


def _with_scores(
    nlp: Language, examples: list[Example], documents: list[Document], rename: Rename
) -> Reading:
    """Add scored spans and candidates, if there is a `window_ner`."""
    name = last_window_ner(nlp)
    if name is None:
        return Reading(documents)
    component = find_component(nlp, name)
    known = known_words(component.model, [example.predicted for example in examples])
    scored = score_examples(nlp, name, examples)
    lengths = scored.scores.lengths
    if lengths.tolist() != [len(example.predicted) for example in examples]:
        return Reading(documents, known=known)  # an earlier component has joined tokens
    found = scored.entities(LOWEST), scored.candidates(LEAST_ALTERNATIVE)
    projections = [_Projection(example, rename) for example in examples]
    for spans in found:
        entities_of = _by_document(spans, lengths, component.label_data, projections)
        for document, entities in zip(documents, entities_of, strict=True):
            (document.scored if spans is found[0] else document.candidates).extend(entities)
    threshold = component.threshold
    return Reading(documents, True, threshold if isinstance(threshold, float) else None, known)


def _by_document(
    found: ScoredSpans,
    lengths: NDArray[np.integer],
    labels: Sequence[str],
    projections: Sequence["_Projection"],
) -> list[list[Entity]]:
    starts = np.cumsum(lengths) - lengths
    # They are in the order of the text.
    bounds = np.searchsorted(found.documents, np.arange(len(lengths) + 1)).tolist()
    names, probabilities = [labels[label] for label in found.labels], found.probabilities.tolist()
    parts = []
    for number, project in enumerate(projections):
        part = slice(bounds[number], bounds[number + 1])
        spans = found.spans[part, :2] - starts[number]
        entities = project(spans, names[part], probabilities[part])
        parts.append(sorted(entities, key=lambda entity: entity.start))
    return parts


class _Projection:
    """Maps spans of the pipeline's tokens to words of the annotation, as spaCy's scorer does."""

    def __init__(self, example: Example, rename: Rename) -> None:
        alignment = example.alignment.x2y
        self.words = np.asarray(alignment.data, dtype=np.int64).ravel()
        self.offsets = np.append(0, np.cumsum(alignment.lengths)).astype(np.int64)
        iob = example.reference.to_array(ENT_IOB)
        self.missing = np.append(0, np.cumsum(iob == 0))
        self.labels = annotated_labels(example.reference)
        self.rename = rename

    def __call__(
        self,
        spans: NDArray[np.integer],
        labels: Sequence[str],
        probabilities: Sequence[float | None],
    ) -> list[Entity]:
        """RETURNS (List[Entity]): The spans (n_spans, 2) that can be evaluated."""
        first, last = self.offsets[spans[:, 0]], self.offsets[spans[:, 1]]
        projected = []
        for i in np.flatnonzero(last > first).tolist():
            start, end = int(self.words[first[i]]), int(self.words[last[i] - 1]) + 1
            label = self.rename.get(labels[i], labels[i])
            if label is None or (self.labels is not None and label not in self.labels):
                continue
            if self.missing[end] == self.missing[start]:
                projected.append(Entity(start, end, label, probabilities[i]))
        return projected


def _predicted(doc: Doc, n_tokens: int, project: _Projection) -> list[Entity]:
    spans = np.asarray([(ent.start, ent.end) for ent in doc.ents], dtype=np.int64).reshape(-1, 2)
    # Where a component has joined tokens, `doc.spans` still counts in those of before.
    is_joined = len(doc) != n_tokens
    probabilities = [None if is_joined else score_of(ent) for ent in doc.ents]
    return project(spans, [ent.label_ for ent in doc.ents], probabilities)


def _sentences(example: Example) -> list[int]:
    """Find the first words of the sentences, from the annotation or else from the pipeline."""
    if example.reference.has_annotation("SENT_START"):
        return [token.i for token in example.reference if token.is_sent_start]
    if not example.predicted.has_annotation("SENT_START"):
        return []
    alignment = example.alignment.x2y
    offsets = np.append(0, np.cumsum(alignment.lengths)).astype(int)
    words = np.asarray(alignment.data).ravel()
    starts = [token.i for token in example.predicted if token.is_sent_start]
    return sorted({int(words[offsets[i]]) for i in starts if offsets[i + 1] > offsets[i]})


def names_of(docs: Sequence[Doc]) -> dict[str, set[str]]:
    """RETURNS (Dict[str, Set[str]]): The labels that each name has in annotated documents."""
    names: dict[str, set[str]] = {}
    for doc in docs:
        for ent in doc.ents:
            names.setdefault(" ".join(ent.text.split()), set()).add(ent.label_)
    return names
