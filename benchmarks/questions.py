"""Fit the weights of `ask`: how probable it is that a name in a sentence answers a question.

    python benchmarks/questions.py en_window_ner_sm ../shared/data

Three corpora are indexed with the pipeline, and the questions of
`tests/data/questions_calibration.txt` asked, some of which have no answer there. A logistic
regression is fitted to the best sentence of each name that is found. The weights and the smallest
probability of an answer are printed, to be copied to `mentions/evidence.py` and
`mentions/questions.py`, with what they do in cross-validation. `benchmarks/names.py` asks other
questions.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Annotated, Any

import names
import numpy as np
import spacy
import typer
from numpy.typing import NDArray

from spacy_window_ner.mentions.database import reading
from spacy_window_ner.mentions.evidence import BIAS, WEIGHTS, find_candidate_names
from spacy_window_ner.mentions.grouping import name_key
from spacy_window_ner.mentions.indexing import index
from spacy_window_ner.mentions.question_words import read_question

QUESTIONS = names.QUESTIONS.with_name("questions_calibration.txt")
CORPORA = ("wikigold", "crossner", "gum")
L2 = 1.0
FOLDS = 10


@dataclass(frozen=True)
class Candidates:
    """The names that are found for a question.

    question (str): The question.
    answerable (bool): Whether there is a right answer.
    facts (List[NDArray]): For each name, the facts of its mentions, (n_mentions, n_facts).
    probabilities (List[NDArray]): The probabilities of these mentions, (n_mentions,).
    right (NDArray): Whether each name is right, (n_names,).
    """

    question: str
    answerable: bool
    facts: list[NDArray[np.float64]]
    probabilities: list[NDArray[np.float64]]
    right: NDArray[np.bool_]


def find_candidates(connection: Any, question: names.Question) -> Candidates:
    """Find the names that may answer a question; see `Candidates`."""
    labels = [row[0] for row in connection.execute("SELECT DISTINCT label FROM names")]
    asked = read_question(question.text, labels, "en")
    found = find_candidate_names(connection, asked).values()
    values = [
        np.array(
            [
                (*astuple(facts), 1.0 if row["probability"] is None else row["probability"])
                for row, facts in mentions
            ]
        )
        for mentions in found
    ]
    keys = [name_key(mentions[0][0]["name"], person=True) for mentions in found]
    right = np.array([key in question.keys for key in keys], dtype=bool)
    return Candidates(
        question.text,
        bool(question.answers),
        [rows[:, :-1] for rows in values],
        [rows[:, -1] for rows in values],
        right,
    )


def logistic(x: NDArray[np.float64], y: NDArray[Any], l2: float) -> NDArray[np.float64]:
    """Logistic regression by Newton's method. RETURNS (NDArray): The bias and the weights."""
    X = np.column_stack([np.ones(len(x)), x])
    weights = np.zeros(X.shape[1])
    penalty = np.diag([0.0] + [l2] * x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-X @ weights))
        hessian = (X * (p * (1 - p))[:, None]).T @ X + penalty
        weights = weights - np.linalg.solve(hessian, X.T @ (p - y) + penalty @ weights)
    return weights


def fit(several: Sequence[Candidates], rounds: int = 3) -> NDArray[np.float64]:
    """Fit the weights to the best mention of each name by the weights of the round before. RETURNS
    (NDArray): The bias and the weights.
    """
    weights = np.array([BIAS, *WEIGHTS])
    right = np.concatenate([one.right for one in several])
    for _ in range(rounds):
        best = [x[np.argmax(x @ weights[1:])] for one in several for x in one.facts]
        weights = logistic(np.array(best), right, L2)
    return weights


def first_answer(one: Candidates, weights: NDArray[np.float64]) -> tuple[float, bool]:
    """RETURNS (Tuple[float, bool]): The probability of the first answer; whether it is right."""
    scores = [
        float(np.max(p / (1 + np.exp(-weights[0] - x @ weights[1:]))))
        for x, p in zip(one.facts, one.probabilities, strict=True)
    ]
    best = int(np.argmax(scores)) if scores else -1
    return (scores[best], bool(one.right[best])) if scores else (0.0, False)


def cross_validate(several: Sequence[Candidates], seed: int = 0) -> list[tuple[float, bool]]:
    """RETURNS (List[Tuple[float, bool]]): For each question, the first answer by weights that were
    fitted to others; see `first_answer`.
    """
    order = np.random.default_rng(seed).permutation(len(several))
    found = [(0.0, False)] * len(several)
    for k in range(FOLDS):
        held_out = set(order[k::FOLDS].tolist())
        weights = fit([one for i, one in enumerate(several) if i not in held_out])
        for i in held_out:
            found[i] = first_answer(several[i], weights)
    return found


def choose_threshold(
    several: Sequence[Candidates], found: Sequence[tuple[float, bool]]
) -> dict[str, float]:
    """Choose the smallest probability of an answer: the one with which most questions are treated
    right, that is, get a right answer, or none if there is none. Of several, the lowest.
    """
    with_answer = [one for c, one in zip(several, found, strict=True) if c.answerable]
    without = [p for c, (p, _) in zip(several, found, strict=True) if not c.answerable]
    results = [
        {
            "MIN_PROBABILITY": threshold,
            "right and given": sum(right and p >= threshold for p, right in with_answer),
            "none given": sum(p < threshold for p in without),
        }
        for threshold in np.arange(0.01, 0.6, 0.01).round(2).tolist()
    ]
    return max(results, key=lambda one: one["right and given"] + one["none given"])


def main(
    model: names.Model,
    data: names.Data,
    corpus: names.Corpora = None,
    questions: names.Questions = QUESTIONS,
    show: Annotated[bool, typer.Option(help="Print each question with its first answer")] = False,
) -> None:
    """Fit the weights of `ask`, and print them as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        texts = [Path(folder) / f"{one}.jsonl" for one in corpus or CORPORA]
        for path in texts:
            names.write_texts(data / path.stem, path)
        index(spacy.load(model), texts, Path(folder) / "names.db")
        with reading(Path(folder) / "names.db") as connection:
            asked = names.read_questions(questions)
            several = [find_candidates(connection, question) for question in asked]
    found = cross_validate(several)
    if show:
        for one, (p, right) in sorted(zip(several, found, strict=True), key=lambda x: -x[1][0]):
            kind = ("right" if right else "wrong") if one.answerable else "no answer"
            print(f"{p:.2f}  {kind:9}  {one.question}")
    bias, *weights = fit(several).round(2).tolist()
    answerable = [i for i, one in enumerate(several) if one.answerable]
    results = {
        "questions": len(several),
        "with an answer": len(answerable),
        "found at all": sum(bool(several[i].right.any()) for i in answerable),
        "first right": sum(found[i][1] for i in answerable),
        **choose_threshold(several, found),
        "BIAS": bias,
        "WEIGHTS": weights,
    }
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    typer.run(main)
