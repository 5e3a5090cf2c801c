"""Choose the threshold of a trained window_ner on development data, when a pipeline is saved.

Viterbi decoding finds the most probable tag sequence, which is not the set of entities with the
best F1: where names are hard to recognize, it misses most of them. Here spans are ranked by
probability, and the cuts with the best F1 on the development data become the thresholds of the
labels.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from spacy import registry
from spacy.language import Language
from spacy.training import Corpus, Example
from wasabi import msg

from .component import WindowNER
from .thresholds import LOWEST, Threshold, best_cut, best_cuts, is_setting

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
        msg.info(f"[{name}] threshold {_to_text(threshold)}: F1 {100 * f_score:.2f} on {path}")
        return nlp

    return callback


def _to_text(threshold: Threshold) -> str:
    if not isinstance(threshold, dict):
        return str(threshold)
    return ", ".join(f"{label} {value}" for label, value in threshold.items())


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


def set_best_threshold(nlp: Language, name: str, examples: list[Example]) -> Threshold:
    """Set the threshold of a component to the values with the best F1 on examples.

    nlp (Language): The pipeline; its settings are changed.
    name (str): Name of the component, a WindowNER. Objectives other than `crf` have no threshold.
    examples (List[Example]): The development data.
    RETURNS (Optional[Union[float, Dict[str, float]]]): The threshold, if the component has one now.
    RAISES (ValueError): If the component is not a WindowNER.
    """
    component = nlp.get_pipe(name)
    if not isinstance(component, WindowNER):
        raise ValueError(f"find_threshold is for a window_ner, but '{name}' is {type(component)}.")
    if component.model.attrs["objective"] == "crf":
        names = component.label_data
        counts = Counter(ent.label_ for example in examples for ent in example.reference.ents)
        n_gold = [counts[name] for name in names]
        probabilities, correct, labels = _scored_spans(nlp, component, examples)
        cuts = best_cuts(probabilities, correct, labels, n_gold)
        if len(set(cuts)) > 1 and all(map(is_setting, names)):
            component.threshold = dict(zip(names, cuts, strict=True))
        else:
            component.threshold = best_cut(probabilities, correct, sum(n_gold))
    return component.threshold


def _scored_spans(
    nlp: Language, component: WindowNER, examples: list[Example]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Probabilities above `LOWEST` of spans, which spans are entities, and the numbers of their
    labels: (n_spans,) each.
    """
    before = component.cfg
    component.cfg = {**before, "threshold": LOWEST, "spans_key": _KEY}
    try:
        # Copies, since documents keep the entities that are set in them.
        docs = list(nlp.pipe(example.predicted.copy() for example in examples))
    finally:
        component.cfg = before
    numbers = {label: n for n, label in enumerate(component.label_data)}
    probabilities, correct, labels = [], [], []
    for doc, example in zip(docs, examples, strict=True):
        group = doc.spans[_KEY]
        gold = {(ent.start_char, ent.end_char, ent.label) for ent in example.reference.ents}
        correct += [(span.start_char, span.end_char, span.label) in gold for span in group]
        probabilities += group.attrs["scores"].tolist()
        labels += [numbers[span.label_] for span in group]
    return (
        np.asarray(probabilities, dtype=np.float64),
        np.asarray(correct, dtype=bool),
        np.asarray(labels, dtype=np.int64),
    )
