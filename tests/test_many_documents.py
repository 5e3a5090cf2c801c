"""Many documents: in batches of any size, in processes, in threads, one after another."""

import multiprocessing
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import count, islice
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import ignore_error

from .pipelines import (
    OBJECTIVES,
    copy_of,
    entities,
    make_examples,
    ner_of,
    small_cnn,
    small_model,
    texts_of,
    train,
    trained,
)

PARIS = texts_of()[0]
BATCH_SIZES = [1, 3, 64, 1000]


def random_texts(size: int, seed: int = 0) -> list[str]:
    """Texts of 0 to 40 words, known and unknown ones, that nothing was trained for."""
    rng = random.Random(seed)
    words = [*" ".join(texts_of()).split(), "Acme", "\n", "  ", "x1", "YORK", "quinn"]
    lengths = [0, 1, 2, 3, 5, 8, 20, 40]
    return [" ".join(rng.choices(words, k=rng.choice(lengths))) for _ in range(size)]


TEXTS = random_texts(120)


@cache
def unsure(objective: str = "crf") -> Language:
    """A pipeline that was stopped early: its decisions are close. Tests do not change it."""
    return trained(steps=1, model=small_model(objective=objective))


def found_in(doc: Doc) -> tuple[str, list[tuple[int, int, str]], list[str]]:
    """The text, the entities and the annotation of each token, exactly."""
    spans = [(ent.start, ent.end, ent.label_) for ent in doc.ents]
    return doc.text, spans, [token.ent_iob_ for token in doc]


def scores_in(doc: Doc) -> np.ndarray:
    return doc.spans["window_ner"].attrs["scores"]


@cache
def alone(objective: str = "crf") -> list[Doc]:
    """The texts, each in a call of its own."""
    return [unsure(objective)(text) for text in TEXTS]


def assert_same(docs: list[Doc], expected: list[Doc]) -> None:
    """Entities are the same; probabilities are, up to rounding: products of lexemes are rounded as
    the batch has it in which a lexeme comes first.
    """
    for doc, other in zip(docs, expected, strict=True):
        assert found_in(doc) == found_in(other)
        assert doc.spans["window_ner"].attrs.keys() == {"scores"}
        np.testing.assert_allclose(scores_in(doc), scores_in(other), rtol=1e-5, atol=0)


def test_the_unsure_pipeline_is_unsure():
    scores = np.concatenate([scores_in(doc) for doc in alone()])
    assert len(scores) > 10
    assert (scores < 0.4).mean() > 0.5


# A matrix product may round in another way where it has another number of rows, by an ulp or two
# of float32: entities are the same in any batch, and probabilities to six digits.


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_any_batch_size_finds_what_single_calls_find(objective: str, batch_size: int):
    docs = list(unsure(objective).pipe(TEXTS, batch_size=batch_size))
    assert_same(docs, alone(objective))


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_the_same_batches_give_the_same(batch_size: int):
    first, again = (list(unsure().pipe(TEXTS, batch_size=batch_size)) for _ in range(2))
    assert_same(first, again)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_two_processes_find_what_one_finds(method: str, monkeypatch: pytest.MonkeyPatch):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system cannot {method}")
    # spaCy starts its processes by the method that the module multiprocessing is set to.
    monkeypatch.setattr(spacy.language, "mp", multiprocessing.get_context(method))
    nlp = unsure()
    docs = list(nlp.pipe(TEXTS, n_process=2, batch_size=16))
    assert_same(docs, list(nlp.pipe(TEXTS, batch_size=16)))


def test_processes_keep_what_documents_bring_with_them():
    """Documents with annotation, and their contexts, go to the processes and come back."""
    nlp = unsure()

    def made() -> Iterator[tuple[Doc, int]]:
        for number in range(6):
            doc = nlp.make_doc(PARIS)
            ent = Span(doc, 2, 3, "CUSTOM", kb_id=f"Q{number}", span_id="id")
            doc.set_ents([ent], blocked=[doc[0:1]], default="missing")
            yield doc, number

    expected = [(nlp(doc), number) for doc, number in made()]
    pairs = list(nlp.pipe(made(), as_tuples=True, n_process=2, batch_size=2))
    assert [number for _, number in pairs] == list(range(6))
    assert_same([doc for doc, _ in pairs], [doc for doc, _ in expected])
    for doc, number in pairs:
        [ent] = [ent for ent in doc.ents if ent.label_ == "CUSTOM"]
        assert (ent.text, ent.kb_id_, ent.id_) == ("met", f"Q{number}", "id")
        assert (doc[0].ent_iob_, doc[0].ent_type_) == ("B", "")


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_contexts_stay_with_their_documents(batch_size: int):
    contexts = [{"number": number} for number in range(len(TEXTS))]
    pairs = unsure().pipe(zip(TEXTS, contexts, strict=True), as_tuples=True, batch_size=batch_size)
    docs, found = zip(*pairs, strict=True)
    assert all(one is other for one, other in zip(found, contexts, strict=True))
    assert_same(list(docs), alone())


