import warnings

import numpy as np
import pytest
import spacy
import srsly
from hypothesis import assume, given
from hypothesis import strategies as st
from spacy import util
from spacy.cli.train import train as spacy_train
from spacy.tokens import Doc, DocBin, Span
from spacy.util import fix_random_seed
from typer.testing import CliRunner

from spacy_window_ner.cli import app
from spacy_window_ner.files.serialization import load_model
from spacy_window_ner.network.layers import token_vectors
from spacy_window_ner.network.layers.gazetteer import Gazetteer, read_matches
from tests import plain
from tests.helpers import WORDS, assert_gradients, examples, make_doc
from tests.pipelines import CONFIGS, blank, make_examples, ner_of, small_model, train

KEY = "names"
# PERSON and NORP are among spaCy's symbols, with numbers side by side.
LABELS = ["PERSON", "NORP", "city", "x"]
WIDTH = 5


def doc_with(words, spans, vocab=None):
    """A document with matches (start, end, label)."""
    doc = make_doc(words) if vocab is None else Doc(vocab, words=words)
    doc.spans[KEY] = [Span(doc, start, end, label=label) for start, end, label in spans]
    return doc


@st.composite
def matched_words(draw, max_docs=4, max_tokens=7):
    """Words and matches of some documents: nested, crossing, repeated and empty ones."""
    batch = []
    for _ in range(draw(st.integers(1, max_docs))):
        words = draw(st.lists(st.sampled_from(WORDS), max_size=max_tokens))
        bound = st.integers(0, len(words))
        spans = draw(st.lists(st.tuples(bound, bound, st.sampled_from(LABELS)), max_size=6))
        batch.append((words, [(min(i, j), max(i, j), label) for i, j, label in spans]))
    return batch


def gazetteer(width=WIDTH):
    np.random.seed(0)
    layer = Gazetteer(KEY, width)
    layer.initialize()
    return layer


def vector(layer, label, position):
    """The vector of one label and position, from a document where nothing else is."""
    doc = doc_with(["a", "b", "c"], [(0, 1 if position == "U" else 3, label)])
    return layer.predict([doc]).dense()[{"U": 0, "B": 0, "I": 1, "L": 2}[position]]


def position_of(token, start, end):
    if end - start == 1:
        return "U"
    return {start: "B", end - 1: "L"}.get(token, "I")


@given(batch=matched_words())
@examples(80)
def test_features_are_sums_over_labels_and_positions(batch):
    layer = gazetteer()
    found = layer.predict([doc_with(*one) for one in batch]).dense()
    expected = []
    for words, spans in batch:
        for token in range(len(words)):
            over = [span for span in spans if span[0] <= token < span[1]]
            pairs = {(label, position_of(token, start, end)) for start, end, label in over}
            expected.append(sum((vector(layer, *pair) for pair in pairs), np.zeros(WIDTH)))
    assert found.shape == (len(expected), WIDTH)
    if expected:
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_each_label_and_position_has_its_own_vector():
    layer = gazetteer()
    vectors = [vector(layer, label, position) for label in LABELS for position in "BILU"]
    distances = np.abs(np.subtract.outer(vectors, vectors)[:, range(WIDTH), :, range(WIDTH)])
    assert (distances.max(axis=0) + np.eye(len(vectors)) > 0.02).all()
    assert (np.abs(vectors).max(axis=1) > 0.02).all()


def test_a_name_that_many_entries_of_a_list_share_counts_once():
    layer = gazetteer()
    doc = doc_with(["a", "b"], [])
    doc.spans[KEY] = [Span(doc, 0, 2, label="x", span_id=str(i)) for i in range(50)]
    once = doc_with(["a", "b"], [(0, 2, "x")])
    assert layer.predict([doc]).dense().tolist() == layer.predict([once]).dense().tolist()


def test_matches_do_not_reach_the_next_document():
    docs = [doc_with(["a", "b"], [(1, 2, "x")]), make_doc(["a"]), doc_with(["c"], [(0, 1, "x")])]
    tokens, ids = read_matches(docs, KEY)
    assert tokens.tolist() == [1, 3]
    assert len(set(ids.tolist())) == 1


BATCH = [
    (["a", "b", "c", "d", "e"], [(0, 3, "x"), (1, 2, "x"), (0, 2, "x"), (4, 5, "PERSON")]),
    ([], []),
    (["f", "g"], [(0, 2, "NORP"), (0, 2, "NORP")]),
    (["h"], []),
]


@pytest.mark.parametrize("batch", [BATCH, BATCH[3:], BATCH[1:2]])
def test_gradients(batch):
    assert_gradients(gazetteer(), [doc_with(*one) for one in batch])


