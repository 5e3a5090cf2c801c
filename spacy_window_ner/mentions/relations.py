"""What the verb of an English question says about its answer: other words for the same relation,
whether an organization can do it, and on which side of the verb the answer stands.
"""

import re
from collections.abc import Sequence

# Without inflections, which full-text search and `_stem` take care of.
_GROUPS = [
    group.split()
    for group in (
        "write wrote written writer author",
        "founded founder founding establish started launch create",
        "born birth birthplace",
        "die death killed",
        "marry married wife husband spouse",
        "buy bought acquire acquisition purchase took taken",
        "make made maker manufacture produce",
        "sell sold sale",
        "win won winner winning victory",
        "lead led leader head",
        "own owner",
        "direct director",
        "compose composer",
        "invent inventor invention",
        "play portray star starring starred",
        "begin began begun start",
        "teach taught teacher professor",
        "study student educated attend graduated",
        "sing sang sung singer vocalist",
        "beat beaten defeat",
        "build built builder construct construction",
        "fight fought battle",
        "discover discovery discoverer",
        "publish publisher publication",
        "sue lawsuit",
        "move moved went transferred",
    )
]
_TO_ORGANIZATIONS = (
    "sue buy bought acquire own fund finance sponsor launch sell sold merge replace beat defeat "
    "ban fine run operate supply raid"
)
_BY_ORGANIZATIONS = (
    f"{_TO_ORGANIZATIONS} make made manufacture produce publish release sign employ hire build "
    "built develop commission invest announce issue win won organize host arrest confiscate pay "
    "paid award"
)
_BE = ("is", "was", "are", "were", "be", "been", "being")
_DO = ("did", "does", "do", "has", "had", "have", "will", "can", "may")
_ARTICLES = ("the", "a", "an")
# These say little about what is asked for: a text says "in Oslo" where a question says "located".
_LIGHT = frozenset(
    [
        *("located", "situated", "based", "place", "take", "took", "taken", "happen", "happened"),
        *("called", "named", "come", "came"),
    ]
)


def _stem(word: str) -> str:
    return re.sub(r"(?:ing|ed|es|er|s|e)$", "", word)


_RELATED = {_stem(word): tuple(group) for group in reversed(_GROUPS) for word in group}
_DONE_BY, _DONE_TO = (
    frozenset(map(_stem, words.split())) for words in (_BY_ORGANIZATIONS, _TO_ORGANIZATIONS)
)


def related(word: str) -> tuple[str, ...]:
    """RETURNS (Tuple[str]): The word, and others that stand for the same relation."""
    return tuple(dict.fromkeys([word, *_RELATED.get(_stem(word), ())]))


def is_light(word: str) -> bool:
    """RETURNS (bool): Whether texts often leave out the word where a question has it."""
    return word in _LIGHT


def verb_of(words: Sequence[str]) -> tuple[str, int]:
    """Find the verb of a question, or the noun of "who is the author".

    words (Sequence[str]): The words after "who" or "which company", without case.
    RETURNS (Tuple[str, int]): The verb, and where its answer stands: -1 before the verb, as for
        "who wrote" and "who was elected", 1 after it, as for "who did she meet". The verb is empty
        and the number 0 if it is not clear.
    """
    first, rest = (words[0], words[1:]) if words else ("", ())
    if first not in _BE + _DO:
        return first, -1 if first else 0
    if len(rest) > 1 and rest[0] in _ARTICLES and first in _BE:
        return rest[1], -1
    verb = next((word for word in rest if word.endswith("ed") or _stem(word) in _RELATED), "")
    return verb, 0 if not verb else 1 if first in _DO else -1


def may_be_organization(words: Sequence[str]) -> bool:
    """Find whether the answer to "who" may be an organization: "who sued", "who is the owner of".

    words (Sequence[str]): The words after "who", without case.
    RETURNS (bool): Whether organizations do what the question asks for, or have it done to them.
    """
    if len(words) > 2 and words[0] in _BE and words[1] in _ARTICLES:
        return words[2].endswith("er") and _stem(words[2]) in _DONE_BY
    is_done = bool(words) and words[0] in _BE + _DO
    return _stem(verb_of(words)[0]) in (_DONE_TO if is_done else _DONE_BY)
