"""Raw text → word vectors: each step against a plain definition."""

from collections import Counter
from math import log

import numpy as np
import pytest
import spacy
from spacy.strings import get_string_id
from spacy.tokens import Doc
from spacy.vectors import Vectors

from spacy_window_ner.pretraining import cooccurrence, factorization
from spacy_window_ner.pretraining.cooccurrence import SparseMatrix, count_contexts
from spacy_window_ner.pretraining.factorization import factorize
from spacy_window_ner.pretraining.mutual_information import positive_mutual_information
from spacy_window_ner.pretraining.vectors import extend_vectors, learn_vectors, neighbors
from spacy_window_ner.pretraining.words import UNKNOWN, Text, Words

PLACES = (-2, -1, 1)


def docs_of(*texts: str) -> list[Doc]:
    nlp = spacy.blank("en")
    return [nlp.make_doc(text) for text in texts]


def number_words(docs: list[Doc], min_count: int, max_words: int) -> Text:
    words = Words()
    for doc in docs:
        words.add(doc)
    return words.number(min_count, max_words)


def dense(M: SparseMatrix) -> np.ndarray:
    table = np.zeros(M.shape)
    table[M.rows, M.columns] = M.values
    return table


def sparse(table: np.ndarray) -> SparseMatrix:
    rows, columns = np.nonzero(table)
    return SparseMatrix(rows, columns, table[rows, columns].astype("f"), table.shape)


def test_rare_forms_count_as_lower_case():
    text = number_words(docs_of("liver Liver\n liver", "Lung LUNG", "a"), min_count=2, max_words=9)
    # "Lung" and "LUNG" have no lower-case form in the text: they stay as they are, and are rare.
    assert text.words == ["liver"]
    assert text.ids.tolist() == [0, 0, 0, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]
    assert text.n_tokens == 6


def test_the_vocabulary_has_the_most_frequent_words():
    text = number_words(docs_of("b a b c b a"), min_count=1, max_words=2)
    assert text.words == ["b", "a"]
    assert text.ids.tolist() == [0, 1, 0, UNKNOWN, 0, 1, UNKNOWN]


@pytest.mark.parametrize("stretch", [3, 7, 1000])
def test_contexts_are_counted(monkeypatch, stretch):
    monkeypatch.setattr(cooccurrence, "STRETCH", stretch)
    ids = np.random.RandomState(0).randint(-1, 5, 40).astype(np.int32)
    expected = np.zeros((5, len(PLACES) * 3))
    for center, word in enumerate(ids):
        for number, place in enumerate(PLACES):
            if word >= 0 and 0 <= center + place < len(ids) and 0 <= ids[center + place] < 3:
                expected[word, 3 * number + ids[center + place]] += 1
    counts = count_contexts(ids, 5, PLACES, 3)
    np.testing.assert_array_equal(dense(counts), expected)
    assert (np.diff(counts.rows) >= 0).all()


def test_text_shorter_than_the_window():
    assert not len(count_contexts(np.zeros(1, dtype=np.int32), 1, PLACES, 1).values)


def test_mutual_information_is_that_of_the_definition():
    counts = np.random.RandomState(1).poisson(0.7, (6, 8))
    M = dense(positive_mutual_information(sparse(counts)))
    smoothed = counts.sum(axis=0) ** 0.75
    for word in range(6):
        for context in range(8):
            n, expected = counts[word, context], 0.0
            if n:
                p = smoothed[context] / smoothed.sum()
                expected = max(0.0, log(n / counts[word].sum() / p))
            assert M[word, context] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("block", [50, 4_000_000])
def test_factors_are_those_of_the_whole_decomposition(monkeypatch, block):
    monkeypatch.setattr(factorization, "BLOCK", block)
    random = np.random.RandomState(2)
    table = random.normal(size=(60, 4)) @ random.normal(size=(4, 30))
    U, S = factorize(sparse(table), 6)
    expected, singular, _ = np.linalg.svd(table)
    np.testing.assert_allclose(S[:4], singular[:4], rtol=1e-4)
    np.testing.assert_allclose(S[4:], 0, atol=1e-3)
    np.testing.assert_allclose(np.abs(expected[:, :4].T @ U[:, :4]), np.eye(4), atol=1e-3)


