import subprocess
import sys
from collections.abc import Iterable
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
import spacy
import srsly
from spacy import registry, util
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import fix_random_seed
from thinc.api import SGD, Adam, Model

from spacy_window_ner import WindowNER
from spacy_window_ner.network.architectures import lexeme_embed, window_classifier
from spacy_window_ner.objectives import get_objective
from spacy_window_ner.sequences.tags import n_tags, spans_to_tags

from .helpers import Enumeration
from .pipelines import (
    ACTIVATIONS,
    OBJECTIVES,
    SENTENCES,
    add_vectors,
    blank,
    copy_of,
    entities,
    make_examples,
    marked_entities,
    ner_of,
    predictions,
    read_marked,
    shared,
    small_cnn,
    small_model,
    texts_of,
    train,
    trained,
    weights,
)

GOLD = [marked_entities(sentence) for sentence in SENTENCES]
LABELS = ("DATE", "LOC", "PER")
PARIS, APRIL = texts_of()[:2]


def found_by(nlp: Language, sentences: list[str] = SENTENCES) -> list[list[tuple[str, str]]]:
    return [entities(doc) for doc in nlp.pipe(texts_of(sentences))]


def scores_of(doc: Doc, key: str = "window_ner") -> np.ndarray:
    return doc.spans[key].attrs["scores"]


# Entry points and the factory


