"""The classes of errors, against plain definitions and against nervaluate."""

from collections import Counter
from functools import cache

import pytest
from hypothesis import given

from spacy_window_ner.inspect.errors import CLASSES, Pair, confusion, measures, pair, pair_all
from spacy_window_ner.inspect.reading import Entity
from tests.helpers import examples

from .cases import LABELS, corpora, documents

PARIS = Entity(0, 1, "LOC")


@pytest.mark.parametrize(
    ("gold", "predicted", "kind"),
    [
        (PARIS, PARIS, "correct"),
        (PARIS, Entity(0, 1, "PER"), "label"),
        (PARIS, Entity(0, 2, "LOC"), "boundary"),
        (PARIS, Entity(0, 2, "PER"), "boundary"),
        (PARIS, None, "missed"),
        (None, PARIS, "spurious"),
    ],
)
def test_classes(gold, predicted, kind):
    assert Pair(0, gold, predicted).kind == kind
    assert kind == "correct" or kind in CLASSES


def overlap(gold, predicted):
    return gold.start < predicted.end and predicted.start < gold.end


@examples(60)
@given(documents())
def test_as_many_as_possible_are_paired(document):
    pairs = pair(document.gold, document.predicted)
    golds = [gold for gold, _ in pairs if gold is not None]
    predicted = [read for _, read in pairs if read is not None]
    assert sorted(e.key for e in golds) == [e.key for e in document.gold]
    assert sorted(e.key for e in predicted) == [e.key for e in document.predicted]
    both = [(gold, read) for gold, read in pairs if gold is not None and read is not None]
    assert all(overlap(*one) for one in both)
    keys = {e.key for e in document.gold} & {e.key for e in document.predicted}
    assert {gold.key for gold, read in both if gold.key == read.key} == keys

    @cache
    def most(number: int, taken: frozenset[int]) -> int:
        """The most pairs of the annotated entities from this one on, by trying all."""
        if number == len(document.gold):
            return 0
        free = [
            i
            for i, read in enumerate(document.predicted)
            if i not in taken and overlap(document.gold[number], read)
        ]
        ways = [1 + most(number + 1, taken | {i}) for i in free]
        return max([most(number + 1, taken), *ways])

    assert len(both) == most(0, frozenset())


@examples(30)
@given(corpora())
def test_confusion_counts_every_entity_once(corpus):
    counts = confusion(pair_all(corpus), LABELS)
    for number, label in enumerate(LABELS):
        assert sum(counts[number]) == sum(e.label == label for d in corpus for e in d.gold)
        column = sum(row[number] for row in counts)
        assert column == sum(e.label == label for d in corpus for e in d.predicted)
    assert counts[-1][-1] == 0


def test_confusion_of_a_small_case():
    pairs = [Pair(0, PARIS, Entity(0, 2, "PER")), Pair(0, PARIS, None), Pair(0, PARIS, PARIS)]
    assert confusion(pairs, ["LOC", "PER"]) == [[1, 1, 1], [0, 0, 0], [0, 0, 0]]


def is_one_to_one(document):
    """Whether no entity overlaps several others."""
    sums = [[overlap(g, p) for p in document.predicted] for g in document.gold]
    return all(sum(row) < 2 for row in [*sums, *zip(*sums, strict=True)])


@pytest.mark.extra
@examples(60)
@given(corpora())
def test_measures_are_those_of_nervaluate(corpus):
    nervaluate = pytest.importorskip("nervaluate", reason="nervaluate is not installed")

    def as_dicts(found):
        # Their ends are inclusive.
        return [{"start": e.start, "end": e.end - 1, "label": e.label} for e in found]

    evaluator = nervaluate.Evaluator(
        [as_dicts(document.gold) for document in corpus],
        [as_dicts(document.predicted) for document in corpus],
        tags=LABELS,
        loader="dict",
    )
    overall = evaluator.evaluate()["overall"]
    pairs = pair_all(corpus)
    names = {"strict": "strict", "exact": "exact", "partial": "partial"}
    if all(is_one_to_one(document) for document in corpus):
        # Where entities overlap several others, it pairs them anew for this measure.
        names["type"] = "ent_type"
    for ours, theirs in names.items():
        figures, expected = measures(pairs)[ours], overall[theirs]
        assert figures["p"] == pytest.approx(expected.precision), ours
        assert figures["r"] == pytest.approx(expected.recall), ours
        assert figures["f"] == pytest.approx(expected.f1), ours
    kinds = Counter(one.kind for one in pairs)
    strict = overall["strict"]
    assert kinds["correct"] == strict.correct
    assert kinds["label"] + kinds["boundary"] == strict.incorrect
    assert (kinds["missed"], kinds["spurious"]) == (strict.missed, strict.spurious)
