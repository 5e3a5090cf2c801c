import copy
import os
import pickle
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import SGD, Adam, Optimizer

from spacy_window_ner.network.features import read_tokens
from spacy_window_ner.network.layers.activation import Activation
from spacy_window_ner.network.layers.lexeme_cache import LexemeCache
from tests import plain
from tests.helpers import WORDS
from tests.network.layers.test_hidden import assert_plain
from tests.pipelines import (
    add_vectors,
    blank,
    copy_of,
    make_examples,
    ner_of,
    predictions,
    shared,
    small_model,
    texts_of,
    train,
    trained,
    weights,
)

# A vector, and a window of five into pieces of 2 · 24.
ONE_ROW = 4 * (16 + 5 * 48)


def cache_of(nlp: Language) -> LexemeCache:
    return ner_of(nlp).model.get_ref("hidden").attrs["cache"]


def keys_of(nlp: Language, text: str) -> set[int]:
    attrs = ner_of(nlp).tok2vec.attrs["attrs"]
    return set(read_tokens([nlp.make_doc(text)], attrs).keys.tolist())


def remembered(nlp: Language) -> set[int]:
    return set(cache_of(nlp)._keys.tolist())


def counting(nlp: Language) -> list[int]:
    """How many lexemes the embeddings are asked for, call by call."""
    computed: list[int] = []
    embed = ner_of(nlp).tok2vec.layers[0]
    forward = embed._func
    embed._func = lambda node, X, is_train: (computed.append(len(X)), forward(node, X, is_train))[1]
    return computed


def test_what_is_remembered_is_not_computed_again():
    nlp = copy_of(shared())
    computed = counting(nlp)
    nlp("Paris met Samuel")
    assert computed == [3]
    nlp("Samuel met Paris and Berlin")
    assert computed == [3, 2]
    nlp("Paris Paris")
    assert computed == [3, 2]
    assert remembered(nlp) == keys_of(nlp, "Samuel met Paris and Berlin")


def test_a_full_cache_is_emptied_and_a_batch_that_does_not_fit_leaves_it_alone():
    nlp = copy_of(shared())
    ner_of(nlp).model.get_ref("hidden").attrs["cache"] = LexemeCache(4 * ONE_ROW)
    nlp("Paris met Samuel")
    nlp("Paris left")
    assert remembered(nlp) == keys_of(nlp, "Paris met Samuel left")
    nlp("Paris saw Berlin")
    assert remembered(nlp) == keys_of(nlp, "Paris saw Berlin")
    nlp("a b c d e f")
    assert remembered(nlp) == keys_of(nlp, "Paris saw Berlin")


# Another network


def changed_by_update(nlp: Language) -> None:
    train(nlp, make_examples(nlp), 1)


def changed_by_loading(nlp: Language) -> None:
    ner_of(nlp).from_bytes(ner_of(trained(steps=5)).to_bytes())


def changed_by_set_param(nlp: Language) -> None:
    layer = ner_of(nlp).model.get_ref("hidden").layers[1]
    W = layer.get_param("W").copy()
    W[3, 7] += 0.1
    layer.set_param("W", W)


def changed_by_writing_after_making_it_writable(nlp: Language) -> None:
    E = ner_of(nlp).tok2vec.layers[0].layers[0].layers[0].get_param("E")
    E.flags.writeable = True
    E[:] += 0.1


def changed_by_writing_after_release(nlp: Language) -> None:
    cache_of(nlp).release()
    ner_of(nlp).tok2vec.layers[0].layers[0].layers[0].get_param("E")[:] += 0.1


def changed_by_known_words(nlp: Language) -> None:
    for node in ner_of(nlp).tok2vec.walk():
        if "known" in node.attrs:
            node.attrs["known"] = node.attrs["known"][:-8]
            node.attrs["counts"] = node.attrs["counts"][:-4]


def changed_by_another_layer(nlp: Language) -> None:
    ner_of(nlp).tok2vec.layers[0].layers.append(Activation("tanh"))


