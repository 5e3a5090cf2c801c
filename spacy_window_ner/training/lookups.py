"""Tables of spaCy's lookups that a config can name without requiring them."""

from collections.abc import Sequence

from spacy.lookups import Lookups, load_lookups

from ..network.lexicon import CLUSTER_TABLE


def create_lookups(lang: str, tables: Sequence[str] = (CLUSTER_TABLE,)) -> Lookups:
    """Load tables from the package `spacy-lookups-data`, those that it has for the language:
    `spacy_window_ner.lookups.v1` for `[initialize.lookups]`.

    lang (str): The language.
    tables (Sequence[str]): Names of tables.
    RETURNS (Lookups): The tables that were found. That of Brown clusters has no words without a
        cluster, which are four fifths of the English ones and would be saved with the pipeline.
    """
    found, lookups = load_lookups(lang, list(tables), strict=False), Lookups()
    for name in found.tables:
        rows = found.get_table(name).items()
        lookups.add_table(name, {key: row for key, row in rows if row or name != CLUSTER_TABLE})
    return lookups
