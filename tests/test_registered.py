"""What spaCy finds by name: the entry points of the installed package."""

from importlib.metadata import entry_points

import pytest
from catalogue import REGISTRY
from spacy import registry

GROUPS = ("architectures", "augmenters", "callbacks", "loggers", "misc", "readers", "scorers")
NAMED = [
    point
    for group in GROUPS
    for point in entry_points(group=f"spacy_{group}")
    if point.name.startswith("spacy_window_ner.")
]


@pytest.mark.parametrize("point", NAMED, ids=lambda point: point.name)
def test_spacy_finds_it(point):
    function = registry.get(point.group.removeprefix("spacy_"), point.name)
    assert f"{function.__module__}:{function.__name__}" == point.value


def test_all_names_are_in_one_place():
    """No decorator registers them besides: that would be found after an import only."""
    assert {point.load().__name__ for point in NAMED} >= {"window_classifier", "create_corpus"}
    assert [name for *_, name in REGISTRY if name.startswith("spacy_window_ner.")] == []
