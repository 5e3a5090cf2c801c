"""Names in the sentences that full-text search finds, and what speaks for them as answers.

A few facts decide: how many of the words of the question a sentence has, and where in it the name
is. They are weighed against no answer, whose log-odds are 0. `benchmarks/questions.py` fits the
weights to questions with and without an answer.
"""

import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from math import exp, log

from .grouping import name_key
from .question_words import NameQuestion, SearchTerm

# Sentences that full-text search ranks lower are not looked at.
SENTENCES = 100
# What a word is worth that is not in a sentence, but in its context or in the sentence before.
CONTEXT_WEIGHT = 0.5
# What a word of a name is worth there, as a text does not repeat a name in every sentence.
NAME_CONTEXT_WEIGHT = 0.8
# What it is worth anywhere else in the document.
NAME_DOCUMENT_WEIGHT = 0.6
# The distance in characters at which a name is worth 1/e less than one beside the words asked for.
REACH = 60.0
# The weights of `AnswerFacts`, and the bias.
WEIGHTS = (4.79, 2.87, 2.62, -2.74, 0.51, 1.23, -5.08)
BIAS = -12.07
# What is often directly before a place or date that is an answer, and before who has done it.
_BEFORE = {
    "place": re.compile(r"(?:\b(?:in|at|near|to|of|from)|,)(?: the)?\s*$"),
    "date": re.compile(r"(?:\b(?:in|on|since|until|from|born)|\()(?: the)?\s*$"),
}
# What may be between a verb and who has done it: "founded in 1950 by the physicist".
_AGENT = r"\w*(?: [^,;:.]{0,30})? by [^,;:.()]{0,40}$"


@dataclass(frozen=True)
class AnswerFacts:
    """What speaks for an answer and against it.

    matched (float): The share of the words of the question that the sentence has, weighted by how
        rare they are: the product of that of names and that of other words.
    shared (float): How many words of the question the sentence has, the rarer ones with more
        weight: their weighted share of all words, times the number of words.
    closeness (float): 1 beside these words, and less the farther the name is from them on average.
    is_before (float): 1 if the name is not in this sentence, but in the one before, as in "He was
        born in".
    side (float): 1 if the name is on the side of the verb where an answer stands, -1 if it is on
        the other one.
    follows (float): 1 if it follows a word that places or dates often follow.
    is_other (float): 1 if its label is another one, with which recognizers confuse the right one.
    """

    matched: float
    shared: float
    closeness: float
    is_before: float
    side: float
    follows: float
    is_other: float

    @property
    def log_odds(self) -> float:
        """The log-odds of this answer against none, if there were no other."""
        return BIAS + sum(w * x for w, x in zip(WEIGHTS, astuple(self), strict=True))


def best_sentences(
    connection: sqlite3.Connection, words: Sequence[str], limit: int = SENTENCES
) -> list[sqlite3.Row]:
    """Rank sentences by full-text search, with BM25.

    connection (sqlite3.Connection): The database.
    words (Sequence[str]): The words to search for.
    limit (int): The largest number of sentences.
    RETURNS (List[sqlite3.Row]): The sentences, the best first.
    """
    return connection.execute(
        "SELECT sentences.* FROM sentences_fts "
        "JOIN sentences ON sentences.id = sentences_fts.rowid "
        "WHERE sentences_fts MATCH ? ORDER BY bm25(sentences_fts, 1.0, ?), sentences.id LIMIT ?",
        (_any_of(words), CONTEXT_WEIGHT, limit),
    ).fetchall()


