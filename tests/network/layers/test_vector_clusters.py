import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from spacy.vectors import Vectors
from spacy.vocab import Vocab

from spacy_window_ner.network.features import read_tokens
from spacy_window_ner.network.layers import vector_clusters
from spacy_window_ner.network.layers.vector_clusters import (
    VectorClusters,
    cluster_vectors,
    kmeans,
    nearest,
)
from tests.helpers import assert_gradients
from tests.pipelines import add_vectors, blank, make_examples, ner_of, small_model, train

GROUPS = [["red", "green", "blue"], ["dog", "cat"], ["Rome", "Bonn", "Oslo", "Lima"]]
WORDS = [word for group in GROUPS for word in group]


def vocab_with_groups() -> Vocab:
    """Words of one group have vectors of about one direction, and of any length."""
    rng, vocab = np.random.RandomState(0), spacy.blank("en").vocab
    rows = [
        (np.eye(6)[number] + rng.normal(scale=0.05, size=6)) * rng.uniform(0.1, 9)
        for number, group in enumerate(GROUPS)
        for _ in group
    ]
    vocab.vectors = Vectors(strings=vocab.strings, data=np.asarray(rows, dtype="f"), keys=WORDS)
    return vocab


def lexemes_of(vocab: Vocab, words: list[str]):
    """The lexemes of words, in that order."""
    return read_tokens([Doc(vocab, words=words)], ["NORM"]).lexemes()


def layer_for(vocab: Vocab, n_clusters: int = 3):
    layer = VectorClusters(n_clusters, 4)
    layer.initialize(X=lexemes_of(vocab, ["red"]))
    return layer


def test_words_of_a_cluster_share_a_row():
    vocab = vocab_with_groups()
    Y = layer_for(vocab).predict(lexemes_of(vocab, WORDS))
    assert Y.shape == (len(WORDS), 4)
    start = 0
    for group in GROUPS:
        rows = {row.tobytes() for row in Y[start : start + len(group)]}
        assert len(rows) == 1
        start += len(group)
    assert len({row.tobytes() for row in Y}) == len(GROUPS)


def test_words_without_a_vector_have_row_0_and_lower_case_is_tried():
    vocab = vocab_with_groups()
    layer = layer_for(vocab)
    Y = layer.predict(lexemes_of(vocab, ["unheard", "DOG", "dog", "rome"]))
    assert Y[0].tolist() == Y[3].tolist() == layer.get_param("E")[0].tolist()
    assert Y[1].tolist() == Y[2].tolist() != Y[0].tolist()


def test_gradients():
    vocab = vocab_with_groups()
    assert_gradients(layer_for(vocab), lexemes_of(vocab, ["red", "blue", "unheard", "cat"]))


@pytest.mark.parametrize("n_clusters", [1, 5])
def test_each_vector_is_nearest_to_the_center_of_its_cluster(n_clusters):
    rng = np.random.RandomState(1)
    units = rng.normal(size=(60, 3)).astype("f")
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    centers = kmeans(units, n_clusters)
    labels = nearest(units, centers)
    for unit, label in zip(units, labels, strict=True):
        assert label == int(np.argmax([unit @ center for center in centers]))
    means = [units[labels == number].mean(axis=0) for number in range(n_clusters)]
    for center, mean in zip(centers, means, strict=True):  # 60 points settle in 10 steps
        np.testing.assert_allclose(center, mean / np.linalg.norm(mean), atol=0.05)


def test_the_same_vectors_give_the_same_clusters(monkeypatch):
    vocab = vocab_with_groups()
    first = cluster_vectors(vocab.vectors, 3)
    np.random.seed(5)
    monkeypatch.setattr(vector_clusters, "CHUNK", 2)
    assert cluster_vectors(vocab.vectors, 3).tolist() == first.tolist()
    assert sorted(set(first.tolist())) == [1, 2, 3]


def test_more_clusters_than_vectors():
    vocab = vocab_with_groups()
    assert sorted(cluster_vectors(vocab.vectors, 50)) == list(range(1, 1 + len(WORDS)))
    assert np.isfinite(layer_for(vocab, 50).predict(lexemes_of(vocab, WORDS))).all()


def test_a_vector_of_zeros_is_no_error():
    vocab = vocab_with_groups()
    data = vocab.vectors.data.copy()
    data[0] = 0
    vocab.vectors = Vectors(strings=vocab.strings, data=data, keys=WORDS)
    assert (cluster_vectors(vocab.vectors, 3) >= 1).all()


def test_without_vectors_there_is_a_clear_error():
    with pytest.raises(ValueError, match=r"the pipeline has none.*vector_clusters = \[\]"):
        layer_for(Vocab())


def test_floret_vectors_are_no_table_of_words():
    vocab = vocab_with_groups()
    vocab.vectors = Vectors(
        mode="floret", data=np.ones((50, 4), dtype="f"), hash_count=1, minn=1, maxn=2
    )
    with pytest.warns(UserWarning, match="vector_clusters has no effect here"):
        layer = layer_for(vocab)
    Y, backprop = layer(lexemes_of(vocab, ["red", "dog"]), is_train=True)
    assert Y.tolist() == [layer.get_param("E")[0].tolist()] * 2
    assert backprop(np.ones_like(Y)).size == 0


def test_other_vectors_are_refused():
    vocab = vocab_with_groups()
    layer = layer_for(vocab)
    vocab.vectors = Vectors(strings=vocab.strings, data=np.ones((2, 6), dtype="f"), keys=WORDS[:2])
    with pytest.raises(ValueError, match="clusters of 9 word vectors, but the pipeline has 2"):
        layer.predict(lexemes_of(vocab, WORDS))


def test_a_pipeline_with_clusters_is_saved_and_loaded(tmp_path):
    nlp = blank(model=small_model(tok2vec={"vector_clusters": [2, 3]}))
    add_vectors(nlp, ["Paris", "met", "Hilton", "hotel"])
    sentences = make_examples(nlp)
    nlp.initialize(lambda: sentences)
    train(nlp, sentences, 10)
    docs = [eg.predicted for eg in make_examples(nlp)]
    expected = ner_of(nlp).model.predict(docs).emissions
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    docs = [Doc(loaded.vocab, words=[token.text for token in doc]) for doc in docs]
    np.testing.assert_array_equal(ner_of(loaded).model.predict(docs).emissions, expected)


def test_a_file_with_other_clusters_is_refused():
    nlp = blank(model=small_model(tok2vec={"vector_clusters": [2]}))
    add_vectors(nlp, ["Paris", "met", "Hilton", "hotel"])
    nlp.initialize(lambda: make_examples(nlp))
    (node,) = [node for node in ner_of(nlp).model.walk() if "clusters" in node.attrs]
    node.attrs["clusters"] = np.asarray([1, 2, 3, 1], dtype="<u2").tobytes()
    data = ner_of(nlp).to_bytes(exclude=["vocab"])
    with pytest.raises(ValueError, match="clusters_2 has cluster 3, but only 2"):
        ner_of(nlp).from_bytes(data, exclude=["vocab"])


def test_a_number_that_is_none():
    with pytest.raises(ValueError, match="each of vector_clusters must be a whole number"):
        blank(model=small_model(tok2vec={"vector_clusters": [0]}))