def test_add_pipe_works_with_nothing_imported():
    code = (
        "import sys, spacy\n"
        "assert not any(name.startswith('spacy_window_ner') for name in sys.modules)\n"
        "nlp = spacy.blank('en')\n"
        "nlp.add_pipe('window_ner')\n"
        "nlp.initialize()\n"
        "print(len(nlp('Paris Hilton').spans['window_ner']))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "0\n"), run.stderr


def test_architectures_are_found():
    embed = registry.get("architectures", "spacy_window_ner.LexemeEmbed.v2")()
    network = registry.get("architectures", "spacy_window_ner.WindowClassifier.v2")(embed)
    assert isinstance(network, Model)
    assert network.get_ref("tok2vec") is embed


def test_factory_has_what_it_assigns_and_how_it_is_scored():
    meta = Language.get_factory_meta("window_ner")
    assert set(meta.assigns) == {"doc.ents", "token.ent_iob", "token.ent_type", "doc.spans"}
    assert meta.default_score_weights["ents_f"] == 1.0
    assert isinstance(spacy.blank("en").add_pipe("window_ner"), WindowNER)


def test_settings_reach_the_component():
    ner = ner_of(blank(spans_key="mine", incorrect_spans_key="wrong", scorer=None))
    assert (ner.cfg["spans_key"], ner.incorrect_spans_key, ner.scorer) == ("mine", "wrong", None)


def test_the_config_has_all_settings_and_is_the_same_after_saving(tmp_path: Path):
    """The defaults are those of the architectures' signatures, as lists where a file has lists."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("window_ner")
    nlp.initialize()
    model = nlp.config["components"]["window_ner"]["model"]
    for settings, builder in ((model, window_classifier), (model["tok2vec"], lexeme_embed)):
        parameters = signature(builder).parameters
        assert set(settings) == {"@architectures", *parameters}
        for name, parameter in parameters.items():
            if name != "tok2vec":
                default = parameter.default
                assert settings[name] == (list(default) if type(default) is tuple else default)
    nlp.to_disk(tmp_path)
    for config in (spacy.load(tmp_path).config, util.load_config(tmp_path / "config.cfg")):
        assert config["components"] == nlp.config["components"]
    # Nobody who changes the config of a pipeline changes that of the next.
    model["tok2vec"]["attrs"].append("LOWER")
    other = spacy.blank("xx").add_pipe("window_ner")
    assert "LOWER" not in other.tok2vec.attrs["attrs"]


# Initialization


def test_initialize_reads_the_labels_of_the_data():
    # The last label stands behind the ten examples that serve as a sample for shapes.
    nlp = blank()
    examples = make_examples(nlp, [*SENTENCES, *["Nothing."] * 10, "It was [ORG Acme]."])
    nlp.initialize(lambda: examples)
    ner = ner_of(nlp)
    assert ner.labels == ("DATE", "LOC", "ORG", "PER")
    assert ner.model.get_ref("scores").get_dim("nO") == n_tags(4)
    assert ner.model.predict([nlp.make_doc(PARIS)]).emissions.shape == (8, 17)


def test_initialize_reads_the_data_once():
    nlp = blank()
    examples, reads = make_examples(nlp), []

    def get_examples():
        reads.append(1)
        return examples

    ner_of(nlp).initialize(get_examples, nlp=nlp)
    assert len(reads) == 1
    with pytest.raises(TypeError, match="E930"):
        ner_of(nlp).initialize(examples, nlp=nlp)
    with pytest.raises(TypeError, match="E978"):
        ner_of(nlp).initialize(lambda: ["no example"], nlp=nlp)


def test_initialize_takes_labels_from_the_config(tmp_path: Path):
    source = ner_of(trained(steps=0))
    path = tmp_path / "labels.json"
    srsly.write_json(path, ["PER", "LOC", "EXTRA"])
    nlp = blank()
    reader = {"@readers": "spacy.read_labels.v1", "path": str(path)}
    nlp.config["initialize"]["components"]["window_ner"] = {"labels": reader}
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    assert ner_of(nlp).label_data == ["PER", "LOC", "EXTRA"]
    assert ner_of(nlp).labels == ("EXTRA", "LOC", "PER")
    assert source.label_data == ["DATE", "LOC", "PER"]


def test_label_data_initializes_an_equal_component(tmp_path: Path):
    """`python -m spacy init labels` saves label_data as JSON."""
    source = ner_of(trained(steps=0))
    srsly.write_json(tmp_path / "labels.json", source.label_data)
    nlp = blank()
    labels = srsly.read_json(tmp_path / "labels.json")
    examples = make_examples(nlp)
    ner_of(nlp).initialize(lambda: examples, nlp=nlp, labels=labels)
    assert ner_of(nlp).label_data == source.label_data
    assert ner_of(nlp).labels == source.labels == LABELS


def test_initialize_with_labels_that_repeat_takes_each_once():
    nlp = blank()
    examples = make_examples(nlp)
    ner_of(nlp).initialize(lambda: examples, labels=["B", "A", "B"])
    assert ner_of(nlp).label_data == ["B", "A"]


def test_initialize_from_nothing_predicts_nothing():
    nlp = blank()
    nlp.initialize()
    assert ner_of(nlp).labels == ()
    doc = nlp(PARIS)
    assert doc.ents == ()
    assert doc.has_annotation("ENT_IOB")
    assert list(doc.spans["window_ner"]) == []
    assert len(scores_of(doc)) == 0


def test_an_untrained_network_finds_nothing():
    nlp = trained(steps=0)
    assert ner_of(nlp).labels == LABELS
    assert found_by(nlp) == [[] for _ in SENTENCES]
    doc = nlp(PARIS)
    assert doc.has_annotation("ENT_IOB")
    train(nlp, make_examples(nlp, SENTENCES[4:]), 30)  # only LOC is learned
    assert {label for found in found_by(nlp) for _, label in found} == {"LOC"}


def test_labels_added_before_initialize_stay():
    nlp = blank()
    assert ner_of(nlp).add_label("ORG") == 1
    assert ner_of(nlp).add_label("ORG") == 0
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    assert ner_of(nlp).label_data == ["ORG", "DATE", "LOC", "PER"]
    train(nlp, examples)
    assert found_by(nlp) == GOLD


def test_initialize_twice_begins_anew():
    nlp = copy_of(shared())
    examples = make_examples(nlp)
    before = weights(nlp)
    fix_random_seed(0)
    nlp.initialize(lambda: examples)
    assert any((a != b).any() for a, b in zip(before, weights(nlp), strict=True))
    assert ner_of(nlp).labels == LABELS
    train(nlp, examples)
    assert found_by(nlp) == GOLD


def test_what_begins_from_nothing_still_learns():
    """Labels and words that come with the first batches are taken in, as spaCy's `ner` does."""
    nlp = blank()
    nlp.initialize()
    train(nlp, make_examples(nlp), 60)
    assert ner_of(nlp).labels == LABELS
    assert found_by(nlp) == GOLD


# Training


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_update_learns_with_every_objective(objective: str):
    assert found_by(shared(objective)) == GOLD


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "maxout"])
def test_update_learns_with_every_activation(activation: str):
    model = small_model(activation=activation, tok2vec={"activation": activation})
    assert found_by(trained(model=model, steps=60)) == GOLD


def test_update_learns_with_dropout():
    assert found_by(trained(steps=80, drop=0.1)) == GOLD


def test_dropout_is_that_of_the_last_update():
    nlp = copy_of(shared())
    examples = make_examples(nlp)

    def loss(drop: float) -> float:
        return ner_of(nlp).update(examples, drop=drop)["window_ner"]

    without = loss(0.0)
    assert loss(0.5) != loss(0.5)
    assert loss(0.0) == without


def test_update_learns_with_static_vectors():
    nlp = blank(model=small_model(tok2vec={"include_static_vectors": True}))
    examples = make_examples(nlp)
    add_vectors(nlp, [token.text for example in examples for token in example.predicted])
    nlp.initialize(lambda: examples)
    train(nlp, examples)
    assert found_by(nlp) == GOLD


def test_losses_add_up_under_the_name_of_the_component():
    nlp = blank(name="names")
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    ner = ner_of(nlp, "names")
    first = ner.update(examples)["names"]
    losses = {"names": 1.0, "other": 2.0}
    assert ner.update(examples, losses=losses) is losses
    # Without an optimizer nothing has changed, so the loss is the same.
    assert losses == {"names": pytest.approx(1.0 + first), "other": 2.0}
    assert ner.update(examples[:2])["names"] + ner.update(examples[2:])["names"] == pytest.approx(
        first
    )


