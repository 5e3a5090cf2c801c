"""Train on a few annotated documents, starting from a network that was trained on other data.

The number of steps and the threshold are chosen by cross-validation: every document is processed by
a network that was trained on the others, so that no documents have to be set aside.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import count

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.training.batchers import minibatch_by_words
from spacy.util import fix_random_seed, load_model_from_config
from thinc.api import Config, Optimizer

from ..confidence.scored_examples import ScoredExamples, find_component, score_examples
from ..decoding.thresholds import LOWEST
from ..inspect.folds import own_config, split_into_folds
from ..settings import change_settings
from ..training.corpus import SentenceCorpus, read_examples, set_sentence_starts
from ..training.start_from import NAME, set_start, start_from
from .averaging import average
from .held_out import FOLDS, PRIOR_THRESHOLD, HeldOut, Learned

# Chosen with 100 sentences: learning rate and batches on the dev files of wnut17 and anem, the
# number of networks and the fewest steps on those of wnut17, anem and ncbi-disease. The mean of
# networks is closer to the initial parameters than each of them, so it needs more steps.
LEARN_RATE, DROPOUT, BATCH_WORDS = 0.002, 0.2, 150
STEPS = (100, 200, 400, 800)
NEW_STEPS = (200, 400, 800)  # of a new network
# A pretrained network is better after 400 steps than after 200, by 2 points of F1 with 100
# sentences on the dev files of ncbi-disease and anem.
TEXTS_STEPS = (400, 800)
NETWORKS = 4
STEPS_TO_CHOOSE = 100
# The gain in F1 that more steps must bring, since scores on few entities are uncertain.
MARGIN = 0.02

Progress = Callable[[int], object]


def print_nothing(n: int) -> None:
    """Show no progress."""


def learn(
    docs: Sequence[Doc],
    config: Config,
    base: Language,
    labels: Sequence[str],
    *,
    dev: Sequence[Doc] = (),
    stops: Sequence[int] | None = None,
    seed: int = 0,
    progress: Progress = print_nothing,
) -> Learned:
    """Train on annotated documents.

    docs (Sequence[Doc]): The training documents, at least four.
    config (Config): The config of the pipeline; see `config_from`.
    base (Language): The pipeline whose network to start from.
    labels (Sequence[str]): The labels to learn.
    dev (Sequence[Doc]): Development documents, used instead of cross-validation.
    stops (Optional[Sequence[int]]): The numbers of steps to choose from, ascending; by default,
        suitable for a trained base.
    seed (int): Random seed.
    progress (Callable): Called with 1 after each step.
    RETURNS (Learned): The pipeline.
    RAISES (ValueError): If there are too few documents.
    """
    folds = Folds(docs, dev, labels, seed, progress)
    stops = stops or [n for n in STEPS if n <= max(200, len(docs))]
    # All networks continue as long as more steps improve them.
    best, steps, f_whole = None, stops[0], 0.0
    for n, of_folds in zip(stops, folds.train(config, base, stops), strict=True):
        held = HeldOut.together(of_folds)
        if best is not None and held.f_score() < best.f_score() + MARGIN:
            break
        best, steps, f_whole = held, n, of_folds[0].f_score()
    assert best is not None
    [half] = folds.train_one(config, base, folds.parts[0], [steps], share=0.5)
    nlp = train_fully(docs, config, base, labels, steps, seed, progress)
    threshold = best.threshold()
    find_component(nlp, NAME).threshold = threshold
    counts = best.counts(threshold)
    return Learned(nlp, steps, counts, f_whole, half.f_score(), len(docs), not dev)


def choose_base(
    docs: Sequence[Doc],
    bases: Mapping[str, Language],
    labels: Sequence[str],
    seed: int = 0,
    progress: Progress = print_nothing,
) -> dict[str, float]:
    """Compare pipelines to start from by cross-validation of short training runs.

    docs (Sequence[Doc]): The training documents, at least four.
    bases (Mapping[str, Language]): The pipelines by name.
    labels (Sequence[str]): The labels to learn.
    seed (int): Random seed.
    progress (Callable): Called with 1 after each step.
    RETURNS (Dict[str, float]): F1 of each, from 0 to 1.
    RAISES (ValueError): If there are too few documents.
    """
    folds = Folds(docs, (), labels, seed, progress)
    scores = {}
    for name, base in bases.items():
        [of_folds] = folds.train(config_from(base, name, seed=seed), base, [STEPS_TO_CHOOSE])
        scores[name] = HeldOut.together(of_folds).f_score()
    return scores


class Folds:
    """Trains networks, and applies them to held-out documents."""

    def __init__(
        self,
        docs: Sequence[Doc],
        dev: Sequence[Doc],
        labels: Sequence[str],
        seed: int,
        progress: Progress,
    ) -> None:
        """Split the documents.

        docs (Sequence[Doc]): The training documents.
        dev (Sequence[Doc]): Held-out documents to use instead of folds; may be empty.
        labels (Sequence[str]): The labels to learn.
        seed (int): Random seed.
        progress (Callable): Called with 1 after each step.
        RAISES (ValueError): If there are too few documents.
        """
        self._docs, self._everything = docs, [*docs, *dev]
        self._labels, self._seed, self._progress = labels, seed, progress
        self.parts = (
            [list(range(len(docs), len(self._everything)))]
            if dev
            else split_into_folds(len(docs), FOLDS, seed)
        )

    def train(
        self, config: Config, base: Language, stops: Sequence[int]
    ) -> Iterator[tuple[HeldOut, ...]]:
        """Train one network for each part, side by side.

        config (Config): The config of the pipeline.
        base (Language): The pipeline to start from.
        stops (Sequence[int]): The steps after which to predict, ascending.
        YIELDS (Tuple[HeldOut]): The predictions of each network for its part.
        """
        networks = [self.train_one(config, base, part, stops) for part in self.parts]
        yield from zip(*networks, strict=True)

    def train_one(
        self,
        config: Config,
        base: Language,
        part: Sequence[int],
        stops: Sequence[int],
        share: float = 1.0,
    ) -> Iterator[HeldOut]:
        """Train a network on a share of the documents outside of a part.

        config (Config): The config of the pipeline.
        base (Language): The pipeline to start from.
        part (Sequence[int]): The indices of the documents to predict.
        stops (Sequence[int]): The steps after which to predict, ascending.
        share (float): The share of the other documents to train on.
        YIELDS (HeldOut): The predictions of the network.
        """
        out = set(part)
        others = [i for i in range(len(self._docs)) if i not in out]
        drawn = random.Random(self._seed).sample(others, round(share * len(others)))
        nlp = begin_from(config, base, self._labels)
        examples = read_examples(nlp, [self._everything[i] for i in part])
        some = [self._everything[i] for i in drawn]
        for _, optimizer in train_steps(nlp, some, stops, self._seed, self._progress):
            with nlp.use_params(optimizer.averages):
                yield hold(nlp, examples)


def train_fully(
    docs: Sequence[Doc],
    config: Config,
    base: Language,
    labels: Sequence[str],
    steps: int,
    seed: int = 0,
    progress: Progress = print_nothing,
) -> Language:
    """Train on annotated documents for a given number of steps.

    docs (Sequence[Doc]): The documents.
    config (Config): The config of the pipeline; see `config_from`.
    base (Language): The pipeline whose network to start from.
    labels (Sequence[str]): The labels to learn.
    steps (int): The number of steps.
    seed (int): Random seed.
    progress (Callable): Called with 1 after each step.
    RETURNS (Language): The pipeline, with the mean of `NETWORKS` networks, each trained on the
        documents in a different order.
    """
    models = []
    for number in range(NETWORKS):
        nlp = begin_from(config, base, labels)
        component = find_component(nlp, NAME)
        for _, optimizer in train_steps(nlp, docs, [steps], NETWORKS * seed + number, progress):
            with nlp.use_params(optimizer.averages):
                models.append(deepcopy(component.model))
    component.model = average(models)
    component.threshold = PRIOR_THRESHOLD
    return nlp


def put_beside(base: Language, learned: Language) -> str:
    """Add the component of a trained pipeline to its base, so that the labels of both are found:
    the new component keeps the entities of the other components, and adds its own.

    base (Language): The base pipeline, which is changed.
    learned (Language): The pipeline that `learn` has trained from it.
    RETURNS (str): The name of the new component, which is also its `spans_key`.
    """
    name = next(n for i in count(2) if (n := f"{NAME}_{i}") not in base.component_names)
    base.add_pipe(NAME, name, source=learned)
    change_settings(find_component(base, name), {"spans_key": name})
    return name


def begin_from(config: Config, base: Language, labels: Sequence[str]) -> Language:
    """RETURNS (Language): A pipeline with the given config, with the vocabulary and network of the
    base, and new outputs for the labels.
    """
    nlp = load_model_from_config(config, vocab=base.vocab)
    start_from(find_component(nlp, NAME), find_component(base, NAME), labels)
    return nlp


def train_steps(
    nlp: Language,
    docs: Sequence[Doc],
    stops: Sequence[int],
    seed: int,
    progress: Progress = print_nothing,
    optimizer: Optimizer | None = None,
) -> Iterator[tuple[int, Optimizer]]:
    """Train a pipeline.

    nlp (Language): The pipeline.
    docs (Sequence[Doc]): The annotated documents.
    stops (Sequence[int]): The steps at which to yield, ascending.
    seed (int): Random seed.
    progress (Callable): Called with 1 after each step.
    optimizer (Optional[Optimizer]): The optimizer of previous steps, to continue; a new one if
        None.
    YIELDS (Tuple[int, Optimizer]): The number of steps, and the optimizer, which has the averages.
    """
    fix_random_seed(seed)
    optimizer = optimizer or nlp.create_optimizer()
    component = find_component(nlp, NAME)
    settings = nlp.config["training"]
    size, step = settings["batcher"]["size"], 0
    while step < stops[-1]:
        batches = minibatch_by_words(_read(nlp, docs), size, tolerance=0.2)
        for batch in batches:
            component.update(batch, drop=settings["dropout"], sgd=optimizer)
            step += 1
            progress(1)
            if step in stops:
                yield step, optimizer
            if step == stops[-1]:
                return


def _read(nlp: Language, docs: Sequence[Doc]) -> Iterator[Example]:
    """The documents in a new random order each time, as `[corpora.train]` reads them."""
    shares = nlp.config["corpora"]["train"]
    reader = SentenceCorpus("", cut=shares["cut"])
    for example in reader.make_examples(nlp, random.sample(list(docs), len(docs))):
        if random.random() < shares["sentence_starts"]:
            set_sentence_starts(example)
        yield example


def hold(nlp: Language, examples: Sequence[Example]) -> HeldOut:
    """RETURNS (HeldOut): The predictions of a pipeline for annotated documents with tokens. It must
    have all of their labels.
    """
    scored: ScoredExamples = score_examples(nlp, NAME, examples)
    found = scored.entities(LOWEST)
    numbers = {label: n for n, label in enumerate(find_component(nlp, NAME).label_data)}
    n_gold = np.zeros((scored.n_documents, len(numbers)), dtype=np.int64)
    for row, example in zip(n_gold, (ex for ex in examples if len(ex.predicted)), strict=True):
        for ent in example.reference.ents:
            row[numbers[ent.label_]] += 1
    return HeldOut(found.probabilities, found.correct, found.documents, found.labels, n_gold)


def config_from(nlp: Language, path: str, steps: int = STEPS[0], seed: int = 0) -> Config:
    """Make a config for `spacy train` that starts from the network of a pipeline, and trains for
    the given number of steps.

    nlp (Language): The pipeline to start from, with a component `window_ner`.
    path (str): Its name or path.
    steps (int): The number of steps.
    seed (int): Random seed.
    RETURNS (Config): The config.
    RAISES (ValueError): If training cannot start from its network; see `set_start`.
    """
    config = own_config(nlp, path, NAME)
    set_start(config, nlp, path)
    config["nlp"]["pipeline"] = [NAME]
    config["components"] = {NAME: {**config["components"][NAME], "threshold": None}}
    config["system"]["seed"] = seed
    corpus = "spacy_window_ner.Corpus.v1"
    config["corpora"] = {
        "train": {"@readers": corpus, "path": "${paths.train}", "sentence_starts": 0.5, "cut": 0.6},
        "dev": {"@readers": corpus, "path": "${paths.dev}"},
    }
    config["training"].update(
        dropout=DROPOUT,
        max_steps=steps,
        eval_frequency=steps,
        patience=0,
        frozen_components=[],
        annotating_components=[],
        before_to_disk=None,
        batcher={
            "@batchers": "spacy.batch_by_words.v1",
            "size": BATCH_WORDS,
            "tolerance": 0.2,
            "discard_oversize": False,
        },
    )
    config["training"]["optimizer"] = {
        "@optimizers": "Adam.v1",
        "L2": 0.0,
        "grad_clip": 0.0,
        "use_averages": True,
        "learn_rate": LEARN_RATE,
    }
    config["initialize"]["components"] = {}
    return config
