"""A callback for `[training.before_to_disk]` that calibrates a window_ner and sets its threshold.

Viterbi decoding finds the most probable tag sequence, which is not the set of entities with the
best F1: if names are hard to recognize, it misses most of them. Instead, spans are ranked by
probability, and the threshold with the best F1 on the development data is chosen.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import srsly
from spacy.language import Language
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model
from wasabi import msg

from ..confidence.guarantees import DEFAULT_CONFIDENCE, NotCarriedError, parse_guarantees
from ..confidence.scored_examples import copy_and_run, find_component, score_examples
from ..confidence.tuning import best_threshold, calibrate, keep, with_copy_of
from ..decoding.thresholds import Threshold
from ..files.saving import checksum
from ..files.serialization import round_to_half_precision
from ..network.layers.to_numpy import NUMPY_OPS
from .corpus import SentenceCorpus

Callback = Callable[[Language], Language]


def create_calibrate(
    path: Path | None,
    name: str = "window_ner",
    guarantee: Mapping[str, float] | None = None,
    confidence: float = DEFAULT_CONFIDENCE,
) -> Callback:
    """Make `spacy_window_ner.calibrate.v1`, a callback for `[training.before_to_disk]`.

    path (Optional[Path]): Development data in spaCy's binary format.
    name (str): Name of the component.
    guarantee (Optional[Mapping[str, float]]): The minimum `recall` or `precision` of the entities,
        or `candidates_recall`, to guarantee. If the data does not support it, there is a warning,
        and the threshold with the best F1 is used.
    confidence (float): The confidence level of the guarantee.
    RETURNS (Callable): Takes a pipeline and returns a calibrated copy with the chosen threshold. It
        prints a line with both, and writes the scores of the copy to its `meta["performance"]`. The
        parameters of the copy take 16 bits each on disk, except for those of the scores and
        transitions, which calibration changes. In the pipeline itself, only the threshold is
        changed, so that training continues with the same network.
    RAISES (ValueError): If the guarantee is invalid.
    """
    guarantees = parse_guarantees(guarantee, confidence)
    # Training comes back for each pipeline that is better than those before.
    examples_of: dict[Vocab, list[Example]] = {}
    saved_of: dict[str, Language] = {}

    def callback(nlp: Language) -> Language:
        # At the end of training, spaCy saves the last pipeline a second time.
        state = _state_of(nlp)
        if state in saved_of:
            return saved_of[state]
        saved_of.clear()
        if nlp.vocab not in examples_of:
            examples_of.clear()
            examples_of[nlp.vocab] = _read(path, nlp)
        examples = examples_of[nlp.vocab]
        saved = with_copy_of(nlp, name)
        component = find_component(saved, name)
        round_to_half_precision(component.model)
        scored = score_examples(saved, name, examples)
        find_component(nlp, name).threshold = best_threshold(scored)
        temperature, scored = calibrate(saved, name, scored)
        for one in guarantees:
            try:
                keep(component, scored, one)
            except NotCarriedError as error:
                msg.warn(f"[{name}] {error}")
            else:
                msg.info(f"[{name}] {one}: {one.setting} {component.cfg[one.setting]:.4f}")
        f_score = report_scores(saved, name, examples)
        msg.info(
            f"[{name}] {describe_calibration(temperature, component.threshold, f_score)} on {path}"
        )
        saved_of[state] = saved
        return saved

    return callback


def _state_of(nlp: Language) -> str:
    """A hash of the parameters of a pipeline and of its meta."""
    models = [getattr(pipe, "model", None) for _, pipe in nlp.components]
    nodes = [node for model in models if isinstance(model, Model) for node in model.walk()]
    arrays = [
        NUMPY_OPS.to_numpy(node.get_param(name)).tobytes()
        for node in nodes
        for name in node.param_names
        if node.has_param(name)
    ]
    return checksum(b"".join([*arrays, srsly.json_dumps(nlp.meta).encode()]))


def _read(path: Path | None, nlp: Language) -> list[Example]:
    if path is None:
        raise ValueError(
            "[training.before_to_disk] needs development data. Set its path, for example to "
            "${paths.dev}, or set before_to_disk = null in [training]."
        )
    return list(SentenceCorpus(path)(nlp))


def describe_calibration(temperature: float | None, threshold: Threshold, f_score: float) -> str:
    """RETURNS (str): One line with the temperature, the threshold and F1."""
    chosen = "nothing to calibrate yet"
    if temperature is not None:
        chosen = f"temperature {temperature:.2f}, threshold {threshold}"
    return f"{chosen}: F1 {100 * f_score:.2f}"


def report_scores(nlp: Language, name: str, examples: Sequence[Example]) -> float:
    """Score the entities of a pipeline, and write its scores to its meta.

    nlp (Language): The pipeline; `nlp.meta["performance"]` is changed.
    name (str): The name of the component.
    examples (Sequence[Example]): The development data.
    RETURNS (float): F1 of entities, from 0 to 1.
    """
    scores = find_component(nlp, name).score(copy_and_run(nlp, None, examples))
    performance = nlp.meta.setdefault("performance", {})
    names = {*performance, "ents_f", "ents_p", "ents_r", "ents_per_type"}
    performance.update({name: scores[name] for name in names if name in scores})
    return scores["ents_f"] or 0.0
