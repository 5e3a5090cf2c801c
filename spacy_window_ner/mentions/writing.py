"""Writes a batch of documents to the database."""

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from spacy.attrs import ENT_IOB, SENT_START
from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc

from ..extensions import scores_of
from ..isolation import annotate_each, forget
from .grouping import Grouped, Mention, group
from .question_words import PLACES
from .reading import Record

# The value of ENT_IOB of a token inside of an entity, but not at its beginning.
_INSIDE = 1
# The weight of a mention in capital letters when the text of a name is chosen.
_CAPITALS = 0.2
# Places with fewer letters may be abbreviations, and stay in capital letters.
_MIN_WRITTEN = 5
_WORD = re.compile(r"[^\W\d_]+(?:['’]S\b)?")
# The number of characters before and after a mention that are used to identify a person.
_AROUND = 60


@dataclass
class Change:
    """The changes of a batch.

    added (int): The number of added documents, including those with errors.
    unchanged (int): The number of documents that were already in the database.
    removed (int): The number of documents that have changed or no longer exist.
    errors (List[Tuple[int, str]]): Position and error of documents that were not read.
    """

    added: int = 0
    unchanged: int = 0
    removed: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)


class IndexWriter:
    """Writes documents to a database, inside of a transaction.

    connection (sqlite3.Connection): The database.
    nlp (Language): The pipeline.
    people (FrozenSet[str]): The labels of people.
    """

    def __init__(
        self, connection: sqlite3.Connection, nlp: Language, people: frozenset[str]
    ) -> None:
        self.connection = connection
        self.nlp = nlp
        self.people = people
        self._sentencizer = Sentencizer()
        connection.create_function("as_written", 2, self._as_written, deterministic=True)

    def source(self, path: str) -> int:
        """RETURNS (int): The ID of a file, which is added if it is new."""
        self.connection.execute("INSERT OR IGNORE INTO sources(path) VALUES (?)", (path,))
        found = self.connection.execute("SELECT id FROM sources WHERE path = ?", (path,))
        return int(found.fetchone()[0])

    def add(self, source_id: int, first: int, batch: Sequence[Record]) -> Change:
        """Add the new and changed documents of a batch.

        source_id (int): The ID of the file.
        first (int): The position after the previous batch. Documents from there to the end of the
            batch that are not in the batch are removed.
        batch (Sequence[Record]): Documents, by position.
        RETURNS (Change): The changes.
        """
        stored = self.connection.execute(
            "SELECT position, digest, id FROM documents "
            "WHERE source_id = ? AND position BETWEEN ? AND ?",
            (source_id, first, batch[-1].position),
        ).fetchall()
        there = {(row["position"], row["digest"]): row["id"] for row in stored}
        wanted = {(record.position, record.digest): record for record in batch}
        gone = [document_id for key, document_id in there.items() if key not in wanted]
        new = {key: record for key, record in wanted.items() if key not in there}
        self._remove(gone)
        change = Change(len(new), len(batch) - len(new), len(gone))
        name_ids: dict[tuple[str, str], int] = {}
        # A resumed run must write the same data.
        forget(self.nlp)
        with self.nlp.memory_zone():
            found = _annotate(self.nlp, list(new.values()))
            for ((_, digest), record), doc in zip(new.items(), found, strict=True):
                error = doc if isinstance(doc, str) else None
                document_id = self._document(source_id, record, digest, error)
                if isinstance(doc, Doc):
                    self._contents(document_id, doc, name_ids)
                else:
                    change.errors.append((record.position, doc))
            # Objects of a memory zone must not be used after it.
            del found[:]
            doc = ""
        self._choose_forms(name_ids.values())
        return change

    def remove_from(self, source_id: int, first: int) -> int:
        """Remove the documents of a file from a position on.

        source_id (int): The ID of the file.
        first (int): The position.
        RETURNS (int): The number of removed documents.
        """
        rows = self.connection.execute(
            "SELECT id FROM documents WHERE source_id = ? AND position >= ?", (source_id, first)
        ).fetchall()
        self._remove([row["id"] for row in rows])
        return len(rows)

    def _remove(self, document_ids: Iterable[int]) -> None:
        ids = [(document_id,) for document_id in document_ids]
        if not ids:
            return
        names = set()
        for one in ids:
            query = "SELECT DISTINCT name_id FROM mentions WHERE document_id = ?"
            names |= {row[0] for row in self.connection.execute(query, one)}
        self.connection.executemany("DELETE FROM documents WHERE id = ?", ids)
        self.connection.executemany(
            "DELETE FROM names WHERE id = ? AND id NOT IN (SELECT name_id FROM forms)",
            [(name_id,) for name_id in names],
        )
        self._choose_forms(names)

    def _document(self, source_id: int, record: Record, digest: str, error: str | None) -> int:
        row = (source_id, record.position, record.name, record.date, digest, error)
        cursor = self.connection.execute(
            "INSERT INTO documents(source_id, position, name, date, digest, error) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            row,
        )
        return int(cursor.lastrowid or 0)

    def _contents(self, document_id: int, doc: Doc, name_ids: dict[tuple[str, str], int]) -> None:
        """Write the sentences and mentions of a document."""
        text, spans = doc.text, _spans(doc)
        mentions = [
            Mention(
                text[start:end],
                label,
                text[max(0, start - _AROUND) : start],
                text[end : end + _AROUND],
            )
            for start, end, label, _ in spans
        ]
        names = group(mentions, self.people, cased=_is_cased(doc))
        bounds = _sentences(doc, self._sentencizer)
        starts = [start for start, _ in bounds]
        places = [int(np.searchsorted(starts, start, side="right")) - 1 for start, *_ in spans]
        contexts = _contexts(len(bounds), places, mentions, names)
        sentence_ids = [
            self._insert("sentences", document_id, start, end, text[start:end], context)
            for (start, end), context in zip(bounds, contexts, strict=True)
        ]
        found = zip(spans, mentions, names, places, strict=True)
        for (start, end, _, score), mention, name, place in found:
            self._insert(
                "mentions",
                document_id,
                sentence_ids[place],
                self._name(name, mention, name_ids),
                start,
                end,
                mention.text,
                mention.label,
                score,
                int(name.short),
            )

    def _insert(self, table: str, *values: object) -> int:
        marks = ", ".join("?" * len(values))
        cursor = self.connection.execute(f"INSERT INTO {table} VALUES (NULL, {marks})", values)
        return int(cursor.lastrowid or 0)

    def _name(self, name: Grouped, mention: Mention, ids: dict[tuple[str, str], int]) -> int:
        key = (name.key, mention.label)
        if key not in ids:
            query = "SELECT id FROM names WHERE key = ? AND label = ?"
            row = self.connection.execute(query, key).fetchone()
            ids[key] = row[0] if row else self._insert("names", mention.text, *reversed(key))
        return ids[key]

    def _as_written(self, text: str, label: str) -> str:
        """RETURNS (str): The name of a person or place in mixed case, if it occurs in capital
        letters only. Names of organizations and short names stay as they are: they may be
        abbreviations.
        """
        is_written = label in self.people or label.upper() in PLACES
        if not (is_written and text.isupper() and sum(map(str.isalpha, text)) >= _MIN_WRITTEN):
            return text
        return _WORD.sub(lambda word: word[0].capitalize(), text)

    def _choose_forms(self, name_ids: Iterable[int]) -> None:
        """Set the text of names to their most frequent full form. Headlines and datelines write
        every name in capital letters, so that such a mention counts less.
        """
        self.connection.executemany(
            "UPDATE names SET text = as_written((SELECT text FROM forms WHERE name_id = names.id "
            "ORDER BY short, "
            "mentions * CASE WHEN text = UPPER(text) AND LENGTH(text) > 3 THEN ? ELSE 1 END DESC, "
            "text LIMIT 1), label) WHERE id = ?",
            [(_CAPITALS, name_id) for name_id in name_ids],
        )


