"""Documents in the database, and what happens to them when their files change."""

import multiprocessing
import os
import random
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

from spacy_window_ner.mentions import writing
from spacy_window_ner.mentions.database import reading
from spacy_window_ner.mentions.indexing import index
from spacy_window_ner.mentions.reading import Fields
from tests.pipelines import copy_of, shared, texts_of

from .texts import TEXTS, index_texts, ruler, write_texts

# Tables and columns without numbers that depend on the order of the work.
CONTENT = [
    "SELECT path FROM sources ORDER BY 1",
    "SELECT path, position, name, date, digest, error FROM documents "
    "JOIN sources ON sources.id = source_id ORDER BY 1, 2",
    "SELECT path, position, start, end, text, context FROM sentences JOIN documents "
    "ON documents.id = document_id JOIN sources ON sources.id = source_id ORDER BY 1, 2, 3",
    "SELECT path, position, mentions.start, mentions.text, mentions.label, short, names.text, key, "
    "sentences.text, probability FROM mentions JOIN names ON names.id = name_id "
    "JOIN sentences ON sentences.id = sentence_id "
    "JOIN documents ON documents.id = mentions.document_id "
    "JOIN sources ON sources.id = source_id ORDER BY 1, 2, 3",
    "SELECT text, label, key FROM names ORDER BY 3, 2",
    "SELECT key, label, forms.text, short, mentions FROM forms JOIN names ON names.id = name_id "
    "ORDER BY 1, 2, 3, 4",
]


def content(path: Path) -> list[list[tuple]]:
    """All of a database but its numbers."""
    with closing(sqlite3.connect(path)) as connection:
        return [connection.execute(query).fetchall() for query in CONTENT]