CHANGES = [
    changed_by_update,
    changed_by_loading,
    changed_by_set_param,
    changed_by_writing_after_making_it_writable,
    changed_by_writing_after_release,
    changed_by_known_words,
    changed_by_another_layer,
]


@pytest.mark.parametrize("change", CHANGES)
def test_products_are_forgotten_when_a_weight_changes(change):
    nlp = copy_of(shared())
    model = ner_of(nlp).model
    docs = [nlp.make_doc(text) for text in texts_of()]
    before = model.predict(docs).emissions
    change(nlp)
    after = model.predict(docs).emissions
    assert (before != after).any()
    np.testing.assert_allclose(after, plain.emissions(model, docs), rtol=1e-4, atol=1e-5)


def test_nobody_can_write_into_a_weight_whose_products_are_remembered():
    nlp = copy_of(shared())
    nlp(texts_of()[0])
    model = ner_of(nlp).model
    layers = model.get_ref("hidden").layers
    for layer in (layers[1], ner_of(nlp).tok2vec):
        for node in layer.walk():
            for name in node.param_names:
                with pytest.raises(ValueError, match="read-only"):
                    node.get_param(name)[:] += 1
    # Other layers may change at any time.
    layers[2].layers[0].get_param("W")[:] *= 2
    model.get_ref("scores").get_param("W")[:] *= 2
    assert_plain(model, [nlp.make_doc(text) for text in texts_of()])


def test_training_makes_them_writable_again():
    nlp = copy_of(shared())
    model = ner_of(nlp).model
    docs = [nlp.make_doc(text) for text in texts_of()]
    sgd = Adam(0.02, use_averages=True)
    for _ in range(3):
        train(nlp, make_examples(nlp), 2, sgd=sgd)
        assert_plain(model, docs)
        with nlp.use_params(sgd.averages):
            assert_plain(model, docs)
        assert_plain(model, docs)


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_gradients_may_be_collected_before_and_after_a_prediction(
    optimizer: Callable[[float], Optimizer],
):
    nlp, steadily = copy_of(shared()), copy_of(shared())
    examples, docs = make_examples(nlp), [nlp.make_doc(text) for text in texts_of()]
    for _ in range(2):
        ner_of(nlp).update(examples, sgd=None)
        assert_plain(ner_of(nlp).model, docs)
        ner_of(steadily).update(examples, sgd=None)
    table = ner_of(nlp).tok2vec.layers[0].layers[0].layers[0]
    assert not table.get_param("E").flags.writeable
    before = weights(nlp)
    for pipeline in (nlp, steadily):
        ner_of(pipeline).finish_update(optimizer(0.02))
    assert table.get_param("E").flags.writeable
    assert any((a != b).any() for a, b in zip(before, weights(nlp), strict=True))
    for a, b in zip(weights(nlp), weights(steadily), strict=True):
        np.testing.assert_array_equal(a, b)
    assert_plain(ner_of(nlp).model, docs)


def test_products_are_forgotten_with_other_static_vectors():
    nlp = blank(model=small_model(tok2vec={"include_static_vectors": True}))
    add_vectors(nlp, WORDS[:5])
    sentences = make_examples(nlp)
    nlp.initialize(lambda: sentences)
    train(nlp, sentences, 3)
    model = ner_of(nlp).model
    docs = [Doc(nlp.vocab, words=WORDS)]
    before = model.predict(docs).emissions
    add_vectors(nlp, WORDS[3:])
    assert (model.predict(docs).emissions != before).any()
    assert_plain(model, docs)
    nlp.vocab.set_vector("Paris", np.ones(8, dtype="f"))  # a key more in the same table
    assert_plain(model, docs)


# Copies, pipelines, memory zones


