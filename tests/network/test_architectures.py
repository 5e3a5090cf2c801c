import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from spacy.vectors import Vectors
from thinc.api import Model, set_dropout_rate

from spacy_window_ner.network.architectures import lexeme_embed, resize_output, window_classifier
from spacy_window_ner.network.gradients import check_gradients
from spacy_window_ner.objectives import OBJECTIVES, get_objective
from tests.helpers import GRADIENT_BOUND, make_doc

SENTENCES = [
    ["Paris", "Hilton", "wowed", "Paris", "."],
    [],
    ["Samuel", "was", "in", "the", "Hilton", "Hotel", "in", "1989"],
    ["a"],
]


def sentences(vocab=None):
    if vocab is None:
        return [make_doc(words) for words in SENTENCES]
    return [Doc(vocab, words=words) for words in SENTENCES]


def small_embed(**settings):
    settings = {
        "width": 4,
        "attrs": ["NORM", "SHAPE", "CASE"],
        "rows": [20, 10, 8],
        "widths": [3, 2, 2],
        **settings,
    }
    return lexeme_embed(**settings)


def network(docs=None, embed=None, **settings):
    """A small initialized network, with random weights everywhere."""
    np.random.seed(0)
    settings = {"window_size": 1, "hidden_width": 5, "nO": 9, **settings}
    model = window_classifier(small_embed() if embed is None else embed, **settings)
    model.initialize(X=docs or sentences())
    for node in model.walk():
        for name in node.param_names:
            values = np.random.normal(scale=0.4, size=node.get_param(name).shape)
            node.set_param(name, values.astype("f"))
    return model


def objective_loss(name, n_tokens=14, n_tags=9):
    """The loss of an objective for an annotation with all kinds of tokens."""
    allowed = np.ones((n_tokens, n_tags), dtype=bool)
    annotated = {0: 1, 1: 3, 2: 0, 4: 0, 5: 8, 13: 0}
    for token, tag in annotated.items():
        allowed[token] = np.eye(n_tags, dtype=bool)[tag]
    legal = np.ones(n_tags, dtype=bool)
    incorrect = np.asarray([[9, 11, 1]])

    def loss(scores):
        return get_objective(name).loss(scores, allowed, legal, incorrect)

    return loss


# The whole network


def assert_gradients(model, docs, name, n_tags=9):
    loss = objective_loss(name, n_tags=n_tags)
    errors = check_gradients(model, docs, loss=loss, max_entries=4)
    assert max(error.error for error in errors) <= GRADIENT_BOUND, errors
    return {error.node for error in errors}


@pytest.mark.parametrize(
    ("name", "activation"),
    [
        ("crf", "tanh"),
        ("crf", "hard_tanh"),
        ("crf", "logistic"),
        ("crf", "relu"),
        ("crf", "maxout"),
        ("softmax", "maxout"),
        ("logistic", "maxout"),
    ],
)
def test_gradients_of_the_whole_network(name, activation):
    embed = small_embed(activation=activation)
    model = network(embed=embed, objective=name, activation=activation, maxout_pieces=3)
    nodes = assert_gradients(model, sentences(), name)
    assert nodes >= {"affine", "embed_NORM", "embed_SHAPE", "embed_CASE"}
    assert ("transitions" in nodes) == (name == "crf")


def test_gradients_with_static_vectors_and_without_a_mixing_layer():
    nlp = spacy.blank("en")
    data = np.random.RandomState(0).normal(size=(3, 4)).astype("f")
    nlp.vocab.vectors = Vectors(
        strings=nlp.vocab.strings, data=data, keys=["paris", "Hilton", "in"]
    )
    docs = sentences(nlp.vocab)
    embed = small_embed(width=None, include_static_vectors=True)
    model = network(docs, embed, window_size=2, document_context=False)
    assert model.get_ref("tok2vec").get_dim("nO") == 3 + 2 + 2 + 4
    assert_gradients(model, docs, "crf")


