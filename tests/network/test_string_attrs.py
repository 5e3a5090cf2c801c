from hypothesis import given
from hypothesis import strategies as st
from spacy.strings import get_string_id
from spacy.symbols import IDS

from spacy_window_ner.network.string_attrs import STRING_ATTRS, string_ids
from tests.helpers import examples

letters = st.characters(exclude_categories=["Cs"])
ascii_letters = st.characters(max_codepoint=127)
words = st.one_of(
    st.text(ascii_letters, max_size=6), st.text(letters, max_size=6), st.sampled_from(sorted(IDS))
)


def plain_id(text, attr):
    n = int(attr[-1])
    return get_string_id(text[:n] if attr.startswith("PREFIX") else text[-n:])


@given(texts=st.lists(words, max_size=8))
@examples(300)
def test_ids_of_affixes_are_those_of_the_string_store(texts):
    ids = string_ids(texts, STRING_ATTRS)
    for attr in STRING_ATTRS[:-1]:
        assert ids[attr].tolist() == [plain_id(text, attr) for text in texts], attr


def test_each_symbol_of_spacy_that_is_an_affix_has_its_own_id():
    short = [name for name in IDS if 0 < len(name) <= 4]
    assert len(short) > 50
    assert string_ids(short, ["PREFIX4"])["PREFIX4"].tolist() == [IDS[name] for name in short]


def test_only_what_is_asked_for_is_computed():
    assert list(string_ids(["Paris"], ["NORM", "SUFFIX3", "CASE", "SUFFIX3"])) == [
        "SUFFIX3",
        "CASE",
    ]
    assert string_ids(["Paris"], ["NORM"]) == {}
