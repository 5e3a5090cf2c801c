"""The order of texts: each once, some at random, and some for everybody."""

from collections import Counter
from itertools import permutations

import pytest

from spacy_window_ner.teach.order import FIRST, Order
from spacy_window_ner.teach.store import Decision
from tests.pipelines import corpus, shared, texts_of
from tests.teach.projects import store_in

TEXTS = texts_of(corpus(40))


def decide(store, annotator, number, how):
    text = store.text(number)
    store.decide(Decision(number, text, annotator, "accept", [], "all", how))


def work(store, annotator, order, n, informative=()) -> list[tuple[int, str]]:
    """What an annotator gets and decides."""
    found = []
    for _ in range(n):
        chosen = order.choose(annotator, informative)
        if chosen is None:
            break
        store.hand(annotator, *chosen)
        decide(store, annotator, *chosen)
        found.append(chosen)
    return found


def test_every_text_comes_once_in_turn(tmp_path):
    store = store_in(tmp_path, TEXTS)
    found = work(store, "", Order(store, shared(), 0), 99, informative=[7, 30, 3, 8, 31])
    assert sorted(number for number, _ in found) == list(range(1, 41))
    kinds = [how.replace("common", "random") for _, how in found]
    assert kinds[:FIRST] == ["diverse"] * FIRST
    assert kinds[FIRST : FIRST + 5] == ["random", *["informative"] * 2, "random", "informative"]
    assert set(kinds[-20:]) == {"random"}


def test_the_order_is_the_same_after_a_restart(tmp_path):
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    one, other = (store_in(tmp_path / name, TEXTS) for name in "ab")
    whole = work(one, "", Order(one, shared(), 3), 25)
    again = work(other, "", Order(other, shared(), 3), 12)
    again += work(other, "", Order(other, shared(), 3), 13)
    assert again == whole


def test_the_first_texts_differ(tmp_path):
    """Of four kinds of texts with the same words in another order, one each."""
    kinds = ["red green blue", "one two three", "up down left", "Ann Bob Cleo"]
    texts = [" ".join(words) for kind in kinds for words in permutations(kind.split())]
    store = store_in(tmp_path, texts)
    found = work(store, "", Order(store, shared(), 0), 4)
    assert {(number - 1) // 6 for number, _ in found} == {0, 1, 2, 3}


def test_the_random_share_is_uniform(tmp_path, monkeypatch):
    """χ² of the first random text of 600 seeds, whatever was decided on before."""
    monkeypatch.setattr("spacy_window_ner.teach.order.FIRST", 0)
    store = store_in(tmp_path, TEXTS[:7])
    decide(store, "", 3, "search")
    monkeypatch.setattr("spacy_window_ner.teach.order.CYCLE", 1)
    drawn = Counter(Order(store, shared(), seed).choose("", [5])[0] for seed in range(600))
    assert sorted(drawn) == [1, 2, 4, 5, 6, 7]
    assert sum((n - 100) ** 2 / 100 for n in drawn.values()) < 15.1  # p = 0.01


def test_annotators_get_other_texts_but_for_some(tmp_path):
    store = store_in(tmp_path, TEXTS)
    order = Order(store, shared(), 0)
    ann = work(store, "ann", order, 25)
    bob = work(store, "bob", order, 99)
    both = {number for number, _ in ann} & {number for number, _ in bob}
    assert both and both == {number for number, how in ann if how == "common"}
    assert all(how == "common" for number, how in bob if number in both)
    assert {number for number, _ in [*ann, *bob]} == set(range(1, 41))


def test_a_text_that_is_handed_is_not_chosen(tmp_path):
    store = store_in(tmp_path, TEXTS[:2])
    order = Order(store, shared(), 0)
    store.hand("ann", *order.choose("ann", []))
    store.hand("bob", *order.choose("bob", []))
    assert order.choose("cleo", []) is None


@pytest.mark.parametrize("texts", [["a"], ["."], ["word " * 50, "a"]])
def test_odd_pools(tmp_path, texts):
    store = store_in(tmp_path, texts)
    assert len(work(store, "", Order(store, shared(), 0), 9)) == len(texts)
