"""Dates, times, amounts and numbers in the forms in which people write them.

The forms are the rules of `rules/forms.txt`, weighted by how common they are. Entities are as long
as in OntoNotes 5: "about 40 percent", "the past three years", "between 5 and 7 percent" as a whole,
prepositions outside.
"""

from pathlib import Path
from random import Random

from grammar import Grammar, Piece

RULES = Path(__file__).parents[1] / "rules"
# For each numeric label, rules that make one entity of it.
FORMS = {
    "DATE": ("date", "moment", "in", "span", "age", "adjdate", "holidays", "weekdays", "recent"),
    "TIME": ("time", "times", "hour"),
    "MONEY": ("money", "plainmoney"),
    "PERCENT": ("percent", "change"),
    "QUANTITY": ("quantity", "dose", "temp", "size"),
    "ORDINAL": ("ordinal",),
    "CARDINAL": ("cardinal", "number", "some", "ratio", "score"),
}


def add_forms(grammar: Grammar) -> None:
    """Add the rules of the numeric labels.

    grammar (Grammar): The grammar, which is changed.
    """
    grammar.read(RULES / "forms.txt")


def draw_form(grammar: Grammar, label: str, random: Random) -> Piece:
    """Draw an entity of a numeric label.

    grammar (Grammar): A grammar with the rules of `add_forms`.
    label (str): A label of `FORMS`.
    random (Random): The source of randomness.
    RETURNS (Piece): Its text and label.
    """
    (piece,) = grammar.make(random.choice(FORMS[label]), random)
    return piece
