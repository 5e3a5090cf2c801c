"""`python -m spacy window-ner debug-data`: spaCy's checks of the data, then those of window_ner:
which annotation it can learn from, which labels it has, and how much its resources cover.
"""

from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from unittest.mock import patch

import typer
from spacy import util
from spacy.cli._util import import_code, show_validation_error
from spacy.language import DEFAULT_CONFIG, Language
from spacy.schemas import ConfigSchemaTraining
from spacy.training import Example
from spacy.training.initialize import get_sourced_components, init_nlp
from thinc.api import Config, ConfigValidationError
from wasabi import MESSAGES, Printer

from ..annotations import Gold, read_gold
from ..component import WindowNER
from ..labels import annotated_labels, label_numbers, labels_of
from ..sequences.tags import MISSING
from ..training.start_from import START_FROM
from .options import WITH_OVERRIDES, Code, new_app, overrides
from .resources_report import report_lists, report_words

app = new_app()

# Below this number of words of training data there is some advice.
FEW_WORDS = 20_000
_COPY = "spacy.copy_from_base_model.v1"
Corpora = dict[str, list[Example]]


@app.command("debug-data", context_settings=WITH_OVERRIDES)
def debug_data(
    ctx: typer.Context,
    config_path: Annotated[Path, typer.Argument(help="Path to a config", exists=True)],
    code_path: Code = None,
    ignore_warnings: Annotated[
        bool,
        typer.Option(
            "--ignore-warnings", "-IW", help="Ignore warnings, only show stats and errors"
        ),
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-V", help="Print more examples")] = False,
    no_format: Annotated[
        bool, typer.Option("--no-format", "-NF", help="Don't pretty-print the results")
    ] = False,
) -> None:
    """Check the training and development data. Runs `spacy debug data`, then reports which
    annotation cannot be used for training, how the labels of both data sets differ, and how much of
    the data is covered by word vectors, clusters and lists of names. Exits with code 1 if there are
    errors. Settings of the config can be overridden as in `spacy train`, for example --paths.train
    train.spacy.
    """
    import_code(code_path)
    msg = Printer(pretty=not no_format, ignore_warnings=ignore_warnings)
    with show_validation_error(config_path):
        given = util.load_config(config_path, overrides=overrides(ctx), interpolate=False)
        config = Config(DEFAULT_CONFIG).merge(given)
        nlp, corpora = _load(config, msg)
    components = [pipe for _, pipe in nlp.pipeline if isinstance(pipe, WindowNER)]
    if not components:
        msg.fail(
            f"The pipeline has no window_ner component: {nlp.pipe_names}",
            "To check the data of spaCy's own components, use `python -m spacy debug data`.",
            exits=1,
        )
    names = [pipe.name for pipe in components]
    passed = _check_as_ner(config, names, ignore_warnings, verbose, no_format)
    sourced = get_sourced_components(config)
    for component in components:
        report = _Report(msg, component, corpora, 10 if verbose else 3)
        report.annotation(is_new=not sourced and not _source(config, "after_init"))
        if component.name in nlp.config["training"]["frozen_components"]:
            msg.info("The component is frozen, so training does not change it.")
        else:
            report.labels(is_new=component.name not in sourced)
        if component.incorrect_spans_key is not None:
            report.incorrect_spans(component.incorrect_spans_key)
        report_words(msg, nlp, component, corpora)
        report_lists(msg, nlp, component, corpora)
    if not passed or msg.counts[MESSAGES.FAIL]:
        raise typer.Exit(1)


def _load(config: Config, msg: Printer) -> tuple[Language, Corpora]:
    """Initialize the pipeline as `spacy train` does, and read the corpora."""
    try:
        nlp = init_nlp(config)
        interpolated = nlp.config.interpolate()
        T = util.registry.resolve(interpolated["training"], schema=ConfigSchemaTraining)
        names = [T["train_corpus"], T["dev_corpus"]]
        train, dev = (list(c(nlp)) for c in util.resolve_dot_names(interpolated, names))
    except ConfigValidationError:
        raise
    except Exception as error:  # components and readers may raise anything
        text = str(error) or type(error).__name__
        msg.fail("The pipeline cannot be initialized with the data", text, exits=1)
    return nlp, {"training": train, "development": dev}


def _check_as_ner(
    config: Config, names: Sequence[str], ignore_warnings: bool, verbose: bool, no_format: bool
) -> bool:
    """Run `spacy debug data` with these components declared as `ner`, since it checks entities only
    for that component. RETURNS: Whether it has found no error.
    """
    config = config.interpolate()
    for name in names:
        config["components"][name] = {"factory": "ner"}
        config["initialize"].get("components", {}).pop(name, None)
    for key in ("before_init", "after_init"):
        if source := _source(config, key):  # the callback is for these components only
            copy = {"@callbacks": _COPY, "tokenizer": source, "vocab": source}
            config["initialize"][key] = copy if key == "before_init" else None
    spacys = import_module("spacy.cli.debug_data")
    # Few documents are an error in spaCy's check.
    with TemporaryDirectory() as folder, patch.object(spacys, "BLANK_MODEL_THRESHOLD", 0):
        path = Path(folder, "config.cfg")
        config.to_disk(path)
        try:
            spacys.debug_data(
                path,
                ignore_warnings=ignore_warnings,
                verbose=verbose,
                no_format=no_format,
                silent=False,
            )
        except SystemExit as stop:
            return not stop.code
    return True


def _source(config: Config, key: str) -> str | None:
    """The pipeline whose network training starts from, as set by an initialization callback."""
    callback = config["initialize"].get(key) or {}
    return callback["source"] if callback.get("@callbacks") == START_FROM else None


class _Report:
    """Reports how a component uses the annotation.

    msg (Printer): Where to print.
    component (WindowNER): The component, initialized.
    corpora (Dict[str, List[Example]]): The corpora by name.
    n_shown (int): How many examples of each kind to show.
    """

    def __init__(self, msg: Printer, component: WindowNER, corpora: Corpora, n_shown: int) -> None:
        self.msg, self.component, self.corpora, self.n_shown = msg, component, corpora, n_shown
        self.numbers = label_numbers(component.label_data, component.vocab.strings)

    def annotation(self, *, is_new: bool) -> None:
        """Print which annotation is used for training, and which is ignored.

        is_new (bool): Whether no component has been trained before.
        """
        msg = self.msg
        msg.divider(f"Annotation used by '{self.component.name}'")
        n_words = sum(len(example.reference) for example in self.corpora["training"])
        if is_new and n_words < FEW_WORDS:
            msg.warn(
                f"Little training data: {n_words} words",
                "Start from a pipeline that was trained on other annotation, even with different "
                "labels: use `python -m spacy window-ner learn`, or `init-config … --base "
                "PIPELINE` with `spacy train`. To learn word vectors from raw text of your domain, "
                "use `pretrain`. To choose texts to annotate next, use `suggest`.",
            )
        for name, examples in self.corpora.items():
            if not examples:
                msg.fail(f"There are no {name} documents")
                continue
            self._corpus(name, examples, read_gold(examples, self.numbers))

    def _corpus(self, name: str, examples: list[Example], gold: Gold) -> None:
        msg, references = self.msg, [example.reference for example in examples]
        n_tokens, n_missing = len(gold.tags), int((gold.tags == MISSING).sum())
        if n_missing == n_tokens:
            msg.fail(f"None of the annotation in the {name} data can be used")
            return
        n_with_sentences = sum(doc.has_annotation("SENT_START") for doc in references)
        msg.info(
            f"{name.capitalize()} data: {len(examples)} documents ({n_with_sentences} with "
            f"sentence starts), {n_tokens} tokens, {sum(len(doc.ents) for doc in references)} "
            f"entities"
        )
        if n_missing:
            msg.warn(
                f"Tokens with missing or misaligned annotation, which are not used for training: "
                f"{n_missing}"
            )
        texts = [ent.text for ent in gold.misaligned]
        self._warn("Entities that do not align with the pipeline's tokens", texts)
        partial = [labels for doc in references if (labels := annotated_labels(doc)) is not None]
        if partial:
            kinds = self._some(", ".join(sorted(labels)) for labels in partial)
            msg.info(f"Documents annotated with some of the labels only: {len(partial)} ({kinds})")

    def labels(self, *, is_new: bool) -> None:
        """Print how the labels of the component and of both corpora differ.

        is_new (bool): Whether the component has not been trained before.
        """
        train, dev = (labels_of(ex.reference for ex in of) for of in self.corpora.values())
        known = set(self.component.label_data)
        if not train:
            self.msg.fail("The training data has no entities")
        self.msg.info(f"Labels: {len(known)} ({self._some(self.component.label_data)})")
        if is_new:
            where = f"[initialize.components.{self.component.name}]"
            self._warn(f"Training labels missing from {where}, added late", train - known)
        elif train - known:
            self.msg.info(f"New labels to learn: {self._some(train - known)}")
        fate = "never predicted" if is_new else "may be forgotten"
        self._warn(f"Labels of the component without training data ({fate})", known - train)
        unseen = dev - train - known
        self._warn("Development labels without training data (never predicted)", unseen)
        self._warn("Training labels without development data (not evaluated)", train - dev)

    def incorrect_spans(self, key: str) -> None:
        """Print how many of the incorrect spans can be used.

        key (str): Their key in `doc.spans`.
        """
        examples = self.corpora["training"]
        n_spans = sum(len(example.reference.spans.get(key, ())) for example in examples)
        try:
            n_used = len(read_gold(examples, self.numbers, key).incorrect)
        except ValueError as error:
            self.msg.fail("A span is both an entity and an incorrect span", str(error))
            return
        text = f"Incorrect spans in doc.spans['{key}'] (incorrect_spans_key): {n_spans}"
        if n_used == n_spans > 0:
            self.msg.info(text)
        else:
            self.msg.warn(
                f"{text}, {n_used} of them used",
                "The rest do not align with tokens, or their label is unknown to the component.",
            )

    def _warn(self, text: str, found: Iterable[str]) -> None:
        """Warn of items, if there are any."""
        items = list(found)
        if items:
            self.msg.warn(f"{text}: {len(items)} ({self._some(items)})")

    def _some(self, found: Iterable[str]) -> str:
        """Some of the items, each once."""
        distinct = sorted(set(found))
        shown = ", ".join(map(repr, distinct[: self.n_shown]))
        return f"{shown} …" if len(distinct) > self.n_shown else shown
