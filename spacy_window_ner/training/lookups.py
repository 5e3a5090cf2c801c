"""Optional lookup tables for a config."""

from collections.abc import Sequence

from spacy.lookups import Lookups, load_lookups

from ..network.lexicon import CLUSTER_TABLE


def create_lookups(lang: str, tables: Sequence[str] = (CLUSTER_TABLE,)) -> Lookups:
    """Load the tables that the package `spacy-lookups-data` has for a language:
    `spacy_window_ner.lookups.v1` for `[initialize.lookups]`.

    lang (str): The language.
    tables (Sequence[str]): Names of tables.
    RETURNS (Lookups): The tables that were found. Words without a cluster are removed from the
        table of Brown clusters, since they are four fifths of the English words and would be saved
        with the pipeline.
    """
    found, lookups = load_lookups(lang, list(tables), strict=False), Lookups()
    for name in found.tables:
        rows = found.get_table(name).items()
        lookups.add_table(name, {key: row for key, row in rows if row or name != CLUSTER_TABLE})
    return lookups
