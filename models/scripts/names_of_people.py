"""Names of people of many cultures in equal measure, from the lists of Faker and from a few more.

First a region is drawn, then a culture of it, then a name: there are more lists of European names
than of others.
"""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from random import Random

from grammar import Context, Grammar, Piece
from romanized import LISTS, romanize

# Locales of Faker and lists of `romanized.LISTS`, by region.
_REGIONS = {
    "English": "en_US en_GB en_NZ en_IE en_US irish",
    "Western Europe": "de_DE de_CH fr_FR it_IT nl_NL pt_PT es_ES dutch german french italian",
    "Northern and Eastern Europe": "sv_SE da_DK no_NO fi_FI icelandic et_EE lt_LT lv_LV polish "
    "cs_CZ hu_HU ro_RO hr_HR ru_RU uk_UA bg_BG el_GR",
    "Latin America": "es_MX es_AR es_CO pt_BR brazilian spanish",
    "Middle East": "arabic arabic persian hebrew turkish tr_TR az_AZ uz_UZ",
    "South Asia": "en_IN en_IN en_PK pakistani tamil",
    "East and Southeast Asia": "chinese japanese korean vietnamese thai id_ID filipino zh_CN "
    "ja_JP polynesian",
    "Africa": "en_KE yo_NG nigerian zu_ZA tw_GH sw ethiopian somali ig_NG",
}
REGIONS = {region: tuple(names.split()) for region, names in _REGIONS.items()}
# Where the surname comes first, as often as not.
SURNAME_FIRST = frozenset(("chinese", "korean", "vietnamese", "hu_HU", "zh_CN"))
# Given names and surnames that are words or places.
WORDS = (
    "May Jordan Paris Chelsea Austin Will Grant Rose Mark Bill Faith Hope Joy Summer April June "
    "Dakota Georgia Virginia Carolina Brooklyn Israel Kenya India Asia London Sydney Florence "
    "Charlotte Victoria Madison Lincoln Jackson Houston Dallas Denver Washington Ford Chase "
    "Mercedes Morgan Rich Frank Art Drew Pat Sue Sandy Ruby Pearl Ivy Daisy Lily Olive Ginger "
    "Penny Jack Dean Earnest Autumn August Augusta Savannah Phoenix Troy Milan Chad Guy Rob "
    "Christian Mason Hunter Carter Parker Sage Robin Jay Wren Iris Violet Melody Harmony Grace "
    "Destiny Angel Sunny Stormy Sky River Rusty Buck Chip Cliff Dale Glen Heath Herb Jasper "
    "Lance Miles Nick Norm Otto Rocky Stone Ray Basil Aurora Eve Gene Mercy Patience Prudence",
    "Young Long Short Black White Brown Green Gray Rice Bush Banks Fields Rivers Lake Stone Wood "
    "Park Church Day Love Price Cook Baker Best Good Hunt Case Page March Knight Marsh Cash Bond "
    "Small Little Sharp Wise West East North Hill Bell Bird Fox Wolf Fish Ball Cross Power Powers "
    "Judge Bishop Pope King Prince Major Street House Hall Mills Forest Field Lane Snow Frost "
    "Winter Summers Rose May Will Grant Ford England Ireland French German Holland Paris London "
    "York Lincoln Washington Jordan Berlin Hilton Dell Chase Wells Morgan Stanley Marks Bills "
    "Gates Jobs Musk Cruise Swift Sweet Drake Rich Savage Hardy Strong Moody Weeks Friday "
    "Christmas Noble Law Justice Read Walker Driver Parsons Abbott Monk Cannon Steel Silver Gold",
)
# What names have besides letters.
_MARKS = frozenset(" -'’‘ʻ.")


@dataclass(frozen=True)
class Person:
    """A person: the names that texts call them by.

    given (str): The given name.
    surname (str): The surname, with its particles.
    full (str): The whole name, with middle names and initials.
    """

    given: str
    surname: str
    full: str


def latin(names: Iterable[object]) -> list[str]:
    """RETURNS (List[str]): Those of the names that can be written in Latin letters, as they are
    written in text.
    """
    found = [romanize(name.strip()) for name in names if isinstance(name, str)]
    found = [name.title() if name.isupper() and len(name) > 2 else name for name in found]
    return [name for name in sorted(set(found)) if name[1:] and all(map(_is_latin, name))]


