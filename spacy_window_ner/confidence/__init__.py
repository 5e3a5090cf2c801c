"""Confidence of the network: calibration, guarantees, and their evaluation on held-out text."""
