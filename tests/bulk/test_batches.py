"""The function from record batches to record batches, against a plain loop."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Span

from spacy_window_ner.extensions import scores_of
from tests.helpers import examples
from tests.pipelines import SENTENCES, copy_of, shared, texts_of

pytest.importorskip("pyarrow", reason="pyarrow is not installed")

import pyarrow as pa

from spacy_window_ner.bulk import RowError, annotate_batches, annotated_schema

pytestmark = pytest.mark.extra
TEXTS = texts_of(SENTENCES)


@Language.component("fails_on_bang")
def fails_on_bang(doc):
    if "!" in doc.text:
        raise RuntimeError("a bang")
    return doc


def plain(nlp: Language, text: str) -> list[dict]:
    """The entities of a text, as the issue defines them."""
    return [
        {
            "start": ent.start_char,
            "end": ent.end_char,
            "label": ent.label_,
            "text": ent.text,
            "probability": ent._.score,
        }
        for ent in nlp(text).ents
    ]


def same(found: list[dict] | None, expected: list[dict] | None) -> bool:
    """Equal, but for the last digits of probabilities."""
    if found is None or expected is None:
        return found is expected
    return len(found) == len(expected) and all(
        one == {**other, "probability": pytest.approx(other["probability"], abs=1e-5)}
        for one, other in zip(found, expected, strict=True)
    )


def batch_of(texts, **columns):
    return pa.RecordBatch.from_pydict({"text": pa.array(texts, pa.string()), **columns})


def annotate(nlp, *batches, **settings):
    return list(annotate_batches(nlp, batches, **settings))


@examples(50)
@given(
    st.lists(st.lists(st.sampled_from([*TEXTS, "", "  ", "Zoë 😀 Paris", None]), max_size=6)),
    st.sampled_from([None, 1, 2]),
)
def test_rows_are_those_of_a_plain_loop(batches, batch_size):
    nlp = shared()
    results = annotate(nlp, *map(batch_of, batches), batch_size=batch_size)
    assert len(results) == len(batches)
    for texts, result in zip(batches, results, strict=True):
        rows = result.to_pylist()
        assert [row["text"] for row in rows] == texts
        for text, row in zip(texts, rows, strict=True):
            assert same(row["entities"], None if text is None else plain(nlp, text))
            assert row["error"] == ("the text is null" if text is None else None)


def test_other_columns_are_untouched():
    schema = pa.schema(
        [
            pa.field("n", pa.list_(pa.int8()), metadata={"a": "b"}),
            pa.field("body", pa.dictionary(pa.int8(), pa.string())),
        ],
        metadata={"of": "the schema"},
    )
    body = pa.array(TEXTS, pa.string()).dictionary_encode().cast(schema.field("body").type)
    numbers = pa.array([[1], None, [], [2, 3], [4]], schema.field("n").type)
    batch = pa.RecordBatch.from_arrays([numbers, body], schema=schema)
    (result,) = annotate(shared(), batch, text="body")
    assert result.select(["n", "body"]).equals(batch, check_metadata=True)
    assert result.schema.equals(annotated_schema(schema, "body"), check_metadata=True)
    assert sum(map(len, result.column("entities").to_pylist())) > 5


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_a_failing_document_takes_no_other_with_it(batch_size):
    nlp = copy_of(shared())
    nlp.add_pipe("fails_on_bang")
    nlp.max_length = 100
    texts = [*TEXTS, "Paris!", None, *TEXTS, "x" * 101, "No!", TEXTS[0]]
    (result,) = annotate(nlp, batch_of(texts), batch_size=batch_size)
    errors = result.column("error").to_pylist()
    for text, error, found in zip(
        texts, errors, result.column("entities").to_pylist(), strict=True
    ):
        good = text in TEXTS
        assert (error is None) == good
        assert same(found, plain(nlp, text) if good else None)
    assert errors[5] == "RuntimeError: a bang"
    assert "101 characters" in errors[12]
    with pytest.raises(RowError, match="Row 5 of the batch: RuntimeError: a bang"):
        annotate(nlp, batch_of(texts), strict=True)
    assert not nlp.vocab.in_memory_zone


def test_documents_that_an_error_handler_drops_are_errors():
    nlp = copy_of(shared())
    nlp.add_pipe("fails_on_bang")
    nlp.set_error_handler(lambda name, proc, docs, error: None)
    (result,) = annotate(nlp, batch_of([TEXTS[0], "Paris!", TEXTS[1]]))
    assert result.column("error").to_pylist() == [
        None,
        "the pipeline did not return a document",
        None,
    ]
    assert same(result.column("entities").to_pylist()[2], plain(nlp, TEXTS[1]))


def test_invalid_utf8_in_a_column_is_an_error_of_its_row():
    good, bad = TEXTS[0].encode(), b"Paris \xff"
    data = pa.py_buffer(good + bad)
    offsets = pa.array([0, len(good), len(good + bad)], pa.int32()).buffers()[1]
    column = pa.StringArray.from_buffers(2, offsets, data)
    (result,) = annotate(shared(), pa.RecordBatch.from_arrays([column], ["text"]))
    errors = result.column("error").to_pylist()
    assert errors[0] is None and "not valid UTF-8" in errors[1]


def test_a_pipeline_without_probabilities():
    nlp = Language()
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "LOC", "pattern": "Paris"}])
    (result,) = annotate(nlp, batch_of(["In Paris"]))
    expected = {"start": 3, "end": 8, "label": "LOC", "text": "Paris", "probability": None}
    assert result.column("entities").to_pylist() == [[expected]]


@pytest.mark.parametrize("getter", [lambda span: 0.5, lambda span: "much"])
def test_another_packages_extension(getter):
    old = Span.get_extension("score")
    doc = shared()(TEXTS[0])
    Span.set_extension("score", getter=getter, force=True)
    try:
        score = getter(None)
        assert scores_of(doc) == [score if score == 0.5 else None] * len(doc.ents)
    finally:
        Span.set_extension("score", getter=old[2], force=True)


def test_scores_are_those_of_the_extension():
    nlp = copy_of(shared())
    ruler = nlp.add_pipe("entity_ruler", before="window_ner")
    ruler.add_patterns([{"label": "PER", "pattern": "Paris Hilton"}])
    for text in TEXTS:
        doc = nlp(text)
        assert scores_of(doc) == [ent._.score for ent in doc.ents]
    assert None in scores_of(nlp(TEXTS[0]))


def test_new_words_do_not_stay_in_the_vocabulary():
    nlp = copy_of(shared())
    annotate(nlp, batch_of([f"warm {i}" for i in range(1000)]))
    gc.collect()
    sizes = []
    for part in range(3):
        names = [f"Xyzzy{part}q{i}" for i in range(500)]
        (result,) = annotate(nlp, batch_of([f"[{name}] met {name}s in Paris." for name in names]))
        assert result.column("error").null_count == len(result)
        sizes.append(len(nlp.vocab.strings))
    assert len(set(sizes)) == 1


def test_the_first_words_stay_in_the_vocabulary():
    """Until so many characters have been read that the frequent ones are among them."""
    nlp, sizes = copy_of(shared()), []
    for part in range(6):
        annotate(nlp, batch_of([f"Xyzzy{part}q{i}" for i in range(30)]))  # about 300 characters
        sizes.append(len(nlp.vocab.strings))
    assert sizes[0] < sizes[1] < sizes[2] == sizes[3] == sizes[4] == sizes[5]
    nlp = copy_of(shared())
    annotate(nlp, batch_of([f"Xyzzy{i}" for i in range(500)]))
    assert "Xyzzy1" not in nlp.vocab.strings


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"body": ["a"]}, "The column 'text' does not exist. Columns: body"),
        ({"text": [1]}, "has type int64"),
        ({"text": ["a"], "entities": ["b"]}, "would replace the columns .*entities"),
    ],
)
def test_wrong_columns(columns, message):
    with pytest.raises(ValueError, match=message):
        annotate(shared(), pa.RecordBatch.from_pydict(columns))
