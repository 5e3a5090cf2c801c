"""Calibrate for text of kinds that were not in training.

    python scripts/leave_out.py fit ../configs/efficiency.cfg DATA_FOLDER OUTPUT
    python scripts/leave_out.py apply training/web/model-best OUTPUT/temperature.json \
        corpus/web/dev.spacy training/web/calibrated

`fit` trains a network for each corpus of `prepare.py`, in a few steps, on the other corpora, and
calibrates it on their development data. A second calibration, on the sentences of the corpus that
was left out, then shows how much surer it is than it should be of text that it does not know.
OUTPUT has the geometric mean of the temperatures of the second, by which `apply` divides the scores
of another pipeline that is calibrated already.
"""

import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import srsly
import typer
from evaluate import sentences as all_sentences
from prepare import CORPORA, read, sentences, without_handles
from spacy import util
from spacy.cli.train import train
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus, Example
from wasabi import msg

from spacy_window_ner.annotations import copy_words
from spacy_window_ner.confidence.calibration import Calibration
from spacy_window_ner.confidence.reliability import ece
from spacy_window_ner.confidence.scored_examples import (
    ScoredExamples,
    find_component,
    score_examples,
)
from spacy_window_ner.confidence.tuning import best_threshold
from spacy_window_ner.training.callbacks import report_scores

NAME = "window_ner"
PARTS = ("train", "dev")
# A temperature needs no more documents.
MOST = 2000
Parts = Mapping[str, list[Doc]]
app = typer.Typer()


def read_all(data: Path) -> dict[str, Parts]:
    """RETURNS (Dict[str, Dict[str, List[Doc]]]): The documents of each corpus by part."""
    return {
        name: {
            part: list(map(without_handles, read(data / name / f"{part}.conll", labels, n)))
            for part in PARTS
        }
        for name, (labels, n) in CORPORA.items()
    }


def some(docs: list[Doc]) -> list[Doc]:
    """RETURNS (List[Doc]): Documents at random, at most `MOST`."""
    return random.Random(0).sample(docs, min(MOST, len(docs)))


def train_without(
    left_out: str, corpora: Mapping[str, Parts], path: Path, output: Path, **overrides: Any
) -> Language:
    """Train on all corpora but one, and calibrate on their development data.

    left_out (str): The corpus to leave out.
    corpora (Dict[str, Dict[str, List[Doc]]]): The documents of each corpus by part.
    path (Path): A training config.
    output (Path): Where data and pipeline are written.
    overrides (Any): Settings of the config.
    RETURNS (Language): The pipeline.
    """
    output.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        docs = [doc for name, parts in corpora.items() if name != left_out for doc in parts[part]]
        if part == "dev":  # people read short texts and long ones
            docs = some([*docs, *(one for doc in docs for one in sentences(doc))])
        overrides[f"paths.{part}"] = str(output / f"{part}.spacy")
        DocBin(docs=docs, store_user_data=True).to_disk(overrides[f"paths.{part}"])
    config = util.load_config(path, overrides)
    config["training"]["before_to_disk"] = None  # calibrated once, at the end
    config.to_disk(output / "config.cfg")
    train(output / "config.cfg", output)
    nlp = util.load_model(output / "model-last")
    scored = score_examples(nlp, NAME, list(Corpus(output / "dev.spacy")(nlp)))
    scored.fit().fold(find_component(nlp, NAME).model)
    return nlp


def score_sentences(nlp: Language, parts: Parts) -> ScoredExamples:
    """RETURNS (ScoredExamples): What a pipeline makes of the sentences of a corpus."""
    gold = some(list(all_sentences(doc for docs in parts.values() for doc in docs)))
    return score_examples(nlp, NAME, [Example(copy_words(doc, nlp.vocab), doc) for doc in gold])


def warmer(scored: ScoredExamples, temperature: float) -> ScoredExamples:
    """RETURNS (ScoredExamples): The same with all scores divided by a temperature."""
    return scored.corrected(Calibration(temperature, np.zeros(scored.annotated.shape[1])))


def mean(temperatures: Iterable[float]) -> float:
    """RETURNS (float): The geometric mean."""
    return float(np.exp(np.mean(np.log(list(temperatures)))))


def row(name: str, scored: ScoredExamples, fitted: Mapping[str, float]) -> list[str]:
    """RETURNS (List[str]): A corpus, its temperature, and its calibration error as it is and with
    the mean of the other corpora's temperatures.
    """
    others = mean(of for other, of in fitted.items() if other != name)
    found = [warmer(scored, of).entities(threshold=0.5) for of in (1.0, others)]
    errors = [f"{ece(one.probabilities, one.correct):.3f}" for one in found]
    return [name, f"{fitted[name]:.3f}", *errors]


@app.command()
def fit(
    config: Path,
    data: Path,
    output: Path,
    steps: Annotated[int, typer.Option(help="Steps of each training")] = 600,
) -> None:
    """Leave each corpus out once, and write the temperatures and their mean."""
    settings = ("max_steps", "eval_frequency", "optimizer.learn_rate.total_steps")
    overrides = {f"training.{setting}": steps for setting in settings}
    corpora = read_all(data)
    scored = {}
    for name, parts in corpora.items():
        nlp = train_without(name, corpora, config, output / name, **overrides)
        scored[name] = score_sentences(nlp, parts)
    fitted = {name: of.fit().temperature for name, of in scored.items()}
    rows = [row(name, of, fitted) for name, of in scored.items()]
    header = ("left out", "temperature", "ECE", "ECE with that of the others")
    msg.table(rows, header=header, divider=True)
    path, temperature = output / "temperature.json", mean(fitted.values())
    srsly.write_json(path, {"temperature": temperature, "left_out": fitted})
    msg.good(f"temperature {temperature:.3f}: {path}")


@app.command()
def apply(model: Path, temperature: Path, dev: Path, output: Path) -> None:
    """Divide the scores of a pipeline by the mean temperature, and choose its threshold anew."""
    nlp = util.load_model(model)
    component, examples = find_component(nlp, NAME), list(Corpus(dev)(nlp))
    value = srsly.read_json(temperature)["temperature"]
    scored = warmer(score_examples(nlp, NAME, examples), value)
    Calibration(value, np.zeros(len(component.labels))).fold(component.model)
    component.threshold = best_threshold(scored)
    f_score = report_scores(nlp, NAME, examples)
    nlp.to_disk(output)
    msg.good(f"temperature {value:.3f}, threshold {component.threshold}, F1 {100 * f_score:.2f}")


if __name__ == "__main__":
    app()
