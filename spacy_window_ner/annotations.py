"""Annotation of documents → tags and `allowed` masks; predicted spans → documents.

One boolean mask allowed[token, tag] carries gold annotation and presets alike. Gold: one tag for an
annotated token; all for a token whose annotation is missing or does not align. Presets, at
prediction: tokens of entities that are already set, and blocked tokens, keep their annotation;
whitespace neither begins nor ends an entity; no entity crosses a sentence start that is set.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import ENT_IOB, ENT_TYPE, IS_SPACE, ORTH, SENT_START
from spacy.errors import Errors
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example
from spacy.util import minibatch

from .decoding import Entities
from .labels import labels_of
from .sequences.batching import document_edges
from .sequences.tags import (
    BEGIN,
    IN,
    LAST,
    MISSING,
    OUTSIDE,
    TAGS_PER_LABEL,
    UNIT,
    n_tags,
    spans_to_tags,
)

_IOB_MISSING, _, _IOB_OUT, _IOB_BEGIN = range(4)
# How many documents the widths of layers are inferred from.
_SAMPLE_SIZE = 10


@dataclass
class Gold:
    """The annotation of a batch of examples, on the predicted documents' tokens.

    tags (ndarray): Shape (n_tokens,) int32, a tag column, or `MISSING`.
    incorrect (ndarray): Shape (n_spans, 3) int64, rows (start, end, label number) of spans that are
        known to be incorrect, tokens counted through the batch.
    misaligned (List[Span]): The references' entities that do not align with those tokens.
    """

    tags: NDArray[np.int32]
    incorrect: NDArray[np.int64]
    misaligned: list[Span]

    def allowed(self, n_labels: int) -> NDArray[np.bool_]:
        """Compute the mask of the tags that the annotation allows.

        n_labels (int): The number of labels.
        RETURNS (ndarray): Shape (n_tokens, n_tags) bool.
        """
        return allow_only(self.tags, n_labels)

    def labels(self) -> set[int]:
        """RETURNS (Set[int]): The numbers of the labels that occur in the annotation."""
        of_tags = (self.tags[self.tags > OUTSIDE] - 1) // TAGS_PER_LABEL
        return set(of_tags.tolist()).union(self.incorrect[:, 2].tolist())


@dataclass
class Survey:
    """What initialization needs to know of the training data.

    labels (Set[str]): The labels of its entities.
    misaligned (List[Span]): The entities that do not align with the pipeline's tokens.
    sample (List[Doc]): Some documents with tokens, to infer widths from.
    """

    labels: set[str] = field(default_factory=set)
    misaligned: list[Span] = field(default_factory=list)
    sample: list[Doc] = field(default_factory=list)


def allow_only(tags: NDArray[np.integer], n_labels: int) -> NDArray[np.bool_]:
    """Allow the given tag where there is one, and all tags where it is `MISSING`.

    tags (ndarray): Shape (n_tokens,).
    n_labels (int): The number of labels.
    RETURNS (ndarray): Shape (n_tokens, n_tags) bool.
    """
    allowed = np.zeros((len(tags), n_tags(n_labels)), dtype=bool)
    known = tags != MISSING
    allowed[~known] = True
    allowed[np.flatnonzero(known), tags[known]] = True
    return allowed


def has_gold(example: Example, incorrect_spans_key: str | None = None) -> bool:
    """Check whether there is anything to learn from an example.

    example (Example): The example.
    incorrect_spans_key (Optional[str]): Where the reference's incorrect spans are.
    RETURNS (bool): Whether it has tokens, and entity annotation or incorrect spans.
    """
    reference, key = example.reference, incorrect_spans_key
    has_incorrect = key is not None and key in reference.spans and len(reference.spans[key]) > 0
    return len(example.predicted) > 0 and (has_incorrect or reference.has_annotation("ENT_IOB"))


def read_gold(
    examples: Iterable[Example], labels: Mapping[int, int], incorrect_spans_key: str | None = None
) -> Gold:
    """Read the annotation of examples. Entities of labels that are not given are outside.

    examples (Iterable[Example]): The examples.
    labels (Mapping[int, int]): The number of each label by its hash in the string store.
    incorrect_spans_key (Optional[str]): Where the references' incorrect spans are.
    RETURNS (Gold): The annotation.
    RAISES (ValueError): If a span is both an entity and known to be incorrect (spaCy's E868).
    """
    entities, incorrect, misaligned = [], [], []
    missing = [np.zeros(0, dtype=bool)]
    offset = 0
    for example in examples:
        spans, is_missing, not_aligned = _aligned(example)
        missing.append(is_missing)
        misaligned += not_aligned
        entities += _rows(spans, labels, offset)
        incorrect += _rows(_incorrect_spans(example, incorrect_spans_key), labels, offset)
        offset += len(example.predicted)
    tags = spans_to_tags(_array(entities), offset)
    tags[np.concatenate(missing)] = MISSING
    return Gold(tags, _array(incorrect), misaligned)


def same_tokens(example: Example) -> bool:
    """Check whether the pipeline's tokens of an example are those of its annotation.

    example (Example): The example.
    RETURNS (bool): Whether the tokens agree one by one.
    """
    x, y = example.predicted, example.reference
    return len(x) == len(y) and bool((x.to_array(ORTH) == y.to_array(ORTH)).all())


def _aligned(example: Example) -> tuple[Sequence[Span], NDArray[np.bool_], list[Span]]:
    """Entities on the predicted tokens, which of these tokens have no annotation (n_tokens,), and
    the reference's entities that do not align with them.
    """
    ents = example.reference.ents
    if not same_tokens(example):
        spans, names = example.get_aligned_ents_and_ner()
        misaligned = [] if len(spans) == len(ents) else list(ents)
        misaligned = [ent for ent in misaligned if not example.get_aligned_spans_y2x([ent])]
        return spans, np.asarray([name is None for name in names], dtype=bool), misaligned
    # The same as spaCy aligns, but many times faster.
    iob, types, space = example.reference.to_array([ENT_IOB, ENT_TYPE, IS_SPACE]).reshape(-1, 3).T
    missing = (iob == _IOB_MISSING) | _is_blocked(iob, types)
    if iob.any():
        missing &= space == 0  # whitespace is outside in a document with any annotation
    return ents, missing, []


def _incorrect_spans(example: Example, key: str | None) -> list[Span]:
    """Spans that are known to be incorrect, on the predicted tokens."""
    if key is None or key not in example.reference.spans:
        return []
    spans = example.get_aligned_spans_y2x(example.reference.spans[key], allow_overlap=True)
    entities = example.get_aligned_spans_y2x(example.reference.ents)
    correct = {(ent.start_char, ent.end_char, ent.label_) for ent in entities}
    for span in spans:
        where = (span.start_char, span.end_char, span.label_)
        if where in correct:
            raise ValueError(Errors.E868.format(span=where))
    return spans


def _rows(spans: Iterable[Span], labels: Mapping[int, int], offset: int) -> list[tuple]:
    """Rows (start, end, label number) of spans with one of the labels, behind other tokens."""
    return [
        (offset + span.start, offset + span.end, labels[span.label])
        for span in spans
        if span.label in labels
    ]


def _array(rows: Sequence[tuple]) -> NDArray[np.int64]:
    return np.asarray(rows, dtype=np.int64).reshape(-1, 3)


def _columns(docs: Sequence[Doc], attrs: list[int | str]) -> NDArray[np.uint64]:
    """Attributes of the tokens of documents: (n_attrs, n_tokens)."""
    arrays = [doc.to_array(attrs).reshape(-1, len(attrs)) for doc in docs]
    return np.concatenate([np.zeros((0, len(attrs)), dtype=np.uint64), *arrays]).T


def _is_blocked(iob: NDArray, types: NDArray) -> NDArray[np.bool_]:
    return (iob == _IOB_BEGIN) & (types == 0)


def warn_misaligned(misaligned: Sequence[Span], name: str) -> bool:
    """Warn of entities that do not align, if there are any.

    misaligned (Sequence[Span]): The entities, as in `Gold`.
    name (str): Name of the component.
    RETURNS (bool): Whether there are any.
    """
    if not misaligned:
        return False
    some = ", ".join(repr(span.text) for span in misaligned[:3])
    warnings.warn(
        f"[{name}] {len(misaligned)} gold entities do not align with the pipeline's tokens, for "
        f"example {some}. Their tokens count as missing annotation: nothing is learned from them. "
        f"Check the offsets, or the tokenizer.",
        stacklevel=3,
    )
    return True


def survey(
    examples: Iterable[Example], readers: Sequence[Any], incorrect_spans_key: str | None, name: str
) -> Survey:
    """Read the training data once, a batch at a time.

    examples (Iterable[Example]): The training data.
    readers (Sequence[VocabularyReader]): What reads the vocabulary of the predicted documents.
        Documents without annotation are left out: their words are not learned.
    incorrect_spans_key (Optional[str]): Where the references' incorrect spans are.
    name (str): Name of the component, for messages.
    RETURNS (Survey): What was found.
    RAISES (ValueError): If there is no example (spaCy's E923).
    """
    found, batch = Survey(), None
    for batch in minibatch(examples, size=256):
        found.labels |= labels_of(example.reference for example in batch)
        found.misaligned += read_gold(batch, {}).misaligned
        docs = [example.predicted for example in batch if has_gold(example, incorrect_spans_key)]
        for reader in readers:
            reader.add(docs)
        with_tokens = (example.predicted for example in batch if len(example.predicted))
        found.sample += islice(with_tokens, _SAMPLE_SIZE - len(found.sample))
    if batch is None:
        raise ValueError(Errors.E923.format(name=name))
    for reader in readers:
        reader.finish()
    return found


def preset_mask(
    docs: Sequence[Doc], labels: Mapping[int, int], n_labels: int
) -> tuple[NDArray[np.bool_] | None, bool]:
    """Compute the tags that are allowed before the network is asked.

    docs (Sequence[Doc]): The documents.
    labels (Mapping[int, int]): The number of each label in use by its hash in the string store.
        Entities of other labels are outside to the network.
    n_labels (int): The number of the network's labels, those not in use included.
    RETURNS (Tuple[Optional[ndarray], bool]): Shape (n_tokens, n_tags) bool, or None where all tags
        are allowed everywhere; and whether any entity is set or any token blocked.
    """
    iob, types, space, sent_start = _columns(docs, [ENT_IOB, ENT_TYPE, IS_SPACE, SENT_START])
    lengths = np.asarray([len(doc) for doc in docs], dtype=np.int64)
    starts = sent_start == 1
    starts[document_edges(lengths)[0]] = False
    preset = (types > 0) & (iob != _IOB_OUT) | _is_blocked(iob, types)
    unused = set(range(n_labels)).difference(labels.values())
    if not (preset.any() or unused or space.any() or starts.any()):
        return None, False
    tags = np.full(len(iob), MISSING, dtype=np.int32)
    if preset.any():
        offsets = (np.cumsum(lengths) - lengths).tolist()
        rows = [_rows(doc.ents, labels, offset) for doc, offset in zip(docs, offsets, strict=True)]
        tags[preset] = spans_to_tags(_array(list(chain.from_iterable(rows))), len(iob))[preset]
    allowed = allow_only(tags, n_labels)
    for tokens, positions in (
        (space > 0, (BEGIN, LAST, UNIT)),
        (starts, (IN, LAST)),
        (np.append(starts[1:], False), (BEGIN, IN)),
    ):
        for position in positions:
            allowed[~preset & tokens, 1 + position :: TAGS_PER_LABEL] = False
    for number in unused:
        allowed[:, 1 + TAGS_PER_LABEL * number : 1 + TAGS_PER_LABEL * (number + 1)] = False
    return allowed, bool(preset.any())


def set_entities(
    docs: Iterable[Doc], entities: Entities, labels: Sequence[int], spans_key: str | None
) -> None:
    """Write predicted entities to documents, beside those that are already set.

    docs (Iterable[Doc]): The documents.
    entities (Entities): The entities that were found in them.
    labels (Sequence[int]): The hash of each label, in the order of their numbers.
    spans_key (Optional[str]): Where in `doc.spans` to put the predicted entities as well, with
        their probabilities in `attrs["scores"]`.
    """
    for doc, (rows, scores) in zip(docs, entities.by_document(), strict=True):
        present: Sequence[Span] = []
        blocked: list[Span] = []
        if entities.has_presets:
            new = [i for i, (start, _, _) in enumerate(rows) if not doc[start].ent_type]
            rows, scores = [rows[i] for i in new], None if scores is None else scores[new]
            tokens = np.flatnonzero(_is_blocked(*_columns([doc], [ENT_IOB, ENT_TYPE]))).tolist()
            present, blocked = doc.ents, [doc[i : i + 1] for i in tokens]
        spans = [Span(doc, start, end, label=labels[number]) for start, end, number in rows]
        doc.set_ents([*present, *spans], blocked=blocked)
        if spans_key is not None and scores is not None:
            attrs = {"scores": scores}
            doc.spans[spans_key] = SpanGroup(doc, name=spans_key, attrs=attrs, spans=spans)
