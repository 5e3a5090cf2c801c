"""Helpers of `test_spacy_own.py`, which runs spaCy's tests of `ner` on `window_ner`."""
