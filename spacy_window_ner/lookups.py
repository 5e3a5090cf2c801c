"""Tables of spaCy's lookups that a config can ask for without requiring them."""

from collections.abc import Sequence

from spacy.lookups import Lookups, load_lookups

from .features import CLUSTER_TABLE


def create_lookups(lang: str, tables: Sequence[str] = (CLUSTER_TABLE,)) -> Lookups:
    """Load tables from the package `spacy-lookups-data`, as far as it is there and has them for
    the language: `spacy_window_ner.lookups.v1` for `[initialize.lookups]`.

    lang (str): The language.
    tables (Sequence[str]): Names of tables.
    RETURNS (Lookups): The tables that were found; of Brown clusters without the words that have
        none, which are four fifths of the English ones and would be saved with the pipeline.
    """
    found = load_lookups(lang, list(tables), strict=False)
    lookups = Lookups()
    for name in found.tables:
        table = found.get_table(name)
        rows = {key: value for key, value in table.items() if value or name != CLUSTER_TABLE}
        lookups.add_table(name, rows)
    return lookups
