import warnings

import numpy as np
import pytest
import spacy
from spacy.lookups import Lookups, Table
from spacy.tokens import Doc

from spacy_window_ner.network.features import UNKNOWN, read_tokens
from spacy_window_ner.network.lexicon import CLUSTER_TABLE
from spacy_window_ner.training.lookups import create_lookups
from tests.pipelines import blank, entities, make_examples, ner_of, small_model, train


@pytest.fixture
def tables(monkeypatch):
    """Tables of a language that no package has."""
    clusters = {"Paris": 0b1101, "berlin": 0b0101, "rare": 0}
    found = Lookups()
    found.add_table(CLUSTER_TABLE, clusters)
    found.add_table("other", {"a": 0})

    def load(lang, names, strict):
        if strict:
            raise ValueError
        kept = Lookups()
        for name in names:
            if lang == "xx" and found.has_table(name):
                kept.set_table(name, found.get_table(name))
        return kept

    monkeypatch.setattr("spacy_window_ner.training.lookups.load_lookups", load)


def test_lookups_are_those_that_are_there(tables):
    lookups = create_lookups("xx", [CLUSTER_TABLE, "other", "missing"])
    assert sorted(lookups.tables) == [CLUSTER_TABLE, "other"]
    assert dict(lookups.get_table("other")) == dict(Table("other", {"a": 0}))
    clusters = lookups.get_table(CLUSTER_TABLE)
    assert (clusters.get("Paris"), clusters.get("rare")) == (0b1101, None)
    assert create_lookups("yy").tables == []


def test_clusters_are_the_first_bits_of_the_path(tables):
    nlp = spacy.blank("xx")
    nlp.vocab.lookups = create_lookups("xx")
    words = ["Paris", "Berlin", "rare", "unknown"]
    rows = read_tokens([Doc(nlp.vocab, words=words)], ["CLUSTER1", "CLUSTER3", "CLUSTER20"])
    ids = rows.lexemes().ids
    paris, berlin = ids[0].tolist(), ids[1].tolist()
    assert ids[2:].tolist() == [[UNKNOWN] * 3] * 2
    assert paris[:2] == berlin[:2]  # branches 1, then 1 0 1: the first is the lowest bit
    assert paris[2] != berlin[2]
    assert UNKNOWN not in paris


def test_a_word_without_cluster_has_that_of_its_lower_case(tables):
    nlp = spacy.blank("xx")
    nlp.vocab.lookups = create_lookups("xx")
    rows = read_tokens([Doc(nlp.vocab, words=["BERLIN", "berlin", "PARIS"])], ["CLUSTER10"])
    upper, lower, other = rows.lexemes().ids[:, 0].tolist()
    assert upper == lower != UNKNOWN
    assert other == UNKNOWN  # only the capitalized form is in the table


def test_without_the_table_clusters_have_no_effect_and_a_warning_is_given():
    nlp = blank(model=small_model(tok2vec={"attrs": ["NORM", "PREFIX", "SHAPE", "CLUSTER6"]}))
    sentences = make_examples(nlp)
    with pytest.warns(UserWarning, match=r"no table 'lexeme_cluster'.*spacy-lookups-data"):
        nlp.initialize(lambda: sentences)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(nlp, sentences, 2)
        ids = read_tokens([nlp.make_doc("Paris")], ["CLUSTER6"]).lexemes().ids
    assert ids.tolist() == [[UNKNOWN]]


def test_clusters_are_saved_with_the_pipeline(tables, tmp_path):
    nlp = blank(model=small_model(tok2vec={"attrs": ["CLUSTER1", "CLUSTER2", "CLUSTER3", "SHAPE"]}))
    nlp.vocab.lookups = create_lookups("xx")
    sentences = make_examples(nlp)
    nlp.initialize(lambda: sentences)
    train(nlp, sentences, 20)
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    docs = [pipeline.make_doc("Paris and Berlin met rare Samuel") for pipeline in (nlp, again)]
    scores = [
        ner_of(pipeline).model.predict([doc]).emissions
        for pipeline, doc in zip((nlp, again), docs, strict=True)
    ]
    np.testing.assert_array_equal(*scores)
    assert entities(nlp("Paris")) == entities(again("Paris"))


@pytest.mark.parametrize("attr", ["CLUSTER0", "CLUSTER57", "CLUSTER", "CLUSTER04"])
def test_bits_that_no_path_has_are_refused(attr):
    with pytest.raises(ValueError, match=r"Unknown attributes.*CLUSTER1 to CLUSTER56"):
        blank(model=small_model(tok2vec={"attrs": ["NORM", "PREFIX", "SHAPE", attr]}))
