"""Questions whose answer is a name, with the sentences that it is found in."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, sqrt

from .database import setting
from .evidence import AnswerFacts, find_candidate_names
from .question_words import read_question

# Chosen by `benchmarks/questions.py` with questions that have no answer.
MIN_PROBABILITY = 0.18


@dataclass(frozen=True)
class Evidence:
    """A sentence that an answer is found in.

    sentence (str): The sentence.
    mention (str): The answer as it stands there.
    probability (Optional[float]): The probability of the mention; None where the pipeline gives
        none.
    log_odds (float): The log-odds that a name in this place answers the question, against no
        answer.
    source (str): The file.
    position (int): The place of the document in the file.
    document_id (int): The number of the document.
    """

    sentence: str
    mention: str
    probability: float | None
    log_odds: float
    source: str
    position: int
    document_id: int

    @property
    def relevance(self) -> float:
        """The probability that a name in this place is the answer, if there were no other."""
        return 1 / (1 + exp(-self.log_odds))


@dataclass(frozen=True)
class NameAnswer:
    """A name that may be the answer.

    name (str): The name.
    label (str): Its label.
    probability (float): The probability that it is the answer. With those of the other names and
        that of no answer, it adds up to 1.
    score (float): The probability, times the square root of the number of documents that agree;
        each counts by the odds of its best sentence, compared with those of the best of all.
    evidence (List[Evidence]): The sentences, each once, the best first.
    """

    name: str
    label: str
    probability: float
    score: float
    evidence: list[Evidence]


def ask(
    connection: sqlite3.Connection,
    question: str,
    *,
    labels: Sequence[str] | None = None,
    words: Mapping[str, Sequence[str]] | None = None,
    limit: int = 5,
    min_probability: float = MIN_PROBABILITY,
) -> list[NameAnswer]:
    """Answer a question by names.

    connection (sqlite3.Connection): The database.
    question (str): The question.
    labels (Optional[Sequence[str]]): The labels of the answer; found in the question if None.
    words (Optional[Mapping[str, Sequence[str]]]): See `answer_labels`.
    limit (int): The largest number of answers.
    min_probability (float): The smallest probability of the first answer. If no name has it, there
        is no answer.
    RETURNS (List[NameAnswer]): The answers, the best first.
    RAISES (ValueError): If the labels are unknown or not clear, or there is nothing to search for.
    """
    known = [row[0] for row in connection.execute("SELECT DISTINCT label FROM names ORDER BY 1")]
    lang = setting(connection, "lang")
    asked = read_question(question, known, lang, labels=labels, words=words)
    found = list(find_candidate_names(connection, asked).values())
    several = [_evidence_of(one) for one in found]
    # No answer is one of the outcomes, with odds of 1.
    total = 1 + sum(exp(evidence[0].log_odds) for evidence in several)
    answers = []
    for mentions, evidence in zip(found, several, strict=True):
        row, probability = mentions[0][0], exp(evidence[0].log_odds) / total
        score = probability * sqrt(_count_agreeing(evidence))
        answers.append(NameAnswer(row["name"], row["label"], probability, score, evidence))
    answers.sort(key=lambda a: (-a.score, a.name, a.label))
    if max((answer.probability for answer in answers), default=0.0) < min_probability:
        return []
    return answers[:limit]


def _evidence_of(mentions: Sequence[tuple[sqlite3.Row, AnswerFacts]]) -> list[Evidence]:
    """The sentences of a name, the best first."""
    every = [
        Evidence(
            row["sentence"],
            row["text"],
            row["probability"],
            facts.log_odds,
            row["source"],
            row["position"],
            row["document_id"],
        )
        for row, facts in mentions
    ]
    every.sort(key=lambda one: one.log_odds)
    # Each sentence is evidence once, also if the name is there twice, or if texts are copies.
    return sorted({one.sentence: one for one in every}.values(), key=lambda one: -one.log_odds)


def _count_agreeing(evidence: Sequence[Evidence]) -> float:
    """The number of documents, each by its odds compared with those of the best one."""
    best: dict[int, float] = {}
    for one in evidence:
        best.setdefault(one.document_id, exp(one.log_odds - evidence[0].log_odds))
    return sum(best.values())
