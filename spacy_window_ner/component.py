"""The pipeline component: initialization, training, prediction and serialization."""

import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy import util
from spacy.errors import Errors
from spacy.language import Language
from spacy.pipeline import Pipe, TrainablePipe
from spacy.pipeline.ner import ner_score
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer, set_dropout_rate

from .annotations import (
    has_gold,
    predicted_entities,
    preset_mask,
    read_gold,
    set_entities,
    survey,
)
from .decoding.alternatives import alternatives
from .decoding.decode import Entities, decode, finds_nothing_new, label_thresholds
from .decoding.errors import prediction_error
from .decoding.thresholds import Threshold, checked
from .extensions import add_score_extension
from .files.serialization import load_model, overridden_settings, read_saved, to_bytes, to_disk
from .labels import label_numbers, labels_of, mark_seen, new_labels, seen_labels
from .network.architectures import DEFAULT_MODEL
from .network.lexicon import Lexicon, carried, carry_along, complete, renew
from .objectives import OBJECTIVES, Objective
from .objectives.rehearsal import rehearsal_loss
from .sequences.batching import Mask, Scores, ScoresError
from .sequences.tags import legal_tags, n_tags, tag_names
from .settings import (
    change_settings,
    checked_settings,
    complete_settings,
    pipelines_of,
    remember_pipeline,
)
from .training.schedules import skip_idle_warmup

DEFAULT_SPANS_KEY = "window_ner"
# Where spaCy's compiled code has the name of a component.
_NAME = vars(Pipe)["name"]


@Language.factory(
    "window_ner",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type", "doc.spans"],
    default_config={
        "model": DEFAULT_MODEL,
        "spans_key": DEFAULT_SPANS_KEY,
        "threshold": None,
        "candidates_key": None,
        "candidates_threshold": 0.05,
        "incorrect_spans_key": None,
        "scorer": {"@scorers": "spacy_window_ner.ner_scorer.v1"},
    },
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_window_ner(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Scores],
    spans_key: str | None,
    threshold: float | dict[str, float] | None,
    candidates_key: str | None,
    candidates_threshold: float,
    incorrect_spans_key: str | None,
    scorer: Callable | None,
) -> "WindowNER":
    """Make the component; see `WindowNER` for the arguments."""
    component = WindowNER(
        nlp.vocab,
        model,
        name,
        spans_key=spans_key,
        threshold=threshold,
        candidates_key=candidates_key,
        candidates_threshold=candidates_threshold,
        incorrect_spans_key=incorrect_spans_key,
        scorer=scorer,
    )
    remember_pipeline(component, nlp)
    return component


