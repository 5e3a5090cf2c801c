"""Learn from a handful of annotated documents, beginning from a network that has seen others.

How many steps to take and the threshold are chosen by cross-validation: every document is read by a
network that was trained on the others, so that few documents have to do for everything.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.training.batchers import minibatch_by_words
from spacy.util import fix_random_seed, load_model_from_config
from thinc.api import Config, Optimizer

from ..confidence.development import Development, develop, find_component
from ..decoding.thresholds import LOWEST, best_cut
from ..files.formats import read_examples
from ..inspect.bootstrap import intervals, prf
from ..inspect.folds import divide, own_config
from .corpus import SentenceCorpus, set_sentence_starts
from .start_from import start_from

NAME = "window_ner"
# Chosen on the dev files of wnut17, anem and ncbi-disease, 100 and 400 sentences.
LEARN_RATE, DROPOUT, BATCH_WORDS = 0.002, 0.2, 150
STEPS = (50, 100, 200, 400, 800)
FOLDS = 3
# More steps have to bring so much F1: few entities say little about what is best.
MARGIN = 0.02
# Few entities say little about the threshold: the prior counts as much as so many of them.
PRIOR_THRESHOLD, PRIOR_ENTITIES = 0.3, 100

Progress = Callable[[int], object]


def print_nothing(n: int) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class Held:
    """What networks found in documents that they have not learned.

    probabilities (ndarray): Shape (n_spans,), the probabilities of the spans that they found.
    correct (ndarray): Shape (n_spans,) bool, which of them are entities.
    documents (ndarray): Shape (n_spans,), the numbers of their documents.
    labels (ndarray): Shape (n_spans,), the numbers of their labels.
    n_gold (ndarray): Shape (n_docs, n_labels), the number of annotated entities.
    """

    probabilities: NDArray[np.float64]
    correct: NDArray[np.bool_]
    documents: NDArray[np.int64]
    labels: NDArray[np.int64]
    n_gold: NDArray[np.int64]

    @classmethod
    def together(cls, parts: Sequence["Held"]) -> "Held":
        """RETURNS (Held): That of the documents of all parts, one after the other."""
        firsts = np.cumsum([0, *(len(part.n_gold) for part in parts)]).tolist()
        return cls(
            np.concatenate([part.probabilities for part in parts]),
            np.concatenate([part.correct for part in parts]),
            np.concatenate([p.documents + n for p, n in zip(parts, firsts, strict=False)]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.n_gold for part in parts]),
        )

    def threshold(self) -> float:
        """Choose a threshold: that with the best F1, drawn towards the prior.

        RETURNS (float): The threshold.
        """
        n = int(self.n_gold.sum())
        best = best_cut(self.probabilities, self.correct, n) if self.correct.any() else None
        if best is None:
            return PRIOR_THRESHOLD
        share = n / (n + PRIOR_ENTITIES)
        odds = share * _log_odds(best) + (1 - share) * _log_odds(PRIOR_THRESHOLD)
        return round(float(1 / (1 + np.exp(-odds))), 4)

    def counts(self, threshold: float) -> NDArray[np.int64]:
        """RETURNS (ndarray): Shape (n_docs, n_labels, 3), the correct, found and annotated entities
        of each label in each document.
        """
        counts = np.zeros((*self.n_gold.shape, 3), dtype=np.int64)
        counts[:, :, 2] = self.n_gold
        found = self.probabilities > threshold
        for column, chosen in enumerate((found & self.correct, found)):
            places = self.documents[chosen], self.labels[chosen]
            np.add.at(counts[:, :, column], places, 1)
        return counts

    def f_score(self) -> float:
        """RETURNS (float): F1 with the threshold that is chosen, from 0 to 1."""
        return float(prf(self.counts(self.threshold()).sum(axis=(0, 1)))[2])


def _log_odds(p: float) -> float:
    return float(np.log(p / (1 - p)))


@dataclass(frozen=True)
class Learned:
    """A pipeline, and what is known of it.

    nlp (Language): The pipeline, trained on all documents.
    steps (int): The number of steps.
    counts (ndarray): Shape (n_docs, n_labels, 3), the correct, found and annotated entities in
        documents that networks had not learned.
    f_whole (float): F1 of one of these networks.
    f_half (float): F1 of one that has learned from half as many documents.
    n_docs (int): The number of documents to learn from.
    is_crossed (bool): Whether the counts are of cross-validation, by networks that have learned
        from a share of (FOLDS - 1) / FOLDS of the documents.
    """

    nlp: Language
    steps: int
    counts: NDArray[np.int64]
    f_whole: float
    f_half: float
    n_docs: int
    is_crossed: bool

    @property
    def labels(self) -> list[str]:
        """RETURNS (List[str]): The labels in the order of the counts."""
        return find_component(self.nlp, NAME).label_data

    def scores(self) -> list[tuple[str, NDArray[np.float64], NDArray[np.float64] | None]]:
        """RETURNS (List[Tuple[str, ndarray, Optional[ndarray]]]): For all labels together and for
        each one: precision, recall and F1 (3,), and where their intervals begin and end (3, 2).
        """
        counts = np.concatenate([self.counts.sum(axis=1, keepdims=True), self.counts], axis=1)
        between = intervals(counts)
        values = prf(counts.sum(axis=0))
        names = ["all", *self.labels]
        return [
            (name, values[i], None if between is None else between[i])
            for i, name in enumerate(names)
        ]

    def gain(self, n_more: int) -> float:
        """Estimate what more documents would add, by a power law of the error (Cortes et al. 1994,
        "Learning curves: asymptotic values and rate of convergence", with asymptote 0) through the
        networks of half and of all documents of a fold.

        n_more (int): The number of further documents.
        RETURNS (float): The gain in F1, from 0 to 1.
        """
        error = 1 - float(prf(self.counts.sum(axis=(0, 1)))[2])
        rate = max(np.log2(max(1 - self.f_half, 1e-9) / max(1 - self.f_whole, 1e-9)), 0.0)
        n_learned = self.n_docs * ((FOLDS - 1) / FOLDS if self.is_crossed else 1)
        now, then = (error * (n / n_learned) ** -rate for n in (self.n_docs, self.n_docs + n_more))
        return float(now - then)


def learn(
    docs: Sequence[Doc],
    config: Config,
    base: Language,
    labels: Sequence[str],
    *,
    dev: Sequence[Doc] = (),
    seed: int = 0,
    progress: Progress = print_nothing,
) -> Learned:
    """Learn from annotated documents.

    docs (Sequence[Doc]): The documents to learn from, at least four.
    config (Config): The config of the pipeline; see `config_from`.
    base (Language): The pipeline whose network to begin from.
    labels (Sequence[str]): The labels to learn.
    dev (Sequence[Doc]): Documents to choose by in place of cross-validation.
    seed (int): The seed.
    progress (Callable): Is called with 1 after each step.
    RETURNS (Learned): The pipeline.
    RAISES (ValueError): If there are too few documents.
    """
    labels = list(labels)
    everything = [*docs, *dev]
    parts = [list(range(len(docs), len(everything)))] if dev else divide(len(docs), FOLDS, seed)
    most = max(200, len(docs))
    stops = [n for n in STEPS if n <= most]

    def held_out(held: Sequence[int], share: float, stops: Sequence[int]) -> Iterator[Held]:
        """What a network finds in some documents that learns from a share of the others."""
        out = set(held)
        others = [i for i in range(len(docs)) if i not in out]
        drawn = random.Random(seed).sample(others, round(share * len(others)))
        nlp = begin(config, base, labels)
        examples = read_examples(nlp, [everything[i] for i in held])
        some = [everything[i] for i in drawn]
        for _, optimizer in train_steps(nlp, some, stops, seed, progress):
            yield _hold(nlp, optimizer, examples)

    # The networks go on together, as long as that makes them better.
    best, steps, f_whole = None, stops[0], 0.0
    together = zip(*(held_out(part, 1.0, stops) for part in parts), strict=True)
    for n, of_parts in zip(stops, together, strict=True):
        held = Held.together(of_parts)
        if best is not None and held.f_score() < best.f_score() + MARGIN:
            break
        best, steps, f_whole = held, n, of_parts[0].f_score()
    assert best is not None
    [half] = held_out(parts[0], 0.5, [steps])
    nlp = fit(docs, config, base, labels, steps, seed, progress)
    threshold = best.threshold()
    find_component(nlp, NAME).threshold = threshold
    counts = best.counts(threshold)
    return Learned(nlp, steps, counts, f_whole, half.f_score(), len(docs), not dev)


def fit(
    docs: Sequence[Doc],
    config: Config,
    base: Language,
    labels: Sequence[str],
    steps: int,
    seed: int = 0,
    progress: Progress = print_nothing,
) -> Language:
    """Train on annotated documents, and choose nothing: a hundred steps take about two seconds.

    docs (Sequence[Doc]): The documents.
    config (Config): The config of the pipeline; see `config_from`.
    base (Language): The pipeline whose network to begin from.
    labels (Sequence[str]): The labels to learn.
    steps (int): The number of steps.
    seed (int): The seed.
    progress (Callable): Is called with 1 after each step.
    RETURNS (Language): The pipeline, with the average of the parameters over the steps.
    """
    nlp = begin(config, base, labels)
    for _, optimizer in train_steps(nlp, docs, [steps], seed, progress):
        component = find_component(nlp, NAME)
        with nlp.use_params(optimizer.averages):
            final = component.to_bytes(exclude=["vocab"])
        component.from_bytes(final, exclude=["vocab"])
        component.threshold = PRIOR_THRESHOLD
    return nlp


def begin(config: Config, base: Language, labels: Sequence[str]) -> Language:
    """RETURNS (Language): A pipeline with the config, with the vocabulary of another one and its
    network, and new outputs for the labels.
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
) -> Iterator[tuple[int, Optimizer]]:
    """Train a pipeline.

    nlp (Language): The pipeline.
    docs (Sequence[Doc]): The annotated documents.
    stops (Sequence[int]): After which steps to stop, ascending.
    seed (int): The seed.
    progress (Callable): Is called with 1 after each step.
    YIELDS (Tuple[int, Optimizer]): The number of steps, and the optimizer, which has the averages.
    """
    fix_random_seed(seed)
    optimizer, component = nlp.create_optimizer(), find_component(nlp, NAME)
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
    """The documents in another order each time, as `[corpora.train]` reads them."""
    shares = nlp.config["corpora"]["train"]
    reader = SentenceCorpus("", cut=shares["cut"])
    for example in reader.make_examples(nlp, random.sample(list(docs), len(docs))):
        if random.random() < shares["sentence_starts"]:
            set_sentence_starts(example)
        yield example