def test_gradients_wait_for_the_optimizer():
    nlp = trained(steps=0)
    ner, examples = ner_of(nlp), make_examples(nlp)
    before = weights(nlp)
    ner.update(examples)
    gradient = ner.model.get_ref("scores").get_grad("W").copy()
    ner.update(examples)
    twice = ner.model.get_ref("scores").get_grad("W").copy()
    np.testing.assert_allclose(twice, 2 * gradient, rtol=1e-4, atol=1e-6)
    assert all((a == b).all() for a, b in zip(before, weights(nlp), strict=True))
    ner.finish_update(SGD(0.1))
    assert any((a != b).any() for a, b in zip(before, weights(nlp), strict=True))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_get_loss_is_the_objective_of_the_gold_tags(objective: str):
    nlp = trained(model=small_model(objective=objective), steps=3)
    ner, examples = ner_of(nlp), make_examples(nlp)
    scores, _ = ner.model.begin_update([example.predicted for example in examples])
    loss, d_scores = ner.get_loss(examples, scores)
    allowed = np.zeros(scores.emissions.shape, dtype=bool)
    first = 0
    for example in examples:
        spans = [
            (ent.start, ent.end, ner.label_data.index(ent.label_)) for ent in example.reference.ents
        ]
        tags = spans_to_tags(np.asarray(spans).reshape(-1, 3), len(example.reference))
        allowed[first + np.arange(len(tags)), tags] = True
        first += len(tags)
    legal = np.ones(allowed.shape[1], dtype=bool)
    expected, d_expected = get_objective(objective).loss(
        scores, allowed, legal, np.zeros((0, 3), dtype=int)
    )
    assert loss == expected > 0
    np.testing.assert_array_equal(d_scores.emissions, d_expected.emissions)
    np.testing.assert_array_equal(d_scores.transitions, d_expected.transitions)


def test_missing_annotation_teaches_nothing():
    nlp = trained(steps=0)
    tags = ["-"] * 8
    known = Example.from_dict(nlp.make_doc(PARIS), {"entities": ["B-PER", "L-PER", *tags[2:]]})
    unknown = Example(nlp.make_doc(APRIL), nlp.make_doc(APRIL))
    ner = ner_of(nlp)
    alone, both = ner.update([known]), ner.update([known, unknown])
    assert alone["window_ner"] == pytest.approx(both["window_ner"])
    nlp = copy_of(nlp)  # without the gradients of these two
    before = weights(nlp)
    assert nlp.update([unknown], sgd=Adam(0.1)) == {"window_ner": 0.0}
    assert all((a == b).all() for a, b in zip(before, weights(nlp), strict=True))


def test_update_adds_new_labels():
    nlp = copy_of(shared())
    sentences = [*SENTENCES, "[ORG Acme] was founded by [PER Samuel]."]
    examples = make_examples(nlp, sentences)
    train(nlp, examples, 30)
    assert ner_of(nlp).label_data == [*LABELS, "ORG"]
    assert found_by(nlp, sentences) == [marked_entities(sentence) for sentence in sentences]


def test_incorrect_spans_become_improbable():
    nlp = copy_of(shared(), incorrect_spans_key="wrong")
    doc = nlp(PARIS)
    assert doc.ents[0].text == "Paris Hilton"
    reference = nlp.make_doc(PARIS)
    reference.spans["wrong"] = [Span(reference, 0, 2, "PER")]
    train(nlp, [Example(nlp.make_doc(PARIS), reference)], 20)
    doc = nlp(PARIS)
    assert (0, 2, "PER") not in [(ent.start, ent.end, ent.label_) for ent in doc.ents]
    # Without the setting, the same annotation teaches nothing.
    nlp = copy_of(shared())
    before = predictions(nlp, [PARIS])
    reference = nlp.make_doc(PARIS)
    reference.spans["wrong"] = [Span(reference, 0, 2, "PER")]
    train(nlp, [Example(nlp.make_doc(PARIS), reference)], 20)
    assert predictions(nlp, [PARIS]) == before


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    def run(seed: int) -> list[np.ndarray]:
        fix_random_seed(seed)
        nlp = blank()
        examples = make_examples(nlp)
        nlp.initialize(lambda: examples)
        train(nlp, examples, 5, drop=0.3)
        return weights(nlp)

    first, again, other = run(1), run(1), run(2)
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_averages_are_used_within_use_params_and_nowhere_else():
    nlp = trained(steps=0)
    examples = make_examples(nlp)
    sgd = Adam(0.02, use_averages=True)
    train(nlp, examples, 30, sgd=sgd)
    now = weights(nlp)
    with nlp.use_params(sgd.averages):
        averages = weights(nlp)
        assert found_by(nlp) == GOLD
    assert any((a != b).any() for a, b in zip(now, averages, strict=True))
    assert all((a == b).all() for a, b in zip(now, weights(nlp), strict=True))
    for node in ner_of(nlp).model.walk():
        for name in node.param_names:
            assert (node.id, name) in sgd.averages


