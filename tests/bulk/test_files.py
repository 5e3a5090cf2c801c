"""Bulk annotation of files: formats, malformed rows, and runs that go on where they stopped."""

import csv
import json
import os
import random
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_window_ner.cli import app
from tests.helpers import examples
from tests.pipelines import save_corpus, shared

pytest.importorskip("pyarrow", reason="pyarrow is not installed")

import pyarrow as pa
import pyarrow.parquet as pq

from spacy_window_ner.bulk import InputError, annotate_files
from spacy_window_ner.bulk.plan import KINDS, Settings, plan
from spacy_window_ner.bulk.readers import read_shard
from spacy_window_ner.files.texts import find_files

from .test_batches import plain, same

pytestmark = pytest.mark.extra


def run(pipeline, inputs, output, **settings):
    others = {k: settings.pop(k) for k in ("workers", "strict") if k in settings}
    return annotate_files(str(pipeline), inputs, output, Settings(**settings), **others)


def write_input(folder: Path, kind: str, texts: list[str]) -> Path:
    """Write texts to a file of some kind."""
    path = folder / f"texts.{kind}"
    rows = [{"id": f"row {i}", "text": text, "n": i} for i, text in enumerate(texts)]
    if kind == "jsonl":
        srsly.write_jsonl(path, rows)
    elif kind in ("csv", "tsv"):
        with path.open("w", encoding="utf8", newline="") as file:
            writer = csv.DictWriter(file, rows[0], delimiter="," if kind == "csv" else "\t")
            writer.writeheader()
            writer.writerows(rows)
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=7)
    elif kind == "txt":
        path.write_text("\n".join(texts), encoding="utf8")
    else:
        nlp = spacy.blank("en")
        DocBin(docs=map(nlp.make_doc, texts)).to_disk(path)
    return path


def read_output(output: Path, kind: str) -> list[dict]:
    """All rows of the results."""
    rows = []
    for path in sorted(output.glob("part-*")):
        assert path.suffix == f".{kind}"
        if kind == "jsonl":
            rows += srsly.read_jsonl(path)
        elif kind == "csv":
            with path.open(encoding="utf8", newline="") as file:
                rows += csv.DictReader(file)
        elif kind == "parquet":
            rows += pq.read_table(path).to_pylist()
        else:
            for doc in DocBin().from_disk(path).get_docs(shared().vocab):
                rows.append({"text": doc.text, "id": doc.user_data["id"], "doc": doc})
    return rows


def entities_in(row: dict) -> list[dict]:
    if "doc" in row:
        scores = row["doc"].spans["window_ner"].attrs["scores"]
        keys = ("start", "end", "label", "text", "probability")
        return [
            dict(zip(keys, (e.start_char, e.end_char, e.label_, e.text, score), strict=True))
            for e, score in zip(row["doc"].ents, scores, strict=True)
        ]
    found = row["entities"]
    return json.loads(found) if isinstance(found, str) else found


