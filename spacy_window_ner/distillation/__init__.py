"""Distillation: a window network learns the entities or probabilities of other pipelines."""
