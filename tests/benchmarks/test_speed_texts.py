import sys
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.vocab import Vocab

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from speed_parts.texts import count, cut, put_spaces  # noqa: E402

WORDS = st.lists(st.sampled_from(["a", "Bonn", '"', "(", ")", ",", ".", "n't", "'s", "$", "5"]))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("Ada saw Bonn .", "Ada saw Bonn."),
        ("Ada ( 5 ) did n't , she said .", "Ada (5) didn't, she said."),
        ('" Yes , " said Ada \'s son , " in Bonn " .', '"Yes," said Ada\'s son, "in Bonn".'),
        ("$ 5 , 10 %", "$5, 10%"),
    ],
)
def test_spaces_as_english_has_them(words, text):
    assert str(put_spaces(words.split())) == text


@given(WORDS)
def test_spaces_keep_the_words(words):
    text = put_spaces(words)
    assert text.words == tuple(words)
    assert str(text).replace(" ", "") == "".join(words)
    assert not str(text).endswith(" ")
    doc = text.doc(Vocab())
    assert [token.text for token in doc] == words
    assert doc.text == str(text)


@given(WORDS, st.integers(1, 5))
def test_cut_into_documents_of_one_length(words, length):
    texts = cut(words, length)
    assert list(chain.from_iterable(text.words for text in texts)) == words
    assert all(len(text) == length for text in texts[:-1])
    assert count(texts) == len(words)
