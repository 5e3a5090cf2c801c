import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_window_ner.objectives.documents import documents_with, select_documents
from tests.helpers import document_slices, examples


@st.composite
def marked(draw):
    lengths = draw(st.lists(st.integers(0, 4), max_size=5))
    tokens = draw(st.lists(st.booleans(), min_size=sum(lengths), max_size=sum(lengths)))
    return np.asarray(lengths, dtype=np.int32), np.asarray(tokens, dtype=bool)


@given(case=marked())
@examples(80)
def test_documents_with_a_marked_token(case):
    lengths, tokens = case
    expected = [bool(tokens[of].any()) for of in document_slices(lengths)]
    assert documents_with(tokens, lengths).tolist() == expected


@given(lengths=st.lists(st.integers(0, 4), max_size=5), data=st.data())
@examples(80)
def test_tokens_of_the_selected_documents(lengths, data):
    chosen = data.draw(st.lists(st.booleans(), min_size=len(lengths), max_size=len(lengths)))
    expected = [
        token
        for of, choice in zip(document_slices(lengths), chosen, strict=True)
        if choice
        for token in range(of.start, of.stop)
    ]
    selected = select_documents(np.asarray(chosen, dtype=bool), np.asarray(lengths, dtype=int))
    assert selected.tolist() == expected
