"""What `debug-data` prints about the facts that it finds."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from spacy.language import Language
from spacy.training import Example
from spacy.vectors import Mode
from wasabi import MESSAGES, Printer

from ..component import WindowNER
from .corpus_facts import (
    CorpusFacts,
    names_with_several_labels,
    read_incorrect_spans,
    unknown_words,
    words_with_vectors,
)

# The limits below which spaCy's own `debug data` warns or fails.
FEW_ENTITIES = 50
FEW_DOCS = 2000
TOO_FEW_DOCS = 100


class Report:
    """Prints facts as passed checks, warnings, errors or plain information, and counts them.

    The methods take the facts of the training data (`train`) and of the development data (`dev`).

    msg (Printer): Where to print.
    n_shown (int): How many examples of each kind to show.
    """

    def __init__(self, msg: Printer, n_shown: int) -> None:
        self.msg = msg
        self.n_shown = n_shown

    def corpora(self, train: CorpusFacts, dev: CorpusFacts, *, continues: bool) -> None:
        """Print the sizes of the corpora and their overlap.

        continues (bool): Whether a component has already been trained.
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
            msg.fail("There are no development documents: training cannot select the best model")
        both = [text for text in dev.texts if text in train.texts]
        self._check(
            "Development documents that are also in the training data, which makes scores too high",
            both,
            "No development document is in the training data",
        )

    def words(self, train: CorpusFacts, dev: CorpusFacts) -> None:
        """Print how many words of the development data are not in the training data."""
        msg = self.msg
        msg.divider("Words")
        msg.info(f"Most common words: {_list(train.most_common_words(self.n_shown))}")
        for name, facts in (("training", train), ("development", dev)):
            if facts.n_misaligned_tokens:
                msg.warn(
                    f"Tokens of the {name} data that do not align with the annotation: "
                    f"{facts.n_misaligned_tokens}"
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
                f"Development entities whose text and label are in the training data: "
                f"{seen / total:.1%} ({seen} of {total})"
            )

    def vectors(
        self,
        nlp: Language,
        components: list[WindowNER],
        train: CorpusFacts,
        dev: CorpusFacts,
    ) -> None:
        """Print how many words have static vectors, and whether these are used.

        nlp (Language): The pipeline.
        components (List[WindowNER]): Its components to check.
        """
        msg, vectors = self.msg, nlp.vocab.vectors
        msg.divider("Static vectors")
        if not len(vectors):
            msg.info("The pipeline has no vectors")
            return
        msg.info(f"{len(vectors)} vectors of width {nlp.vocab.vectors_length}")
        users = [pipe.name for pipe in components if _uses_vectors(pipe)]
        if not users:
            msg.info("LexemeEmbed does not use them: include_static_vectors is false")
        if vectors.mode == Mode.floret:
            msg.good("Every word has a vector, computed from its character n-grams (floret)")
            return
        for name, facts in (("training", train), ("development", dev)):
            as_written, lower = words_with_vectors(facts, vectors)
            without = ~(as_written | lower)
            msg.info(
                f"Tokens of the {name} data with a vector: {facts.share(as_written):.1%} as "
                f"written, {facts.share(lower):.1%} in lower case only"
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
        """Print which annotation is missing or unusable."""
        msg = self.msg
        for name, facts in (("training", train), ("development", dev)):
            if not facts.n_docs:
                continue
            msg.divider(f"Entities of the {name} data")
            msg.info(f"Annotated documents without entities: {facts.n_without_entity}")
            self._missing(facts)
            self._check(
                "Entities that do not align with the pipeline's tokens, which training ignores",
                facts.misaligned,
                "All entities align with the pipeline's tokens",
            )
            self._check(
                "Entities that begin or end with whitespace, which predicted entities never do",
                facts.whitespace,
                "No entity begins or ends with whitespace",
                error=True,
            )
            self._check(
                "Entities that consist of punctuation only",
                facts.punctuation,
                "No entity consists of punctuation only",
            )
            if facts.punctuation_edge:
                edge = facts.punctuation_edge
                msg.info(
                    f"Entities that begin or end with punctuation: {len(edge)} ({self._some(edge)})"
                )
            self._check(
                "Entities that cross a sentence boundary, which predicted entities never do where "
                "boundaries are set",
                facts.crossing,
                "No entity crosses a sentence boundary",
            )

    def _missing(self, facts: CorpusFacts) -> None:
        msg = self.msg
        if facts.n_unannotated == facts.n_docs:
            msg.fail("No document is annotated with entities")
        elif facts.n_missing:
            msg.warn(
                f"Tokens without annotation, from which nothing is learned: {facts.n_missing} "
                f"(documents without any: {facts.n_unannotated})"
            )
        else:
            msg.good("All tokens are annotated")
        if facts.n_blocked:
            msg.warn(
                f"Tokens that are blocked or in an entity without a label, from which nothing is "
                f"learned: {facts.n_blocked}"
            )

    def labels(self, train: CorpusFacts, dev: CorpusFacts) -> None:
        """Print how often each label occurs, and where the corpora differ."""
        msg = self.msg
        msg.divider("Labels")
        if not train.labels and not dev.labels:
            msg.fail("There are no entities in the data")
            return
        self._table_of_labels(train, dev)
        rare = [f"{label} ({n})" for label, n in train.labels.items() if n <= FEW_ENTITIES]
        self._check(
            f"Labels with {FEW_ENTITIES} training entities or fewer",
            rare,
            f"Every label has more than {FEW_ENTITIES} training entities",
        )
        everywhere = [label for label, n in train.docs_with.items() if n == train.n_docs]
        self._check(
            "Labels in every training document, so that there are no texts without them to learn "
            "from",
            everywhere,
            "For every label there are training documents without it",
        )
        self._check(
            "Development labels that are not in the training data, which will never be predicted",
            [label for label in dev.labels if label not in train.labels],
            "Every label of the development data is in the training data",
        )
        self._check(
            "Training labels that are not in the development data, which will not be evaluated",
            [label for label in train.labels if dev.n_docs and label not in dev.labels],
            "Every label of the training data is in the development data",
        )
        several = names_with_several_labels(train)
        if several:
            shown = [
                f"{name!r} ({', '.join(f'{label} {n}' for label, n in counts.most_common())})"
                for name, counts in several[: self.n_shown]
            ]
            msg.info(
                f"Names with more than one label in the training data: {len(several)} "
                f"({'; '.join(shown)})"
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
        """Print where the labels of a component differ from those of the data.

        component (WindowNER): The component.
        sourced (bool): Whether it comes from a trained pipeline.
        """
        known = component.label_data
        self.msg.info(f"Labels: {len(known)} ({_list(known[: self.n_shown], len(known))})")
        new = [label for label in train.labels if label not in known]
        if sourced and new:
            self.msg.info(f"New labels, which it learns as well: {len(new)} ({self._some(new)})")
        elif not sourced:
            self._check(
                f"Training labels missing from [initialize.components.{component.name}], which are "
                f"added when training first meets them",
                new,
                "The component has every label of the training data",
            )
        self._check(
            "Component labels that are not in the training data, which "
            + ("may be forgotten" if sourced else "will never be predicted"),
            [label for label in known if label not in train.labels],
            "Every label of the component is in the training data",
        )

    def incorrect_spans(self, component: WindowNER, examples: list[Example]) -> None:
        """Print facts about the spans of the training data that are known to be incorrect.

        component (WindowNER): A component with `incorrect_spans_key`.
        examples (List[Example]): The training data.
        """
        key, msg = str(component.incorrect_spans_key), self.msg
        facts = read_incorrect_spans(examples, key)
        if not facts.labels:
            msg.warn(f"No training document has spans under incorrect_spans_key = '{key}'")
            return
        counts = [f"{label} ({n})" for label, n in facts.labels.most_common()]
        msg.info(f"Incorrect spans under '{key}': {', '.join(counts)}")
        self._check(
            "Incorrect spans that are also annotated as entities, which training refuses",
            facts.contradictions,
            "No incorrect span is also annotated as an entity",
            error=True,
        )
        if facts.n_misaligned:
            msg.warn(
                f"Incorrect spans that do not align with the pipeline's tokens: "
                f"{facts.n_misaligned}"
            )
        known = component.labels
        others = [label for label in facts.labels if label not in known]
        self._check(
            "Labels of incorrect spans that the component does not have, which training ignores",
            others,
            "The component has every label of the incorrect spans",
        )

    def summary(self) -> bool:
        """Print how many checks passed.

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
        """Print how many items are wrong, with the most common ones, or that none is."""
        if not found:
            self.msg.good(right)
            return
        text = f"{wrong}: {len(found)} ({self._some(found)})"
        if error:
            self.msg.fail(text)
        else:
            self.msg.warn(text)

    def _some(self, found: Iterable[str]) -> str:
        """The most common items."""
        counts = Counter(found)
        return _list([item for item, _ in counts.most_common(self.n_shown)], len(counts))


def _list(items: list[str], total: int = 0) -> str:
    """Items in quotes, with an ellipsis if there are more."""
    text = ", ".join(repr(item) for item in items)
    return f"{text}, …" if total > len(items) else text


def _uses_vectors(component: WindowNER) -> bool:
    return any(node.name == "static_vectors" for node in component.model.walk())
