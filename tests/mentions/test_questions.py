"""Questions whose answer is a name."""

import sqlite3
from math import exp

import pytest

from spacy_window_ner.mentions.database import reading
from spacy_window_ner.mentions.evidence import best_sentences
from spacy_window_ner.mentions.indexing import index
from spacy_window_ner.mentions.question_words import answer_labels, content_words
from spacy_window_ner.mentions.questions import ask
from tests.pipelines import shared, texts_of

from .texts import ruler, write_texts

LABELS = ["DATE", "LOC", "ORG", "PER"]


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Where was Samuel Quinn born?", "Oslo"),
        ("When did Quinn move to Paris?", "1989"),
        ("Who is the brother of Anna Berg?", "Tom Berg"),
        ("Who wrote a book about glaciers?", "Anna Berg"),
        ("Where did Norvik open an office?", "Lima"),
        ("When did Norvik open an office?", "2001"),
        ("When was the office in Lima closed?", "2004"),
        ("Which company opened an office in Lima?", "Norvik"),
        ("Who met Anna Berg?", "Mr. Quinn"),
        # "He" is in the sentence, and who that is in the one before.
        ("Who founded Norvik Ltd.?", "Samuel Quinn"),
        # The sentence has the short form only.
        ("Who moved to Paris?", "Samuel Quinn"),
    ],
)
def test_answers(connection, question, name):
    answers = ask(connection, question)
    assert answers[0].name == name
    for answer in answers:
        assert answer.evidence
        for one in answer.evidence:
            assert one.mention in one.sentence
            assert 0 < one.relevance <= 1
        odds = [one.log_odds for one in answer.evidence]
        assert odds == sorted(odds, reverse=True)
    assert [a.score for a in answers] == sorted((a.score for a in answers), reverse=True)


def test_names_in_the_question_are_no_answers(connection):
    names = [answer.name for answer in ask(connection, "Who thanked Quinn?", limit=50)]
    assert "Anna Berg" in names
    assert "Samuel Quinn" not in names and "Mr. Quinn" not in names


@pytest.mark.parametrize(
    "question", ["Where do zebras live?", "Where was Anna Berg arrested?", "Who sued Norvik?"]
)
def test_there_is_no_answer(connection, question):
    assert ask(connection, question) == []


def test_a_sentence_is_evidence_once(tmp_path):
    nlp = ruler({"PER": ["Ann", "Bob"]})
    copies = ["Ann, yes Ann, won the prize. Ann left. The prize was money."] * 3
    texts = [*copies, "Bob won the prize.", "Bob won the prize in May."]
    index(nlp, [write_texts(tmp_path / "texts.jsonl", texts)], tmp_path / "names.db")
    with reading(tmp_path / "names.db") as connection:
        answers = {one.name: one for one in ask(connection, "Who won the prize?")}
    for answer in answers.values():
        sentences = [one.sentence for one in answer.evidence]
        assert len(sentences) == len(set(sentences))
    assert len(answers["Ann"].evidence) == 2
    assert answers["Bob"].score > answers["Bob"].probability
    assert answers["Ann"].score == pytest.approx(answers["Ann"].probability)


def test_organizations_answer_who(tmp_path):
    nlp = ruler({"PER": ["Ann"], "ORG": ["Acme", "Bolt"]})
    texts = ["Acme sued Bolt. Ann was the lawyer.", "In 2001, Bolt was bought by the maker Acme."]
    index(nlp, [write_texts(tmp_path / "texts.jsonl", texts)], tmp_path / "names.db")
    with reading(tmp_path / "names.db") as connection:
        for question in ("Who sued Bolt?", "Who bought Bolt?"):
            assert ask(connection, question)[0].name == "Acme"
        assert ask(connection, "Who was sued by Acme?")[0].name == "Bolt"


def test_names_of_another_kind_count_less(tmp_path):
    nlp = ruler({"PER": ["Ann", "Carl"], "ORG": ["Bob"]})
    texts = ["Bob met Carl in Rome.", "Ann met Carl in Rome."]
    index(nlp, [write_texts(tmp_path / "texts.jsonl", texts)], tmp_path / "names.db")
    with reading(tmp_path / "names.db") as connection:
        found = ask(connection, "Who met Carl in Rome?")
        given = ask(connection, "Who met Carl in Rome?", labels=["PER"])
    assert [(one.name, one.label) for one in found] == [("Ann", "PER"), ("Bob", "ORG")]
    assert [one.name for one in given] == ["Ann"]


