"""The tables of the database of names, and functions to open it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Written to `PRAGMA user_version`; changes whenever the tables or the keys of names do.
VERSION = 2
# A stemmer finds "marry" in a sentence with "married", but it knows English only.
_TOKENIZER = "unicode61 remove_diacritics 2"
_TOKENIZERS = {"en": f"porter {_TOKENIZER}"}

_TABLES = """
CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE
);

CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,  -- the line of a text file, or the number in a .spacy file, from 1
    name TEXT,  -- from the field of --id-field
    date TEXT,  -- from the field of --date-field
    digest TEXT NOT NULL,
    error TEXT,  -- why it has no sentences
    UNIQUE (source_id, position)
);

CREATE TABLE sentences (
    id INTEGER PRIMARY KEY,
    document_id INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
    start INTEGER NOT NULL,  -- characters of the document
    end INTEGER NOT NULL,
    text TEXT NOT NULL,
    context TEXT NOT NULL  -- names that it is about without giving them in full
);
CREATE INDEX sentences_document ON sentences(document_id);

CREATE TABLE names (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL,  -- the most frequent full form, not in capital letters
    label TEXT NOT NULL,
    key TEXT NOT NULL,  -- what all full forms have in common
    UNIQUE (key, label)
);

CREATE TABLE forms (
    id INTEGER PRIMARY KEY,
    name_id INTEGER NOT NULL REFERENCES names(id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    short INTEGER NOT NULL,  -- whether it is short for a full form in the same document
    mentions INTEGER NOT NULL,
    UNIQUE (name_id, text, short)
);

CREATE TABLE mentions (
    id INTEGER PRIMARY KEY,
    document_id INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
    sentence_id INTEGER NOT NULL REFERENCES sentences(id) ON DELETE CASCADE,
    name_id INTEGER NOT NULL REFERENCES names(id),
    start INTEGER NOT NULL,  -- characters of the document
    end INTEGER NOT NULL,
    text TEXT NOT NULL,
    label TEXT NOT NULL,
    probability REAL,  -- null where the pipeline gives none
    short INTEGER NOT NULL
);
CREATE INDEX mentions_name ON mentions(name_id, sentence_id);
CREATE INDEX mentions_sentence ON mentions(sentence_id);
CREATE INDEX mentions_document ON mentions(document_id);

CREATE VIRTUAL TABLE sentences_fts
    USING fts5(text, context, content="sentences", content_rowid="id", tokenize='{tokenizer}');
CREATE VIRTUAL TABLE forms_fts
    USING fts5(text, content="forms", content_rowid="id",
               tokenize='unicode61 remove_diacritics 2', prefix='2 3');
"""

_TRIGGERS = """
CREATE TRIGGER sentences_insert AFTER INSERT ON sentences BEGIN
    INSERT INTO sentences_fts(rowid, text, context) VALUES (new.id, new.text, new.context);
END;
CREATE TRIGGER sentences_delete AFTER DELETE ON sentences BEGIN
    INSERT INTO sentences_fts(sentences_fts, rowid, text, context)
    VALUES ('delete', old.id, old.text, old.context);
END;
CREATE TRIGGER forms_insert AFTER INSERT ON forms BEGIN
    INSERT INTO forms_fts(rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER forms_delete AFTER DELETE ON forms BEGIN
    INSERT INTO forms_fts(forms_fts, rowid, text) VALUES ('delete', old.id, old.text);
END;
CREATE TRIGGER mentions_insert AFTER INSERT ON mentions BEGIN
    INSERT INTO forms(name_id, text, short, mentions)
    VALUES (new.name_id, new.text, new.short, 1)
    ON CONFLICT (name_id, text, short) DO UPDATE SET mentions = mentions + 1;
END;
CREATE TRIGGER mentions_delete AFTER DELETE ON mentions BEGIN
    UPDATE forms SET mentions = mentions - 1
    WHERE name_id = old.name_id AND text = old.text AND short = old.short;
    DELETE FROM forms WHERE name_id = old.name_id AND mentions = 0;
END;
"""

_VIEWS = """
CREATE VIEW name_counts AS
    SELECT names.id AS name_id, names.text AS name, names.label, COUNT(*) AS mentions,
        COUNT(DISTINCT mentions.document_id) AS documents,
        AVG(mentions.probability) AS mean_probability
    FROM names JOIN mentions ON mentions.name_id = names.id
    GROUP BY names.id;

CREATE VIEW timeline AS
    SELECT names.id AS name_id, names.text AS name, names.label, mentions.text AS mention,
        mentions.probability, sentences.text AS sentence, documents.date,
        documents.id AS document_id, documents.name AS document, sources.path AS source,
        documents.position, mentions.id AS mention_id
    FROM mentions
    JOIN names ON names.id = mentions.name_id
    JOIN sentences ON sentences.id = mentions.sentence_id
    JOIN documents ON documents.id = mentions.document_id
    JOIN sources ON sources.id = documents.source_id;

CREATE VIEW cooccurrences AS
    SELECT a.name_id, b.name_id AS other_id, COUNT(DISTINCT a.sentence_id) AS sentences
    FROM mentions AS a JOIN mentions AS b
        ON a.sentence_id = b.sentence_id AND a.name_id != b.name_id
    GROUP BY a.name_id, b.name_id;
"""


def create(path: Path, settings: dict[str, str]) -> sqlite3.Connection:
    """Open a database for writing, and create its tables if it is new.

    path (Path): The file.
    settings (Dict[str, str]): Its settings: "lang" of the pipeline, and everything else that must
        not change between runs.
    RETURNS (sqlite3.Connection): The connection, without automatic transactions.
    RAISES (ValueError): If the file is not such a database, or was created with other settings.
    """
    connection = _connect(path, f"file:{_quoted(path)}?mode=rwc")
    try:
        # A new database has either everything or nothing, also if the process is killed here.
        connection.execute("BEGIN IMMEDIATE")
        if _is_empty(connection):
            tokenizer = _TOKENIZERS.get(settings["lang"], _TOKENIZER)
            for statement in _statements(_TABLES.format(tokenizer=tokenizer), _TRIGGERS, _VIEWS):
                connection.execute(statement)
            connection.executemany("INSERT INTO settings VALUES (?, ?)", sorted(settings.items()))
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
        _require_version(connection, path)
        _require_settings(connection, path, settings)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise unusable(path, error) from error
    except ValueError:
        connection.close()
        raise
    return connection


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open an existing database for reading.

    path (Path): The file.
    YIELDS (sqlite3.Connection): The connection, which is closed at the end.
    RAISES (ValueError): If the database does not exist.
    """
    if not path.is_file():
        raise ValueError(
            f"The database {path} does not exist. Create it with `python -m spacy window-ner "
            f"index`."
        )
    connection = _connect(path, f"file:{_quoted(path)}?mode=rw")
    try:
        connection.execute("PRAGMA query_only = ON")
        _require_version(connection, path)
        yield connection
    except sqlite3.DatabaseError as error:
        raise unusable(path, error) from error
    finally:
        connection.close()


def close(connection: sqlite3.Connection) -> None:
    """Close a database after writing. It then consists of a single file, which can be read from a
    read-only location, unless another process is reading it at the moment.
    """
    try:
        connection.execute("PRAGMA optimize")
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
    finally:
        connection.close()


def unusable(path: Path, error: sqlite3.DatabaseError) -> ValueError:
    """RETURNS (ValueError): The error for a database that is damaged or locked, or a full disk."""
    return ValueError(f"Cannot use the database {path}: {error}.")


def setting(connection: sqlite3.Connection, key: str) -> str:
    """RETURNS (str): A setting that the database was created with."""
    row = connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
    return str(row[0])


def _connect(path: Path, uri: str) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    except sqlite3.OperationalError as error:
        raise ValueError(f"Cannot open the database {path}: {error}.") from error
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _quoted(path: Path) -> str:
    """A path as a URI, with special characters escaped."""
    return path.resolve().as_uri().removeprefix("file:")


def _statements(*scripts: str) -> Iterator[str]:
    """The statements of scripts; `executescript` would end the transaction."""
    statement = ""
    for line in "".join(scripts).splitlines(keepends=True):
        statement += line
        if line.strip() and sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _is_empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0] == 0


def _require_version(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    if not {"settings", "documents", "mentions"} <= tables:
        raise ValueError(f"{path} is not a database of names. Choose another file.")
    if version != VERSION:
        raise ValueError(
            f"The database {path} has format version {version}, but this version of "
            f"spacy-window-ner needs version {VERSION}. Build it again with `python -m spacy "
            f"window-ner index`."
        )


def _require_settings(connection: sqlite3.Connection, path: Path, settings: dict[str, str]) -> None:
    own = dict(connection.execute("SELECT key, value FROM settings").fetchall())
    changed = [
        f"{key} was {own.get(key)!r} and is {value!r}"
        for key, value in sorted(settings.items())
        if own.get(key) != value
    ]
    if changed:
        raise ValueError(
            f"The database {path} was created with different settings: {'; '.join(changed)}. Use "
            f"the same settings, or choose a new file."
        )
