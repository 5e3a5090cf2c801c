"""Learning from few annotated documents."""
