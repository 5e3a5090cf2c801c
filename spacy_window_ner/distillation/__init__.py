"""A window network learns from other pipelines: their entities, or their probabilities."""
