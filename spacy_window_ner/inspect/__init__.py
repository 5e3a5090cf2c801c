"""Evaluation, error analysis and explanations of a pipeline, as plain data and as HTML pages."""