# Documents without matches


def test_without_the_key_the_features_are_zero_and_training_warns():
    layer, docs = gazetteer(), [make_doc(["a", "b"]), make_doc([])]
    with pytest.warns(UserWarning, match=r"doc.spans\['names'\].*annotating_components"):
        Y, backprop = layer(docs, is_train=True)
    assert Y.dense().tolist() == [[0.0] * WIDTH] * 2
    assert backprop(np.ones((2, WIDTH), dtype="f")) == []
    assert not layer.get_grad("E").any()


@pytest.mark.parametrize("is_train", [True, False])
def test_it_is_enough_that_one_document_has_the_key(is_train):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gazetteer()([make_doc(["a"]), doc_with(["b"], [])], is_train=is_train)


def test_a_match_that_was_left_behind_by_merging_is_an_error():
    doc = doc_with(["a", "b", "c", "d"], [(2, 4, "x")])
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[0:3])
    with pytest.raises(ValueError, match=r"doc.spans\['names'\].*outside.*merge them before"):
        read_matches([doc], KEY)


# The whole network


def with_lists(patterns, **model):
    """A blank pipeline whose window_ner takes the matches of a span_ruler."""
    fix_random_seed(0)
    nlp = spacy.blank("xx")
    nlp.add_pipe("span_ruler", config={"spans_key": KEY}).add_patterns(patterns)
    nlp.add_pipe("window_ner", config={"model": small_model(gazetteer_key=KEY, **model)})
    return nlp


def fast_pipelines():
    made = {
        "default": blank(model=small_model(gazetteer_key=KEY)),
        "one word": blank(model=small_model(gazetteer_key=KEY, window_size=0)),
        "no document": blank(model=small_model(gazetteer_key=KEY, document_context=False)),
        "no memory": blank(model=small_model(gazetteer_key=KEY, cache_megabytes=0)),
    }
    for nlp in made.values():
        sentences = make_examples(nlp)
        nlp.initialize(lambda sentences=sentences: sentences)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            train(nlp, sentences, 2)
        layer = next(node for node in ner_of(nlp).model.walk() if node.name == "gazetteer")
        layer.get_param("E")[:] *= 10  # as large as a long training may make it
    return made


PIPELINES = fast_pipelines()


@pytest.mark.parametrize("chunk", [3, 1024])
@pytest.mark.parametrize("name", PIPELINES)
@given(batch=matched_words())
@examples(20)
def test_prediction_gives_the_plain_scores(name, chunk, batch):
    assume(any(words for words, _ in batch))
    nlp = PIPELINES[name]
    model = ner_of(nlp).model
    docs = [doc_with(words, spans, nlp.vocab) for words, spans in batch]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(token_vectors, "CHUNK", chunk)
        emissions = model.predict(docs).emissions
    np.testing.assert_allclose(emissions, plain.emissions(model, docs), rtol=1e-4, atol=1e-5)


def test_matches_change_the_scores_of_their_own_tokens_only():
    nlp = PIPELINES["default"]
    words = ["a", "b", "c", "d", "e"]
    docs = [doc_with(words, spans, nlp.vocab) for spans in ([], [(1, 3, "x")])]
    without, with_match = (ner_of(nlp).model.predict([doc]).emissions for doc in docs)
    assert (without != with_match).any(axis=1).tolist() == [False, True, True, False, False]


# Made-up words in one and the same place: nothing but the list tells which are names.
LISTED = ["blik", "dorf", "wugo", "fepa", "kivu", "tamm", "zorn", "lurp", "gant", "pimo"]
OTHERS = ["snit", "bope", "marl", "quen", "hask", "vund", "jelt", "crob", "yiff", "rasp"]
PATTERNS = [{"label": "FRIEND", "pattern": word} for word in LISTED]


def sentences_of(listed, others):
    return [f"then [PER {word}] came" for word in listed] + [f"then {word} came" for word in others]


def assert_list_was_learned(nlp):
    """Words of the list are names that no text had; others are none."""
    found = {word: [ent.text for ent in nlp(f"then {word} came").ents] for word in LISTED + OTHERS}
    assert [found[word] for word in LISTED[6:]] == [[word] for word in LISTED[6:]]
    assert [found[word] for word in OTHERS[6:]] == [[]] * 4


def learned():
    nlp = with_lists(PATTERNS)
    data = make_examples(nlp, sentences_of(LISTED[:6], OTHERS[:6]))
    nlp.get_pipe("window_ner").initialize(lambda: data)
    sgd = nlp.create_optimizer()
    sgd.learn_rate = 0.02
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(40):
            nlp.update(data, drop=0.2, sgd=sgd, annotates=["span_ruler"])
    return nlp


