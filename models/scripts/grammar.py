r"""Annotated text at random from rules that are written as text.

A rule has a name and alternatives, one of which is chosen:

    [meeting]
    3x {person} {met|saw} <ORG the {surname} Trust> in {city} {date}.
    Lunch with {person#1}. Bring {surname#1}'s {2-9} books.

`{name}` is what another rule makes, `{Name}` the same with a capital, and `{name#1}` the same each
time in one text. `{2-9}` is a whole number from 2 to 9, `{1,000-9,999}` one with commas, `{01-31}`
one of two digits, and `{0.5-9.9}` a number with one decimal. `{a|b|}` is one of its alternatives,
which can be empty. `<ORG …>` is an entity; inside of it, other entities are not. `a(n)` is the
article that goes with the next letter, `\n` ends a line, `\t` is a tab. `3x` gives an alternative
thrice the weight.

"the" at the beginning of a name is not part of the entity unless the grammar is told so: corpora
differ in this. It is part of dates, amounts and titles of works.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

LABELS = (
    *("PERSON", "NORP", "FAC", "ORG", "GPE", "LOC", "PRODUCT", "EVENT", "WORK_OF_ART", "LAW"),
    *("LANGUAGE", "DATE", "TIME", "PERCENT", "MONEY", "QUANTITY", "ORDINAL", "CARDINAL"),
)
# Labels of names: the others are numeric, or titles of works, which keep their article.
NAMES = frozenset(LABELS[: LABELS.index("LANGUAGE") + 1]) - {"WORK_OF_ART"}
_TOKEN = re.compile(r"<(?:" + "|".join(LABELS) + r") |[{}|>]|[^{}|<>]+|<")
_NUMBERS = re.compile(r"([\d,.]+)-([\d,.]+)")
_REFERENCE = re.compile(r"([A-Za-z]\w*)(?:#(\w+))?")
_ARTICLE = re.compile(r"\b([aA])\(n\)(?=\s+(\w+))")

# Text with the label of the entity that it is, or with the empty string.
Piece = tuple[str, str]


@dataclass
class Context:
    """The state of one text.

    random (Random): The source of randomness.
    remembered (Dict[Any, Any]): What was chosen for each `{name#key}`, and for each key by rules
        that are functions.
    """

    random: Random
    remembered: dict[Any, Any] = field(default_factory=dict)


# A function that makes the pieces of a part of a text. The key is that of `{name#key}`.
Maker = Callable[[Context, str], list[Piece]]


class Grammar:
    """Rules, by which annotated text is made.

    rules (Dict[str, Maker]): The rules by name.
    articles (bool): Whether "the" is part of a name that has it.
    """

    def __init__(self, articles: bool = False) -> None:
        self.rules: dict[str, Maker] = {}
        self.articles = articles
        self._references: set[str] = set()

    def read(self, path: Path) -> None:
        """Read rules from a file: a line `[name]`, followed by a line for each alternative. Empty
        lines and lines that start with `#` are left out.

        path (Path): The file.
        RAISES (ValueError): If a line is not as described, or there is a rule of this name.
        """
        found: dict[str, list[str]] = {}
        lines: list[str] | None = None
        for number, line in enumerate(path.read_text(encoding="utf8").splitlines(), 1):
            if header := re.fullmatch(r"\[(\w+)\]", line):
                lines = found.setdefault(header[1], [])
            elif line.strip() and not line.startswith("#"):
                if lines is None:
                    raise ValueError(f"{path}, line {number}: needs a line [name] before it.")
                lines.append(line)
        for name, alternatives in found.items():
            try:
                self.add(name, alternatives)
            except ValueError as error:
                raise ValueError(f"{path}, [{name}]: {error}") from None

    def add(self, name: str, rule: Maker | Iterable[str]) -> None:
        """Add a rule.

        name (str): Its name, in lowercase.
        rule (Union[Maker, Iterable[str]]): A function, or the alternatives, each with its weight
            as `3x ` before it if that is not 1.
        RAISES (ValueError): If there is a rule of this name, or an alternative cannot be read.
        """
        if name in self.rules:
            raise ValueError(f"There are two rules with the name {name}.")
        if callable(rule):
            self.rules[name] = rule
            return
        parts = [re.fullmatch(r"(?:(\d+)x )?(.*)", line, re.DOTALL) for line in rule]
        weights = [int(part[1] or 1) for part in parts if part]
        makers = [self.parse(part[2]) for part in parts if part]
        self.rules[name] = partial(_choose, makers, list(accumulate(weights)))

    def unknown(self) -> set[str]:
        """RETURNS (Set[str]): The names that rules refer to and that no rule has."""
        return {name for name in self._references if name not in self.rules}

    def parse(self, text: str) -> Maker:
        r"""Read an alternative.

        text (str): What it says, where `\n` ends a line and `\t` is a tab.
        RETURNS (Maker): The function that makes it.
        RAISES (ValueError): If a bracket is missing.
        """
        tokens = _TOKEN.findall(text.replace("\\n", "\n").replace("\\t", "\t"))
        maker, end = self._sequence(tokens, 0, "")
        if end < len(tokens):
            raise ValueError(f"{tokens[end]!r} without its beginning: {text}")
        return maker

    def _sequence(self, tokens: list[str], start: int, closing: str) -> tuple[Maker, int]:
        """Read parts until a token that ends them. Outside of `{…}` and `<…>`, `|` and `>` are
        text.
        """
        makers: list[Maker] = []
        while start < len(tokens):
            token = tokens[start]
            if token == "}" or (token in closing and token in "|>"):
                break
            if token == "{":
                maker, start = self._braces(tokens, start + 1)
            elif token[0] == "<" and len(token) > 1:
                inner, start = self._sequence(tokens, start + 1, ">")
                if start == len(tokens) or tokens[start] != ">":
                    raise ValueError(f"No > after {token}: {''.join(tokens)}")
                maker, start = partial(self._entity, token[1:-1], inner), start + 1
            else:
                maker, start = partial(_constant, [(token, "")]), start + 1
            makers.append(maker)
        return partial(_join, makers), start

    def _braces(self, tokens: list[str], start: int) -> tuple[Maker, int]:
        """Read what is between `{` and `}`."""
        content = tokens[start] if start < len(tokens) else ""
        if tokens[start + 1 : start + 2] == ["}"]:
            if numbers := _NUMBERS.fullmatch(content):
                return partial(_number, numbers[1], numbers[2]), start + 2
            if reference := _REFERENCE.fullmatch(content):
                self._references.add(reference[1].lower())
                return partial(self._refer, reference[1], reference[2] or ""), start + 2
        makers = []
        while True:
            maker, start = self._sequence(tokens, start, "|}")
            makers.append(maker)
            if start == len(tokens):
                raise ValueError(f"No }} after {{: {''.join(tokens)}")
            start += 1
            if tokens[start - 1] == "}":
                return partial(_choose, makers, list(range(1, len(makers) + 1))), start

    def _refer(self, name: str, key: str, context: Context, _: str) -> list[Piece]:
        lower = name.lower()
        pieces = context.remembered.get((lower, key)) if key else None
        if pieces is None:
            pieces = self.rules[lower](context, key)
            if key:
                context.remembered[lower, key] = pieces
        if name != lower and pieces:
            text, label = pieces[0]
            pieces = [(text[:1].upper() + text[1:], label), *pieces[1:]]
        return pieces

    def _entity(self, label: str, inner: Maker, context: Context, key: str) -> list[Piece]:
        text = "".join(text for text, _ in inner(context, key)).strip()
        if label in NAMES and not self.articles and text.startswith("the "):
            return [(text[:4], ""), (text[4:], label)]
        return [(text, label)]

    def make(self, name: str, random: Random) -> list[Piece]:
        """Make a text.

        name (str): The name of the rule.
        random (Random): The source of randomness.
        RETURNS (List[Piece]): Its pieces, each with the label of the entity that it is.
        """
        pieces: list[Piece] = []
        for text, label in self.rules[name](Context(random), ""):
            if not label and pieces and not pieces[-1][1]:
                pieces[-1] = (pieces[-1][0] + text, "")
            elif text:
                pieces.append((text, label))
        for i, (text, label) in enumerate(pieces):
            if "(n)" in text:
                after = pieces[i + 1][0] if i + 1 < len(pieces) else ""
                text = _ARTICLE.sub(_article, text + after)
                pieces[i] = (text[: len(text) - len(after)], label)
        return pieces


def _constant(pieces: list[Piece], context: Context, key: str) -> list[Piece]:
    return pieces


def _join(makers: list[Maker], context: Context, key: str) -> list[Piece]:
    return [piece for maker in makers for piece in maker(context, key)]


def _choose(makers: list[Maker], sums: list[int], context: Context, key: str) -> list[Piece]:
    (maker,) = context.random.choices(makers, cum_weights=sums)
    return maker(context, key)


def _number(low: str, high: str, context: Context, key: str) -> list[Piece]:
    commas, plain = "," in high, (low.replace(",", ""), high.replace(",", ""))
    if "." in high:
        places = len(high.split(".")[1])
        value = context.random.uniform(float(plain[0]), float(plain[1]))
        return [(f"{value:{',' if commas else ''}.{places}f}", "")]
    number = context.random.randint(int(plain[0]), int(plain[1]))
    width = len(low) if low.startswith("0") and len(low) > 1 else 1
    return [(f"{number:,}" if commas else f"{number:0{width}d}", "")]


def _article(match: re.Match[str]) -> str:
    vowel = re.match(r"[aeiouAEIOU]|8|1[18](?!\d)", match[2])
    return match[1] + ("n" if vowel else "")
