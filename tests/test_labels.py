import numpy as np
import pytest
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_window_ner.labels import label_numbers, labels_of, mark_seen, new_labels, seen_labels
from spacy_window_ner.sequences.tags import OUTSIDE, legal_tags

from .pipelines import blank, copy_of, ner_of, shared


def test_new_labels_are_those_not_yet_present_in_their_order_each_once():
    assert new_labels(["C", "A", "B", "C", "D"], ["A", "D"]) == ["C", "B"]
    assert new_labels([], ["A"]) == []


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        ("PER", r"list of strings, got 'PER'.*init labels"),
        (["PER", 1], r"list of strings, got \['PER', 1\]"),
        (["A", ""], r"cannot be the empty string.*Give the spans a label"),
        (["!PER"], "E869"),
    ],
    ids=repr,
)
def test_labels_that_are_refused(labels, match):
    with pytest.raises(ValueError, match=match):
        new_labels(labels, [])


def test_labels_of_documents_with_vocabularies_of_their_own():
    docs = []
    for labels in (["A", "B"], ["B", "C", "B"], []):
        doc = Doc(Vocab(), words=["x", "y", "z"])
        doc.ents = [Span(doc, i, i + 1, label=label) for i, label in enumerate(labels)]
        docs.append(doc)
    assert labels_of(docs) == {"A", "B", "C"}
    assert labels_of([]) == set()


def test_label_numbers():
    strings = blank().vocab.strings
    hashes = [strings.add(label) for label in ("B", "A", "C")]
    assert label_numbers(["B", "A", "C"], strings) == dict(zip(hashes, range(3), strict=True))
    assert label_numbers(["B", "A", "C"], strings, left_out=[1]) == {hashes[0]: 0, hashes[2]: 2}


def test_labels_are_unseen_until_they_are_marked():
    nlp = copy_of(shared())
    model = ner_of(nlp).model
    assert seen_labels(model).tolist() == [True] * 3
    for label in ("X", "Y"):
        ner_of(nlp).add_label(label)
    model = ner_of(nlp).model
    assert seen_labels(model).tolist() == [True] * 3 + [False] * 2
    mark_seen(model, {0, 4})
    assert seen_labels(model).tolist() == [True] * 3 + [False, True]
    assert model.attrs["unseen_labels"] == [3]


@pytest.mark.parametrize("seen", [[], [True], [False], [True, False, True]], ids=repr)
def test_legal_tags_are_outside_and_those_of_seen_labels(seen):
    legal = legal_tags(np.asarray(seen, dtype=bool))
    assert legal.shape == (1 + 4 * len(seen),)
    assert legal[OUTSIDE]
    for label, is_seen in enumerate(seen):
        assert legal[1 + 4 * label : 5 + 4 * label].tolist() == [is_seen] * 4