def find_mentions(
    connection: sqlite3.Connection, question: NameQuestion
) -> Iterator[tuple[sqlite3.Row, AnswerFacts]]:
    """Find names that may be the answer, in the best sentences and in those before them.

    connection (sqlite3.Connection): The database.
    question (NameQuestion): The question.
    YIELDS (Tuple[sqlite3.Row, AnswerFacts]): The mentions with their names, sentences and files,
        and the facts that speak for them.
    """
    ranked = best_sentences(connection, [word for term in question.terms for word in term.forms])
    before = _previous(connection, ranked)
    search = _Search(connection, question, [one["id"] for one in ranked], list(before.values()))
    labels = (*question.labels, *question.others)
    marks = ", ".join("?" * len(labels))
    for sentence in ranked:
        previous = before.get(sentence["id"], -1)
        rows = connection.execute(
            "SELECT mentions.*, names.text AS name, sentences.text AS sentence, "
            "sentences.start AS sentence_start, sources.path AS source, documents.position "
            "FROM mentions JOIN names ON names.id = mentions.name_id "
            "JOIN sentences ON sentences.id = mentions.sentence_id "
            "JOIN documents ON documents.id = mentions.document_id "
            "JOIN sources ON sources.id = documents.source_id "
            f"WHERE mentions.sentence_id IN (?, ?) AND mentions.label IN ({marks}) "
            "ORDER BY mentions.id",
            (sentence["id"], previous, *labels),
        )
        words = search.matched(sentence["id"], previous), search.shared(sentence["id"], previous)
        for row in rows:
            yield row, search.facts(row, *words, is_before=row["sentence_id"] != sentence["id"])


def find_candidate_names(
    connection: sqlite3.Connection, question: NameQuestion
) -> dict[int, list[tuple[sqlite3.Row, AnswerFacts]]]:
    """Find the mentions of each name that may be the answer; see `find_mentions`.

    connection (sqlite3.Connection): The database.
    question (NameQuestion): The question.
    RETURNS (Dict[int, List[Tuple[sqlite3.Row, AnswerFacts]]]): For the number of each name its
        mentions.
    """
    found = defaultdict(list)
    asked_for = set()
    in_question = set(name_key(question.text).split())
    for row, facts in find_mentions(connection, question):
        # Who is named in the question is not its answer, and neither is one by the full name.
        keys = [name_key(text, person=True).split() for text in (row["text"], row["name"])]
        if any(in_question.issuperset(key) for key in keys):
            asked_for.add(row["name_id"])
        found[row["name_id"]].append((row, facts))
    return {name_id: rows for name_id, rows in found.items() if name_id not in asked_for}


def _any_of(words: Sequence[str]) -> str:
    return " OR ".join(f'"{word}"' for word in words)


def _previous(connection: sqlite3.Connection, sentences: Sequence[sqlite3.Row]) -> dict[int, int]:
    """The sentence before each one that is not the first of its document."""
    marks = ", ".join("?" * len(sentences))
    rows = connection.execute(
        "SELECT id, (SELECT MAX(id) FROM sentences AS other WHERE other.id < sentences.id "
        f"AND other.document_id = sentences.document_id) FROM sentences WHERE id IN ({marks})",
        [one["id"] for one in sentences],
    )
    return {one: before for one, before in rows if before is not None}


@dataclass(frozen=True)
class _Found:
    """Which sentences have a word of the question: in their text, in their context, or somewhere in
    their document. The rarer the word, the more it weighs.
    """

    term: SearchTerm
    weight: float
    begins: re.Pattern[str]
    in_text: set[int]
    in_context: set[int]
    in_document: set[int]

    def share(self, sentence: int, before: int) -> float:
        """What counts of the word for a sentence, from 0 to 1."""
        if sentence in self.in_text:
            return 1.0
        if self.term.is_name:
            if sentence in self.in_context:
                return NAME_CONTEXT_WEIGHT
            return NAME_DOCUMENT_WEIGHT if sentence in self.in_document else 0.0
        return CONTEXT_WEIGHT if sentence in self.in_context or before in self.in_text else 0.0