@pytest.mark.parametrize("output_kind", ["jsonl", "csv", "parquet", "spacy"])
@pytest.mark.parametrize("kind", ["jsonl", "csv", "tsv", "parquet", "txt", "spacy"])
def test_all_formats(pipeline, texts, tmp_path, kind, output_kind):
    if kind in ("csv", "tsv", "jsonl", "parquet"):
        texts = [*texts, 'A "quoted" line,\nand another\tin Paris.', "Zoë 😀 left Paris."]
    path = write_input(tmp_path, kind, texts)
    outcome = run(
        pipeline, [path], tmp_path / "out", id_field="id", format=output_kind, shard_size=1500
    )
    assert outcome.counts.texts == len(texts)
    assert outcome.errors == 0
    assert outcome.parts > 1 or kind == "spacy"
    rows = read_output(tmp_path / "out", output_kind)
    assert [row["text"] for row in rows] == texts
    for i, (row, text) in enumerate(zip(rows, texts, strict=True)):
        assert same(entities_in(row), plain(shared(), text))
        assert row["id"] == (f"{path}:{i + 1}" if kind in ("txt", "spacy") else f"row {i}")
        if output_kind != "spacy" and kind not in ("txt", "spacy"):
            fields = json.loads(row["_record"]) if "_record" in row else row
            assert str(fields["n"]) == str(i)
    assert outcome.counts.words == sum(len(shared().make_doc(text)) for text in texts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder for files that each case writes anew."""
    return tmp_path_factory.mktemp("rows")


@examples(100)
@given(
    st.lists(st.text('ab\n\r" ,é', max_size=6), min_size=1, max_size=12),
    st.sampled_from(["jsonl", "csv", "txt"]),
    st.integers(1, 40),
    st.integers(1, 4),
    st.booleans(),
)
def test_shards_have_every_row_once(folder, texts, kind, shard_size, batch_size, crlf):
    if kind == "txt":
        texts = [text.replace("\n", "").replace("\r", "") + "." for text in texts]
    path = write_input(folder, kind, texts)
    if crlf and kind != "csv":
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    settings = Settings(shard_size=shard_size, batch_size=batch_size)
    shards = plan([path], settings)
    batches = [one for shard in shards for one in read_shard(shard, settings, pytest.fail)]
    rows = [row for batch in batches for row in batch.rows.to_pylist()]
    assert [row["text"] for row in rows] == texts
    places = [place for batch in batches for place in batch.places]
    lines = [line for _, line in places]
    assert lines == sorted(lines)
    if kind != "csv":
        assert lines == list(range(1, len(texts) + 1))
    assert sum(shard.size for shard in shards) <= path.stat().st_size
    assert sum(batch.size for batch in batches) <= path.stat().st_size


BAD_LINES = [
    (b'{"text": "Paris', "invalid JSON"),
    (b'{"body": "Paris"}', "the field 'text' is missing"),
    (b'{"text": null}', "the field 'text' is null"),
    (b'{"text": 3}', "the field 'text' is not a string"),
    (b'["Paris"]', "not a JSON object"),
    (b'{"text": "Paris \xff"}', "invalid UTF-8"),
    (b'{"text": "\\ud800"}', "surrogates not allowed"),
    (b'{"text": "Paris", "entities": []}', "would replace the fields entities"),
    (b"[" * 100_000, "recursion"),
]


@pytest.mark.parametrize(("workers", "shard_size"), [(1, 700), (2, 700), (1, 2**20)])
def test_malformed_rows_are_reported_and_all_others_annotated(
    pipeline, texts, tmp_path, workers, shard_size
):
    huge = b'{"text": "%s"}' % (b"Paris " * 1_700_000)
    # Cut in pieces of 700 bytes, a long line would make very many parts.
    bad = BAD_LINES if shard_size == 700 else [*BAD_LINES, (huge, "10,200,000 characters")]
    lines, expected = [], {}
    for i, text in enumerate(texts):
        lines.append(json.dumps({"text": text}).encode())
        if i % 5 == 2:
            line, reason = bad[(i // 5) % len(bad)]
            lines.append(line)
            expected[len(lines)] = reason
        if i % 7 == 0:
            lines.append(b"")
    assert len(set(expected.values())) == len(bad)
    path = tmp_path / "texts.jsonl"
    path.write_bytes(b"\n".join(lines))
    outcome = run(pipeline, [path], tmp_path / "out", shard_size=shard_size, workers=workers)
    rows = [row for row in read_output(tmp_path / "out", "jsonl") if "error" not in row]
    assert [row["text"] for row in rows] == texts
    assert all(same(row["entities"], plain(shared(), row["text"])) for row in rows)
    errors = list(srsly.read_jsonl(tmp_path / "out" / "_errors.jsonl"))
    assert outcome.errors == outcome.counts.errors == len(errors) == len(expected)
    assert {error["file"] for error in errors} == {str(path)}
    assert [error["line"] for error in errors] == list(expected)
    for error, reason in zip(errors, expected.values(), strict=True):
        assert reason in error["error"]


def test_malformed_csv(pipeline, tmp_path):
    path = tmp_path / "texts.csv"
    path.write_bytes(
        b'id,text\n1,In Paris.\n2\n3,"Two\nlines."\n4,a,b\n5,Z\xff\n6,"x"y\n'
        b'\n7,"In Paris."\n8,"open'
    )
    for size in (10, 1000):
        output = tmp_path / f"out{size}"
        run(pipeline, [path], output, shard_size=size)
        rows = read_output(output, "jsonl")
        assert [row["id"] for row in rows] == ["1", "3", "7"]
        errors = {one["line"]: one["error"] for one in srsly.read_jsonl(output / "_errors.jsonl")}
        assert list(errors) == [3, 6, 7, 8, 11]
        assert errors[3] == "1 fields, expected 2"
        assert "invalid UTF-8" in errors[7]
        assert "invalid CSV" in errors[8] and "invalid CSV" in errors[11]


def test_nulls_in_parquet_and_files_that_are_damaged(pipeline, tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["In Paris.", None, "Nothing."]}), path, row_group_size=1)
    (tmp_path / "b.spacy").write_bytes(b"nothing")
    run(pipeline, [tmp_path], tmp_path / "out")
    errors = list(srsly.read_jsonl(tmp_path / "out" / "_errors.jsonl"))
    assert [(Path(one["file"]).name, one["line"]) for one in errors] == [
        ("a.parquet", 2),
        ("b.spacy", 1),
    ]
    rows = read_output(tmp_path / "out", "jsonl")
    assert [row["text"] for row in rows] == ["In Paris.", None, "Nothing."]
    assert rows[1]["entities"] is None and rows[1]["error"] == "the text is null"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(InputError, match=r"Cannot read .*a\.parquet"):
        run(pipeline, [path], tmp_path / "other")


@pytest.mark.parametrize("sizes", [[2, 0, 1], [0, 3], [3, 0], [0], []])
def test_parquet_without_rows_in_a_group(pipeline, tmp_path, sizes):
    table = pa.table({"text": ["In Paris.", "Nothing.", "In Berlin."]})
    with pq.ParquetWriter(tmp_path / "a.parquet", table.schema) as writer:
        for i, size in enumerate(sizes):
            writer.write_table(table.slice(sum(sizes[:i]), size))
    outcome = run(pipeline, [tmp_path / "a.parquet"], tmp_path / "out", format="parquet")
    assert (outcome.counts.texts, outcome.errors) == (sum(sizes), 0)
    [part] = (tmp_path / "out").glob("part-*.parquet")
    written = pq.read_table(part)
    assert written.column_names == ["text", "entities", "error"]
    assert written.column("text").to_pylist() == table.column("text").to_pylist()[: sum(sizes)]


def test_strict_stops_with_file_and_line(pipeline, texts, tmp_path):
    path = write_input(tmp_path, "jsonl", texts)
    path.write_bytes(path.read_bytes() + b"{}\n")
    for workers in (1, 2):
        with pytest.raises(InputError, match=rf"texts.jsonl, line {len(texts) + 1}: the field"):
            run(pipeline, [path], tmp_path / "out", shard_size=2000, strict=True, workers=workers)
    # Without it, the run goes on.
    outcome = run(pipeline, [path], tmp_path / "out", shard_size=2000)
    assert outcome.parts_before == outcome.parts - 1
    assert outcome.errors == 1


def contents(output: Path) -> dict[str, bytes]:
    """All files of the results."""
    files = (path for path in output.rglob("*") if path.is_file())
    return {str(path.relative_to(output)): path.read_bytes() for path in files}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this machine has no fork")
@pytest.mark.parametrize(
    ("kind", "workers", "n_kills"), [("jsonl", 1, 6), ("parquet", 1, 3), ("jsonl", 2, 1)]
)
def test_killed_runs_go_on_to_the_same_bytes(pipeline, texts, tmp_path, kind, workers, n_kills):
    path = write_input(tmp_path, "jsonl", texts * 10)
    path.write_bytes(path.read_bytes() + b"broken\n")
    settings = {"shard_size": 2000, "batch_size": 5, "format": kind}
    outcome = run(pipeline, [path], tmp_path / "whole", **settings)
    assert outcome.parts > 25
    output, rng, kills = tmp_path / "out", random.Random(workers), 0
    for n_parts in sorted(rng.sample(range(1, outcome.parts - 5), n_kills)):
        process = get_context("fork").Process(
            target=run, args=(pipeline, [path], output), kwargs={**settings, "workers": workers}
        )
        process.start()
        while process.is_alive() and len(list(output.glob("part-*"))) < n_parts:
            time.sleep(0.001)
        time.sleep(rng.random() * 0.02)
        kills += process.is_alive()
        process.kill()
        process.join()
    assert kills == n_kills
    assert 0 < len(list(output.glob("part-*"))) < outcome.parts
    time.sleep(0.5 if workers > 1 else 0)  # workers end with the process that was killed
    (output / "_part-00000.x.1.tmp").write_text("left over")
    again = run(pipeline, [path], output, **settings)
    assert again.parts_before > 0
    assert contents(output) == contents(tmp_path / "whole")


def test_another_run_is_refused_with_what_has_changed(pipeline, texts, tmp_path):
    first = write_input(tmp_path, "jsonl", texts)
    second = write_input(tmp_path, "txt", texts)
    output = tmp_path / "out"
    run(pipeline, [first, second], output)
    before = contents(output)
    other = tmp_path / "pipeline"
    nlp = spacy.load(pipeline)
    nlp.get_pipe("window_ner").threshold = 0.9
    nlp.to_disk(other)
    (tmp_path / "more.txt").write_text("More.")
    cases = [
        (pipeline, [first, second], {"batch_size": 7}, "batch_size: 1000 → 7"),
        (other, [first, second], {}, f"pipeline: {pipeline} → {other}"),
        (pipeline, [first], {}, f"input removed: {second}"),
        (pipeline, [first, second, tmp_path / "more.txt"], {}, "input added: .*more.txt"),
        (pipeline, [second, first], {}, "the order of the inputs"),
    ]
    for model, inputs, settings, message in cases:
        with pytest.raises(InputError, match=message):
            run(model, inputs, output, **settings)
    with second.open("a") as file:
        file.write("\nMore.")
    with pytest.raises(InputError, match=f"input changed: {second}"):
        run(pipeline, [first, second], output)
    assert contents(output) == before


def test_small_files_are_put_together_and_big_ones_cut(texts, tmp_path):
    for i in range(50):
        (tmp_path / f"{i:02}.txt").write_text(texts[i], encoding="utf8")
    (tmp_path / ".hidden.txt").write_text("x")
    (tmp_path / "image.png").write_text("x")
    settings = Settings(whole_files=True, shard_size=1000)
    files = find_files([tmp_path], KINDS)
    assert files == find_files([tmp_path / "*.txt"], KINDS) == find_files([*files, *files], KINDS)
    shards = plan(files, settings)
    assert 2 < len(shards) < 10
    (batch,) = read_shard(shards[0], settings, pytest.fail)
    assert batch.rows.column("text").to_pylist() == texts[: len(batch.rows)]


@pytest.mark.parametrize(
    ("inputs", "settings", "message"),
    [
        (["nowhere"], {}, "No files found at nowhere"),
        ([], {}, "Pass files"),
        (["image.png"], {}, "image.png has an unknown file type"),
        (["a.csv"], {}, "The column 'text' does not exist. Columns: id, body"),
        (["a.csv"], {"text_field": "body", "id_field": "key"}, "The column 'key' does not exist"),
        (["a.txt"], {"format": "xml"}, "Unknown format 'xml'"),
        (["a.txt"], {"batch_size": 0}, "batch_size must be at least 1, got 0"),
        (["a.txt"], {"workers": 0}, "The number of workers must be at least 1, got 0"),
        (["a.txt"], {"text_field": "error"}, "error twice"),
        (["empty.csv"], {}, "must contain the column names"),
    ],
)
def test_wrong_arguments(pipeline, tmp_path, monkeypatch, inputs, settings, message):
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "a.csv": "id,body\n",
        "image.png": "",
        "a.txt": "a",
        "empty.csv": "",
    }.items():
        Path(name).write_text(text)
    with pytest.raises(InputError, match=message):
        run(pipeline, inputs, tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


def invoke(*args) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["annotate", *map(str, args)])
    return outcome.exit_code, " ".join(outcome.output.split())


def test_the_command(pipeline, texts, tmp_path):
    save_corpus(tmp_path / "a.spacy", ["In [LOC Paris]."])
    write_input(tmp_path, "jsonl", texts)
    command = [pipeline, tmp_path, "--output", tmp_path / "out", "--shard-size", "0.001"]
    code, printed = invoke(*command)
    assert code == 0, printed
    assert "Annotated 61 texts" in printed and "words/s" in printed and "100%" in printed
    code, printed = invoke(*command)
    assert (
        code == 0 and "result files already existed" in printed and "Annotated 0 texts" in printed
    )
    code, printed = invoke(*command, "--format", "csv")
    assert code == 1 and "format: 'jsonl' → 'csv'" in printed
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes").write_text("mine")
    code, printed = invoke(*command[:2], "--output", tmp_path / "full")
    assert code == 1 and "contains other files" in printed
    code, printed = invoke("no_such_pipeline", *command[1:])
    assert code == 1 and "Cannot load the pipeline no_such_pipeline" in printed
    code, printed = invoke(*command, "--master", "local")
    assert code == 1 and "--master can only be used with --engine spark" in printed


@pytest.mark.parametrize(
    ("package", "engine"), [("pyarrow", "local"), ("pyspark", "spark"), ("ray", "ray")]
)
def test_a_missing_package_is_named(tmp_path, package, engine):
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from spacy_window_ner.cli import app\n"
        f"app(['annotate', 'p', 'in', '-o', {str(tmp_path / 'out')!r}, '--engine', {engine!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    extra = "bulk" if package == "pyarrow" else package.removeprefix("py")
    assert f"pip install 'spacy-window-ner[{extra}]'" in " ".join(done.stdout.split())
