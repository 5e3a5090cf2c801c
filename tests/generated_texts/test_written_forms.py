"""Dates, times and amounts as people write them."""

import re
from random import Random

import pytest

# What a form of each label may look like; every pattern has to be met by some of them.
WRITTEN = {
    "DATE": (
        r"\d{4}-\d\d-\d\d",
        r"\d{1,2}/\d{1,2}/\d\d",
        r"\d\d\.\d\d\.\d{4}",
        r"Sept\. \d+",
        r"\d+ [A-Z][a-z]+ \d{4}",
        r"the \d+(st|nd|rd|th) of [A-Z][a-z]+",
        r"the (first|second|third|fourth) quarter of \d{4}",
        r"Q\d \d{4}",
        r"FY\d{4}",
        r"the \d{4}s",
        r"\d{4}–\d{4}",
        r"between \d{4} and \d{4}",
        r"\d+-year-old",
        r"aged \d+",
        r"the (past|last) \w+ (years|weeks|months|days)",
        r"two weeks ago",
        r"next [A-Z]\w+day",
        r"yesterday",
    ),
    "TIME": (r"\d+ a\.m\. E?S?T", r"\d\d:\d\d", r"half past \w+", r"two hours", r"\d+(am|pm)"),
    "MONEY": (
        r"\$\d\.\dbn",
        r"€ \d+m",
        r"US\$ \d+( million| billion|m|bn)?",
        r"£\d+\.\d\d",
        r"\w+ million dollars",
        r"Rs \d+,\d+",
        r"¥\d+,\d+",
        r"CHF \d+,\d+",
        r"about .+",
    ),
    "PERCENT": (r"\d\.\d percent", r"\d+%", r"about \d+ per cent", r"\d–\d+ %"),
    "QUANTITY": (
        r"\d+ km",
        r".+ mg/dL",
        r"about .+ miles",
        r"six f\w+ \w+",
        r"\d+\.\d °F",
        r"\d+ square meters",
    ),
    "ORDINAL": (r"first", r"\d+th"),
    "CARDINAL": (r"five", r"\d,\d{3}", r"dozens", r"more than \w+", r"one in \w+"),
}


def forms_grammar(script):
    grammar = script("grammar").Grammar()
    script("written_forms").add_forms(grammar)
    return grammar


@pytest.mark.parametrize("label", WRITTEN)
def test_all_usual_forms_are_there(script, label):
    forms, grammar = script("written_forms"), forms_grammar(script)
    assert not grammar.unknown()
    assert set(forms.FORMS) == set(WRITTEN)
    random = Random(0)
    drawn = [forms.draw_form(grammar, label, random) for _ in range(6000)]
    assert {found for _, found in drawn} == {label}
    texts = {text for text, _ in drawn}
    missing = [p for p in WRITTEN[label] if not any(re.fullmatch(p, text) for text in texts)]
    assert not missing


def test_forms_are_whole_and_without_prepositions(script):
    forms, grammar = script("written_forms"), forms_grammar(script)
    random = Random(1)
    for label in forms.FORMS:
        for _ in range(500):
            text, _ = forms.draw_form(grammar, label, random)
            assert text == text.strip() and text
            assert not re.search(r"[{}|<>\\#]", text), text
            assert not re.match(r"(in|on|at(?! least)|since|by|from|until|for|during) ", text), text