class WindowNER(TrainablePipe):
    """Find and classify names with a window classifier."""

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], Scores],
        name: str = "window_ner",
        *,
        spans_key: str | None = DEFAULT_SPANS_KEY,
        threshold: Threshold = None,
        candidates_key: str | None = None,
        candidates_threshold: float = 0.05,
        incorrect_spans_key: str | None = None,
        scorer: Callable | None = ner_score,
    ) -> None:
        """Initialize the component.

        vocab (Vocab): The shared vocabulary.
        model (thinc.api.Model): The network, from a list of Docs to `Scores`.
        name (str): The component instance name, used to add entries to the losses.
        spans_key (Optional[str]): Where in `doc.spans` to put the predicted entities, with their
            probabilities in `attrs["scores"]`. If None, they are not computed.
        threshold (Optional[Union[float, Dict[str, float]]]): If given, spans with a higher
            probability are entities, the more probable first where they overlap; lower values
            favor recall, higher values precision. A dict has one for each label, 0.5 for labels
            that it does not have. If None, the entities are those of the best tag sequence.
        candidates_key (Optional[str]): Where in `doc.spans` to put all spans that could be
            entities, including overlapping ones, with their probabilities in `attrs["scores"]`. If
            None, they are not computed.
        candidates_threshold (float): The probability above which a span is a candidate.
        incorrect_spans_key (Optional[str]): Where in the reference's `doc.spans` training finds
            spans that are not entities.
        scorer (Optional[Callable]): The scoring method.
        RAISES (ValueError): If a threshold is out of range, or keys are the same that must differ.
        """
        self.vocab = vocab
        self.model = model
        self.name = name
        settings: dict[str, Any] = {
            "labels": [],
            "spans_key": spans_key,
            "threshold": threshold,
            "candidates_key": candidates_key,
            "candidates_threshold": candidates_threshold,
            "incorrect_spans_key": incorrect_spans_key,
        }
        self.cfg = checked_settings(settings, model)
        add_score_extension(spans_key)
        self.scorer = scorer
        self._preset_labels: frozenset[str] = frozenset()
        self._has_warned = False
        self._has_found_new = False
        self._rehearsal_model: Model[list[Doc], Scores] | None = None
        # Where the vocabulary was loaded from.
        self._vocab_path: Path | None = None

    @property
    def name(self) -> str:
        """RETURNS (str): The component instance name."""
        return _NAME.__get__(self)

    @name.setter
    def name(self, name: str) -> None:
        _NAME.__set__(self, name)
        # When a pipeline sources a component from another one, all that spaCy does is this.
        taker = sys._getframe(1).f_locals.get("self")
        before = pipelines_of(self)
        if isinstance(taker, Language) and taker not in before:
            if before or taker.vocab is not self.vocab:
                carry_along(self.model, self.vocab, taker.vocab, self._vocab_path)
            remember_pipeline(self, taker)

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (Tuple[str]): The labels of the network, and, as for spaCy's `ner`, the labels of
        existing entities in documents that it has processed, sorted.
        """
        return tuple(sorted(self._preset_labels.union(self.cfg["labels"])))

    @property
    def label_data(self) -> list[str]:
        """RETURNS (List[str]): The labels in the order of the network's outputs."""
        return list(self.cfg["labels"])

    @property
    def incorrect_spans_key(self) -> str | None:
        """RETURNS (Optional[str]): Where training finds incorrect spans."""
        return self.cfg["incorrect_spans_key"]

    @property
    def threshold(self) -> Threshold:
        """The probability above which spans are entities, or one for each label; None for the best
        tag sequence. A new value is written to the config of the pipeline too.

        RAISES (ValueError): If it is set to a value that is out of range or has unknown labels.
        """
        return self.cfg["threshold"]

    @threshold.setter
    def threshold(self, value: Threshold) -> None:
        change_settings(self, {"threshold": checked(value, self.cfg["labels"])})

    @property
    def objective(self) -> Objective:
        """RETURNS (Objective): The training objective of the network."""
        return OBJECTIVES[self.model.attrs["objective"]]

    @property
    def tag_names(self) -> tuple[str, ...]:
        """RETURNS (Tuple[str]): The BILUO tags in the order of the columns of probabilities."""
        return tag_names(self.cfg["labels"])

    @property
    def tok2vec(self) -> Model:
        """RETURNS (Model): The part of the network that computes token vectors."""
        return self.model.get_ref("tok2vec")

    def add_label(self, label: str) -> int:
        """Add a label. A trained network grows, and predicts as before until it learns the label.

        label (str): The label, not empty.
        RETURNS (int): 0 if the label is already present, otherwise 1.
        """
        return self._add_labels([label])

    def _add_labels(self, labels: Sequence[str]) -> int:
        new = new_labels(labels, self.cfg["labels"])
        self.cfg["labels"] += new
        for label in new:
            self.vocab.strings.add(label)
        self.set_output(n_tags(len(self.cfg["labels"])))
        return int(bool(new))

    def predict(self, docs: Iterable[Doc]) -> Entities:
        """Find the entities of a batch of documents, without modifying them.

        docs (Iterable[Doc]): The documents. Entities that the component has predicted in them
            before are predicted again.
        RETURNS (Entities): The entities, including those that other components have set.
        RAISES (ValueError): If the component is not initialized, or scores are not finite numbers.
        """
        docs = list(docs)
        self.require_initialized()
        if not any(len(doc) for doc in docs):
            return Entities(np.zeros((0, 3), dtype=np.int64), np.zeros(0), np.zeros(len(docs), int))
        scores = self.model.predict(docs)
        allowed, has_presets = self.allowed_tags(docs)
        cfg = self.cfg
        try:
            entities = decode(
                scores,
                self.objective,
                allowed,
                threshold=label_thresholds(cfg["threshold"], cfg["labels"]),
                probabilities=cfg["spans_key"] is not None,
                candidates_above=cfg["candidates_threshold"] if cfg["candidates_key"] else None,
            )
        except ScoresError as error:
            raise prediction_error(error, docs, self.name) from error
        entities.has_presets = has_presets
        if has_presets and not self._has_found_new:
            self._warn_if_nothing_new(scores, entities, allowed)
        return entities

    def set_annotations(self, docs: Iterable[Doc], entities: Entities) -> None:
        """Add the entities found by `predict` to those that are already set in the documents."""
        docs = list(docs)
        if entities.has_presets:
            # The network does not grow here, only in training: threads can share it.
            self._preset_labels |= labels_of(docs)
        keys = self.cfg["spans_key"], self.cfg["candidates_key"]
        set_entities(docs, entities, self.cfg["labels"], *keys)

    def tag_probabilities(self, doc: Doc) -> NDArray[np.float64]:
        """Compute the probability of every tag at every token of a document. Entities that other
        components have set are certain.

        doc (Doc): The document; entities that were predicted in it make no difference.
        RETURNS (ndarray): Shape (n_tokens, n_tags) float64, columns as in `tag_names`.
        RAISES (ValueError): If the component is not initialized.
        """
        if len(doc) == 0:
            return np.zeros((0, len(self.tag_names)))
        p: NDArray[np.floating] = self._ask(doc, self.objective.tag_probabilities)
        return p.astype(np.float64)

    def alternatives(self, span: Span) -> list[tuple[str | None, float]]:
        """Find the alternatives of a span.

        span (Span): The span, an entity or not.
        RETURNS (List[Tuple[Optional[str], float]]): Each label with the probability that the span
            is an entity of this label, and None with the probability that none of its words is in
            an entity, the most probable first. The probabilities add up to 1 with those of entities
            that begin or end at other words.
        RAISES (ValueError): If the span has no words, or the component is not initialized.
        """
        if len(span) == 0:
            raise ValueError("An empty span has no alternatives. Pass a span with words.")
        place = span.start, span.end
        of_labels, outside = self._ask(
            span.doc, lambda scores, allowed: alternatives(scores, self.objective, allowed, *place)
        )
        unseen = self.model.attrs["unseen_labels"]
        pairs = enumerate(zip(self.cfg["labels"], of_labels.tolist(), strict=True))
        choices = [(None, outside), *(pair for n, pair in pairs if n not in unseen)]
        return sorted(choices, key=lambda pair: -pair[1])

    def _ask(self, doc: Doc, question: Callable[[Scores, Mask | None], Any]) -> Any:
        """Ask for something that follows from the scores and the allowed tags of a document without
        its predicted entities. If `spans_key` is None, all entities with labels of the network
        count as predicted.
        """
        self.require_initialized()
        scores = self.model.predict([doc])
        predicted = [doc.ents] if self.cfg["spans_key"] is None else None
        try:
            return question(scores, self.allowed_tags([doc], predicted)[0])
        except ScoresError as error:
            raise prediction_error(error, [doc], self.name) from error

    def allowed_tags(
        self, docs: Sequence[Doc], predicted: Iterable[Sequence[Span]] | None = None
    ) -> tuple[NDArray[np.bool_] | None, bool]:
        """Compute the tags that documents allow to the labels that the network has seen.

        docs (Sequence[Doc]): The documents.
        predicted (Optional[Iterable[Sequence[Span]]]): The entities of each document that may be
            predicted again; by default, those that were predicted in it before.
        RETURNS (Tuple[Optional[ndarray], bool]): Shape (n_tokens, n_tags) bool, None for all; and
            whether any other entity is set. See `preset_mask`.
        """
        if predicted is None:  # looked for where entities are set, which is seldom
            predicted = (predicted_entities(doc, self.cfg["spans_key"]) for doc in docs)
        labels, unseen = self.cfg["labels"], self.model.attrs["unseen_labels"]
        in_use = label_numbers(labels, self.vocab.strings, left_out=unseen)
        return preset_mask(docs, in_use, len(labels), predicted)

    def require_initialized(self) -> None:
        """RAISES (ValueError): If the component is not initialized (spaCy's E109)."""
        if not self.model.get_ref("scores").has_param("W"):
            raise ValueError(Errors.E109.format(name=self.name))

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch of examples, as spaCy's `TrainablePipe.update`.

        RAISES (ValueError): If the component is not initialized, or training has diverged.
        """
        examples = list(examples)
        validate_examples(examples, "WindowNER.update")
        self.require_initialized()
        labels = labels_of(example.reference for example in examples)
        if new := labels.difference(self.cfg["labels"]):
            self._add_labels(sorted(new))
        if not any(has_gold(example, self.incorrect_spans_key) for example in examples):
            examples = []
        return super().update(examples, drop=drop, sgd=sgd, losses=losses)

    def rehearse(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
        **config: Any,
    ) -> dict[str, float]:
        """Match earlier predictions, those at `nlp.resume_training`, to reduce forgetting.

        The annotation of the examples is not used. The arguments are those of `update`.
        """
        losses = {} if losses is None else losses
        examples = list(examples)
        validate_examples(examples, "WindowNER.rehearse")
        docs, teacher = [example.predicted for example in examples], self._rehearsal_model
        if teacher is None or not any(len(doc) for doc in docs):
            return losses
        losses.setdefault(self.name, 0.0)
        set_dropout_rate(self.model, drop)
        scores, backprop = self.model.begin_update(docs)
        seen = seen_labels(self.model), seen_labels(teacher)
        loss, d_scores = rehearsal_loss(scores, teacher.predict(docs), *seen, self.objective)
        backprop(d_scores)
        if sgd not in (None, False):
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def finish_update(self, sgd: Optimizer) -> None:
        """Update the parameters with the gradients that were collected. A warmup of the learning
        rate that nobody steps is skipped: see `skip_idle_warmup`.

        A prediction after `update` makes parameters read-only, because it remembers their products
        (see `LexemeCache`). They have to be writable again: SGD fails on a read-only array, and
        Adam leaves a read-only one behind.
        """
        self.model.get_ref("hidden").attrs["cache"].release()
        if isinstance(sgd, Optimizer):  # `nlp.rehearse` only collects gradients
            skip_idle_warmup(sgd, (self.model.get_ref("scores").id, "W"))
        super().finish_update(sgd)

    def get_loss(self, examples: Iterable[Example], scores: Scores) -> tuple[float, Scores]:
        """Find the loss of the scores, and its gradient.

        examples (Iterable[Example]): The examples.
        scores (Scores): The network's scores of their predicted documents.
        RETURNS (Tuple[float, Scores]): The loss in nats, and its gradient.
        RAISES (ValueError): If training has diverged.
        """
        examples = list(examples)
        validate_examples(examples, "WindowNER.get_loss")
        labels = self.cfg["labels"]
        numbers = label_numbers(labels, self.vocab.strings)
        gold = read_gold(examples, numbers, self.incorrect_spans_key)
        self._warn_misaligned(gold.misaligned)
        mark_seen(self.model, gold.labels)
        allowed, legal = gold.allowed(len(labels)), legal_tags(seen_labels(self.model))
        loss, d_scores = self.objective.loss(scores, allowed, legal, gold.incorrect)
        if not np.isfinite(loss):
            raise ValueError(
                f"[{self.name}] The loss is {loss}. Training has diverged. Lower the learning "
                f"rate, set grad_clip in [training.optimizer], or check the word vectors."
            )
        return loss, d_scores

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        """Initialize the component for training.

        get_examples (Callable[[], Iterable[Example]]): Returns the training data.
        nlp (Optional[Language]): The pipeline, whose word vectors and clusters are used.
        labels (Optional[Sequence[str]]): The labels to add; read from the examples if None.
            `python -m spacy init labels` generates them.
        RAISES (ValueError): If there is no example.
        """
        examples = get_examples() if callable(get_examples) else None
        if not examples:
            found = type(get_examples) if examples is None else examples
            raise TypeError(Errors.E930.format(method="WindowNER.initialize", obj=found))
        util.check_lexeme_norms(self.vocab, "window_ner")
        self._add_labels([] if labels is None else labels)
        renew(self.model, (nlp or self).vocab)
        nodes = [node for node in self.model.walk() if "read_vocabulary" in node.attrs]
        readers = [node.attrs["read_vocabulary"](node) for node in nodes]
        key = self.incorrect_spans_key
        labels_found, misaligned, sample = survey(examples, readers, key, self.name)
        self._warn_misaligned(misaligned)
        if labels is None:
            self._add_labels(sorted(labels_found))
        self.model.initialize(X=sample or [Doc(self.vocab, words=["x"])])
        # An untrained network finds nothing, because unseen labels are never predicted.
        self.model.attrs["unseen_labels"] = list(range(len(self.cfg["labels"])))

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Save the component to bytes, with checksums.

        exclude (Iterable[str]): Names of serialization fields to leave out.
        """
        return to_bytes(self.cfg, self.model, self._tables, self.vocab, tuple(exclude))

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save the component to a directory, with checksums. Saving is atomic: if the process is
        killed, the directory contains either the old or the new data.

        exclude (Iterable[str]): Names of serialization fields to leave out.
        """
        to_disk(path, self.cfg, self.model, self._tables, self.vocab, tuple(exclude))

    @property
    def _tables(self) -> Lexicon:
        """The tables of words that are saved with the network, and not with a vocabulary."""
        return carried(self.model).beyond(*(nlp.vocab for nlp in pipelines_of(self)))

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "WindowNER":
        """Load the component from the bytes that `to_bytes` returned.

        exclude (Iterable[str]): Names of serialization fields to leave out.
        RAISES (ValueError): If the data does not fit; the component is then as it was before.
        """
        return self._load(bytes_data, exclude)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "WindowNER":
        """Load the component from the directory that `to_disk` wrote; see `from_bytes`. Settings
        that `spacy.load` was called with take precedence over the saved ones.
        """
        overrides = overridden_settings(path, self.cfg)
        self._load(path, exclude)
        self._vocab_path = Path(path).parent / "vocab"
        change_settings(self, checked_settings({**self.cfg, **overrides}, self.model))
        return self

    def _load(self, source: bytes | str | Path, exclude: Iterable[str]) -> "WindowNER":
        cfg, model, is_intact = read_saved(
            source,
            self.vocab,
            tuple(exclude),
            self.name,
            lambda settings, allow_unknown: checked_settings(
                complete_settings(settings, self.cfg, allow_unknown=allow_unknown), self.model
            ),
        )
        if model is not None:
            load_model(self.model, model, cfg["labels"], self.name, is_intact=is_intact)
        complete(self.model, self.vocab)
        change_settings(self, cfg)
        add_score_extension(cfg["spans_key"])
        for label in cfg["labels"]:
            self.vocab.strings.add(label)
        return self

    def _warn_if_nothing_new(
        self, scores: Scores, entities: Entities, allowed: NDArray[np.bool_] | None
    ) -> None:
        """Warn once if entities that were set before overlap with all predictions."""
        legal = legal_tags(seen_labels(self.model))
        nothing_new = finds_nothing_new(scores, entities, allowed, legal)
        if nothing_new is None:
            return
        self._has_found_new = True  # the question is settled
        if nothing_new:
            warnings.warn(
                f"[{self.name}] All entities that this component would predict overlap with "
                f"entities set by an earlier component, which are kept. To use the predictions of "
                f"this component, exclude the other one, for example with "
                f'spacy.load(…, exclude=["ner"]).',
                stacklevel=3,
            )

    def _warn_misaligned(self, misaligned: Sequence[Span]) -> None:
        """Warn once about entities that do not align with the pipeline's tokens."""
        if not misaligned or self._has_warned:
            return
        self._has_warned = True
        some = ", ".join(repr(span.text) for span in misaligned[:3])
        warnings.warn(
            f"[{self.name}] {len(misaligned)} gold entities do not align with the pipeline's "
            f"tokens, for example {some}. Their tokens are treated as missing annotation and not "
            f"used for training. Check the offsets and the tokenizer.",
            stacklevel=3,
        )
