"""Names that are found, and what is known of one."""

import numpy as np
import pytest
import srsly
from hypothesis import given
from hypothesis import strategies as st

from spacy_window_ner.mentions.association import log_likelihood, pmi
from spacy_window_ner.mentions.database import reading
from spacy_window_ner.mentions.indexing import index
from spacy_window_ner.mentions.lookup import companions, find, show
from spacy_window_ner.mentions.reading import Fields
from tests.helpers import examples

from .texts import ruler, write_texts


@st.composite
def counts(draw):
    """Sentences with both names, with each, and all."""
    cells = [draw(st.integers(0, 50)) for _ in range(4)]
    cells[0] += 1
    return cells[0], cells[0] + cells[1], cells[0] + cells[2], sum(cells)


@examples(200)
@given(counts())
def test_association_is_mutual_information(numbers):
    both, one, other, total = numbers
    table = np.array([[both, one - both], [other - both, total - one - other + both]]) / total
    independent = table.sum(axis=1, keepdims=True) * table.sum(axis=0)
    pointwise = np.log(table, where=table > 0, out=np.zeros((2, 2)))
    pointwise -= np.log(independent, where=table > 0, out=np.zeros((2, 2)))
    information = (table * pointwise).sum()
    sign = 1 if both * total >= one * other else -1
    assert log_likelihood(*numbers) == pytest.approx(sign * 2 * total * information, abs=1e-6)
    assert pmi(*numbers) == pytest.approx(pointwise[0, 0] / np.log(2))


def test_names_that_never_meet():
    assert pmi(0, 3, 4, 10) == float("-inf")
    assert log_likelihood(0, 3, 4, 10) < 0


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("quinn", ["Samuel Quinn", "Mr. Quinn"]),
        ("Sam", ["Samuel Quinn"]),
        ("berg anna", ["Anna Berg"]),
        ("mr quinn", ["Mr. Quinn"]),
        ("nowhere", []),
        ('"quinn" OR', []),
    ],
)
def test_find(connection, query, names):
    assert [one.name for one in find(connection, query)] == names


def test_find_gives_forms_and_counts(connection):
    found = find(connection, "quinn", limit=1)[0]
    assert (found.label, found.mentions) == ("PER", 4)
    assert found.forms == ("Samuel Quinn", "Quinn", "SAMUEL QUINN")


def test_find_needs_a_word(connection):
    with pytest.raises(ValueError, match="no word"):
        find(connection, "?!")


@pytest.mark.parametrize("name", ["Samuel Quinn", "samuel quinn", "Dr. Samuel Quinn's"])
def test_show(connection, name):
    shown = show(connection, name)
    assert shown.name == "Samuel Quinn"
    assert [(one.label, one.mentions, one.share, one.probability) for one in shown.labels] == [
        ("PER", 4, 1.0, None)
    ]
    assert shown.forms == [("Samuel Quinn", 2), ("Quinn", 1), ("SAMUEL QUINN", 1)]
    assert [row["mention"] for row in shown.timeline] == [
        "Samuel Quinn",
        "Quinn",
        "SAMUEL QUINN",
        "Samuel Quinn",
    ]
    assert shown.timeline[1]["sentence"] == "Quinn moved to Paris in 1989."


@pytest.mark.parametrize("sort", ["count", "log-likelihood", "pmi"])
def test_companions_are_those_of_the_plain_count(connection, sort):
    sentences: dict[int, set[tuple[str, str]]] = {
        row[0]: set() for row in connection.execute("SELECT id FROM sentences")
    }
    query = "SELECT sentence_id, names.text, names.label FROM mentions JOIN names ON names.id = "
    for sentence, name, label in connection.execute(query + "name_id"):
        sentences[sentence].add((name, label))
    own, total = ("Anna Berg", "PER"), len(sentences)
    name_id = connection.execute("SELECT id FROM names WHERE text = 'Anna Berg'").fetchone()[0]
    found = companions(connection, [name_id], sort)
    others = set.union(*(names for names in sentences.values() if own in names)) - {own}
    assert {(one.name, one.label) for one in found} == others
    one = sum(own in names for names in sentences.values())
    for companion in found:
        name = (companion.name, companion.label)
        both = sum({own, name} <= names for names in sentences.values())
        other = sum(name in names for names in sentences.values())
        assert companion.sentences == both
        assert companion.log_likelihood == log_likelihood(both, one, other, total)
        assert companion.pmi == pmi(both, one, other, total)
    values = [(one.sentences, one.log_likelihood, one.pmi) for one in found]
    column = ["count", "log-likelihood", "pmi"].index(sort)
    assert values == sorted(values, key=lambda value: (-value[column], -value[0]))