@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_stream_without_end_is_read_one_batch_at_a_time(batch_size: int):
    numbers = count()
    docs = unsure().pipe((f"Paris {number}" for number in numbers), batch_size=batch_size)
    assert next(numbers) == 0  # nothing was read before the first document is asked for
    assert [doc.text for doc in islice(docs, 1)] == ["Paris 1"]
    assert next(numbers) == 1 + batch_size
    assert [doc.text for doc in islice(docs, batch_size - 1)] == [
        f"Paris {number}" for number in range(2, 1 + batch_size)
    ]
    assert next(numbers) == 2 + batch_size


def failing(nlp: Language) -> Language:
    """A copy of a pipeline whose window_ner fails where a text says so."""
    nlp = copy_of(nlp)
    ner = ner_of(nlp)
    predict = ner.predict

    def sometimes(docs: Any) -> Any:
        if any("fails" in doc.text for doc in docs):
            raise ValueError("on purpose")
        return predict(docs)

    ner.predict = sometimes  # type: ignore[method-assign]
    return nlp


def test_without_a_handler_an_error_is_raised():
    nlp = failing(unsure())
    docs = nlp.pipe([PARIS, "this fails", PARIS], batch_size=1)
    assert next(docs).text == PARIS
    with pytest.raises(ValueError, match="on purpose"):
        next(docs)
    with pytest.raises(ValueError, match="on purpose"):
        nlp("this fails")


@pytest.mark.parametrize(
    ("batch_size", "kept"), [(1, [PARIS, PARIS, "Samuel"]), (2, [PARIS, "Samuel"])]
)
def test_the_pipelines_handler_hears_of_each_batch_that_fails(batch_size: int, kept: list[str]):
    nlp = failing(unsure())
    heard: list[tuple[str, bool, list[str], str]] = []

    def hear(name: str, proc: Any, docs: list[Doc], error: Exception) -> None:
        texts = [doc.text for doc in docs]
        heard.append((name, proc is ner_of(nlp), texts, str(error)))

    nlp.set_error_handler(hear)
    texts = [PARIS, "this fails", PARIS, "Samuel"]
    if batch_size == 2:
        texts = ["this fails", "is lost with it", PARIS, "Samuel"]
    docs = list(nlp.pipe(texts, batch_size=batch_size))
    assert [doc.text for doc in docs] == kept
    assert_same(docs, [unsure()(text) for text in kept])
    lost = ["this fails"] if batch_size == 1 else ["this fails", "is lost with it"]
    assert heard == [("window_ner", True, lost, "on purpose")]


def test_errors_are_ignored_on_demand():
    nlp = failing(unsure())
    nlp.set_error_handler(ignore_error)
    assert [doc.text for doc in nlp.pipe(["this fails", PARIS], batch_size=1)] == [PARIS]


def test_eight_threads_find_what_one_finds():
    """Texts with words that nobody has seen before, and documents with annotation."""
    nlp = unsure()
    texts = [f"{text} new{i % 50}" for i, text in enumerate(TEXTS)]

    def run(number: int) -> Doc:
        doc = nlp.make_doc(texts[number])
        if number % 3 == 0 and len(doc) > 3:
            doc.set_ents([Span(doc, 1, 3, f"CUSTOM{number % 7}")], default="missing")
        return nlp(doc)

    numbers = range(len(texts))
    with ThreadPoolExecutor(8) as pool:
        docs = list(pool.map(run, numbers))
    assert_same(docs, [run(number) for number in numbers])


def test_eight_streams_at_once_find_what_one_finds():
    nlp = unsure()
    expected = list(nlp.pipe(TEXTS, batch_size=8))
    with ThreadPoolExecutor(8) as pool:
        streams = list(pool.map(lambda _: list(nlp.pipe(TEXTS, batch_size=8)), range(8)))
    for docs in streams:
        assert_same(docs, expected)


def test_threads_share_a_network_behind_a_listener():
    """The entities of one document are those of its own vectors, not of another thread's."""
    tok2vec = small_cnn(width=8, embed_size=50)
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 8}
    nlp = spacy.blank("xx")
    nlp.add_pipe("tok2vec", config={"model": tok2vec})
    model = {"hidden_width": 16, "tok2vec": listener}
    nlp.add_pipe("window_ner", config={"model": model})
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    train(nlp, examples, 3)
    expected = [nlp(text) for text in TEXTS[:40]]
    with ThreadPoolExecutor(8) as pool:
        docs = list(pool.map(nlp, TEXTS[:40]))
    assert_same(docs, expected)
    assert sum(len(entities(doc)) for doc in docs) > 0