@pytest.mark.parametrize("listens", [True, False], ids=["listener", "own tok2vec"])
def test_spacy_token_vectors_train(listens: bool):
    """A shared `tok2vec` component behind a listener, and spaCy's layer inside of ours."""
    tok2vec = small_cnn(width=16, embed_size=200)
    fix_random_seed(0)
    nlp = spacy.blank("en")
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    if listens:
        nlp.add_pipe("tok2vec", config={"model": tok2vec})
    model = {"hidden_width": 24, "tok2vec": listener if listens else tok2vec}
    nlp.add_pipe("window_ner", config={"model": model})
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    shared = nlp.get_pipe("tok2vec").model if listens else ner_of(nlp).tok2vec

    def first_table() -> np.ndarray:
        node = next(node for node in shared.walk() if node.has_param("E"))
        return node.get_param("E").copy()

    before = first_table()
    train(nlp, examples, 60)
    assert found_by(nlp) == GOLD
    assert (first_table() != before).any()  # gradients go back through the border
    assert [entities(nlp(text)) for text in texts_of()] == GOLD


# Predictions and annotations


def test_predict_changes_no_document(trained_nlp: Language):
    doc = trained_nlp.make_doc(PARIS)
    before = doc.to_bytes()
    found = ner_of(trained_nlp).predict([doc])
    assert len(found.spans) == 3
    assert doc.to_bytes() == before


def test_set_annotations_writes_entities_and_their_probabilities_in_the_same_order(
    trained_nlp: Language,
):
    ner = ner_of(trained_nlp)
    docs = [trained_nlp.make_doc(text) for text in texts_of()]
    found = ner.predict(docs)
    assert len(found.probabilities) == sum(map(len, GOLD))
    assert ((found.probabilities > 0.2) & (found.probabilities <= 1)).all()
    ner.set_annotations(docs, found)
    by_document = found.by_document()
    for doc, gold, (spans, probabilities) in zip(docs, GOLD, by_document, strict=True):
        assert entities(doc) == gold
        assert list(doc.spans["window_ner"]) == list(doc.ents)
        assert [[ent.start, ent.end] for ent in doc.ents] == [row[:2] for row in spans]
        scores = scores_of(doc)
        assert scores.dtype == np.float32
        np.testing.assert_array_equal(scores, probabilities)
        assert doc.has_annotation("ENT_IOB")
        outside = [token for token in doc if not token.ent_type]
        assert all(token.ent_iob_ == "O" for token in outside)


def test_probabilities_survive_saving_a_document(trained_nlp: Language):
    doc = trained_nlp(PARIS)
    again = Doc(trained_nlp.vocab).from_bytes(doc.to_bytes())
    np.testing.assert_array_equal(scores_of(again), scores_of(doc))


def test_spans_key_null_leaves_spans_alone():
    nlp = copy_of(shared(), spans_key=None)
    doc = nlp.make_doc(PARIS)
    doc.spans["window_ner"] = [doc[3:4]]
    doc.spans["other"] = [doc[2:4]]
    assert ner_of(nlp).predict([doc]).probabilities is None
    nlp(doc)
    assert entities(doc) == GOLD[0]
    assert set(doc.spans) == {"window_ner", "other"}
    assert list(doc.spans["window_ner"]) == [doc[3:4]]
    assert list(doc.spans["other"]) == [doc[2:4]]
    assert [entities(doc) for doc in nlp.pipe(["", "  ", PARIS])] == [[], [], GOLD[0]]
    assert len(nlp("").spans) == 0


def test_spans_key_names_the_group():
    nlp = copy_of(shared(), spans_key="names")
    doc = nlp(PARIS)
    assert set(doc.spans) == {"names"}
    assert len(scores_of(doc, "names")) == 3


def test_entities_that_are_there_are_kept(trained_nlp: Language):
    doc = trained_nlp.make_doc(PARIS)
    earlier = Span(doc, 1, 3, "CUSTOM", kb_id="Q1", span_id="id1")  # across a predicted one
    doc.set_ents([earlier], default="missing")
    trained_nlp(doc)
    assert entities(doc)[-2:] == [("Samuel Quinn", "PER"), ("Paris", "LOC")]
    [kept] = [ent for ent in doc.ents if ent.label_ == "CUSTOM"]
    assert (kept.text, kept.kb_id_, kept.id_) == ("Hilton met", "Q1", "id1")
    # The group has what the component itself predicted.
    others = [ent for ent in doc.ents if ent.label_ != "CUSTOM"]
    assert list(doc.spans["window_ner"]) == others
    assert len(scores_of(doc)) == len(others)


