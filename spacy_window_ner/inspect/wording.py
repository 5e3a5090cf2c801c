"""Descriptions of the evidence for an entity, for readers who do not know the network."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from spacy.tokens import Doc, Token

from .explanation import Explanation, Reason

# Reasons smaller than this share of the largest one are left out.
LEAST_SHARE = 0.05
_ELSEWHERE = "elsewhere in the text"
_OUTSIDE = "a word outside of entities"
_NUMBERS = ("", "the", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_PARTS = {
    "ORTH": "the word itself",
    "NORM": "the word itself",
    "LOWER": "the word itself",
    "CASE": "capital letters",
    "static_vectors": "meaning (word vectors)",
    "gazetteer": "list of names",
    "character_pairs": "pairs of characters",
    "tok2vec": "the word and its neighbors",
}


def reasons_of(one: Explanation, doc: Doc) -> list[Reason]:
    """Describe the contributions of an explanation in words.

    one (Explanation): The explanation.
    doc (Doc): The document.
    RETURNS (List[Reason]): The reasons, the largest first: features of the words of the span, words
        around it, other occurrences of words, and label transitions. Reasons with the same
        description are merged.
    """
    sums: dict[str, float] = defaultdict(float)
    for said, total in _all_reasons(one, doc):
        sums[said] += total
    least = LEAST_SHARE * max(map(abs, sums.values()))
    found = [Reason(said, total) for said, total in sums.items() if abs(total) >= least > 0]
    return sorted(found, key=lambda reason: -abs(reason.total))


def _all_reasons(one: Explanation, doc: Doc) -> Iterator[tuple[str, float]]:
    outside = {token.norm for token in doc if not one.start <= token.i < one.end}
    for word in one.words:
        where, token = one.where(word), doc[word.token]
        if where == "in":
            for part, total in word.parts.items():
                yield f"{word.text}: {part_in_words(part, token)}", total
            other = token.norm in outside
            said = f"{_ELSEWHERE}: {word.text}" if other else f"{word.text}: as a neighbor"
            yield said, word.elsewhere
        else:
            is_near = abs(word.elsewhere) <= abs(sum(word.parts.values()))
            said = place_in_words(int(where)) if is_near else _ELSEWHERE
            yield f"{said}: {word.text}", word.total
    for step in one.transitions:
        yield step_in_words(step.before, step.after), step.total


def part_in_words(part: str, token: Token) -> str:
    """Describe a feature of a word.

    part (str): The name of the feature, such as "SUFFIX3".
    token (Token): The word.
    RETURNS (str): For example "ending -ton".
    """
    if part == "SHAPE":
        return f"written form {token.shape_}"
    if re.fullmatch(r"CLUSTER\d+|clusters_\d+", part):
        return "similar words"
    affix = re.fullmatch(r"(PREFIX|SUFFIX)(\d?)", part)
    if affix is None:
        return _PARTS.get(part, part)
    is_prefix, length = affix[1] == "PREFIX", int(affix[2] or 0)
    if not length:
        letters = token.prefix_ if is_prefix else token.suffix_
    else:
        letters = token.text[:length] if is_prefix else token.text[-length:]
    if letters == token.text:
        return "the word itself"
    return f"beginning {letters}-" if is_prefix else f"ending -{letters}"


def place_in_words(distance: int) -> str:
    """RETURNS (str): The position of a word relative to an entity, before it if negative."""
    n = abs(distance)
    number = _NUMBERS[n] if n < len(_NUMBERS) else f"{n:,}"
    return f"{number} word{'s' * (n > 1)} {'before' if distance < 0 else 'after'}"


def step_in_words(before: str, after: str) -> str:
    """RETURNS (str): A description of a transition between labels or `O`."""
    first, second = (_OUTSIDE if name == "O" else name for name in (before, after))
    return f"{second} after {'another' if first == second == _OUTSIDE else first}"


def verdict(one: Explanation) -> str:
    """RETURNS (str): Whether a span is an entity, and its probability."""
    return f"{'An' if one.is_entity else 'Not an'} entity, probability {one.probability:.4f}"


def instead(entities: Iterable[tuple[str, str]]) -> str:
    """RETURNS (str): The texts and labels of the entities predicted instead."""
    return ", ".join(f"{text} ({label})" for text, label in entities) or "no entity"


def signs(total: float, largest: float) -> str:
    """RETURNS (str): The strength of a reason relative to the largest: "+" to "+++", or "−"."""
    n = 1 + (abs(total) > largest / 3) + (abs(total) > 2 * largest / 3)
    return ("+" if total > 0 else "−") * n
