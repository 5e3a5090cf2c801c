"""The scores and errors of a pipeline: the contents of a report, as plain data."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.training import Example

from ..confidence.reliability import bins_of, ece, expected_ece
from ..decoding.thresholds import HIGHEST, LOWEST
from ..network.known_words import KnownWords
from .errors import CLASSES, Pair, confusion, measures, pair_all
from .groups import GroupScores, by_label, by_length, by_seen, by_size, labels_in
from .reading import Document, Entity, Reading, Rename, read_with_pipeline

# Words around an entity, where sentences are not known or are long.
_AROUND = 30
_N_ALTERNATIVES = 5
_DIAGRAM_BINS = 10


@dataclass(frozen=True)
class Excerpt:
    """An entity in its sentence. Words are counted from the start of the document.

    document (int): The index of the document.
    start (int): The first word of the excerpt.
    words (List[str]): Its words, each with the white space after it.
    is_cut (Tuple[bool, bool]): Whether the sentence continues before the excerpt, and after it.
    kind (str): "correct", or the class of the error, see `errors.CLASSES`.
    gold (Optional[Entity]): The annotated entity.
    predicted (Optional[Entity]): The predicted entity.
    probability (Optional[float]): The probability of the predicted entity, or of the annotated one
        if it was missed; None if the pipeline has no probabilities.
    alternatives (List[Tuple[str, str, float]]): Text, label and probability of other possible
        entities at the same place, the most probable first.
    annotation (List[Entity]): All annotated entities of the excerpt.
    """

    document: int
    start: int
    words: list[str]
    is_cut: tuple[bool, bool]
    kind: str
    gold: Entity | None
    predicted: Entity | None
    probability: float | None
    alternatives: list[tuple[str, str, float]]
    annotation: list[Entity]


@dataclass(frozen=True)
class Reliability:
    """How well the probabilities of predicted entities are calibrated.

    n (int): The number of entities with a probability.
    ece (float): The expected calibration error.
    ece_by_chance (float): The ECE expected by chance with perfectly calibrated probabilities.
    bins (Dict[str, List[float]]): For each bin "claimed", "right" and "sizes", see `Bins`.
    """

    n: int
    ece: float
    ece_by_chance: float
    bins: dict[str, list[float]]


@dataclass(frozen=True)
class Scored:
    """The predicted spans at all thresholds.

    labels (List[str]): The labels.
    gold (List[int]): The number of annotated entities of each label.
    spans (List[Tuple[int, float, int]]): Label index, probability, and whether it is correct, of
        every span that is an entity at the lowest threshold, the most probable first.
    threshold (Optional[float]): The threshold of the pipeline; None if it does not have a single
        threshold for all labels.
    """

    labels: list[str]
    gold: list[int]
    spans: list[tuple[int, float, int]]
    threshold: float | None

    def curve(self, n_points: int = 95) -> list[tuple[float, float, float, float]]:
        """RETURNS (List[Tuple[float, float, float, float]]): Threshold, precision, recall and F1,
        from the lowest threshold to the highest.
        """
        p = np.asarray([p for _, p, _ in self.spans])
        right = np.append(0, np.cumsum([correct for _, _, correct in self.spans]))
        points = []
        for threshold in np.linspace(LOWEST, HIGHEST, n_points).tolist():
            n = int((p > threshold).sum())
            n_right, n_gold = int(right[n]), sum(self.gold)
            of_predicted, of_gold = n_right / max(n, 1), n_right / max(n_gold, 1)
            points.append((threshold, of_predicted, of_gold, 2 * n_right / max(n + n_gold, 1)))
        return points


@dataclass(frozen=True)
class Facts:
    """The contents of a report on a pipeline.

    n_documents (int): The number of annotated documents.
    n_words (int): The number of their words.
    known (Optional[KnownWords]): The share of words known to the `window_ner` of the pipeline; None
        if it has none.
    labels (List[GroupScores]): Precision, recall and F1 by label, followed by the overall scores.
    errors (Dict[str, int]): The number of errors of each class, see `errors.CLASSES`.
    measures (Dict[str, Dict[str, float]]): See `errors.measures`.
    confusion (Dict[str, Any]): "labels" and "counts", see `errors.confusion`.
    by_length (List[GroupScores]): Scores by the length of entities.
    by_size (List[GroupScores]): Scores by the size of documents.
    by_seen (Optional[List[GroupScores]]): Scores by whether names were seen in training; None
        without training data.
    reliability (Optional[Reliability]): None if no entity has a probability.
    scored (Optional[Scored]): None if the pipeline has no `window_ner`.
    excerpts (List[Excerpt]): All errors in their sentences.
    """

    n_documents: int
    n_words: int
    known: KnownWords | None
    labels: list[GroupScores]
    errors: dict[str, int]
    measures: dict[str, dict[str, float]]
    confusion: dict[str, Any]
    by_length: list[GroupScores]
    by_size: list[GroupScores]
    by_seen: list[GroupScores] | None
    reliability: Reliability | None
    scored: Scored | None
    excerpts: list[Excerpt]

    @property
    def total(self) -> GroupScores:
        """RETURNS (GroupScores): The overall scores."""
        return self.labels[-1]

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): The facts as JSON-serializable data."""
        return asdict(self)


