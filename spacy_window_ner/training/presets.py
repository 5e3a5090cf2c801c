"""The presets: complete configs for training, and pipelines with new networks.

The files in `spacy_window_ner/configs` contain only what differs from the defaults. Everything else
is filled in from the registered functions, as `spacy init fill-config` does.
"""

from collections.abc import Sequence
from enum import Enum
from pathlib import Path

import spacy
from spacy import util
from spacy.language import Language
from thinc.api import Config

from .size import count_words, fit_to_size
from .start_from import NAME, set_start

PRESETS_PATH = Path(__file__).parents[1] / "configs"


class Preset(str, Enum):
    """What a config is for."""

    efficiency = "efficiency"
    accuracy = "accuracy"
    shared_tok2vec = "shared_tok2vec"
    names = "names"
    textbook = "textbook"


PRESETS = [preset.value for preset in Preset]
# Their networks read what other components write.
_NOT_ALONE = {Preset.shared_tok2vec.value, Preset.names.value}


def init_config(
    preset: str,
    *,
    lang: str | None = None,
    vectors: str | None = None,
    pipeline: Sequence[str] | None = None,
    base: str | None = None,
    train: Path | None = None,
    dev: Path | None = None,
) -> Config:
    """Generate a config for `spacy train` that leaves nothing to defaults.

    preset (str): One of `PRESETS`.
    lang (Optional[str]): Code of the language; that of `base` if None, or English.
    vectors (Optional[str]): Name or path of a pipeline with word vectors, for `paths.vectors`.
    pipeline (Optional[Sequence[str]]): Names of the components in order, with `window_ner` among
        them; only those of the preset if None. The others get their default settings; with
        `shared_tok2vec`, components that can listen to its `tok2vec` do so.
    base (Optional[str]): Name or path of the pipeline to begin from. Its network, word vectors and
        clusters take the place of those of the preset.
    train (Optional[Path]): Training data, a `.spacy` file or a folder of them. The length of the
        training and the batches follow its size.
    dev (Optional[Path]): Development data.
    RETURNS (Config): The config, with its variables in place.
    RAISES (ValueError): If there is no such preset, language or component, the pipeline has no
        `window_ner` or a component twice, nothing can begin from the base, or the training data
        cannot be read.
            (OSError): If the base is not there.
    """
    if preset not in PRESETS:
        raise ValueError(f"Unknown preset {preset!r}: use one of {', '.join(PRESETS)}.")
    common, changes = (
        util.load_config(PRESETS_PATH / f"{name}.cfg", interpolate=False)
        for name in ("common", preset)
    )
    config = common.merge(changes)
    config["paths"].update(vectors=vectors, train=train and str(train), dev=dev and str(dev))
    nlp = None if base is None else _load_base(preset, base, vectors)
    if nlp is not None and lang not in (None, nlp.lang):
        raise ValueError(f"The language of {base} is {nlp.lang!r}: leave --lang out.")
    config["nlp"]["lang"] = lang = nlp.lang if nlp is not None else lang or "en"
    try:
        if pipeline is not None:
            _set_pipeline(config, pipeline)
        config = util.load_model_from_config(config, auto_fill=True).config
    except ImportError as error:
        raise ValueError(f"The language {lang!r} is not available: {error}") from error
    if nlp is not None and base is not None:
        set_start(config, nlp, base)
    if train is not None:
        fit_to_size(config, count_words(train))
    return config


def _load_base(preset: str, base: str, vectors: str | None) -> Language:
    """Load the pipeline to begin from, if that is possible with the other options."""
    if preset in _NOT_ALONE:
        raise ValueError(
            f"The network of the preset {preset} reads what other components write, which that of "
            f"{base} does not. Use {', '.join(name for name in PRESETS if name not in _NOT_ALONE)}."
        )
    if vectors is not None:
        raise ValueError(f"The word vectors are those of {base}: leave --vectors out.")
    return util.load_model(base)


def _set_pipeline(config: Config, pipeline: Sequence[str]) -> None:
    """Add components with their default settings to a preset."""
    if NAME not in pipeline:
        raise ValueError(f"The pipeline has no {NAME}: {', '.join(pipeline) or 'it is empty'}.")
    if len(set(pipeline)) < len(pipeline):
        raise ValueError(f"The pipeline has a component twice: {', '.join(pipeline)}.")
    nlp = spacy.blank(config["nlp"]["lang"])  # this registers the factories
    components = config["components"]
    listener = components[NAME].get("model", {}).get("tok2vec", {})
    for name in pipeline:
        if name in components:
            continue
        if not nlp.has_factory(name):
            raise ValueError(
                f"There is no component {name!r}. Use the names of factories, such as 'tagger', "
                f"separated by commas."
            )
        components[name] = {"factory": name}
        defaults = nlp.get_factory_meta(name).default_config or {}
        if "tok2vec" in components and "tok2vec" in defaults.get("model", {}):
            components[name]["model"] = {"tok2vec": {**listener}}
    # The components of the preset that window_ner depends on stay in front.
    needed = [name for name in config["nlp"]["pipeline"] if name != NAME]
    config["nlp"]["pipeline"] = [*needed, *(name for name in pipeline if name not in needed)]


def new_pipeline(preset: str, lang: str) -> Language:
    """RETURNS (Language): A pipeline with the network of a preset, not initialized. It does without
    Brown clusters, which few languages have.
    """
    config = init_config(preset, lang=lang)
    config["initialize"]["lookups"] = None
    tok2vec = config["components"][NAME]["model"]["tok2vec"]
    columns = zip(tok2vec["attrs"], tok2vec["rows"], tok2vec["widths"], strict=True)
    without = [column for column in columns if not column[0].startswith("CLUSTER")]
    tok2vec["attrs"], tok2vec["rows"], tok2vec["widths"] = map(list, zip(*without, strict=True))
    return util.load_model_from_config(config)
