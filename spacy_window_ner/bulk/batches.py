"""The core of bulk annotation: from Arrow record batches to annotated Arrow record batches."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from weakref import WeakKeyDictionary

import pyarrow as pa
from spacy.language import Language
from spacy.tokens import Doc

from ..extensions import scores_of
from ..isolation import OnDoc, annotate_each

ENTITY = pa.struct(
    [
        pa.field("start", pa.int32()),
        pa.field("end", pa.int32()),
        pa.field("label", pa.string()),
        pa.field("text", pa.string()),
        pa.field("probability", pa.float32()),
    ]
)
ENTITIES = pa.list_(ENTITY)
ADDED = (pa.field("entities", ENTITIES), pa.field("error", pa.string()))

# Number of characters after which the frequent words are in the vocabulary: hundreds of thousands
# of words. Even if all are distinct, they take less than 100 MB.
WARM_UP = 2 * 2**20
# How many characters each pipeline has read outside of memory zones.
_READ: "WeakKeyDictionary[Language, int]" = WeakKeyDictionary()

EntityRow = tuple[int, int, str, str, float | None]


class RowError(ValueError):
    """A row that cannot be annotated.

    row (int): Its index in the batch.
    reason (str): The reason.
    """

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(f"Row {row} of the batch: {reason}")
        self.row, self.reason = row, reason


def annotated_schema(schema: pa.Schema, text: str = "text") -> pa.Schema:
    """Compute the schema of annotated batches.

    schema (Schema): The schema of the batches.
    text (str): The column that contains the texts.
    RETURNS (Schema): The same schema with the additional columns `entities` and `error` at the end.
    RAISES (ValueError): If the column does not exist or is not of type string, or if the new
        columns exist already.
    """
    names = schema.names
    if names.count(text) != 1:
        raise ValueError(f"The column {text!r} does not exist. Columns: {', '.join(names)}.")
    if not _is_text(schema.field(text).type):
        kind = schema.field(text).type
        raise ValueError(f"The column {text!r} must have type string, but has type {kind}.")
    taken = [field.name for field in ADDED if field.name in names]
    if taken:
        raise ValueError(
            f"The result would replace the columns {', '.join(taken)}. Rename them in the input."
        )
    return pa.schema([*schema, *ADDED], metadata=schema.metadata)


def annotate_batches(
    nlp: Language,
    batches: Iterable[pa.RecordBatch],
    *,
    text: str = "text",
    batch_size: int | None = None,
    strict: bool = False,
    on_doc: OnDoc | None = None,
) -> Iterator[pa.RecordBatch]:
    """Annotate record batches with the entities of their texts.

    Each batch is processed in its own memory zone, so memory usage stays constant however many new
    words there are. Only the first batches are processed outside of a zone, so that frequent words
    stay in the vocabulary and do not have to be added again in each zone.

    nlp (Language): Any pipeline.
    batches (Iterable[RecordBatch]): The batches.
    text (str): The column that contains the texts.
    batch_size (Optional[int]): As in `nlp.pipe`; the pipeline's own if None.
    strict (bool): Whether to raise an error for the first text that cannot be annotated. Otherwise,
        the column `error` of its row contains the reason, and `entities` is null.
    on_doc (Optional[Callable]): Called with the row index in the batch and the document of each
        text, inside the memory zone. The document is not valid outside.
    YIELDS (RecordBatch): Each batch with two additional columns: `entities`, a list of structs with
        character offsets, label, text, and probability (`ent._.score`, null if there is none); and
        `error`, null if there was no error.
    RAISES (ValueError): If the columns do not meet the requirements of `annotated_schema`.
    RAISES (RowError): With `strict`, if a text cannot be annotated.
    """
    for batch in batches:
        schema = annotated_schema(batch.schema, text)
        texts, errors = _texts_of(batch.column(text), nlp.max_length)
        found: list[list[EntityRow] | None] = [None] * len(texts)
        rows = [(one, row) for row, one in enumerate(texts) if one is not None]
        # Exceptions must not leave the zone, since spaCy would leave it open.
        with _memory(nlp, sum(len(one) for one, _ in rows)):
            errors |= _annotate(nlp, rows, batch_size, found, on_doc)
        if strict and errors:
            row = min(errors)
            raise RowError(row, errors[row])
        reasons = pa.array([errors.get(row) for row in range(len(texts))], pa.string())
        yield pa.RecordBatch.from_arrays([*batch.columns, _to_arrow(found), reasons], schema=schema)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = ("is_string", "is_large_string", "is_string_view", "is_null")
    return any(getattr(pa.types, test)(kind) for test in tests if hasattr(pa.types, test))


def _texts_of(column: pa.Array, max_length: int) -> tuple[list[str | None], dict[int, str]]:
    """The texts, None for those that cannot be annotated, and the error of each such row."""
    errors: dict[int, str] = {}
    try:
        texts: list[str | None] = column.to_pylist()
    except UnicodeDecodeError:
        texts = []
        for row, value in enumerate(column):
            try:
                texts.append(value.as_py())
            except UnicodeDecodeError as error:
                texts.append(None)
                errors[row] = f"the text is not valid UTF-8: {error}"
    for row, one in enumerate(texts):
        if one is None:
            errors.setdefault(row, "the text is null")
        elif len(one) > max_length:
            texts[row] = None
            errors[row] = (
                f"the text has {len(one):,} characters, but the pipeline accepts at most "
                f"{max_length:,} (nlp.max_length). Split the text"
            )
    return texts, errors


def _memory(nlp: Language, n_characters: int) -> AbstractContextManager[object]:
    """A memory zone, or none if the words of a batch should stay in the vocabulary."""
    n_read = _READ.get(nlp, 0)
    if n_read + n_characters > WARM_UP:
        return nlp.memory_zone()
    _READ[nlp] = n_read + n_characters
    return nullcontext()


def _annotate(
    nlp: Language,
    rows: Sequence[tuple[str, int]],
    batch_size: int | None,
    found: list[list[EntityRow] | None],
    on_doc: OnDoc | None,
) -> dict[int, str]:
    """Find the entities of texts with their rows. RETURNS: The errors by row."""

    def note(row: int, doc: Doc) -> None:
        entities = [
            (ent.start_char, ent.end_char, ent.label_, ent.text, score)
            for ent, score in zip(doc.ents, scores_of(doc), strict=True)
        ]
        if on_doc is not None:
            on_doc(row, doc)
        found[row] = entities

    return annotate_each(nlp, rows, note, batch_size)


def _to_arrow(found: Sequence[list[EntityRow] | None]) -> pa.Array:
    """The column `entities`."""
    offsets: list[int | None] = []
    n = 0
    for entities in found:
        offsets.append(None if entities is None else n)
        n += len(entities or ())
    flat = list(chain.from_iterable(entities for entities in found if entities))
    columns = list(zip(*flat, strict=True)) if flat else [()] * len(ENTITY)
    arrays = [pa.array(values, ENTITY[i].type) for i, values in enumerate(columns)]
    structs = pa.StructArray.from_arrays(arrays, fields=list(ENTITY))
    return pa.ListArray.from_arrays(pa.array([*offsets, n], pa.int32()), structs, type=ENTITIES)
