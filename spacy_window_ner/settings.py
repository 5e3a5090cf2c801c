"""Checks the settings of a component, and keeps the config of its pipeline in sync with them."""

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from spacy.language import Language
from spacy.pipeline import TrainablePipe
from thinc.api import Model

from .decoding.thresholds import checked, probability
from .network.layers.gazetteer import GAZETTEER

# The pipeline that each component was made for, and those that sourced it, whose configs have its
# settings too. They are not an attribute of the component: copies and pickles of a component would
# contain them.
_PIPELINES: "WeakKeyDictionary[TrainablePipe, WeakSet[Language]]" = WeakKeyDictionary()


def remember_pipeline(component: TrainablePipe, nlp: Language) -> None:
    """Register a pipeline that a component was created for, or that sourced it."""
    _PIPELINES.setdefault(component, WeakSet()).add(nlp)


def pipelines_of(component: TrainablePipe) -> list[Language]:
    """RETURNS (List[Language]): The existing pipelines that a component belongs to."""
    return list(_PIPELINES.get(component, ()))


def change_settings(component: TrainablePipe, settings: Mapping[str, Any]) -> None:
    """Change settings of a component, and in the configs of its pipelines.

    component (TrainablePipe): The component.
    settings (Mapping[str, Any]): The new settings, checked.
    """
    component.cfg.update(settings)
    for nlp in pipelines_of(component):
        for name, other in nlp.components:
            if other is component:
                config = nlp.get_pipe_config(name)
                config.update({key: settings[key] for key in config.keys() & settings.keys()})


def complete_settings(
    settings: Mapping[str, Any], own: Mapping[str, Any], *, allow_unknown: bool
) -> dict[str, Any]:
    """Complete settings that were saved.

    settings (Mapping[str, Any]): The settings.
    own (Mapping[str, Any]): The settings of the component, used for missing ones.
    allow_unknown (bool): Whether to allow unknown settings, which other code may have added.
    RETURNS (Dict[str, Any]): All settings.
    RAISES (ValueError): If there are unknown settings.
    """
    unknown = [name for name in settings if name not in own]
    if unknown and not allow_unknown:
        raise ValueError(
            f"it has the unknown settings {', '.join(map(repr, unknown))}. Known settings are "
            f"{', '.join(own)}. It may have been saved by another version of spacy-window-ner"
        )
    return {**own, **settings}


def checked_settings(settings: Mapping[str, Any], model: Model) -> dict[str, Any]:
    """Check the settings of a component.

    settings (Mapping[str, Any]): The settings, as in `WindowNER.cfg`.
    model (Model): Its network.
    RETURNS (Dict[str, Any]): The same, as they are saved.
    RAISES (ValueError): If a threshold is out of range or has unknown labels, a key is not a
        string, or two keys are the same.
    """
    for name in ("spans_key", "candidates_key", "incorrect_spans_key"):
        key = settings[name]
        if key is not None and not (isinstance(key, str) and key):
            raise ValueError(
                f"{name} must be a key of doc.spans (a non-empty string) or null, got {key!r}."
            )
    threshold = checked(settings["threshold"], settings["labels"])
    least = probability("candidates_threshold", settings["candidates_threshold"])
    spans_key, candidates_key = settings["spans_key"], settings["candidates_key"]
    if candidates_key is not None and candidates_key == spans_key:
        raise ValueError(
            f"spans_key and candidates_key are both {spans_key!r}, so the candidates would replace "
            f"the entities. Use different keys."
        )
    gazetteers = [node.attrs["spans_key"] for node in model.walk() if node.name == GAZETTEER]
    for name, key in (("spans_key", spans_key), ("candidates_key", candidates_key)):
        if key in gazetteers:
            raise ValueError(
                f"{name} and gazetteer_key are both {key!r}, so the network would use its own "
                f"predictions as matches in lists of names. Use different keys."
            )
    return {**settings, "threshold": threshold, "candidates_threshold": least}