@pytest.mark.parametrize("label", ["PER", "LOC", "UNKNOWN"])
def test_an_entity_that_is_there_keeps_label_and_borders(trained_nlp: Language, label: str):
    doc = trained_nlp.make_doc(PARIS)
    doc.set_ents([Span(doc, 0, 2, label, kb_id="Q2")], default="missing")
    trained_nlp(doc)
    assert entities(doc) == [("Paris Hilton", label), *GOLD[0][1:]]
    assert doc.ents[0].kb_id_ == "Q2"
    assert list(doc.spans["window_ner"]) == list(doc.ents[1:])
    assert len(scores_of(doc)) == 2


def test_entities_that_touch_what_is_there_are_still_found(trained_nlp: Language):
    doc = trained_nlp.make_doc(PARIS)
    doc.set_ents([Span(doc, 2, 3, "CUSTOM")], default="missing")  # "met", between two entities
    trained_nlp(doc)
    assert entities(doc) == [GOLD[0][0], ("met", "CUSTOM"), *GOLD[0][1:]]


def test_an_earlier_outside_gives_way_to_an_entity(trained_nlp: Language):
    doc = trained_nlp.make_doc(PARIS)
    doc.set_ents([Span(doc, 6, 7, "LOC")], default="outside")
    trained_nlp(doc)
    assert entities(doc) == GOLD[0]


def test_a_second_run_changes_no_entity(trained_nlp: Language):
    doc = trained_nlp(PARIS)
    iob = [token.ent_iob_ for token in doc]
    trained_nlp(doc)
    assert entities(doc) == GOLD[0]
    assert [token.ent_iob_ for token in doc] == iob


def test_a_preset_entity_of_a_label_that_is_not_learned_yet_is_kept(trained_copy: Language):
    ner_of(trained_copy).add_label("NEW")
    doc = trained_copy.make_doc(PARIS)
    doc.set_ents([Span(doc, 0, 2, "NEW")], default="missing")
    trained_copy(doc)
    assert entities(doc) == [("Paris Hilton", "NEW"), *GOLD[0][1:]]


def test_blocked_tokens_stay_blocked(trained_nlp: Language):
    doc = trained_nlp.make_doc(PARIS)
    doc.set_ents([], blocked=[doc[1:2]], default="missing")
    trained_nlp(doc)
    assert doc[1].ent_iob_ == "B"
    assert doc[1].ent_type_ == ""
    assert all(not span.start <= 1 < span.end for span in doc.spans["window_ner"])
    assert entities(doc)[-2:] == GOLD[0][1:]


def test_tokens_without_annotation_are_outside_afterwards(trained_nlp: Language):
    doc = trained_nlp.make_doc(PARIS)
    doc.set_ents([Span(doc, 2, 3, "CUSTOM")], default="missing")
    assert doc[5].ent_iob_ == ""
    trained_nlp(doc)
    assert [token.ent_iob_ for token in doc] == ["B", "I", "B", "B", "I", "O", "B", "O"]


def test_whitespace_neither_begins_nor_ends_an_entity():
    nlp = trained(["[PER Ann\nLee] is here.", "[PER Bob] is here."] * 2, steps=60)
    inside = nlp("Ann\nLee is here.")
    assert entities(inside) == [("Ann\nLee", "PER")]
    for text in ["\n\nBob\n\nis here.", " Ann \n Lee \n is here.", "Ann\n", "\nBob", " \n "]:
        for ent in nlp(text).ents:
            assert not ent[0].is_space
            assert not ent[-1].is_space


def test_no_entity_crosses_a_sentence_start_that_is_set(trained_nlp: Language):
    doc = trained_nlp.make_doc(PARIS)
    doc[1].is_sent_start = True
    trained_nlp(doc)
    assert all(not ent.start < 1 < ent.end for ent in doc.ents)
    assert entities(doc)[-2:] == GOLD[0][1:]
    without = trained_nlp.make_doc(PARIS)
    without[1].is_sent_start = False
    trained_nlp(without)
    assert entities(without) == GOLD[0]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_probabilities_are_those_of_the_definition(objective: str):
    nlp = shared(objective)
    doc = nlp("Paris Hilton left [ Berlin ]")
    ner = ner_of(nlp)
    scores = ner.model.predict([doc])
    emissions = scores.emissions.astype(float)
    found = [(ent.start, ent.end, ner.label_data.index(ent.label_)) for ent in doc.ents]
    assert found, "nothing to compare"
    if objective == "crf":
        every = Enumeration(emissions, scores.transitions)
        expected = [every.span_probability(*span) for span in found]
    else:
        p = np.exp(emissions)
        p = p / p.sum(axis=1, keepdims=True) if objective == "softmax" else p / (1 + p)
        tags = spans_to_tags(np.asarray(found), len(doc))
        of_tags = p[np.arange(len(doc)), tags]
        expected = [of_tags[start:end].prod() for start, end, _ in found]
    np.testing.assert_allclose(scores_of(doc), expected, rtol=1e-5)


