import unicodedata

import numpy as np
import pytest
import spacy
from hypothesis import assume, given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.util import fix_random_seed

from spacy_window_ner.inspect.explain import explain
from spacy_window_ner.inspect.network import DocumentNetwork
from spacy_window_ner.network.architectures import lexeme_embed, window_classifier
from spacy_window_ner.network.features import read_tokens
from spacy_window_ner.network.layers import token_vectors
from spacy_window_ner.network.layers.character_pairs import (
    N_BLOCKS,
    CharacterPairs,
    PairReader,
    find_pairs,
)
from spacy_window_ner.network.layers.token_vectors import Batch
from spacy_window_ner.network.layers.window_affine import windows_over
from tests import plain
from tests.helpers import assert_gradients, examples, make_doc
from tests.pipelines import make_examples, ner_of, small_model, train

WIDTH = 5
# Chinese, Thai, and Japanese that has another form when decomposed, with words of other scripts.
WORDS = [*"東京都に住むが", "ก", "น้ํา", "Oslo", "1", "."]
TRAINING = [
    "東 京 都 に 住 む が が に",
    "東 京 が 住 む Oslo に が が に",
    "ก น้ํา ก น้ํา . 1 . 1 Oslo Oslo Oslo Oslo",
]
SENTENCES = [
    "[PER 山 田] は [LOC 東 京 都] に 住 む",
    "[LOC 東 京 都] は [PER 山 田] が 住 む",
    "[PER Samuel] met [PER 山 田] .",
]
READ = list("山田は東京都に住む")


def pairs(max_pairs=100, texts=TRAINING):
    """A layer that has read texts."""
    np.random.seed(0)
    layer = CharacterPairs(max_pairs, WIDTH)
    reader = PairReader(layer)
    for text in texts:
        reader.add([make_doc(text.split())])
    reader.finish()
    layer.initialize()
    return layer


def batch_of(docs):
    """A batch as in training, with a vector for each token."""
    tokens = read_tokens(docs, ())
    vectors = np.random.RandomState(0).normal(size=(len(tokens.keys), 3))
    return Batch(tokens, 2, windows_over(vectors, tokens.sentences, 2))


def found(layer, words):
    """The pairs of words that have a vector."""
    firsts, _ = find_pairs(layer, read_tokens([make_doc(words)], ()))
    return [words[first] + words[first + 1] for first in firsts.tolist()]


