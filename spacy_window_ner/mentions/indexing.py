"""Documents → database: sentences, mentions and names, batch by batch."""

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
    """What a run has done.

    added (int): Documents that were added, those with errors included.
    unchanged (int): Documents that were in the database already.
    removed (int): Documents that are no longer in their file, or have changed.
    errors (List[Tuple[Path, int, str]]): File, position and error of each that was not read.
    """

    added: int = 0
    unchanged: int = 0
    removed: int = 0
    errors: list[tuple[Path, int, str]] = field(default_factory=list)

    def note(self, file: Path, change: Change) -> None:
        """Add what a batch of a file has changed."""
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

    Each batch is one transaction, so a run that is stopped leaves whole batches, and the next one
    goes on there. Documents that are in the database already are not read again, those that have
    changed are replaced, and those that are no longer in their file are removed.

    nlp (Language): The pipeline, which writes `doc.ents`.
    inputs (Iterable[Union[str, Path]]): Files, folders and globs; see `texts.find_files`.
    path (Path): The database, which is made if it does not exist.
    fields (Optional[Fields]): The names of fields in JSON lines.
    people (Sequence[str]): The labels of people, whose titles and short names are recognized.
    batch_size (int): The number of documents of a batch.
    done (Callable): Is called with the number of documents of each batch that is finished.
    RETURNS (IndexingProgress): What was done.
    RAISES (ValueError): If an input or the database cannot be used, or if the database was made
        with another pipeline or other labels of people.
    """
    if batch_size < 1:
        raise ValueError(f"The batch size is {batch_size}, but must be 1 or more.")
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
