"""Annotated documents in the formats of other tools."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin

from spacy_window_ner.files.formats import read_annotated
from spacy_window_ner.files.texts import InputError

NLP = spacy.blank("xx")
TEXT = "Ann Lee saw New York."
PAIRS = [("Ann Lee", "PER"), ("New York", "LOC")]
SPANS = [[0, 7, "PER"], [12, 20, "LOC"]]
NAMED = [{"start": 0, "end": 7, "label": "PER"}, {"start": 12, "end": 20, "label": "LOC"}]


def read(path: Path, misaligned: list[str] | None = None) -> list[Doc]:
    return list(read_annotated([path], NLP, misaligned))


def pairs(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


def write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf8")
    return path


def region(start: int, end: int, text: str, label: str) -> dict:
    value = {"start": start, "end": end, "text": text, "labels": [label]}
    return {"type": "labels", "from_name": "label", "to_name": "text", "value": value}


@pytest.mark.parametrize(
    "fields",
    [
        {"spans": NAMED, "answer": "accept"},
        {"label": SPANS},
        {"labels": SPANS[::-1]},
        {"entities": SPANS},
        {
            "entities": [
                {"id": 1, "start_offset": s, "end_offset": e, "label": label}
                for s, e, label in SPANS
            ]
        },
        {"spans": [[0, 8, "PER"], [11, 20, "LOC"]]},  # with the white space around
    ],
)
def test_json_lines(tmp_path, fields):
    [doc] = read(write(tmp_path / "a.jsonl", {"text": TEXT, **fields}))
    assert (doc.text, pairs(doc)) == (TEXT, PAIRS)
    assert [token.ent_iob_ for token in doc] == list("BIOBIO")


def test_answers_of_prodigy(tmp_path):
    row = {"text": TEXT, "spans": NAMED}
    rows = [{**row, "answer": answer} for answer in ("reject", "accept", "ignore")]
    rows.append({"text": TEXT, "spans": NAMED[:1], "answer": "accept", "_view_id": "ner"})
    whole, one = read(write(tmp_path / "a.jsonl", *rows))
    assert pairs(whole) == PAIRS
    # Yes to one entity says nothing of the others.
    assert [token.ent_iob_ for token in one] == ["B", "I", "", "", "", ""]


def test_tokens_of_prodigy(tmp_path):
    tokens = [{"start": s, "end": e, "text": TEXT[s:e]} for s, e in [(0, 3), (4, 7), (8, 21)]]
    row = {"text": TEXT, "spans": NAMED[:1], "tokens": tokens}
    [doc] = read(write(tmp_path / "a.jsonl", row))
    assert [token.text for token in doc] == ["Ann", "Lee", "saw New York."]
    assert doc.text == TEXT and pairs(doc) == PAIRS[:1]


def test_label_studio(tmp_path):
    text = "😀 Ann saw Rome"
    tasks = [
        {"data": {"text": TEXT}, "annotations": [{"result": [], "was_cancelled": True}]},
        {
            "data": {"text": TEXT},
            "annotations": [],
            "predictions": [{"result": [region(0, 3, "Ann", "X")]}],
        },
        {
            "data": {"text": text},
            "annotations": [
                {"result": [region(0, 1, "😀", "X")]},
                {
                    "result": [
                        region(3, 6, "Ann", "PER"),
                        region(10, 14, "Rome", "LOC"),
                        {"type": "choices"},
                    ]
                },
                {"result": [], "was_cancelled": True},
            ],
        },
        {"data": {"text": "Ann"}, "annotations": [{"result": [region(0, 3, "Ann", "PER")]}]},
    ]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(tasks), encoding="utf8")
    first, second = read(path)
    assert pairs(first) == [("Ann", "PER"), ("Rome", "LOC")]
    assert pairs(second) == [("Ann", "PER")]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("B-X I-X O B-X B-X", [(0, 2), (3, 4), (4, 5)]),  # IOB2
        ("I-X I-X O I-X B-X", [(0, 2), (3, 4), (4, 5)]),  # IOB1
        ("B-X L-X O U-X U-X", [(0, 2), (3, 4), (4, 5)]),  # BILUO
        ("B-X E-X O S-X S-X", [(0, 2), (3, 4), (4, 5)]),  # BIOES
        ("B-X I-Y I-Y L-Y I-Y", [(0, 1), (1, 4), (4, 5)]),
    ],
)
def test_schemes_of_tags(tmp_path, tags, expected):
    path = tmp_path / "a.conll"
    path.write_text("".join(f"w{i} {tag}\n" for i, tag in enumerate(tags.split())))
    [doc] = read(path)
    assert [(ent.start, ent.end) for ent in doc.ents] == expected


def test_sentences_and_documents_of_conll(tmp_path):
    sentences = "# sent_id = 1\nAnn\tNNP\tB-PER\n#\t.\tO\n\n\nRome\tNNP\t-\nis\tV\tO\n"
    path = tmp_path / "a.tsv"
    path.write_text(sentences)
    first, second = read(path)
    assert [token.text for token in first] == ["Ann", "#"] and pairs(first) == [("Ann", "PER")]
    assert [token.ent_iob_ for token in second] == ["", "O"]
    path.write_text(f"-DOCSTART- O\n\n{sentences}\n-DOCSTART- O\n\nBob B-PER\n")
    first, second = read(path)
    assert [len(sentence) for sentence in first.sents] == [2, 2]
    assert pairs(second) == [("Bob", "PER")]


@pytest.mark.parametrize(("suffix", "comma"), [(".csv", ","), (".tsv", "\t")])
def test_tables(tmp_path, suffix, comma):
    rows = [
        ["id", "text", "start", "end", "label"],
        ["1", '"Ann saw\nRome"', "0", "3", "PER"],
        ["1", '"Ann saw\nRome"', "8", "12", "LOC"],
        ["2", "Nobody", "", "", ""],
        ["3", "Bob", "0", "3", "PER"],
    ]
    path = tmp_path / f"a{suffix}"
    path.write_text("\n".join(map(comma.join, rows)), encoding="utf-8-sig")
    docs = read(path)
    assert [pairs(doc) for doc in docs] == [[("Ann", "PER"), ("Rome", "LOC")], [], [("Bob", "PER")]]
    assert docs[1].has_annotation("ENT_IOB")


def test_entities_that_do_not_align_are_missing_and_reported(tmp_path):
    misaligned: list[str] = []
    spans = [[0, 2, "PER"], [12, 20, "LOC"]]
    [doc] = read(write(tmp_path / "a.jsonl", {"text": TEXT, "spans": spans}), misaligned)
    assert pairs(doc) == PAIRS[1:]
    assert [token.ent_iob_ for token in doc] == ["", "O", "O", "B", "I", "O"]
    [line] = misaligned
    assert line.endswith("a.jsonl, 1: 'An' (PER) in 'Ann'")
    spans = [[0, 1, "PER"], [1, 3, "LOC"]]
    [doc] = read(write(tmp_path / "a.jsonl", {"text": TEXT, "spans": spans}), misaligned)
    assert [token.ent_iob_ for token in doc] == ["", "O", "O", "O", "O", "O"]
    assert len(misaligned) == 3


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"text": "a", "spans": []}\n{"text": ', "line 2: invalid JSON"),
        ("a.jsonl", "[1]", "line 1: the line is not a JSON object"),
        ("a.jsonl", '{"text": "a"}', "none of the fields spans, entities, label, labels"),
        ("a.jsonl", '{"text": "a", "label": ["good"]}', "'good' is not a valid entity"),
        ("a.jsonl", '{"text": "a", "label": 5}', "its entities must be a list, got 5"),
        (
            "a.jsonl",
            '{"text": "a", "spans": [[0, 2, "X"]]}',
            "outside of the text with 1 characters",
        ),
        ("a.jsonl", '{"text": "a", "spans": [[0, 1, ""]]}', "must have start, end and label"),
        ("a.jsonl", '{"text": "a ", "spans": [[1, 2, "X"]]}', "is only white space"),
        (
            "a.jsonl",
            '{"text": "abc", "spans": [[0, 2, "X"], [1, 3, "Y"]]}',
            "'ab' \\(X\\) and 'bc'",
        ),
        (
            "a.jsonl",
            '{"text": "a b", "spans": [], "tokens": [{"start": 0, "end": 1}]}',
            "Correct or remove the field",
        ),
        ("a.jsonl", '{"text": "a b", "spans": [], "tokens": [1]}', "Correct or remove them"),
        ("a.json", '{"text": "a"}', "does not contain a list of tasks"),
        ("a.json", '{"text": "a"}\n{"text": "b"}', "use the suffix .jsonl"),
        ("a.json", '[{"data": {"words": "a"}}]', "task 1: the field 'text' is missing"),
        ("a.conll", "Ann B-PER\nsaw\n", "line 2: 'saw' is not a token with a tag"),
        ("a.conll", "Ann B-PER\nsaw X\n", "line 2: 'saw X' is not a token with a tag"),
        ("a.csv", "text,label\na,X", "the column start, end is missing"),
        ("a.csv", "text,start,end,label\na,0,1,X\nb,x,y,X", "line 3: start and end of the entity"),
        ("a.spacy", "no documents", "damaged, or not in spaCy's format"),
        ("a.doc", "", "unknown file type"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content, encoding="utf8")
    with pytest.raises(InputError, match=message) as error:
        read(path)
    assert name in str(error.value)


def test_a_folder_with_files_of_spacy_and_others(tmp_path):
    DocBin(docs=[NLP(TEXT)]).to_disk(tmp_path / "a.spacy")
    (tmp_path / "texts.jsonl").write_text('{"text": "not annotated"}')
    [doc] = read(tmp_path)
    assert doc.text == TEXT
