"""The pipeline component: its life from `initialize` to `to_disk`. The arithmetic is elsewhere."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import srsly
from numpy.typing import NDArray
from spacy import util
from spacy.attrs import ENT_IOB, ENT_TYPE
from spacy.errors import Errors
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.pipeline.ner import ner_score
from spacy.pipeline.pipe import deserialize_config
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model, Optimizer, set_dropout_rate

from .alignment import Gold, preset_mask, read_gold
from .decoding import Entities, decode
from .layers.gazetteer import GAZETTEER
from .layers.transitions import Scores
from .objectives import Objective, get_objective
from .serialization import load_model, validate_cfg
from .tags import OUTSIDE, TAGS_PER_LABEL, n_labels, n_tags

default_config = """
[model]
@architectures = "spacy_window_ner.WindowClassifier.v1"
objective = "crf"
window_size = 3
hidden_width = 96
activation = "maxout"
maxout_pieces = 2
document_context = true
document_votes = true
context_dropout = 0.2
cache_megabytes = 128
gazetteer_key = null
gazetteer_width = 16
nO = null

[model.tok2vec]
@architectures = "spacy_window_ner.LexemeEmbed.v1"
width = 96
attrs = ["NORM", "SHAPE", "CASE", "PREFIX2", "PREFIX3", "SUFFIX2", "SUFFIX3", "SUFFIX4"]
rows = [15000, 1000, 50, 1000, 2500, 1000, 2500, 2500]
widths = [32, 24, 8, 24, 24, 24, 24, 24]
include_static_vectors = false
activation = "maxout"
maxout_pieces = 2
rare_dropout = 0.5
ngrams = []
ngram_rows = 10000
ngram_width = 48
"""
DEFAULT_MODEL = Config().from_str(default_config)["model"]
DEFAULT_SPANS_KEY = "window_ner"
# A score so low that nothing with it is ever likely, and that leaves no infinities in sums.
_IMPOSSIBLE = -1e4
# How many documents the widths of layers are inferred from.
_SAMPLE_SIZE = 10


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
    threshold: float | None,
    incorrect_spans_key: str | None,
    scorer: Callable | None,
) -> "WindowNER":
    """Make the component; see `WindowNER` for the arguments."""
    return WindowNER(
        nlp.vocab,
        model,
        name,
        spans_key=spans_key,
        threshold=threshold,
        incorrect_spans_key=incorrect_spans_key,
        scorer=scorer,
    )


class WindowNER(TrainablePipe):
    """Find and classify names with a window classifier."""

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], Scores],
        name: str = "window_ner",
        *,
        spans_key: str | None = DEFAULT_SPANS_KEY,
        threshold: float | None = None,
        incorrect_spans_key: str | None = None,
        scorer: Callable | None = ner_score,
    ) -> None:
        """Initialize the component.

        vocab (Vocab): The shared vocabulary.
        model (thinc.api.Model): The network, from a list of Docs to `Scores`.
        name (str): The component instance name, used to add entries to the losses.
        spans_key (Optional[str]): Where in `doc.spans` to put the predicted entities, with their
            probabilities in `attrs["scores"]`. None leaves both out and saves the time.
        threshold (Optional[float]): If given, spans likelier than this are entities, the likelier
            first where they overlap; a low one finds more, a high one is surer. If None, the
            entities are those of the best reading of the whole document. Needs the objective `crf`.
        incorrect_spans_key (Optional[str]): Where in the reference's `doc.spans` training finds
            spans that are known not to be entities.
        scorer (Optional[Callable]): The scoring method.
        RAISES (ValueError): If the threshold is outside its range or the objective is not `crf`, or
            if spans_key is where the network looks for the names of lists.
        """
        if threshold is not None and not 0 <= threshold <= 1:
            raise ValueError(f"threshold is a probability from 0 to 1, or null; got {threshold}.")
        if threshold is not None and model.attrs["objective"] != "crf":
            raise ValueError(
                f'threshold needs the probabilities of objective = "crf", but the objective is '
                f"{model.attrs['objective']!r}. Set threshold = null."
            )
        if spans_key is not None and any(
            node.name == GAZETTEER and node.attrs["spans_key"] == spans_key for node in model.walk()
        ):
            raise ValueError(
                f"spans_key and gazetteer_key are both {spans_key!r}: the network would take what "
                f"it finds for names of a list. Give one of them another name."
            )
        self.vocab = vocab
        self.model = model
        self.name = name
        self.cfg: dict[str, Any] = {
            "labels": [],
            "spans_key": spans_key,
            "threshold": threshold,
            "incorrect_spans_key": incorrect_spans_key,
        }
        self.scorer = scorer
        self._met_labels: frozenset[str] = frozenset()
        self._told_misaligned = False
        self._rehearsal_model: Model[list[Doc], Scores] | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (Tuple[str]): The labels, sorted: those of the network, and those that documents
        had when they came here.
        """
        return tuple(sorted(self._met_labels.union(self.cfg["labels"])))

    @property
    def label_data(self) -> list[str]:
        """RETURNS (List[str]): The labels in the order of the network's outputs."""
        return list(self.cfg["labels"])

    @property
    def incorrect_spans_key(self) -> str | None:
        """RETURNS (Optional[str]): Where training finds spans that are known to be wrong."""
        return self.cfg["incorrect_spans_key"]

    @property
    def tok2vec(self) -> Model:
        """RETURNS (Model): The part of the network that makes token vectors."""
        return self.model.get_ref("tok2vec")

    @property
    def _objective(self) -> Objective:
        return get_objective(self.model.attrs["objective"])

    @property
    def _label_numbers(self) -> dict[int, int]:
        """The number of each label by its hash in the string store."""
        strings = self.vocab.strings
        return {strings[label]: number for number, label in enumerate(self.cfg["labels"])}

    @property
    def _legal(self) -> NDArray[np.bool_]:
        """Which tags are in use (n_tags,): all but those of labels never seen in training."""
        legal = np.zeros(n_tags(len(self.cfg["labels"])), dtype=bool)
        legal[_in_use(self.model)[0]] = True
        return legal

    def add_label(self, label: str) -> int:
        """Add a label. A trained network grows, and predicts as before until it learns the label.

        label (str): The label.
        RETURNS (int): 0 if the label is already present, otherwise 1.
        RAISES (ValueError): If the label is not a string, or empty.
        """
        if not isinstance(label, str):
            raise ValueError(Errors.E187)
        return self._add_labels([label])

    def _add_labels(self, labels: Iterable[str]) -> int:
        new = [label for label in dict.fromkeys(labels) if label not in self.cfg["labels"]]
        if "" in new:
            raise ValueError(
                "An entity label cannot be the empty string: spaCy takes it for no entity. "
                "Give the spans a label."
            )
        for label in new:
            if label.startswith("!"):  # spaCy 2 wrote "not this entity" so
                raise ValueError(Errors.E869.format(label=label))
        if not new:
            return 0
        self.cfg["labels"] += new
        for label in new:
            self.vocab.strings.add(label)
        self.set_output(n_tags(len(self.cfg["labels"])))
        return 1

    def predict(self, docs: Iterable[Doc]) -> Entities:
        """Find the entities of a batch of documents, without modifying them.

        docs (Iterable[Doc]): The documents.
        RETURNS (Entities): The entities; those that were set already are among them.
        RAISES (ValueError): If the component is not initialized.
        """
        docs = list(docs)
        self._require_initialized()
        if not any(len(doc) for doc in docs):
            return Entities(
                np.zeros((0, 3), dtype=np.int64), np.zeros(0), np.zeros(len(docs), dtype=np.int32)
            )
        scores = self.model.predict(docs)
        unseen = self.model.attrs["unseen_labels"]
        numbers = self._label_numbers
        seen = {label: number for label, number in numbers.items() if number not in unseen}
        allowed, has_presets = preset_mask(docs, seen, len(numbers))
        if has_presets:
            self._meet_labels(docs)
        if unseen:
            legal = np.broadcast_to(self._legal, scores.emissions.shape)
            allowed = legal if allowed is None else allowed & legal
        entities = decode(
            scores,
            self._objective,
            allowed,
            threshold=self.cfg["threshold"],
            probabilities=self.cfg["spans_key"] is not None,
        )
        entities.has_presets = has_presets
        return entities

    def set_annotations(self, docs: Iterable[Doc], entities: Entities) -> None:
        """Write entities to documents.

        docs (Iterable[Doc]): The documents.
        entities (Entities): What `predict` found in them.
        """
        strings = self.vocab.strings
        labels = [strings[label] for label in self.cfg["labels"]]
        key = self.cfg["spans_key"]
        for doc, (rows, scores) in zip(docs, entities.by_document(), strict=True):
            if entities.has_presets:
                spans, scores = _add_entities(doc, rows, scores, labels)
            else:
                spans = [Span(doc, start, end, label=labels[n]) for start, end, n in rows]
                doc.set_ents(spans)
            if key is not None and scores is not None:
                doc.spans[key] = SpanGroup(doc, name=key, attrs={"scores": scores}, spans=spans)

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch of examples. Delegates to `get_loss`.

        examples (Iterable[Example]): The examples.
        drop (float): The dropout rate.
        sgd (Optional[thinc.api.Optimizer]): The optimizer.
        losses (Optional[Dict[str, float]]): Record of the losses, updated under the component's
            name.
        RETURNS (Dict[str, float]): The updated losses.
        RAISES (ValueError): If the component is not initialized, or training has diverged.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "WindowNER.update")
        self._require_initialized()
        self._add_labels_of(examples)
        if not any(_has_gold(example, self.incorrect_spans_key) for example in examples):
            return losses
        set_dropout_rate(self.model, drop)
        scores, backprop = self.model.begin_update([example.predicted for example in examples])
        loss, d_scores = self.get_loss(examples, scores)
        backprop(d_scores)
        if sgd not in (None, False):
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def rehearse(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
        **config: Any,
    ) -> dict[str, float]:
        """Learn to say of a batch what the network said when `nlp.resume_training` was called, so
        that it keeps what it knew while it learns other text. That reading has no entities of
        labels that came later.

        examples (Iterable[Example]): The examples; their annotation is not used.
        drop (float): The dropout rate, for nlp.rehearse in component_cfg[name]["drop"].
        sgd (Optional[thinc.api.Optimizer]): The optimizer.
        losses (Optional[Dict[str, float]]): Record of the losses, updated under the component's
            name.
        RETURNS (Dict[str, float]): The updated losses.
        """
        losses = {} if losses is None else losses
        examples = list(examples)
        validate_examples(examples, "WindowNER.rehearse")
        docs = [example.predicted for example in examples]
        if self._rehearsal_model is None or not any(len(doc) for doc in docs):
            return losses
        losses.setdefault(self.name, 0.0)
        set_dropout_rate(self.model, drop)
        teacher = self._rehearsal_model.predict(docs)
        scores, backprop = self.model.begin_update(docs)
        tags, classes = _in_use(self.model)
        steps = np.ix_(classes, classes)
        known_tags, known_classes = _in_use(self._rehearsal_model)
        # The teacher reads no entity of a label that it has not been taught.
        emissions = np.full_like(scores.emissions, _IMPOSSIBLE)
        emissions[:, known_tags] = teacher.emissions[:, known_tags]
        known = np.ix_(known_classes, known_classes)
        transitions = np.zeros_like(scores.transitions)
        transitions[known] = teacher.transitions[known]
        loss, d_old = self._objective.imitate(
            Scores(scores.emissions[:, tags], scores.transitions[steps], scores.lengths),
            Scores(emissions[:, tags], transitions[steps], scores.lengths),
        )
        d_scores = Scores(
            np.zeros_like(scores.emissions), np.zeros(scores.transitions.shape), scores.lengths
        )
        d_scores.emissions[:, tags] = d_old.emissions
        d_scores.transitions[steps] = d_old.transitions
        backprop(d_scores)
        if sgd not in (None, False):
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def get_loss(self, examples: Iterable[Example], scores: Scores) -> tuple[float, Scores]:
        """Find the loss of the scores, and its gradient.

        examples (Iterable[Example]): The examples.
        scores (Scores): What the network says of their predicted documents.
        RETURNS (Tuple[float, Scores]): The loss in nats, and its gradient.
        RAISES (ValueError): If training has diverged.
        """
        examples = list(examples)
        validate_examples(examples, "WindowNER.get_loss")
        gold = read_gold(examples, self._label_numbers, self.incorrect_spans_key)
        self._tell_misaligned(gold.misaligned)
        self._mark_seen(gold)
        allowed = gold.allowed(len(self.cfg["labels"]))
        loss, d_scores = self._objective.loss(scores, allowed, self._legal, gold.incorrect)
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

        get_examples (Callable[[], Iterable[Example]]): Function that returns a representative
            sample of gold-standard examples.
        nlp (Optional[Language]): The current nlp object the component is part of.
        labels (Optional[Sequence[str]]): The labels to add; read from the examples if None.
            `python -m spacy init labels` generates them.
        RAISES (ValueError): If there is no example.
        """
        validate_get_examples(get_examples, "WindowNER.initialize")
        util.check_lexeme_norms(self.vocab, "window_ner")
        _validate_labels(labels, self.name)
        found, sample = self._read_data(get_examples())
        self._add_labels(found if labels is None else labels)
        self.set_output(n_tags(len(self.cfg["labels"])))
        self.model.initialize(X=sample)
        # What has never been seen is never predicted: an untrained network finds nothing.
        self.model.attrs["unseen_labels"] = list(range(len(self.cfg["labels"])))

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "WindowNER":
        """Load the component from bytes.

        bytes_data (bytes): What `to_bytes` gave.
        exclude (Iterable[str]): Names of serialization fields to leave out.
        RETURNS (WindowNER): The component.
        RAISES (ValueError): If the data does not fit; the component is then as it was before.
        """
        loaded: dict[str, Any] = {"cfg": {}, "model": None}
        deserialize = {
            "cfg": lambda b: loaded.update(cfg=srsly.json_loads(b)),
            "vocab": lambda b: self.vocab.from_bytes(b, exclude=exclude),
            "model": lambda b: loaded.update(model=b),
        }
        try:
            util.from_bytes(bytes_data, deserialize, exclude)
        except Exception as error:
            raise ValueError(
                f"[{self.name}] The bytes are damaged or cut off: {error}. Load what to_bytes gave."
            ) from error
        return self._load(loaded["cfg"], loaded["model"])

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "WindowNER":
        """Load the component from a directory.

        path (Union[str, Path]): The directory that `to_disk` wrote.
        exclude (Iterable[str]): Names of serialization fields to leave out.
        RETURNS (WindowNER): The component.
        RAISES (ValueError): If the files do not fit; the component is then as it was before.
        """
        loaded: dict[str, Any] = {"cfg": {}, "model": None}
        deserialize: dict[str, Callable[[Path], Any]] = {
            "cfg": lambda p: loaded.update(cfg=self._read_cfg(p)),
            "vocab": lambda p: self.vocab.from_disk(p, exclude=exclude),
            "model": lambda p: loaded.update(model=p.read_bytes()),
        }
        util.from_disk(path, deserialize, exclude)
        return self._load(loaded["cfg"], loaded["model"])

    def _read_cfg(self, path: Path) -> Any:
        try:
            return deserialize_config(path)
        except ValueError as error:
            raise ValueError(f"[{self.name}] The file {path} (cfg) is damaged: {error}.") from error

    def _load(self, cfg: Any, model: bytes | None) -> "WindowNER":
        cfg = {**self.cfg, **validate_cfg(cfg, self.name)}
        if model is not None:
            load_model(self.model, model, cfg["labels"], self.name)
        self.cfg = cfg
        for label in cfg["labels"]:
            self.vocab.strings.add(label)
        return self

    def _read_data(self, examples: Iterable[Example]) -> tuple[list[str], list[Doc]]:
        """Go through the training data once: its labels, sorted, and some documents to infer widths
        from. The token vectors learn which words it has; says how many entities do not align.
        """
        nodes = [node for node in self.model.walk() if "read_vocabulary" in node.attrs]
        readers = [node.attrs["read_vocabulary"](node) for node in nodes]
        labels: set[str] = set()
        misaligned: list[Span] = []
        sample: list[Doc] = []
        n = 0
        for batch in util.minibatch(examples, size=256):
            n += len(batch)
            labels.update(*(_labels_of(example.reference) for example in batch))
            misaligned += read_gold(batch, {}).misaligned
            # A document without annotation teaches nothing of its words.
            docs = [eg.predicted for eg in batch if _has_gold(eg, self.incorrect_spans_key)]
            for reader in readers:
                reader.add(docs)
            # Widths cannot be read off documents without tokens.
            with_tokens = (eg.predicted for eg in batch if len(eg.predicted))
            sample += islice(with_tokens, _SAMPLE_SIZE - len(sample))
        if not n:
            raise ValueError(Errors.E923.format(name=self.name))
        self._tell_misaligned(misaligned)
        for reader in readers:
            reader.finish()
        return sorted(labels), sample or [Doc(self.vocab, words=["x"])]

    def _add_labels_of(self, examples: Iterable[Example]) -> None:
        """Add the labels of references that the component does not know, as spaCy's `ner` does."""
        found = set().union(*(_labels_of(example.reference) for example in examples))
        self._add_labels(sorted(found.difference(self.cfg["labels"])))

    def _meet_labels(self, docs: Iterable[Doc]) -> None:
        """Count the labels of documents among ours, as spaCy's `ner` does.

        The network does not grow here, so that threads can share it, but where it learns.
        """
        self._met_labels = self._met_labels.union(*(_labels_of(doc) for doc in docs))

    def _mark_seen(self, gold: Gold) -> None:
        """Take labels into use that the annotation has for the first time."""
        unseen = self.model.attrs["unseen_labels"]
        if not unseen:
            return
        found = set(((gold.tags[gold.tags > 0] - 1) // TAGS_PER_LABEL).tolist())
        found |= set(gold.incorrect[:, 2].tolist())
        self.model.attrs["unseen_labels"] = [number for number in unseen if number not in found]

    def _tell_misaligned(self, misaligned: Sequence[Span]) -> None:
        """Warn of entities that do not align, once in the component's life."""
        if not misaligned or self._told_misaligned:
            return
        self._told_misaligned = True
        some = ", ".join(repr(span.text) for span in misaligned[:3])
        warnings.warn(
            f"[{self.name}] {len(misaligned)} gold entities do not align with the tokens that the "
            f"pipeline makes of the text, for example {some}. Their tokens count as missing "
            f"annotation: nothing is learned from them. Check the offsets, or the tokenizer.",
            stacklevel=3,
        )

    def _require_initialized(self) -> None:
        if not self.model.get_ref("scores").has_param("W"):
            raise ValueError(Errors.E109.format(name=self.name))


def _validate_labels(labels: Any, name: str) -> None:
    if labels is None:
        return
    if isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        raise ValueError(
            f"[{name}] labels must be a list of strings, got {labels!r}. "
            f"`python -m spacy init labels` writes such a list."
        )


def _in_use(model: Model[list[Doc], Scores]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The tags, and the classes of transitions, of the labels that a network has been taught."""
    labels = np.arange(n_labels(model.get_ref("scores").get_dim("nO")))
    labels = labels[~np.isin(labels, model.attrs["unseen_labels"])]
    tags = 1 + TAGS_PER_LABEL * labels[:, None] + np.arange(TAGS_PER_LABEL)
    return np.append(OUTSIDE, tags), np.append(0, 1 + labels)


def _has_gold(example: Example, incorrect_spans_key: str | None) -> bool:
    if len(example.predicted) == 0:
        return False
    if incorrect_spans_key is not None and example.reference.spans.get(incorrect_spans_key):
        return True
    return example.reference.has_annotation("ENT_IOB")


def _labels_of(doc: Doc) -> set[str]:
    """The labels of a document. Its strings need not be in our store: a component that was sourced
    into another pipeline keeps its own vocabulary.
    """
    strings = doc.vocab.strings
    return {strings[label] for label in set(doc.to_array(ENT_TYPE).tolist()) - {0}}


def _add_entities(
    doc: Doc,
    rows: Sequence[tuple[int, int, int]],
    scores: NDArray[np.float32] | None,
    labels: Sequence[int],
) -> tuple[list[Span], NDArray[np.float32] | None]:
    """Set entities beside those that a document has: the new ones, and their probabilities."""
    iob, types = doc.to_array([ENT_IOB, ENT_TYPE]).reshape(-1, 2).T
    new = [i for i, (start, _, _) in enumerate(rows) if types[start] == 0]
    spans = [Span(doc, rows[i][0], rows[i][1], label=labels[rows[i][2]]) for i in new]
    outside = _missing_runs(doc, iob, spans)
    doc.set_ents(spans, outside=outside, default="unmodified")
    return spans, None if scores is None else scores[new]


def _missing_runs(doc: Doc, iob: NDArray, spans: Sequence[Span]) -> list[Span]:
    """The stretches of tokens that have no annotation and get none from the spans."""
    missing = np.concatenate([[False], iob == 0, [False]])
    for span in spans:
        missing[1 + span.start : 1 + span.end] = False
    starts = np.flatnonzero(missing[1:] & ~missing[:-1])
    ends = np.flatnonzero(~missing[1:] & missing[:-1])
    return [
        Span(doc, start, end) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