def _is_latin(letter: str) -> bool:
    return letter in _MARKS or unicodedata.name(letter, "").startswith("LATIN")


@cache
def culture(name: str) -> tuple[list[str], list[str]]:
    """RETURNS (Tuple[List[str], List[str]]): Given names and surnames of a culture.

    name (str): A locale of Faker, or a name of `romanized.LISTS`.
    """
    if name in LISTS:
        given, surnames = LISTS[name]
        return given.split(), surnames.split("|")
    provider = import_module(f"faker.providers.person.{name}").Provider

    def lists(*attributes: str) -> list[str]:
        for group in attributes:
            values = [getattr(provider, group + end, ()) for end in ("", "_male", "_female")]
            if found := latin(one for value in values for one in value):
                return found
        raise ValueError(f"Faker has no names in Latin letters for the locale {name}.")

    return lists("first_romanized_names", "first_names"), lists(
        "last_romanized_names", "last_names"
    )


def draw(random: Random) -> Person:
    """Draw a person.

    random (Random): The source of randomness.
    RETURNS (Person): A person with a name of any culture.
    """
    if random.random() < 0.08:
        return _word(random)
    region = random.choice(list(REGIONS.values()))
    name = random.choice(region)
    all_given, surnames = culture(name)
    given, surname = random.choice(all_given), random.choice(surnames)
    if name in SURNAME_FIRST and random.random() < 0.5:
        return Person(given, surname, f"{surname} {given}")
    if "-" not in surname and " " not in surname and random.random() < 0.06:
        surname = f"{surname}-{random.choice(surnames)}"
    return Person(given, surname, _full(given, surname, random.choice(all_given), random))


def _word(random: Random) -> Person:
    """Draw a person of whom a name is a word or a place, too."""
    given, surname = (random.choice(names.split()) for names in WORDS)
    if random.random() < 0.6:
        english = culture(random.choice(REGIONS["English"]))
        if random.random() < 0.5:
            given = random.choice(english[0])
        else:
            surname = random.choice(english[1])
    return Person(given, surname, f"{given} {surname}")


def _full(given: str, surname: str, middle: str, random: Random) -> str:
    """RETURNS (str): A whole name, now and then with initials or a middle name."""
    first, second = given[0], middle[0].upper()
    forms: list[tuple[int, Callable[[], str]]] = [
        (74, lambda: f"{given} {surname}"),
        (6, lambda: f"{given} {middle} {surname}"),
        (6, lambda: f"{given} {second}. {surname}"),
        (4, lambda: f"{first}. {surname}"),
        (3, lambda: f"{first}. {second}. {surname}"),
        (2, lambda: f"{first}.{second}. {surname}"),
        (1, lambda: f"{given} {surname} {random.choice(('Jr.', 'Sr.', 'III', 'II'))}"),
        (1, lambda: f"{first}{second} {surname}"),
    ]
    (form,) = random.choices([form for _, form in forms], [weight for weight, _ in forms])
    return form()


def _person(context: Context, key: str) -> Person:
    """RETURNS (Person): The person with the key in this text; a new one without a key."""
    if not key:
        return draw(context.random)
    place = ("Person", key)
    if place not in context.remembered:
        context.remembered[place] = draw(context.random)
    return context.remembered[place]


def add_people(grammar: Grammar) -> None:
    """Add rules for names of people, which stay the same person for the same key: `person` for the
    whole name, `given`, `surname`, `listed` ("Smith, Ann"), `anyone` for one or the other, and
    `plain_surname` and `plain_given` without a label.

    grammar (Grammar): The grammar, which is changed.
    """

    def rule(text: Callable[[Person], str], label: str = "PERSON") -> None:
        def make(context: Context, key: str) -> list[Piece]:
            return [(text(_person(context, key)), label)]

        grammar.add(text.__name__, make)

    def person(one: Person) -> str:
        return one.full

    def given(one: Person) -> str:
        return one.given

    def surname(one: Person) -> str:
        return one.surname

    def listed(one: Person) -> str:
        return f"{one.surname}, {one.given}"

    def plain_surname(one: Person) -> str:
        return one.surname

    def plain_given(one: Person) -> str:
        return one.given

    for one in (person, given, surname, listed):
        rule(one)
    for one in (plain_surname, plain_given):
        rule(one, "")
    grammar.add("anyone", ["5x {person}", "3x {given}", "{surname}"])