def test_it_learns_what_a_list_is_worth():
    nlp = learned()
    assert_list_was_learned(nlp)
    assert not nlp("then").ents
    with nlp.select_pipes(disable="span_ruler"):
        assert not any(nlp(f"then {word} came").ents for word in LISTED[6:])


def test_it_is_saved_and_loaded(tmp_path):
    nlp = learned()
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    assert ner_of(again).model.to_bytes() == ner_of(nlp).model.to_bytes()
    assert_list_was_learned(again)


@pytest.mark.parametrize(
    ("model", "match"),
    [
        ({"gazetteer_key": "others"}, "gazetteer has spans_key = 'names', expected 'others'"),
        ({"gazetteer_key": KEY, "hidden_width": 3}, "cannot be loaded"),
        ({"gazetteer_key": None}, "cannot be loaded"),
    ],
)
def test_other_settings_refuse_a_saved_network(model, match):
    data = ner_of(PIPELINES["default"]).model.to_bytes()
    other = ner_of(blank(model=small_model(**model)))
    with pytest.raises(ValueError, match=match):
        load_model(other.model, data, ner_of(PIPELINES["default"]).label_data, "window_ner")


def test_a_table_of_another_shape_is_refused():
    ner = ner_of(PIPELINES["default"])
    content = srsly.msgpack_loads(ner.model.to_bytes())
    place = [node["name"] for node in content["nodes"]].index("gazetteer")
    content["params"][place]["E"] = np.zeros((7, 48), dtype="f")
    with pytest.raises(
        ValueError, match=r"gazetteer has E of shape \(7, 48\), expected \(200, 48\)"
    ):
        load_model(ner.model, srsly.msgpack_dumps(content), ner.label_data, "window_ner")


def test_without_a_key_the_network_is_the_one_it_was():
    model = ner_of(blank()).model
    assert "gazetteer" not in [node.name for node in model.walk()]


def test_the_graph_shows_and_checks_it(tmp_path):
    tok2vec = {"attrs": ["NORM"], "rows": [9], "widths": [3], "width": None}
    nlp = with_lists(PATTERNS, hidden_width=4, window_size=1, tok2vec=tok2vec)
    data = make_examples(nlp)
    nlp.get_pipe("window_ner").initialize(lambda: data)
    nlp.to_disk(tmp_path)
    result = CliRunner().invoke(app, ["check-gradients", str(tmp_path)])
    assert result.exit_code == 0, result.output
    row = next(line for line in result.output.splitlines() if line.split()[:1] == ["gazetteer"])
    assert "E (200, 8)" in row
    assert 0 < float(row.split()[-1]) < 1e-6


# With spacy train


def lists(kind, path):
    """The lists as one of two kinds of files, and the setting that reads them."""
    if kind == "json":
        srsly.write_json(path, PATTERNS)
        return {"@readers": "srsly.read_json.v1", "path": str(path)}
    path.write_text("\n".join(LISTED), encoding="utf-8")
    return {"@readers": "spacy_window_ner.names.v1", "files": {"FRIEND": str(path)}}


@pytest.mark.parametrize("kind", ["plain text", "json"])
def test_spacy_train_with_lists(tmp_path, kind):
    data = make_examples(spacy.blank("en"), sentences_of(LISTED[:6], OTHERS[:6]))
    DocBin(docs=[example.reference for example in data]).to_disk(tmp_path / "train.spacy")
    config = util.load_config(next(path for path in CONFIGS if path.stem == "efficiency"))
    config["nlp"]["pipeline"] = ["span_ruler", "window_ner"]
    config["components"]["span_ruler"] = {"factory": "span_ruler", "spans_key": KEY}
    config["components"]["window_ner"]["model"] = small_model(gazetteer_key=KEY)
    patterns = lists(kind, tmp_path / "friends")
    config["initialize"]["components"]["span_ruler"] = {"patterns": patterns}
    config["training"] |= {
        "annotating_components": ["span_ruler"],
        "before_to_disk": None,
        "dropout": 0.2,
        "eval_frequency": 30,
        "max_steps": 60,
    }
    config["training"]["optimizer"]["learn_rate"] = 0.02
    config["paths"] |= {name: str(tmp_path / "train.spacy") for name in ("train", "dev")}
    config.to_disk(tmp_path / "config.cfg")
    spacy_train(tmp_path / "config.cfg", tmp_path / "out")
    (tmp_path / "friends").unlink()  # the pipeline has its lists with it
    assert_list_was_learned(spacy.load(tmp_path / "out" / "model-last"))
