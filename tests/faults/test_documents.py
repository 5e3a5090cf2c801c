"""Documents of any kind: their entities are well-formed, and calls from threads do not mix."""

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span

from ..helpers import examples
from ..pipelines import OBJECTIVES, copy_of, ner_of, shared
from .amounts import amount
from .test_ties import found, random_docs

WORDS = ["Samuel", "Paris", "Hilton", "in", "April", "1989", " ", "\n\n", "", "\u200b", "é", "🦄"]
words = st.one_of(
    st.sampled_from(WORDS), st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
)


@st.composite
def documents(draw: st.DrawFn, nlp: Language) -> Doc:
    """Any words, some sentence starts, entities that are set, and tokens that are blocked."""
    tokens = [word or "x" for word in draw(st.lists(words, max_size=25))]
    n = len(tokens)
    spaces = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    starts: list[Any] = draw(st.none() | st.lists(st.booleans(), min_size=n, max_size=n))
    doc = Doc(nlp.vocab, words=tokens, spaces=spaces, sent_starts=starts)
    if n and draw(st.booleans()):
        start = draw(st.integers(0, n - 1))
        end = draw(st.integers(start + 1, n))
        if starts is None or not any(starts[start + 1 : end]):
            span = Span(doc, start, end, draw(st.sampled_from(["PER", "LOC", "OTHER"])))
            blocked = draw(st.booleans())
            doc.set_ents([] if blocked else [span], blocked=[span] if blocked else [])
    return doc


def check_entities(nlp: Language, docs: list[Doc], labels: set[str]) -> None:
    """Entities of documents are well-formed, and the same alone and in a batch; what was set stays.

    nlp (Language): A pipeline.
    docs (List[Doc]): Documents, which get its entities.
    labels (Set[str]): The labels that there may be.
    """
    presets = [[(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in docs]
    blocked = [
        [token.i for token in doc if token.ent_iob == 3 and not token.ent_type] for doc in docs
    ]
    alone = [found(nlp, [doc])[0] for doc in docs]
    assert found(nlp, docs) == alone
    list(nlp.pipe(docs))
    for doc, preset, outside in zip(docs, presets, blocked, strict=True):
        ents = [(ent.start, ent.end, ent.label_) for ent in doc.ents]
        assert set(preset) <= set(ents)
        for start, end, label in ents:
            assert 0 <= start < end <= len(doc)
            assert (not doc[start].is_space and not doc[end - 1].is_space) or (
                start,
                end,
                label,
            ) in preset
            assert not any(start <= token < end for token in outside)
            assert label in labels
        if len(doc):
            scores = doc.spans["window_ner"].attrs["scores"]
            assert len(scores) == len(doc.spans["window_ner"])
            assert ((scores >= 0) & (scores <= 1 + 1e-6)).all()


@pytest.mark.parametrize("threshold", [None, 0.2])
@pytest.mark.parametrize("objective", OBJECTIVES)
@given(data=st.data())
@examples(30)
def test_entities_are_well_formed(objective: str, threshold: float | None, data: st.DataObject):
    nlp = copy_of(shared(objective), threshold=threshold) if threshold else shared(objective)
    docs = data.draw(st.lists(documents(nlp), max_size=4))
    check_entities(nlp, docs, {"PER", "LOC", "DATE", "OTHER"})


def test_calls_from_threads_do_not_mix():
    nlp = shared()
    docs = random_docs(nlp, 40, seed=3)
    right = [found(nlp, [doc])[0] for doc in docs]
    wrong: list[int] = []

    def call(seed: int) -> None:
        rng = np.random.RandomState(seed)
        for _ in range(amount(100, 25_000)):
            i = rng.randint(len(docs))
            if found(nlp, [docs[i]])[0] != right[i]:
                wrong.append(i)

    threads = [threading.Thread(target=call, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_memory_over_new_words_is_bounded():
    """Products of words that never come again do not pile up: the cache is emptied when it is
    full, and `memory_zone` frees what spaCy keeps of them.
    """
    nlp = copy_of(shared())
    cache = ner_of(nlp).model.get_ref("hidden").attrs["cache"]
    cache.max_bytes = 2**19
    n_strings, sizes = len(nlp.vocab.strings), []
    for batch in range(amount(20, 400)):
        with nlp.memory_zone():
            texts = [f"Samuel{batch}x{i} met w{batch}y{i} in Paris" for i in range(50)]
            for _ in nlp.pipe(texts):
                pass
        tables = cache._tables
        assert len(cache._keys) == len(cache._rows) == len(np.unique(cache._keys))
        sizes.append(sum(table.nbytes for table in tables))
    assert max(sizes) <= cache.max_bytes + 4 * sum(table.shape[1] for table in tables)
    assert len(nlp.vocab.strings) - n_strings < 200
