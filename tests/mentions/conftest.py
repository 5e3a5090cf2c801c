"""Fixtures of the database of names."""

import sqlite3
from collections.abc import Iterator

import pytest

from spacy_window_ner.mentions.database import reading

from .texts import index_texts


@pytest.fixture(scope="session")
def database(tmp_path_factory):
    """The path of a database of `TEXTS`. Tests do not change it."""
    folder = tmp_path_factory.mktemp("names")
    index_texts(folder)
    return folder / "names.db"


@pytest.fixture
def connection(database) -> Iterator[sqlite3.Connection]:
    """The same database, open for reading."""
    with reading(database) as connection:
        yield connection
