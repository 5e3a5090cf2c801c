"""Answer spaCy's factories `ner`, `beam_ner` and its `EntityRecognizer` by `window_ner`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import catalogue
import pytest
from spacy import registry
from spacy.language import Language
from spacy.vocab import Vocab
from thinc.api import Model

from spacy_window_ner import WindowNER
from spacy_window_ner.component import DEFAULT_MODEL, make_window_ner

FACTORIES = ("ner", "beam_ner")
# Settings of the transition parser and of its network, which have no counterpart here.
PARSER_SETTINGS = (
    "moves",
    "update_with_oracle_cut_size",
    "beam_width",
    "beam_density",
    "beam_update_prob",
    "multitasks",
)
PARSER_NETWORK = "spacy.TransitionBasedParser."
PARSER_NETWORK_SETTINGS = ("use_upper",)


def entity_recognizer(vocab: Vocab, model: Model, name: str = "ner", **settings: Any) -> WindowNER:
    """Stand in for the class `EntityRecognizer`."""
    return WindowNER(vocab, model, name, **_without(settings, PARSER_SETTINGS))


# What the names that spaCy's test modules import stand for.
NAMES: dict[str, Any] = {
    "EntityRecognizer": entity_recognizer,
    "DEFAULT_NER_MODEL": DEFAULT_MODEL,
    # Tests of any parser class build an EntityRecognizer around this one.
    "DEFAULT_PARSER_MODEL": DEFAULT_MODEL,
}


def answer_by_window_ner(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> list[WindowNER]:
    """Swap for as long as the monkeypatch lasts.

    monkeypatch (pytest.MonkeyPatch): What to patch by.
    module (ModuleType): The module of the tests, for the names that it imported.
    RETURNS (List[WindowNER]): The components built so far; it grows.
    """
    # spaCy registers its factories where it makes the first pipeline of a process.
    meta = Language().get_factory_meta("window_ner")
    for name in FACTORIES:
        entry = (*registry.factories.namespace, name)
        monkeypatch.setitem(catalogue.REGISTRY, entry, make_window_ner)
        monkeypatch.setitem(Language._factory_meta, name, replace(meta, factory=name))
    monkeypatch.setattr(Language, "create_pipe", _translating(Language.create_pipe))
    for name, stand_in in NAMES.items():
        if hasattr(module, name):
            monkeypatch.setattr(module, name, stand_in)
    built: list[WindowNER] = []
    monkeypatch.setattr(WindowNER, "__init__", _noting(WindowNER.__init__, built))
    return built


def _noting(init: Callable, built: list[WindowNER]) -> Callable:
    def noted(self: WindowNER, *args: Any, **settings: Any) -> None:
        init(self, *args, **settings)
        built.append(self)

    return noted


def _translating(create_pipe: Callable) -> Callable:
    """`Language.create_pipe`, with the config of a `ner` read as that of a `window_ner`."""

    def create(nlp: Language, factory: str, name: str | None = None, **options: Any) -> Any:
        if factory not in FACTORIES:
            return create_pipe(nlp, factory, name, **options)
        network = options.get("config", {}).get("model", {})
        configs = {key: options[key] for key in ("config", "raw_config") if options.get(key)}
        options.update({key: _translated(config) for key, config in configs.items()})
        pipe = create_pipe(nlp, factory, name, **options)
        if "use_upper" in network:  # a test reads back which kind of network it has got
            pipe.model.attrs["has_upper"] = network["use_upper"]
        return pipe

    return create


def _translated(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a `ner` as that of a `window_ner` on the same token vectors."""
    config = _without(config, PARSER_SETTINGS)
    model = config.get("model", {})
    if model.get("@architectures", "").startswith(PARSER_NETWORK):
        config["model"] = {**DEFAULT_MODEL, "tok2vec": model["tok2vec"]}
    elif model:
        config["model"] = _without(model, PARSER_NETWORK_SETTINGS)
    return config


def _without(settings: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in keys}
