"""Which rooms of the package may import which, as `docs/building.md` says."""

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import spacy_window_ner

PACKAGE = Path(spacy_window_ner.__file__).parent
LOW = {"sequences"}
CORE = {"sequences", "objectives", "network", "decoding"}
# The modules beside the rooms: those that the rooms of the core may know, and the others.
SETTINGS = {"labels", "about"}
COMPONENT = {"annotations", "component", "extensions", "isolation", "settings", *SETTINGS}
BASE = {*CORE, *COMPONENT, "files"}
TOOLS = {*BASE, "confidence", "training", "distillation"}
MAY_IMPORT = {
    "sequences": LOW,
    "objectives": LOW | {"objectives"},
    "network": {"sequences", "objectives", "network"},
    "decoding": {"sequences", "objectives", "decoding"},
    "files": {*CORE, *SETTINGS, "files"},
    "": {*BASE, "training"},
    "confidence": {*BASE, "confidence"},
    "training": {*BASE, "confidence", "training"},
    "distillation": TOOLS,
}
EVERYTHING_ELSE = {path.name for path in PACKAGE.iterdir() if path.is_dir()} - {"cli"}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf8"))


def imported(path: Path) -> set[str]:
    """The rooms and the modules beside them that a file imports."""
    parts = path.relative_to(PACKAGE).parts[:-1]
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = parts[: len(parts) - node.level + 1]
            names = [*base, *(node.module or "").split(".")] if node.module else list(base)
            found |= {names[0]} if names else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "spacy_window_ner"
        ):
            found.add((node.module or "").split(".")[1])
    return found - {""}


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_what_its_room_may(path: Path):
    parts = path.relative_to(PACKAGE).parts
    room = parts[0] if len(parts) > 1 else ""
    allowed = MAY_IMPORT.get(room, {*TOOLS, *EVERYTHING_ELSE, room})
    if path.name == "__init__.py" and not room:
        return  # the names that users import
    assert imported(path) <= allowed


def test_few_modules_are_beside_the_rooms():
    assert len(list(PACKAGE.glob("*.py"))) <= 12


# What the modules of a kind have in common: layers, objectives, commands, engines.
COMMON = {"forward", "init", "loss", "imitate", "tag_probabilities", "register"}
COMMON |= {"tag_log_odds", "token_entropies", "annotate", "run"}


def test_no_two_things_have_one_name():
    kinds = (ast.FunctionDef, ast.ClassDef)
    nodes = [node for path in FILES for node in tree_of(path).body]
    named = Counter(node.name for node in nodes if isinstance(node, kinds))
    twice = {name for name, n in named.items() if n > 1 and not name.startswith("_")}
    assert twice <= COMMON
