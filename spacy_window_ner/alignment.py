"""Docs and Examples → tags and `allowed` masks: what is known about each token before we look.

One boolean mask allowed[token, tag] carries gold annotation and presets alike. Gold: one tag for an
annotated token; all for a token whose annotation is missing or does not align. Presets, at
prediction: tokens of entities that are set already, and blocked tokens, keep what they have;
whitespace neither begins nor ends an entity; no entity crosses a sentence start that is set.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import ENT_IOB, ENT_TYPE, IS_SPACE, ORTH, SENT_START
from spacy.errors import Errors
from spacy.tokens import Doc, Span
from spacy.training import Example

from .steps import document_edges
from .tags import BEGIN, IN, LAST, MISSING, OUTSIDE, TAGS_PER_LABEL, UNIT, n_tags, spans_to_tags

_IOB_MISSING, _IOB_IN, _IOB_OUT, _IOB_BEGIN = range(4)


@dataclass
class Gold:
    """The annotation of a batch of examples, on the predicted documents' tokens.

    tags (ndarray): Shape (n_tokens,) int32, a tag column, or `MISSING`.
    incorrect (ndarray): Shape (n_spans, 3) int64, rows (start, end, label number) of spans that are
        known to be wrong, tokens counted through the batch.
    misaligned (List[Span]): The references' entities that do not align with those tokens.
    """

    tags: NDArray[np.int32]
    incorrect: NDArray[np.int64]
    misaligned: list[Span]

    def allowed(self, n_labels: int) -> NDArray[np.bool_]:
        """The mask of the tags that the annotation allows.

        n_labels (int): The number of labels.
        RETURNS (ndarray): Shape (n_tokens, n_tags) bool.
        """
        return allow_only(self.tags, n_labels)


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


def read_gold(
    examples: Iterable[Example], labels: Mapping[int, int], incorrect_spans_key: str | None = None
) -> Gold:
    """Read the annotation of examples.

    examples (Iterable[Example]): The examples.
    labels (Mapping[int, int]): The number of each label by its hash in the string store.
    incorrect_spans_key (Optional[str]): Where the references' wrong spans are.
    RETURNS (Gold): The annotation.
    RAISES (ValueError): If a span is both an entity and known to be wrong (spaCy's E868).
    """
    examples = list(examples)
    tags: list[NDArray[np.int32]] = []
    incorrect, misaligned = [], []
    agreeing = [same_tokens(example) for example in examples]
    references = [example.reference for example in compress(examples, agreeing)]
    own = _split(_tags_of(references, labels, missing_space=OUTSIDE), references)
    offset = 0
    for example, agrees in zip(examples, agreeing, strict=True):
        if agrees:
            tags.append(next(own))
        else:
            aligned, not_aligned = _aligned_tags(example, labels)
            tags.append(aligned)
            misaligned += not_aligned
        for span in _incorrect_spans(example, incorrect_spans_key):
            if span.label in labels:
                incorrect.append((offset + span.start, offset + span.end, labels[span.label]))
        offset += len(example.predicted)
    wrong = np.asarray(incorrect, dtype=np.int64).reshape(-1, 3)
    return Gold(np.concatenate([np.zeros(0, dtype=np.int32), *tags]), wrong, misaligned)


def same_tokens(example: Example) -> bool:
    """Whether the pipeline's tokens of an example are those of its annotation.

    example (Example): The example.
    RETURNS (bool): Whether the tokens agree one by one.
    """
    x, y = example.predicted, example.reference
    return len(x) == len(y) and bool((x.to_array(ORTH) == y.to_array(ORTH)).all())


def _aligned_tags(
    example: Example, labels: Mapping[int, int]
) -> tuple[NDArray[np.int32], list[Span]]:
    """Tags by spaCy's rules where the tokens differ, and the entities that do not align."""
    spans, names = example.get_aligned_ents_and_ner()
    rows = [(span.start, span.end, labels[span.label]) for span in spans if span.label in labels]
    tags = spans_to_tags(np.asarray(rows, dtype=np.int64).reshape(-1, 3), len(names))
    tags[[name is None for name in names]] = MISSING
    ents = example.reference.ents
    if len(spans) == len(ents):
        return tags, []
    return tags, [ent for ent in ents if not example.get_aligned_spans_y2x([ent])]


def _incorrect_spans(example: Example, key: str | None) -> list[Span]:
    """Spans that are known to be wrong, on the predicted tokens."""
    if key is None or key not in example.reference.spans:
        return []
    spans = example.get_aligned_spans_y2x(example.reference.spans[key], allow_overlap=True)
    entities = example.get_aligned_spans_y2x(example.reference.ents)
    right = {(ent.start_char, ent.end_char, ent.label) for ent in entities}
    for span in spans:
        if (span.start_char, span.end_char, span.label) in right:
            where = (span.start_char, span.end_char, span.label_)
            raise ValueError(Errors.E868.format(span=where))
    return spans


def _tags_of(
    docs: Sequence[Doc], labels: Mapping[int, int], *, missing_space: int
) -> NDArray[np.int32]:
    """Tags of the documents' own annotation, read from arrays.

    docs (Sequence[Doc]): The documents.
    labels (Mapping[int, int]): The number of each label by its hash.
    missing_space (int): The tag of whitespace tokens without annotation in a document that has
        some: spaCy's Example takes them for outside.
    RETURNS (ndarray): Shape (n_tokens,) int32: the tag of tokens in an entity whose label is
        known; O for outside tokens; `MISSING` for missing ones and for blocked ones.
    """
    iob, types, space = _columns(docs, [ENT_IOB, ENT_TYPE, IS_SPACE])
    lengths = np.asarray([len(doc) for doc in docs], dtype=np.int64)
    document = np.repeat(np.arange(len(docs)), lengths)
    annotated = np.bincount(document[iob > 0], minlength=len(docs)) > 0
    tags = np.full(len(iob), MISSING, dtype=np.int32)
    tags[annotated[document] & (space > 0)] = missing_space
    tags[iob == _IOB_OUT] = OUTSIDE
    entity = ((iob == _IOB_BEGIN) | (iob == _IOB_IN)) & (types > 0)
    if not entity.any():
        return tags
    # An entity goes on with I of the same type; anything else begins a new one, as in Doc.ents.
    goes_on = np.zeros(len(iob), dtype=bool)
    goes_on[1:] = entity[1:] & entity[:-1] & (iob[1:] == _IOB_IN) & (types[1:] == types[:-1])
    goes_on[document_edges(lengths)[0]] = False
    last = ~np.append(goes_on[1:], False)
    position = np.where(goes_on, np.where(last, LAST, IN), np.where(last, UNIT, BEGIN))
    kinds, kind = np.unique(types[entity], return_inverse=True)
    number = np.asarray([labels.get(int(hash_), -1) for hash_ in kinds])[kind]
    known = 1 + TAGS_PER_LABEL * number + position[entity]
    tags[entity] = np.where(number < 0, OUTSIDE, known)
    return tags


def _columns(docs: Sequence[Doc], attrs: list[int | str]) -> NDArray[np.uint64]:
    """Attributes of the tokens of documents: (n_attrs, n_tokens)."""
    arrays = [doc.to_array(attrs).reshape(-1, len(attrs)) for doc in docs]
    return np.concatenate([np.zeros((0, len(attrs)), dtype=np.uint64), *arrays]).T


def _split(tags: NDArray[np.int32], docs: Sequence[Doc]) -> Iterator[NDArray[np.int32]]:
    """The tags (n_tokens,) of each document by itself."""
    first = 0
    for doc in docs:
        yield tags[first : first + len(doc)]
        first += len(doc)


def preset_mask(
    docs: Sequence[Doc], labels: Mapping[int, int], n_labels: int | None = None
) -> tuple[NDArray[np.bool_] | None, bool]:
    """The tags that documents allow before we look at them.

    docs (Sequence[Doc]): The documents.
    labels (Mapping[int, int]): The number of each label by its hash in the string store. Entities
        of other labels are outside to the network.
    n_labels (Optional[int]): The number of labels of the network, if there are more than these.
    RETURNS (Tuple[Optional[ndarray], bool]): Shape (n_tokens, n_tags) bool, or None where nothing
        is set and all tags are allowed everywhere; and whether any entity is set or blocked.
    """
    iob, types, space, sent_start = _columns(docs, [ENT_IOB, ENT_TYPE, IS_SPACE, SENT_START])
    lengths = np.asarray([len(doc) for doc in docs])
    first, _ = document_edges(lengths)
    crosses = sent_start == 1
    crosses[first] = False
    blocked = (iob == _IOB_BEGIN) & (types == 0)
    entity = (types > 0) & (iob != _IOB_OUT)
    has_presets = bool(entity.any() or blocked.any())
    if not (has_presets or space.any() or crosses.any()):
        return None, False
    tags = np.full(len(iob), MISSING, dtype=np.int32)
    tags[blocked] = OUTSIDE
    if entity.any():
        tags[entity] = _tags_of(docs, labels, missing_space=MISSING)[entity]
    allowed = allow_only(tags, len(labels) if n_labels is None else n_labels)
    free = tags == MISSING
    _forbid(allowed, free & (space > 0), (BEGIN, LAST, UNIT))
    _forbid(allowed, free & crosses, (IN, LAST))
    before = np.concatenate([crosses[1:], [False]])
    _forbid(allowed, free & before, (BEGIN, IN))
    return allowed, has_presets


def _forbid(
    allowed: NDArray[np.bool_], tokens: NDArray[np.bool_], positions: tuple[int, ...]
) -> None:
    for position in positions:
        allowed[tokens, 1 + position :: TAGS_PER_LABEL] = False
