import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example

from spacy_window_ner.training.augmenters import create_casing, in_case
from tests.pipelines import SENTENCES, make_examples


@pytest.mark.parametrize(
    ("settings", "case"), [({"lower": 1.0}, str.lower), ({"upper": 1.0}, str.upper)]
)
def test_words_change_and_annotation_does_not(settings, case):
    nlp = spacy.blank("en")
    augment = create_casing(**settings)
    for example in make_examples(nlp, SENTENCES):
        [new] = augment(nlp, example)
        assert new.text == case(example.text)
        assert new.reference.text == case(example.reference.text)
        expected = [(case(ent.text), ent.start, ent.label_) for ent in example.reference.ents]
        assert [(ent.text, ent.start, ent.label_) for ent in new.reference.ents] == expected


def test_tokens_stay_those_of_the_corpus():
    nlp = spacy.blank("en")
    reference = Doc(nlp.vocab, words=["IBM", "-Chef", "Straße"], ents=["B-ORG", "O", "O"])
    predicted = Doc(nlp.vocab, words=[token.text for token in reference])
    new = in_case(Example(predicted, reference), str.upper)
    assert [token.text for token in new.predicted] == ["IBM", "-CHEF", "Straße"]  # not STRASSE
    assert [ent.text for ent in new.reference.ents] == ["IBM"]


def test_missing_annotation_stays_missing():
    nlp = spacy.blank("en")
    [example] = make_examples(nlp, SENTENCES[:1])
    example.reference.set_ents(example.reference.ents[:1], missing=[example.reference[3:5]])
    new = in_case(example, str.lower)
    for doc in (example.reference, new.reference):
        assert [token.ent_iob_ for token in doc] == ["B", "I", "O", "", "", "O", "O", "O"]


def test_shares():
    nlp = spacy.blank("en")
    [example] = make_examples(nlp, SENTENCES[:1])
    augment = create_casing(lower=0.3, upper=0.2)
    texts = [new.text for _ in range(1000) for new in augment(nlp, example)]
    assert 250 < texts.count(example.text.lower()) < 350
    assert 150 < texts.count(example.text.upper()) < 250
    assert list(create_casing()(nlp, example)) == [example]


@pytest.mark.parametrize("settings", [{"lower": -0.1}, {"lower": 0.6, "upper": 0.6}, {"upper": 2}])
def test_wrong_shares(settings):
    with pytest.raises(ValueError, match="lower and upper must be shares of documents"):
        create_casing(**settings)