@st.composite
def documents(draw, vocab, max_docs=3):
    """Documents with characters of several scripts, and with sentence starts or without."""
    docs = []
    for words in draw(st.lists(st.lists(st.sampled_from(WORDS), max_size=8), max_size=max_docs)):
        starts = draw(st.none() | st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
        docs.append(Doc(vocab, words=words, sent_starts=starts))
    return docs


@given(data=st.data())
@examples(80)
def test_forward(data):
    layer = pairs()
    docs = data.draw(documents(make_doc([]).vocab))
    Z = layer.predict(batch_of(docs)).dense()
    expected = [plain.character_pairs(doc, layer) for doc in docs]
    np.testing.assert_allclose(Z, np.concatenate([np.zeros((0, WIDTH)), *expected]), atol=1e-6)


@pytest.mark.parametrize(
    "words", [["東京都に住むがOslo", "が に"], ["Oslo"], ["東"], ["東京が", "", "東京東京"]]
)
def test_gradients(words):
    docs = [make_doc(list(x) if x != "Oslo" else [x]) for x in words]
    assert_gradients(pairs(), batch_of(docs))


def test_only_repeated_pairs_of_scripts_without_spaces_have_a_vector():
    layer = pairs()
    assert found(layer, list("東京都に住むがが")) == ["東京", "住む", "がが"]
    assert found(layer, ["ก", "น้ํา", "ก", "1", ".", "1", "Oslo", "Oslo"]) == ["กน้ํา"]
    assert found(layer, ["Oslo", "Oslo", ".", "1", ".", "東", "Oslo", "京"]) == []
    assert layer.layers[0].get_param("E").shape == (len(layer.attrs["pairs"]) // 8, 16)


def test_the_most_frequent_pairs_are_kept():
    layer = pairs(1, ["が に が に が に", "東 京 . 東 京"])
    assert found(layer, list("東京がに")) == ["がに"]


def test_pairs_do_not_cross_sentences_and_documents():
    layer, vocab = pairs(), make_doc([]).vocab
    parted = [
        [Doc(vocab, words=["東", "京"], sent_starts=[True, True])],
        [Doc(vocab, words=["東"]), Doc(vocab, words=["京"])],
    ]
    for docs in parted:
        assert not layer.predict(batch_of(docs)).dense().any()
    assert layer.predict(batch_of([Doc(vocab, words=["東", "京"])])).dense().any(axis=1).all()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_composed_and_decomposed_characters_are_the_same(form):
    layer = pairs(texts=[unicodedata.normalize(form, text) for text in TRAINING])
    for words in (["が", "が"], [unicodedata.normalize("NFD", "が"), "が"]):
        np.testing.assert_array_equal(
            layer.predict(batch_of([make_doc(words)])).dense(),
            layer.predict(batch_of([make_doc(["が", "が"])])).dense(),
        )
        assert len(found(layer, words)) == 1


def test_without_training_data_the_term_is_zero():
    layer = CharacterPairs(10, WIDTH)
    layer.initialize()
    term, backprop = layer(batch_of([make_doc(["東", "京"])]), is_train=True)
    assert term.dense().tolist() == [[0.0] * WIDTH] * 2
    backprop(np.ones((2, WIDTH), dtype="f"))
    assert not layer.get_grad("W").any()


def test_dropout_leaves_pairs_out_in_training_only():
    layer, batch = pairs(), batch_of([make_doc(["東", "京"] * 50)])
    layer.attrs["dropout_rate"] = 0.5
    fix_random_seed(0)
    trained, predicted = (layer(batch, is_train)[0] for is_train in (True, False))
    assert 0 < (trained.rows >= N_BLOCKS).sum() < (predicted.rows >= N_BLOCKS).sum()


# The whole network


def pipeline(**model):
    fix_random_seed(0)
    nlp = spacy.blank("xx")
    nlp.add_pipe("window_ner", config={"model": small_model(character_pairs=50, **model)})
    sentences = make_examples(nlp, SENTENCES)
    nlp.initialize(lambda: sentences)
    train(nlp, sentences, 30)
    return nlp


NLP = pipeline()


@pytest.mark.parametrize("chunk", [3, 1024])
@given(data=st.data())
@examples(30)
def test_prediction_gives_the_plain_scores(chunk, data):
    docs = data.draw(documents(NLP.vocab))
    assume(any(len(doc) for doc in docs))
    model = ner_of(NLP).model
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(token_vectors, "CHUNK", chunk)
        emissions = model.predict(docs).emissions
    np.testing.assert_allclose(emissions, plain.emissions(model, docs), rtol=1e-4, atol=1e-5)


def test_a_saved_pipeline_reads_the_same(tmp_path):
    NLP.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    docs = [Doc(pipe.vocab, words=READ) for pipe in (NLP, loaded)]
    one, other = (ner_of(n).model.predict([d]) for n, d in zip((NLP, loaded), docs, strict=True))
    np.testing.assert_array_equal(one.emissions, other.emissions)


def test_a_saved_layer_with_other_numbers_is_refused():
    ner, other = ner_of(NLP), ner_of(pipeline())
    layer = next(node for node in ner.model.walk() if node.name == "character_pairs")
    numbers = layer.attrs["numbers"]
    try:
        layer.attrs["numbers"] = numbers[8:]
        data = ner.to_bytes()
    finally:
        layer.attrs["numbers"] = numbers
    with pytest.raises(ValueError, match=r"characters of character_pairs.*do not match"):
        other.from_bytes(data)


def test_explanations_name_pairs():
    found = explain(NLP, " ".join(READ))
    assert found[0].words[0].parts["character_pairs"]
    network = DocumentNetwork(ner_of(NLP).model, Doc(NLP.vocab, words=READ))
    emissions, _ = network.emissions(network.vectors[None], network.features[None])
    expected = ner_of(NLP).model.predict([Doc(NLP.vocab, words=READ)]).emissions
    np.testing.assert_allclose(emissions[0], expected, atol=1e-4)


@pytest.mark.parametrize("number", [-1, 0.5])
def test_a_number_of_pairs_is_checked(number):
    with pytest.raises(ValueError, match="character_pairs must be a whole number"):
        window_classifier(lexeme_embed(), character_pairs=number)