def test_probabilities_take_into_account_what_is_known():
    """A token that cannot be in an entity leaves all the more to the others."""
    nlp = trained(["[PER Ann] saw [PER Bob Lee]", "[LOC Rome] is old"], steps=14)
    doc = nlp.make_doc("Ann saw Bob Lee")
    scores = ner_of(nlp).model.predict([doc])
    doc.set_ents([], blocked=[doc[1:2]], default="missing")
    allowed = np.ones(scores.emissions.shape, dtype=bool)
    allowed[1, 1:] = False
    every = Enumeration(scores.emissions, scores.transitions, allowed)
    nlp(doc)
    assert entities(doc) == [("Ann", "PER"), ("Bob Lee", "PER")]
    expected = [every.span_probability(ent.start, ent.end, 1) for ent in doc.ents]
    np.testing.assert_allclose(scores_of(doc), expected, rtol=1e-5)
    without = nlp("Ann saw Bob Lee")
    assert (scores_of(without) <= scores_of(doc)).all()


def test_lower_thresholds_favor_recall_and_higher_ones_precision():
    found, nlp = [], trained(steps=4)  # not certain of anything yet
    for threshold in (0.05, 0.5, 0.99):
        docs = list(copy_of(nlp, threshold=threshold).pipe(texts_of()))
        assert all((scores_of(doc) > threshold).all() for doc in docs)
        assert all(list(doc.ents) == list(doc.spans["window_ner"]) for doc in docs)
        found.append(sum(len(doc.ents) for doc in docs))
    assert found[0] > found[1] > found[2]


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_pipe_predicts_the_same_as_calls_one_at_a_time(objective: str, batch_size: int):
    nlp = shared(objective)
    texts = ["", *texts_of(), "  ", "Paris", " Samuel  Quinn \n in New York", "x " * 50] * 2
    alone = [nlp(text) for text in texts]
    together = list(nlp.pipe(texts, batch_size=batch_size))
    assert sum(len(doc.ents) for doc in alone) > 5
    for one, other in zip(alone, together, strict=True):
        assert one.text == other.text
        assert entities(one) == entities(other)
        np.testing.assert_allclose(scores_of(one), scores_of(other), rtol=1e-4)


def test_pipe_works_in_several_processes(trained_nlp: Language):
    docs = trained_nlp.pipe(texts_of(), n_process=2, batch_size=2)
    assert [entities(doc) for doc in docs] == GOLD


def test_two_components_work_side_by_side():
    """The second keeps what the first has found; each has its own labels, group and losses."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    for name in ("first", "second"):
        config = {"model": small_model(), "spans_key": name}
        nlp.add_pipe("window_ner", name=name, config=config)
    people = make_examples(nlp, ["[PER Paris Hilton] met [PER Samuel Quinn] in Paris."])
    places = make_examples(nlp, ["Paris Hilton met Samuel Quinn in [LOC Paris]."])
    nlp.get_pipe("first").initialize(lambda: people)
    nlp.get_pipe("second").initialize(lambda: places)
    sgd = Adam(0.02)
    losses: dict[str, float] = {}
    for _ in range(40):
        nlp.get_pipe("first").update(people, sgd=sgd, losses=losses)
        nlp.get_pipe("second").update(places, sgd=sgd, losses=losses)
    assert set(losses) == {"first", "second"}
    doc = nlp(PARIS)
    assert entities(doc) == GOLD[0]
    assert [span.text for span in doc.spans["first"]] == ["Paris Hilton", "Samuel Quinn"]
    assert [span.text for span in doc.spans["second"]] == ["Paris"]


def test_a_trained_component_is_sourced_into_another_pipeline(trained_nlp: Language):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("window_ner", source=trained_nlp, name="names")
    assert predictions(nlp, texts_of()) == predictions(trained_nlp, texts_of())


# Scores


def test_score_compares_entities(trained_nlp: Language):
    examples = make_examples(trained_nlp)
    for example in examples:
        example.predicted = trained_nlp(example.text)
    result = ner_of(trained_nlp).score(examples)
    assert (result["ents_p"], result["ents_r"], result["ents_f"]) == (1.0, 1.0, 1.0)
    assert set(result["ents_per_type"]) == set(LABELS)
    examples[0].predicted.ents = ()
    result = ner_of(trained_nlp).score(examples)
    assert (result["ents_p"], result["ents_r"]) == (1.0, 6 / 9)
    assert ner_of(blank(scorer=None)).score(examples) == {}
    assert trained_nlp.evaluate(make_examples(trained_nlp))["ents_f"] == 1.0


# New labels


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_label_added_after_training_changes_no_prediction_and_is_then_learned(objective: str):
    nlp = copy_of(shared(objective))
    texts = [*texts_of(), "Acme was founded by Samuel.", "", "x"]
    before = predictions(nlp, texts)
    ner = ner_of(nlp)
    assert ner.add_label("ORG") == 1
    assert ner.add_label("LOC") == 0
    assert ner.label_data == [*LABELS, "ORG"]
    for (ents, spans, scores), now in zip(before, predictions(nlp, texts), strict=True):
        assert now[:2] == (ents, spans)
        # A matrix product with more columns may round its old ones in another way.
        assert now[2] == pytest.approx(scores, rel=1e-5)
    # Examples without the new label do not bring it into use.
    train(nlp, make_examples(nlp), 1)
    assert all(label != "ORG" for text in texts for _, label in entities(nlp(text)))
    sentences = [*SENTENCES, "[ORG Acme] was founded by [PER Samuel]."]
    train(nlp, make_examples(nlp, sentences), 40)
    assert found_by(nlp, sentences) == [marked_entities(sentence) for sentence in sentences]


def test_a_label_added_after_training_does_not_disturb_the_optimizer():
    """Optimizers keep moments and averages of each parameter's shape."""
    nlp = trained(steps=0)
    sgd = Adam(0.02, use_averages=True)
    train(nlp, make_examples(nlp), 10, sgd=sgd)
    ner_of(nlp).add_label("ORG")
    sentences = [*SENTENCES, "[ORG Acme] was founded by [PER Samuel]."]
    train(nlp, make_examples(nlp, sentences), 50, sgd=sgd)
    expected = [marked_entities(sentence) for sentence in sentences]
    assert found_by(nlp, sentences) == expected
    with nlp.use_params(sgd.averages):
        assert found_by(nlp, sentences) == expected


