"""Converts annotation of documents to tags and `allowed` masks, and predicted spans to entities.

A boolean mask allowed[token, tag] represents both gold annotation and presets. Gold annotation
allows one tag for an annotated token, and all tags for a token whose annotation is missing or does
not align. Presets restrict predictions: tokens of entities of other components, and blocked tokens,
keep their annotation; an entity does not begin or end with whitespace, and does not cross a
sentence start that is set.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import ENT_IOB, ENT_TYPE, IS_SPACE, ORTH, SENT_START, SPACY
from spacy.errors import Errors
from spacy.strings import get_string_id
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example, validate_examples
from spacy.util import minibatch
from spacy.vocab import Vocab

from .decoding.decode import Entities
from .extensions import place_in_text, scores_under, store_scores
from .labels import annotated_labels, labels_of
from .network.features import token_attrs
from .sequences.batching import first_tokens, ranges
from .sequences.tags import (
    BEGIN,
    IN,
    LAST,
    MISSING,
    OUTSIDE,
    TAGS_PER_LABEL,
    UNIT,
    legal_tags,
    n_tags,
    spans_to_tags,
)

_IOB_MISSING, _, _IOB_OUT, _IOB_BEGIN = range(4)
# The widths of layers are inferred from this many documents.
_SAMPLE_SIZE = 10


@dataclass
class Gold:
    """The annotation of a batch of examples, on the predicted documents' tokens.

    tags (ndarray): Shape (n_tokens,) int32, a tag column, or `MISSING`.
    incorrect (ndarray): Shape (n_spans, 3) int64, rows (start, end, label number) of incorrect
        spans, tokens counted through the batch.
    labels (Set[int]): The numbers of the labels of entities and of incorrect spans.
    misaligned (List[Span]): The references' entities that do not align with those tokens.
    lengths (List[int]): The number of tokens of each document.
    not_annotated (List[List[int]]): For each document, the indices of labels that are not
        annotated.
    """

    tags: NDArray[np.int32]
    incorrect: NDArray[np.int64]
    labels: set[int]
    misaligned: list[Span]
    lengths: list[int]
    not_annotated: list[list[int]]

    def allowed(self, n_labels: int) -> NDArray[np.bool_]:
        """Find the tags that the annotation allows. A token outside of entities may have any tag
        of labels that are not annotated.

        n_labels (int): The number of labels.
        RETURNS (ndarray): Shape (n_tokens, n_tags) bool.
        """
        allowed = allow_only(self.tags, n_labels)
        ends = np.cumsum(self.lengths).tolist()
        for end, length, labels in zip(ends, self.lengths, self.not_annotated, strict=True):
            if labels:
                outside = end - length + np.flatnonzero(self.tags[end - length : end] == OUTSIDE)
                first = 1 + TAGS_PER_LABEL * np.asarray(labels)
                columns = (first[:, None] + np.arange(TAGS_PER_LABEL)).ravel()
                allowed[outside[:, None], columns] = True
        return allowed


def allow_only(tags: NDArray[np.integer], n_labels: int) -> NDArray[np.bool_]:
    """Allow the given tag where there is one, and all tags where it is `MISSING`.

    tags (ndarray): Shape (n_tokens,).
    n_labels (int): The number of labels.
    RETURNS (ndarray): Shape (n_tokens, n_tags) bool.
    """
    allowed = tags[:, None] == np.arange(n_tags(n_labels))
    allowed[tags == MISSING] = True
    return allowed


def has_gold(example: Example, incorrect_spans_key: str | None = None) -> bool:
    """RETURNS (bool): Whether an example has tokens, and entity annotation or incorrect spans."""
    reference = example.reference
    has_incorrect = len(reference.spans.get(incorrect_spans_key, ())) > 0
    return len(example.predicted) > 0 and (has_incorrect or reference.has_annotation("ENT_IOB"))


def read_gold(
    examples: Iterable[Example], labels: Mapping[int, int], incorrect_spans_key: str | None = None
) -> Gold:
    """Read the annotation of examples. Entities of labels that are not given are outside.

    examples (Iterable[Example]): The examples.
    labels (Mapping[int, int]): The number of each label by its hash in the string store.
    incorrect_spans_key (Optional[str]): Where the references' incorrect spans are.
    RETURNS (Gold): The annotation.
    RAISES (ValueError): If a span is both an entity and incorrect (spaCy's E868).
    """
    examples = list(examples)
    lengths = [len(example.predicted) for example in examples]
    aligned = [_align_entities(example) for example in examples]
    entities = _rows([spans for spans, _, _ in aligned], lengths, labels)
    incorrect = _rows(
        [_align_incorrect(example, incorrect_spans_key) for example in examples], lengths, labels
    )
    tags = spans_to_tags(entities, sum(lengths))
    if examples:
        tags[np.concatenate([missing for _, missing, _ in aligned])] = MISSING
    labels_found = set(np.append(entities[:, 2], incorrect[:, 2]).tolist())
    misaligned = [ent for _, _, ents in aligned for ent in ents]
    not_annotated = [_not_annotated(example.reference, labels) for example in examples]
    return Gold(tags, incorrect, labels_found, misaligned, lengths, not_annotated)


def _not_annotated(doc: Doc, labels: Mapping[int, int]) -> list[int]:
    """The numbers of the labels that the annotation of a document does not have."""
    annotated = annotated_labels(doc)
    if annotated is None:
        return []
    keys = set(map(get_string_id, annotated))  # the document may have another vocabulary
    return [n for label, n in labels.items() if label not in keys]


def same_tokens(example: Example) -> bool:
    """RETURNS (bool): Whether the pipeline's tokens of an example are those of its annotation."""
    x, y = example.predicted, example.reference
    return len(x) == len(y) and bool((x.to_array(ORTH) == y.to_array(ORTH)).all())


def _align_entities(example: Example) -> tuple[Sequence[Span], NDArray[np.bool_], list[Span]]:
    """Entities on the predicted tokens, which of these tokens have no annotation (n_tokens,), and
    the reference's entities that do not align with them.
    """
    ents = example.reference.ents
    if same_tokens(example):  # the same as spaCy aligns, but many times faster
        iob, types, space = token_attrs([example.reference], [ENT_IOB, ENT_TYPE, IS_SPACE]).T
        missing = (iob == _IOB_MISSING) | _is_blocked(iob, types)
        if iob.any():
            missing &= space == 0  # whitespace is outside in a document with any annotation
        return ents, missing, []
    spans, names = example.get_aligned_ents_and_ner()
    misaligned: list[Span] = []
    if len(spans) < len(ents):
        misaligned = [ent for ent in ents if not example.get_aligned_spans_y2x([ent])]
    return spans, np.asarray([name is None for name in names], dtype=bool), misaligned


def _align_incorrect(example: Example, key: str | None) -> list[Span]:
    """Incorrect spans on the predicted tokens."""
    given = example.reference.spans.get(key, ())
    if not len(given):  # to align the tokens takes long
        return []
    spans = example.get_aligned_spans_y2x(given, allow_overlap=True)
    entities = example.get_aligned_spans_y2x(example.reference.ents)
    correct = {(ent.start_char, ent.end_char, ent.label_) for ent in entities}
    for span in spans:
        where = (span.start_char, span.end_char, span.label_)
        if where in correct:
            raise ValueError(Errors.E868.format(span=where))
    return spans


def _rows(
    spans: Iterable[Iterable[Span]], lengths: Sequence[int], labels: Mapping[int, int]
) -> NDArray[np.int64]:
    """Rows (start, end, label number) of the spans of each document that have one of the labels,
    tokens counted through the batch: (n_spans, 3).
    """
    offsets = (np.cumsum(lengths) - lengths).tolist()
    rows = [
        (offset + span.start, offset + span.end, labels[span.label])
        for offset, of_doc in zip(offsets, spans, strict=True)
        for span in of_doc
        if span.label in labels
    ]
    return np.asarray(rows, dtype=np.int64).reshape(-1, 3)


def _is_blocked(iob: NDArray, types: NDArray) -> NDArray[np.bool_]:
    return (iob == _IOB_BEGIN) & (types == 0)


def survey(
    examples: Iterable[Example], readers: Sequence[Any], incorrect_spans_key: str | None, name: str
) -> tuple[set[str], list[Span], list[Doc]]:
    """Read the training data once, in batches.

    examples (Iterable[Example]): The training data.
    readers (Sequence[VocabularyReader]): Readers of the vocabulary of the predicted documents.
        Documents without annotation are left out: their words are not learned.
    incorrect_spans_key (Optional[str]): Where the references' incorrect spans are.
    name (str): Name of the component, for messages.
    RETURNS (Tuple[Set[str], List[Span], List[Doc]]): The labels, the misaligned entities, and a
        sample of documents with tokens, to infer widths from.
    RAISES (ValueError): If there is no example (spaCy's E923).
    """
    labels, misaligned, sample = set[str](), list[Span](), list[Doc]()
    batch = None
    for batch in minibatch(examples, size=256):
        validate_examples(batch, "WindowNER.initialize")
        labels |= labels_of(example.reference for example in batch)
        others = [example for example in batch if not same_tokens(example)]
        misaligned += read_gold(others, {}).misaligned
        docs = [example.predicted for example in batch if has_gold(example, incorrect_spans_key)]
        for reader in readers:
            reader.add(docs)
        with_tokens = (example.predicted for example in batch if len(example.predicted))
        sample += islice(with_tokens, _SAMPLE_SIZE - len(sample))
    if batch is None:
        raise ValueError(Errors.E923.format(name=name))
    for reader in readers:
        reader.finish()
    return labels, misaligned, sample


def preset_mask(
    docs: Sequence[Doc],
    labels: Mapping[int, int],
    n_labels: int,
    predicted: Iterable[Sequence[Span]] | None = None,
) -> tuple[NDArray[np.bool_] | None, bool]:
    """Compute the tags that the entities, whitespace and sentence starts in documents allow.

    docs (Sequence[Doc]): The documents.
    labels (Mapping[int, int]): The number of each label in use by its hash in the string store.
        Entities of other labels are outside to the network.
    n_labels (int): The number of the network's labels, those not in use included.
    predicted (Optional[Iterable[Sequence[Span]]]): The entities of each document that the component
        has predicted in it before: those with labels in use leave their tokens free.
    RETURNS (Tuple[Optional[ndarray], bool]): Shape (n_tokens, n_tags) bool, or None where all tags
        are allowed everywhere; and whether any other entity is set or any token blocked.
    """
    attrs = ENT_IOB, ENT_TYPE, IS_SPACE, SENT_START
    table, lengths = token_attrs(docs, attrs), [len(doc) for doc in docs]
    iob, types, space, sent_start = table.T
    starts = sent_start == 1
    starts[first_tokens(lengths)] = False
    if len(labels) == n_labels and not (starts.any() or table[:, :3].any()):  # the usual case
        return None, False
    preset = (iob == _IOB_BEGIN) | (types > 0) & (iob != _IOB_OUT)  # without a type it is blocked
    if predicted is not None:
        own = _rows(predicted, lengths, labels)
        preset[ranges(own[:, 0], own[:, 1] - own[:, 0])] = False
    has_presets = bool(preset.any())
    if not (has_presets or len(labels) < n_labels or space.any() or starts.any()):
        return None, False
    tags = spans_to_tags(_rows([doc.ents for doc in docs], lengths, labels), len(preset))
    tags[~preset] = MISSING
    allowed = allow_only(tags, n_labels)
    B, I, L, U = (allowed[:, 1 + p :: TAGS_PER_LABEL] for p in (BEGIN, IN, LAST, UNIT))
    ends = np.append(starts[1:], False)
    for tokens, tags_there in ((space > 0, (B, L, U)), (starts, (I, L)), (ends, (B, I))):
        for allowed_there in tags_there:
            allowed_there[~preset & tokens] = False
    if len(labels) < n_labels:
        in_use = np.isin(np.arange(n_labels), list(labels.values()))
        allowed[:, ~legal_tags(in_use)] = False
    return allowed, has_presets


def predicted_entities(doc: Doc, spans_key: str | None) -> list[Span]:
    """Find the entities of a document that were predicted in it.

    doc (Doc): The document.
    spans_key (Optional[str]): Where in `doc.spans` the predicted entities are.
    RETURNS (List[Span]): The entities in `doc.ents` that have a probability under this key.
    """
    known = scores_under(spans_key, doc)
    return [ent for ent in doc.ents if place_in_text(ent) in known] if known else []


def _blocked(doc: Doc) -> list[Span]:
    """The blocked tokens of a document."""
    tokens = np.flatnonzero(_is_blocked(*token_attrs([doc], [ENT_IOB, ENT_TYPE]).T)).tolist()
    return [doc[i : i + 1] for i in tokens]


def set_entities(
    docs: Iterable[Doc],
    entities: Entities,
    labels: Sequence[str],
    spans_key: str | None,
    candidates_key: str | None = None,
) -> None:
    """Add predicted entities to documents, in addition to those already set. Of these, entities
    that were predicted before keep their probabilities too.

    docs (Iterable[Doc]): The documents.
    entities (Entities): The entities that were found in them.
    labels (Sequence[str]): The labels in the order of their numbers.
    spans_key (Optional[str]): Where in `doc.spans` to put the predicted entities as well, with
        their probabilities in `attrs["scores"]`.
    candidates_key (Optional[str]): Where in `doc.spans` to put the candidates in the same way.
    """
    docs = list(docs)
    if entities.candidates is not None and candidates_key is not None:
        for doc, (rows, scores) in zip(docs, entities.candidates.by_document(), strict=True):
            if entities.has_presets:
                own = scores_under(spans_key, doc)
                others = [ent for ent in doc.ents if place_in_text(ent) not in own]
                rows, scores = _beside(others, rows, scores)
            spans = [Span(doc, start, end, label=labels[n]) for start, end, n in rows]
            _write(doc, candidates_key, spans, scores)
    for doc, (rows, scores) in zip(docs, entities.by_document(), strict=True):
        present: Sequence[Span] = []
        blocked: list[Span] = []
        known = scores_under(spans_key, doc)
        if entities.has_presets or known:
            present, blocked = doc.ents, _blocked(doc)
            rows, scores = _beside(present, rows, scores)
        spans = [Span(doc, start, end, label=labels[n]) for start, end, n in rows]
        doc.set_ents([*present, *spans], blocked=blocked)
        if spans_key is None or scores is None:
            continue
        if known:
            known |= {
                place_in_text(span): p for span, p in zip(spans, scores.tolist(), strict=True)
            }
            spans = [ent for ent in doc.ents if place_in_text(ent) in known]
            scores = np.asarray([known[place_in_text(ent)] for ent in spans], dtype=np.float32)
        _write(doc, spans_key, spans, scores)
        store_scores(doc, spans, scores.tolist())


def _write(doc: Doc, key: str, spans: list[Span], scores: NDArray | None) -> None:
    """Put spans under a key in `doc.spans`, and their probabilities (n_spans,) beside them."""
    doc.spans[key] = SpanGroup(doc, name=key, attrs={"scores": scores}, spans=spans)


def _beside(
    present: Iterable[Span], rows: list[list[int]], scores: NDArray | None
) -> tuple[list[list[int]], NDArray | None]:
    """The predicted spans (start, end, label number) that do not overlap with entities, and their
    probabilities (n_spans,).
    """
    taken = {token for ent in present for token in range(ent.start, ent.end)}
    new = [i for i, (start, end, _) in enumerate(rows) if taken.isdisjoint(range(start, end))]
    return [rows[i] for i in new], None if scores is None else scores[new]


def copy_words(doc: Doc, vocab: Vocab) -> Doc:
    """Copy the words and spaces of a document, without annotation.

    doc (Doc): The document.
    vocab (Vocab): The vocabulary of the copy.
    RETURNS (Doc): The copy.
    """
    # A loop over the tokens takes four times as long, and strings half as long again as hashes.
    orths, spaces = doc.to_array([ORTH, SPACY]).reshape(-1, 2).T.tolist()
    if doc.vocab is not vocab:
        orths = [doc.vocab.strings[orth] for orth in orths]
    return Doc(vocab, words=orths, spaces=spaces)
