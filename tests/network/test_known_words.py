"""How many of the words of texts a network knows."""

import pytest
import spacy
from spacy.tokens import Doc

from spacy_window_ner.network.known_words import KnownWords, known_words
from spacy_window_ner.network.lexicon import CLUSTER_TABLE, carried

from ..pipelines import add_vectors, blank, make_examples, ner_of, shared, small_model


def words_of(nlp, *words: str) -> Doc:
    return Doc(nlp.vocab, words=words)


def test_words_with_vectors_and_clusters_that_the_network_carries():
    tok2vec = {"include_static_vectors": True, "attrs": ["NORM", "PREFIX", "CLUSTER2", "SHAPE"]}
    nlp = blank(model=small_model(tok2vec=tok2vec))
    add_vectors(nlp, ["Paris", "samuel"])
    nlp.vocab.lookups.add_table(CLUSTER_TABLE, {"paris": 5})
    nlp.initialize(lambda: make_examples(nlp))
    other = spacy.blank("xx")
    other.add_pipe("window_ner", source=nlp)
    texts = ["Paris", "Samuel", "there", "Oslo"], ["samuel", "Rome", "rome", "rome"]
    # Each occurrence counts. Of the words, Oslo and Rome are not in the training data.
    for pipeline in (nlp, other):
        docs = [words_of(pipeline, *words) for words in texts]
        found = known_words(ner_of(pipeline).model, docs)
        assert found == KnownWords(vector=3 / 8, lower=1 / 8, cluster=1 / 8, seen=4 / 8)
    assert carried(ner_of(other).model).clusters
    assert str(found) == (
        "37.5% have a word vector (12.5% only in lower case), 12.5% have a Brown cluster, "
        "50.0% were seen in training"
    )


def test_what_a_network_does_not_use_is_not_counted():
    found = known_words(ner_of(shared()).model, [words_of(shared(), "hotel", "motel")])
    assert found == KnownWords(seen=0.5)
    assert str(found) == "50.0% were seen in training"


@pytest.mark.parametrize("attrs", [["PREFIX", "SHAPE"], ["NORM", "SHAPE"]])
def test_there_is_nothing_to_count(attrs: list[str]):
    nlp = blank(model=small_model(tok2vec={"attrs": attrs, "rows": [9, 9], "widths": [4, 4]}))
    nlp.initialize(lambda: make_examples(nlp))
    docs = [words_of(nlp)] if "NORM" in attrs else [words_of(nlp, "hotel")]
    assert known_words(ner_of(nlp).model, docs) is None
