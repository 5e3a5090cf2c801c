"""Groups mentions by name, with a key for each mention that depends on its text and document.

Keys ignore differences between mentions of the same name: case, punctuation, a possessive 's, the
article, titles of people and legal forms of companies. Within a document, the short name of a
person is replaced by the full name if that was mentioned before, no other full name fits, and the
surrounding words do not refer to relatives. Since merging two different names is worse than listing
one name twice, unclear cases are kept separate.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from . import clues

# Titles that do not identify a person. King, Lady and the like are part of many names.
_TITLES = frozenset(
    [
        *("mr", "mister", "dr", "prof", "professor", "sir", "dame", "rev", "reverend", "judge"),
        *("justice", "sen", "rep", "gov", "captain", "capt", "colonel", "col", "general", "gen"),
        *("lieutenant", "lt", "major", "maj", "sergeant", "sgt", "corporal", "admiral", "adm"),
        *("commander",),
    ]
)
# Offices, which are never middle names, so that what is before them is not of the name either:
# Home Secretary, U.S. President, Massachusetts Governor.
_OFFICES = frozenset(
    [
        *("president", "premier", "chancellor", "minister", "secretary", "senator", "governor"),
        *("congressman", "congresswoman", "ambassador", "administrator"),
    ]
)
# The maximum number of words of an office at the start of a mention.
_N_OFFICE = 3
_HONORS = frozenset(["mp", "phd", "md", "esq", "frs", "cbe", "obe", "mbe", "dbe", "kbe"])
# With a surname alone, these are another person than the surname alone or with Mr.
_FEMALE_TITLES = frozenset(["mrs", "ms", "miss", "madame", "mme"])
_LEGAL_FORMS = frozenset(
    ["inc", "ltd", "limited", "corp", "corporation", "llc", "llp", "lp", "plc", "gmbh", "ag", "co"]
)
_SUFFIXES = frozenset(["jr", "sr", "ii", "iii", "iv"])
# St. John's is not St. John.
_SAINTS = re.compile(r"(?:st\b|saint\b)", re.IGNORECASE)
# Lengths of words in which capitals distinguish abbreviations from words: US and us, TIM and Tim,
# UdC. Longer abbreviations can also be written like words, such as Nasa and Unicef.
_SHORT = (2, 3)
# Suffixes of keys, if case distinguishes a name from another one.
CASE_MARKS = (" (lower case)", " (capitals)")

_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'"})
_ACCENTS = re.compile("[\u0300-\u036f]")
_DASHES = re.compile(r"[\u2010-\u2015\u2212-]+")
_POSSESSIVE = re.compile(r"(?<=\w)\s*'s?$")
_JOINED = re.compile(r"\s*'(?=s\b)|(?<=\w)'")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_SIGNS = re.compile(r"^[#@]+\s*(?=\w)")
_DOTS = re.compile(r"(?<!\d)\.|\.(?!\d)")
# Everything except signs that distinguish names, as in C# and C++.
_SEPARATORS = re.compile(r"[^\w\s.+#-]|_")
_INITIALS = re.compile(r"\b(?:[^\W\d_] )+[^\W\d_]\b")


@dataclass(frozen=True)
class Mention:
    """A mention with its context.

    text (str): Its text.
    label (str): Its label.
    before (str): Some of the text before it.
    after (str): Some of the text after it.
    """

    text: str
    label: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Grouped:
    """The name of a mention.

    key (str): The same for all mentions of a name with the same label.
    short (bool): Whether the mention is a short form of a name whose full form is in the document.
    """

    key: str
    short: bool


def name_key(text: str, *, person: bool = False) -> str:
    """Compute the key that all full forms of a name share.

    text (str): The mention.
    person (bool): Whether it is a person, so that a title is not part of the name.
    RETURNS (str): The key; not empty unless the text is.
    """
    words = _words(text, possessive=not person and _SAINTS.match(text) is not None)
    if person:
        words = _without_titles(words)
    return _key(words) or text.strip().casefold()


def case_mark(text: str) -> str:
    """Find the case of a name, if it distinguishes it from another name with the same letters.

    text (str): The mention, in a text that writes names with capital letters.
    RETURNS (str): A suffix for its key; empty for most names.
    """
    if text.islower():
        return CASE_MARKS[0]
    key = name_key(text)
    if not key.isalpha() or not _SHORT[0] <= len(key) <= _SHORT[1]:
        return ""
    letters = re.sub(r"[\W_]", "", _POSSESSIVE.sub("", text.translate(_APOSTROPHES)))
    n_capitals = sum(letter.isupper() for letter in letters[-len(key) :])
    return CASE_MARKS[1] if n_capitals > 1 else ""


def group(
    mentions: Sequence[Mention], people: Collection[str], *, cased: bool = False
) -> list[Grouped]:
    """Find the names of all mentions of a document.

    mentions (Sequence[Mention]): The mentions in the order of the text.
    people (Collection[str]): The labels of people.
    cased (bool): Whether the document writes names with capital letters, so that case can
        distinguish names, such as TIM and Tim.
    RETURNS (List[Grouped]): The name of each mention.
    """
    own = [
        _own_key(mention, mention.label in people) + (case_mark(mention.text) if cased else "")
        for mention in mentions
    ]
    names = list(own)
    for label in people:
        places = [i for i, mention in enumerate(mentions) if mention.label == label]
        _resolve(names, mentions, places)
    return [Grouped(name, name != key) for name, key in zip(names, own, strict=True)]


def _own_key(mention: Mention, person: bool) -> str:
    suffix = clues.suffix(mention.after) if person else ""
    return name_key(f"{mention.text} {suffix}", person=person)


def _resolve(names: list[str], mentions: Sequence[Mention], places: Sequence[int]) -> None:
    """Replace short names by full names.

    names (List[str]): The keys of all mentions, which are changed.
    mentions (Sequence[Mention]): All mentions.
    places (Sequence[int]): The indices of mentions of people.
    """
    first = {names[i]: i for i in reversed(places)}
    # With hyphens: Bose is not short for Bose-Einstein.
    words = {
        key: _without_titles(_words(f"{mentions[i].text} {clues.suffix(mentions[i].after)}"))
        for key, i in first.items()
    }
    relatives = {key for key, i in first.items() if clues.may_share_surname(mentions[i].before)}
    people = {key: parts for key, parts in sorted(words.items()) if parts}
    full = _full_names(people, relatives)
    # First names that are also the first name of a relative.
    ambiguous: set[str] = set()
    previous = ""
    for i in places:
        mention, key = mentions[i], names[i]
        if clues.is_relative(mention.before):
            ambiguous.add(key)
        is_clear = not (
            key in ambiguous
            or clues.may_be_relative(mention.after)
            or clues.is_second_half(mention.before, previous)
        )
        # What "Samuel" is short for may be short for "S. Samuel Quinn" in turn. A name that
        # comes later has not been introduced: it may well be that of a relative.
        while is_clear and names[i] in full and first[full[names[i]]] < i:
            names[i] = full[names[i]]
        previous = mention.text


def _key(words: Iterable[str]) -> str:
    """Ignore hyphens: Spider-Man is the same as Spider Man."""
    return " ".join(words).replace("-", " ")


def _words(text: str, *, possessive: bool = False) -> list[str]:
    """The words of a name without case, accents, punctuation (except hyphens), article, legal form,
    and possessive 's unless it is part of the name.
    """
    text = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES))
    text = unicodedata.normalize("NFKC", _ACCENTS.sub("", text)).casefold()
    text = _SIGNS.sub("", text.strip(" \"'“”,;:!?()[]"))
    text = text if possessive else _POSSESSIVE.sub("", text)
    text = _JOINED.sub("", text)
    text = _DOTS.sub("", _THOUSANDS.sub("", text.replace("&", " and ")))
    words = [word.strip("-") for word in _SEPARATORS.sub(" ", _DASHES.sub("-", text)).split()]
    text = " ".join(word for word in words if word)
    words = _INITIALS.sub(lambda run: run[0].replace(" ", ""), text).split()
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    while len(words) > 1 and words[-1] in _LEGAL_FORMS:
        words = words[:-1]
    return words


def _without_titles(words: list[str]) -> list[str]:
    while len(words) > 2 and words[-1] in _HONORS:
        words = words[:-1]
    offices = [i for i, word in enumerate(words[:_N_OFFICE]) if word in _OFFICES]
    if offices and offices[-1] + 1 < len(words):
        words = words[offices[-1] + 1 :]
    while len(words) > 1 and words[0] in _TITLES:
        words = words[1:]
    if len(words) > 2 and words[0] in _FEMALE_TITLES:
        words = words[1:]
    return words


def _full_names(words: dict[str, list[str]], relatives: Collection[str]) -> dict[str, str]:
    """The key of the full name for each short name that fits exactly one full name of the document.

    A surname is not a short form of the name of a relative, since it may refer to the other person.
    """
    longer = {
        short: [full for full in words if _is_short_for(words[short], words[full])]
        for short in words
    }
    resolved = {}
    for short, candidates in longer.items():
        # "Samuel J. Quinn" replaces "Samuel Quinn" if both are possible.
        longest = [full for full in candidates if not set(longer[full]) & set(candidates)]
        if len(longest) != 1 or _may_be_another(words[short], words[longest[0]], words):
            continue
        if longest[0] not in relatives or words[short][0] == words[longest[0]][0]:
            resolved[short] = longest[0]
    return resolved


def _is_short_for(short: list[str], full: list[str]) -> bool:
    """Whether one name can be a shorter form of another one of two or more words."""
    short = short[1:] if short[0] in _FEMALE_TITLES and len(short) > 1 else short
    if full[0] in _FEMALE_TITLES or len(full) < 2 or short == full:
        return False
    # "Sr." is only used if there is also a younger person with this name.
    if full[-1] == "sr" and short[-1] != "sr":
        return False
    if short[-1] not in _SUFFIXES:
        while len(full) > 1 and full[-1] in _SUFFIXES:
            full = full[:-1]
        # Hank Williams may be the father of Hank Williams III.
        if short == full and len(short) > 1:
            return False
    if len(short) == 1:
        return short[0] in (full[0], full[-1])
    if len(short) > len(full) or short[-1] != full[-1]:
        return False
    if short == full[len(full) - len(short) :]:
        return True
    # The first names agree, if only by an initial, and those between are a selection.
    rest = iter(full[1:])
    agrees = short[0] == full[0] or _abbreviates(short[0], full[0])
    return agrees and all(any(_agree(a, b) for b in rest) for a in short[1:])


def _agree(one: str, other: str) -> bool:
    return one == other or _abbreviates(one, other)


def _abbreviates(one: str, other: str) -> bool:
    return len(one) == 1 and other.startswith(one)


def _may_be_another(short: list[str], full: list[str], words: dict[str, list[str]]) -> bool:
    """Whether the document mentions both Mrs. Quinn and Quinn or Mr. Quinn, who are two people."""
    surname = short[-1]
    alone = [surname] in words.values()
    with_title = any(
        len(w) == 2 and w[0] in _FEMALE_TITLES and w[1] == surname for w in words.values()
    )
    return alone and with_title and full[-1] == surname
