"""A project of `teach` on disk: its texts and all decisions of annotators.

It is a single SQLite database. A change is saved when the method that makes it returns, completely
or not at all, so that nothing is lost if the process is killed. Decisions are never deleted:
undoing one marks it as undone.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

# Written to `PRAGMA user_version`; changes whenever the tables do.
VERSION = 1
FILE = "teach.sqlite"
# Marks the decision on a text that was already annotated.
GIVEN = "given"
# The setting of patterns: a list of pairs of a label and a pattern of tokens.
PATTERNS = "patterns"
# The key of the settings that a project was created with: `base`, `lang` and `seed`.
MADE_WITH = "made with"

# Start and end by characters, end exclusive, and a label; None for "no entity here".
Marked = tuple[int, int, str | None]

_TABLES = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE texts (
    id INTEGER PRIMARY KEY,  -- from 1, in the order of the inputs
    source TEXT NOT NULL,
    position INTEGER NOT NULL,  -- the line of a file, or the number of a document, from 1
    start INTEGER NOT NULL,  -- where this piece of a long text begins, by characters
    digest INTEGER NOT NULL,
    text TEXT NOT NULL
);

CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    text_id INTEGER NOT NULL REFERENCES texts(id),
    annotator TEXT NOT NULL,
    answer TEXT NOT NULL,  -- accept or skip
    entities TEXT NOT NULL,  -- [[start, end, label or null], …]
    checked TEXT NOT NULL,  -- all, or given: what is outside of the entities is unknown
    how TEXT NOT NULL,  -- why the text was shown
    network INTEGER NOT NULL,  -- the number of the network that had read it
    at TEXT NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX decisions_text ON decisions(text_id, annotator) WHERE NOT undone;
CREATE INDEX decisions_annotator ON decisions(annotator, id) WHERE NOT undone;

CREATE TABLE handed (  -- the last text of an annotator is the one on the page
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    annotator TEXT NOT NULL,
    text_id INTEGER NOT NULL REFERENCES texts(id),
    how TEXT NOT NULL,
    entities TEXT NOT NULL,  -- what is fixed to begin with
    UNIQUE (annotator, text_id)
);
CREATE INDEX handed_text ON handed(text_id);

CREATE TABLE names (text TEXT PRIMARY KEY, label TEXT) WITHOUT ROWID;

CREATE TABLE left_alone (
    text_id INTEGER NOT NULL REFERENCES texts(id),
    annotated TEXT NOT NULL,
    instead TEXT NOT NULL,
    PRIMARY KEY (text_id, annotated, instead)
) WITHOUT ROWID;

CREATE TABLE estimates (
    id INTEGER PRIMARY KEY,
    decided INTEGER NOT NULL,
    value TEXT NOT NULL,
    at TEXT NOT NULL
);
"""
_CURRENT = "decisions WHERE NOT undone"


class ConflictError(Exception):
    """A request conflicts with another decision."""


class MissingError(Exception):
    """A text, name or decision does not exist."""


@dataclass(frozen=True)
class Decision:
    """The decision of an annotator on a text.

    text_id (int): The number of the text.
    text (str): The text.
    annotator (str): The annotator.
    answer (str): `accept` or `skip`.
    entities (List[Tuple[int, int, Optional[str]]]): Start, end and label; None for "no entity".
    checked (str): `all`, or `given` if everything outside of the entities is unknown.
    how (str): Why the text was chosen.
    """

    text_id: int
    text: str
    annotator: str
    answer: str
    entities: list[Marked]
    checked: str
    how: str

    @property
    def content(self) -> tuple[Any, ...]:
        """RETURNS (Tuple): The content of the decision, to compare it with another one."""
        return self.answer, self.entities, self.checked


@dataclass(frozen=True)
class Handed:
    """A text that is assigned to an annotator.

    text_id (int): The number of the text.
    how (str): Why it was chosen.
    entities (List[Tuple[int, int, Optional[str]]]): The spans that are fixed initially.
    """

    text_id: int
    how: str
    entities: list[Marked]


