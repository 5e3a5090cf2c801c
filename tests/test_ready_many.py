"""The ready pipeline for many languages, as it is in `models/`."""

from pathlib import Path
from unicodedata import normalize

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language

from .faults.amounts import amount
from .faults.test_documents import check_entities, documents
from .pipelines import entities

NAME = "xx_window_ner_sm"
FOLDER = Path(__file__).parents[1] / "models" / NAME / NAME
SENTENCES = {
    "hu": ("Orbán Viktor Budapesten találkozott vele.", "Orbán Viktor", "Budapesten"),
    "da": ("Mette Frederiksen rejste til Danmark i går.", "Mette Frederiksen", "Danmark"),
    "ru": ("Дмитрий Медведев прилетел в Москву.", "Дмитрий Медведев", "Москву"),
    "tr": ("Mustafa Kemal 1919'da Samsun'a çıktı.", "Mustafa Kemal", "Samsun'a"),
    "zh": ("毛泽东在北京发表讲话。", "毛泽东", "北京"),
    "ko": ("문재인이 서울에서 연설했다.", "문재인", "서울"),
    "hi": ("नरेंद्र मोदी दिल्ली में थे।", "नरेंद्र मोदी", "दिल्ली"),
}


SCRIPTS = (
    *("abcdßéőğıİŞ", "АБжщёЇ", "ΑΩάςώ", "ก่ำเไทย", "नमस्तेदिल्ली", "서울에서은"),
    *("東京かがガー々（）", "שלום", "مرحبا", "🦄👨👩"),
)
signs = st.sampled_from(" \n\t.,;:'’-()\"«»0123456789\u200b\u200d\u0301\u0327\ufeff\x00")
texts = st.one_of(
    *(st.text(st.one_of(st.sampled_from(letters), signs), max_size=40) for letters in SCRIPTS),
    st.text(max_size=40),
)


@pytest.fixture(scope="module")
def nlp() -> Language:
    [path] = FOLDER.glob(f"{NAME}-*")
    return spacy.load(path)


@pytest.mark.parametrize("lang", SENTENCES)
def test_reads_a_sentence_of_each_script(nlp: Language, lang: str):
    text, person, place = SENTENCES[lang]
    doc = nlp(text)
    assert doc.text == text
    assert entities(doc) == [(person, "PER"), (place, "LOC")]
    assert all(0 < ent._.score <= 1 for ent in doc.ents)


@pytest.mark.parametrize("lang", SENTENCES)
def test_decomposed_text_is_read_the_same(nlp: Language, lang: str):
    text = SENTENCES[lang][0]
    found = [entities(nlp(normalize(form, text))) for form in ("NFC", "NFD")]
    assert found[0] == [(normalize("NFC", name), label) for name, label in found[1]]


@given(data=st.data())
@settings(max_examples=amount(6, 6000))
def test_any_document_has_well_formed_entities(nlp: Language, data: st.DataObject):
    """More than 20,000 documents with `--hypothesis-profile=thorough`."""
    read = [nlp.make_doc(text) for text in data.draw(st.lists(texts, min_size=1, max_size=4))]
    made = data.draw(st.lists(documents(nlp), max_size=4))
    check_entities(nlp, [*read, *made], {"PER", "LOC", "ORG", "OTHER"})


def test_meta(nlp: Language):
    assert nlp.meta["license"] == "CC BY-SA 4.0"
    assert set(nlp.meta["labels"]["window_ner"]) == {"PER", "LOC", "ORG"}
    assert len(nlp.meta["sources"]) > 20
    assert all(one["license"] and one["url"] for one in nlp.meta["sources"])