def _hold(nlp: Language, optimizer: Optimizer, examples: Sequence[Example]) -> Held:
    with nlp.use_params(optimizer.averages):
        development: Development = develop(nlp, NAME, examples)
    found = development.entities(LOWEST)
    numbers = {label: n for n, label in enumerate(find_component(nlp, NAME).label_data)}
    n_gold = np.zeros((development.n_documents, len(numbers)), dtype=np.int64)
    for row, example in zip(n_gold, (ex for ex in examples if len(ex.predicted)), strict=True):
        for ent in example.reference.ents:
            row[numbers[ent.label_]] += 1
    return Held(found.probabilities, found.correct, found.documents, found.labels, n_gold)


def config_from(nlp: Language, path: str, steps: int = STEPS[0], seed: int = 0) -> Config:
    """Make the config that `spacy train` does the same with: begins from the network of a pipeline,
    and takes so many steps.

    nlp (Language): The pipeline to begin from, with a component `window_ner`.
    path (str): Its name or path.
    steps (int): The number of steps.
    seed (int): The seed.
    RETURNS (Config): The config.
    """
    config = own_config(nlp, path, NAME)
    config["nlp"]["pipeline"] = [NAME]
    config["components"] = {NAME: {**config["components"][NAME], "threshold": None}}
    config["system"]["seed"] = seed
    corpus = "spacy_window_ner.Corpus.v1"
    config["corpora"] = {
        "train": {"@readers": corpus, "path": "${paths.train}", "sentence_starts": 0.5, "cut": 0.6},
        "dev": {"@readers": "spacy.Corpus.v1", "path": "${paths.dev}"},
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
    config["initialize"]["lookups"] = None
    config["initialize"]["after_init"] = {
        "@callbacks": "spacy_window_ner.start_from.v1",
        "source": path,
    }
    return config
