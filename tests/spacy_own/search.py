"""Find the tests of the installed spaCy that name its entity recognizer, anywhere on their way."""

import ast
import re
from functools import cache
from pathlib import Path

import spacy

SPACY_TESTS = Path(spacy.__file__).parent / "tests"
# Names that lead to the recognizer; a Scorer without a pipeline makes one that has a `ner`.
NAMES = ("EntityRecognizer", "DEFAULT_NER_MODEL", "BiluoPushDown", "Scorer")
_FACTORY = re.compile(r"\b(beam_)?ner\b")
_ANYTHING = re.compile(rf"{_FACTORY.pattern}|{'|'.join(NAMES)}")


def names_ner(text: str) -> bool:
    """Whether a string has the word `ner` or `beam_ner` in it."""
    return _FACTORY.search(text) is not None


@cache
def find_tests() -> tuple[str, ...]:
    """All tests that name the recognizer, themselves or by what they use, as `file::test`.

    A test uses the helpers, fixtures, constants and parameters of its module that its source has
    the names of, and what these use in turn. So too much is found rather than too little.
    """
    found = []
    for path in sorted(SPACY_TESTS.rglob("test_*.py")):
        source = path.read_text(encoding="utf8")
        if _ANYTHING.search(source):
            file = path.relative_to(SPACY_TESTS).as_posix()
            found += [f"{file}::{test}" for test in _tests_of(ast.parse(source))]
    return tuple(found)


def _tests_of(module: ast.Module) -> list[str]:
    uses = {name: _names_in(node) for node in module.body for name in _defines(node)}
    naming = {
        name for node in module.body if _names_recognizer(node) for name in _defines(node)
    } | set(NAMES)
    while more := {name for name, used in uses.items() if used & naming} - naming:
        naming |= more
    functions = [node.name for node in module.body if isinstance(node, ast.FunctionDef)]
    return [name for name in functions if name.startswith("test_") and name in naming]


def _defines(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _names_in(node: ast.AST) -> set[str]:
    variables = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return variables | {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}


def _names_recognizer(node: ast.AST) -> bool:
    return any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) and names_ner(part.value)
        for part in ast.walk(node)
    )
