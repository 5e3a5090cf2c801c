"""Initializes a network with the parameters of another one, even with different labels."""

from collections.abc import Callable, Sequence
from copy import deepcopy

import numpy as np
from spacy import util
from spacy.language import Language
from spacy.training.callbacks import create_copy_from_base_model
from thinc.api import Config, Model

from ..component import WindowNER
from ..confidence.scored_examples import find_component
from ..labels import new_labels
from ..network.layers.affine import Affine
from ..network.layers.transitions import Transitions
from ..network.lexicon import carried, carry
from ..sequences.tags import TAGS_PER_LABEL, n_tags

Callback = Callable[[Language], Language]
NAME = "window_ner"
START_FROM = "spacy_window_ner.start_from.v1"


def set_start(config: Config, nlp: Language, path: str) -> None:
    """Change a config to start from the network of a pipeline, with its vocabulary and tokenizer.

    config (Config): The config of a pipeline with a component `window_ner`, which is changed.
    nlp (Language): The pipeline to start from.
    path (str): Its name or path.
    RAISES (ValueError): If it has no component `window_ner`, or one whose network listens to
        another component.
    """
    if NAME not in nlp.pipe_names:
        raise ValueError(
            f"{path} has no component {NAME} to start from. To use only its word vectors, run "
            f"`init-config accuracy … --vectors {path}`."
        )
    find_component(nlp, NAME)  # of the right kind
    if any(NAME in getattr(pipe, "listening_components", []) for _, pipe in nlp.pipeline):
        raise ValueError(
            f"Training cannot start from {path}, because its network uses the token vectors of "
            f"another component. Use a pipeline that was trained with another preset."
        )
    config["nlp"]["tokenizer"] = nlp.config["nlp"]["tokenizer"]
    config["components"][NAME]["model"] = nlp.config["components"][NAME]["model"]
    config["initialize"].update(vectors=None, lookups=None)
    for when in ("before_init", "after_init"):
        config["initialize"][when] = {"@callbacks": START_FROM, "source": path}


def create_start_from(source: str, name: str = NAME) -> Callback:
    """Make `spacy_window_ner.start_from.v1`, a callback for both `[initialize.before_init]` and
    `[initialize.after_init]`.

    source (str): Name or path of the pipeline to start from, with a component of the same name and
        a network with the same settings.
    name (str): Name of the component.
    RETURNS (Callable): Before initialization, it copies the tokenizer, the vocabulary, and the word
        vectors and clusters of the source to the pipeline. After initialization, it copies the
        parameters of the source. The output layer is new, except for labels that the source has.
    """

    def callback(nlp: Language) -> Language:
        component, base = find_component(nlp, name), find_component(util.load_model(source), name)
        if component.model.get_ref("scores").has_param("W"):
            start_from(component, base, component.label_data)
        else:
            create_copy_from_base_model(tokenizer=source, vocab=source)(nlp)
            carry(component.model, carried(base.model))
        return nlp

    return callback


def start_from(component: WindowNER, base: WindowNER, labels: Sequence[str]) -> None:
    """Copy the network of a component to another one, with an output layer for its labels.

    component (WindowNER): The component, which is changed. Its settings must match the network of
        `base`, and its vocabulary must have the same vectors and lookups.
    base (WindowNER): The trained component.
    labels (Sequence[str]): The labels.
    RAISES (ValueError): If the network of the component has different layers or dimensions, since
        it could then not be loaded with its config.
    """
    _require_same(component.model.get_ref("hidden"), base.model.get_ref("hidden"))
    labels = new_labels(labels, [])
    component.model = with_outputs(base.model, base.label_data, labels)
    component.cfg["labels"] = labels
    for label in labels:
        component.vocab.strings.add(label)


def _require_same(model: Model, base: Model) -> None:
    nodes, others = list(model.walk()), list(base.walk())
    different = [
        f"{node.name} has {dim} = {node.get_dim(dim)}, expected {other.get_dim(dim)}"
        for node, other in zip(nodes, others, strict=False)
        for dim in node.dim_names
        if node.name == other.name and node.maybe_get_dim(dim) and other.maybe_get_dim(dim)
        if node.get_dim(dim) != other.get_dim(dim)
    ]
    if [node.name for node in nodes] != [other.name for other in others]:
        different.insert(0, "the layers are different")
    if different:
        raise ValueError(
            f"Training cannot start from the network of the other pipeline: {different[0]}. Copy "
            f"the settings of its [components.{NAME}.model], or use `init-config --base`."
        )


def with_outputs(model: Model, old: Sequence[str], new: Sequence[str]) -> Model:
    """Copy a network, with outputs for other labels. Outputs of existing labels are kept, all
    others are initialized with zero.

    model (Model): A trained network of `window_classifier`.
    old (Sequence[str]): Its labels.
    new (Sequence[str]): The labels of the copy, all of them unseen.
    RETURNS (Model): The copy.
    """
    copy = deepcopy(model)
    scores, transitions = copy.get_ref("scores"), copy.get_ref("transitions")
    pairs = [(i, old.index(label)) for i, label in enumerate(new) if label in old]
    to, of = (np.asarray([0, *(1 + pair[side] for pair in pairs)]) for side in (0, 1))
    tags_to, tags_of = (
        np.concatenate(
            [[0], (1 + TAGS_PER_LABEL * (x[1:, None] - 1) + range(TAGS_PER_LABEL)).ravel()]
        )
        for x in (to, of)
    )
    outputs = Affine(n_tags(len(new)), scores.get_dim("nI"))
    for name in ("W", "b"):
        before = scores.get_param(name)
        values = np.zeros((n_tags(len(new)), *before.shape[1:]), dtype=before.dtype)
        values[tags_to] = before[tags_of]
        outputs.set_param(name, values)
    between = Transitions(transitions.attrs["learned"], len(new))
    if transitions.attrs["learned"]:
        T = np.zeros((1 + len(new), 1 + len(new)), dtype="f")
        T[np.ix_(to, to)] = transitions.get_param("T")[np.ix_(of, of)]
        between.set_param("T", T)
    copy.replace_node(scores, outputs)
    copy.replace_node(transitions, between)
    copy.attrs["unseen_labels"] = list(range(len(new)))
    return copy