def evaluate(
    nlp: Language,
    examples: Sequence[Example],
    *,
    names: Mapping[str, set[str]] | None = None,
    rename: Rename | None = None,
) -> Facts:
    """Evaluate a pipeline on annotated documents.

    nlp (Language): Any pipeline that sets `doc.ents`.
    examples (Sequence[Example]): The annotated documents, as spaCy's `Corpus` yields them: without
        entities in `predicted`. They are not changed.
    names (Optional[Mapping[str, Set[str]]]): The labels of each name in the training data, see
        `reading.names_of`.
    rename (Optional[Mapping[str, Optional[str]]]): New names for labels of the pipeline. Entities
        whose label maps to None are left out.
    RETURNS (Facts): The results.
    RAISES (ValueError): If no document has annotated entities.
    """
    return facts_of(read_with_pipeline(nlp, examples, rename), names)


def facts_of(reading: Reading, names: Mapping[str, set[str]] | None = None) -> Facts:
    """RETURNS (Facts): The results for the predictions of a pipeline; see `evaluate`."""
    documents = reading.documents
    pairs = pair_all(documents)
    wrong = [pair for pair in pairs if pair.kind != "correct"]
    labels, kinds = labels_in(documents), Counter(pair.kind for pair in wrong)
    return Facts(
        n_documents=len(documents),
        n_words=sum(len(document.words) for document in documents),
        known=reading.known,
        labels=by_label(documents),
        errors={kind: kinds[kind] for kind in CLASSES},
        measures=measures(pairs),
        confusion={"labels": labels, "counts": confusion(pairs, labels)},
        by_length=by_length(documents),
        by_size=by_size(documents),
        by_seen=None if names is None else by_seen(documents, names),
        reliability=_reliability(documents),
        scored=_scored(reading) if reading.has_scores else None,
        excerpts=[excerpt_of(documents[one.document], one) for one in wrong],
    )


def _reliability(documents: Sequence[Document]) -> Reliability | None:
    said, correct = [], []
    for document in documents:
        right = document.judge(document.predicted)
        for entity, is_right in zip(document.predicted, right, strict=True):
            if entity.probability is not None:
                said.append(entity.probability)
                correct.append(is_right)
    if not said:
        return None
    p, is_correct = np.asarray(said, dtype=np.float64), np.asarray(correct, dtype=bool)
    bins = bins_of(p, is_correct, _DIAGRAM_BINS)
    columns = {name: getattr(bins, name).tolist() for name in ("claimed", "right", "sizes")}
    return Reliability(len(p), ece(p, is_correct), expected_ece(p), columns)


def _scored(reading: Reading) -> Scored:
    found = {ent.label for doc in reading.documents for ent in [*doc.gold, *doc.scored]}
    numbers = {label: number for number, label in enumerate(sorted(found))}
    gold, spans = [0] * len(numbers), []
    for document in reading.documents:
        for entity in document.gold:
            gold[numbers[entity.label]] += 1
        right = document.judge(document.scored)
        for entity, is_right in zip(document.scored, right, strict=True):
            p = _rounded(entity.probability) or 0.0
            spans.append((numbers[entity.label], p, int(is_right)))
    spans.sort(key=lambda span: -span[1])
    return Scored(list(numbers), gold, spans, reading.threshold)


def excerpt_of(document: Document, pair: Pair) -> Excerpt:
    """RETURNS (Excerpt): A pair of entities in its sentence."""
    both = [entity for entity in (pair.gold, pair.predicted) if entity is not None]
    first, end = min(ent.start for ent in both), max(ent.end for ent in both)
    # The sentences of the first and of the last word.
    edges = [0, *document.sentences, len(document.words)]
    begins = edges[bisect_right(document.sentences, first)]
    ends = edges[bisect_right(document.sentences, end - 1) + 1]
    start, stop = max(first - _AROUND, begins), min(end + _AROUND, ends)
    annotation = document.gold_over(start, stop)
    if annotation:  # none is cut
        start, stop = min(start, annotation[0].start), max(stop, annotation[-1].end)
    over = document.candidates_over(first, end)
    near = [
        (document.text(entity), entity.label, _rounded(entity.probability) or 0.0)
        for entity in over
    ]
    near.sort(key=lambda found: -found[2])
    if pair.predicted is not None:
        probability = pair.predicted.probability
    else:
        probability = next((ent.probability for ent in over if ent.key == both[0].key), None)
    return Excerpt(
        document=pair.document,
        start=start,
        words=document.words[start:stop],
        is_cut=(start > begins, stop < ends),
        kind=pair.kind,
        gold=pair.gold,
        predicted=pair.predicted,
        probability=_rounded(probability),
        alternatives=near[:_N_ALTERNATIVES],
        annotation=annotation,
    )


def _rounded(probability: float | None) -> float | None:
    return None if probability is None else round(float(probability), 4)