class _Search:
    """Which of some sentences have which words of a question.

    connection (sqlite3.Connection): The database.
    question (NameQuestion): The question.
    sentences (Sequence[int]): The numbers of sentences.
    before (Sequence[int]): Those of sentences before these.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        question: NameQuestion,
        sentences: Sequence[int],
        before: Sequence[int],
    ) -> None:
        self.question = question
        self.verb, self.agent = _begins(question.verb), _begins(question.verb, _AGENT)
        ids = [*sentences, *before]
        total = connection.execute("SELECT COUNT(*) FROM sentences").fetchone()[0]
        self.terms: list[_Found] = []
        among = f"IN ({', '.join('?' * len(ids))})"
        search = "FROM sentences_fts WHERE sentences_fts MATCH ?"
        for term in question.terms:
            text, context = (
                f"{column} : ({_any_of(term.forms)})" for column in ("text", "context")
            )
            frequency = connection.execute(f"SELECT COUNT(*) {search}", (text,)).fetchone()[0]
            in_text, in_context = (
                self._ids(connection, f"SELECT rowid {search} AND rowid {among}", one, ids)
                for one in (text, context)
            )
            in_document = self._ids(
                connection,
                "SELECT id FROM sentences WHERE document_id IN (SELECT document_id FROM sentences "
                f"WHERE id IN (SELECT rowid {search})) AND id {among}",
                text,
                ids,
            )
            # Inverse document frequency; above 0 also for a word that every sentence has.
            weight = log((total + 1) / (frequency + 0.5))
            begins = _begins(term.forms)
            self.terms.append(_Found(term, weight, begins, in_text, in_context, in_document))

    @staticmethod
    def _ids(connection: sqlite3.Connection, query: str, text: str, ids: list[int]) -> set[int]:
        return {row[0] for row in connection.execute(query, (text, *ids))}

    def matched(self, sentence: int, before: int) -> float:
        """See `AnswerFacts`."""
        product = 1.0
        for is_name in (True, False):
            several = [one for one in self.terms if one.term.is_name == is_name]
            total = sum(one.weight for one in several)
            if total:
                product *= sum(one.share(sentence, before) * one.weight for one in several) / total
        return product

    def shared(self, sentence: int, before: int) -> float:
        """See `AnswerFacts`."""
        total = sum(one.share(sentence, before) * one.weight for one in self.terms)
        return len(self.terms) * total / sum(one.weight for one in self.terms)

    def facts(
        self, row: sqlite3.Row, matched: float, shared: float, *, is_before: bool
    ) -> AnswerFacts:
        """The facts of a mention."""
        is_other = float(row["label"] not in self.question.labels)
        if is_before:
            return AnswerFacts(matched, shared, 0.5, 1.0, 0.0, 0.0, is_other)
        text = row["sentence"].casefold()
        start = row["start"] - row["sentence_start"]
        end = row["end"] - row["sentence_start"]
        pattern = _BEFORE.get(self.question.asks_for)
        return AnswerFacts(
            matched,
            shared,
            self._closeness(text, start, end),
            0.0,
            self._side(text, start),
            float(pattern is not None and pattern.search(text[:start]) is not None),
            is_other,
        )

    def _closeness(self, text: str, start: int, end: int) -> float:
        total = distances = 0.0
        for one in self.terms:
            places = _places(one.begins, text)
            if places:
                total += one.weight
                distances += one.weight * min(max(start - p, p - end, 0) for p in places)
        return exp(-distances / total / REACH) if total else exp(-1)

    def _side(self, text: str, start: int) -> float:
        places = _places(self.verb, text) if self.question.side else []
        if not places:
            return 0.0
        if self.question.side < 0 and self.agent.search(text[:start]):
            return 1.0
        nearest = min(places, key=lambda place: abs(place - start))
        return 1.0 if (nearest < start) == (self.question.side > 0) else -1.0


def _places(begins: re.Pattern[str], text: str) -> list[int]:
    """Where words begin in a text, whatever their endings are."""
    return [match.start() for match in begins.finditer(text)]


def _begins(words: Sequence[str], then: str = "") -> re.Pattern[str]:
    begins = "|".join(re.escape(word[:5]) for word in words)
    return re.compile(rf"\b(?:{begins}){then}")
