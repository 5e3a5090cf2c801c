"""What the words beside a mention of a person say about who is meant (English).

Where a text speaks of relatives, several people have one surname, and a first name alone may be
that of a son. Kinship is written in lower case: Father Brown and Sister Mary have titles.
"""

import re

_BLOOD = (
    "father|mother|son|daughter|brother|sister|uncle|aunt|nephew|niece|cousin|twin|sibling|"
    "grandfather|grandmother|grandson|granddaughter|stepfather|stepmother|stepson|stepdaughter"
)
_MARRIED = "husband|wife|widow|widower|spouse"
_GROUPS = "brothers|sisters|siblings|twins|family|families|parents|couple|dynasty|clan"

_END = r")s?(?:\s*,|\s+(?:of|named|called))?\s*$"
_RELATIVE = re.compile(rf"\b(?:{_BLOOD}{_END}")
_RELATIVE_BY_NAME = re.compile(rf"\b(?:{_BLOOD}|{_MARRIED}{_END}")
_WITH_RELATIVE = re.compile(
    rf"\s*(?:,?\s*(?:and|with)\s+(?:his|her|their)\s+(?:\w+\s+){{0,2}}(?:{_BLOOD})s?\b"
    rf"|(?<=\s)(?:{_GROUPS})\b)"
)
_SUFFIX = re.compile(r"\s*,?\s*(Jr|Sr|II|III|IV)\b\.?")


def is_relative(before: str) -> bool:
    """RETURNS (bool): Whether what is before a mention makes it that of a relative of somebody, as
    in "his son Samuel".
    """
    return _RELATIVE.search(before) is not None


def may_share_surname(before: str) -> bool:
    """RETURNS (bool): Whether what is before a full name says that somebody else in the text has
    the same surname, as in "his wife Anna Quinn" and "the son of Samuel Quinn".
    """
    return _RELATIVE_BY_NAME.search(before) is not None


def may_be_relative(after: str) -> bool:
    """RETURNS (bool): Whether what is behind a mention leaves open who of a family is meant, as in
    "Quinn and his son" and "the Quinn brothers".
    """
    return _WITH_RELATIVE.match(after) is not None


def suffix(after: str) -> str:
    """RETURNS (str): What is behind a mention and part of the name, as in "Samuel Quinn Sr."; empty
    if there is nothing.
    """
    found = _SUFFIX.match(after)
    return found[1] if found else ""


def is_second_half(before: str, previous: str) -> bool:
    """RETURNS (bool): Whether a mention is the second half of a double surname, as the John in
    "Olivia Newton-John", where "Olivia Newton" is the mention before.
    """
    return " " in previous and before.endswith((f"{previous}-", f"{previous} - "))
