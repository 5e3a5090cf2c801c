"""Sums and maxima over the legal tag sequences of documents."""
