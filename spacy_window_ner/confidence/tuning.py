"""Calibrate a component and choose its thresholds on development data."""

from copy import copy, deepcopy
from typing import Any

from spacy.language import Language
from thinc.api import Model

from ..component import WindowNER
from ..decoding.thresholds import LOWEST, best_cut
from ..settings import change_settings, remember_pipeline
from .guarantees import Guarantee, find_threshold
from .scored_examples import ScoredExamples, find_component

CANDIDATES_KEY = "window_ner_candidates"


def best_threshold(scored: ScoredExamples) -> float | None:
    """Find the threshold with the best F1.

    scored (ScoredExamples): The development data.
    RETURNS (Optional[float]): The threshold; None if the network finds no correct entity.
    """
    found = scored.entities(LOWEST)
    if not found.correct.any():
        return None
    return best_cut(found.probabilities, found.correct, int(scored.n_gold.sum()))


def calibrate(
    nlp: Language, name: str, scored: ScoredExamples
) -> tuple[float | None, ScoredExamples]:
    """Calibrate a component, and choose the threshold with the best F1. A network that has not
    learned anything yet, so that it finds no entity after calibration, is left unchanged.

    nlp (Language): The pipeline, which is changed.
    name (str): The name of the component.
    scored (ScoredExamples): The scores of the component on the development data.
    RETURNS (Tuple[Optional[float], ScoredExamples]): The temperature, None if it is left unchanged,
        and the new scores.
    """
    component = find_component(nlp, name)
    calibration = scored.fit()
    corrected = scored.corrected(calibration)
    threshold = best_threshold(corrected)
    if threshold is None:
        return None, scored
    calibration.fold(component.model)
    component.threshold = threshold
    return calibration.temperature, corrected


def keep(component: WindowNER, scored: ScoredExamples, guarantee: Guarantee) -> float:
    """Set the threshold of a component so that a guarantee holds.

    component (WindowNER): The component. If the guarantee is about candidates, they are predicted
        from now on, under `CANDIDATES_KEY` if the component has no key for them.
    scored (ScoredExamples): The scores of the component on the calibration documents.
    guarantee (Guarantee): The guarantee.
    RETURNS (float): The threshold.
    RAISES (NotCarriedError): If the data does not support it.
    """
    threshold = find_threshold(scored, guarantee)
    settings: dict[str, Any] = {guarantee.setting: threshold}
    if guarantee.setting == "candidates_threshold" and component.cfg["candidates_key"] is None:
        settings["candidates_key"] = CANDIDATES_KEY
    change_settings(component, settings)
    return threshold


def with_component(nlp: Language, name: str, model: Model, cfg: dict[str, Any]) -> Language:
    """Copy a pipeline with a different network and settings for one component. The other
    components, config and meta are the same.

    nlp (Language): The pipeline.
    name (str): The name of the component, a `window_ner`.
    model (thinc.api.Model): The network.
    cfg (Dict[str, Any]): The settings, checked.
    RETURNS (Language): The copy.
    """
    component = find_component(nlp, name)
    changed = WindowNER(
        component.vocab,
        model,
        component.name,
        spans_key=cfg["spans_key"],
        scorer=component.scorer,
    )
    changed.cfg = cfg
    other = copy(nlp)
    other._components = [(n, changed if n == name else pipe) for n, pipe in nlp._components]
    return other


def with_copy_of(nlp: Language, name: str) -> Language:
    """Copy a pipeline to save it with a changed component. All other components are the same.

    nlp (Language): The pipeline.
    name (str): The name of the component, a `window_ner`.
    RETURNS (Language): The copy, with copies of the component, its network and its settings.
    """
    component = find_component(nlp, name)
    other = with_component(nlp, name, deepcopy(component.model), deepcopy(component.cfg))
    other._pipe_configs = deepcopy(nlp._pipe_configs)
    other._meta = deepcopy(nlp._meta)
    remember_pipeline(find_component(other, name), other)
    return other