def _annotate(nlp: Language, records: Sequence[Record]) -> list[Doc | str]:
    """The document of each record, or the error."""
    found: list[Doc | str] = [record.error or "" for record in records]
    contents = [(one.content, i) for i, one in enumerate(records) if one.error is None]
    for i, error in annotate_each(nlp, contents, found.__setitem__).items():
        found[i] = error
    return found


def _is_cased(doc: Doc) -> bool:
    """Whether a document has words with capital letters, other than the pronoun I, and words
    without.
    """
    words = doc.text.split()
    has_capitals = any(word[0].isupper() and len(word) > 1 for word in words)
    return has_capitals and any(word.islower() for word in words)


def _spans(doc: Doc) -> list[tuple[int, int, str, float | None]]:
    """Start, end, label and probability of the entities of a document, without surrounding
    whitespace. Entities of whitespace only, which rules can produce, are left out.
    """
    found = []
    for ent, score in zip(doc.ents, scores_of(doc), strict=True):
        text = ent.text
        if text.strip():
            start = ent.start_char + len(text) - len(text.lstrip())
            found.append((start, start + len(text.strip()), ent.label_, score))
    return found


def _sentences(doc: Doc, sentencizer: Sentencizer) -> list[tuple[int, int]]:
    """The character offsets of the sentences of a document, without surrounding whitespace. No
    sentence starts inside an entity, and sentences of whitespace only are left out.
    """
    if len(doc) == 0:
        return []
    inside = doc.to_array(ENT_IOB) == _INSIDE
    if not doc.has_annotation("SENT_START"):
        sentencizer.set_annotations([doc], sentencizer.predict([doc]))
    is_start = (doc.to_array(SENT_START) == 1) & ~inside
    is_start[0] = True
    starts = [doc[int(i)].idx for i in np.flatnonzero(is_start)]
    found = []
    for start, end in zip(starts, [*starts[1:], len(doc.text)], strict=True):
        text = doc.text[start:end]
        if text.strip():
            found.append((start + len(text) - len(text.lstrip()), start + len(text.rstrip())))
    return found


def _contexts(
    n_sentences: int, places: list[int], mentions: list[Mention], names: list[Grouped]
) -> list[str]:
    """The names that each sentence probably refers to without mentioning them in full, so that a
    search finds it: the full forms of its short names, the names of the previous sentence, and the
    most frequent name of the document.
    """
    full: dict[tuple[str, str], str] = {}
    counts: Counter[tuple[str, str]] = Counter()
    by_sentence: dict[int, list[int]] = defaultdict(list)
    keys = [(name.key, mention.label) for name, mention in zip(names, mentions, strict=True)]
    for i, place in enumerate(places):
        counts[keys[i]] += 1
        by_sentence[place].append(i)
        if not names[i].short:
            full.setdefault(keys[i], mentions[i].text)
    topic = [key for key, _ in counts.most_common(1)]
    contexts = []
    for place in range(n_sentences):
        own = {keys[i] for i in by_sentence[place] if not names[i].short}
        short = [keys[i] for i in by_sentence[place] if names[i].short]
        before = [keys[i] for i in by_sentence[place - 1]] if place else []
        wanted = dict.fromkeys([*short, *before, *topic])
        contexts.append("\n".join(full[key] for key in wanted if key not in own))
    return contexts
