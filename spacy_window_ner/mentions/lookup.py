"""Find names in the database, and what is known of one."""

import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from .association import log_likelihood, pmi
from .grouping import CASE_MARKS, case_mark, name_key

SORTS = ("count", "log-likelihood", "pmi")


@dataclass(frozen=True)
class FoundName:
    """A name that was found.

    id (int): Its number.
    name (str): Its most frequent full form.
    label (str): Its label.
    mentions (int): How often it is mentioned.
    forms (Tuple[str]): Its forms, the most frequent first.
    """

    id: int
    name: str
    label: str
    mentions: int
    forms: tuple[str, ...]


@dataclass(frozen=True)
class Label:
    """How often a name has a label.

    label (str): The label.
    mentions (int): The number of mentions.
    share (float): Their share of all mentions.
    probability (Optional[float]): Their mean probability; None where the pipeline gives none.
    """

    label: str
    mentions: int
    share: float
    probability: float | None


@dataclass(frozen=True)
class Companion:
    """A name in the same sentences as another one.

    id (int): Its number.
    name (str): The name.
    label (str): Its label.
    sentences (int): The number of sentences with both.
    log_likelihood (float): The log-likelihood ratio; see `association`.
    pmi (float): The pointwise mutual information in bits.
    """

    id: int
    name: str
    label: str
    sentences: int
    log_likelihood: float
    pmi: float


@dataclass(frozen=True)
class Shown:
    """What is known of a name.

    name (str): The name.
    labels (List[Label]): Its labels, the most frequent first.
    forms (List[Tuple[str, int]]): Its forms with their counts.
    timeline (List[sqlite3.Row]): Mentions with their sentences, as in the view `timeline`, by date
        where there is one, then in the order of the documents.
    companions (List[Companion]): The names that occur with it.
    """

    name: str
    labels: list[Label]
    forms: list[tuple[str, int]]
    timeline: list[sqlite3.Row]
    companions: list[Companion]


def find(connection: sqlite3.Connection, query: str, limit: int = 20) -> list[FoundName]:
    """Find names by words, or by how their words begin.

    connection (sqlite3.Connection): The database.
    query (str): The words. A name is found if one of its forms has all of them.
    limit (int): The largest number of names.
    RETURNS (List[FoundName]): The names, the most frequent first.
    RAISES (ValueError): If there is no word in the query.
    """
    words = re.findall(r"\w+", query)
    if not words:
        raise ValueError(f"There is no word in {query!r}. Give a name, or how it begins.")
    rows = connection.execute(
        "SELECT names.id, names.text, names.label, "
        "(SELECT SUM(mentions) FROM forms WHERE name_id = names.id) AS mentions FROM names "
        "WHERE id IN (SELECT forms.name_id FROM forms_fts JOIN forms ON forms.id = forms_fts.rowid "
        "WHERE forms_fts MATCH ?) ORDER BY mentions DESC, names.text, names.label LIMIT ?",
        (" ".join(f'"{word}"*' for word in words), limit),
    ).fetchall()
    return [
        FoundName(one, text, label, n, tuple(form for form, _ in _forms(connection, [one])))
        for one, text, label, n in rows
    ]


def show(
    connection: sqlite3.Connection,
    name: str,
    *,
    label: str | None = None,
    sort: str = "log-likelihood",
    limit: int = 20,
) -> Shown:
    """Collect what is known of a name.

    connection (sqlite3.Connection): The database.
    name (str): A full form of the name, or a short one that only one name has.
    label (Optional[str]): Its label; all labels that the name has if None.
    sort (str): What companions are sorted by, one of `SORTS`.
    limit (int): The largest number of mentions, and of companions.
    RETURNS (Shown): What is known.
    RAISES (ValueError): If there is no such name, or several have this short form.
    """
    if sort not in SORTS:
        raise ValueError(f"{sort!r} is not one of {', '.join(SORTS)}.")
    ids = _ids(connection, name, label)
    marks = ", ".join("?" * len(ids))
    labels = connection.execute(
        f"SELECT label, COUNT(*) AS n, AVG(probability) FROM mentions WHERE name_id IN ({marks}) "
        "GROUP BY label ORDER BY n DESC, label",
        ids,
    ).fetchall()
    total = sum(n for _, n, _ in labels)
    timeline = connection.execute(
        f"SELECT * FROM timeline WHERE name_id IN ({marks}) "
        "ORDER BY date IS NULL, date, document_id, mention_id LIMIT ?",
        (*ids, limit),
    ).fetchall()
    title = connection.execute("SELECT text FROM names WHERE id = ?", (ids[0],)).fetchone()[0]
    return Shown(
        title,
        [Label(one, n, n / total, probability) for one, n, probability in labels],
        _forms(connection, ids),
        timeline,
        companions(connection, ids, sort)[:limit],
    )