def test_a_label_that_comes_with_a_wrong_span_first_is_in_use_from_then_on():
    nlp = trained(incorrect_spans_key="wrong", steps=20)
    ner = ner_of(nlp)
    ner.add_label("ORG")
    reference = nlp.make_doc("Acme met Samuel")
    reference.spans["wrong"] = [Span(reference, 0, 2, "ORG")]
    example = Example(nlp.make_doc("Acme met Samuel"), reference)
    scores = ner.model.predict([example.predicted])
    loss, _ = ner.get_loss([example], scores)
    p = Enumeration(scores.emissions, scores.transitions).span_probability(0, 2, 3)
    assert loss == pytest.approx(-np.log(1 - p), rel=1e-5)


def test_labels_added_after_training_are_saved(trained_copy: Language):
    ner_of(trained_copy).add_label("ORG")
    before = predictions(trained_copy, texts_of())
    again = blank()
    ner_of(again).from_bytes(ner_of(trained_copy).to_bytes())
    assert ner_of(again).label_data == [*LABELS, "ORG"]
    assert predictions(again, texts_of()) == before


def test_a_label_that_is_not_a_string_or_empty_is_refused(trained_copy: Language):
    ner = ner_of(trained_copy)
    with pytest.raises(ValueError, match="string"):
        ner.add_label(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"cannot be the empty string.*Give the spans a label"):
        ner.add_label("")
    with pytest.raises(ValueError, match="E869"):
        ner.add_label("!PER")
    assert ner.labels == LABELS


def test_labels_of_what_is_there_count_among_the_labels_once_it_is_written_beside(
    trained_copy: Language,
):
    """As with spaCy's `ner`, but to predict alone changes nothing. The network does not grow."""
    ner = ner_of(trained_copy)
    doc = trained_copy.make_doc(PARIS)
    doc.ents = [Span(doc, 0, 1, "HOTEL")]
    found = ner.predict([doc])
    assert ner.labels == LABELS
    ner.set_annotations([doc], found)
    assert ner.labels == tuple(sorted([*LABELS, "HOTEL"]))
    assert ner.label_data == list(LABELS)


# Going on


def test_words_that_later_training_brings_are_learned():
    """Names of one shape and context, with the same affixes: only the word itself tells."""
    nlp = copy_of(shared())
    names = [f"b{middle}n" for middle in ("ori", "ato", "emu", "usa", "ida", "onu")]
    sentences = [f"We saw [{('PER', 'LOC')[i % 2]} {name}] ." for i, name in enumerate(names)]
    expected = [marked_entities(sentence) for sentence in sentences]
    train(nlp, make_examples(nlp, sentences), 60)
    assert found_by(nlp, sentences) == expected
    again = blank()
    ner_of(again).from_bytes(ner_of(nlp).to_bytes())
    assert found_by(again, sentences) == expected


def unannotated(nlp: Language, sentences: Iterable[str]) -> list[Example]:
    return [Example(nlp.make_doc(text), nlp.make_doc(text)) for text in texts_of(sentences)]


