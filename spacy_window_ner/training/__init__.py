"""Registered functions for `spacy train`: reader, augmenters, callbacks, scorer and logger."""
