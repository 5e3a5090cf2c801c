"""Scores → entities, their probabilities and thresholds."""