def test_rehearse_does_not_imitate_labels_that_the_teacher_never_learned():
    """Their scores are as drawn at random: imitating them would hold them there."""
    nlp = copy_of(shared())
    ner_of(nlp).add_label("DRINK")
    sgd = nlp.resume_training()
    examples = unannotated(nlp, SENTENCES)
    ner = ner_of(nlp)
    first = ner.rehearse(examples)["window_ner"]
    assert first == pytest.approx(0, abs=1e-4)
    ner.model.get_ref("scores").get_param("b")[-4:] += 100
    ner.model.get_ref("transitions").get_param("T")[-1] += 100
    assert ner.rehearse(examples)["window_ner"] == pytest.approx(first, abs=1e-4)
    ner.model.get_ref("scores").get_param("b")[1:5] += 100
    assert ner.rehearse(examples, sgd=sgd)["window_ner"] > 1


def test_labels_given_to_initialize_are_a_list_of_strings():
    nlp = blank()
    examples = make_examples(nlp)
    with pytest.raises(ValueError, match=r"[Ll]abels.*(list|sequence)"):
        ner_of(nlp).initialize(lambda: examples, labels="PER")
    with pytest.raises(ValueError, match="string"):
        ner_of(nlp).initialize(lambda: examples, labels=["PER", 1])  # type: ignore[list-item]
    assert ner_of(nlp).labels == ()


# Saving and loading


def save_and_load(nlp: Language, way: str, path: Path) -> Language:
    if way == "pipeline on disk":
        nlp.to_disk(path)
        return spacy.load(path)
    other = blank()
    ner, new = ner_of(nlp), ner_of(other)
    if way == "disk":
        ner.to_disk(path)
        new.from_disk(path)
    elif way == "disk without vocab":
        ner.to_disk(path, exclude=["vocab"])
        assert not (path / "vocab").exists()
        new.from_disk(path, exclude=["vocab"])
    elif way == "bytes":
        new.from_bytes(ner.to_bytes())
    elif way == "bytes without vocab":
        new.from_bytes(ner.to_bytes(exclude=["vocab"]), exclude=["vocab"])
    else:
        language = util.get_lang_class(nlp.lang)
        other = language.from_config(nlp.config).from_bytes(nlp.to_bytes())
    return other


WAYS = [
    "disk",
    "disk without vocab",
    "bytes",
    "bytes without vocab",
    "pipeline on disk",
    "pipeline bytes",
]


@pytest.mark.parametrize("way", WAYS)
def test_saved_components_predict_the_same(trained_nlp: Language, way: str, tmp_path: Path):
    nlp = save_and_load(trained_nlp, way, tmp_path / "saved")
    texts = [*texts_of(), "", "Samuel Paris 1989"]
    assert predictions(nlp, texts) == predictions(trained_nlp, texts)
    assert ner_of(nlp).label_data == ner_of(trained_nlp).label_data
    # Labels are in the string store even where the vocabulary came from elsewhere.
    assert all(label in nlp.vocab.strings for label in LABELS)
    assert ner_of(nlp).to_bytes(exclude=["vocab"]) == ner_of(trained_nlp).to_bytes(
        exclude=["vocab"]
    )


def test_training_goes_on_after_loading(trained_nlp: Language, tmp_path: Path):
    nlp = save_and_load(trained_nlp, "pipeline on disk", tmp_path)
    sentences = [*SENTENCES, "[ORG Acme] was founded by [PER Samuel]."]
    sgd = nlp.resume_training()
    sgd.learn_rate = 0.02
    train(nlp, make_examples(nlp, sentences), 30, sgd=sgd)
    assert found_by(nlp, sentences) == [marked_entities(sentence) for sentence in sentences]


def test_saved_settings_are_loaded(tmp_path: Path):
    trained(spans_key="mine", steps=1).to_disk(tmp_path)
    assert ner_of(spacy.load(tmp_path)).cfg["spans_key"] == "mine"


def test_exclude_model_leaves_the_network(trained_nlp: Language, trained_copy: Language):
    data = ner_of(trained_nlp).to_bytes(exclude=["model", "vocab"])
    before = predictions(trained_copy, texts_of())
    ner_of(trained_copy).from_bytes(data)
    assert predictions(trained_copy, texts_of()) == before


def test_vectors_are_not_saved_with_the_model():
    """They belong to the vocabulary, and a model file must not repeat them."""
    nlp = blank(model=small_model(tok2vec={"include_static_vectors": True}))
    texts = [read_marked(sentence)[0] for sentence in SENTENCES]
    words = [token.text for text in texts for token in nlp.make_doc(text)]
    sizes = []
    for more in (0, 1000):
        nlp = blank(model=small_model(tok2vec={"include_static_vectors": True}))
        add_vectors(nlp, [*words, *(f"word{i}" for i in range(more))])
        nlp.initialize(lambda nlp=nlp: make_examples(nlp))
        sizes.append(len(ner_of(nlp).model.to_bytes()))
    assert sizes[0] == sizes[1]