def test_only_static_vectors():
    nlp = spacy.blank("en")
    nlp.vocab.vectors = Vectors(
        strings=nlp.vocab.strings, data=np.ones((1, 4), dtype="f"), keys=["in"]
    )
    embed = lexeme_embed(width=None, attrs=[], rows=[], widths=[], include_static_vectors=True)
    docs = sentences(nlp.vocab)
    embed.initialize(X=docs)
    vectors = embed.predict(docs)
    assert [Y.shape for Y in vectors] == [(len(doc), 4) for doc in docs]
    for doc, rows in zip(docs, vectors, strict=True):
        assert [row.any() for row in rows] == [token.text == "in" for token in doc]


def test_scores_of_a_document_do_not_depend_on_the_batch():
    model, docs = network(window_size=3), sentences()
    together = model.predict(docs)
    assert together.emissions.shape == (14, 9)
    assert together.lengths.tolist() == [5, 0, 8, 1]
    alone = [model.predict([doc]).emissions for doc in docs if len(doc)]
    np.testing.assert_allclose(together.emissions, np.concatenate(alone), rtol=1e-5, atol=1e-5)


def test_the_window_reaches_as_far_as_its_size():
    """A word changes the scores of the tokens in whose windows it stands, and no others."""
    model = network(window_size=2, activation="tanh", document_context=False)
    assert changed_by_the_fifth_word(model) == {2, 3, 4, 5, 6}


def test_with_the_document_it_also_reaches_all_places_of_the_words_in_it():
    model = network(window_size=0, activation="tanh", document_context=True)
    # The first, sixth and last word are the same; the fifth stands to the left of the sixth.
    assert changed_by_the_fifth_word(model) == {0, 4, 5, 8}


def changed_by_the_fifth_word(model):
    """The tokens whose scores change with the fifth of nine words."""
    words = ["a", "b", "c", "d", "wowed", "a", "f", "g", "a"]
    before = model.predict([make_doc(words)]).emissions
    words[4] = "Paris"
    after = model.predict([make_doc(words)]).emissions
    changed = ~np.isclose(before, after, rtol=1e-4, atol=1e-6).all(axis=1)
    return set(np.flatnonzero(changed).tolist())


def test_dropout_follows_the_rate_and_is_off_in_prediction():
    model, docs = network(), sentences()
    expected = model.predict(docs).emissions
    set_dropout_rate(model, 0.5)
    assert (model.predict(docs).emissions == expected).all()
    np.random.seed(0)
    first, second = (model(docs, is_train=True)[0].emissions for _ in range(2))
    assert (first != second).any()
    set_dropout_rate(model, 0.0)
    np.testing.assert_allclose(
        model(docs, is_train=True)[0].emissions, expected, rtol=1e-4, atol=1e-5
    )


def test_any_token_vectors_fit_in():
    """A tok2vec is any model from documents to arrays; ours does not look inside."""
    shapes = []

    def forward(model, docs, is_train):
        def backprop(d_Xs):
            shapes.extend(d.shape for d in d_Xs)
            return []

        return [np.ones((len(doc), 3), dtype="f") for doc in docs], backprop

    model = network(embed=Model("other", forward))
    scores, backprop = model(sentences(), is_train=True)
    _, d_scores = objective_loss("crf")(scores)
    backprop(d_scores)
    assert shapes == [(5, 3), (0, 3), (8, 3), (1, 3)]


# More labels


@pytest.mark.parametrize("name", OBJECTIVES)
def test_new_labels_come_behind_the_old_ones_and_change_nothing(name):
    model, docs = network(objective=name), sentences()
    before = model.predict(docs)
    assert resize_output(model, 17) is model
    after = model.predict(docs)
    assert after.emissions.shape == (14, 17)
    np.testing.assert_allclose(after.emissions[:, :9], before.emissions, rtol=1e-5, atol=1e-6)
    assert (after.emissions[:, 9:] == 0).all()
    assert after.transitions[:3, :3].tolist() == before.transitions.tolist()
    assert model.attrs["unseen_labels"] == [2, 3]
    resize_output(model, 21)
    assert model.attrs["unseen_labels"] == [2, 3, 4]
    assert model.get_ref("scores").get_dim("nO") == 21
    assert model.get_ref("transitions").get_dim("n_labels") == 5


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_network_that_grew_still_has_right_gradients(name):
    model = network(objective=name)
    resize_output(model, 13)
    assert_gradients(model, sentences(), name, n_tags=13)


