"""Find annotation that is probably wrong, with a network that was not trained on it.

For each annotated entity, the probability p that its words are an entity with its label is compared
with the probability q of the most likely alternative: another entity that overlaps it, or no entity
at all. For each likely entity that does not overlap an annotated one, p is the probability that
none of its words is in an entity. The evidence is log q − log p. It is large if the network is
confident of the alternative, and small if it is uncertain.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import IO

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Config

from ..confidence.scored_examples import ScoredSpans, find_component, score_examples
from ..decoding.alternatives import probabilities_outside
from ..decoding.decode import probabilities_of
from ..files.records import Offsets
from ..sequences.batching import ranges
from ..sequences.tags import tags_to_spans
from ..training.corpus import read_examples
from .folds import cross_train
from .tasks import Task

# A span that is not annotated has to be this likely to be listed.
LIKELY = 0.05
# Lower probabilities are treated as equal.
_LEAST = 1e-12

MISSED, SPURIOUS, LABEL, BOUNDARY = KINDS = ("missed", "spurious", "label", "boundary")

SpanRow = tuple[int, int, int]
# The annotation and its probability, the alternative and its probability; None for no entity.
_Reading = tuple[SpanRow | None, float, SpanRow | None, float]


@dataclass(frozen=True)
class Suspect:
    """An annotation that may be wrong, and the most likely alternative.

    document (int): The index of the document among the examples.
    kind (str): The kind of error: an entity is `missed` or `spurious`, or has the wrong `label` or
        `boundary`.
    annotated (Optional[Tuple[int, int, str]]): The annotated entity, in characters; None for no
        entity.
    instead (Optional[Tuple[int, int, str]]): The alternative, in characters; None for no entity.
    probability (float): The probability of the annotation.
    probability_instead (float): The probability of the alternative.
    evidence (float): The difference of their logarithms.
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
    """Find annotation that is probably wrong.

    nlp (Language): The pipeline, preferably one that was not trained on these examples.
    examples (Sequence[Example]): The annotated documents. Tokens without annotation are left out,
        as are entities with labels that the network has not seen.
    name (str): The name of the component.
    RETURNS (List[Suspect]): All annotated entities, and likely entities that are not annotated,
        sorted by the evidence against the annotation.
    RAISES (ValueError): If there is no annotated document.
    """
    numbers = [i for i, example in enumerate(examples) if len(example.predicted)]
    scored = score_examples(nlp, name, examples)
    likely = scored.candidates(LIKELY)
    likely = likely.where(np.argsort(likely.spans[:, 0], kind="stable"))
    gold = tags_to_spans(scored.tags)
    free = likely.where(_free(likely, gold, len(scored.tags)))
    arguments = scored.scores, scored.objective, scored.presets
    p_gold = probabilities_of(gold, *arguments)
    outside = probabilities_outside(np.concatenate([gold, free.spans])[:, :2], *arguments).tolist()
    others = _Others(likely)
    readings: list[_Reading] = [
        (row, p, *others.likeliest(row, q))
        for row, p, q in zip(_rows(gold), p_gold.tolist(), outside[: len(gold)], strict=True)
    ]
    of_free = zip(outside[len(gold) :], _rows(free.spans), free.probabilities.tolist(), strict=True)
    readings += [(None, p, row, q) for p, row, q in of_free]
    ends = np.cumsum(scored.scores.lengths)
    firsts, labels = ends - scored.scores.lengths, find_component(nlp, name).label_data
    found = []
    for reading in readings:
        start = next(row[0] for row in (reading[0], reading[2]) if row is not None)
        n = int(np.searchsorted(ends, start, side="right"))
        place = _Place(examples[numbers[n]].predicted, numbers[n], int(firsts[n]), labels)
        found.append(_suspect(reading, place))
    return sorted(found, key=lambda suspect: (-suspect.evidence, suspect.document))


def _rows(spans: NDArray[np.int64]) -> list[SpanRow]:
    return [(start, end, label) for start, end, label in spans.tolist()]


def _free(likely: ScoredSpans, gold: NDArray[np.int64], n_tokens: int) -> NDArray[np.int64]:
    """The indices of likely spans that do not overlap an annotated entity. If such spans overlap
    each other, only the most likely one is kept.
    """
    taken = np.zeros(n_tokens, dtype=bool)
    taken[ranges(gold[:, 0], gold[:, 1] - gold[:, 0])] = True
    kept = []
    for i in np.argsort(-likely.probabilities, kind="stable").tolist():
        tokens = slice(*likely.spans[i, :2].tolist())
        if not taken[tokens].any():
            taken[tokens] = True
            kept.append(i)
    return np.asarray(kept, dtype=np.int64)


class _Others:
    """Alternatives to annotated entities: likely spans, sorted by their first tokens."""

    def __init__(self, likely: ScoredSpans) -> None:
        self.rows, self.probabilities = _rows(likely.spans), likely.probabilities.tolist()
        self.starts = [row[0] for row in self.rows]
        self.longest = max((end - start for start, end, _ in self.rows), default=0)

    def likeliest(self, row: SpanRow, outside: float) -> tuple[SpanRow | None, float]:
        """The most likely alternative to an annotated entity, and its probability.

        row (Tuple[int, int, int]): The entity.
        outside (float): The probability that none of its tokens is in an entity.
        """
        best, q = None, outside
        first = bisect_right(self.starts, row[0] - self.longest)
        for i in range(first, bisect_left(self.starts, row[1])):
            other, p = self.rows[i], self.probabilities[i]
            if other != row and row[0] < other[1] and p > q:
                best, q = other, p
        return best, q


@dataclass(frozen=True)
class _Place:
    """A document, its index among the examples, the index of its first token among the tokens of
    all documents, and the labels of the component.
    """

    doc: Doc
    number: int
    first: int
    labels: Sequence[str]

    def offsets(self, row: SpanRow | None) -> Offsets | None:
        """A span in characters, with its label."""
        if row is None:
            return None
        span = self.doc[row[0] - self.first : row[1] - self.first]
        return span.start_char, span.end_char, self.labels[row[2]]


def _suspect(reading: _Reading, place: _Place) -> Suspect:
    annotated, p, instead, q = reading
    kind = BOUNDARY
    if annotated is None or instead is None:
        kind = MISSED if annotated is None else SPURIOUS
    elif annotated[:2] == instead[:2]:
        kind = LABEL
    return Suspect(
        document=place.number,
        kind=kind,
        annotated=place.offsets(annotated),
        instead=place.offsets(instead),
        probability=p,
        probability_instead=q,
        evidence=float(np.log(max(q, _LEAST)) - np.log(max(p, _LEAST))),
    )


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
    """Find annotation that is probably wrong by cross-validation: each fold is checked by a network
    that was trained on the other folds.

    config (Config): The config of the training; see `train_on`.
    docs (Sequence[Doc]): The annotated documents.
    folds (int): The number of folds.
    name (str): The name of the component in the config.
    seed (int): Random seed of the split.
    stderr (Optional[IO]): Where to print progress bars; None for no progress bars.
    begins (Callable): Called with the number of each fold, from 1, before it is trained.
    RETURNS (Tuple[List[Example], List[Suspect]]): The examples, and the suspects; see `review`.
    RAISES (ValueError): If the documents cannot be split, or a fold has no annotation.
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


def tasks_of(suspects: Sequence[Suspect], examples: Sequence[Example]) -> list[Task]:
    """Convert suspects to tasks: the text with its annotation, and the doubt as metadata.

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