@pytest.mark.parametrize(
    ("question", "name"),
    [("Who beat Dora in Rome?", "Ann"), ("Who did Dora beat in Rome?", "Bob")],
)
def test_the_side_of_the_verb_counts(tmp_path, question, name):
    nlp = ruler({"PER": ["Ann", "Bob", "Dora"]})
    texts = ["Ann beat Dora and Dora beat Bob in Rome."]
    index(nlp, [write_texts(tmp_path / "texts.jsonl", texts)], tmp_path / "names.db")
    with reading(tmp_path / "names.db") as connection:
        assert ask(connection, question)[0].name == name


def test_documents_that_agree_count(tmp_path):
    nlp = ruler({"PER": ["Ann", "Bob"]})
    texts = ["Ann won the prize.", "Bob won the prize.", "Bob won the prize too."]
    index(nlp, [write_texts(tmp_path / "texts.jsonl", texts)], tmp_path / "names.db")
    with reading(tmp_path / "names.db") as connection:
        answers = ask(connection, "Who won the prize?")
    assert [answer.name for answer in answers] == ["Bob", "Ann"]
    best, second = (one.log_odds for one in answers[0].evidence)
    agreeing = 1 + exp(second - best)
    assert answers[0].score == pytest.approx(answers[0].probability * agreeing**0.5)
    assert answers[1].score == pytest.approx(answers[1].probability)


def test_probabilities_add_up_to_less_than_one(tmp_path):
    index(shared(), [write_texts(tmp_path / "t.jsonl", texts_of())], tmp_path / "names.db")
    with reading(tmp_path / "names.db") as connection:
        answers = ask(connection, "Who met in Paris?", min_probability=0, limit=1000)
    odds = [exp(one.evidence[0].log_odds) for one in answers]
    assert [one.probability for one in answers] == pytest.approx(
        [one / (1 + sum(odds)) for one in odds]
    )
    for answer in answers:
        assert answer.probability <= answer.evidence[0].relevance
        assert all(one.probability is not None for one in answer.evidence)


def test_the_context_of_a_sentence_is_searched(connection):
    sentences = [row["text"] for row in best_sentences(connection, ["samuel", "moved"])]
    assert sentences[0] == "Quinn moved to Paris in 1989."
    assert "He founded Norvik Ltd. there." in sentences


@pytest.mark.parametrize(
    ("question", "labels"),
    [
        ("Who is it?", ["PER"]),
        ("Whose brother is it?", ["PER"]),
        ("where is it?", ["LOC"]),
        ("In which city is it?", ["LOC"]),
        ("Which cities are there?", ["LOC"]),
        ("When was it?", ["DATE"]),
        ("In what year was it?", ["DATE"]),
        ("Which stationery company is it?", ["ORG"]),
        ("Which companies are there?", ["ORG"]),
        ("Who owns the company?", ["ORG", "PER"]),
        ("Who sued the company?", ["ORG", "PER"]),
        ("Who was bought by the company?", ["ORG", "PER"]),
        ("Who makes pencils?", ["ORG", "PER"]),
        ("Who is the publisher of the book?", ["ORG", "PER"]),
        ("Who married the owner of the company?", ["PER"]),
        ("Who was arrested?", ["PER"]),
    ],
)
def test_labels_of_questions(question, labels):
    assert answer_labels(question, LABELS) == labels


def test_labels_are_free():
    known = ["Fare", "airline_name", "person"]
    words = {"airline": ["airline_name"], "Cost": ["fare"], "who": ["PERSON"]}
    assert answer_labels("Which airline flies?", known, words) == ["airline_name"]
    assert answer_labels("What does it cost?", known, words) == ["Fare"]
    assert answer_labels("Who flies?", known) == ["person"]


def test_wrong_questions(connection):
    with pytest.raises(ValueError, match="not clear what kind of name"):
        ask(connection, "Is it so?")
    with pytest.raises(ValueError, match="no names with the label CITY"):
        ask(connection, "Where is it?", labels=["CITY"])
    with pytest.raises(ValueError, match=r"'where' asks for LOC .* are PER"):
        answer_labels("Where is it?", ["PER"])
    with pytest.raises(ValueError, match="no word"):
        content_words("?", "en")


def test_questions_are_no_queries(connection):
    hostile = 'Who "wrote" NEAR(a b) * ^ text: OR AND NOT " glaciers\' ; -- ?'
    assert ask(connection, hostile, min_probability=0)[0].name == "Anna Berg"
    assert ask(connection, "Where?", labels=["LOC"]) == []


def test_stop_words_are_those_of_the_language():
    assert content_words("Who wrote the book?", "en") == ["wrote", "book"]
    assert content_words("Wer schrieb das Buch?", "de") == ["schrieb", "buch"]
    assert content_words("Who is he?", "en") == ["who", "is", "he"]


def test_the_database_is_not_changed(connection):
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM names")
