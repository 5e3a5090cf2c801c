"""`python -m spacy window-ner debug-data`: what may be wrong with training and development data."""

import zlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from spacy import util
from spacy.cli._util import show_validation_error
from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.training import Example
from spacy.training.initialize import get_sourced_components, init_nlp
from spacy.util import registry, resolve_dot_names
from spacy.vectors import Mode
from thinc.api import Config, ConfigValidationError
from wasabi import MESSAGES, Printer

from ..component import WindowNER
from .corpus_facts import (
    CorpusFacts,
    read_corpus,
    read_incorrect_spans,
    unknown_words,
    words_with_vectors,
)

# Where spaCy's own `debug data` begins to warn, and to fail.
FEW_ENTITIES = 50
FEW_DOCS = 2000
TOO_FEW_DOCS = 100


def debug_data(
    config_path: Path,
    overrides: dict[str, Any],
    *,
    ignore_warnings: bool = False,
    verbose: bool = False,
    no_format: bool = False,
) -> bool:
    """Check the data that a config trains window_ner on, and print what was found.

    config_path (Path): The config.
    overrides (Dict[str, Any]): Settings that override those of the config.
    ignore_warnings (bool): Whether to print facts and errors only.
    verbose (bool): Whether to print more examples, and what to do.
    no_format (bool): Whether to print without colors and symbols.
    RETURNS (bool): Whether there is no error.
    RAISES (SystemExit): With a message, if there is nothing to check.
    """
    report = Report(
        Printer(pretty=not no_format, ignore_warnings=ignore_warnings), 10 if verbose else 3
    )
    msg = report.msg
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
    train_examples, dev_examples = _read_examples(nlp, msg)
    train = read_corpus(train_examples, nlp.vocab)
    dev = read_corpus(dev_examples, nlp.vocab)
    sourced = get_sourced_components(config)
    report.corpora(train, dev, continues=bool(sourced))
    report.words(train, dev)
    report.vectors(nlp, components, train, dev)
    report.annotation(train, dev)
    report.labels(train, dev)
    frozen = nlp.config["training"]["frozen_components"]
    for component in components:
        msg.divider(f"Component '{component.name}'")
        if component.name in frozen:
            msg.info("It is frozen: training does not change it.")
        elif initialized:
            report.model_labels(component, train, dev, sourced=component.name in sourced)
        if component.incorrect_spans_key is not None:
            report.incorrect_spans(component, train_examples)
    return report.summary()


def _initialize(config: Config, msg: Printer) -> tuple[Language, bool]:
    """Initialize the pipeline as `spacy train` does, or else go on with what was loaded."""
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
    except Exception as error:  # whatever a component or a reader finds wrong
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


