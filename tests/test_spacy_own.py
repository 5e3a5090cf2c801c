"""spaCy's own tests of `ner`, run with the factory `ner` answered by `window_ner`.

They are imported from the installed spaCy, which ships its tests. `spacy_own/search.py` finds all
that name the recognizer, and each of them runs here but for those that `spacy_own/left_out.py`
lists with the reason.
"""

import functools
import importlib
import inspect
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

import pytest
import spacy
from _pytest.fixtures import getfixturemarker
from spacy.pipeline import EntityRecognizer
from spacy.util import ENV_VARS, fix_random_seed

from spacy_window_ner import WindowNER

from .spacy_own.left_out import BUILD_NONE, LEFT_OUT
from .spacy_own.search import SPACY_TESTS, find_tests, names_ner
from .spacy_own.swap import PARSER_NETWORK_SETTINGS, answer_by_window_ner, entity_recognizer

# Parameters whose values all test the same here: the recognizer is that of every language.
ALIKE = ("lang", *PARSER_NETWORK_SETTINGS)


def import_module(file: str) -> ModuleType:
    """Import a file of spaCy's tests. Its marks are registered in spaCy's own settings only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pytest.PytestUnknownMarkWarning)
        return importlib.import_module(f"spacy.tests.{file.removesuffix('.py').replace('/', '.')}")


def fixtures_of(module: ModuleType) -> dict[str, Any]:
    """The fixtures of a module, as members of a class that take no instance."""
    markers = {name: (getfixturemarker(value), value) for name, value in vars(module).items()}
    return {
        name: marker(staticmethod(inspect.unwrap(fixture)))
        for name, (marker, fixture) in markers.items()
        if marker is not None
    }


def on_window_ner(test: Callable) -> Callable:
    """The test with those of its parameters that are about the recognizer."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        test(*args, **kwargs)

    run.pytestmark = [_about_ner(mark) for mark in getattr(test, "pytestmark", [])]  # type: ignore[attr-defined]
    return run


def _about_ner(mark: pytest.Mark) -> pytest.Mark:
    if mark.name != "parametrize":
        return mark
    names, values, *others = mark.args
    values = [value for value in values if _mentions_ner(value)] or values
    if names in ALIKE:
        values = values[:1]
    swapped = [_swap(value) for value in values]
    return pytest.mark.parametrize(names, swapped, *others, **mark.kwargs).mark


def _mentions_ner(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_mentions_ner(part) for part in value)
    return value is EntityRecognizer or (isinstance(value, str) and names_ner(value))


def _swap(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_swap(part) for part in value)
    return entity_recognizer if value is EntityRecognizer else value


class SpacyTests:
    """What the classes of spaCy's tests have in common: one class for each file."""

    module: ModuleType
    file: str

    @pytest.fixture(autouse=True)
    def window_ner(self, request: pytest.FixtureRequest, monkeypatch: Any) -> Iterator[None]:
        fix_random_seed(0)
        # `spacy train` would go on for 1,600 steps after the last gain, on two sentences.
        monkeypatch.setenv(ENV_VARS.CONFIG_OVERRIDES, "--training.max_steps 20")
        built = answer_by_window_ner(monkeypatch, self.module)
        yield
        names_it_only = f"{self.file}::{request.node.originalname}" in BUILD_NONE
        assert bool(built) != names_it_only


def class_of(file: str, tests: list[str]) -> type:
    """A test class with tests of one of spaCy's files, and its fixtures."""
    module = import_module(file)
    words = re.findall("[a-z0-9]+", file.removesuffix(".py").replace("test_", ""))
    name = "Test" + "".join(word.capitalize() for word in words)
    members = {test: staticmethod(on_window_ner(getattr(module, test))) for test in tests}
    fixtures = fixtures_of(import_module("conftest.py")) | fixtures_of(module)
    return type(name, (SpacyTests,), {"module": module, "file": file, **fixtures, **members})


def classes() -> dict[str, type]:
    """A class for each file with tests that run here, by its name."""
    tests: dict[str, list[str]] = {}
    for found in find_tests():
        file, test = found.split("::")
        if found not in LEFT_OUT:
            tests.setdefault(file, []).append(test)
    made = [class_of(file, names) for file, names in tests.items()]
    return {cls.__name__: cls for cls in made}


CLASSES = classes()
globals().update(CLASSES)


def listed(tests: Iterable[str]) -> set[str]:
    """Those of the tests whose file this release of spaCy has."""
    return {test for test in tests if (SPACY_TESTS / test.split("::")[0]).exists()}


def source_of(found: str) -> str:
    file, test = found.split("::")
    return inspect.getsource(getattr(import_module(file), test))


def test_all_that_are_found_run_or_are_left_out_with_a_reason():
    running = {
        f"{cls.file}::{name}"
        for cls in CLASSES.values()
        for name in vars(cls)
        if name.startswith("test_")
    }
    assert running.isdisjoint(LEFT_OUT)
    assert running | listed(LEFT_OUT) == set(find_tests())
    assert listed(BUILD_NONE) <= running


@pytest.mark.parametrize("found", sorted(listed(LEFT_OUT)))
def test_what_is_left_out_looks_at_what_its_reason_names(found):
    assert re.search(LEFT_OUT[found].sign, source_of(found))


def test_the_signs_of_the_reasons_are_in_nothing_that_runs():
    reasons = set(LEFT_OUT.values())
    for found in set(find_tests()) - set(LEFT_OUT):
        source = source_of(found)
        assert not [reason for reason in reasons if re.search(reason.sign, source)], found


@pytest.mark.parametrize(
    ("found", "by"),
    [
        ("parser/test_ner.py::test_empty_ner", "its own body"),
        ("training/test_training.py::test_tuple_format_implicit", "a function that it calls"),
        ("training/test_logger.py::test_console_logger", "a fixture"),
        ("pipeline/test_tok2vec.py::test_replace_listeners_from_config", "a constant"),
        ("test_cli.py::test_init_labels", "its parameters"),
        ("doc/test_add_entities.py::test_ents_reset", "the class"),
        ("test_scorer.py::test_ner_per_type", "a scorer of its own pipeline"),
    ],
)
def test_search_finds_what_names_the_recognizer_by(found, by):
    assert found in find_tests(), by


def test_search_finds_nothing_else():
    others = ["parser/test_ner.py::test_issue2385", "pipeline/test_tok2vec.py::test_init_tok2vec"]
    for found in others:
        assert source_of(found)
    assert not set(others) & set(find_tests())


def test_parameters_that_are_not_about_the_recognizer_do_not_run():
    marks = vars(CLASSES["TestTrainingRehearse"])["test_rehearse"].__func__.pytestmark
    assert [mark.args for mark in marks] == [("component", ["ner"])]


def test_the_swap_ends(monkeypatch):
    module = import_module("doc/test_add_entities.py")
    with monkeypatch.context() as patch:
        built = answer_by_window_ner(patch, module)
        names = {"update_with_oracle_cut_size": 7, "incorrect_spans_key": "wrong"}
        pipe = spacy.blank("en").add_pipe("beam_ner", name="mine", config=names)
        assert built == [pipe]
        assert isinstance(pipe, WindowNER)
        assert (pipe.name, pipe.incorrect_spans_key) == ("mine", "wrong")
        assert module.EntityRecognizer is entity_recognizer
    assert isinstance(spacy.blank("en").add_pipe("ner"), EntityRecognizer)
    assert module.EntityRecognizer is EntityRecognizer
    assert built == [pipe]
