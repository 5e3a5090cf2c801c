"""Adds the sentences, mentions and names of documents to a database, batch by batch."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import srsly
from spacy.language import Language
from spacy.util import minibatch

from ..files.fingerprint import fingerprint
from ..files.texts import find_files
from . import database
from .reading import Fields, read_records
from .writing import Change, IndexWriter

PEOPLE = ("PER", "PERSON")
BATCH_SIZE = 256


@dataclass
class IndexingProgress:
    """A summary of a run.

    added (int): The number of added documents, including those with errors.
    unchanged (int): The number of documents that were already in the database.
    removed (int): The number of documents that have changed or are no longer in their file.
    errors (List[Tuple[Path, int, str]]): File, position and error of documents that were not read.
    """

    added: int = 0
    unchanged: int = 0
    removed: int = 0
    errors: list[tuple[Path, int, str]] = field(default_factory=list)

    def note(self, file: Path, change: Change) -> None:
        """Add the changes of a batch of a file."""
        self.added += change.added
        self.unchanged += change.unchanged
        self.removed += change.removed
        self.errors += [(file, position, error) for position, error in change.errors]


def index(
    nlp: Language,
    inputs: Iterable[str | Path],
    path: Path,
    *,
    fields: Fields | None = None,
    people: Sequence[str] = PEOPLE,
    batch_size: int = BATCH_SIZE,
    done: Callable[[int], object] = lambda n: None,
) -> IndexingProgress:
    """Add the names of documents to a database.

    Each batch is a transaction, so an interrupted run leaves complete batches, and the next run
    continues from there. Documents that are already in the database are skipped, changed documents
    are replaced, and documents that are no longer in their file are removed.

    nlp (Language): A pipeline that sets `doc.ents`.
    inputs (Iterable[Union[str, Path]]): Files, folders and globs; see `texts.find_files`.
    path (Path): The database, which is created if it does not exist.
    fields (Optional[Fields]): The names of fields in JSON lines.
    people (Sequence[str]): The labels of people, for which titles and short names are merged.
    batch_size (int): The number of documents per batch.
    done (Callable): Called with the number of documents of each finished batch.
    RETURNS (IndexingProgress): A summary.
    RAISES (ValueError): If an input or the database is invalid, or if the database was created with
        a different pipeline or different labels of people.
    """
    if batch_size < 1:
        raise ValueError(f"The batch size must be at least 1, got {batch_size}.")
    files = find_files(inputs)
    progress = IndexingProgress()
    settings = {
        "lang": nlp.lang,
        "people": srsly.json_dumps(sorted(people)),
        "pipeline": fingerprint(nlp),
    }
    connection = database.create(path, settings)
    try:
        writer = IndexWriter(connection, nlp, frozenset(people))
        for file in files:
            _index_file(connection, writer, file, fields or Fields(), batch_size, progress, done)
    except sqlite3.DatabaseError as error:
        raise database.unusable(path, error) from error
    finally:
        database.close(connection)
    return progress


def _index_file(
    connection: sqlite3.Connection,
    writer: IndexWriter,
    file: Path,
    fields: Fields,
    batch_size: int,
    progress: IndexingProgress,
    done: Callable[[int], object],
) -> None:
    with _transaction(connection):
        source_id = writer.source(str(file))
    first = 1
    for batch in minibatch(read_records(file, fields, writer.nlp.vocab), batch_size):
        with _transaction(connection):
            change = writer.add(source_id, first, batch)
        progress.note(file, change)
        first = batch[-1].position + 1
        done(len(batch))
    with _transaction(connection):
        progress.removed += writer.remove_from(source_id, first)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