def companions(
    connection: sqlite3.Connection, ids: Sequence[int], sort: str = "log-likelihood"
) -> list[Companion]:
    """Find the names in the same sentences.

    connection (sqlite3.Connection): The database.
    ids (Sequence[int]): The numbers of the name, one for each of its labels.
    sort (str): What to sort by, one of `SORTS`, the highest first.
    RETURNS (List[Companion]): The names.
    """
    marks = ", ".join("?" * len(ids))
    own = f"SELECT DISTINCT sentence_id FROM mentions WHERE name_id IN ({marks})"
    one = connection.execute(f"SELECT COUNT(*) FROM ({own})", ids).fetchone()[0]
    total = connection.execute("SELECT COUNT(*) FROM sentences").fetchone()[0]
    rows = connection.execute(
        f"WITH own AS ({own}), together AS ("
        "SELECT name_id, COUNT(DISTINCT sentence_id) AS both FROM mentions "
        f"WHERE sentence_id IN own AND name_id NOT IN ({marks}) GROUP BY name_id) "
        "SELECT names.id, names.text, names.label, both, (SELECT COUNT(DISTINCT sentence_id) "
        "FROM mentions WHERE mentions.name_id = names.id) AS other "
        "FROM together JOIN names ON names.id = together.name_id",
        (*ids, *ids),
    ).fetchall()
    found = [
        Companion(
            other_id,
            name,
            label,
            both,
            log_likelihood(both, one, other, total),
            pmi(both, one, other, total),
        )
        for other_id, name, label, both, other in rows
    ]
    values = {
        "count": lambda c: c.sentences,
        "log-likelihood": lambda c: c.log_likelihood,
        "pmi": lambda c: c.pmi,
    }
    return sorted(found, key=lambda c: (-values[sort](c), -c.sentences, c.name, c.label))


def _ids(connection: sqlite3.Connection, name: str, label: str | None) -> list[int]:
    """The numbers of a name, the most frequent label first."""
    plain = [name_key(name), name_key(name, person=True)]
    only = "" if label is None else "AND names.label = ?"
    order = "GROUP BY names.id ORDER BY SUM(forms.mentions) DESC, names.label, names.text"
    given = () if label is None else (label,)
    by_key = "names.key IN (SELECT value FROM json_each(?))"
    by_form = "names.id IN (SELECT name_id FROM forms WHERE text = ? COLLATE NOCASE)"
    # TIM is another name than Tim, but if there is no TIM, then Tim may be meant.
    attempts = (
        (by_key, json.dumps([key + case_mark(name) for key in plain])),
        (by_key, json.dumps(plain)),
        (by_key, json.dumps([key + mark for key in plain for mark in CASE_MARKS])),
        (by_form, name),
    )
    for condition, value in attempts:
        rows = connection.execute(
            "SELECT names.id, names.text, names.key FROM names "
            f"JOIN forms ON forms.name_id = names.id WHERE {condition} {only} {order}",
            (value, *given),
        ).fetchall()
        if condition == by_form and len({row["key"] for row in rows}) > 1:
            different = ", ".join(dict.fromkeys(row["text"] for row in rows))
            raise ValueError(f"{name!r} is short for {different}. Give one of these.")
        if rows:
            return [row["id"] for row in rows]
    similar = find(connection, name, 5) if re.search(r"\w", name) else []
    hint = f" There are: {', '.join(one.name for one in similar)}." if similar else ""
    with_label = f" with the label {label}" if label else ""
    raise ValueError(f"There is no name {name!r}{with_label} in the database.{hint}")


def _forms(connection: sqlite3.Connection, ids: Sequence[int]) -> list[tuple[str, int]]:
    marks = ", ".join("?" * len(ids))
    rows = connection.execute(
        f"SELECT text, SUM(mentions) AS n FROM forms WHERE name_id IN ({marks}) "
        "GROUP BY text ORDER BY n DESC, text",
        list(ids),
    )
    return [(row[0], row[1]) for row in rows]
