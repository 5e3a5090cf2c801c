"""The version of the distribution, read by the build without importing spaCy."""

__version__ = "1.0.0"
