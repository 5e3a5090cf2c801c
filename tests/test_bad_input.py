"""What is unusual or wrong works, or raises an error that says what is wrong and what to do."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Corpus, Example
from thinc.api import SGD

from spacy_window_ner.decoding.decode import probabilities_of
from spacy_window_ner.objectives import get_objective

from .pipelines import (
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
    save_corpus,
    shared,
    small_model,
    texts_of,
    train,
    trained,
    weights,
)

GOLD = [marked_entities(sentence) for sentence in SENTENCES]
PARIS = texts_of()[0]


def found_by(nlp: Language, texts: list[str]) -> list[list[tuple[str, str]]]:
    return [entities(doc) for doc in nlp.pipe(texts)]


# Documents


def test_empty_documents(trained_nlp: Language):
    doc = trained_nlp("")
    assert doc.ents == ()
    assert list(doc.spans["window_ner"]) == []
    assert doc.spans["window_ner"].attrs["scores"].shape == (0,)
    assert found_by(trained_nlp, ["", PARIS, "", ""]) == [[], GOLD[0], [], []]
    assert list(trained_nlp.pipe([])) == []
    nlp = trained(["", *SENTENCES, ""])
    assert found_by(nlp, [PARIS, ""]) == [GOLD[0], []]


def test_only_empty_documents():
    nlp = trained(["", ""], steps=2)
    assert found_by(nlp, ["", "Paris"]) == [[], []]
    assert train(nlp, make_examples(nlp, [""]), 1) == 0


@pytest.mark.parametrize("text", [" ", "   ", "\n", "\n\n \t\n", "\u00a0"])
def test_whitespace_only_documents(trained_nlp: Language, text: str):
    doc = trained_nlp(text)
    assert len(doc) > 0
    assert doc.ents == ()
    assert found_by(trained_nlp, [text, PARIS]) == [[], GOLD[0]]


def test_whitespace_only_documents_in_training():
    nlp = trained([" ", *SENTENCES, "\n\n"])
    assert found_by(nlp, texts_of()) == GOLD
    assert found_by(nlp, ["\n", " "]) == [[], []]


def test_a_document_of_one_token():
    nlp = trained(["[LOC Paris]", "met"], steps=20)
    assert found_by(nlp, ["Paris", "met"]) == [[("Paris", "LOC")], []]


def test_a_document_of_50000_tokens():
    """The long document repeats one text, and in each place the same is found."""
    model = small_model(hidden_width=8, window_size=1)
    nlp = trained(model=model, steps=60)
    words = [token.text for token in nlp(PARIS)]
    times = 50_000 // len(words)
    doc = Doc(nlp.vocab, words=words * times)
    nlp.get_pipe("window_ner")(doc)
    assert len(doc) == 50_000
    starts = np.asarray([ent.start for ent in doc.ents])
    assert len(starts) == times * len(GOLD[0])
    np.testing.assert_array_equal(starts.reshape(times, -1) % len(words), [[0, 3, 6]] * times)
    scores = doc.spans["window_ner"].attrs["scores"]
    assert scores.shape == starts.shape
    assert ((scores > 0) & (scores <= 1)).all()


# Training sets


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_training_set_without_entities(objective: str):
    texts = ["Nothing here.", "Nor here."]
    nlp = trained(texts, model=small_model(objective=objective), steps=3)
    assert ner_of(nlp).labels == ()
    assert found_by(nlp, [*texts, "Paris", ""]) == [[], [], [], []]
    # A label that comes later is learned.
    train(nlp, make_examples(nlp, ["[LOC Nothing] here.", "Nor here."]), 60)
    assert found_by(nlp, texts) == [[("Nothing", "LOC")], []]


def test_a_training_set_without_annotation():
    nlp = blank()
    examples = [Example(nlp.make_doc(text), nlp.make_doc(text)) for text in texts_of()]
    nlp.initialize(lambda: examples)
    before = weights(nlp)
    assert train(nlp, examples, 2) == 0
    assert all((a == b).all() for a, b in zip(before, weights(nlp), strict=True))
    assert found_by(nlp, [PARIS]) == [[]]


def test_an_empty_training_set(tmp_path: Path):
    nlp = blank()
    with pytest.raises(TypeError, match=r"Expected function that returns .* Example.*\[\]"):
        nlp.initialize(list)
    # So it comes from an empty file in `spacy train`.
    corpus = Corpus(save_corpus(tmp_path / "empty.spacy", []))
    with pytest.raises(ValueError, match=r"no proper sample data.*window_ner.*debug data"):
        nlp.initialize(lambda: corpus(nlp))
    assert shared().update([]) == {}
    assert ner_of(copy_of(shared())).update([]) == {"window_ner": 0.0}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_one_label_only(objective: str):
    sentences = ["[X Paris Hilton] met [X Samuel] in [X Paris].", "Nobody came."]
    nlp = trained(sentences, model=small_model(objective=objective))
    assert ner_of(nlp).labels == ("X",)
    assert found_by(nlp, texts_of(sentences)) == [marked_entities(line) for line in sentences]


LABELS = ["U-JOB-NAME", "B-", "O", "-", "two words", "장소", "L", "null", '"', "B-B-B", "😀", "\t"]


def test_labels_with_any_characters(tmp_path: Path):
    nlp = blank()
    words = [f"{chr(97 + i)}word" for i in range(len(LABELS))]

    def annotated() -> Doc:
        doc = Doc(nlp.vocab, words=words)
        doc.set_ents([Span(doc, i, i + 1, label) for i, label in enumerate(LABELS)])
        return doc

    examples = [Example(Doc(nlp.vocab, words=words), annotated())]
    nlp.initialize(lambda: examples)
    assert ner_of(nlp).label_data == sorted(LABELS)
    train(nlp, examples, 60)
    expected = list(zip(words, LABELS, strict=True))
    assert entities(nlp(Doc(nlp.vocab, words=words))) == expected
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    assert entities(again(Doc(again.vocab, words=words))) == expected
    score = again.evaluate([Example(Doc(again.vocab, words=words), annotated())])
    assert score["ents_f"] == 1.0


def test_labels_with_any_characters_where_tokens_differ():
    nlp = blank()
    text = "Paris Hilton met Samuel"
    reference = Doc(
        nlp.vocab,
        words=["Par", "is", "Hilton", "met", "Samuel"],
        spaces=[False, True, True, True, False],
    )
    reference.set_ents([Span(reference, 0, 3, "U-JOB-NAME"), Span(reference, 4, 5, "B-")])
    examples = [Example(nlp.make_doc(text), reference)]
    nlp.initialize(lambda: examples)
    train(nlp, examples, 30)
    assert entities(nlp(text)) == [("Paris Hilton", "U-JOB-NAME"), ("Samuel", "B-")]


def test_a_label_that_is_empty():
    nlp = copy_of(shared())
    with pytest.raises(ValueError, match=r"cannot be the empty string.*Give the spans a label"):
        ner_of(nlp).add_label("")


def test_overlapping_gold_spans():
    nlp = copy_of(shared())
    doc = nlp.make_doc(PARIS)
    overlap = [(0, 12, "PER"), (6, 16, "LOC")]
    with pytest.raises(ValueError, match=r"can only be part of one entity.*don't overlap"):
        Example.from_dict(doc, {"entities": overlap})
    with pytest.raises(ValueError, match=r"more than one span"):
        doc.ents = [doc.char_span(start, end, label) for start, end, label in overlap]


def wrong_probability(nlp: Language, wrong: list[tuple[int, int, str]]) -> float:
    """How likely the component takes these spans for entities, all together."""
    ner = ner_of(nlp)
    objective = get_objective(ner.model.attrs["objective"])
    scores = ner.model.predict([nlp.make_doc(PARIS)])
    spans = [[start, end, ner.label_data.index(label)] for start, end, label in wrong]
    return sum(probabilities_of(np.asarray([s]), scores, objective)[0] for s in spans)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_overlapping_wrong_spans(objective: str):
    """Spans that are known to be wrong may overlap."""
    model = small_model(objective=objective)
    nlp = trained(model=model, incorrect_spans_key="wrong", steps=20)
    start = copy_of(nlp)
    reference = nlp.make_doc(PARIS)
    wrong = [(0, 2, "PER"), (0, 2, "LOC"), (0, 1, "PER"), (1, 3, "LOC"), (0, 8, "PER")]
    reference.spans["wrong"] = [Span(reference, *span) for span in wrong]
    loss = train(nlp, [Example(nlp.make_doc(PARIS), reference)], 30)
    assert np.isfinite(loss)
    known = wrong_probability(start, wrong)
    assert wrong_probability(nlp, wrong) < known / 2


def test_a_span_that_is_both_right_and_wrong():
    nlp = trained(incorrect_spans_key="wrong", steps=1)
    example = make_examples(nlp)[0]
    example.reference.spans["wrong"] = [Span(example.reference, 0, 2, "PER")]
    with pytest.raises(ValueError, match=r"E868.*0, 12, 'PER'"):
        nlp.update([example])


def misaligned(nlp: Language) -> Example:
    """Two entities whose tokens the pipeline does not make, and one that it does."""
    words = ["Paris", "ians", "left", "Rome", "for", "New", "York", "ers"]
    spaces = [False, True, True, True, True, True, False, False]
    reference = Doc(nlp.vocab, words=words, spaces=spaces)
    spans = [(0, 1, "LOC"), (3, 4, "LOC"), (5, 7, "LOC")]
    reference.set_ents([Span(reference, *span) for span in spans])
    return Example(nlp.make_doc("Parisians left Rome for New Yorkers"), reference)


def test_tokens_that_do_not_align_are_counted_and_reported():
    nlp = blank()
    example = misaligned(nlp)
    expected = r"\[window_ner\] 2 gold entities do not align .*'Paris', 'New York'.*Check"
    with pytest.warns(UserWarning, match=expected):
        nlp.initialize(lambda: [example])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(nlp, [example], 40)  # only one warning
    doc = nlp(example.text)
    assert ("Rome", "LOC") in entities(doc)
    assert next(ent for ent in doc.ents if ent.text == "Rome").start == 2


def test_tokens_that_do_not_align_are_reported_in_training_where_initialize_had_none():
    nlp = trained(steps=0)
    example = misaligned(nlp)
    with pytest.warns(UserWarning, match="2 gold entities do not align"):
        ner_of(nlp).update([example])


def test_tokens_that_do_not_align_teach_nothing():
    """Their annotation counts as missing: the gradient of their scores is as without it."""
    nlp = trained(steps=0, model=small_model(objective="softmax"))
    ner = ner_of(nlp)
    example = misaligned(nlp)
    scores, _ = ner.model.begin_update([example.predicted])
    with pytest.warns(UserWarning, match="do not align"):
        _, d_scores = ner.get_loss([example], scores)
    known = np.abs(d_scores.emissions).sum(axis=1) > 0
    assert known.tolist() == [False, True, True, True, False, False]


# Vectors


def test_vectors_asked_for_and_absent():
    nlp = blank(model=small_model(tok2vec={"include_static_vectors": True}))
    examples = make_examples(nlp)
    expected = (
        r"include_static_vectors is true, but the pipeline has no word vectors.*initialize\.vectors"
    )
    with pytest.raises(ValueError, match=expected):
        nlp.initialize(lambda: examples)
    with pytest.raises(ValueError, match=expected):
        nlp.initialize()


@pytest.mark.parametrize("width", [0, 3])
def test_vectors_absent_or_others_after_training(width: int):
    nlp = blank(model=small_model(tok2vec={"include_static_vectors": True}))
    examples = make_examples(nlp)
    add_vectors(nlp, ["Paris", "Hilton"], width=8)
    nlp.initialize(lambda: examples)
    assert nlp(PARIS).has_annotation("ENT_IOB")
    if width:
        add_vectors(nlp, ["Paris", "Hilton"], width=width)
    else:
        nlp.vocab.reset_vectors(width=0)
    with pytest.raises(ValueError, match=r"trained with static vectors of width 8.*Load"):
        nlp(PARIS)


def test_vectors_that_are_not_finite():
    nlp = blank(model=small_model(tok2vec={"include_static_vectors": True}))
    examples = make_examples(nlp)
    add_vectors(nlp, ["Paris", "Hilton"])
    nlp.vocab.vectors.data[0] = np.nan
    with pytest.raises(ValueError, match=r"not finite.*check the word vectors"):
        nlp.initialize(lambda: examples)
        nlp.update(examples)


# Settings


def test_a_window_of_size_0():
    """Each word is classified by itself."""
    nlp = trained(["[LOC Rome] is here", "Anna is [DATE today]"], model=small_model(window_size=0))
    assert found_by(nlp, ["today Rome"]) == [[("today", "DATE"), ("Rome", "LOC")]]


@pytest.mark.parametrize("size", [-1, -3])
def test_a_window_of_negative_size(size: int):
    with pytest.raises(ValueError, match=rf"window_size is .* of at least 0, got {size}"):
        blank(model=small_model(window_size=size))


@pytest.mark.parametrize("size", [1.5, "two", None])
def test_a_window_size_that_is_no_whole_number(size: Any):
    with pytest.raises(ValueError, match="window_size"):
        blank(model=small_model(window_size=size))


@pytest.mark.parametrize("where", ["network", "token vectors"])
def test_an_unknown_activation(where: str):
    change: dict[str, Any] = {"activation": "sigmoid"}
    change = change if where == "network" else {"tok2vec": change}
    with pytest.raises(ValueError, match=r"'sigmoid'.*tanh, hard_tanh, logistic, relu, maxout"):
        blank(model=small_model(**change))


def test_an_unknown_objective():
    with pytest.raises(ValueError, match=r"'hinge'.*crf, softmax, logistic"):
        blank(model=small_model(objective="hinge"))


def test_an_unknown_attribute():
    with pytest.raises(ValueError, match=r"'NORN'.*NORM, PREFIX"):
        blank(model=small_model(tok2vec={"attrs": ["NORN", "PREFIX", "SUFFIX", "SHAPE"]}))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"hidden_width": 0}, "hidden_width must be a whole number of at least 1, got 0"),
        ({"context_dropout": 1.0}, "context_dropout must be from 0 to below 1, got 1.0"),
        ({"maxout_pieces": 1}, "maxout_pieces.*at least 2, got 1"),
        ({"nO": 7}, "nO = null"),
        ({"tok2vec": {"width": -1}}, "width must be a whole number of at least 1, got -1"),
        ({"tok2vec": {"rows": [1, 2]}}, "4 attrs, 2 rows and 4 widths"),
        ({"tok2vec": {"rows": [5, 5, 0, 5]}}, "rows .* got 0"),
        ({"tok2vec": {"attrs": [], "rows": [], "widths": []}}, "nothing to embed.* Set attrs"),
        ({"objective": 3}, "objective"),
        ({"window": 3}, "window"),
    ],
    ids=str,
)
def test_other_settings_out_of_their_range(change: dict[str, Any], match: str):
    with pytest.raises(ValueError, match=match):
        blank(model=small_model(**change))


def test_entities_in_the_place_of_names_of_lists():
    with pytest.raises(
        ValueError, match=r"spans_key and gazetteer_key are both 'names'.*different keys"
    ):
        blank(spans_key="names", model=small_model(gazetteer_key="names"))


@pytest.mark.parametrize("sizes", [[0], [1, -1]])
def test_windows_over_the_hidden_layer_that_are_none(sizes: list):
    with pytest.raises(ValueError, match="hidden_windows must be a whole number of at least 1"):
        blank(model=small_model(hidden_windows=sizes))


@pytest.mark.parametrize("threshold", [-0.5, 1.5])
def test_a_threshold_that_is_no_probability(threshold: float):
    with pytest.raises(ValueError, match=r"threshold must be a probability from 0 to 1"):
        blank(threshold=threshold)


@pytest.mark.parametrize("value", [-0.5, 1.5, None, "abc", float("nan")])
def test_a_threshold_of_candidates_that_is_no_probability(value: Any):
    with pytest.raises(ValueError, match=r"candidates_threshold"):
        blank(candidates_threshold=value)


def test_candidates_in_the_place_of_something_else():
    with pytest.raises(ValueError, match="spans_key and candidates_key are both 'window_ner'"):
        blank(candidates_key="window_ner")
    with pytest.raises(ValueError, match="candidates_key and gazetteer_key are both 'names'"):
        blank(candidates_key="names", model=small_model(gazetteer_key="names"))


# Order


@pytest.mark.parametrize(
    "use",
    [
        lambda nlp: nlp(PARIS),
        lambda nlp: list(nlp.pipe([PARIS])),
        lambda nlp: nlp(""),
        lambda nlp: ner_of(nlp).predict([nlp.make_doc(PARIS)]),
        lambda nlp: nlp.update(make_examples(nlp)),
        lambda nlp: ner_of(nlp).update(make_examples(nlp), sgd=SGD(0.1)),
    ],
    ids=["call", "pipe", "call on nothing", "predict", "nlp.update", "update"],
)
@pytest.mark.parametrize("labels", [[], ["LOC"]], ids=["no labels", "labels"])
def test_update_or_predict_before_initialize(use: Callable, labels: list[str]):
    nlp = blank()
    for label in labels:
        ner_of(nlp).add_label(label)
    with pytest.raises(ValueError, match=r"'window_ner'.*forget to call `initialize\(\)`"):
        use(nlp)


def test_what_is_no_example():
    nlp = copy_of(shared())
    with pytest.raises(TypeError, match="Example"):
        ner_of(nlp).update([nlp.make_doc(PARIS)])
    with pytest.raises(TypeError, match="Example"):
        ner_of(blank()).initialize(lambda: [nlp.make_doc(PARIS)])


@pytest.mark.parametrize(
    "change",
    [{"hidden_width": 25}, {"window_size": 1}, {"tok2vec": {"rows": [99, 50, 100, 50]}}],
    ids=str,
)
def test_a_saved_model_loaded_into_another_shape(change: dict[str, Any], tmp_path: Path):
    ner_of(shared()).to_disk(tmp_path)
    nlp = blank(model=small_model(**change))
    expected = (
        r"\[window_ner\] The saved model cannot be loaded.*saved with different settings.*Load"
    )
    with pytest.raises(ValueError, match=expected):
        ner_of(nlp).from_disk(tmp_path)
    # It is as before, and can be trained.
    assert ner_of(nlp).labels == ()
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    train(nlp, examples)
    before = predictions(nlp, texts_of())
    with pytest.raises(ValueError, match=expected):
        ner_of(nlp).from_disk(tmp_path)
    assert predictions(nlp, texts_of()) == before


# Divergence


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_learning_rate_that_is_far_too_high(objective: str):
    """The loss is a number as long as `update` returns, and then there is an error."""
    nlp = trained(model=small_model(objective=objective, activation="relu"), steps=0)
    examples = make_examples(nlp)
    sgd = SGD(1e6, grad_clip=0.0)
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match=r"diverged.*Lower the learning rate.*grad_clip"),
    ):
        for _ in range(50):
            loss = nlp.update(examples, sgd=sgd)["window_ner"]
            assert np.isfinite(loss)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_loss_that_turns_to_nan(objective: str, value: float):
    nlp = copy_of(shared(objective))
    ner_of(nlp).model.get_ref("scores").get_param("b")[3] = value
    before = weights(nlp)
    with np.errstate(all="ignore"):
        with pytest.raises(ValueError, match=r"diverged.*Lower the learning rate.*grad_clip"):
            nlp.update(make_examples(nlp), sgd=SGD(0.1))
        for threshold in (None, 0.5):
            ner_of(nlp).threshold = threshold
            for ask in (nlp, lambda text: ner_of(nlp).tag_probabilities(nlp.make_doc(text))):
                with pytest.raises(ValueError, match=r"not finite.*are damaged") as info:
                    ask(PARIS)
                assert f"[window_ner] Document 0 of the batch ({PARIS!r})" in str(info.value)
                assert "Lower the learning rate" not in str(info.value)
    for old, new in zip(before, weights(nlp), strict=True):
        np.testing.assert_array_equal(old, new)


def test_vectors_that_were_replaced():
    """The message names the document, though it is not the first one of the batch."""
    nlp = spacy.blank("xx")
    add_vectors(nlp, ["Samuel", "Berlin", "April"])
    tok2vec = {"include_static_vectors": True}
    nlp.add_pipe("window_ner", config={"model": small_model(tok2vec=tok2vec, activation="relu")})
    nlp.initialize(lambda: make_examples(nlp))
    train(nlp, make_examples(nlp), 5)
    vectors = nlp.vocab.vectors
    vectors.data = vectors.data * np.float32(np.inf)
    words = "Samuel " * 20
    with (
        np.errstate(all="ignore"),
        pytest.raises(
            ValueError,
            match=r"Document 2 of the batch \('(Samuel ){7}Samuel …'\) .*not finite.*vectors",
        ),
    ):
        list(nlp.pipe(["a b", "", words.strip(), "Berlin"]))


@pytest.mark.parametrize("threshold", [None, 0.5])
def test_scores_that_are_too_far_apart(trained_nlp: Language, threshold: float | None):
    nlp = copy_of(trained_nlp, threshold=threshold)
    scores = ner_of(nlp).model.get_ref("scores")
    scores.set_param("W", scores.get_param("W") * np.float32(1e4))
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match=r"Document 0 .*differ by more.*are damaged"),
    ):
        nlp(PARIS)


def test_one_text_that_fails_can_be_left_out(trained_nlp: Language):
    """spaCy's error handlers work: the others of the batch are still annotated."""
    nlp = copy_of(trained_nlp)
    failed: list[str] = []
    ner = ner_of(nlp)
    predict = ner.predict

    def sometimes(docs: list[Doc]) -> Any:
        if any("fails" in doc.text for doc in docs):
            raise ValueError("on purpose")
        return predict(docs)

    ner.predict = sometimes  # type: ignore[method-assign]
    ner.set_error_handler(lambda name, proc, docs, e: failed.extend(doc.text for doc in docs))
    docs = list(nlp.pipe([PARIS, "this fails", PARIS], batch_size=1))
    assert failed == ["this fails"]
    assert [entities(doc) for doc in docs] == [GOLD[0], GOLD[0]]
