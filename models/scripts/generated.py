"""Texts of many kinds that are made by rules, with all 18 labels of spaCy's English pipelines.

    python scripts/generated.py generated.spacy --texts 20000 --seed 0

They are mixed into training, for what openly licensed corpora lack: numeric labels in many written
forms, names of many cultures, and kinds of text such as tables, addresses and medical notes. The
sentences are in `rules/kinds`, what fills their slots in `rules` and in the lists of Faker, which
has to be installed (`pip install faker`).
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from random import Random

import spacy
import typer
from grammar import LABELS, Grammar, Piece
from names_of_people import add_people
from places import add_places
from spacy.tokens import Doc, DocBin
from wasabi import msg
from written_forms import RULES, add_forms

from spacy_window_ner.labels import set_annotated_labels

# How often texts are of each kind.
KINDS = {
    "everyday": 13,
    "news": 14,
    "headline": 7,
    "medical": 11,
    "finance": 11,
    "table": 9,
    "address": 6,
    "mail": 9,
    "chat": 8,
    "legal": 8,
    "encyclopedia": 9,
    "things": 22,
    "nothing": 4,
}
# Kinds of which several texts can follow each other, and what is between them.
PROSE = ("everyday", "news", "medical", "finance", "legal", "encyclopedia", "things")
BETWEEN = {**dict.fromkeys(PROSE, " "), "chat": "\n"}
nlp = spacy.blank("en")


@cache
def make_grammar(articles: bool = False) -> Grammar:
    """Make the grammar of the texts.

    articles (bool): Whether "the" is part of names that have it ("the United Nations"), as in
        OntoNotes. It is not in most corpora of names.
    RETURNS (Grammar): The grammar, with a rule for each kind.
    RAISES (ValueError): If rules refer to rules that are not there.
    """
    grammar = Grammar(articles)
    add_people(grammar)
    add_places(grammar)
    add_forms(grammar)
    for path in (RULES / "names.txt", *sorted((RULES / "kinds").glob("*.txt"))):
        grammar.read(path)
    if unknown := grammar.unknown():
        raise ValueError(f"No rule has the name {', '.join(sorted(unknown))}.")
    return grammar


def make_text(grammar: Grammar, kind: str, random: Random) -> list[Piece]:
    """Make a text.

    grammar (Grammar): The grammar.
    kind (str): The kind, of `KINDS`.
    random (Random): The source of randomness.
    RETURNS (List[Piece]): Its pieces, each with the label of the entity that it is.
    """
    n_parts = random.choices((1, 2, 3, 4), (50, 25, 15, 10))[0] if kind in BETWEEN else 1
    share = 0.1 if n_parts > 1 else 0
    parts: list[list[Piece]] = []
    while len(parts) < n_parts:
        part = grammar.make("nothing" if random.random() < share else kind, random)
        if kind != "chat":
            if n_parts > 1 and part[-1][0][-1] not in ".!?":
                continue  # a heading, or the like
            text, label = part[0]
            part[0] = (text[:1].upper() + text[1:], label)
        parts.append([(BETWEEN[kind], ""), *part] if parts else part)
    pieces = [piece for part in parts for piece in part]
    for i, (text, label) in enumerate(pieces[1:], 1):
        # A period at the end of an abbreviation ends the sentence, too.
        if text.startswith(".") and pieces[i - 1][0].endswith("."):
            pieces[i] = (text[1:], label)
    change = _variant(kind, random)
    curly = random.random() < 0.15
    return [
        (change(text).replace("'", "’") if curly else change(text), label) for text, label in pieces
    ]


def _variant(kind: str, random: Random) -> Callable[[str], str]:
    """RETURNS (Callable[[str], str]): How to write a text: all lowercase, all capitals, as a
    headline, or as it is.
    """
    lower, upper, title = {"chat": (55, 3, 0), "headline": (4, 20, 30)}.get(kind, (3, 2, 0))
    as_it_is = 100 - lower - upper - title
    (variant,) = random.choices(
        (str.lower, str.upper, _headline, str), (lower, upper, title, as_it_is)
    )
    return variant


def _headline(text: str) -> str:
    """RETURNS (str): A text with capitals in all but short words."""
    return " ".join(
        word[:1].upper() + word[1:] if len(word) > 3 else word for word in text.split(" ")
    )


def make_doc(pieces: list[Piece]) -> Doc | None:
    """Tokenize a text.

    pieces (List[Piece]): Its pieces.
    RETURNS (Optional[Doc]): The document with its entities, which says that all labels are
        annotated; None if an entity begins or ends inside of a token. A token that has a period
        after the entity ("5 g.") is part of it.
    """
    doc = nlp.make_doc("".join(text for text, _ in pieces))
    spans, start = [], 0
    for text, label in pieces:
        end = start + len(text)
        if label:
            span = doc.char_span(start, end, label, alignment_mode="expand")
            if span.text not in (text, f"{text}."):
                return None
            spans.append(span)
        start = end
    doc.ents = spans
    set_annotated_labels(doc, LABELS)
    return doc


def generate(
    n: int, seed: int, kinds: Mapping[str, int] = KINDS, articles: bool = False
) -> list[Doc]:
    """Make texts.

    n (int): Their number.
    seed (int): The same texts are made with the same seed.
    kinds (Mapping[str, int]): The kinds of text, with how often each is drawn.
    articles (bool): Whether "the" is part of names that have it; see `make_grammar`.
    RETURNS (List[Doc]): The texts with their entities.
    RAISES (ValueError): If there is no such kind.
    """
    if unknown := set(kinds) - set(KINDS):
        raise ValueError(
            f"No kinds of text: {', '.join(sorted(unknown))}. There are {', '.join(KINDS)}."
        )
    random, grammar = Random(seed), make_grammar(articles)
    docs: list[Doc] = []
    while len(docs) < n:
        (kind,) = random.choices(list(kinds), list(kinds.values()))
        doc = make_doc(make_text(grammar, kind, random))
        if doc is not None:
            docs.append(doc)
    return docs


def main(output: Path, texts: int = 20_000, seed: int = 0) -> None:
    """Make texts and save them."""
    docs = generate(texts, seed)
    DocBin(docs=docs, store_user_data=True).to_disk(output)
    n_entities = sum(len(doc.ents) for doc in docs)
    msg.good(f"Made {len(docs)} texts with {n_entities} entities: {output}")


if __name__ == "__main__":
    typer.run(main)
