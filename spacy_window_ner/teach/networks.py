"""The networks of `teach`: how they are initialized, and how they continue to learn.

Training continues from the current network, with a few steps at a time over all annotated texts, so
that a new network is ready in a second or two, however many texts there are. Without a correction,
the first texts would be learned hundreds of times before the last ones are annotated, and the
network would be worse than one that is retrained from the start. So before each of these updates,
the network is moved part of the way back to its initial parameters, as if it had been trained for
the last `WINDOW` steps only.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy

import srsly
from numpy.typing import NDArray
from spacy import util
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Model

from ..confidence.scored_examples import find_component
from ..labels import mark_seen
from ..learning.held_out import PRIOR_THRESHOLD
from ..learning.learn import LEARN_RATE, begin_from, config_from, train_steps
from ..settings import change_settings
from ..training.presets import new_pipeline
from ..training.start_from import NAME, with_outputs

# The attributes of a network that training changes, in addition to its parameters.
_LEARNED = {"known", "counts", "unseen_labels"}
# The number of steps after each move back to the initial parameters, and the number of steps that
# are remembered. Chosen on the dev files of wnut17 and anem with 50, 100 and 200 sentences: without
# this, F1 of wnut17 is up to 7 points lower. Retraining takes ten times as many steps per round.
STEPS, WINDOW = 15, 300
# A new network needs a higher learning rate: 2 points better on ncbi-disease.
NEW_LEARN_RATE = 0.004


def base_pipeline(base: str | None, lang: str) -> Language:
    """Load the pipeline to start from, or make one with a new network.

    base (Optional[str]): Its name or path; None for a new network.
    lang (str): The language code of a new network.
    RETURNS (Language): The pipeline.
    RAISES (ValueError): If it has no component `window_ner`.
            (OSError): If it does not exist.
    """
    if base is not None:
        nlp = util.load_model(base)
        find_component(nlp, NAME)
        return nlp
    util.fix_random_seed(0)
    nlp = new_pipeline("efficiency", lang)
    example = Example.from_dict(nlp.make_doc("."), {"entities": []})
    nlp.initialize(lambda: [example])
    return nlp


def first_network(base: Language, labels: Sequence[str]) -> Language:
    """Make the pipeline to train. It can already predict labels that the base has, too.

    base (Language): The pipeline to start from; see `base_pipeline`.
    labels (Sequence[str]): The labels.
    RETURNS (Language): The pipeline, which shares the vocabulary of the base.
    RAISES (ValueError): If training cannot start from the network of the base.
    """
    nlp = begin_from(config_from(base, "base"), base, labels)
    component, before = find_component(nlp, NAME), find_component(base, NAME)
    unseen = before.model.attrs["unseen_labels"]
    seen = {label for n, label in enumerate(before.label_data) if n not in unseen}
    mark_seen(component.model, [n for n, label in enumerate(component.label_data) if label in seen])
    component.threshold = PRIOR_THRESHOLD
    return nlp


class Learning:
    """A network that continues to learn.

    base (Language): The pipeline to start from; see `base_pipeline`.
    labels (Sequence[str]): The labels.
    seed (int): Random seed.
    learn_rate (float): The learning rate.
    """

    def __init__(
        self, base: Language, labels: Sequence[str], seed: int, learn_rate: float = LEARN_RATE
    ) -> None:
        self.nlp = first_network(base, labels)
        self.nlp.config["training"]["optimizer"]["learn_rate"] = learn_rate
        self.steps = 0
        component = find_component(self.nlp, NAME)
        self._beginning = deepcopy(component.model), component.label_data
        self._optimizer = self.nlp.create_optimizer()
        self._seed = seed

    def learn(
        self, docs: Sequence[Doc], steps: int, stopped: Callable[[], bool] = lambda: False
    ) -> bool:
        """Train for some steps.

        docs (Sequence[Doc]): All documents to train on; see `reading.annotated_doc`. New labels are
            added to the network.
        steps (int): The number of steps.
        stopped (Callable): Called after each step; training stops if it returns true.
        RETURNS (bool): Whether all steps were taken; true if there are no documents.
        """
        docs = [doc for doc in docs if len(doc) and doc.has_annotation("ENT_IOB")]
        if not docs:
            return True
        for done in range(0, steps, STEPS):
            n = min(STEPS, steps - done)
            self._go_back(n / WINDOW)
            numbers, seed = range(1, n + 1), self._seed + self.steps
            for step, _ in train_steps(self.nlp, docs, numbers, seed, optimizer=self._optimizer):
                self.steps += 1
                if done + step < steps and stopped():
                    return False
        return True

    def _go_back(self, share: float) -> None:
        """Move the parameters a share of the way back to their initial values."""
        component = find_component(self.nlp, NAME)
        model, labels = self._beginning
        if labels != component.label_data:
            model = with_outputs(model, labels, component.label_data)
            self._beginning = model, component.label_data
        for node, first in zip(component.model.walk(), model.walk(), strict=True):
            for name, value in _params(node).items():
                node.set_param(name, value + share * (first.get_param(name) - value))

    @contextmanager
    def averaged(self) -> Iterator[Language]:
        """Use the mean of the parameters over the last steps. YIELDS (Language): The pipeline."""
        with self.nlp.use_params(self._optimizer.averages):
            yield self.nlp


def pack(nlp: Language) -> bytes:
    """Save what training changes. `WindowNER.to_bytes` saves everything, and takes 20 times as
    long.

    nlp (Language): The pipeline.
    RETURNS (bytes): For `unpack` with a pipeline of `first_network` from the same base.
    """
    component = find_component(nlp, NAME)
    nodes = list(component.model.walk())
    return srsly.msgpack_dumps(
        {
            "labels": component.label_data,
            "threshold": component.threshold,
            "attrs": [{k: v for k, v in node.attrs.items() if k in _LEARNED} for node in nodes],
            "params": [_params(node) for node in nodes],
        }
    )


def unpack(nlp: Language, data: bytes) -> None:
    """Load the data returned by `pack`.

    nlp (Language): The pipeline, which is changed.
    data (bytes): The data.
    RAISES (ValueError): If it does not fit, for example because the base is different. The pipeline
        is unchanged then.
    """
    component = find_component(nlp, NAME)
    try:
        saved = srsly.msgpack_loads(data)
        model = with_outputs(component.model, component.label_data, saved["labels"])
        for node, attrs, params in zip(model.walk(), saved["attrs"], saved["params"], strict=True):
            shapes = [{k: v.shape for k, v in part.items()} for part in (_params(node), params)]
            if shapes[0] != shapes[1]:
                raise ValueError(f"{node.name} has shapes {shapes[1]}, expected {shapes[0]}")
            node.attrs.update(attrs)
            for name, value in params.items():
                node.set_param(name, value.copy())
    except Exception as error:
        raise ValueError(f"The saved network does not match the pipeline: {error}.") from error
    component.model = model
    for label in saved["labels"]:
        component.vocab.strings.add(label)
    change_settings(component, {name: saved[name] for name in ("labels", "threshold")})


def _params(node: Model) -> dict[str, NDArray]:
    return {name: node.get_param(name) for name in node.param_names if node.has_param(name)}
