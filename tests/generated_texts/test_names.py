"""Names of people and places."""

import re
from collections import Counter
from random import Random

import pytest


def test_cyrillic_and_greek_are_written_in_latin_letters(script):
    romanize = script("romanized").romanize
    assert [romanize(name) for name in ("Жуков", "Щербаков", "Παπαδόπουλος", "Ann-Lu")] == [
        "Zhukov",
        "Shcherbakov",
        "Papadopoulos",
        "Ann-Lu",
    ]


@pytest.mark.extra
def test_regions_are_drawn_equally_and_all_in_latin_letters(script):
    people = script("names_of_people")
    for region in people.REGIONS.values():
        for name in region:
            given, surnames = people.culture(name)
            assert len(given) >= 10 and len(surnames) >= 10
            assert "Doe" not in surnames  # what Faker has where it knows no names
            assert all(people.latin([one]) for one in given + surnames)
    random = Random(0)
    drawn = [people.draw(random) for _ in range(5000)]
    surnames = Counter(person.surname for person in drawn)
    assert surnames.most_common(1)[0][1] < 60
    for name in ("chinese", "arabic", "tamil", "nigerian", "brazilian", "dutch"):
        assert any(person.surname in people.culture(name)[1] for person in drawn)


@pytest.mark.extra
def test_names_have_all_usual_shapes(script):
    people = script("names_of_people")
    random = Random(0)
    names = {people.draw(random).full for _ in range(5000)}
    for shape in (
        r"\w\. \w\. \w+",
        r"\w\.\w\. \w+",
        r"\w+ \w\. \w+",
        r"\w+ \w+-\w+",
        r"\w+ van der \w+",
        r"\w+ O['’]\w+",
        r"\w+ da \w+",
        r"\w+ bin \w+",
        r"\w+ [Aa]l-\w+",
        r"\w+ Mc\w+",
        r"\w+ \w+ Jr\.",
        r"\w+ May",
        r"Jordan \w+",
    ):
        assert any(re.fullmatch(shape, name) for name in names), shape


@pytest.mark.extra
def test_a_person_stays_the_same_in_a_text_and_titles_are_outside(script):
    grammar = script("generated").make_grammar()
    grammar.add("check", ["Dr. {surname#1}'s {given#1} {listed#1}"])
    title, (surname, label), possessive, (given, _), _, (listed, _) = grammar.make(
        "check", Random(3)
    )
    assert (title, label, possessive) == (("Dr. ", ""), "PERSON", ("'s ", ""))
    assert listed == f"{surname}, {given}"


@pytest.mark.extra
def test_cities_and_countries_are_of_many_places(script):
    places = script("places")
    assert len(places.cities()) > 10
    assert sum(map(len, places.cities())) > 5000
    assert {"Kenya", "Peru", "Japan"} < set(places.countries())
