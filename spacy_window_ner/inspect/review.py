"""Annotation that is probably wrong, by what a network makes of it that has not learned it.

For each annotated entity, the probability p that its words are an entity of its label is held
against the probability q of the likeliest other reading: another entity that overlaps with it, or
no entity at all. For each likely entity that is not annotated and overlaps with none that is, the
annotated reading is that none of its words is in an entity. The evidence is log q − log p: where
the network is sure of something else, it is large; where it has no opinion, it is small.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import IO

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Config

from ..confidence.development import Development, develop, find_component
from ..decoding import alternatives, probabilities_of
from ..layers.transitions import Scores
from ..sequences.tags import tags_to_spans
from .folds import cross_train
from .tasks import Offsets, Task

# A span that is not annotated has to be this likely to be listed.
LIKELY = 0.05
# Probabilities below this are alike.
_LEAST = 1e-12

MISSED, SPURIOUS, LABEL, BOUNDARY = KINDS = ("missed", "spurious", "label", "boundary")

Row = tuple[int, int, int]


@dataclass(frozen=True)
class Suspect:
    """An annotated reading, and what a network reads in its place.

    document (int): The number of the document among the examples.
    kind (str): What would be wrong: an entity is `missed`, or one is annotated that is `spurious`,
        has another `label`, or another `boundary`.
    annotated (Optional[Tuple[int, int, str]]): The annotated entity, by characters; None if none
        is.
    instead (Optional[Tuple[int, int, str]]): What is read in its place; None for no entity.
    probability (float): The probability of the annotated reading.
    probability_instead (float): That of the other one.
    evidence (float): The log of the second less that of the first.
    """

    document: int
    kind: str
    annotated: Offsets | None
    instead: Offsets | None
    probability: float
    probability_instead: float
    evidence: float


def review(
    nlp: Language, examples: Sequence[Example], *, name: str = "window_ner"
) -> list[Suspect]:
    """Look for annotation that is probably wrong.

    nlp (Language): The pipeline, best one that was not trained on these examples.
    examples (Sequence[Example]): The annotated documents. Tokens without annotation are left out,
        and entities of labels that the network has not seen.
    name (str): The name of the component.
    RETURNS (List[Suspect]): All annotated entities, and likely ones that are not annotated, those
        with most evidence against them first.
    RAISES (ValueError): If there is no annotated document.
    """
    numbers = [i for i, example in enumerate(examples) if len(example.predicted)]
    development = develop(nlp, name, examples)
    labels = find_component(nlp, name).label_data
    gold = tags_to_spans(development.tags)
    likely = development.candidates(LIKELY)
    p_gold = probabilities_of(gold, development.scores, development.objective, development.presets)
    ends = np.cumsum(development.scores.lengths)
    firsts = ends - development.scores.lengths
    found = []
    for n, number in enumerate(numbers):
        here = slice(*np.searchsorted(gold[:, 0], [firsts[n], ends[n]]))
        moved = np.asarray([firsts[n], firsts[n], 0])
        there = likely.documents == n
        reading = _Document(
            gold=gold[here] - moved,
            p_gold=p_gold[here],
            likely=likely.spans[there] - moved,
            p_likely=likely.probabilities[there],
            development=development.subset(np.asarray([n])),
        )
        doc = examples[number].predicted
        found += [_suspect(doc, number, labels, *one) for one in reading.pairs()]
    return sorted(found, key=lambda suspect: -suspect.evidence)


@dataclass(frozen=True)
class _Document:
    """The annotated spans of one document (n, 3), the likely ones (m, 3), and their
    probabilities.
    """

    gold: NDArray[np.int64]
    p_gold: NDArray[np.float64]
    likely: NDArray[np.int64]
    p_likely: NDArray[np.float64]
    development: Development

    def pairs(self) -> Iterator[tuple[Row | None, Row | None, float, float]]:
        """Annotated readings and the others in their place, with the probabilities of both."""
        for row, p in zip(self.gold.tolist(), self.p_gold.tolist(), strict=True):
            other, q = self._instead(row)
            yield tuple(row), other, p, q
        # The likeliest of those that overlap stands for the others.
        taken = self.gold[:, :2].tolist()
        for i in np.argsort(-self.p_likely, kind="stable").tolist():
            start, end, label = self.likely[i].tolist()
            if not any(s < end and start < e for s, e in taken):
                taken.append([start, end])
                outside = self._outside(start, end)
                yield None, (start, end, label), outside, float(self.p_likely[i])

    def _instead(self, row: list[int]) -> tuple[Row | None, float]:
        """The likeliest reading in the place of an annotated span."""
        start, end = row[:2]
        best, q = None, self._outside(start, end)
        for other, p in zip(self.likely.tolist(), self.p_likely.tolist(), strict=True):
            if other != row and other[0] < end and start < other[1] and p > q:
                best, q = (other[0], other[1], other[2]), p
        return best, q

    def _outside(self, start: int, end: int) -> float:
        """The probability that no token of a span is in an entity."""
        of = self.development
        lengths = np.asarray([len(of.tags)], dtype=np.int32)
        scores = Scores(of.scores.emissions, of.scores.transitions, lengths)
        return alternatives(scores, of.objective, of.presets, start, end)[1]


def _suspect(
    doc: Doc,
    number: int,
    labels: Sequence[str],
    annotated: Row | None,
    instead: Row | None,
    p: float,
    q: float,
) -> Suspect:
    def offsets(row: Row | None) -> Offsets | None:
        if row is None:
            return None
        span = doc[row[0] : row[1]]
        return span.start_char, span.end_char, labels[row[2]]

    kind = BOUNDARY
    if annotated is None or instead is None:
        kind = MISSED if annotated is None else SPURIOUS
    elif annotated[:2] == instead[:2]:
        kind = LABEL
    evidence = float(np.log(max(q, _LEAST)) - np.log(max(p, _LEAST)))
    return Suspect(number, kind, offsets(annotated), offsets(instead), p, q, evidence)


def review_by_folds(
    config: Config,
    docs: Sequence[Doc],
    folds: int,
    *,
    name: str = "window_ner",
    seed: int = 0,
    stderr: IO | None = None,
    begins: Callable[[int], object] = lambda fold: None,
) -> tuple[list[Example], list[Suspect]]:
    """Look for annotation that is probably wrong: each part of the documents is judged by a network
    that was trained on the others.

    config (Config): The config of the training; see `train_on`.
    docs (Sequence[Doc]): The annotated documents.
    folds (int): The number of parts.
    name (str): The name of the component in the config.
    seed (int): The seed of the division.
    stderr (Optional[IO]): Where progress bars go; nowhere if None.
    begins (Callable): Is called with the number of each part, from 1 up, before its training.
    RETURNS (Tuple[List[Example], List[Suspect]]): The documents as they were read, and the
        suspects; see `review`.
    RAISES (ValueError): If the documents cannot be divided, or a part has no annotation.
    """
    examples: dict[int, Example] = {}
    found: list[Suspect] = []
    for nlp, held_out in cross_train(config, docs, folds, seed=seed, stderr=stderr, begins=begins):
        some = read_examples(nlp, [docs[i] for i in held_out])
        examples.update(zip(held_out, some, strict=True))
        found += [
            replace(one, document=held_out[one.document]) for one in review(nlp, some, name=name)
        ]
    found.sort(key=lambda one: -one.evidence)
    return [examples[i] for i in range(len(docs))], found


def read_examples(nlp: Language, docs: Iterable[Doc]) -> list[Example]:
    """Read annotated documents as spaCy's `Corpus` does, empty ones too.

    nlp (Language): The pipeline, which divides texts into tokens.
    docs (Iterable[Doc]): The documents. The tokens of those whose white space is unknown stay.
    RETURNS (List[Example]): One for each.
    """
    return [
        Example(
            Doc(nlp.vocab, words=[token.text for token in doc])
            if doc.has_unknown_spaces
            else nlp.make_doc(doc.text),
            doc,
        )
        for doc in docs
    ]


def tasks_of(suspects: Sequence[Suspect], examples: Sequence[Example]) -> list[Task]:
    """Write suspects as tasks: the text with its annotation, and what is doubted in it.

    suspects (Sequence[Suspect]): The suspects.
    examples (Sequence[Example]): The annotated documents.
    RETURNS (List[Task]): One for each suspect. The score is the evidence.
    """
    found = []
    for one in suspects:
        example = examples[one.document]
        text = example.predicted.text
        ents = example.reference.ents
        meta = {
            "document": one.document,
            "kind": one.kind,
            "annotated": _described(text, one.annotated),
            "instead": _described(text, one.instead),
            "probability": round(one.probability, 4),
            "probability_instead": round(one.probability_instead, 4),
        }
        found.append(
            Task(
                text,
                [(token.idx, token.idx + len(token)) for token in example.predicted],
                [(ent.start_char, ent.end_char, ent.label_) for ent in ents],
                one.evidence,
                meta,
            )
        )
    return found


def _described(text: str, span: Offsets | None) -> str:
    return "no entity" if span is None else f"{text[span[0] : span[1]]} ({span[2]})"
