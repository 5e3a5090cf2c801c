"""Fixtures that several test files use."""

from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import settings
from spacy.language import Language
from spacy.lookups import Lookups
from srsly import msgpack

from .pipelines import copy_of, shared

# Every run tries the same few cases; with --hypothesis-profile=thorough it tries many new ones.
# `helpers.examples` scales the number for each test.
settings.register_profile("quick", max_examples=30, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=500, deadline=None, print_blob=True)
settings.load_profile("quick")


@pytest.fixture(scope="session", autouse=True)
def no_search_for_plugins() -> Iterator[None]:
    """srsly searches all installed packages for plugins at every value that it packs or unpacks.

    Saving and loading networks would take more time with that than all else.
    """
    with pytest.MonkeyPatch.context() as patch:
        for registry in (msgpack.msgpack_encoders, msgpack.msgpack_decoders):
            patch.setattr(registry, "get_all", partial(dict, registry.get_all()))
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