@pytest.fixture
def two_quinns(tmp_path):
    """A database in which several names have one form, or one key."""
    texts = [
        {"text": "Samuel Quinn left. Quinn slept.", "day": "2002-01-01"},
        {"text": "Anna Quinn left. Quinn slept.", "day": "2001-01-01"},
        {"text": "Paris slept."},
    ]
    people = ["Samuel Quinn", "Anna Quinn", "Quinn"]
    nlp = ruler({"PER": people, "LOC": ["Paris"]})
    path = tmp_path / "texts.jsonl"
    srsly.write_jsonl(path, texts)
    index(nlp, [path], tmp_path / "names.db", fields=Fields(date="day"))
    with reading(tmp_path / "names.db") as connection:
        yield connection


def test_capitals_decide_where_both_are_names(tmp_path):
    path = tmp_path / "texts.jsonl"
    srsly.write_jsonl(
        path, [{"text": "He met Tim at TIM."}, {"text": "He went to the U.S. again."}]
    )
    index(ruler({"ORG": ["Tim", "TIM", "U.S."]}), [path], tmp_path / "names.db")
    with reading(tmp_path / "names.db") as connection:
        for name, found in {"Tim": "Tim", "TIM": "TIM", "US": "U.S.", "us": "U.S."}.items():
            assert [mention["mention"] for mention in show(connection, name).timeline] == [found]


def test_a_short_name_of_several_is_not_shown(two_quinns):
    with pytest.raises(ValueError, match="'Quinn' is short for Anna Quinn, Samuel Quinn"):
        show(two_quinns, "Quinn")


def test_names_that_are_not_there(connection):
    with pytest.raises(ValueError, match=r"no name 'Berg' .* There are: Anna Berg, Tom Berg"):
        show(connection, "Berg")
    with pytest.raises(ValueError, match="no name 'Oslo' with the label PER"):
        show(connection, "Oslo", label="PER")
    with pytest.raises(ValueError, match="no name"):
        show(connection, "?")
    with pytest.raises(ValueError, match="not one of count"):
        show(connection, "Oslo", sort="size")


def test_the_timeline_is_by_date(tmp_path):
    rows = [("b", "2002-01-01"), ("none", None), ("a", "2001-01-01")]
    path = tmp_path / "texts.jsonl"
    srsly.write_jsonl(path, [{"text": f"Oslo {text}.", "day": day} for text, day in rows])
    index(ruler(), [path], tmp_path / "names.db", fields=Fields(date="day"))
    with reading(tmp_path / "names.db") as connection:
        timeline = show(connection, "Oslo").timeline
    assert [row["sentence"] for row in timeline] == ["Oslo a.", "Oslo b.", "Oslo none."]


def test_labels_of_one_name(tmp_path):
    nlp = ruler({"LOC": ["Paris"], "ORG": ["PARIS"]})
    path = write_texts(tmp_path / "texts.jsonl", ["Paris is big.", "PARIS is big.", "Paris."])
    index(nlp, [path], tmp_path / "names.db")
    with reading(tmp_path / "names.db") as connection:
        labels = show(connection, "Paris").labels
        assert [(one.label, one.mentions) for one in labels] == [("LOC", 2), ("ORG", 1)]
        assert sum(one.share for one in labels) == pytest.approx(1)
        assert [one.label for one in show(connection, "Paris", label="ORG").labels] == ["ORG"]


def test_names_are_not_shouted(tmp_path):
    nlp = ruler(
        {
            "LOC": ["MELBOURNE", "Melbourne", "COLOMBO", "ST. JOHN'S", "USSR"],
            "ORG": ["NATO", "Nato", "UNICEF"],
            "PER": ["ANN O'BRIEN"],
        }
    )
    texts = ["MELBOURNE 1996."] * 4 + ["He lives in Melbourne."] + ["NATO met."] * 6
    texts += ["Nato met.", "COLOMBO 1996.", "ST. JOHN'S 1996.", "ANN O'BRIEN won.", "USSR won."]
    texts += ["UNICEF came."]
    index(nlp, [write_texts(tmp_path / "texts.jsonl", texts)], tmp_path / "names.db")
    with reading(tmp_path / "names.db") as connection:
        names = {row[0] for row in connection.execute("SELECT text FROM names")}
    assert names == {
        *("Melbourne", "Colombo", "St. John's", "USSR", "NATO", "UNICEF", "Ann O'Brien"),
    }
