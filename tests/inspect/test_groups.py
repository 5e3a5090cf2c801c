"""Precision, recall and F1 of groups, against plain definitions."""

import pytest
from hypothesis import given

from spacy_window_ner.inspect.comparison import compare_readings
from spacy_window_ner.inspect.groups import by_label, by_length, by_seen, by_size
from spacy_window_ner.inspect.reading import Document, Entity, Reading
from tests.helpers import examples

from .cases import corpora


def of_group(corpus, belongs):
    """The numbers of correct, predicted and annotated entities of a group, by their definition."""
    gold = {(i, *e.key) for i, d in enumerate(corpus) for e in d.gold if belongs(d, e)}
    predicted = {(i, *e.key) for i, d in enumerate(corpus) for e in d.predicted if belongs(d, e)}
    return len(gold & predicted), len(predicted), len(gold)


def numbers(row):
    return row.correct, row.predicted, row.gold


@examples(40)
@given(corpora())
def test_groups(corpus):
    everything = of_group(corpus, lambda d, e: True)
    for row in by_label(corpus):
        expected = of_group(corpus, lambda d, e, name=row.name: name in (e.label, "all"))
        assert numbers(row) == expected
    assert numbers(by_label(corpus)[-1]) == everything

    lengths = {row.name: numbers(row) for row in by_length(corpus)}
    for name, n in {"1 word": 1, "2 words": 2, "3 words": 3, "4 words": 4}.items():
        expected = of_group(corpus, lambda d, e, n=n: e.end - e.start == n)
        assert lengths.get(name, (0, 0, 0)) == expected
    longer = of_group(corpus, lambda d, e: e.end - e.start >= 5)
    assert lengths.get("5 or more", (0, 0, 0)) == longer

    names = {"Rome": {"LOC"}, "Ann Lee": {"PER"}}
    seen = {row.name: numbers(row) for row in by_seen(corpus, names)}

    def labels_of(d, e):
        return names.get(" ".join(word.strip() for word in d.words[e.start : e.end]))

    for name, belongs in {
        "seen with this label": lambda d, e: e.label in (labels_of(d, e) or ()),
        "seen with other labels": lambda d, e: e.label not in (labels_of(d, e) or (e.label,)),
        "not seen": lambda d, e: labels_of(d, e) is None,
    }.items():
        assert seen.get(name, (0, 0, 0)) == of_group(corpus, belongs)

    sizes = [numbers(row) for row in by_size(corpus)]
    assert len(sizes) <= 4
    assert tuple(map(sum, zip(*sizes, strict=True))) == everything


def test_sizes_of_documents():
    corpus = [
        Document(["Rome "] * n, [], [Entity(0, 1, "LOC")], [Entity(0, 1, "LOC")] * (n > 2))
        for n in (1, 2, 3, 4, 5, 6, 7, 9)
    ]
    found = by_size(corpus)
    names = [row.name for row in found]
    assert names == ["1 to 2 words", "3 to 4 words", "5 to 6 words", "7 to 9 words"]
    assert [numbers(row) for row in found] == [(0, 0, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2)]
    assert [row.name for row in by_size(corpus[3:4] * 3)] == ["4 words"]
    assert by_size(corpus[:1])[0].intervals is None


@examples(40)
@given(corpora())
def test_comparison(corpus):
    other = [Document(d.words, [], d.gold, d.gold[::2]) for d in corpus]
    found = compare_readings(Reading(corpus), Reading(other))
    right = {(i, e.key) for i, d in enumerate(corpus) for e in d.gold if e in d.predicted}
    of_other = {(i, e.key) for i, d in enumerate(corpus) for e in d.gold[::2]}
    everything = {(i, e.key) for i, d in enumerate(corpus) for e in d.gold}
    assert {(x.document, x.gold.key) for x in found.only_first} == right - of_other
    assert {(x.document, x.gold.key) for x in found.only_second} == of_other - right
    assert found.both == len(right & of_other)
    assert found.neither == len(everything - right - of_other)
    # What the other one reads is what is said.
    assert all(x.kind == "missed" for x in found.only_first)
    predicted = [d.predicted for d in corpus]
    assert all(
        x.predicted is None or x.predicted in predicted[x.document] for x in found.only_second
    )
    of_first = {row.name: row for row in by_label(corpus)}
    assert all(side.first == of_first[side.name] for side in found.labels)


def test_only_the_same_documents_are_compared():
    one, two = (Reading([Document([word], [], [], [])]) for word in ("Rome", "Oslo"))
    with pytest.raises(ValueError, match="run on different documents"):
        compare_readings(one, two)