class Report:
    """Prints facts, each as good, as a warning or as an error, and counts these.

    msg (Printer): Where to print.
    n_shown (int): How many examples of each kind to show.
    """

    def __init__(self, msg: Printer, n_shown: int) -> None:
        self.msg = msg
        self.n_shown = n_shown

    def corpora(self, train: CorpusFacts, dev: CorpusFacts, *, continues: bool) -> None:
        """Sizes of the corpora, and what they have in common.

        train (CorpusFacts): The training data.
        dev (CorpusFacts): The development data.
        continues (bool): Whether some component is trained already.
        """
        msg = self.msg
        msg.divider("Corpora")
        rows = []
        for name, facts in (("training", train), ("development", dev)):
            repeated = facts.n_docs - len(facts.texts)
            words, entities = len(facts.lexemes), facts.names.total()
            rows.append((name, facts.n_docs, repeated, facts.n_tokens, words, entities))
        header = ("Corpus", "Documents", "Repeated", "Tokens", "Words", "Entities")
        msg.table(rows, header=header, divider=True, aligns=("l", *"rrrrr"))
        if train.n_docs < TOO_FEW_DOCS and not continues:
            msg.fail("Too few training documents to learn from", f"Annotate {FEW_DOCS} or more.")
        elif train.n_docs < FEW_DOCS and not continues:
            msg.warn("Few training documents", f"{FEW_DOCS} or more are advisable.")
        if not dev.n_docs:
            msg.fail("There is no development document: training has nothing to choose by")
        both = [text for text in dev.texts if text in train.texts]
        self._check(
            "Development documents that are training documents too, so that scores will be too "
            "high",
            both,
            "No development document is a training document",
        )

    def words(self, train: CorpusFacts, dev: CorpusFacts) -> None:
        """Words of the development data that training never sees.

        train (CorpusFacts): The training data.
        dev (CorpusFacts): The development data.
        """
        msg = self.msg
        msg.divider("Words")
        msg.info(f"Frequent: {_list(train.most_common_words(self.n_shown))}")
        for name, facts in (("training", train), ("development", dev)):
            if facts.n_misaligned_tokens:
                msg.warn(
                    f"Tokens that the pipeline makes of the {name} data and the annotation does "
                    f"not have: {facts.n_misaligned_tokens}"
                )
        if not dev.n_tokens:
            return
        unknown = unknown_words(dev, train)
        frequent = dev.most_common_words(self.n_shown, unknown)
        msg.info(
            f"Development tokens whose NORM is not in the training data: {dev.share(unknown):.1%} "
            f"({_list(frequent, int(unknown.sum()))})"
        )
        seen = sum(count for name, count in dev.names.items() if name in train.names)
        total = dev.names.total()
        if total:
            msg.info(
                f"Development entities that are in the training data with the same text and "
                f"label: {seen / total:.1%} ({seen} of {total})"
            )

    def vectors(
        self,
        nlp: Language,
        components: list[WindowNER],
        train: CorpusFacts,
        dev: CorpusFacts,
    ) -> None:
        """How many words the pipeline's static vectors have, and whether they are used.

        nlp (Language): The pipeline.
        components (List[WindowNER]): Its components to check.
        train (CorpusFacts): The training data.
        dev (CorpusFacts): The development data.
        """
        msg, vectors = self.msg, nlp.vocab.vectors
        msg.divider("Static vectors")
        if not len(vectors):
            msg.info("The pipeline has none")
            return
        msg.info(f"{len(vectors)} vectors of width {nlp.vocab.vectors_length}")
        users = [pipe.name for pipe in components if _uses_vectors(pipe)]
        if not users:
            msg.info("LexemeEmbed does not use them: include_static_vectors is false")
        if vectors.mode == Mode.floret:
            msg.good("Every word has a vector, made of its pieces (floret)")
            return
        for name, facts in (("training", train), ("development", dev)):
            as_written, lower = words_with_vectors(facts, vectors)
            without = ~(as_written | lower)
            msg.info(
                f"Tokens of the {name} data with a vector as they are written: "
                f"{facts.share(as_written):.1%}, in lower case only: {facts.share(lower):.1%}"
            )
            if not without.any():
                msg.good(f"Every word of the {name} data has a vector")
            else:
                frequent = facts.most_common_words(self.n_shown, without)
                msg.warn(
                    f"Tokens of the {name} data without a vector: {facts.share(without):.1%} "
                    f"({_list(frequent, int(without.sum()))})"
                )

    def annotation(self, train: CorpusFacts, dev: CorpusFacts) -> None:
        """Annotation that is missing, or of no use.

        train (CorpusFacts): The training data.
        dev (CorpusFacts): The development data.
        """
        msg = self.msg
        for name, facts in (("training", train), ("development", dev)):
            if not facts.n_docs:
                continue
            msg.divider(f"Entities of the {name} data")
            msg.info(f"Documents that are annotated and have no entity: {facts.n_without_entity}")
            self._missing(facts)
            self._check(
                "Entities that do not align with the pipeline's tokens, so that they teach nothing",
                facts.misaligned,
                "All entities align with the pipeline's tokens",
            )
            self._check(
                "Entities that begin or end with whitespace, as no predicted one does",
                facts.whitespace,
                "No entity begins or ends with whitespace",
                error=True,
            )
            self._check(
                "Entities of punctuation only",
                facts.punctuation,
                "No entity is punctuation only",
            )
            if facts.punctuation_edge:
                edge = facts.punctuation_edge
                msg.info(
                    f"Entities that begin or end with punctuation: {len(edge)} ({self._some(edge)})"
                )
            self._check(
                "Entities that go on over a sentence start, as no predicted one does where "
                "sentence starts are set",
                facts.crossing,
                "No entity goes on over a sentence start",
            )

    def _missing(self, facts: CorpusFacts) -> None:
        msg = self.msg
        if facts.n_unannotated == facts.n_docs:
            msg.fail("No document is annotated with entities")
        elif facts.n_missing:
            msg.warn(
                f"Tokens without annotation, of which nothing is learned: {facts.n_missing} "
                f"(documents without any: {facts.n_unannotated})"
            )
        else:
            msg.good("All tokens are annotated")
        if facts.n_blocked:
            msg.warn(
                f"Tokens that are blocked, or in an entity without a label, of which nothing is "
                f"learned: {facts.n_blocked}"
            )

    def labels(self, train: CorpusFacts, dev: CorpusFacts) -> None:
        """How often each label occurs, and where the corpora differ.

        train (CorpusFacts): The training data.
        dev (CorpusFacts): The development data.
        """
        msg = self.msg
        msg.divider("Labels")
        if not train.labels and not dev.labels:
            msg.fail("There is no entity in the data")
            return
        self._table_of_labels(train, dev)
        rare = [f"{label} ({n})" for label, n in train.labels.items() if n <= FEW_ENTITIES]
        self._check(
            f"Labels of {FEW_ENTITIES} training entities or fewer",
            rare,
            f"Every label has more than {FEW_ENTITIES} training entities",
        )
        everywhere = [label for label, n in train.docs_with.items() if n == train.n_docs]
        self._check(
            "Labels in every training document, so that texts without them are not learned",
            everywhere,
            "For every label there are training documents without it",
        )
        self._check(
            "Development labels that are not in the training data, so that they are never found",
            [label for label in dev.labels if label not in train.labels],
            "Every label of the development data is in the training data",
        )
        self._check(
            "Training labels that are not in the development data, so that they are not measured",
            [label for label in train.labels if dev.n_docs and label not in dev.labels],
            "Every label of the training data is in the development data",
        )
        ambiguous = _ambiguous(train.names)
        if ambiguous:
            msg.info(
                f"Names with several labels in the training data: {len(ambiguous)} "
                f"({'; '.join(ambiguous[: self.n_shown])})"
            )

    def _table_of_labels(self, train: CorpusFacts, dev: CorpusFacts) -> None:
        rows = []
        for label in dict.fromkeys([*train.labels, *dev.labels]):
            lengths = train.lengths.get(label, [])
            n_dev, docs = dev.labels.get(label, 0), train.docs_with[label]
            mean = f"{np.mean(lengths):.1f}" if lengths else "-"
            rows.append((label, len(lengths), n_dev, docs, mean, max(lengths, default="-")))
        header = ("Label", "Training", "Development", "Documents", "Mean length", "Longest")
        self.msg.table(rows, header=header, divider=True, aligns=("l", *"rrrrr"))

    def model_labels(
        self, component: WindowNER, train: CorpusFacts, dev: CorpusFacts, *, sourced: bool
    ) -> None:
        """Where the labels of a component differ from those of the data.

        component (WindowNER): The component.
        train (CorpusFacts): The training data.
        dev (CorpusFacts): The development data.
        sourced (bool): Whether it comes from a trained pipeline.
        """
        known = component.label_data
        self.msg.info(f"Labels: {len(known)} ({_list(known[: self.n_shown], len(known))})")
        new = [label for label in train.labels if label not in known]
        if sourced and new:
            self.msg.info(
                f"New labels, which it learns in addition: {len(new)} ({self._some(new)})"
            )
        elif not sourced:
            self._check(
                f"Training labels that [initialize.components.{component.name}] does not give: "
                f"they are added where training meets them",
                new,
                "It has every label of the training data",
            )
        self._check(
            "Labels that are not in the training data, so that they "
            + ("may be forgotten" if sourced else "are never predicted"),
            [label for label in known if label not in train.labels],
            "Each of its labels is in the training data",
        )

    def incorrect_spans(self, component: WindowNER, examples: list[Example]) -> None:
        """Spans of the training data that are known to be wrong.

        component (WindowNER): A component with `incorrect_spans_key`.
        examples (List[Example]): The training data.
        """
        key, msg = str(component.incorrect_spans_key), self.msg
        facts = read_incorrect_spans(examples, key)
        if not facts.labels:
            msg.warn(f"No training document has spans under incorrect_spans_key = '{key}'")
            return
        counts = [f"{label} ({n})" for label, n in facts.labels.most_common()]
        msg.info(f"Spans under '{key}' that are known to be wrong: {', '.join(counts)}")
        self._check(
            "Of these, entities as well, with which training stops with an error",
            facts.contradictions,
            "None of them is an entity as well",
            error=True,
        )
        if facts.n_misaligned:
            msg.warn(f"Of these, not on the pipeline's tokens: {facts.n_misaligned}")
        known = component.labels
        others = [label for label in facts.labels if label not in known]
        self._check(
            "Of these, labels that the component does not have: they teach nothing",
            others,
            "All their labels are labels of the component",
        )

    def summary(self) -> bool:
        """How many checks passed.

        RETURNS (bool): Whether there is no error.
        """
        msg = self.msg
        good, warnings, errors = (
            msg.counts[kind] for kind in (MESSAGES.GOOD, MESSAGES.WARN, MESSAGES.FAIL)
        )
        msg.divider("Summary")
        msg.good(f"Checks passed: {good}")
        if warnings:
            msg.warn(f"Warnings: {warnings}")
        if errors:
            msg.fail(f"Errors: {errors}")
        return errors == 0

    def _check(self, wrong: str, found: list[str], right: str, *, error: bool = False) -> None:
        """Tell how many are wrong, with some of them, or that none is."""
        if not found:
            self.msg.good(right)
            return
        text = f"{wrong}: {len(found)} ({self._some(found)})"
        if error:
            self.msg.fail(text)
        else:
            self.msg.warn(text)

    def _some(self, found: Iterable[str]) -> str:
        """The most frequent ones."""
        counts = Counter(found)
        return _list([item for item, _ in counts.most_common(self.n_shown)], len(counts))


def _list(items: list[str], total: int = 0) -> str:
    """Items in quotes, of how many there are."""
    text = ", ".join(repr(item) for item in items)
    return f"{text}, …" if total > len(items) else text


def _ambiguous(names: Counter[tuple[str, str]]) -> list[str]:
    """Names that have several labels, each with the counts of these, the most frequent first."""
    labels: dict[str, Counter[str]] = {}
    for (name, label), count in names.items():
        labels.setdefault(name, Counter())[label] += count
    several = [(name, counts) for name, counts in labels.items() if len(counts) > 1]
    several.sort(key=lambda item: -item[1].total())
    return [
        f"{name!r} ({', '.join(f'{label} {n}' for label, n in counts.most_common())})"
        for name, counts in several
    ]


def _uses_vectors(component: WindowNER) -> bool:
    return any(node.name == "static_vectors" for node in component.model.walk())
