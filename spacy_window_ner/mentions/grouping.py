"""Which mentions are of one name: a key for each mention, from its text and its document.

Keys leave out what changes from one mention to the next: case, punctuation, a possessive 's, the
article, titles of people and legal forms of companies. In a document, the short name of a person
becomes the full one if that was introduced before, and no other full name there has it.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

# Titles that say little about who is meant. King, Lady and the like are part of many names.
_TITLES = frozenset(
    [
        *("mr", "mister", "dr", "prof", "professor", "sir", "rev", "reverend", "judge", "justice"),
        *("president", "premier", "chancellor", "minister", "senator", "sen", "rep", "governor"),
        *("gov", "congressman", "congresswoman", "captain", "capt", "colonel", "col", "general"),
        *("gen", "lieutenant", "lt", "major", "maj", "sergeant", "sgt", "corporal", "admiral"),
        *("adm", "commander"),
    ]
)
# With a surname alone, these are another person than the surname alone or with Mr.
_FEMALE_TITLES = frozenset(["mrs", "ms", "miss", "madame", "mme"])
_LEGAL_FORMS = frozenset(
    ["inc", "ltd", "limited", "corp", "corporation", "llc", "llp", "lp", "plc", "gmbh", "ag", "co"]
)
_SUFFIXES = frozenset(["jr", "sr", "ii", "iii", "iv"])

_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'"})
_ACCENTS = re.compile("[\u0300-\u036f]")
_DASHES = re.compile(r"[\u2010-\u2015\u2212-]+")
_POSSESSIVE = re.compile(r"(?<=\w)\s*'s?$")
_JOINED = re.compile(r"\s*'(?=s\b)|(?<=\w)'")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_DOTS = re.compile(r"(?<!\d)\.|\.(?!\d)")
# Signs that tell names apart, as in C# and C++.
_SEPARATORS = re.compile(r"[^\w\s.+#-]|_")
_INITIALS = re.compile(r"\b(?:[^\W\d_] )+[^\W\d_]\b")


@dataclass(frozen=True)
class Mention:
    """What decides on the name of a mention.

    text (str): Its text.
    label (str): Its label.
    """

    text: str
    label: str


@dataclass(frozen=True)
class Grouped:
    """The name of a mention.

    key (str): The same for all mentions of one name with one label.
    short (bool): Whether the mention is short for a name that is in the document in full.
    """

    key: str
    short: bool


def name_key(text: str, *, person: bool = False) -> str:
    """Find what all full forms of a name have in common.

    text (str): The mention.
    person (bool): Whether it is of a person, so that a title is no part of the name.
    RETURNS (str): The key; never empty unless the text is.
    """
    words = _words(text)
    if person:
        words = _without_titles(words)
    return _key(words) or text.strip().casefold()


def group(
    mentions: Sequence[Mention], people: Collection[str], *, cased: bool = False
) -> list[Grouped]:
    """Find the names of all mentions of a document.

    mentions (Sequence[Mention]): The mentions in the order of the text.
    people (Collection[str]): The labels of people.
    cased (bool): Whether the document writes names with capital letters. A party is not the Party
        then.
    RETURNS (List[Grouped]): The name of each mention.
    """
    keys = [name_key(mention.text, person=mention.label in people) for mention in mentions]
    names = [
        f"{key} (lower case)" if cased and mention.text.islower() else key
        for key, mention in zip(keys, mentions, strict=True)
    ]
    own = list(names)
    for label in people:
        places = [i for i, mention in enumerate(mentions) if mention.label == label]
        first = {names[i]: i for i in reversed(places)}
        # With hyphens: Bose is not short for Bose-Einstein.
        words = {key: _without_titles(_words(mentions[i].text)) for key, i in first.items()}
        full = _full_names({key: parts for key, parts in sorted(words.items()) if parts})
        for i in places:
            # What "Samuel" is short for may be short for "S. Samuel Quinn" in turn. A name that
            # comes later has not been introduced: it may well be that of a relative.
            while names[i] in full and first[full[names[i]]] < i:
                names[i] = full[names[i]]
    return [Grouped(name, name != key) for name, key in zip(names, own, strict=True)]


def _key(words: Iterable[str]) -> str:
    """Spider-Man is Spider Man."""
    return " ".join(words).replace("-", " ")


def _words(text: str) -> list[str]:
    """The words of a name without case, accents, punctuation but hyphens, article, legal form."""
    text = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES))
    text = unicodedata.normalize("NFKC", _ACCENTS.sub("", text)).casefold()
    text = _POSSESSIVE.sub("", text.strip(" \"'“”,;:!?()[]"))
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
    while len(words) > 1 and words[0] in _TITLES:
        words = words[1:]
    if len(words) > 2 and words[0] in _FEMALE_TITLES:
        words = words[1:]
    return words


def _full_names(words: dict[str, list[str]]) -> dict[str, str]:
    """The key of the full name for each short one that only one full name of the document has."""
    longer = {
        short: [full for full in words if _is_short_for(words[short], words[full])]
        for short in words
    }
    resolved = {}
    for short, candidates in longer.items():
        # "Samuel J. Quinn" has taken the place of "Samuel Quinn" where both could be meant.
        longest = [full for full in candidates if not set(longer[full]) & set(candidates)]
        if len(longest) == 1 and not _may_be_another(words[short], words[longest[0]], words):
            resolved[short] = longest[0]
    return resolved


def _is_short_for(short: list[str], full: list[str]) -> bool:
    """Whether one name can be a shorter form of another one of two or more words."""
    short = short[1:] if short[0] in _FEMALE_TITLES and len(short) > 1 else short
    if full[0] in _FEMALE_TITLES or len(full) < 2 or short == full:
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
    """Whether a Mrs. Quinn, and a Quinn or Mr. Quinn besides, are in the document: two people."""
    surname = short[-1]
    alone = [surname] in words.values()
    with_title = any(
        len(w) == 2 and w[0] in _FEMALE_TITLES and w[1] == surname for w in words.values()
    )
    return alone and with_title and full[-1] == surname
