"""Fixtures that several test files use."""

import gc
from collections.abc import Iterable, Iterator
from functools import partial
from importlib.metadata import EntryPoint

import pytest
from catalogue import Registry
from hypothesis import settings
from spacy.lang.en import English
from spacy.lang.tokenizer_exceptions import BASE_EXCEPTIONS
from spacy.language import Language
from spacy.lookups import Lookups
from srsly import msgpack

from .browser import browser  # noqa: F401 - a fixture
from .pipelines import copy_of, shared

# Every run tries the same few cases; with --hypothesis-profile=thorough it tries many new ones.
# `helpers.examples` scales the number for each test.
settings.register_profile("quick", max_examples=30, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=500, deadline=None, print_blob=True)
settings.load_profile("quick")


# While modules are imported there is little garbage to collect and much to search it in.
gc.disable()


def pytest_collection_finish() -> None:
    """Collect the garbage of the tests, and search no more in what was imported."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def plugins_are_searched_for_once() -> Iterator[None]:
    """spaCy searches all installed packages for plugins whenever it looks up a function, and srsly
    at every value that it packs or unpacks. Both would take more time than what is tested.
    """
    search = Registry._get_entry_points
    found: dict[str, Iterable[EntryPoint]] = {}

    def remembered(registry: Registry) -> Iterable[EntryPoint]:
        group = registry.entry_point_namespace
        if group not in found:
            found[group] = search(registry)
        return found[group]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Registry, "_get_entry_points", remembered)
        for registry in (msgpack.msgpack_encoders, msgpack.msgpack_decoders):
            patch.setattr(registry, "get_all", partial(dict, registry.get_all()))
        yield


@pytest.fixture(scope="session", autouse=True)
def few_tokenizer_exceptions() -> Iterator[None]:
    """English pipelines are made and loaded four times as fast without their thousand contractions,
    which nothing here is about.
    """
    exceptions = English.Defaults.tokenizer_exceptions
    few = {word: exceptions[word] for word in exceptions if word.endswith(".")} | BASE_EXCEPTIONS
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(English.Defaults, "tokenizer_exceptions", few)
        yield


@pytest.fixture
def trained_nlp() -> Language:
    """A pipeline that has learned `SENTENCES`. Tests do not change it."""
    return shared()


@pytest.fixture
def trained_copy(trained_nlp: Language) -> Language:
    """A copy of `trained_nlp` to change."""
    return copy_of(trained_nlp)


@pytest.fixture
def small_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few Brown clusters in place of those of spacy-lookups-data, which take seconds to load."""

    def load(lang: str, tables: list[str], strict: bool) -> Lookups:
        lookups = Lookups()
        for name in tables:
            lookups.add_table(name, {"ann": 5, "bob": 21, "rome": 10, "saw": 3})
        return lookups

    monkeypatch.setattr("spacy_window_ner.training.lookups.load_lookups", load)
