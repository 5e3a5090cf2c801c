"""Pretrains a network on raw text, so that it learns the contexts of words before any annotation.

A network that was trained on annotation before would forget it, since predicting masked words does
not need it. So the network also matches its own earlier predictions on the same text, as `rehearse`
does.
"""

from collections.abc import Iterable, Iterator
from copy import deepcopy

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Adam, Model, set_dropout_rate

from ..labels import seen_labels
from ..network.layers.rows import find_sorted
from ..network.layers.vector_clusters import cluster_units
from ..objectives import get_objective
from ..objectives.rehearsal import rehearsal_loss
from .center_words import CenterWords, cluster_loss
from .vectors import LearnedVectors

# Chosen with 100 sentences on the dev files of ncbi-disease and anem.
N_CLUSTERS = 500
LEARN_RATE, DROPOUT = 0.001, 0.1
BATCH_WORDS = 1000
# One of this number of batches is rehearsed, which takes most of the time. Chosen on the same
# files, and on wnut17 with the same, unrelated texts: without rehearsal, much is forgotten, and
# with rehearsal of every batch, less is learned.
REHEARSED_EVERY = 4


def learn_contexts(
    network: Model, docs: Iterable[Doc], learned: LearnedVectors
) -> tuple[int, list[float]]:
    """Train the layers of a network up to its hidden layer to predict masked words from their
    context; see `center_words`. The result is the mean of the parameters over the steps.

    network (Model): A network of `window_classifier`, initialized, which is changed.
    docs (Iterable[Doc]): The documents; a stream that is read once.
    learned (LearnedVectors): The vectors of the words of the documents. A word's cluster is that of
        its vector.
    RETURNS (Tuple[int, List[float]]): The number of words that it learned from, and the loss of
        each step in nats.
    """
    keys, clusters = word_clusters(learned)
    before = deepcopy(network) if seen_labels(network).any() else None
    model = CenterWords(network, int(clusters.max()) + 1)
    optimizer = Adam(LEARN_RATE, L2=0.0, grad_clip=0.0, use_averages=True)
    set_dropout_rate(model, DROPOUT)
    n_words, losses = 0, []
    for number, batch in enumerate(batches_of(docs)):
        guesses, backprop = model(batch, is_train=True)
        places, has_cluster = find_sorted(keys, guesses.orths)
        loss, delta = cluster_loss(guesses.scores, np.where(has_cluster, clusters[places], -1))
        backprop(delta)
        if before is not None and number % REHEARSED_EVERY == 0:
            rehearse(network, before, batch)
            network.finish_update(optimizer)
        model.finish_update(optimizer)
        optimizer.step_schedules()
        n_words += len(delta)
        losses.append(loss)
    for node in network.walk():
        for name in node.param_names:
            if (node.id, name) in optimizer.averages:
                node.set_param(name, optimizer.averages[node.id, name])
    return n_words, losses


def rehearse(network: Model, before: Model, docs: list[Doc]) -> None:
    """Add the gradient of the divergence from earlier predictions, per word.

    network (Model): The network.
    before (Model): What it was before.
    docs (List[Doc]): The documents.
    """
    scores, backprop = network.begin_update(docs)
    seen = seen_labels(network), seen_labels(before)
    objective = get_objective(network.attrs["objective"])
    _, d_scores = rehearsal_loss(scores, before.predict(docs), *seen, objective)
    d_scores.emissions /= max(1, len(scores.emissions))
    d_scores.transitions /= max(1, len(scores.emissions))
    backprop(d_scores)


def word_clusters(
    learned: LearnedVectors, n_clusters: int = N_CLUSTERS
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Cluster words by their vectors.

    learned (LearnedVectors): The vectors of n_words words.
    n_clusters (int): The number of clusters, fewer where there are fewer words.
    RETURNS (Tuple[ndarray, ndarray]): The hashes of the words (n_words,), ascending, and the
        cluster of each (n_words,), from 0 up.
    """
    keys = np.asarray(learned.keys, dtype=np.uint64)
    order = np.argsort(keys)
    return keys[order], cluster_units(learned.table, n_clusters)[order]


def batches_of(docs: Iterable[Doc]) -> Iterator[list[Doc]]:
    """Split documents into batches of about `BATCH_WORDS` words.

    docs (Iterable[Doc]): The documents.
    YIELDS (List[Doc]): Batches; long documents are split.
    """
    batch: list[Doc] = []
    n_words = 0
    for doc in docs:
        for start in range(0, len(doc), BATCH_WORDS):
            part = doc if len(doc) <= BATCH_WORDS else doc[start : start + BATCH_WORDS].as_doc()
            batch.append(part)
            n_words += len(part)
            if n_words >= BATCH_WORDS:
                yield batch
                batch, n_words = [], 0
    if batch:
        yield batch
