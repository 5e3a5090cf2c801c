"""Fit the weights of `ask`: how probable it is that a name in a sentence answers a question.

    python benchmarks/questions.py en_window_ner_sm ../shared/data

Three corpora are indexed with the pipeline, and the questions of
`tests/data/questions_calibration.txt` asked, some of which have no answer there. A multinomial
logistic regression (a conditional logit) chooses between the names that are found, each by its best
sentence, and no answer. The weights and the smallest probability of an answer are printed, to be
copied to `mentions/evidence.py` and `mentions/questions.py`, with what they do in cross-validation.
`benchmarks/names.py` asks other questions.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import names
import numpy as np
import spacy
import typer
from numpy.typing import NDArray

from spacy_window_ner.confidence.calibration import minimize
from spacy_window_ner.mentions.database import reading
from spacy_window_ner.mentions.evidence import BIAS, WEIGHTS, find_candidate_names
from spacy_window_ner.mentions.grouping import name_key
from spacy_window_ner.mentions.indexing import index
from spacy_window_ner.mentions.question_words import read_question

QUESTIONS = names.QUESTIONS.with_name("questions_calibration.txt")
CORPORA = ("wikigold", "crossner", "gum")
L2 = 0.3
FOLDS = 10
REPEATS = 3  # of the cross-validation, each with other folds


@dataclass(frozen=True)
class Candidates:
    """The names that are found for a question.

    question (str): The question.
    answerable (bool): Whether there is a right answer.
    facts (List[NDArray]): For each name, the facts of its mentions, (n_mentions, n_facts).
    right (NDArray): Whether each name is right, (n_names,).
    """

    question: str
    answerable: bool
    facts: list[NDArray[np.float64]]
    right: NDArray[np.bool_]


def find_candidates(connection: Any, question: names.Question) -> Candidates:
    """Find the names that may answer a question; see `Candidates`."""
    labels = [row[0] for row in connection.execute("SELECT DISTINCT label FROM names")]
    asked = read_question(question.text, labels, "en")
    found = find_candidate_names(connection, asked).values()
    values = [np.array([astuple(facts) for _, facts in mentions]) for mentions in found]
    keys = [name_key(mentions[0][0]["name"], person=True) for mentions in found]
    right = np.array([key in question.keys for key in keys], dtype=bool)
    return Candidates(question.text, bool(question.answers), values, right)


def choose(scores: NDArray[np.float64], groups: NDArray[np.int64]) -> tuple[NDArray[Any], float]:
    """Choose one name for each question, or no answer, whose score is 0.

    scores (NDArray): The log-odds of each name against no answer, (n_names,).
    groups (NDArray): The number of the question of each name, from 0 up, (n_names,).
    RETURNS (Tuple[NDArray, float]): The probability of each name, and the sum of the logarithms of
        what they were divided by.
    """
    odds = np.exp(np.minimum(scores, 100))
    total = 1 + np.bincount(groups, odds)
    return odds / total[groups], float(np.log(total).sum())


def multinomial_loss(
    weights: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.bool_],
    groups: NDArray[np.int64],
    l2: float,
) -> tuple[float, NDArray[np.float64]]:
    """The loss of a multinomial logistic regression that chooses a name of each question, or none.

    The likelihood of a question with several right names is the sum of theirs.

    weights (NDArray): The bias and the weights, (1 + n_facts,).
    x (NDArray): The facts, (n_names, n_facts).
    y (NDArray): Whether each name is right, (n_names,).
    groups (NDArray): The number of the question of each name, from 0 up, (n_names,).
    l2 (float): The strength of the penalty on squared weights.
    RETURNS (Tuple[float, NDArray]): The loss, and its gradient by the weights.
    """
    scores = weights[0] + x @ weights[1:]
    p, log_total = choose(scores, groups)
    odds = np.where(y, np.exp(np.minimum(scores, 100)), 0.0)
    right = np.bincount(groups, odds)
    answered = right > 0
    loss = log_total - np.log(right[answered]).sum() + l2 / 2 * weights[1:] @ weights[1:]
    d_scores = p - odds / np.where(answered, right, 1.0)[groups]
    return loss, np.concatenate([[d_scores.sum()], d_scores @ x + l2 * weights[1:]])


def fit(several: Sequence[Candidates], rounds: int = 3) -> NDArray[np.float64]:
    """Fit the weights to the best mention of each name by the weights of the round before. RETURNS
    (NDArray): The bias and the weights.
    """
    weights = np.array([BIAS, *WEIGHTS])
    found = [one for one in several if one.facts]
    right = np.concatenate([one.right for one in found])
    groups = np.repeat(np.arange(len(found)), [len(one.facts) for one in found])
    for _ in range(rounds):
        best = [x[np.argmax(x @ weights[1:])] for one in found for x in one.facts]
        loss = partial(multinomial_loss, x=np.array(best), y=right, groups=groups, l2=L2)
        weights, _ = minimize(loss, weights)
    return weights


def first_answer(one: Candidates, weights: NDArray[np.float64]) -> tuple[float, bool]:
    """RETURNS (Tuple[float, bool]): The probability of the first answer; whether it is right."""
    if not one.facts:
        return 0.0, False
    scores = np.array([weights[0] + np.max(x @ weights[1:]) for x in one.facts])
    p, _ = choose(scores, np.zeros(len(scores), dtype=np.int64))
    best = int(np.argmax(p))
    return float(p[best]), bool(one.right[best])


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
    several: Sequence[Candidates], repeats: Sequence[Sequence[tuple[float, bool]]]
) -> dict[str, float]:
    """Choose the smallest probability of an answer: the one with which most questions are treated
    right, that is, get a right answer, or none if there is none. Of several, the lowest.

    several (Sequence[Candidates]): The questions.
    repeats (Sequence[Sequence[Tuple[float, bool]]]): First answers of `cross_validate`.
    RETURNS (Dict[str, float]): The threshold, and the mean numbers of questions treated right.
    """
    answerable = np.array([one.answerable for one in several])
    p = np.array([[probability for probability, _ in found] for found in repeats])
    right = np.array([[is_right for _, is_right in found] for found in repeats]) & answerable
    results = [
        {
            "MIN_PROBABILITY": threshold,
            "right and given": float((right & (p >= threshold)).sum(1).mean()),
            "none given": float(((p < threshold) & ~answerable).sum(1).mean()),
        }
        for threshold in np.arange(0.01, 0.6, 0.01).round(2).tolist()
    ]
    return max(results, key=lambda one: one["right and given"] + one["none given"])


def log_loss(several: Sequence[Candidates], found: Sequence[tuple[float, bool]]) -> float:
    """RETURNS (float): The mean negative log-likelihood of first answers being right or not."""
    p = np.clip([probability for probability, _ in found], 0.001, 0.999)
    right = np.array([one.answerable and ok for one, (_, ok) in zip(several, found, strict=True)])
    return float(-np.log(np.where(right, p, 1 - p)).mean())


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
    repeats = [cross_validate(several, seed) for seed in range(REPEATS)]
    found = repeats[0]
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
        "first right": float(np.mean([sum(one[i][1] for i in answerable) for one in repeats])),
        **choose_threshold(several, repeats),
        "log loss": round(float(np.mean([log_loss(several, one) for one in repeats])), 3),
        "BIAS": bias,
        "WEIGHTS": weights,
    }
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    typer.run(main)
