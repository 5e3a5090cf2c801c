"""Pretraining on raw text: word vectors, and networks that predict masked words."""