def test_before_initialization_the_number_of_tags_is_only_set():
    np.random.seed(0)
    model = window_classifier(small_embed(), nO=None)
    resize_output(model, 5)
    resize_output(model, 9)
    assert model.attrs["unseen_labels"] == []
    model.initialize(X=sentences())
    scores = model.predict(sentences())
    assert scores.emissions.shape == (14, 9)
    assert scores.transitions.shape == (3, 3)


def test_the_same_number_of_tags_changes_nothing():
    model = network()
    before = model.predict(sentences()).emissions.tolist()
    resize_output(model, 9)
    assert model.attrs["unseen_labels"] == []
    assert model.predict(sentences()).emissions.tolist() == before


def test_a_network_cannot_shrink():
    with pytest.raises(ValueError, match="has 9 tags and cannot shrink to 5"):
        resize_output(network(), 5)


@pytest.mark.parametrize("nO", [10, 12, 0])
def test_a_number_of_tags_that_no_label_set_gives_is_an_error(nO):
    with pytest.raises(ValueError, match="nO = null"):
        window_classifier(small_embed(), nO=nO)


def test_growing_to_a_number_of_tags_that_no_label_set_gives_is_an_error():
    model = network()
    before = model.predict(sentences()).emissions.tolist()
    with pytest.raises(ValueError, match="of labels, got 11"):
        resize_output(model, 11)
    assert model.predict(sentences()).emissions.tolist() == before


# Bad settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objective": "hinge"}, "Unknown objective 'hinge'.*crf, softmax, logistic"),
        ({"window_size": -1}, "window_size.*at least 0, got -1"),
        ({"window_size": 1.5}, "window_size.*whole number.*got 1.5"),
        ({"hidden_width": 0}, "hidden_width must be a whole number of at least 1, got 0"),
        ({"hidden_width": 2.5}, "hidden_width must be a whole number of at least 1, got 2.5"),
        ({"activation": "gelu"}, "Unknown activation 'gelu'"),
        ({"maxout_pieces": 1}, "maxout_pieces must be a whole number of at least 2.*got 1"),
        ({"maxout_pieces": 2.5}, "maxout.*pieces.*got 2.5"),
    ],
)
def test_settings_of_the_classifier_out_of_range_are_errors(settings, message):
    with pytest.raises(ValueError, match=message):
        window_classifier(small_embed(), **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rows": [20, 10]}, "3 attrs, 2 rows and 3 widths"),
        ({"widths": [3, 2, 2, 2]}, "3 attrs, 3 rows and 4 widths"),
        ({"attrs": ["NORM", "SHAPE"]}, "2 attrs, 3 rows and 3 widths"),
        ({"attrs": ["NORM", "SHAPE", "shape"]}, r"Unknown attributes \['shape'\]"),
        ({"attrs": [], "rows": [], "widths": []}, "nothing to embed"),
        ({"rows": [20, 0, 8]}, "rows and widths must be a whole number of at least 1, got 0"),
        ({"rows": [20, 1, 8]}, "at least 2 rows"),
        ({"widths": [3, -2, 2]}, "rows and widths must be a whole number of at least 1, got -2"),
        ({"width": 0}, "width must be a whole number of at least 1, got 0"),
        ({"activation": "gelu"}, "Unknown activation 'gelu'"),
        ({"maxout_pieces": 0}, "maxout_pieces must be a whole number of at least 2.*got 0"),
        ({"rare_dropout": -1.0}, "rare_dropout must be at least 0, got -1"),
        ({"rare_dropout": float("nan")}, "rare_dropout must be at least 0, got nan"),
    ],
)
def test_settings_of_the_embedding_out_of_range_are_errors(settings, message):
    with pytest.raises(ValueError, match=message):
        small_embed(**settings)
