"""Names of cities and countries from the lists of Faker."""

from functools import cache
from importlib import import_module

from grammar import Context, Grammar, Piece
from names_of_people import latin

# Locales of Faker with lists of real cities, in their own spelling.
CITIES = ("cs_CZ", "da_DK", "de_AT", "de_CH", "de_DE", "en_BD", "en_IN", "es_ES", "fi_FI", "hu_HU")
CITIES += ("id_ID", "it_IT", "no_NO", "pl_PL", "pt_PT", "ro_RO", "sk_SK", "sl_SI", "sv_SE")
CITIES += ("ru_RU", "uk_UA")


@cache
def cities() -> tuple[list[str], ...]:
    """RETURNS (Tuple[List[str], ...]): The cities of each locale that has a list of them."""
    found = []
    for locale in CITIES:
        provider = import_module(f"faker.providers.address.{locale}").Provider
        for attribute in ("cities", "city_names"):
            names = latin(provider.__dict__.get(attribute, ()))
            if names := [name for name in names if name[0].isupper() and "/" not in name]:
                found.append(names)
                break
    return tuple(found)


@cache
def countries() -> list[str]:
    """RETURNS (List[str]): All countries and territories by their English names."""
    names = import_module("faker.providers.address.en").Provider.countries
    return [name for name in latin(names) if "&" not in name and "the" not in name.split()]


def add_places(grammar: Grammar) -> None:
    """Add the rules `listed_city` and `listed_country`, whose names have no label.

    grammar (Grammar): The grammar, which is changed.
    """

    def listed_city(context: Context, key: str) -> list[Piece]:
        return [(context.random.choice(context.random.choice(cities())), "")]

    def listed_country(context: Context, key: str) -> list[Piece]:
        return [(context.random.choice(countries()), "")]

    grammar.add("listed_city", listed_city)
    grammar.add("listed_country", listed_country)
