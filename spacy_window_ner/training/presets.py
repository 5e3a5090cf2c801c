"""The presets: complete configs for training, and pipelines with new networks.

The files in `spacy_window_ner/configs` only contain settings that differ from the defaults.
Everything else is filled in from the registered functions, as `spacy init fill-config` does.
"""

from collections.abc import Sequence
from enum import Enum
from pathlib import Path

import spacy
from spacy import util
from spacy.language import Language
from spacy.lookups import Lookups
from thinc.api import Config

from ..network.lexicon import CLUSTER_TABLE
from .lookups import create_lookups
from .size import count_words, fit_to_size
from .start_from import NAME, set_start

PRESETS_PATH = Path(__file__).parents[1] / "configs"


class Preset(str, Enum):
    """The presets for configs."""

    efficiency = "efficiency"
    accuracy = "accuracy"
    shared_tok2vec = "shared_tok2vec"
    names = "names"
    textbook = "textbook"


PRESETS = [preset.value for preset in Preset]
# Their networks use the output of other components.
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
    """Generate a complete config for `spacy train`.

    preset (str): One of `PRESETS`.
    lang (Optional[str]): Language code; that of `base` if None, or English.
    vectors (Optional[str]): Name or path of a pipeline with word vectors, for `paths.vectors`.
    pipeline (Optional[Sequence[str]]): Names of the components in order, including `window_ner`;
        only those of the preset if None. Other components get their default settings. With
        `shared_tok2vec`, components that can listen to its `tok2vec` do so.
    base (Optional[str]): Name or path of the pipeline to start from. Its network, word vectors and
        clusters replace those of the preset.
    train (Optional[Path]): Training data, a `.spacy` file or a folder of them. The number of steps
        and the batch size are adapted to its size.
    dev (Optional[Path]): Development data.
    RETURNS (Config): The config, with variables that are not interpolated.
    RAISES (ValueError): If the preset, language or a component is unknown, the pipeline has no
        `window_ner` or a component twice, training cannot start from the base, or the training data
        cannot be read.
            (OSError): If the base does not exist.
    """
    if preset not in PRESETS:
        raise ValueError(f"Unknown preset {preset!r}. Use one of {', '.join(PRESETS)}.")
    common, changes = (
        util.load_config(PRESETS_PATH / f"{name}.cfg", interpolate=False)
        for name in ("common", preset)
    )
    config = common.merge(changes)
    config["paths"].update(vectors=vectors, train=train and str(train), dev=dev and str(dev))
    nlp = None if base is None else _load_base(preset, base, vectors)
    if nlp is not None and lang not in (None, nlp.lang):
        raise ValueError(f"The language of {base} is {nlp.lang!r}. Leave out --lang.")
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
    """Load the pipeline to start from, if this is compatible with the other options."""
    if preset in _NOT_ALONE:
        raise ValueError(
            f"The preset {preset} uses the output of other components, but the network of {base} "
            f"does not. Use one of {', '.join(name for name in PRESETS if name not in _NOT_ALONE)}."
        )
    if vectors is not None:
        raise ValueError(f"The word vectors of {base} are used. Leave out --vectors.")
    return util.load_model(base)


def _set_pipeline(config: Config, pipeline: Sequence[str]) -> None:
    """Add components with their default settings to a preset."""
    if NAME not in pipeline:
        raise ValueError(
            f"The pipeline must contain {NAME}, but is {', '.join(pipeline) or 'empty'}."
        )
    if len(set(pipeline)) < len(pipeline):
        raise ValueError(f"The pipeline contains a component twice: {', '.join(pipeline)}.")
    nlp = spacy.blank(config["nlp"]["lang"])  # this registers the factories
    components = config["components"]
    listener = components[NAME].get("model", {}).get("tok2vec", {})
    for name in pipeline:
        if name in components:
            continue
        if not nlp.has_factory(name):
            raise ValueError(
                f"Unknown component {name!r}. Use the names of factories, such as 'tagger', "
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
    """RETURNS (Language): A pipeline with the network of a preset, not initialized. It has Brown
    clusters if the preset uses them, and `spacy-lookups-data` has them for the language.
    """
    config = init_config(preset, lang=lang)
    tok2vec = config["components"][NAME]["model"]["tok2vec"]
    uses_clusters = config["initialize"]["lookups"] is not None
    lookups = create_lookups(lang) if uses_clusters else Lookups()
    config["initialize"]["lookups"] = None
    if not lookups.has_table(CLUSTER_TABLE):
        columns = zip(tok2vec["attrs"], tok2vec["rows"], tok2vec["widths"], strict=True)
        without = [column for column in columns if not column[0].startswith("CLUSTER")]
        tok2vec["attrs"], tok2vec["rows"], tok2vec["widths"] = map(list, zip(*without, strict=True))
    nlp = util.load_model_from_config(config)
    for name in lookups.tables:
        nlp.vocab.lookups.set_table(name, lookups.get_table(name))
    return nlp
