"""Questions whose answer is a name, with the sentences that it is found in."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from .database import setting
from .evidence import AnswerFacts, find_candidate_names
from .question_words import read_question

# Chosen by `benchmarks/questions.py` with questions that have no answer.
MIN_PROBABILITY = 0.09


@dataclass(frozen=True)
class Evidence:
    """A sentence that an answer is found in.

    sentence (str): The sentence.
    mention (str): The answer as it stands there.
    probability (Optional[float]): The probability of the mention; None where the pipeline gives
        none, which counts as 1.
    relevance (float): The probability that a name in this place answers the question.
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
    evidence (List[Evidence]): The sentences, each once, the best first.
    """

    name: str
    label: str
    score: float
    evidence: list[Evidence]

    @property
    def probability(self) -> float:
        """The probability that the name is right: the weight of its best sentence."""
        return self.evidence[0].weight


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
    answers = [
        NameAnswer(found[0][0]["name"], found[0][0]["label"], *_judge(found))
        for found in find_candidate_names(connection, asked).values()
    ]
    answers.sort(key=lambda a: (-a.score, a.name, a.label))
    if max((answer.probability for answer in answers), default=0.0) < min_probability:
        return []
    return answers[:limit]


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


def _judge(found: Sequence[tuple[sqlite3.Row, AnswerFacts]]) -> tuple[float, list[Evidence]]:
    """The score of a name, and its evidence with the best first."""
    every = [_evidence(row, facts.probability) for row, facts in found]
    every.sort(key=lambda one: one.weight)
    # Each sentence is evidence once, also if the name is there twice, or if texts are copies.
    evidence = sorted({one.sentence: one for one in every}.values(), key=lambda one: -one.weight)
    best: dict[int, float] = {}
    for one in evidence:
        best.setdefault(one.document_id, one.weight)
    top = max(best.values())
    agreement = sqrt(sum(best.values()) / top) if top else 1.0
    return top * agreement, evidence
