"""Other names in the place of annotated ones."""

import pytest
import spacy
from spacy.tokens import Doc

from spacy_window_ner.labels import annotated_labels, set_annotated_labels

pytestmark = pytest.mark.extra

WORDS = "Dr. Mary Smith 's team met SMITH , Mary and Al in Berlin . Siemens AG paid ."
TAGS = "O B-PER I-PER I-PER O O B-PER O B-PER O B-PER O B-LOC O B-ORG I-ORG O O"


@pytest.fixture
def replace(script):
    mentions = script("mentions")

    def one(doc, probability=1.0, seed=0):
        (found,) = mentions.replace_mentions([doc], probability, seed)
        return found

    return one


def make(text=WORDS, labels=TAGS):
    words, tags = text.split(), labels.split()
    starts = [i == 0 or words[i - 1] == "." for i in range(len(words))]
    spaces = [i + 1 < len(words) and words[i + 1] != "'s" for i in range(len(words))]
    doc = Doc(spacy.blank("en").vocab, words, spaces, ents=tags, sent_starts=starts)
    set_annotated_labels(doc, ["PER", "LOC", "ORG"])
    return doc


def described(doc):
    return [(token.text, token.whitespace_, token.ent_iob_, token.ent_type_) for token in doc]


def test_nothing_changes_with_probability_zero(replace):
    assert described(replace(make(), 0.0)) == described(make())


@pytest.mark.parametrize("seed", range(8))
def test_names_change_in_their_shape_and_the_same_name_in_the_same_way(replace, seed):
    doc = replace(make(), seed=seed)
    mary_smith, smith, mary, al, berlin, siemens = (ent.text for ent in doc.ents)
    assert [ent.label_ for ent in doc.ents] == ["PER"] * 4 + ["LOC", "ORG"]
    assert mary_smith.endswith("'s") and doc[0].text == "Dr."
    assert (
        mary_smith == f"{mary} {smith if smith in mary_smith else mary_smith[len(mary) + 1 : -2]}'s"
    )
    assert smith.lower() == mary_smith[len(mary) + 1 : -2].lower()
    assert smith.isupper()
    assert "Mary" not in doc.text and "Berlin" not in doc.text and "Siemens" not in doc.text
    assert berlin and siemens and al
    assert [sentence[-1].text for sentence in doc.sents] == ["Dr.", ".", "."][
        -len(list(doc.sents)) :
    ]
    assert annotated_labels(doc) == {"PER", "LOC", "ORG"}


def test_the_same_seed_gives_the_same_names(replace):
    assert described(replace(make())) == described(replace(make()))
    assert replace(make()).text != replace(make(), seed=1).text


def test_missing_annotation_and_unknown_whitespace_stay(replace):
    doc = make()
    doc.set_ents(list(doc.ents), missing=[doc[4:6]])
    doc.has_unknown_spaces = True
    new = replace(doc)
    assert [token.text for token in new if token.ent_iob == 0] == ["team", "met"]
    assert new.has_unknown_spaces


def test_kinds_of_names_stay(replace):
    words = "the University of Ghana in Nigeria by the Nile River with J. Doe of the UN"
    tags = "O B-ORG I-ORG I-ORG O B-LOC O O B-LOC I-LOC O B-PER I-PER O O B-ORG"
    for seed in range(5):
        doc = replace(make(words, tags), seed=seed)
        school, country, river, person, agency = doc.ents
        assert school.text != "University of Ghana" and country.text != "Nigeria"
        assert doc[school.start - 1].text == "the" and doc[river.start - 1].text == "the"
        assert person[0].text[1:] == "."
        assert doc[agency.start - 1].text == "the"


def test_products_events_works_laws_and_languages_are_replaced_by_others_of_their_kind(replace):
    words = "the World Cup after The Trial and the iPad under the Basic Law in Zulu"
    tags = "B-EVENT I-EVENT I-EVENT O B-WORK_OF_ART I-WORK_OF_ART O O B-PRODUCT O B-LAW I-LAW I-LAW"
    tags += " O B-LANGUAGE"
    originals = [ent.text for ent in make(words, tags).ents]
    seen = {label: set() for label in ("EVENT", "WORK_OF_ART", "PRODUCT", "LAW", "LANGUAGE")}
    for seed in range(5):
        doc = replace(make(words, tags), seed=seed)
        assert [ent.label_ for ent in doc.ents] == list(seen)
        assert doc.ents[0][0].text == "the" and doc.ents[3][0].text == "the"
        for ent in doc.ents:
            seen[ent.label_].add(ent.text)
    assert all(len(names - set(originals)) >= 3 for names in seen.values())


def test_probability_has_to_be_one(script):
    with pytest.raises(ValueError, match=r"from 0 to 1, got 1\.5"):
        next(script("mentions").replace_mentions([], 1.5, 0))
