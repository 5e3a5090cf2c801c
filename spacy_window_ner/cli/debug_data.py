"""`python -m spacy window-ner debug-data`: what may be wrong with training and development data."""

import zlib
from pathlib import Path
from typing import Any

from spacy import util
from spacy.cli._util import show_validation_error
from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.training import Example
from spacy.training.initialize import get_sourced_components, init_nlp
from spacy.util import registry, resolve_dot_names
from thinc.api import Config, ConfigValidationError
from wasabi import Printer

from ..component import WindowNER
from .corpus_facts import read_corpus
from .data_report import Report
from .resources_report import report_clusters, report_lists


def debug_data(
    config_path: Path,
    overrides: dict[str, Any],
    *,
    ignore_warnings: bool = False,
    verbose: bool = False,
    no_format: bool = False,
) -> bool:
    """Check the data that a config trains window_ner on, and print the findings.

    config_path (Path): The config.
    overrides (Dict[str, Any]): Settings that override those of the config.
    ignore_warnings (bool): Whether to print facts and errors only.
    verbose (bool): Whether to print more examples of each kind.
    no_format (bool): Whether to print without colors and symbols.
    RETURNS (bool): Whether there are no errors.
    RAISES (SystemExit): With a message, if there is nothing to check.
    """
    msg = Printer(pretty=not no_format, ignore_warnings=ignore_warnings)
    report = Report(msg, n_shown=10 if verbose else 3)
    msg.divider("Loading")
    with show_validation_error(config_path):
        config = util.load_config(config_path, overrides=overrides, interpolate=False)
        nlp, initialized = _initialize(config, msg)
    components = [pipe for _, pipe in nlp.pipeline if isinstance(pipe, WindowNER)]
    if not components:
        msg.fail(
            f"There is no window_ner in the pipeline: {nlp.pipe_names}",
            "`python -m spacy debug data` checks the data of spaCy's own components.",
            exits=1,
        )
    corpora = _read_examples(nlp, msg)
    train, dev = (read_corpus(examples, nlp.vocab) for examples in corpora)
    sourced = get_sourced_components(config)
    report.corpora(train, dev, continues=bool(sourced))
    report.words(train, dev)
    report.vectors(nlp, components, train, dev)
    report_clusters(msg, nlp, components, train, dev)
    if initialized:
        corpora_by_name = list(zip(("training", "development"), corpora, strict=True))
        report_lists(msg, nlp, components, corpora_by_name)
    report.annotation(train, dev)
    report.labels(train, dev)
    for component in components:
        msg.divider(f"Component '{component.name}'")
        if component.name in nlp.config["training"]["frozen_components"]:
            msg.info("The component is frozen: training does not change it.")
        elif initialized:
            report.model_labels(component, train, dev, sourced=component.name in sourced)
        if component.incorrect_spans_key is not None:
            report.incorrect_spans(component, corpora[0])
    return report.summary()


def _initialize(config: Config, msg: Printer) -> tuple[Language, bool]:
    """Initialize the pipeline as `spacy train` does; if that fails, continue without."""
    try:
        loaded = util.load_model_from_config(config, auto_fill=True)
    except (ImportError, OSError, ValueError) as error:
        if isinstance(error, ConfigValidationError):
            raise
        return msg.fail("Not a config of a pipeline", _text_of(error), exits=1)
    try:
        nlp = init_nlp(config)
    except ConfigValidationError:
        raise
    except Exception as error:  # components and readers may raise anything
        msg.fail("The pipeline cannot be initialized with the training data", _text_of(error))
        return loaded, False
    msg.good("The pipeline can be initialized with the training data")
    return nlp, True


def _read_examples(nlp: Language, msg: Printer) -> tuple[list[Example], list[Example]]:
    config = nlp.config.interpolate()
    settings = registry.resolve(config["training"], schema=ConfigSchemaTraining)
    names = [settings["train_corpus"], settings["dev_corpus"]]
    try:
        train_corpus, dev_corpus = resolve_dot_names(config, names)
        examples = list(train_corpus(nlp)), list(dev_corpus(nlp))
    except (ValueError, OSError, zlib.error) as error:
        return msg.fail("The corpora cannot be read", _text_of(error), exits=1)
    msg.good("The corpora can be read")
    return examples


def _text_of(error: Exception) -> str:
    return str(error) or type(error).__name__
