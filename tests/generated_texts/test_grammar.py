"""Annotated text from rules."""

import re
from random import Random

import pytest


def make(grammar, name="text", seed=0):
    return grammar.make(name, Random(seed))


def grammar_of(script, articles=False, **rules):
    grammar = script("grammar").Grammar(articles)
    for name, alternatives in rules.items():
        grammar.add(name, alternatives)
    return grammar


def test_entities_are_made_of_other_rules_and_not_nested(script):
    grammar = grammar_of(
        script,
        city=["<GPE Rome>"],
        text=["<ORG Bank of {city}> in {city}: {City} > {city|} | x"],
    )
    assert make(grammar)[:3] == [("Bank of Rome", "ORG"), (" in ", ""), ("Rome", "GPE")]
    assert "".join(text for text, _ in make(grammar)).endswith("| x")


def test_key_stands_for_the_same_choice_in_one_text(script):
    grammar = grammar_of(
        script, name=[f"<PERSON {i}>" for i in range(500)], text=["{name#1}{name#1}{name#2}"]
    )
    (one, _), (same, _), (other, _) = make(grammar)
    assert one == same != other
    assert make(grammar, seed=1)[0] != (one, "PERSON")


@pytest.mark.parametrize(
    ("form", "low", "high", "pattern"),
    [
        ("{2-4}", 2, 4, r"\d"),
        ("{01-03}", 1, 3, r"0\d"),
        ("{1,000-1,002}", 1000, 1002, r"1,00\d"),
        ("{0.5-0.9}", 0.5, 0.9, r"0\.\d"),
        ("{1,000.00-1,001.00}", 1000, 1001, r"1,00\d\.\d\d"),
    ],
)
def test_numbers_are_in_their_range_and_form(script, form, low, high, pattern):
    grammar = grammar_of(script, text=[form])
    found = {make(grammar, seed=seed)[0][0] for seed in range(60)}
    assert all(re.fullmatch(pattern, text) for text in found)
    assert all(low <= float(text.replace(",", "")) <= high for text in found)
    assert len(found) > 2


def test_weights_are_how_often_alternatives_are_chosen(script):
    grammar = grammar_of(script, text=["9x a", "b"])
    found = [make(grammar, seed=seed)[0][0] for seed in range(300)]
    assert 240 < found.count("a") < 300


def test_article_is_part_of_names_only_where_wanted_and_of_amounts_always(script):
    text = ["<ORG the UN> <DATE the 1990s>"]
    assert make(grammar_of(script, text=text))[:2] == [("the ", ""), ("UN", "ORG")]
    assert make(grammar_of(script, text=text))[-1] == ("the 1990s", "DATE")
    assert make(grammar_of(script, True, text=text))[0] == ("the UN", "ORG")


def test_indefinite_article_goes_with_the_entity_that_follows(script):
    for word, article in {"Irish": "an", "Thai": "a", "18-year": "an", "180": "a"}.items():
        grammar = grammar_of(script, text=[f"a(n) <NORP {word}>. A(n) {word}"])
        found = "".join(text for text, _ in make(grammar))
        assert found == f"{article} {word}. {article.title()} {word}".replace("AN", "An")


@pytest.mark.parametrize("text", ["{a", "a}", "<ORG a", "{a|<ORG b}"])
def test_says_what_cannot_be_read(script, text):
    with pytest.raises(ValueError, match=r"No [}>] after|without its beginning"):
        grammar_of(script, text=[text])


def test_reads_files_and_says_what_is_missing(script, tmp_path):
    path = tmp_path / "rules.txt"
    path.write_text("# a comment\n[text]\n3x a\\n{city}\n\n[other]\nb\n", encoding="utf8")
    grammar = script("grammar").Grammar()
    grammar.read(path)
    assert grammar.unknown() == {"city"}
    grammar.add("city", ["Rome"])
    assert not grammar.unknown()
    assert make(grammar) == [("a\nRome", "")]
    with pytest.raises(ValueError, match="two rules with the name text"):
        grammar.read(path)
    path.write_text("a\n", encoding="utf8")
    with pytest.raises(ValueError, match="line 1: needs a line"):
        grammar.read(path)
