"""Questions whose answer is a name: the words of the question → labels, and names in sentences."""

import re
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, sqrt

from spacy.util import get_lang_class

from .database import setting
from .grouping import name_key

_PEOPLE = ("PER", "PERSON")
_PLACES = ("LOC", "GPE", "FAC", "LOCATION")
_ORGANIZATIONS = ("ORG", "ORGANIZATION", "CORPORATION", "GROUP")
_DATES = ("DATE", "TIME")

# The first of these words that is in a question decides on the labels of its answer.
LABELS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(["who", "whom", "whose", "person", "man", "woman", "player"], _PEOPLE),
    **dict.fromkeys(["author", "singer", "politician", "scientist", "actor", "artist"], _PEOPLE),
    **dict.fromkeys(["where", "place", "city", "town", "country", "state", "village"], _PLACES),
    **dict.fromkeys(["region", "river", "island", "county"], _PLACES),
    **dict.fromkeys(["when", "date", "year", "month", "day"], _DATES),
    **dict.fromkeys(["organization", "organisation", "company", "university"], _ORGANIZATIONS),
    **dict.fromkeys(["school", "band", "team", "club", "party", "agency"], _ORGANIZATIONS),
    **dict.fromkeys(["bank", "publisher", "newspaper", "institution"], _ORGANIZATIONS),
}
# Sentences that full-text search ranks lower are not looked at.
SENTENCES = 50
# What a word is worth that is found in the context of a sentence, and not in its text.
CONTEXT_WEIGHT = 0.5
# What a name is worth that is not in the sentence, but in the one before, as in "He was born in".
BEFORE_WEIGHT = 0.5
# The distance in characters at which a name is worth 1/e less than one beside the words asked for.
REACH = 200.0


@dataclass(frozen=True)
class Evidence:
    """A sentence that an answer is found in.

    sentence (str): The sentence.
    mention (str): The answer as it stands there.
    probability (Optional[float]): The probability of the mention; None where the pipeline gives
        none, which counts as 1.
    relevance (float): How well the sentence fits the question, compared with the best one, from 0
        to 1.
    source (str): The file.
    position (int): The place of the document in the file.
    document_id (int): The number of the document.
    """

    sentence: str
    mention: str
    probability: float | None
    relevance: float
    source: str
    position: int
    document_id: int

    @property
    def weight(self) -> float:
        """Relevance times probability."""
        return self.relevance * (1.0 if self.probability is None else self.probability)


@dataclass(frozen=True)
class NameAnswer:
    """A name that may be the answer.

    name (str): The name.
    label (str): Its label.
    score (float): The weight of its best sentence, times the square root of the number of documents
        that agree; each document counts as much as its best sentence compared with the best of all.
    evidence (List[Evidence]): The sentences, the best first.
    """

    name: str
    label: str
    score: float
    evidence: list[Evidence]


def answer_labels(
    question: str, known: Sequence[str], words: Mapping[str, Sequence[str]] | None = None
) -> list[str]:
    """Find the labels that the answer of a question may have.

    question (str): The question.
    known (Sequence[str]): The labels that there are.
    words (Optional[Mapping[str, Sequence[str]]]): Words of questions with their labels, besides
        `LABELS` and in their place.
    RETURNS (List[str]): Those of the known labels that the first word stands for; case is ignored.
    RAISES (ValueError): If there is no such word, or none of its labels is known.
    """
    mapping = {**LABELS, **{word.casefold(): tuple(of) for word, of in (words or {}).items()}}
    for word in re.findall(r"\w+", question.casefold()):
        singular = next((one for one in (word, word[:-1], f"{word[:-3]}y") if one in mapping), None)
        if singular is not None and (singular == word or word.endswith("s")):
            wanted = {label.casefold() for label in mapping[singular]}
            labels = [label for label in known if label.casefold() in wanted]
            if labels:
                return labels
            raise ValueError(
                f"{word!r} asks for {' or '.join(mapping[singular])}, but the labels of the "
                f"database are {', '.join(known) or 'none'}. Give the label of the answer."
            )
    raise ValueError(
        f"It is not clear what kind of name {question!r} asks for. Begin with who, where, when or "
        f"which organization, or give the label of the answer: {', '.join(known) or 'none'}."
    )


