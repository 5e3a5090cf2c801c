"""A hundred annotated texts, to score English pipelines on."""

from collections import Counter

import pytest
import spacy
from texts import TEXTS, make_doc, read_blocks, read_marked

LABELS = (
    "CARDINAL DATE EVENT FAC GPE LANGUAGE LAW LOC MONEY NORP ORDINAL ORG PERCENT PERSON PRODUCT "
    "QUANTITY TIME WORK_OF_ART"
)


def test_the_hundred_texts_are_annotated_with_all_labels_of_spacy():
    texts, nlp = read_blocks(TEXTS / "hundred.txt"), spacy.blank("en")
    docs = [make_doc(nlp, text.marked) for text in texts]
    assert len({doc.text for doc in docs}) == 100
    assert " ".join(sorted({ent.label_ for doc in docs for ent in doc.ents})) == LABELS
    assert not any(set("[]") & set(doc.text) for doc in docs)
    kinds = Counter(text.kind for text in texts)
    assert len(kinds) == 13
    assert set(kinds.values()) == {7, 8}
    without = [text.kind for text, doc in zip(texts, docs, strict=True) if not doc.ents]
    assert 5 <= len(without) <= 15


def test_entities_are_at_the_characters_of_their_brackets():
    assert read_marked("[A b c] d [E f].") == ("b c d f.", [(0, 3, "A"), (6, 7, "E")])
    doc = make_doc(spacy.blank("en"), "[PERSON Ann]'s flat,\n[GPE Rome]")
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Ann", "PERSON"), ("Rome", "GPE")]
    with pytest.raises(ValueError, match="'Lee' does not align with the tokens of 'Leeds'"):
        make_doc(spacy.blank("en"), "[PERSON Lee]ds")


def test_blocks_say_of_what_kind_they_are(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("# About.\n# More.\n\n# kind: chat\nhi [PERSON ann]\n#yolo\n\n# kind: b\nc\n")
    assert read_blocks(path) == [("chat", "hi [PERSON ann]\n#yolo"), ("b", "c")]
    for wrong in ("# kind: chat\n\nhi", "hi\n\n# kind: chat\nhi", "# kind: a\nb\n\n# c"):
        path.write_text(wrong)
        with pytest.raises(ValueError, match="a text begins with a line `# kind: …`"):
            read_blocks(path)
