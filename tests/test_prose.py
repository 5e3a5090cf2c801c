"""Phrases that readers stumbled over do not come back: in the documentation, cards and messages."""

import ast
import re
from pathlib import Path

import pytest

from .documentation import PAGES, ROOT

CARDS = sorted((ROOT / "models" / "templates").glob("*.md"))
FURTHER = ("SECURITY.md", "benchmarks/README.md", "models/README.md")
TEXTS = [*PAGES, *(ROOT / name for name in FURTHER), *CARDS]

# What not to write, what to write in its place, and a sentence that the documentation once had.
RULES = [
    (r"ask(s|ed)? for it\b", "say how", "If a mistake is worse than a missed name, ask for it"),
    (r"\bin some seconds\b", "in a few seconds", "trains a small pipeline, in some seconds"),
    (r"\bof no use\b", "not useful", "what it has learned is of no use on other text"),
    (r"\bdo otherwise\b", "what changes", "What you do otherwise:"),
    (
        r"\b(keeps?|kept) (the|a|this) promise",
        "the guarantee holds",
        "new documents keep the promise",
    ),
    (r"\ba high price\b", "is expensive", "Few documents are a high price"),
    (r"\bin short,", "prints a summary", "It prints the figures in short, and writes a page"),
    (r"\bfrom anywhere\b", "works offline", "one file that loads nothing from anywhere"),
    (r"\btoo much at a time\b", "the request is too large", "Too much at a time gets status 413"),
    (
        r"\bis not text without\b",
        "is not annotated",
        "Text that nobody has annotated is not text without names",
    ),
    (r"\bbut for\b", "except", "all files of these kinds are read, but for hidden ones"),
    (
        r"\b(is|are) (another|other) \w+ than\b",
        "differs from",
        "an abbreviation is another name than a word",
    ),
    (
        r"\bwhat is missing to\b",
        "the rest",
        "What is missing to 1 are entities that it does not find",
    ),
    (
        r"(?<!there )(?<!which )\bis no (?!longer\b|more\b|lower\b|faster\b|slower\b)",
        "is not a",
        "The body is no JSON",
    ),
    (r"\bin the way of\b", "does not matter", "a file that is in the way of nobody"),
    (r"\bbeside(s)?\b", "next to, in addition", "or is beside one that has"),
    (r"\bare read as\b", "confusion matrix", "which labels are read as which"),
    (r"\bclaims too much\b", "is overconfident", "claims too much elsewhere"),
    (r"\bbehind the other\b", "after", "the vectors of 2k + 1 words, one behind the other"),
    (r"\bare other(s| ones)\b", "have changed, differ", "even if its labels are other ones"),
    (
        r"\bfor what they cost\b",
        "for the effort",
        "by the entropy of their tag sequences for what they cost",
    ),
    (r"\bworth most\b", "help most", "names are worth most for the first answer"),
    (r"\banew\b", "again", "the command that annotates them anew"),
    (r"\bgo(es)? on\b(?! learning)", "continue", "the same command goes on at the same text"),
    (
        r"\b(take|takes|took|in) the place of\b",
        "replace",
        "takes the place of another pipeline's `ner`",
    ),
    (r"\b(say|says|said) so\b", "be specific", "Where it has only some of them, say so"),
    (
        r"\bbeg[aiu]n(s|ning)? from\b",
        "start from",
        "begin from a network that has learned other annotation",
    ),
    (r"\bby heart\b", "overfits", "A network that has learned its training data by heart"),
    (
        r"\bhold(s)? the annotation against\b",
        "compares",
        "and holds the annotation against what the network reads",
    ),
    (r"\b(told|tells|tell) apart\b", "distinguish", "Documents are told apart by file and line"),
    (r"\bwait for ever\b", "forever", "steps like `read_parquet` or `repartition` wait for ever"),
    (
        r"\bknows? (nothing|next to nothing)\b",
        "untrained, unrelated",
        "a network that knows next to nothing yet",
    ),
    (r"\bas it is:", "ready", "is a service as it is:"),
    (r"\bthe surest\b|\bsurest of\b", "most certain", "those first that the network is surest of"),
    (
        r"\bof a (laptop|folder), all\b",
        "from a folder",
        "Of a folder, all files of these kinds are read",
    ),
]


SOURCES = sorted(
    path
    for path in (ROOT / "spacy_window_ner").rglob("*")
    if path.suffix in (".py", ".html", ".js", ".cfg")
)


def find(text: str) -> list[tuple[str, str]]:
    """Find what the rules forbid. RETURNS: The words around it, and what to write instead."""
    text = " ".join(text.split())
    return [
        (text[max(0, match.start() - 40) : match.end() + 40], advice)
        for pattern, advice, _ in RULES
        for match in re.finditer(pattern, text, re.I)
    ]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_read_well(path: Path):
    text = path.read_text(encoding="utf8")
    prose = re.sub(r"^( *)```.*?^\1```$|<!--.*?-->", "", text, flags=re.M | re.S)
    assert find(prose) == []


def read_strings(path: Path) -> str:
    """What users may see of a file: strings of a module, with docstrings of commands only."""
    text = path.read_text(encoding="utf8")
    if path.suffix != ".py":
        return re.sub(r"{%.*?%}|{{.*?}}|^\s*(//|/?\*|#).*?$", "", text, flags=re.M | re.S)
    tree = ast.parse(text)
    hidden = set()  # docstrings, and parts of f-strings, which are read as a whole
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            hidden.update(node.values)
        elif isinstance(node, ast.Expr) and path.parent.name != "cli":
            hidden.add(node.value)
    return "\n".join(
        "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant | ast.JoinedStr) and node not in hidden
        for parts in [getattr(node, "values", [node])]
    )


def test_messages_read_well():
    found = {str(path.relative_to(ROOT)): find(read_strings(path)) for path in SOURCES}
    assert {name: phrases for name, phrases in found.items() if phrases} == {}


@pytest.mark.parametrize("rule", RULES, ids=[rule[1] for rule in RULES])
def test_every_rule_finds_what_it_is_for(rule: tuple[str, str, str]):
    _, advice, example = rule
    assert advice in [said for _, said in find(example)]


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf8").splitlines()) <= 150
