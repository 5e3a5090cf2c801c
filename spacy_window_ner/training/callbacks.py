"""A callback for `[training.before_to_disk]`: calibrate a window_ner, and choose its threshold.

Viterbi decoding finds the most probable tag sequence, which is not the set of entities with the
best F1: where names are hard to recognize, it misses most of them. Here spans are ranked by
probability, and the cut with the best F1 on the development data becomes the threshold.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from spacy.language import Language
from spacy.training import Corpus, Example
from spacy.vocab import Vocab
from wasabi import msg

from ..confidence.guarantees import DEFAULT_CONFIDENCE, NotCarriedError, parse_guarantees
from ..confidence.scored_examples import find_component, score_examples
from ..confidence.tuning import best_threshold, calibrate, keep, with_copy_of
from ..decoding.thresholds import Threshold
from ..files.serialization import round_to_half_precision

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
    guarantee (Optional[Mapping[str, float]]): What the saved pipeline has to guarantee: `recall` or
        `precision` of the entities, `candidates_recall`. Where the data cannot carry it, there is a
        warning, and the threshold is that with the best F1.
    confidence (float): The confidence of the guarantee.
    RETURNS (Callable): Returns a copy of a pipeline with the component calibrated and the threshold
        chosen; prints a line with both, and writes the scores that the copy has to its
        `meta["performance"]`. The parameters of the copy take 16 bits each on disk, but for those
        of the scores and transitions, which calibration changes afterwards. In the pipeline itself,
        only the threshold is changed, so that training goes on with the same network.
    RAISES (ValueError): If the guarantee is invalid.
    """
    guarantees = parse_guarantees(guarantee, confidence)
    # Training comes back for each pipeline that is better than those before.
    examples_of: dict[Vocab, list[Example]] = {}

    def callback(nlp: Language) -> Language:
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
        f_score = report_scores(saved, examples)
        msg.info(
            f"[{name}] {describe_calibration(temperature, component.threshold, f_score)} on {path}"
        )
        return saved

    return callback


def _read(path: Path | None, nlp: Language) -> list[Example]:
    if path is None:
        raise ValueError(
            "[training.before_to_disk] needs development data: set its path, for example to "
            "${paths.dev}, or set [training] before_to_disk = null."
        )
    return list(Corpus(path)(nlp))


def describe_calibration(temperature: float | None, threshold: Threshold, f_score: float) -> str:
    """RETURNS (str): One line on what was chosen, and the F1 that it has."""
    chosen = "nothing to calibrate yet"
    if temperature is not None:
        chosen = f"temperature {temperature:.2f}, threshold {threshold}"
    return f"{chosen}: F1 {100 * f_score:.2f}"


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
