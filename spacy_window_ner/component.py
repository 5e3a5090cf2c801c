"""The pipeline component: its life from `initialize` to `to_disk`. The arithmetic is elsewhere."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

import numpy as np
from spacy import util
from spacy.errors import Errors
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.pipeline.ner import ner_score
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer, set_dropout_rate

from .annotations import allow_only, has_gold, preset_mask, read_gold, set_entities, survey
from .architectures import DEFAULT_MODEL
from .decoding import Entities, decode
from .labels import label_numbers, labels_of, legal_tags, mark_seen, new_labels, seen_labels
from .layers.gazetteer import GAZETTEER
from .layers.transitions import Scores
from .objectives import Objective, get_objective
from .objectives.rehearsal import rehearsal_loss
from .sequences.tags import n_tags
from .serialization import load_model, overridden_settings, read_saved
from .thresholds import Threshold, by_label, checked

DEFAULT_SPANS_KEY = "window_ner"
# The pipeline that each component was made for, whose config has its settings too. It is not an
# attribute of the component: copies and pickles of a component would contain the pipeline.
_PIPELINES: "WeakKeyDictionary[WindowNER, ReferenceType[Language]]" = WeakKeyDictionary()


@Language.factory(
    "window_ner",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type", "doc.spans"],
    default_config={
        "model": DEFAULT_MODEL,
        "spans_key": DEFAULT_SPANS_KEY,
        "threshold": None,
        "incorrect_spans_key": None,
        "scorer": {"@scorers": "spacy.ner_scorer.v1"},
    },
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_window_ner(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Scores],
    spans_key: str | None,
    threshold: float | dict[str, float] | None,
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
        incorrect_spans_key=incorrect_spans_key,
        scorer=scorer,
    )
    _PIPELINES[component] = ref(nlp)
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
            that it does not have. If None, the entities are those of the best tag sequence. Needs
            `crf`.
        incorrect_spans_key (Optional[str]): Where in the reference's `doc.spans` training finds
            spans that are not entities.
        scorer (Optional[Callable]): The scoring method.
        RAISES (ValueError): If the threshold is out of range or the objective is not `crf`, or
            if spans_key is the network's gazetteer_key.
        """
        _validate_settings(model, spans_key, threshold)
        self.vocab = vocab
        self.model = model
        self.name = name
        self.cfg: dict[str, Any] = {
            "labels": [],
            "spans_key": spans_key,
            "threshold": checked(threshold, []),
            "incorrect_spans_key": incorrect_spans_key,
        }
        self.scorer = scorer
        self._preset_labels: frozenset[str] = frozenset()
        self._has_warned = False
        self._rehearsal_model: Model[list[Doc], Scores] | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (Tuple[str]): The labels of the network and of preset entities, sorted."""
        return tuple(sorted(self._preset_labels.union(self.cfg["labels"])))

    @property
    def label_data(self) -> list[str]:
        """RETURNS (List[str]): The labels in the order of the network's outputs."""
        return list(self.cfg["labels"])

    @property
    def threshold(self) -> Threshold:
        """The probability above which spans are entities, or one for each label; None for the best
        tag sequence. A new value is written to the config of the pipeline too.

        RAISES (ValueError): If it is set to a value that is out of range or has unknown labels, or
            the objective is not `crf`.
        """
        return self.cfg["threshold"]

    @threshold.setter
    def threshold(self, value: Threshold) -> None:
        value = checked(value, self.cfg["labels"])
        _validate_settings(self.model, self.cfg["spans_key"], value)
        self._change_settings({"threshold": value})

    def _change_settings(self, settings: dict[str, Any]) -> None:
        """Change settings, and what the config of the pipeline has for them."""
        self.cfg.update(settings)
        made_for = _PIPELINES.get(self)
        nlp = made_for() if made_for else None
        if nlp is not None:
            for name, component in nlp.components:
                if component is self:
                    config = nlp.get_pipe_config(name)
                    config.update({key: settings[key] for key in config.keys() & settings.keys()})

    @property
    def incorrect_spans_key(self) -> str | None:
        """RETURNS (Optional[str]): Where training finds incorrect spans."""
        return self.cfg["incorrect_spans_key"]

    @property
    def tok2vec(self) -> Model:
        """RETURNS (Model): The part of the network that computes token vectors."""
        return self.model.get_ref("tok2vec")

    @property
    def _objective(self) -> Objective:
        return get_objective(self.model.attrs["objective"])

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

        docs (Iterable[Doc]): The documents.
        RETURNS (Entities): The entities, including those that are already set.
        RAISES (ValueError): If the component is not initialized.
        """
        docs = list(docs)
        self._require_initialized()
        if not any(len(doc) for doc in docs):
            return Entities(np.zeros((0, 3), dtype=np.int64), np.zeros(0), np.zeros(len(docs), int))
        scores = self.model.predict(docs)
        labels, unseen = self.cfg["labels"], self.model.attrs["unseen_labels"]
        in_use = label_numbers(labels, self.vocab.strings, left_out=unseen)
        allowed, has_presets = preset_mask(docs, in_use, len(labels))
        if has_presets:
            # The network does not grow here, only in training: threads can share it.
            self._preset_labels |= labels_of(docs)
        threshold = by_label(self.cfg["threshold"], labels)
        wanted = self.cfg["spans_key"] is not None
        entities = decode(
            scores, self._objective, allowed, threshold=threshold, probabilities=wanted
        )
        entities.has_presets = has_presets
        return entities

    def set_annotations(self, docs: Iterable[Doc], entities: Entities) -> None:
        """Write the entities that `predict` found to the documents."""
        set_entities(docs, entities, self.cfg["labels"], self.cfg["spans_key"])

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
        self._require_initialized()
        self._add_labels(sorted(labels_of(example.reference for example in examples)))
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
        loss, d_scores = rehearsal_loss(scores, teacher.predict(docs), *seen, self._objective)
        backprop(d_scores)
        if sgd not in (None, False):
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def finish_update(self, sgd: Optimizer) -> None:
        """Update the parameters with the gradients that were collected.

        A prediction after `update` makes parameters read-only, because it remembers their products
        (see `LexemeCache`). They have to be writable again: SGD fails on a read-only array, and
        Adam leaves a read-only one behind.
        """
        self.model.get_ref("hidden").attrs["cache"].release()
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
        allowed, legal = allow_only(gold.tags, len(labels)), legal_tags(seen_labels(self.model))
        loss, d_scores = self._objective.loss(scores, allowed, legal, gold.incorrect)
        if not np.isfinite(loss):
            raise ValueError(
                f"[{self.name}] The loss is {loss}: training has diverged. Lower the learning "
                f"rate, set grad_clip in [training.optimizer], or check the static vectors."
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
        nlp (Optional[Language]): The pipeline; not used.
        labels (Optional[Sequence[str]]): The labels to add; read from the examples if None.
            `python -m spacy init labels` generates them.
        RAISES (ValueError): If there is no example.
        """
        validate_get_examples(get_examples, "WindowNER.initialize")
        util.check_lexeme_norms(self.vocab, "window_ner")
        self._add_labels([] if labels is None else labels)
        nodes = [node for node in self.model.walk() if "read_vocabulary" in node.attrs]
        readers = [node.attrs["read_vocabulary"](node) for node in nodes]
        key = self.incorrect_spans_key
        found, misaligned, sample = survey(get_examples(), readers, key, self.name)
        self._warn_misaligned(misaligned)
        if labels is None:
            self._add_labels(sorted(found))
        self.model.initialize(X=sample or [Doc(self.vocab, words=["x"])])
        # An untrained network finds nothing, because unseen labels are never predicted.
        self.model.attrs["unseen_labels"] = list(range(len(self.cfg["labels"])))

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
        checked(overrides.get("threshold"), self.cfg["labels"])
        self._change_settings(overrides)
        return self

    def _load(self, source: bytes | str | Path, exclude: Iterable[str]) -> "WindowNER":
        saved = read_saved(source, self.vocab, exclude, self.name)
        cfg = {**self.cfg, **saved["cfg"]}
        cfg["threshold"] = checked(cfg["threshold"], cfg["labels"])
        _validate_settings(self.model, cfg["spans_key"], cfg["threshold"])
        if saved["model"] is not None:
            load_model(self.model, saved["model"], cfg["labels"], self.name)
        self._change_settings(cfg)
        for label in cfg["labels"]:
            self.vocab.strings.add(label)
        return self

    def _require_initialized(self) -> None:
        if not self.model.get_ref("scores").has_param("W"):
            raise ValueError(Errors.E109.format(name=self.name))

    def _warn_misaligned(self, misaligned: Sequence[Span]) -> None:
        """Warn once of entities that do not align with the pipeline's tokens."""
        if not misaligned or self._has_warned:
            return
        self._has_warned = True
        some = ", ".join(repr(span.text) for span in misaligned[:3])
        warnings.warn(
            f"[{self.name}] {len(misaligned)} gold entities do not align with the pipeline's "
            f"tokens, for example {some}. Their tokens count as missing annotation: nothing is "
            f"learned from them. Check the offsets, or the tokenizer.",
            stacklevel=3,
        )


def _validate_settings(model: Model, spans_key: str | None, threshold: Threshold) -> None:
    if threshold is not None and model.attrs["objective"] != "crf":
        raise ValueError(
            f'threshold needs the probabilities of objective = "crf", but the objective is '
            f"{model.attrs['objective']!r}. Set threshold = null."
        )
    if spans_key in [node.attrs["spans_key"] for node in model.walk() if node.name == GAZETTEER]:
        raise ValueError(
            f"spans_key and gazetteer_key are both {spans_key!r}: the network would read its own "
            f"predictions as matches of the gazetteer. Give one of them another name."
        )