def assert_whole(path: Path) -> None:
    """The database is not damaged, its references exist, and full text and tables agree."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        for table in ("sentences_fts", "forms_fts"):
            connection.execute(f"INSERT INTO {table}({table}, rank) VALUES ('integrity-check', 1)")
        counted = connection.execute(
            "SELECT name_id, text, short, COUNT(*) FROM mentions GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ).fetchall()
        forms = connection.execute(
            "SELECT name_id, text, short, mentions FROM forms ORDER BY 1, 2, 3"
        ).fetchall()
        assert forms == counted
        unused = "SELECT COUNT(*) FROM names WHERE id NOT IN (SELECT name_id FROM mentions)"
        assert connection.execute(unused).fetchone() == (0,)


def rows(path: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_mentions_and_sentences_are_where_they_say(database):
    assert_whole(database)
    positions = rows(
        database,
        "SELECT position, mentions.start, mentions.end, mentions.text, sentences.start, "
        "sentences.end, sentences.text FROM mentions JOIN sentences ON sentences.id = sentence_id "
        "JOIN documents ON documents.id = mentions.document_id",
    )
    assert len(positions) == 21
    for position, start, end, text, first, last, sentence in positions:
        assert TEXTS[position - 1][start:end] == text
        assert TEXTS[position - 1][first:last] == sentence
        assert first <= start < end <= last


def test_names_are_brought_together(database):
    names = rows(database, "SELECT name, label, mentions, documents FROM name_counts ORDER BY 3, 1")
    assert ("Samuel Quinn", "PER", 4, 2) in names
    assert ("Norvik", "ORG", 2, 2) in names
    # Nobody in the second document has this name in full.
    assert ("Mr. Quinn", "PER", 1, 1) in names


def test_schema_has_what_datasette_needs(database):
    keys = {
        table: {(row[2], row[3]) for row in rows(database, f"PRAGMA foreign_key_list({table})")}
        for table in ("documents", "sentences", "mentions", "forms")
    }
    assert keys == {
        "documents": {("sources", "source_id")},
        "sentences": {("documents", "document_id")},
        "mentions": {
            ("documents", "document_id"),
            ("sentences", "sentence_id"),
            ("names", "name_id"),
        },
        "forms": {("names", "name_id")},
    }
    views = {name for (name,) in rows(database, "SELECT name FROM sqlite_master WHERE type='view'")}
    assert views == {"name_counts", "timeline", "cooccurrences"}
    sql = dict(rows(database, "SELECT name, sql FROM sqlite_master WHERE name LIKE '%fts'"))
    # How Datasette finds the full-text search of a table.
    assert 'content="sentences"' in sql["sentences_fts"]
    assert 'content="forms"' in sql["forms_fts"]
    both = rows(
        database,
        "SELECT sentences FROM cooccurrences JOIN names AS a ON a.id = name_id "
        "JOIN names AS b ON b.id = other_id "
        "WHERE a.text = 'Samuel Quinn' AND b.text = 'Anna Berg'",
    )
    assert both == [(2,)]


def test_probabilities_are_those_of_the_component(tmp_path):
    nlp, texts = shared(), texts_of()
    index(nlp, [write_texts(tmp_path / "texts.jsonl", texts)], tmp_path / "names.db")
    found = rows(tmp_path / "names.db", "SELECT text, label, probability FROM mentions ORDER BY id")
    ents = [ent for text in texts for ent in nlp(text).ents]
    assert [row[:2] for row in found] == [(ent.text, ent.label_) for ent in ents]
    assert np.allclose([row[2] for row in found], [ent._.score for ent in ents], atol=1e-5)


def test_nothing_is_read_twice(tmp_path, monkeypatch):
    first = index_texts(tmp_path)
    before = content(tmp_path / "names.db")
    read = []
    monkeypatch.setattr(writing, "_annotate", lambda nlp, records: read.extend(records) or [])
    again = index_texts(tmp_path)
    assert (first.added, first.unchanged) == (6, 0)
    assert (again.added, again.unchanged, again.removed) == (0, 6, 0)
    assert read == []
    assert content(tmp_path / "names.db") == before


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_changed_documents_are_replaced(tmp_path, batch_size):
    index_texts(tmp_path, batch_size=batch_size)
    changed = [*TEXTS[:1], "Tom Berg left Lima.", *TEXTS[2:4]]
    progress = index_texts(tmp_path, changed, batch_size=batch_size)
    assert (progress.added, progress.unchanged, progress.removed) == (1, 3, 3)
    assert_whole(tmp_path / "names.db")
    there = content(tmp_path / "names.db")
    (tmp_path / "names.db").unlink()
    index_texts(tmp_path, changed)
    assert content(tmp_path / "names.db") == there


def test_batches_do_not_matter(tmp_path):
    index_texts(tmp_path, batch_size=1)
    one = content(tmp_path / "names.db")
    (tmp_path / "names.db").unlink()
    index_texts(tmp_path, batch_size=100)
    assert content(tmp_path / "names.db") == one


def test_documents_that_cannot_be_read(tmp_path):
    lines = [
        b'{"text": "Oslo."}',
        b"{broken",
        b'{"title": "no text"}',
        b'{"text": null}',
        b'{"text": "\xff"}',
        b'["a list"]',
        b"",
        b'{"text": "\\ud800"}',
        b'{"text": "Lima."}',
    ]
    path = tmp_path / "texts.jsonl"
    path.write_bytes(b"\n".join(lines))
    progress = index(ruler(), [path], tmp_path / "names.db")
    assert [(file, position) for file, position, _ in progress.errors] == [
        (path, position) for position in (2, 3, 4, 5, 6, 8)
    ]
    assert "invalid JSON" in progress.errors[0][2] and "'text'" in progress.errors[1][2]
    assert rows(tmp_path / "names.db", "SELECT text FROM mentions") == [("Oslo",), ("Lima",)]
    errors = rows(tmp_path / "names.db", "SELECT position FROM documents WHERE error IS NOT NULL")
    assert len(errors) == 6
    assert_whole(tmp_path / "names.db")


@Language.component("fails_at_lima")
def fails_at_lima(doc: Doc) -> Doc:
    if "Lima" in doc.text:
        raise RuntimeError("Not Lima")
    return doc


def test_an_error_of_the_pipeline_is_of_one_document(tmp_path):
    nlp = ruler()
    nlp.add_pipe("fails_at_lima")
    path = write_texts(tmp_path / "texts.jsonl")
    progress = index(nlp, [path], tmp_path / "names.db")
    assert progress.errors == [(path, 3, "RuntimeError: Not Lima")]
    assert len(rows(tmp_path / "names.db", "SELECT DISTINCT document_id FROM sentences")) == 5


def test_a_document_that_an_error_handler_drops_moves_no_other(tmp_path):
    nlp = ruler()
    nlp.add_pipe("fails_at_lima")
    nlp.set_error_handler(lambda name, proc, docs, error: None)
    path = write_texts(tmp_path / "texts.jsonl")
    progress = index(nlp, [path], tmp_path / "names.db")
    assert progress.errors == [(path, 3, "the pipeline did not return a document")]
    found = rows(
        tmp_path / "names.db",
        "SELECT position, start, end, text FROM sentences "
        "JOIN documents ON documents.id = document_id",
    )
    assert {position for position, *_ in found} == {1, 2, 4, 5, 6}
    for position, start, end, text in found:
        assert TEXTS[position - 1][start:end] == text


def test_fields_and_other_files(tmp_path):
    (tmp_path / "in").mkdir()
    row = {"body": "Oslo. Lima.", "id": 7, "day": "2001-04-03"}
    srsly.write_jsonl(tmp_path / "in" / "b.jsonl", [row])
    (tmp_path / "in" / "a.txt").write_text("Paris is big.\n\nSo is Lima.\n", encoding="utf8")
    (tmp_path / "in" / "other.csv").write_text("Oslo", encoding="utf8")
    vocab = spacy.blank("en").vocab
    doc = Doc(vocab, words=["Oslo", "Rome", "fell"], sent_starts=[True, True, False])
    doc.set_ents([Span(doc, 1, 2, label="CITY")])
    DocBin(docs=[doc]).to_disk(tmp_path / "in" / "c.spacy")
    fields = Fields("body", "id", "day")
    index(ruler(), [tmp_path / "in", tmp_path / "in" / "a.txt"], tmp_path / "n.db", fields=fields)
    found = rows(
        tmp_path / "n.db",
        "SELECT position, document, date, mention, label, sentence FROM timeline "
        "ORDER BY document_id, mention_id",
    )
    assert found == [
        (1, None, None, "Paris", "LOC", "Paris is big."),
        (3, None, None, "Lima", "LOC", "So is Lima."),
        (1, "7", "2001-04-03", "Oslo", "LOC", "Oslo."),
        (1, "7", "2001-04-03", "Lima", "LOC", "Lima."),
        (1, None, None, "Oslo", "LOC", "Oslo"),
        (1, None, None, "Rome", "CITY", "Rome fell"),
    ]


@pytest.mark.parametrize("store_user_data", [True, False])
def test_documents_that_are_annotated_already_keep_their_probabilities(tmp_path, store_user_data):
    nlp = shared()
    docs = list(nlp.pipe(texts_of()))
    DocBin(docs=docs, store_user_data=store_user_data).to_disk(tmp_path / "annotated.spacy")
    index(nlp, [tmp_path / "annotated.spacy"], tmp_path / "names.db")
    found = rows(tmp_path / "names.db", "SELECT text, label, probability FROM mentions ORDER BY id")
    assert found == [(ent.text, ent.label_, ent._.score) for doc in docs for ent in doc.ents]
    assert len(found) > 5


def test_no_sentence_begins_in_a_name(tmp_path):
    nlp = ruler({"ORG": ["Who? What! Co"]})
    path = write_texts(tmp_path / "texts.jsonl", ["  They are Who? What! Co  here. Yes.  ", "   "])
    index(nlp, [path], tmp_path / "names.db")
    sentences = rows(tmp_path / "names.db", "SELECT text FROM sentences ORDER BY id")
    assert sentences == [("They are Who? What! Co  here.",), ("Yes.",)]


def test_whitespace_around_names_is_no_part_of_them(tmp_path):
    """Rules may set such entities, at the beginning of a document and of a sentence too."""
    nlp = ruler({"LOC": ["  Oslo", "\n Lima ", "  "]})
    texts = ["  Oslo is big. \n Lima  is too.", "  ", "So.   Oslo"]
    index(nlp, [write_texts(tmp_path / "texts.jsonl", texts)], tmp_path / "names.db")
    found = rows(
        tmp_path / "names.db",
        "SELECT mentions.text, mentions.start, mentions.end, sentences.text FROM mentions "
        "JOIN sentences ON sentences.id = sentence_id ORDER BY mentions.id",
    )
    assert found == [
        ("Oslo", 2, 6, "Oslo is big."),
        ("Lima", 17, 21, "Lima  is too."),
        ("Oslo", 6, 10, "Oslo"),
    ]
    assert_whole(tmp_path / "names.db")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["nowhere.jsonl"], "No files found at"),
        (["table.csv"], "table.csv has an unknown file type"),
        (["empty"], "No files found at"),
        (["damaged.spacy"], "is damaged"),
    ],
)
def test_wrong_inputs(tmp_path, monkeypatch, inputs, message):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("table.csv").write_text("Oslo", encoding="utf8")
    Path("damaged.spacy").write_text("Oslo", encoding="utf8")
    with pytest.raises(ValueError, match=message):
        index(ruler(), [Path(one) for one in inputs], Path("names.db"))


def test_another_pipeline_is_refused(tmp_path):
    index_texts(tmp_path)
    path = tmp_path / "texts.jsonl"
    with pytest.raises(ValueError, match="pipeline was"):
        index(spacy.blank("en"), [path], tmp_path / "names.db")
    with pytest.raises(ValueError, match="people was"):
        index(ruler(), [path], tmp_path / "names.db", people=["HUMAN"])


def test_a_pipeline_that_was_changed_in_memory_is_refused(tmp_path):
    ruler().to_disk(tmp_path / "pipeline")
    nlp = spacy.load(tmp_path / "pipeline")
    path = write_texts(tmp_path / "texts.jsonl")
    index(nlp, [path], tmp_path / "names.db")
    nlp.get_pipe("entity_ruler").clear()
    with pytest.raises(ValueError, match="pipeline was"):
        index(nlp, [path], tmp_path / "names.db")


def test_other_files_are_no_databases(tmp_path):
    path = write_texts(tmp_path / "texts.jsonl")
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE something (id)")
    (tmp_path / "text.db").write_text("This is a text. " * 100, encoding="utf8")
    for name in ("other.db", "text.db"):
        with pytest.raises(ValueError, match=r"not a database of names|Cannot (use|open)"):
            index(ruler(), [path], tmp_path / name)
        with (
            pytest.raises(ValueError, match=r"not a database of names|Cannot (use|open)"),
            reading(tmp_path / name),
        ):
            pass
    with pytest.raises(ValueError, match="does not exist"), reading(tmp_path / "none.db"):
        pass
    index_texts(tmp_path)
    with closing(sqlite3.connect(tmp_path / "names.db")) as own:
        own.execute("PRAGMA user_version = 99")
    with pytest.raises(ValueError, match="version 99"), reading(tmp_path / "names.db"):
        pass


class StoppedError(Exception):
    """Stands for the end of the process."""


def test_a_run_that_goes_on_writes_the_same_probabilities(tmp_path):
    """To the last digit, which depends on what a pipeline has read before."""
    texts = [f"{text} Then Quinn{i} left." for i, text in enumerate(texts_of() * 20)]
    path = write_texts(tmp_path / "texts.jsonl", texts)
    index(copy_of(shared()), [path], tmp_path / "whole.db", batch_size=7)

    def stop(n: int) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        index(copy_of(shared()), [path], tmp_path / "stopped.db", batch_size=7, done=stop)
    index(copy_of(shared()), [path], tmp_path / "stopped.db", batch_size=7)
    whole, stopped = content(tmp_path / "whole.db"), content(tmp_path / "stopped.db")
    assert stopped == whole
    with reading(tmp_path / "whole.db") as connection:
        query = "SELECT COUNT(probability) FROM mentions"
        assert connection.execute(query).fetchone()[0] > len(texts)


def test_a_database_that_others_use(tmp_path):
    """Those who read it may go on; where somebody else writes, that is said."""
    index_texts(tmp_path, TEXTS[:3])
    with closing(sqlite3.connect(tmp_path / "names.db")) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN")
        other.execute("SELECT COUNT(*) FROM documents").fetchone()
        assert index_texts(tmp_path).added == 3
        other.execute("COMMIT")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            ValueError, match=r"Cannot use the database .*names\.db: database is locked"
        ):
            index_texts(tmp_path, [*TEXTS, "More."])
    assert_whole(tmp_path / "names.db")
    assert index_texts(tmp_path, [*TEXTS, "More."]).added == 1


def _killed_at(folder: Path, texts: list[str], insert: int) -> None:
    """Index in a process that is killed at a row, in the middle of a transaction."""
    insert_row, done = writing.IndexWriter._insert, 0

    def insert_or_die(self, table, *values):
        nonlocal done
        done += 1
        if done == insert:
            os.kill(os.getpid(), signal.SIGKILL)
        return insert_row(self, table, *values)

    writing.IndexWriter._insert = insert_or_die
    index_texts(folder, texts, batch_size=4)
    os._exit(0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL and no fork")
def test_a_run_that_is_killed_goes_on(tmp_path):
    texts = [f"{text} Number {i}." for i, text in enumerate(TEXTS * 5)]
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    index_texts(tmp_path / "whole", texts, batch_size=4)
    rng, context, n_killed = random.Random(0), multiprocessing.get_context("fork"), 0
    database = tmp_path / "killed" / "names.db"
    for _ in range(8):
        insert = rng.randint(1, 50)
        process = context.Process(target=_killed_at, args=(tmp_path / "killed", texts, insert))
        process.start()
        process.join()
        n_killed += process.exitcode == -signal.SIGKILL
        if database.exists():
            assert_whole(database)
    assert n_killed >= 3
    index_texts(tmp_path / "killed", texts, batch_size=4)
    assert_whole(database)
    whole, continued = content(tmp_path / "whole" / "names.db"), content(database)
    assert continued[4:] == whole[4:]
    # The folders differ.
    assert [[row[1:] for row in table] for table in continued[1:4]] == [
        [row[1:] for row in table] for table in whole[1:4]
    ]
