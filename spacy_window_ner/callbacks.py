"""Choose the threshold of a trained window_ner on development data, when a pipeline is saved.

Viterbi decoding finds the most probable tag sequence, which is not the set of entities with the
best F1: where names are hard to recognize, it misses most of them. Here spans are ranked by
probability, and the cut with the best F1 on the development data becomes the threshold.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from spacy import registry
from spacy.language import Language
from spacy.training import Corpus, Example
from wasabi import msg

from .component import WindowNER

# The best threshold is half of the best F1 (Lipton et al. 2014), and no system in use has 0.1.
LOWEST = 0.05
_KEY = "window_ner_find_threshold"


@registry.callbacks("spacy_window_ner.find_threshold.v1")
def create_find_threshold(
    path: Path | None, name: str = "window_ner"
) -> Callable[[Language], Language]:
    """Make a callback for `[training.before_to_disk]`.

    path (Optional[Path]): Development data in spaCy's binary format.
    name (str): Name of the component.
    RETURNS (Callable): Calls `set_best_threshold` on a pipeline, writes the scores that it then has
        to `nlp.meta["performance"]`, prints a line with both, and returns the pipeline.
    """

    def callback(nlp: Language) -> Language:
        if path is None:
            raise ValueError(
                "spacy_window_ner.find_threshold.v1 needs development data: set its path, for "
                "example to ${paths.dev}, or set [training] before_to_disk = null."
            )
        examples = list(Corpus(path)(nlp))
        threshold = set_best_threshold(nlp, name, examples)
        f_score = report_scores(nlp, examples)
        msg.info(f"[{name}] threshold {threshold}: F1 {100 * f_score:.2f} on {path}")
        return nlp

    return callback


def report_scores(nlp: Language, examples: list[Example]) -> float:
    """Evaluate a pipeline, and write what it scores to its meta.

    nlp (Language): The pipeline; `nlp.meta["performance"]` is changed.
    examples (List[Example]): The development data.
    RETURNS (float): F1 of entities, from 0 to 1.
    """
    scores = nlp.evaluate(examples)
    performance = nlp.meta.setdefault("performance", {})
    names = {*performance, "ents_f", "ents_p", "ents_r", "ents_per_type"}
    performance.update({name: scores[name] for name in names if name in scores})
    return scores["ents_f"] or 0.0


def set_best_threshold(nlp: Language, name: str, examples: list[Example]) -> float | None:
    """Set the threshold of a component to the value with the best F1 on examples.

    nlp (Language): The pipeline; its settings are changed.
    name (str): Name of the component, a WindowNER. Objectives other than `crf` have no threshold.
    examples (List[Example]): The development data.
    RETURNS (Optional[float]): The threshold, if the component has one now.
    RAISES (ValueError): If the component is not a WindowNER.
    """
    component = nlp.get_pipe(name)
    if not isinstance(component, WindowNER):
        raise ValueError(f"find_threshold is for a window_ner, but '{name}' is {type(component)}.")
    if component.model.attrs["objective"] == "crf":
        n_gold = sum(len(example.reference.ents) for example in examples)
        component.threshold = best_cut(*_scored_spans(nlp, component, examples), n_gold)
    return component.threshold


def best_cut(
    probabilities: NDArray[np.float64], correct: NDArray[np.bool_], n_gold: int
) -> float | None:
    """Find the threshold with the best F1.

    probabilities (ndarray): Shape (n_spans,), probabilities of predicted spans.
    correct (ndarray): Shape (n_spans,) bool, which of them are entities.
    n_gold (int): The number of entities.
    RETURNS (Optional[float]): The threshold, halfway between the last span above it and the first
        below it; None if there is no span.
    """
    if len(probabilities) == 0:
        return None
    order = np.argsort(-probabilities, kind="stable")
    ranked = np.append(probabilities[order], LOWEST)
    n_predicted = np.arange(1, len(order) + 1)
    f_scores = 2 * np.cumsum(correct[order]) / (n_predicted + n_gold)
    f_scores[ranked[:-1] == ranked[1:]] = 0  # equal probabilities cannot be cut apart
    best = int(np.argmax(f_scores))
    threshold = float((ranked[best] + ranked[best + 1]) / 2)
    return round(min(max(threshold, LOWEST), 0.99), 4)


def _scored_spans(
    nlp: Language, component: WindowNER, examples: list[Example]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Probabilities above `LOWEST` of spans (n_spans,), and which spans are entities (n_spans,)."""
    before = component.cfg
    component.cfg = {**before, "threshold": LOWEST, "spans_key": _KEY}
    try:
        # Copies, since documents keep the entities that are set in them.
        docs = list(nlp.pipe(example.predicted.copy() for example in examples))
    finally:
        component.cfg = before
    probabilities, correct = [], []
    for doc, example in zip(docs, examples, strict=True):
        group = doc.spans[_KEY]
        gold = {(ent.start_char, ent.end_char, ent.label) for ent in example.reference.ents}
        correct += [(span.start_char, span.end_char, span.label) in gold for span in group]
        probabilities += group.attrs["scores"].tolist()
    return np.asarray(probabilities, dtype=np.float64), np.asarray(correct, dtype=bool)
