"""Which mentions are of one name."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_window_ner.mentions.grouping import Grouped, Mention, group, name_key
from tests.helpers import examples

PEOPLE = {"PER"}

# Two mentions, whether they are of people, and whether they are of one name.
PAIRS = [
    ("Paris", "PARIS", False, True),
    ("Paris", "paris", False, True),
    ("Paris", "Paris's", False, True),
    ("Paris", "Paris’s", False, True),
    ("Paris", "Paris 's", False, True),
    ("Rangers", "Rangers'", False, True),
    ("U.S.", "US", False, True),
    ("U. S.", "US", False, True),
    ("U.S.A.", "USA", False, True),
    ("U.S.", "U.S.A.", False, False),
    ("the United Nations", "United Nations", False, True),
    ("The", "United Nations", False, False),
    ("J. K. Rowling", "J.K. Rowling", True, True),
    ("J. K. Rowling", "JK Rowling", True, True),
    ("J. K. Rowling", "J. R. Rowling", True, False),
    ("Spider-Man", "Spider Man", False, True),
    ("Baden–Baden", "Baden-Baden", False, True),
    ("AT&T", "AT & T", False, True),
    ("Procter & Gamble", "Procter and Gamble", False, True),
    ("O'Neill", "O’Neill", True, True),
    ("Bucureşti", "Bucuresti", False, True),
    ("Yōko Saitō", "Yoko Saito", True, True),
    ("서울", "서울", False, True),
    ("서울", "부산", False, False),
    ("Mr. Quinn", "Quinn", True, True),
    ("Prof. Dr. Quinn", "Quinn", True, True),
    ("Sir Paul McCartney", "Paul McCartney", True, True),
    ("President Barack Obama", "Barack Obama", True, True),
    ("General Motors", "Motors", False, False),
    ("General Motors", "General Motors Corp.", False, True),
    ("Mrs. Quinn", "Mr. Quinn", True, False),
    ("Mrs. Margaret Thatcher", "Margaret Thatcher", True, True),
    ("King Lear", "Lear", True, False),
    ("Lady Gaga", "Gaga", True, False),
    ("Apple Inc.", "Apple", False, True),
    ("CBS , Inc.", "CBS", False, True),
    ("Limited", "Ltd.", False, False),
    ("Nicholson 's Limited", "Nicholson's Limited", False, True),
    ("John F. Kennedy", "John F. Kennedy Jr.", True, False),
    ("Samuel Quinn", "Samuel Quine", True, False),
    ("St. Louis", "St Louis", False, True),
    ("Little Falls , Minnesota", "Little Falls, Minnesota", False, True),
    ('"Weird Al" Yankovic', "Weird Al Yankovic", True, True),
    ("C#", "C", False, False),
    ("C++", "C", False, False),
    ("3.5", "35", False, False),
    ("1,000", "1000", False, True),
    ("October 14 , 1931", "October 14, 1931", False, True),
    ("14 October", "15 October", False, False),
    ("New York", "York", False, False),
    ("St. John's", "St. John", False, False),
    ("St. John 's", "St John's", False, True),
    ("St. John's", "St. John", True, True),
    ("#Mexico", "Mexico", False, True),
    ("@BBC", "BBC", False, True),
    ("Prime Minister Rishi Sunak", "Rishi Sunak", True, True),
    ("U.S. President Donald Trump", "Donald Trump", True, True),
    ("Home Secretary Suella Braverman", "Suella Braverman", True, True),
    ("President", "Home Secretary", True, False),
    ("Dame Zaha Hadid DBE", "Zaha Hadid", True, True),
    ("Henry Justice Ford", "Ford", True, False),
]


@pytest.mark.parametrize(("one", "other", "person", "same"), PAIRS)
def test_keys(one, other, person, same):
    assert (name_key(one, person=person) == name_key(other, person=person)) is same


def test_there_are_enough_pairs():
    assert len(PAIRS) >= 40


# The people that a document mentions, one of them, and the name that it is of.
DOCUMENTS = [
    (["Samuel Quinn", "Quinn"], "Quinn", "samuel quinn"),
    # A name that comes later has not been introduced.
    (["Quinn", "Samuel Quinn"], "Quinn", "quinn"),
    (["Samuel Quinn", "Samuel"], "Samuel", "samuel quinn"),
    (["Samuel Quinn", "Mr. Quinn's"], "Mr. Quinn's", "samuel quinn"),
    (["Samuel Quinn", "QUINN"], "QUINN", "samuel quinn"),
    (["Samuel Quinn", "Anna Quinn", "Quinn"], "Quinn", "quinn"),
    (["Samuel Quinn", "Anna Quinn", "Anna"], "Anna", "anna quinn"),
    (["James Brown", "LeBron James", "James"], "James", "james"),
    (["Samuel J. Quinn", "Samuel Quinn", "Quinn"], "Quinn", "samuel j quinn"),
    (["Samuel J. Quinn", "Samuel Quinn"], "Samuel Quinn", "samuel j quinn"),
    (["Samuel Quinn", "S. Quinn"], "S. Quinn", "samuel quinn"),
    (["Samuel Quinn", "T. Quinn"], "T. Quinn", "t quinn"),
    (["Friedrich von Schlegel", "von Schlegel"], "von Schlegel", "friedrich von schlegel"),
    (["Friedrich von Schlegel", "Friedrich Schlegel"], "Friedrich Schlegel", None),
    (["Martin Luther King Jr.", "King"], "King", "martin luther king jr"),
    (["Hank Williams", "Hank Williams III"], "Hank Williams", "hank williams"),
    (["Hank Williams", "Hank Williams III"], "Hank Williams III", "hank williams iii"),
    (["Margaret Thatcher", "Mrs. Thatcher"], "Mrs. Thatcher", "margaret thatcher"),
    (["Samuel Quinn", "Mrs. Quinn", "Quinn"], "Quinn", "quinn"),
    (["Samuel Quinn", "Mrs. Quinn", "Quinn"], "Mrs. Quinn", "mrs quinn"),
    (["Bose-Einstein", "Einstein"], "Einstein", "einstein"),
    (["David Ben-Gurion", "Ben-Gurion"], "Ben-Gurion", "david ben gurion"),
    (["Quinn"], "Quinn", "quinn"),
    (["Samuel Quinn", "Quine"], "Quine", "quine"),
    (["Samuel Quinn", "Samuel Hart", "Samuel"], "Samuel", "samuel"),
    (["S. Samuel Quinn", "Samuel Quinn", "Samuel"], "Samuel", "s samuel quinn"),
]


@pytest.mark.parametrize(("mentioned", "text", "key"), DOCUMENTS)
def test_short_names_of_people(mentioned, text, key):
    mentions = [Mention(one, "PER") for one in mentioned]
    found = group(mentions, PEOPLE)[mentioned.index(text)]
    own = name_key(text, person=True)
    expected = key or "friedrich von schlegel"
    assert found == Grouped(expected, expected != own)


# A text with people in brackets, and the key of the last of them.
TEXTS = [
    ("[Samuel Quinn] came. [Quinn] left.", "samuel quinn"),
    ("[Samuel Quinn] came. [Quinn] and his son left.", "quinn"),
    ("[Samuel Quinn] came. [Quinn] , with his two younger brothers , left.", "quinn"),
    ("[Samuel Quinn] came. [Quinn] and his wife left.", "samuel quinn"),
    ("[Samuel Quinn] came. The [Quinn] brothers left.", "quinn"),
    ("[Samuel Quinn] came. The [Quinn]s left.", "samuel quinn"),
    ("[Samuel Quinn] came. His son [Samuel] left.", "samuel"),
    ("[Samuel Quinn] came. His son [Samuel] left. Then [Samuel] slept.", "samuel"),
    ("[Samuel Quinn] came. His friend [Samuel] left.", "samuel quinn"),
    ("[Samuel Quinn] came. Father [Quinn] left.", "samuel quinn"),
    ("He had a son, [Samuel Quinn]. [Quinn] left.", "quinn"),
    ("He had a son, [Samuel Quinn]. [Samuel] left.", "samuel quinn"),
    ("She was the widow of [Samuel Quinn]. [Quinn] left.", "quinn"),
    ("His wife was [Anna Quinn]. [Quinn] left.", "anna quinn"),
    ("His wife [Anna Quinn] came. [Quinn] left.", "quinn"),
    ("[John Denver] and [Olivia Newton]-[John] sang.", "john"),
    ("[John Denver] and [Newton]-[John] met.", "john denver"),
    ("His father [Noah Webster] Sr. came.", "noah webster sr"),
    ("[Noah Webster], Jr.", "noah webster jr"),
    ("[Noah Webster] II of England", "noah webster ii"),
    ("[Noah Webster] Sr. came. [Noah] left.", "noah"),
    ("[Noah Webster] Jr. came. [Webster] left.", "noah webster jr"),
]


@pytest.mark.parametrize(("text", "key"), TEXTS)
def test_words_beside_a_name(text, key):
    parts = re.split(r"[\[\]]", text)
    mentions = [
        Mention(parts[i], "PER", "".join(parts[:i]), "".join(parts[i + 1 :]))
        for i in range(1, len(parts), 2)
    ]
    assert group(mentions, PEOPLE)[-1].key == key
    # Only names of people are read so.
    others = [Mention(one.text, "ORG", one.before, one.after) for one in mentions]
    assert [one.key for one in group(others, PEOPLE)] == [name_key(one.text) for one in others]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("TIM", "Tim", False),
        ("U.S.", "US", True),
        ("the U.S.", "US's", True),
        ("US", "us", False),
        ("UdC", "UDC", True),
        ("WHO", "The Who", False),
        ("INRIA", "Inria", True),
        ("3M", "3M's", True),
    ],
)
def test_capitals_of_short_words(one, other, same):
    keys = {group([Mention(text, "ORG")], PEOPLE, cased=True)[0].key for text in (one, other)}
    assert (len(keys) == 1) is same
    assert len({name_key(one), name_key(other)}) == 1


def test_only_people_of_one_label_have_short_names():
    mentions = [Mention("New York", "LOC"), Mention("York", "LOC"), Mention("York", "PER")]
    assert [one.key for one in group(mentions, PEOPLE)] == ["new york", "york", "york"]
    mentions = [Mention("Samuel Quinn", "PER"), Mention("Quinn", "ORG")]
    assert [one.key for one in group(mentions, PEOPLE)] == ["samuel quinn", "quinn"]


@pytest.mark.parametrize("text", ["?!", "'s", "-", "...", "the", "Mr.", " ", "Inc."])
def test_keys_are_not_empty(text):
    assert name_key(text, person=True) or not text.strip()


NAMES = st.lists(
    st.sampled_from(
        ["Samuel", "Quinn", "J.", "von", "O'Neill", "U.S.", "Žižek", "3", "Ben-Gurion"]
    ),
    min_size=1,
    max_size=4,
).map(" ".join)


@examples(100)
@given(NAMES)
def test_case_and_what_surrounds_a_name_do_not_matter(text):
    key = name_key(text)
    changed = [text.upper(), text.lower(), f"“{text}”", f"the {text}", text.replace(" ", "  ")]
    assert {name_key(one) for one in changed} == {key}


@examples(100)
@given(st.lists(NAMES, max_size=6), st.randoms())
def test_the_order_of_what_was_introduced_does_not_matter(texts, random):
    mentions = [Mention(text, "PER") for text in texts]
    found = group([*mentions, *mentions], PEOPLE)[len(texts) :]
    found = dict(zip(texts, found, strict=True))
    random.shuffle(mentions)
    again = group([*mentions, *mentions], PEOPLE)[len(texts) :]
    assert {m.text: name for m, name in zip(mentions, again, strict=True)} == found


def test_lower_case_is_another_name_where_names_have_capitals():
    mentions = [Mention("Overkill", "ORG"), Mention("overkill", "ORG"), Mention("1989", "ORG")]
    assert [one.key for one in group(mentions, PEOPLE)] == ["overkill", "overkill", "1989"]
    keys = [one.key for one in group(mentions, PEOPLE, cased=True)]
    assert keys == ["overkill", "overkill (lower case)", "1989"]


@examples(100)
@given(st.lists(NAMES, max_size=6))
def test_short_names_are_short_for_a_full_one_in_the_document(texts):
    found = group([Mention(text, "PER") for text in texts], PEOPLE)
    full = {one.key for one in found if not one.short}
    assert {one.key for one in found} == full