def test_fewer_words_than_factors():
    U, S = factorize(sparse(np.eye(3)), 64)
    assert U.shape == (3, 3)
    np.testing.assert_allclose(S, 1, rtol=1e-5)


def test_words_with_the_same_contexts_are_near():
    organs, people = ["liver", "lung", "heart"], ["Mary", "Samuel", "Ada"]
    texts = [f"the {organ} of mice was cut" for organ in organs for _ in range(3)]
    texts += [f"then {person} met us again" for person in people for _ in range(3)]
    learned = learn_vectors(docs_of(*texts), width=8, min_count=3)
    rows = [learned.text.words.index(word) for word in ("liver", "Mary")]
    near = neighbors(learned, rows, 2)
    assert list(map(set, near)) == [{"lung", "heart"}, {"Samuel", "Ada"}]
    assert 0.5 < learned.kept <= 1.0001
    assert Counter(np.linalg.norm(learned.table, axis=1).round(4)) == {1.0: len(learned.text.words)}


def test_too_little_text_is_an_error():
    with pytest.raises(ValueError, match="There is too little text: in 2 words, only 0 distinct"):
        learn_vectors(docs_of("two words"), width=4, min_count=3)


def test_vectors_stand_beside_others():
    learned = learn_vectors(docs_of("Mary saw us . Mary saw us ."), width=3, min_count=2)
    data = np.asarray([[3.0, 4.0], [0.0, 2.0], [5.0, 0.0]], dtype=np.float16)
    others = Vectors(data=data, keys=["mary", "other", "."])
    others.add("alias", row=1)
    vectors, rows = extend_vectors(learned, others)
    words = learned.text.words
    assert len(vectors.data) == len(rows) == len(words) + 2
    own = dict(zip(words, learned.table, strict=True))
    for word, left, right, row in [
        ("Mary", [3, 4], own["Mary"], 0),  # found among the others in lower case
        (".", [5, 0], own["."], 2),
        ("mary", [3, 4], [0, 0, 0], 0),
        ("other", [0, 2], [0, 0, 0], 1),
        ("alias", [0, 2], [0, 0, 0], 1),
    ]:
        place = vectors.key2row[get_string_id(word)]
        np.testing.assert_allclose(vectors.data[place], [*left, *right], rtol=1e-3)
        assert rows[place] == row
    assert vectors.data.dtype == np.float32


def test_words_without_a_vector_get_that_of_words_used_alike():
    organs, people = ["liver", "lung", "heart"], ["Mary", "Samuel", "Ada"]
    texts = [f"the {organ} of mice was cut" for organ in organs for _ in range(3)]
    texts += [f"then {person} met us again" for person in people for _ in range(3)]
    learned = learn_vectors(docs_of(*texts), width=8, min_count=3)
    data = np.asarray([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]], dtype=np.float32)
    others = Vectors(data=data, keys=["liver", "lung", "mary", "samuel"])
    vectors, rows = extend_vectors(learned, others)
    heart, ada = (vectors.data[learned.text.words.index(word)] for word in ("heart", "Ada"))
    assert heart[0] > 0.9 and ada[1] > 0.9
    np.testing.assert_allclose([np.linalg.norm(v[:2]) for v in (heart, ada)], 1, rtol=1e-5)
    assert rows[learned.text.words.index("heart")] in (0, 1)
    assert rows[learned.text.words.index("Ada")] in (2, 3)


def test_floret_vectors_cannot_be_extended():
    learned = learn_vectors(docs_of("Mary saw us . Mary saw us ."), width=3, min_count=2)
    data = np.ones((10, 2), dtype="f")
    floret = Vectors(mode="floret", data=data, minn=1, maxn=2, hash_count=1)
    with pytest.raises(ValueError, match="not a table of words"):
        extend_vectors(learned, floret)