def test_copies_and_files_begin_with_an_empty_cache():
    nlp = copy_of(shared())
    nlp(texts_of()[0])
    cache, model = cache_of(nlp), ner_of(nlp).model
    assert len(remembered(nlp)) > 5
    for other in (copy.deepcopy(model), model.copy()):
        new = other.layers[0].layers[0].attrs["cache"]
        assert new is not cache
        assert not len(new._keys)
        assert new.max_bytes == cache.max_bytes
        assert all(
            node.get_param(name).flags.writeable
            for node in other.walk()
            for name in node.param_names
        )
    assert pickle.loads(pickle.dumps(cache)).max_bytes == cache.max_bytes
    size = len(model.to_bytes())
    for text in ("Some other words", "and more of them here"):
        nlp(text)
    assert len(model.to_bytes()) == size


def test_two_pipelines_may_share_a_vocabulary():
    first = copy_of(shared())
    second = spacy.blank("xx", vocab=first.vocab)
    second.add_pipe("window_ner", config={"model": small_model()})
    data = make_examples(second)
    second.initialize(lambda: data)
    train(second, data, 5)
    for _ in range(2):
        for nlp in (first, second):
            assert_plain(ner_of(nlp).model, [nlp.make_doc(text) for text in texts_of()])


def test_documents_of_another_vocabulary_are_read_rightly():
    nlp = copy_of(shared())
    other = spacy.blank("xx")
    model = ner_of(nlp).model
    for make in (nlp, other, nlp):
        assert_plain(model, [make.make_doc(text) for text in texts_of()])


def test_rows_stay_right_after_a_memory_zone():
    nlp, fresh = copy_of(shared()), copy_of(shared())
    texts = [f"{name} met Samuel in {name} City" for name in ("Zarq", "Paris", "Brel", "Zarq")]
    for _ in range(3):
        with nlp.memory_zone():
            found = predictions(nlp, texts)
        new_strings = [f"Other{i}" for i in range(200)]
        with nlp.memory_zone():  # new strings may take the memory of those that were freed
            for text in new_strings:
                nlp(text)
        assert found == predictions(fresh, texts)
    assert predictions(nlp, texts) == predictions(fresh, texts)


# Threads and processes


def test_threads_share_the_cache():
    nlp = copy_of(shared())
    ner_of(nlp).model.get_ref("hidden").attrs["cache"] = LexemeCache(30 * ONE_ROW)
    texts = [f"Samuel met {i} in {i + 1} Paris {i % 7}" for i in range(60)]
    expected = predictions(nlp, texts)
    failures: list[str] = []

    def work(shift: int) -> None:
        turned = texts[shift:] + texts[:shift]
        if predictions(nlp, turned) != expected[shift:] + expected[:shift]:
            failures.append(f"shift {shift}")

    threads = [threading.Thread(target=work, args=(shift,)) for shift in (0, 15, 30, 45)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process")
def test_a_fork_while_another_thread_predicts():
    nlp = copy_of(shared())
    expected = predictions(nlp, texts_of())
    cache = cache_of(nlp)
    with cache._lock:  # as another thread holds it at the moment of the fork
        child = os.fork()
        if not child:
            right = predictions(nlp, texts_of()) == expected
            os._exit(0 if right else 1)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            assert status == 0
            return
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    pytest.fail("the child waits for a lock that nobody will release")


def test_keys_that_begin_alike_have_rows_of_their_own():
    def compute(tokens, tables):
        for table in tables:
            table[:, 0] = tokens
        computed.extend(tokens.tolist())

    cache, vocab, computed = LexemeCache(2**20), Vocab(), []
    keys = np.arange(1, 80, dtype=np.uint64)
    keys[40:] += np.uint64(2**63)
    for some in (slice(0, 20), slice(10, 60), slice(None)):
        tokens = np.arange(len(keys))[some]
        rows, tables = cache(
            [],
            vocab,
            keys[some],
            (1, 1),
            lambda which, out, tokens=tokens: compute(tokens[which], out),
        )
        assert tables[1][rows, 0].tolist() == tokens.tolist()
    assert sorted(computed) == list(range(len(keys)))