class Store:
    """The database of a project. It must be used by one thread at a time.

    path (Path): The file.
    readonly (bool): Whether to open it for reading only, while another process may write to it.
    RAISES (ValueError): If the file is damaged, is another kind or version of database, or does not
        exist and `readonly` is set.
    """

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        mode = "rw" if readonly else "rwc"
        uri = f"{path.resolve().as_uri()}?mode={mode}"
        with self._explained():
            self._db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        try:
            with self._explained():
                self._prepare(readonly)
        except ValueError:
            self._db.close()
            raise

    def _prepare(self, readonly: bool) -> None:
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.execute("PRAGMA busy_timeout = 10000")
        tables = {row[0] for row in self._db.execute("SELECT name FROM sqlite_master")}
        if tables and not {"texts", "decisions", "handed"} <= tables:
            raise ValueError(f"{self.path} is not a database of teach. Choose another directory.")
        [version] = self._db.execute("PRAGMA user_version").fetchone()
        if tables and version != VERSION:
            raise ValueError(
                f"The project {self.path} has format version {version}, but this version of "
                f"spacy-window-ner needs version {VERSION}. Use the version that created it, or "
                f"start a new project."
            )
        if readonly:
            self._db.execute("PRAGMA query_only = ON")
            return
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        if not tables:
            with self._writing():
                for statement in _TABLES.split(";\n"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {VERSION}")

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise ValueError(f"Cannot open the project {self.path}: {error}.") from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Make several changes, all or none."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _one(self, query: str, *values: Any) -> Any:
        row = self._db.execute(query, values).fetchone()
        return None if row is None else row[0]

    # Settings, labels and names

    def setting(self, key: str, default: Any = None) -> Any:
        """RETURNS (Any): A setting of the project."""
        found = self._one("SELECT value FROM settings WHERE key = ?", key)
        return default if found is None else json.loads(found)

    def change(self, key: str, value: Any) -> None:
        """Change a setting of the project."""
        self._db.execute("REPLACE INTO settings VALUES (?, ?)", (key, json.dumps(value)))

    @property
    def labels(self) -> list[str]:
        """RETURNS (List[str]): The labels, in the order in which they were added."""
        return self.setting("labels", [])

    def add_labels(self, labels: Iterable[str]) -> list[str]:
        """Add labels. RETURNS (List[str]): All of them."""
        found = list(dict.fromkeys([*self.labels, *labels]))
        self.change("labels", found)
        return found

    def names(self) -> dict[str, str | None]:
        """RETURNS (Dict[str, Optional[str]]): The label of each name; None for "no entity"."""
        return dict(self._db.execute("SELECT text, label FROM names").fetchall())

    def add_names(self, names: Iterable[tuple[str, str | None]]) -> None:
        """Add names with their labels. Existing names are replaced."""
        self._db.executemany("REPLACE INTO names VALUES (?, ?)", names)

    def remove_name(self, name: str) -> bool:
        """RETURNS (bool): Whether the name existed."""
        return self._db.execute("DELETE FROM names WHERE text = ?", (name,)).rowcount > 0

    # Texts

    def add_texts(self, texts: Iterable[tuple[str, int, int, int, str]]) -> None:
        """Add texts.

        texts (Iterable[Tuple[str, int, int, int, str]]): Rows of source, position, start, digest
            and text; see the table.
        """
        self._db.executemany(
            "INSERT INTO texts (source, position, start, digest, text) VALUES (?, ?, ?, ?, ?)",
            texts,
        )

    @contextmanager
    def adding(self) -> Iterator[None]:
        """Make all additions in this context, or none of them."""
        with self._explained(), self._writing():
            yield

    def digests(self) -> Iterator[tuple[int, int]]:
        """YIELDS (Tuple[int, int]): The digest of each text and its number."""
        yield from self._db.execute("SELECT digest, id FROM texts")

    @property
    def n_texts(self) -> int:
        """RETURNS (int): The number of texts, which is also the number of the last text."""
        return self._one("SELECT MAX(id) FROM texts") or 0

    def text(self, number: int) -> str:
        """RETURNS (str): A text.

        RAISES (MissingError): If there is no text with this number.
        """
        found = self._one("SELECT text FROM texts WHERE id = ?", number)
        if found is None:
            raise MissingError(f"Text {number} does not exist. The project has {self.n_texts:,}.")
        return str(found)

    def texts_of(self, numbers: Iterable[int]) -> dict[int, str]:
        """RETURNS (Dict[int, str]): Texts by their numbers, in the order of the numbers."""
        return {number: self.text(number) for number in numbers}

    def search(self, words: str, limit: int) -> list[tuple[int, str]]:
        """RETURNS (List[Tuple[int, str]]): The first texts that contain these words, ignoring case,
        with their numbers.
        """
        wanted = words.casefold()
        self._db.create_function("has", 1, lambda text: wanted in text.casefold())
        query = "SELECT id, text FROM texts WHERE has(text) ORDER BY id LIMIT ?"
        return self._db.execute(query, (limit,)).fetchall()

    # Assigned texts

    def hand(
        self, annotator: str, number: int, how: str, entities: Sequence[Marked] = ()
    ) -> Handed:
        """Assign a text to an annotator, before all texts that are assigned already.

        RETURNS (Handed): The text.
        """
        self._db.execute(
            "REPLACE INTO handed (annotator, text_id, how, entities) VALUES (?, ?, ?, ?)",
            (annotator, number, how, json.dumps(entities)),
        )
        return Handed(number, how, list(entities))

    def handed(self, annotator: str, number: int | None = None) -> Handed | None:
        """RETURNS (Optional[Handed]): The current text of an annotator, or the text with the given
        number if it is assigned to this annotator.
        """
        row = self._db.execute(
            "SELECT text_id, how, entities FROM handed "
            "WHERE annotator = ? AND (? IS NULL OR text_id = ?) ORDER BY id DESC LIMIT 1",
            (annotator, number, number),
        ).fetchone()
        return None if row is None else Handed(row[0], row[1], _entities(row[2]))

    def undecided(self, numbers: Sequence[int]) -> list[int]:
        """RETURNS (List[int]): The texts that are neither assigned nor decided, in order."""
        taken = (
            "SELECT EXISTS(SELECT 1 FROM decisions WHERE text_id = ?1 AND NOT undone) "
            "OR EXISTS(SELECT 1 FROM handed WHERE text_id = ?1)"
        )
        return [number for number in numbers if not self._one(taken, number)]

    def common(self, annotator: str) -> list[int]:
        """RETURNS (List[int]): The texts for all annotators that others have decided or have been
        assigned, but not this annotator, by their numbers.
        """
        rows = self._db.execute(
            "SELECT text_id FROM (SELECT text_id FROM decisions WHERE how = 'common' AND NOT undone"
            " UNION SELECT text_id FROM handed WHERE how = 'common')"
            " EXCEPT SELECT text_id FROM decisions WHERE annotator = ?1 AND NOT undone"
            " EXCEPT SELECT text_id FROM handed WHERE annotator = ?1",
            (annotator,),
        )
        return [row[0] for row in rows]

    # Decisions

    def decide(
        self,
        decision: Decision,
        network: int = 0,
        *,
        replace: bool = False,
    ) -> int:
        """Store a decision, and remove the text from the page. A repeated decision is stored once.
        A different one replaces it if the text was assigned to the annotator again, for example by
        `undo`.

        decision (Decision): The decision.
        network (int): The number of the network that predicted the text.
        replace (bool): Whether to replace another decision in any case.
        RETURNS (int): Its number.
        RAISES (ConflictError): If the annotator has made a different decision, or another annotator
            has decided on a text that is not for all annotators.
        """
        who = decision.annotator, decision.text_id
        with self._explained(), self._writing():
            handed = self.handed(*who)
            old = self.current(*who)
            self._db.execute("DELETE FROM handed WHERE annotator = ? AND text_id = ?", who)
            if old is not None and old[1].content == decision.content:
                return old[0]
            if old is not None and handed is None and not replace:
                raise ConflictError(
                    "You have decided on this text in another tab. Search for it to change that."
                )
            if handed is None and not replace and not self.undecided([decision.text_id]):
                raise ConflictError(
                    "Another annotator has this text or has decided on it. Reload the page."
                )
            if old is not None:
                self._db.execute("UPDATE decisions SET undone = 1 WHERE id = ?", (old[0],))
            return self._insert(decision, network)

    def add_given(self, decisions: Iterable[Decision]) -> None:
        """Store the annotation of texts that were annotated before, within `adding`."""
        for decision in decisions:
            self._insert(decision, 0)

    def _insert(self, decision: Decision, network: int) -> int:
        found = self._db.execute(
            "INSERT INTO decisions (text_id, annotator, answer, entities, checked, how, network, "
            "at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                decision.text_id,
                decision.annotator,
                decision.answer,
                json.dumps(decision.entities),
                decision.checked,
                decision.how,
                network,
                _now(),
            ),
        )
        return int(found.lastrowid or 0)

    def current(self, annotator: str, number: int) -> tuple[int, Decision] | None:
        """RETURNS (Optional[Tuple[int, Decision]]): The decision of an annotator on a text."""
        where = "decisions.annotator = ? AND text_id = ?"
        return next(self._decisions(where, annotator, number, order="DESC"), None)

    def undo(self, annotator: str) -> int | None:
        """Undo the last decision of an annotator, and assign its text again with its entities.

        RETURNS (Optional[int]): The number of the text; None if there is nothing to undo.
        """
        with self._explained(), self._writing():
            where = "decisions.annotator = ? AND how != ?"
            last = next(self._decisions(where, annotator, GIVEN, order="DESC"), None)
            if last is None:
                return None
            number, decision = last
            self._db.execute("UPDATE decisions SET undone = 1 WHERE id = ?", (number,))
            self.hand(annotator, decision.text_id, decision.how, decision.entities)
            return decision.text_id

    def withdraw(self, annotator: str, but: int = 0) -> bool:
        """Undo all decisions of an annotator permanently.

        annotator (str): The annotator.
        but (int): The number of a text whose decision is kept.
        RETURNS (bool): Whether there were any.
        """
        query = (
            "UPDATE decisions SET undone = 1 WHERE NOT undone AND annotator = ? AND text_id != ?"
        )
        with self._explained():
            return self._db.execute(query, (annotator, but)).rowcount > 0

    def annotators(self) -> list[str]:
        """RETURNS (List[str]): All annotators with decisions."""
        return [row[0] for row in self._db.execute(f"SELECT DISTINCT annotator FROM {_CURRENT}")]

    def decisions(self) -> list[Decision]:
        """RETURNS (List[Decision]): The newest accepted decision on each text, in the order of the
        decisions.
        """
        found: dict[int, Decision] = {}
        for _, decision in self._decisions("answer = 'accept'"):
            found.pop(decision.text_id, None)
            found[decision.text_id] = decision
        return list(found.values())

    def accepted_by_several(self) -> list[Decision]:
        """RETURNS (List[Decision]): The accepted decisions on texts with several annotators."""
        several = (
            f"SELECT text_id FROM {_CURRENT} AND how != ? GROUP BY text_id HAVING COUNT(*) > 1"
        )
        where = f"answer = 'accept' AND how != ? AND text_id IN ({several})"
        return [decision for _, decision in self._decisions(where, GIVEN, GIVEN)]

    def accepted(self, number: int) -> Decision | None:
        """RETURNS (Optional[Decision]): The newest accepted decision on a text."""
        found = self._decisions("answer = 'accept' AND text_id = ?", number, order="DESC")
        return next((decision for _, decision in found), None)

    def _decisions(
        self, where: str, *values: Any, order: str = "ASC"
    ) -> Iterator[tuple[int, Decision]]:
        rows = self._db.execute(
            "SELECT decisions.id, text_id, text, annotator, answer, entities, checked, how "
            "FROM decisions JOIN texts ON texts.id = text_id "
            f"WHERE NOT undone AND {where} ORDER BY decisions.id {order}",
            values,
        )
        for number, text_id, text, annotator, answer, entities, checked, how in rows:
            yield (
                number,
                Decision(text_id, text, annotator, answer, _entities(entities), checked, how),
            )

    def decided_ids(self) -> list[int]:
        """RETURNS (List[int]): The numbers of all decided texts, including skipped ones."""
        return [row[0] for row in self._db.execute(f"SELECT DISTINCT text_id FROM {_CURRENT}")]

    def counts(self, annotator: str) -> dict[str, Any]:
        """RETURNS (Dict[str, Any]): The numbers of `decided` and `skipped` texts, of decided texts
        that were chosen at `random`, of texts `left` for an annotator, and of the decisions of each
        of the `annotators`.
        """
        row = self._db.execute(
            "SELECT COUNT(DISTINCT CASE WHEN answer = 'accept' THEN text_id END), "
            "COUNT(DISTINCT CASE WHEN answer = 'skip' THEN text_id END), "
            "COUNT(DISTINCT CASE WHEN answer = 'accept' AND how IN ('random', 'common') "
            "THEN text_id END), "
            f"COUNT(DISTINCT text_id) FROM {_CURRENT}"
        ).fetchone()
        people = self._db.execute(
            f"SELECT annotator, COUNT(*) FROM {_CURRENT} AND how != ? GROUP BY annotator", (GIVEN,)
        )
        others = self._one(
            "SELECT COUNT(DISTINCT text_id) FROM handed WHERE annotator != ?1 AND text_id NOT IN "
            f"(SELECT text_id FROM {_CURRENT})",
            annotator,
        )
        again = self._one(
            "SELECT COUNT(*) FROM handed WHERE annotator = ?1 AND text_id IN "
            f"(SELECT text_id FROM {_CURRENT} AND annotator != ?1)",
            annotator,
        )
        left = self.n_texts - row[3] - others + again + len(self.common(annotator))
        return {
            "decided": row[0],
            "skipped": row[1],
            "random": row[2],
            "left": left,
            "annotators": [{"name": name, "decided": n} for name, n in people],
        }

    # Results of the learner

    def add_estimate(self, value: dict[str, Any], decided: int) -> None:
        """Store an estimate of the scores of the network."""
        self._db.execute(
            "INSERT INTO estimates (decided, value, at) VALUES (?, ?, ?)",
            (decided, json.dumps(value), _now()),
        )

    def estimates(self) -> list[dict[str, Any]]:
        """RETURNS (List[Dict[str, Any]]): The estimates, the oldest first, each with the number of
        `decided` texts at the time.
        """
        rows = self._db.execute("SELECT decided, value FROM estimates ORDER BY id")
        return [{**json.loads(value), "decided": decided} for decided, value in rows]

    def leave_alone(self, number: int, annotated: Any, instead: Any) -> None:
        """Store that a doubt was dismissed."""
        row = number, json.dumps(annotated), json.dumps(instead)
        self._db.execute("REPLACE INTO left_alone VALUES (?, ?, ?)", row)

    def left_alone(self) -> set[tuple[int, str, str]]:
        """RETURNS (Set[Tuple[int, str, str]]): The dismissed doubts, as JSON."""
        return set(self._db.execute("SELECT text_id, annotated, instead FROM left_alone"))


def overlap(one: Marked, others: Iterable[Marked]) -> bool:
    """RETURNS (bool): Whether a span overlaps one of the others."""
    return any(one[0] < end and start < one[1] for start, end, _ in others)


def _entities(value: str) -> list[Marked]:
    return [(start, end, label) for start, end, label in json.loads(value)]


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