def ask(
    connection: sqlite3.Connection,
    question: str,
    *,
    labels: Sequence[str] | None = None,
    words: Mapping[str, Sequence[str]] | None = None,
    limit: int = 5,
) -> list[NameAnswer]:
    """Answer a question by names.

    connection (sqlite3.Connection): The database.
    question (str): The question.
    labels (Optional[Sequence[str]]): The labels of the answer; found in the question if None.
    words (Optional[Mapping[str, Sequence[str]]]): See `answer_labels`.
    limit (int): The largest number of answers.
    RETURNS (List[NameAnswer]): The answers, the best first.
    RAISES (ValueError): If the labels are unknown or not clear, or there is nothing to search for.
    """
    known = [row[0] for row in connection.execute("SELECT DISTINCT label FROM names ORDER BY 1")]
    labels = answer_labels(question, known, words) if labels is None else list(labels)
    unknown = sorted(set(labels) - set(known))
    if unknown:
        raise ValueError(
            f"There are no names with the label {', '.join(unknown)}. The labels of the database "
            f"are {', '.join(known) or 'none'}."
        )
    wanted = content_words(question, setting(connection, "lang"))
    evidence: dict[int, list[Evidence]] = defaultdict(list)
    names: dict[int, tuple[str, str]] = {}
    in_question = set(name_key(question).split())
    asked_for = set()
    for row, relevance in _mentions(connection, wanted, labels):
        # Who is named in the question is not its answer, and neither is one by the full name.
        keys = [name_key(text, person=True).split() for text in (row["text"], row["name"])]
        if any(in_question.issuperset(key) for key in keys):
            asked_for.add(row["name_id"])
        names[row["name_id"]] = (row["name"], row["label"])
        evidence[row["name_id"]].append(_evidence(row, relevance))
    for name_id in asked_for:
        del evidence[name_id]
    answers = [NameAnswer(*names[i], *_judge(found)) for i, found in evidence.items()]
    return sorted(answers, key=lambda a: (-a.score, a.name, a.label))[:limit]


def content_words(question: str, lang: str) -> list[str]:
    """Find the words of a question to search for.

    question (str): The question.
    lang (str): The language, whose stop words are left out.
    RETURNS (List[str]): The words, each once. All words if there are none but stop words.
    RAISES (ValueError): If there is no word.
    """
    words = list(dict.fromkeys(re.findall(r"\w+", question.casefold())))
    if not words:
        raise ValueError(f"There is no word in {question!r}.")
    stop_words = get_lang_class(lang).Defaults.stop_words
    return [word for word in words if word not in stop_words and len(word) > 1] or words


def best_sentences(
    connection: sqlite3.Connection, words: Sequence[str], limit: int = SENTENCES
) -> list[sqlite3.Row]:
    """Rank sentences by full-text search, with BM25.

    connection (sqlite3.Connection): The database.
    words (Sequence[str]): The words to search for.
    limit (int): The largest number of sentences.
    RETURNS (List[sqlite3.Row]): The sentences, the best first, with their `relevance`, which is
        above 0.
    """
    query = " OR ".join(f'"{word}"' for word in words)
    return connection.execute(
        "SELECT sentences.*, -bm25(sentences_fts, 1.0, ?) AS relevance FROM sentences_fts "
        "JOIN sentences ON sentences.id = sentences_fts.rowid "
        "WHERE sentences_fts MATCH ? ORDER BY relevance DESC, sentences.id LIMIT ?",
        (CONTEXT_WEIGHT, query, limit),
    ).fetchall()


def _mentions(
    connection: sqlite3.Connection, words: Sequence[str], labels: Sequence[str]
) -> list[tuple[sqlite3.Row, float]]:
    """Mentions with one of the labels in the best sentences and in those before them, and how well
    they fit.
    """
    found = []
    ranked = best_sentences(connection, words)
    marks = ", ".join("?" * len(labels))
    for sentence in ranked:
        rows = connection.execute(
            "SELECT mentions.*, names.text AS name, sentences.text AS sentence, "
            "sentences.start AS sentence_start, sources.path AS source, documents.position "
            "FROM mentions JOIN names ON names.id = mentions.name_id "
            "JOIN sentences ON sentences.id = mentions.sentence_id "
            "JOIN documents ON documents.id = mentions.document_id "
            "JOIN sources ON sources.id = documents.source_id "
            f"WHERE mentions.sentence_id IN (?, (SELECT MAX(id) FROM sentences WHERE id < ? "
            f"AND document_id = ?)) AND mentions.label IN ({marks}) ORDER BY mentions.id",
            (sentence["id"], sentence["id"], sentence["document_id"], *labels),
        )
        relevance = sentence["relevance"] / ranked[0]["relevance"]
        for row in rows:
            is_before = row["sentence_id"] != sentence["id"]
            factor = BEFORE_WEIGHT if is_before else _closeness(row, words)
            found.append((row, relevance * factor))
    return found


def _closeness(row: sqlite3.Row, words: Sequence[str]) -> float:
    """1 beside the words asked for, less the farther a mention is from them on average."""
    text = row["sentence"].casefold()
    start = row["start"] - row["sentence_start"]
    end = row["end"] - row["sentence_start"]
    distances = []
    for word in words:
        places = [match.start() for match in re.finditer(rf"\b{re.escape(word[:5])}", text)]
        if places:
            distances.append(min(max(start - place, place - end, 0) for place in places))
    return exp(-sum(distances) / len(distances) / REACH) if distances else exp(-1)


def _evidence(row: sqlite3.Row, relevance: float) -> Evidence:
    return Evidence(
        row["sentence"],
        row["text"],
        row["probability"],
        relevance,
        row["source"],
        row["position"],
        row["document_id"],
    )


def _judge(evidence: list[Evidence]) -> tuple[float, list[Evidence]]:
    """The score of a name, and its evidence with the best first."""
    evidence = sorted(evidence, key=lambda one: -one.weight)
    best: dict[int, float] = {}
    for one in evidence:
        best.setdefault(one.document_id, one.weight)
    top = max(best.values())
    agreement = sqrt(sum(best.values()) / top) if top else 1.0
    return top * agreement, evidence
