"""A network that learns from raw text what stands around which words."""

from copy import deepcopy
from itertools import chain

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.util import fix_random_seed

from spacy_window_ner.labels import seen_labels
from spacy_window_ner.network.gradients import check_gradients
from spacy_window_ner.network.lexicon import Lexicon
from spacy_window_ner.objectives import softmax
from spacy_window_ner.objectives.rehearsal import rehearsal_loss
from spacy_window_ner.pretraining import contexts
from spacy_window_ner.pretraining.center_words import CenterWords, cluster_loss
from spacy_window_ner.pretraining.contexts import batches_of, learn_contexts, word_clusters
from spacy_window_ner.pretraining.pretrain import pretrain
from spacy_window_ner.pretraining.vectors import learn_vectors
from spacy_window_ner.sequences.batching import Scores
from tests.helpers import NO_SPANS
from tests.pipelines import add_vectors, blank, make_examples, ner_of, small_model, train


@pytest.fixture
def nlp():
    fix_random_seed(0)
    nlp = blank(model=small_model())
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    return nlp


def docs_of(nlp, n: int) -> list[Doc]:
    """A language in which a word says which kind of word follows it."""
    draw = np.random.RandomState(0).randint
    pairs = [
        (f"a{draw(4)}", f"b{draw(4)}") if draw(2) else (f"c{draw(4)}", f"d{draw(4)}")
        for _ in range(20 * n)
    ]
    words = [word for pair in pairs for word in pair]
    return [Doc(nlp.vocab, words=words[i : i + 40]) for i in range(0, len(words), 40)]


def test_gradients(nlp):
    model = CenterWords(ner_of(nlp).model, 5)
    docs = [nlp.make_doc("Paris Hilton met Samuel in Paris."), nlp.make_doc("Nobody came.")]
    clusters = np.random.RandomState(0).randint(-1, 5, sum(map(len, docs)))
    errors = check_gradients(
        model, docs, loss=lambda guesses: cluster_loss(guesses.scores, clusters), max_entries=40
    )
    checked = {(error.node, error.array) for error in errors}
    assert {("window_affine", "W"), ("affine", "W"), ("embed_NORM", "E")} <= checked
    assert max(error.error for error in errors) < 1e-4


@given(st.integers(1, 9), st.integers(2, 7), st.integers(0, 2**32 - 1))
def test_the_loss_is_that_of_the_objective(n, n_clusters, seed):
    random = np.random.RandomState(seed)
    S = random.normal(scale=9, size=(n, n_clusters))
    clusters = random.randint(-1, n_clusters, n)
    allowed = (clusters[:, None] == np.arange(n_clusters)) | (clusters < 0)[:, None]
    scores = Scores(S, np.zeros((1, 1)), np.asarray([n], dtype=np.int32))
    loss, gradient = softmax.loss(scores, allowed, np.ones(n_clusters, dtype=bool), NO_SPANS)
    ours, delta = cluster_loss(S, clusters)
    n_known = max(1, (clusters >= 0).sum())
    np.testing.assert_allclose(ours, loss / n_known, atol=1e-9)
    np.testing.assert_allclose(delta, gradient.emissions / n_known, atol=1e-9)


def test_the_center_is_hidden(nlp):
    model = CenterWords(ner_of(nlp).model, 5)
    words = ["We", "saw", "him", "there", "today"]
    for t in range(len(words)):
        others = [*words[:t], "Rome", *words[t + 1 :]]
        one, other = (model.predict([Doc(nlp.vocab, words=x)]) for x in (words, others))
        np.testing.assert_allclose(one.scores[t], other.scores[t], atol=1e-6)
        assert np.abs(one.scores[t - 1] - other.scores[t - 1]).max() > 1e-4 or t == 0


def test_contexts_are_learned(nlp, monkeypatch):
    monkeypatch.setattr(contexts, "BATCH_WORDS", 100)
    docs = docs_of(nlp, 60)
    learned = learn_vectors(docs, width=4, min_count=1)
    n_words, losses = learn_contexts(ner_of(nlp).model, docs * 6, learned)
    assert n_words == 6 * sum(map(len, docs))
    # Of a pair, the second word is one of four, and the first one of eight.
    assert np.mean(losses[:3]) > 2.6
    assert np.mean(losses[-3:]) < 2.3


def test_labels_are_not_forgotten(nlp, monkeypatch):
    """Less is forgotten with rehearsal than without, by the divergence from what was found."""
    monkeypatch.setattr(contexts, "BATCH_WORDS", 100)
    train(nlp, make_examples(nlp), steps=20)
    docs = docs_of(nlp, 30)
    learned = learn_vectors(docs, width=4, min_count=1)
    before = deepcopy(ner_of(nlp).model)
    seen = seen_labels(before)
    divergences = []
    for every in (1_000_000, 1):
        monkeypatch.setattr(contexts, "REHEARSED_EVERY", every)
        network = deepcopy(before)
        learn_contexts(network, docs * 3, learned)
        scores = network.predict(docs)
        objective = ner_of(nlp).objective
        divergences.append(rehearsal_loss(scores, before.predict(docs), seen, seen, objective)[0])
    assert 0 < divergences[1] < divergences[0], divergences


def test_a_network_that_cannot_read_the_vectors_is_refused(nlp):
    other = spacy.blank("xx")
    add_vectors(nlp, ["Rome"])
    with pytest.warns(UserWarning, match="W113"):
        other.add_pipe("window_ner", source=nlp)
    ner_of(other).model.get_ref("tok2vec").attrs["lexicon"] = Lexicon(nlp.vocab.vectors)
    with pytest.raises(ValueError, match="Start from that pipeline"):
        pretrain(other, other, lambda nlp, title, share: docs_of(nlp, 2))


def test_without_time_for_contexts_there_are_vectors(nlp):
    def read(nlp, title, share):
        return [] if title == "Learning contexts" else docs_of(nlp, 20)

    learned = pretrain(*(blank(model=small_model()) for _ in range(2)), read, width=4, min_count=1)
    assert (learned.n_words, learned.losses) == (0, (0.0, 0.0))
    assert learned.nlp.vocab.vectors.shape == (16, 4)
    embedding = ner_of(learned.nlp).model.get_ref("tok2vec").layers[0].layers[0].layers[0]
    assert embedding.name == "embed_NORM"
    assert len(embedding.attrs["known"]) == 8 * 16  # bytes of the words that occur


def test_words_of_one_kind_are_in_one_cluster(nlp):
    learned = learn_vectors(docs_of(nlp, 60), width=4, min_count=1)
    keys, clusters = word_clusters(learned, 4)
    assert (np.diff(keys.astype(object)) > 0).all()
    kinds = {}
    for key, cluster in zip(keys.tolist(), clusters.tolist(), strict=True):
        kinds.setdefault(nlp.vocab.strings[key][0], set()).add(cluster)
    assert all(len(found) == 1 for found in kinds.values())
    assert len(set.union(*kinds.values())) == 4


def test_batches_have_all_words(nlp, monkeypatch):
    monkeypatch.setattr(contexts, "BATCH_WORDS", 7)
    docs = [Doc(nlp.vocab, words=[f"w{i}" for i in range(n)]) for n in (0, 3, 5, 20, 1)]
    batches = list(batches_of(docs))
    words = [[token.text for doc in batch for token in doc] for batch in batches]
    assert list(chain(*words)) == [token.text for doc in docs for token in doc]
    assert all(7 <= len(batch) < 14 for batch in words[:-1])
